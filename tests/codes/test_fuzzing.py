"""Hostile grid files and texts: Distill refuses them in one sentence, or reads a grid within the limits."""

import io
import re
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill.codes import CodeGrid
from distill.codes.grid import TIME_STRIDES
from distill.settings import DEFAULTS
from tests.fuzzing import MIB, NASTY, RAW, damaged, paths, survey, survey_elsewhere, swapped, tell, to_json

CEILING = 128 * MIB
"""Limit of the extra memory that a hostile grid may take, compared with a small valid grid. A file has up to 4 MiB."""
MEMBERS = ("indices.npy", "format.npy", "num_frames.npy", "model_id.npy", "codebook_size.npy")
SHAPES = [
    *(
        "(1000000000,)",
        "(1000, 1000, 1000)",
        "(2, 8, -14)",
        "(-2, -8, 14)",
        "(0, 99999999999999999999999, 3)",
        "()",
        "(,)",
    ),
    *("(2, 8)", "(1, 2, 8, 14)", "(14, 8, 2)", "(16, 1, 14)", "(1, 1, 224)", "(224, 1, 1)", "(2, 8, 14.0)", "(10**9,)"),
]
KINDS = [
    "|O",
    ">u2",
    "<u2",
    "<i8",
    ">i4",
    "|u1",
    "|i1",
    "|b1",
    "<f8",
    "<c16",
    "<U4",
    "<U2147483647",
    "|S448",
    "<M8[s]",
    "|V2",
]
HEADERS = [
    "(" * 9000,
    "-" * 9000 + "1",
    "{" * 250,
    "",
    "\0" * 90,
    "__import__('os').abort()",
    "{'descr': '<u2'}",
    "9" * 9000,
]


@pytest.mark.parametrize("count", [150, pytest.param(20_000, marks=pytest.mark.slow)])
def test_a_hostile_grid_is_refused_in_a_sentence_or_keeps_to_the_limits(count):
    result = survey_elsewhere("tests.codes.test_fuzzing", count, seconds=600)
    assert result.cases == count
    assert not result.problems
    assert result.slowest < 10
    assert result.growth < CEILING


def a_grid(seed: int, codebook_size: int = 64, time_stride: int = 16) -> CodeGrid:
    indices = np.random.default_rng(seed).integers(codebook_size, size=(2, 8, 14))
    return CodeGrid(indices, 14 * time_stride - 3, "0123456789ab", codebook_size, time_stride=time_stride)


def saved(grid: CodeGrid, path: Path) -> bytes:
    grid.save(path)
    return path.read_bytes()


