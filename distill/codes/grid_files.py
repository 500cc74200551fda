"""The file formats of grids, ``.npz`` and JSON, and their text format. What is read may come from a stranger."""

import base64
import io
import json
import math
import re
import string
import struct
import zipfile
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, TypeAdapter

from distill.codes.lengths import MOST_CODES, SAMPLES_PER_FRAME, TIME_STRIDES, check_time_stride
from distill.errors import GridError
from distill.settings import Settings
from distill.strict import OPEN, FailFast

FORMAT: Literal["distill-grid"] = "distill-grid"
TEXT_IN_FRAMES, TEXT_IN_SAMPLES, TEXT_WITH_STRIDE, TEXT_WITH_MIX = (f"distill{number}" for number in range(1, 5))
"""Names of the text format: the length of the clip is given in frames, or, if it ends within a frame, in samples. The
third gives samples and then the time stride, and is used where that is not 16. The fourth is the third, followed by the
mix."""
MOST_LINES = 64
"""Largest number of levels times rows in a grid that is read. Codecs have up to 4 levels of 8 rows."""
_ARRAY_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00.."
    rb"\{'descr': '([<>|][iuU]\d{1,4})', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\), \} *\n",
    re.DOTALL,
)
NO_SPACE = str.maketrans("", "", string.whitespace + "\N{NO-BREAK SPACE}")
_DAMAGE = (
    *(OSError, EOFError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
"""Exceptions that numpy, zipfile and json raise for a damaged file."""


@dataclass(frozen=True)
class Facts:
    """The contents of a grid file except the codes and the mix; see :class:`distill.codes.CodeGrid`."""

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


_Row = Annotated[list[int], FailFast()]
_Level = Annotated[list[_Row], FailFast()]


@dataclass(frozen=True, kw_only=True)
class _Written(Facts):
    """The contents of a grid file in JSON. The codes and the mix are nested lists [levels, rows, columns]."""

    indices: Annotated[list[_Level], FailFast()]
    mix: Annotated[list[_Level], FailFast()] | None = None


_FACTS, _WRITTEN = TypeAdapter(Facts), TypeAdapter(_Written)
_PARTS = ("indices", "mix", *(part.name for part in fields(Facts)))
_LATER_PARTS = ("num_samples", "time_stride", "mix")
"""Parts that files of earlier versions lack."""


@dataclass(frozen=True, eq=False)
class Contents:
    """The contents of a grid file, whose codes and mix are not checked yet: arrays [levels, rows, columns]."""

    facts: Facts
    indices: np.ndarray
    mix: np.ndarray | None = None

    def to_dict(self) -> dict[str, Any]:
        """The contents as a dict of numbers, lists and strings that JSON can hold."""
        mixed = {} if self.mix is None else {"mix": self.mix.tolist()}
        return asdict(self.facts) | {"indices": self.indices.tolist()} | mixed


def write(contents: Contents, path: Path) -> None:
    """Write a grid as ``.npz`` or ``.json``; raise a GridError if the file name has another suffix."""
    if path.suffix == ".npz":
        arrays: dict[str, Any] = {part: np.array(value) for part, value in asdict(contents.facts).items()}
        if contents.mix is not None:
            arrays["mix"] = contents.mix
        np.savez_compressed(path, indices=contents.indices.astype(np.uint16), **arrays)
    elif path.suffix == ".json":
        path.write_text(json.dumps(contents.to_dict()), encoding="utf-8")
    else:
        raise GridError(f"{path.name} must end in .npz or .json.")


def to_text(contents: Contents) -> str:
    """A grid as one line of text, as :meth:`distill.codes.CodeGrid.to_text` describes it."""
    facts, indices = contents.facts, contents.indices
    is_whole = facts.num_samples == facts.num_frames * SAMPLES_PER_FRAME
    numbers = [facts.num_frames if is_whole else facts.num_samples]
    name = TEXT_IN_FRAMES if is_whole else TEXT_IN_SAMPLES
    if facts.time_stride != TIME_STRIDES[0] or contents.mix is not None:
        name = TEXT_WITH_STRIDE if contents.mix is None else TEXT_WITH_MIX
        numbers = [facts.num_samples, facts.time_stride]
    width = max(1, (facts.codebook_size - 1).bit_length())
    bits = (indices.ravel()[:, None] >> np.arange(width)[::-1]) & 1
    bodies = [np.packbits(bits.astype(np.uint8)).tobytes()]
    if contents.mix is not None:
        bodies.append(contents.mix.tobytes())
    header = [name, facts.model_id, *map(str, (facts.codebook_size, *numbers, *indices.shape[:2]))]
    return ".".join([*header, *(_packed(body) for body in bodies)])


def from_text(text: str, settings: Settings) -> Contents:
    """Read what :func:`to_text` returns; parameters and errors as in :meth:`distill.codes.CodeGrid.from_text`."""
    try:
        if len(text) > settings.grid_bytes:
            raise GridError("That text is too long to be a grid of codes.")
        name, model_id, *numbers, body = text.translate(NO_SPACE).split(".", 8)
        mixed = body if name == TEXT_WITH_MIX else None
        body = numbers.pop() if name == TEXT_WITH_MIX else body
        size, length, *strides, levels, rows = map(int, numbers)
        (time_stride,) = strides if name in (TEXT_WITH_STRIDE, TEXT_WITH_MIX) else (*strides, TIME_STRIDES[0])
        num_samples = length * {TEXT_IN_FRAMES: SAMPLES_PER_FRAME}.get(name, 1)
        if name not in (TEXT_IN_FRAMES, TEXT_IN_SAMPLES, TEXT_WITH_STRIDE, TEXT_WITH_MIX):
            raise ValueError("another format")
        num_frames = -(-num_samples // SAMPLES_PER_FRAME)
        given = {"format": FORMAT, "num_frames": num_frames, "model_id": model_id, "codebook_size": size}
        facts = _checked(given | {"num_samples": num_samples, "time_stride": time_stride})
        shape = (levels, rows, -(-num_frames // time_stride))
        facts.check_size(shape, settings)
        count, width = math.prod(shape), max(1, (size - 1).bit_length())
        bits = np.unpackbits(np.frombuffer(_unpacked(body, -(-count * width // 8)), np.uint8), count=count * width)
        indices = (bits.reshape(count, width).astype(np.int64) @ (1 << np.arange(width)[::-1])).reshape(shape)
        mix = None if mixed is None else np.frombuffer(_unpacked(mixed, count), np.uint8).reshape(shape)
    except GridError:
        raise
    except _DAMAGE as error:
        raise GridError("That text is not a grid of codes, or a part of it is missing.") from error
    return Contents(facts, indices, mix)


def _packed(body: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(body, 9)).decode().rstrip("=")


def _unpacked(body: str, num_bytes: int) -> bytes:
    """Unpack a part of a text, which must have exactly so many bytes."""
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), num_bytes + 1)
    if len(content) != num_bytes or not unpacker.eof:
        raise ValueError("cut short")
    return content


def read(path: Path, settings: Settings) -> Contents:
    """Read a grid file; parameters and errors as in :meth:`distill.codes.CodeGrid.load`."""
    try:
        with path.open("rb") as file:
            content = file.read(settings.grid_bytes + 1)
        if len(content) > settings.grid_bytes:
            raise GridError(f"{path.name} is too large to be a grid of codes.")
        contents = _read_npz(content, settings) if content.startswith(b"PK") else _read_json(content)
        contents.facts.check_size(contents.indices.shape, settings)
    except GridError:
        raise
    except FileNotFoundError as error:
        raise GridError(f"{path.name} does not exist.") from error
    except _DAMAGE as error:
        raise GridError(f"{path.name} is not a grid of codes, or it is damaged.") from error
    return contents


def from_dict(given: Any, settings: Settings) -> Contents:
    """Read what :meth:`Contents.to_dict` returns, as :meth:`distill.codes.CodeGrid.from_dict` describes it."""
    try:
        content = json.dumps(given).encode()
        if len(content) > settings.grid_bytes:
            raise GridError("This is too large to be a grid of codes.")
        contents = _read_json(content)
        contents.facts.check_size(contents.indices.shape, settings)
    except GridError:
        raise
    except (*_DAMAGE, RecursionError) as error:
        raise GridError("This is not a grid of codes, or a part of it is missing.") from error
    return contents


def _checked(facts: dict[str, Any]) -> Facts:
    """Validate facts from another source than JSON by the same rules as JSON."""
    return _FACTS.validate_json(json.dumps(facts))


def _read_json(content: bytes) -> Contents:
    """Read a grid from JSON."""
    # A nested list takes 30 times the memory of its text.
    if content.count(b"[") + content.count(b"{") > 6 * MOST_LINES:
        raise ValueError("lists that are no grid")
    written = _WRITTEN.validate_json(content.decode("ascii"))
    mix = None if written.mix is None else np.array(written.mix, dtype=np.int64)
    return Contents(written, np.array(written.indices, dtype=np.int64), mix)


def _read_npz(content: bytes, settings: Settings) -> Contents:
    """Read a grid from a zip of arrays. Other members of the zip are ignored."""
    if content.count(b"PK\1\2") > 4 * len(_PARTS):
        raise ValueError("too many members")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        there = set(archive.namelist())
        parts = [part for part in _PARTS if part not in _LATER_PARTS or f"{part}.npy" in there]
        arrays = {part: _read_array(archive, f"{part}.npy", settings) for part in parts}
    indices, mix = arrays.pop("indices"), arrays.pop("mix", None)
    return Contents(_checked({part: array.item() for part, array in arrays.items()}), indices, mix)


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
