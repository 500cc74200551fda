"""The grid of codes of a clip, with its mix. People edit this grid."""

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from distill.codes import grid_files
from distill.codes.lengths import MOST_CODES, SAMPLES_PER_FRAME, TIME_STRIDES, check_time_stride, column_seconds
from distill.codes.mixing import FULL, gains_of, to_mix
from distill.errors import GridError
from distill.settings import DEFAULTS, Settings


@dataclass(frozen=True, eq=False)
class CodeGrid:
    """The codes of a clip. Immutable. Two grids are equal if they hold the same values.

    Attributes
    ----------
    indices : ndarray of int64 [levels, rows, columns]
        Codes in [0, codebook_size). Level 0 is the coarsest, row 0 has the lowest frequency, and a column covers
        ``time_stride`` frames.
    num_frames : int
        Number of log-mel frames of the clip; ``columns = ceil(num_frames / time_stride)``.
    model_id : str
        Identifier of the codec that made the codes.
    codebook_size : int
        Number of entries in the codebook of each level.
    num_samples : int
        Length of the clip in samples at 44 100 Hz; by default all samples of its frames, ``num_frames * 512``. A clip
        rarely ends where a frame ends: ``num_frames = ceil(num_samples / 512)``.
    time_stride : int
        Number of frames in a column: 16 (186 ms), 8 (93 ms) or 4 (46 ms).
    mix : ndarray of uint8 [levels, rows, columns] or None
        Fader and mute of each cell, as :mod:`distill.codes.mixing` has them. None if every fader is at 1 and nothing
        is muted: a mix that changes nothing becomes None.

    Raises
    ------
    GridError
        On construction, if the parts do not fit together or a code is out of range.

    Examples
    --------
    >>> grid = CodeGrid(np.zeros((3, 8, 2), dtype=int), num_frames=20, model_id="0a1b", codebook_size=64)
    >>> grid.levels, grid.rows, grid.columns
    (3, 8, 2)
    >>> grid.num_samples, grid.num_bits
    (10240, 288.0)
    >>> grid == grid.with_indices(np.ones((3, 8, 2), dtype=int))
    False
    """

    indices: np.ndarray
    num_frames: int
    model_id: str
    codebook_size: int
    num_samples: int = 0
    time_stride: int = TIME_STRIDES[0]
    mix: np.ndarray | None = None

    def __post_init__(self) -> None:
        given = np.asarray(self.indices)
        if given.ndim != 3 or not np.issubdtype(given.dtype, np.integer) or given.size == 0:
            raise GridError("A grid needs whole numbers in three dimensions: levels, rows, columns.")
        indices = given.astype(np.int64, order="C")
        if not 1 <= self.codebook_size <= MOST_CODES:
            raise GridError(f"A grid's codebook size must be from 1 to {MOST_CODES}, got {self.codebook_size}.")
        if indices.min() < 0 or indices.max() >= self.codebook_size:
            worst = indices.min() if indices.min() < 0 else indices.max()
            raise GridError(f"Code {worst} is out of range: this codec has codes 0 to {self.codebook_size - 1}.")
        check_time_stride(self.time_stride)
        if indices.shape[2] != -(-self.num_frames // self.time_stride):
            each = "" if self.time_stride == TIME_STRIDES[0] else f" of {self.time_stride} frames"
            raise GridError(f"{indices.shape[2]} columns{each} do not fit a clip of {self.num_frames} frames.")
        num_samples = self.num_samples or self.num_frames * SAMPLES_PER_FRAME
        if -(-num_samples // SAMPLES_PER_FRAME) != self.num_frames:
            raise GridError(f"{num_samples} samples do not fit a clip of {self.num_frames} frames.")
        object.__setattr__(self, "num_samples", num_samples)
        indices.flags.writeable = False
        object.__setattr__(self, "indices", indices)
        object.__setattr__(self, "mix", None if self.mix is None else to_mix(self.mix, indices.shape))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CodeGrid):
            return NotImplemented
        return self.identity == other.identity and np.array_equal(self.cells, other.cells)

    def __hash__(self) -> int:
        return hash((self.identity, self.cells.tobytes()))

    @property
    def identity(self) -> tuple[int, int, str, int, int]:
        """What all edits of a clip have in common: samples, frames, ``model_id``, codebook size and time stride."""
        return self.num_samples, self.num_frames, self.model_id, self.codebook_size, self.time_stride

    @property
    def levels(self) -> int:
        return self.indices.shape[0]

    @property
    def rows(self) -> int:
        return self.indices.shape[1]

    @property
    def columns(self) -> int:
        return self.indices.shape[2]

    @property
    def column_seconds(self) -> float:
        """Seconds that a column spans."""
        return column_seconds(self.time_stride)

    @property
    def num_bits(self) -> float:
        """Bits of all codes, uncompressed: log2(codebook size) for each."""
        return self.indices.size * math.log2(self.codebook_size)

    @property
    def gains(self) -> np.ndarray:
        """The gain of each cell, float32 [levels, rows, columns], from 0 (muted) to 1.5."""
        return gains_of(self.faders)

    @property
    def faders(self) -> np.ndarray:
        """The mix, uint8 [levels, rows, columns], also where it is None."""
        return np.full(self.indices.shape, FULL, dtype=np.uint8) if self.mix is None else self.mix

    @property
    def cells(self) -> np.ndarray:
        """All that can be edited, uint16: the codes, flat, then the mix, flat. The history counts places in it."""
        return np.concatenate([self.indices.ravel().astype(np.uint16), self.faders.ravel().astype(np.uint16)])

    def with_indices(self, indices: np.ndarray) -> "CodeGrid":
        """Return a grid of the same clip with other codes and the same mix."""
        return replace(self, indices=indices)

    def with_mix(self, mix: np.ndarray | None) -> "CodeGrid":
        """Return a grid of the same clip with the same codes and another mix."""
        return replace(self, mix=mix)

    def with_cells(self, cells: np.ndarray) -> "CodeGrid":
        """Return a grid of the same clip with other :attr:`cells`."""
        indices, mix = cells.reshape(2, *self.indices.shape)
        return replace(self, indices=indices, mix=mix)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the grid as ``.npz`` or ``.json``; the suffix of the file name decides which.

        Raises
        ------
        GridError
            If the file name has another suffix.

        Examples
        --------
        >>> import tempfile
        >>> grid = CodeGrid(np.zeros((3, 8, 2), dtype=int), num_frames=20, model_id="0a1b", codebook_size=64)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     grid.save(f"{folder}/grid.npz")
        ...     CodeGrid.load(f"{folder}/grid.npz") == grid
        True
        """
        grid_files.write(self._contents(), Path(path))

    def to_dict(self) -> dict[str, Any]:
        """Return the grid as a dict of numbers, lists and strings that JSON can hold."""
        return self._contents().to_dict()

    def _contents(self) -> grid_files.Contents:
        facts = (self.num_frames, self.model_id, self.codebook_size, self.num_samples, self.time_stride)
        return grid_files.Contents(grid_files.Facts(grid_files.FORMAT, *facts), self.indices, self.mix)

    @classmethod
    def _of(cls, contents: grid_files.Contents) -> "CodeGrid":
        facts = contents.facts
        lengths = facts.num_samples or 0, facts.time_stride
        return cls(contents.indices, facts.num_frames, facts.model_id, facts.codebook_size, *lengths, contents.mix)

    def to_text(self) -> str:
        """Return the grid as one line of text for sharing.

        With 64 codes per level and a time stride of 16, the text has about 45 characters per level and second. The
        mix, if there is one, is a part of its own at the end.

        Examples
        --------
        >>> grid = CodeGrid(np.zeros((3, 8, 2), dtype=int), num_frames=20, model_id="0a1b", codebook_size=64)
        >>> text = grid.to_text()
        >>> text.startswith("distill1.0a1b.64.20.3.8.")
        True
        >>> CodeGrid.from_text(text) == grid
        True
        """
        return grid_files.to_text(self._contents())

    @classmethod
    def from_text(cls, text: str, *, settings: Settings = DEFAULTS) -> "CodeGrid":
        """Read a grid from the text that :meth:`to_text` returns.

        Parameters
        ----------
        text : str
            Text of a grid. White space is ignored.
        settings : Settings
            Limits; only ``grid_bytes`` and ``grid_columns`` are read.

        Raises
        ------
        GridError
            If the text is not a grid, is incomplete, or describes a grid that is too large.
        """
        return cls._of(grid_files.from_text(text, settings))

    @classmethod
    def from_dict(cls, given: Any, *, settings: Settings = DEFAULTS) -> "CodeGrid":
        """Read a grid from what :meth:`to_dict` returns, or what JSON made of it.

        Parameters
        ----------
        given : object
            Contents of a grid; a value from a stranger may be anything.
        settings : Settings
            Limits; only ``grid_bytes`` and ``grid_columns`` are read.

        Raises
        ------
        GridError
            If this is not a grid, is incomplete, or describes a grid that is too large.

        Examples
        --------
        >>> grid = CodeGrid(np.zeros((3, 8, 2), dtype=int), num_frames=20, model_id="0a1b", codebook_size=64)
        >>> CodeGrid.from_dict(grid.to_dict()) == grid
        True
        """
        return cls._of(grid_files.from_dict(given, settings))

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, settings: Settings = DEFAULTS) -> "CodeGrid":
        """Read a grid from a ``.npz`` or ``.json`` file. The content of the file decides its format, not its name.

        Parameters
        ----------
        path : path-like
        settings : Settings
            Limits; only ``grid_bytes`` and ``grid_columns`` are read.

        Raises
        ------
        GridError
            If the file is missing, damaged, too large or not a grid, or if a code is out of range.
        """
        path = Path(path)
        try:
            return cls._of(grid_files.read(path, settings))
        except GridError as error:
            message = str(error)
            raise GridError(message if path.name in message else f"{path.name}: {message}") from error
