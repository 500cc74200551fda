"""The grid of codes of a clip, and its two file formats and its text format. People edit this grid."""

import base64
import io
import json
import math
import os
import re
import string
import struct
import zipfile
import zlib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, TypeAdapter

from distill.errors import GridError
from distill.settings import DEFAULTS, Settings
from distill.strict import OPEN, FailFast

FORMAT: Literal["distill-grid"] = "distill-grid"
TEXT_IN_FRAMES, TEXT_IN_SAMPLES, TEXT_WITH_STRIDE = "distill1", "distill2", "distill3"
"""Names of the text format: the length of the clip is given in frames, or, if it ends within a frame, in samples. The
third gives samples and then the time stride, and is used where that is not 16."""
TIME_STRIDES = (16, 8, 4)
"""Frames that a column may span: 186, 93 or 46 ms. The first is that of grids and codecs that do not name theirs."""
SAMPLES_PER_FRAME, SAMPLES_PER_SECOND = 512, 44_100
MOST_CODES = 65_536
"""Largest size of a codebook: files store codes as 16-bit integers."""
MOST_LINES = 64
"""Largest number of levels times rows in a grid that is read. Codecs have up to 4 levels of 8 rows."""
_ARRAY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00.."
    rb"\{'descr': '([<>|][iuU]\d{1,4})', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\), \} *\n",
    re.DOTALL,
)
_NO_SPACE = str.maketrans("", "", string.whitespace + "\N{NO-BREAK SPACE}")
_DAMAGE = (
    *(OSError, EOFError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
"""Exceptions that numpy, zipfile and json raise for a damaged file."""


@dataclass(frozen=True)
class _Facts:
    """The contents of a grid file except the codes; see :class:`CodeGrid`."""

    __pydantic_config__ = OPEN

    format: Literal["distill-grid"]
    num_frames: Annotated[int, Field(ge=1)]
    model_id: Annotated[str, Field(pattern="^[A-Za-z0-9 _-]{1,64}$")]
    codebook_size: Annotated[int, Field(ge=1, le=MOST_CODES)]
    num_samples: Annotated[int, Field(ge=1)] | None = None
    """None in files from before grids knew it; then the clip has all samples of its frames."""
    time_stride: Annotated[int, Field(ge=1, le=1_000_000)] = TIME_STRIDES[0]
    """16 in files from before grids knew it."""

    def check_size(self, shape: tuple[int, ...], settings: Settings) -> None:
        """Raise a GridError or ValueError if a grid of the shape (levels, rows, columns) exceeds the limits."""
        check_time_stride(self.time_stride)
        *lines, columns = shape
        most = settings.grid_columns * TIME_STRIDES[0] // self.time_stride
        if max(columns, -(-self.num_frames // self.time_stride)) > most:
            raise GridError(f"A grid that is opened can have up to {most} columns, and this one has more.")
        if min(lines, default=1) < 1 or math.prod(lines) > MOST_LINES:
            raise ValueError("no such grid")


def column_seconds(time_stride: int) -> float:
    """Seconds that a column of ``time_stride`` frames spans.

    Examples
    --------
    >>> [round(column_seconds(time_stride), 3) for time_stride in TIME_STRIDES]
    [0.186, 0.093, 0.046]
    """
    return time_stride * SAMPLES_PER_FRAME / SAMPLES_PER_SECOND


def check_time_stride(time_stride: int) -> None:
    """Raise a GridError unless a grid's columns may span so many frames."""
    if time_stride not in TIME_STRIDES:
        raise GridError(f"A column of a grid spans 16, 8 or 4 frames, not {time_stride}.")


_Row = Annotated[list[int], FailFast()]
_Level = Annotated[list[_Row], FailFast()]


@dataclass(frozen=True, kw_only=True)
class _Written(_Facts):
    """The contents of a grid file in JSON. The codes are nested lists [levels, rows, columns]."""

    indices: Annotated[list[_Level], FailFast()]


_FACTS, _WRITTEN = TypeAdapter(_Facts), TypeAdapter(_Written)
_PARTS = ("indices", *(part.name for part in fields(_Facts)))
_LATER_PARTS = ("num_samples", "time_stride")
"""Parts that files of earlier versions lack."""


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

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CodeGrid):
            return NotImplemented
        return self._key() == other._key() and np.array_equal(self.indices, other.indices)

    def __hash__(self) -> int:
        return hash((self._key(), self.indices.tobytes()))

    def _key(self) -> tuple[int, int, str, int, int]:
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

    def with_indices(self, indices: np.ndarray) -> "CodeGrid":
        """Return a grid of the same clip with other codes."""
        return replace(self, indices=indices)

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
        path = Path(path)
        if path.suffix == ".npz":
            arrays: dict[str, Any] = {part: np.array(value) for part, value in asdict(self._facts()).items()}
            np.savez_compressed(path, indices=self.indices.astype(np.uint16), **arrays)
        elif path.suffix == ".json":
            path.write_text(json.dumps(self.to_dict()), encoding="utf-8")
        else:
            raise GridError(f"{path.name} must end in .npz or .json.")

    def to_dict(self) -> dict[str, Any]:
        """Return the grid as a dict of numbers, lists and strings that JSON can hold."""
        return asdict(self._facts()) | {"indices": self.indices.tolist()}

    def _facts(self) -> _Facts:
        return _Facts(FORMAT, self.num_frames, self.model_id, self.codebook_size, self.num_samples, self.time_stride)

    def to_text(self) -> str:
        """Return the grid as one line of text for sharing.

        With 64 codes per level and a time stride of 16, the text has about 45 characters per level and second.

        Examples
        --------
        >>> grid = CodeGrid(np.zeros((3, 8, 2), dtype=int), num_frames=20, model_id="0a1b", codebook_size=64)
        >>> text = grid.to_text()
        >>> text.startswith("distill1.0a1b.64.20.3.8.")
        True
        >>> CodeGrid.from_text(text) == grid
        True
        """
        is_whole = self.num_samples == self.num_frames * SAMPLES_PER_FRAME
        name, *numbers = (TEXT_IN_FRAMES, self.num_frames) if is_whole else (TEXT_IN_SAMPLES, self.num_samples)
        if self.time_stride != TIME_STRIDES[0]:
            name, *numbers = TEXT_WITH_STRIDE, self.num_samples, self.time_stride
        header = [name, self.model_id, *map(str, (self.codebook_size, *numbers, *self.indices.shape[:2]))]
        width = max(1, (self.codebook_size - 1).bit_length())
        bits = (self.indices.ravel()[:, None] >> np.arange(width)[::-1]) & 1
        packed = zlib.compress(np.packbits(bits.astype(np.uint8)).tobytes(), 9)
        return ".".join([*header, base64.urlsafe_b64encode(packed).decode().rstrip("=")])

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
        try:
            if len(text) > settings.grid_bytes:
                raise GridError("That text is too long to be a grid of codes.")
            name, model_id, *numbers, body = text.translate(_NO_SPACE).split(".", 7)
            size, length, *strides, levels, rows = map(int, numbers)
            (time_stride,) = strides if name == TEXT_WITH_STRIDE else (*strides, TIME_STRIDES[0])
            num_samples = length * {TEXT_IN_FRAMES: SAMPLES_PER_FRAME, TEXT_IN_SAMPLES: 1, TEXT_WITH_STRIDE: 1}[name]
            num_frames = -(-num_samples // SAMPLES_PER_FRAME)
            facts = {"format": FORMAT, "num_frames": num_frames, "model_id": model_id, "codebook_size": size}
            checked = _checked(facts | {"time_stride": time_stride})
            shape = (levels, rows, -(-num_frames // time_stride))
            checked.check_size(shape, settings)
            count, width = math.prod(shape), max(1, (size - 1).bit_length())
            num_bytes = -(-count * width // 8)
            unpacker = zlib.decompressobj()
            data = unpacker.decompress(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), num_bytes + 1)
            if len(data) != num_bytes or not unpacker.eof:
                raise ValueError("cut short")
            bits = np.unpackbits(np.frombuffer(data, np.uint8), count=count * width).reshape(count, width)
            indices = (bits.astype(np.int64) @ (1 << np.arange(width)[::-1])).reshape(shape)
        except GridError:
            raise
        except _DAMAGE as error:
            raise GridError("That text is not a grid of codes, or a part of it is missing.") from error
        return cls(indices, num_frames, model_id, size, num_samples, time_stride)

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
            with path.open("rb") as file:
                content = file.read(settings.grid_bytes + 1)
            if len(content) > settings.grid_bytes:
                raise GridError(f"{path.name} is too large to be a grid of codes.")
            indices, facts = _read_npz(content, settings) if content.startswith(b"PK") else _read_json(content)
            facts.check_size(indices.shape, settings)
            size, num_samples = facts.codebook_size, facts.num_samples or 0
            return cls(indices, facts.num_frames, facts.model_id, size, num_samples, facts.time_stride)
        except GridError as error:
            message = str(error)
            raise GridError(message if path.name in message else f"{path.name}: {message}") from error
        except FileNotFoundError as error:
            raise GridError(f"{path.name} does not exist.") from error
        except _DAMAGE as error:
            raise GridError(f"{path.name} is not a grid of codes, or it is damaged.") from error


def _checked(facts: dict[str, Any]) -> _Facts:
    """Validate facts from another source than JSON by the same rules as JSON."""
    return _FACTS.validate_json(json.dumps(facts))


def _read_json(content: bytes) -> tuple[np.ndarray, _Facts]:
    """Read the codes and the facts of a grid from JSON."""
    # A nested list takes 30 times the memory of its text.
    if content.count(b"[") + content.count(b"{") > 3 * MOST_LINES:
        raise ValueError("lists that are no grid")
    written = _WRITTEN.validate_json(content.decode("ascii"))
    return np.array(written.indices, dtype=np.int64), written


def _read_npz(content: bytes, settings: Settings) -> tuple[np.ndarray, _Facts]:
    """Read the codes and the facts of a grid from a zip of arrays. Other members of the zip are ignored."""
    if content.count(b"PK\1\2") > 4 * len(_PARTS):
        raise ValueError("too many members")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        there = set(archive.namelist())
        parts = [part for part in _PARTS if part not in _LATER_PARTS or f"{part}.npy" in there]
        arrays = {part: _read_array(archive, f"{part}.npy", settings) for part in parts}
    indices = arrays.pop("indices")
    return indices, _checked({part: array.item() for part, array in arrays.items()})


def _read_array(archive: zipfile.ZipFile, name: str, settings: Settings) -> np.ndarray:
    """Read an array of integers or of text from a zip.

    ``numpy.load`` is not used here: it evaluates the header of an array, and it reserves the memory that the header
    claims before it reads the data.
    """
    member = archive.getinfo(name)
    # The other methods of decompression reserve the memory that a header claims.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("another compression")
    with archive.open(member) as packed:
        content = packed.read(settings.grid_bytes + 1)
    if len(content) > settings.grid_bytes:
        raise GridError("It unpacks to what is too large to be a grid of codes.")
    header = _ARRAY_HEADER.match(content)
    if header is None:
        raise ValueError("an array of another kind")
    kind, by_columns, sizes = (part.decode() for part in header.groups())
    shape = tuple(int(size) for size in sizes.split(",") if size.strip())
    codes = np.frombuffer(content, np.dtype(kind), offset=header.end())
    return codes.reshape(shape, order="F" if by_columns == "True" else "C")