def hostile(files: dict[str, list[bytes]], count: int, seed: int = 0) -> Iterator[tuple[str, bytes | str]]:
    """Generate ``count`` hostile files, all formats in turn. Half are damaged at random, half are hostile by design."""
    generator = np.random.default_rng(seed)
    parts = a_grid(0).to_dict()
    swaps = [(way, value) for way in paths(parts) for value in NASTY]
    order = generator.permutation(len(swaps))
    for number in range(count):
        form = ("npz", "json", "text")[number % 3]
        whole, other = files[form]
        if number // 3 % 2:
            kind, content = damaged(whole, other, generator, 0, len(whole))
            yield f"{form}: {kind}", content.decode("latin-1") if form == "text" else content
        elif form == "npz":
            kind, content = hostile_zip(whole, generator)
            yield f"npz: {kind}", content
        elif form == "json":
            way, value = swaps[order[number // 6 % len(order)]]
            yield "json: swapped value", to_json(swapped(parts, way, value)).encode(errors="surrogatepass")
        else:
            yield "text: swapped part", hostile_text(whole.decode(), generator)


def hostile_zip(whole: bytes, generator: np.random.Generator) -> tuple[str, bytes]:
    """Make a hostile zip of arrays: false headers or sizes, other members or another compression."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        members = {name: archive.read(name) for name in MEMBERS}
    kind = str(
        generator.choice(["shape", "kind", "order", "header", "value", "members", "compression", "sizes", "bomb"])
    )
    name = "indices.npy" if generator.random() < 0.7 else str(generator.choice(MEMBERS))
    compression = zipfile.ZIP_DEFLATED
    match kind:
        case "shape":
            members[name] = re.sub(rb"\([\d, ]*\)", str(generator.choice(SHAPES)).encode(), members[name], count=1)
        case "kind":
            members[name] = re.sub(rb"'[<>|]\w+'", f"'{generator.choice(KINDS)}'".encode(), members[name], count=1)
        case "order":
            members[name] = members[name].replace(b"False", b"True", 1).replace(b"\n", b" \n", 1)
        case "header":
            header = str(generator.choice(HEADERS)).encode()
            version = bytes([int(generator.choice([0, 1, 2, 3, 255])), 0])
            members[name] = b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + members[name][128:]
        case "value":
            members[name] = as_npy(generator)
        case "members":
            extra = int(generator.choice([1, 10, 2_000]))
            members |= {f"{number}": b"" for number in range(extra)}
            if generator.random() < 0.3:
                del members[name]
        case "compression":
            compression = int(generator.choice([zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))
        case "bomb":
            members[name] += bytes(int(generator.choice([1, 2**20, 2**22, 2**23])))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression, compresslevel=1) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    packed = bytearray(file.getvalue())
    if kind == "sizes":  # any field of a header or of the end of the archive: sizes, flags, versions, offsets
        heads = [hit.start() for hit in re.finditer(rb"PK(\x01\x02|\x03\x04|\x05\x06)", packed)]
        place = int(generator.choice(heads)) + int(generator.integers(4, 46))
        forged = generator.choice(
            [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\1\0\0\0", generator.bytes(4)]
        )
        packed[place : place + 4] = bytes(forged).ljust(4, b"\0")
    return kind, bytes(packed)


def as_npy(generator: np.random.Generator) -> bytes:
    """Return an array that does not belong in a grid file, in ``.npy`` format."""
    values: list[Any] = [
        *(np.array(""), np.array("<script>"), np.array("m" * 10_000), np.array(-1), np.array(2**63 - 1), np.array(2.5)),
        *(np.array(True), np.array([1, 2]), np.zeros((2, 8, 14)), np.full((2, 8, 14), 2**64 - 1, np.uint64)),
        *(np.full((2, 8, 14), -1), np.zeros((4, 8, 60_000), np.uint8), np.zeros((400, 600, 14), np.uint8)),
        *(np.array("\U0010ffff"), np.array(b"bytes"), np.zeros((2, 8, 14), "M8[s]"), np.zeros((1,) * 32, int)),
    ]
    file = io.BytesIO()
    np.lib.format.write_array(file, values[int(generator.integers(len(values)))])
    return file.getvalue()


def hostile_text(whole: str, generator: np.random.Generator) -> str:
    """Replace one part of a grid's text by a hostile value."""
    parts, nasty = whole.split("."), NASTY[int(generator.integers(len(NASTY)))]
    parts[int(generator.integers(len(parts)))] = str(nasty).removeprefix(RAW)
    return str(generator.choice([".", ". ", ".\N{NO-BREAK SPACE}\n"])).join(parts)


def use(grid: CodeGrid) -> None:
    """Check that a grid that was read keeps to the limits and can be written again."""
    assert grid.time_stride in TIME_STRIDES, "a grid whose columns are unknown"
    assert grid.columns * grid.time_stride <= DEFAULTS.grid_columns * 16, "a grid that is too long"
    assert grid.levels * grid.rows <= 64, "a grid of too many lines"
    assert grid.indices.min() >= 0, "a code below 0"
    assert grid.indices.max() < grid.codebook_size <= 65_536, "a code above the codebook"
    assert re.fullmatch(r"[\w -]{1,64}", grid.model_id, re.ASCII), "a name that is not plain"
    assert CodeGrid.from_text(grid.to_text()) == grid, "a grid that does not come back"


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hostile.grid"
        first, second = a_grid(0), a_grid(1, codebook_size=300, time_stride=4)
        files = {
            form: [saved(grid, Path(folder) / f"g.{form}") for grid in (first, second)] for form in ("npz", "json")
        }
        files["text"] = [grid.to_text().encode() for grid in (first, second)]

        def attempt(content: bytes | str) -> Callable[[], None]:
            def load() -> None:
                if isinstance(content, str):
                    use(CodeGrid.from_text(content))
                else:
                    path.write_bytes(content)
                    use(CodeGrid.load(path))

            return load

        cases = ((kind, attempt(content)) for kind, content in hostile(files, count))
        tell(survey(attempt(files["json"][0]), cases, CEILING))


if __name__ == "__main__":
    main(int(sys.argv[1]))
