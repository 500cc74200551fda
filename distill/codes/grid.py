"""The grid: a clip as integers, the thing that a person edits."""

import base64
import json
import lzma
import os
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from distill.errors import GridError

FORMAT = "distill-grid"
TEXT_FORMAT = "distill1"
FRAMES_PER_COLUMN = 16
MAX_FILE_BYTES = 64 * 1024**2
MAX_COLUMNS = 3230
"""Of a grid that is opened in the page or pasted as text: ten minutes."""
_DAMAGE = (
    *(OSError, EOFError, KeyError, TypeError, ValueError, AttributeError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
"""What numpy, zipfile and json raise for a file that is not what it says."""


@dataclass(frozen=True, eq=False)
class CodeGrid:
    """The codes of a clip. Immutable; equal to another grid that holds the same values.

    Attributes
    ----------
    indices : ndarray of int64 [levels, rows, columns]
        Codes in [0, codebook_size); level 0 is coarsest, row 0 lowest in frequency, a column is 16 frames (186 ms).
    num_frames : int
        Log-mel frames of the clip; ``columns = ceil(num_frames / 16)``.
    model_id : str
        Which codec the codes belong to.
    codebook_size : int
        Entries per level of that codec.

    Raises
    ------
    GridError
        On construction, if the parts do not fit together or a code is out of range.
    """

    indices: np.ndarray
    num_frames: int
    model_id: str
    codebook_size: int

    def __post_init__(self) -> None:
        given = np.asarray(self.indices)
        if given.ndim != 3 or not np.issubdtype(given.dtype, np.integer) or given.size == 0:
            raise GridError("A grid needs whole numbers in three dimensions: levels, rows, columns.")
        indices = given.astype(np.int64)
        if not 1 <= self.codebook_size <= 65_536:
            raise GridError(f"A grid's codebook size must be from 1 to 65536, got {self.codebook_size}.")
        if indices.min() < 0 or indices.max() >= self.codebook_size:
            worst = indices.min() if indices.min() < 0 else indices.max()
            raise GridError(f"Code {worst} is out of range: this codec has codes 0 to {self.codebook_size - 1}.")
        if indices.shape[2] != -(-self.num_frames // FRAMES_PER_COLUMN):
            raise GridError(f"{indices.shape[2]} columns do not fit a clip of {self.num_frames} frames.")
        indices.flags.writeable = False
        object.__setattr__(self, "indices", indices)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CodeGrid):
            return NotImplemented
        return self._key() == other._key() and np.array_equal(self.indices, other.indices)

    def __hash__(self) -> int:
        return hash((self._key(), self.indices.tobytes()))

    def _key(self) -> tuple[int, str, int]:
        return self.num_frames, self.model_id, self.codebook_size

    @property
    def levels(self) -> int:
        return self.indices.shape[0]

    @property
    def rows(self) -> int:
        return self.indices.shape[1]

    @property
    def columns(self) -> int:
        return self.indices.shape[2]

    def with_indices(self, indices: np.ndarray) -> "CodeGrid":
        """The same clip with other codes."""
        return replace(self, indices=indices)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the grid as ``.npz`` or ``.json``, as the name says.

        Raises
        ------
        GridError
            If the name ends in neither.
        """
        path = Path(path)
        if path.suffix == ".npz":
            np.savez_compressed(
                path,
                format=np.array(FORMAT),
                indices=self.indices.astype(np.uint16),
                num_frames=np.array(self.num_frames),
                model_id=np.array(self.model_id),
                codebook_size=np.array(self.codebook_size),
            )
        elif path.suffix == ".json":
            path.write_text(json.dumps(self.to_dict()), encoding="utf-8")
        else:
            raise GridError(f"{path.name} must end in .npz or .json.")

    def to_dict(self) -> dict[str, Any]:
        """The grid as plain numbers, lists and strings."""
        return {
            "format": FORMAT,
            "indices": self.indices.tolist(),
            "num_frames": self.num_frames,
            "model_id": self.model_id,
            "codebook_size": self.codebook_size,
        }

    def to_text(self) -> str:
        """The grid as one line to paste and share: some 45 characters for each second of a level of 64 codes."""
        header = [TEXT_FORMAT, self.model_id, *map(str, (self.codebook_size, self.num_frames, *self.indices.shape[:2]))]
        width = max(1, (self.codebook_size - 1).bit_length())
        bits = (self.indices.ravel()[:, None] >> np.arange(width)[::-1]) & 1
        packed = zlib.compress(np.packbits(bits.astype(np.uint8)).tobytes(), 9)
        return ".".join([*header, base64.urlsafe_b64encode(packed).decode().rstrip("=")])

    @classmethod
    def from_text(cls, text: str) -> "CodeGrid":
        """Read what :meth:`to_text` wrote.

        Raises
        ------
        GridError
            If it is not such a text, or a part of it is missing.
        """
        try:
            name, model_id, *numbers, body = "".join(text.split()).split(".")
            size, num_frames, levels, rows = map(int, numbers)
            columns, width = -(-num_frames // FRAMES_PER_COLUMN), max(1, (size - 1).bit_length())
            count = levels * rows * columns
            num_bytes = -(-count * width // 8)
            if (
                name != TEXT_FORMAT
                or min(levels, rows) < 1
                or not 0 < columns <= MAX_COLUMNS
                or num_bytes > MAX_FILE_BYTES
            ):
                raise ValueError("another format")
            packed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
            data = np.frombuffer(zlib.decompressobj().decompress(packed, num_bytes + 1), np.uint8)
            if len(data) != num_bytes:
                raise ValueError("cut short")
            bits = np.unpackbits(data, count=count * width).reshape(count, width)
            indices = (bits.astype(np.int64) @ (1 << np.arange(width)[::-1])).reshape(levels, rows, columns)
        except _DAMAGE as error:
            raise GridError("That text is not a grid of codes, or a part of it is missing.") from error
        return cls(indices, num_frames, model_id, size)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "CodeGrid":
        """Read a grid from ``.npz`` or ``.json``; the content decides which.

        Raises
        ------
        GridError
            If the file is missing, damaged, not a grid, or holds codes out of range.
        """
        path = Path(path)
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise GridError(f"{path.name} is too large to be a grid of codes.")
            if zipfile.is_zipfile(path):
                _check_unpacked_size(path)
                with np.load(path, allow_pickle=False) as arrays:
                    parts: dict[str, Any] = {
                        name: arrays[name] if name == "indices" else arrays[name].item() for name in arrays.files
                    }
            else:
                parts = json.loads(path.read_text(encoding="utf-8"))
                parts["indices"] = np.array(parts["indices"])
            if parts.pop("format") != FORMAT:
                raise GridError(f"{path.name} is not a grid of codes.")
            if not isinstance(parts["num_frames"], int) or not isinstance(parts["codebook_size"], int):
                raise GridError(f"{path.name} is not a grid of codes: its sizes are not whole numbers.")
            return cls(parts["indices"], parts["num_frames"], str(parts["model_id"]), parts["codebook_size"])
        except GridError as error:
            message = str(error)
            raise GridError(message if path.name in message else f"{path.name}: {message}") from error
        except FileNotFoundError as error:
            raise GridError(f"{path.name} does not exist.") from error
        except _DAMAGE as error:
            raise GridError(f"{path.name} is not a grid of codes, or it is damaged.") from error


def _check_unpacked_size(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > MAX_FILE_BYTES:
            raise GridError(f"{path.name} is too large to be a grid of codes.")
