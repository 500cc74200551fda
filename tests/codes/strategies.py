"""Hypothesis strategies: random edits of random grids, with their arguments and the cells that they may change."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from distill.codec.qualities import Qualities
from distill.codes import CodeGrid, edits

GRIDS = st.from_type(CodeGrid)
SEEDS = st.integers(0, 2**32)
DISTANCES = st.integers(-20, 20) | st.sampled_from([-(10**30), 10**30])
QUARTERS = st.sampled_from([0, 0.25, 0.5, 0.75, 1])
GAINS = st.sampled_from([0, 0.02, 0.5, 1, 1.5])
SLIDERS = ["brightness", "noisiness", "attack", "loudness"]
AMOUNTS = QUARTERS | st.floats(0, 1)


@dataclass(frozen=True)
class Edit:
    """One call of an edit, and the cells that it may change."""

    function: Callable[..., CodeGrid]
    grid: CodeGrid
    arguments: dict[str, Any]
    cells: np.ndarray

    def __call__(self, **changes: Any) -> CodeGrid:
        return self.function(self.grid, **(self.arguments | changes))


def spans(size: int) -> st.SearchStrategy[slice | int]:
    """Generate parts of ``range(size)``: a slice, the open slice, or one number."""
    numbers = st.integers(0, size - 1)
    inner = st.tuples(numbers, numbers).map(lambda ends: slice(min(ends), max(ends) + 1))
    return inner | st.just(slice(None)) | numbers


def as_slice(span: slice | int, size: int) -> slice:
    return slice(*span.indices(size)) if isinstance(span, slice) else slice(span, span + 1)


def width_of(span: slice) -> int:
    return span.stop - span.start


def regions(grid: CodeGrid) -> st.SearchStrategy[dict[str, slice | int]]:
    """Generate the arguments ``levels``, ``rows`` and ``columns`` of a region."""
    return st.fixed_dictionaries(
        {"levels": spans(grid.levels), "rows": spans(grid.rows), "columns": spans(grid.columns)}
    )


def regions_of_a_level(grid: CodeGrid) -> st.SearchStrategy[dict[str, slice | int]]:
    level = st.integers(0, grid.levels - 1)
    return st.fixed_dictionaries({"level": level, "rows": spans(grid.rows), "columns": spans(grid.columns)})


def index_of(grid: CodeGrid, region: dict[str, Any]) -> tuple[slice, slice, slice]:
    levels = region["levels"] if "levels" in region else region["level"]
    return (
        as_slice(levels, grid.levels),
        as_slice(region["rows"], grid.rows),
        as_slice(region["columns"], grid.columns),
    )


def mask_of(grid: CodeGrid, *indices: tuple[Any, ...]) -> np.ndarray:
    mask = np.zeros(grid.indices.shape, dtype=bool)
    for index in indices:
        mask[index] = True
    return mask


def frozen(array: np.ndarray) -> np.ndarray:
    """Make an array read-only, so that an edit fails if it writes to the array."""
    array.flags.writeable = False
    return array


def quiet_codes(draw: st.DrawFn, grid: CodeGrid) -> np.ndarray:
    random = np.random.default_rng(draw(SEEDS))
    return frozen(random.integers(grid.codebook_size, size=(grid.levels, grid.rows)))


def whole_codebooks(draw: st.DrawFn, grid: CodeGrid) -> np.ndarray:
    """Draw codebooks of small whole numbers: distances are exact, and equal distances and entries are common."""
    random = np.random.default_rng(draw(SEEDS))
    shape = (grid.levels, grid.codebook_size, draw(st.integers(1, 4)))
    return frozen(random.integers(-8, 9, size=shape).astype(np.float32))


def another_clip(draw: st.DrawFn, grid: CodeGrid) -> CodeGrid:
    """Draw a clip of the same codec, of 1 to 12 columns, whose first columns may hold the same codes."""
    columns = draw(st.integers(1, 12))
    random = np.random.default_rng(draw(SEEDS))
    indices = random.integers(grid.codebook_size, size=(grid.levels, grid.rows, columns))
    shared = slice(0, draw(st.integers(0, min(columns, grid.columns))))
    indices[..., shared] = grid.indices[..., shared]
    stride = grid.time_stride
    return CodeGrid(indices, stride * columns, grid.model_id, grid.codebook_size, time_stride=stride)


@st.composite
def set_codes(draw: st.DrawFn) -> Edit:
    grid = draw(GRIDS)
    region, code = draw(regions_of_a_level(grid)), draw(st.integers(0, grid.codebook_size - 1))
    return Edit(edits.set_codes, grid, region | {"code": code}, mask_of(grid, index_of(grid, region)))


@st.composite
def paint_codes(draw: st.DrawFn) -> Edit:
    grid = draw(GRIDS)
    level, code = draw(st.integers(0, grid.levels - 1)), draw(st.integers(0, grid.codebook_size - 1))
    cell = st.tuples(st.integers(0, grid.rows - 1), st.integers(0, grid.columns - 1))
    cells = draw(st.lists(cell, min_size=1, max_size=20))
    mask = mask_of(grid, *((level, *cell) for cell in cells))
    return Edit(edits.paint_codes, grid, {"level": level, "cells": cells, "code": code}, mask)


@st.composite
def paste_codes(draw: st.DrawFn) -> Edit:
    grid = draw(GRIDS)
    copied = edits.copy_codes(grid, **draw(regions(grid)))
    level = draw(st.integers(0, grid.levels - len(copied)))
    row, column = draw(st.integers(0, grid.rows - 1)), draw(st.integers(0, grid.columns - 1))
    count, height, width = copied.shape
    target = slice(level, level + count), slice(row, row + height), slice(column, column + width)
    arguments = {"codes": frozen(copied), "row": row, "column": column, "level": level}
    return Edit(edits.paste_codes, grid, arguments, mask_of(grid, target))


@st.composite
def clear_codes(draw: st.DrawFn) -> Edit:
    grid = draw(GRIDS)
    region = draw(regions(grid))
    return Edit(
        edits.clear_codes, grid, region | {"quiet": quiet_codes(draw, grid)}, mask_of(grid, index_of(grid, region))
    )


@st.composite
def move_codes(draw: st.DrawFn) -> Edit:
    grid = draw(GRIDS)
    region = draw(regions(grid))
    levels, rows, columns = source = index_of(grid, region)
    row, column = draw(st.integers(0, grid.rows - 1)), draw(st.integers(0, grid.columns - 1))
    target = levels, slice(row, row + width_of(rows)), slice(column, column + width_of(columns))
    arguments = region | {"row": row, "column": column, "quiet": quiet_codes(draw, grid)}
    return Edit(edits.move_codes, grid, arguments, mask_of(grid, source, target))


@st.composite
def repeat_codes(draw: st.DrawFn) -> Edit:
    grid = draw(GRIDS)
    region, times = draw(regions(grid)), draw(st.integers(0, 5) | st.just(10**30))
    levels, rows, columns = index_of(grid, region)
    target = levels, rows, slice(columns.stop, columns.stop + min(times, grid.columns) * width_of(columns))
    return Edit(edits.repeat_codes, grid, region | {"times": times}, mask_of(grid, target))


@st.composite
def repeat_codes_on_a_beat(draw: st.DrawFn) -> Edit:
    grid = draw(GRIDS)
    region, times, period = draw(regions(grid)), draw(st.integers(0, 5)), draw(st.floats(1, 20))
    levels, rows, columns = index_of(grid, region)
    first = columns.start + math.floor(period + 0.5)
    last = columns.start + math.floor(times * period + 0.5) + width_of(columns)
    target = levels, rows, slice(min(first, grid.columns), min(max(first, last), grid.columns))
    return Edit(edits.repeat_codes, grid, region | {"times": times, "period": period}, mask_of(grid, target))


@st.composite
def play_codes(draw: st.DrawFn) -> Edit:
    grid = draw(GRIDS)
    sizes = (*grid.indices.shape, grid.codebook_size)
    notes = draw(st.lists(st.tuples(*(st.integers(0, size - 1) for size in sizes)), min_size=1, max_size=9))
    cells = np.zeros(grid.indices.shape, dtype=bool)
    cells[tuple(np.array(notes)[:, :3].T)] = True
    return Edit(edits.play_codes, grid, {"notes": notes}, cells)


@st.composite
def reverse_codes(draw: st.DrawFn) -> Edit:
    grid = draw(GRIDS)
    region = draw(regions(grid))
    return Edit(edits.reverse_codes, grid, region, mask_of(grid, index_of(grid, region)))


@st.composite
def shift_codes(draw: st.DrawFn) -> Edit:
    grid = draw(GRIDS)
    region = draw(regions(grid))
    arguments = region | {"by_rows": draw(DISTANCES), "by_columns": draw(DISTANCES)}
    return Edit(edits.shift_codes, grid, arguments, mask_of(grid, index_of(grid, region)))


@st.composite
def swap_codes(draw: st.DrawFn, *, side: int = 0) -> Edit:
    """Draw a swap of two clips and return the result of one clip: the first (side 0) or the other (side 1)."""
    grid = draw(GRIDS)
    clips = grid, another_clip(draw, grid)
    arguments, *cells = swap_between(draw, *clips)

    def swap(this: CodeGrid, *, other: CodeGrid, **arguments: Any) -> CodeGrid:
        pair = (other, this) if side else (this, other)
        return edits.swap_codes(*pair, **arguments)[side]

    arguments |= {"other": clips[1 - side]}
    return Edit(swap, clips[side], arguments, mask_of(clips[side], cells[side]))


def swap_between(draw: st.DrawFn, grid: CodeGrid, other: CodeGrid) -> tuple[dict[str, Any], tuple, tuple]:
    """Draw the arguments of an edit between two clips, and the region of each clip."""
    region, other_column = draw(regions(grid)), draw(st.integers(0, other.columns - 1))
    levels, rows, columns = index_of(grid, region)
    width = min(width_of(columns), other.columns - other_column)
    here = levels, rows, slice(columns.start, columns.start + width)
    there = levels, rows, slice(other_column, other_column + width)
    return region | {"other_column": other_column}, here, there


@st.composite
def blend_codes(draw: st.DrawFn, amounts: st.SearchStrategy[float] = AMOUNTS) -> Edit:
    grid = draw(GRIDS)
    other = another_clip(draw, grid)
    arguments, here, _ = swap_between(draw, grid, other)
    arguments |= {"other": other, "amount": draw(amounts), "codebooks": whole_codebooks(draw, grid)}
    return Edit(edits.blend_codes, grid, arguments, mask_of(grid, here))


@st.composite
def slide_codes(draw: st.DrawFn) -> Edit:
    grid = draw(GRIDS)
    region, codebooks = draw(regions(grid)), whole_codebooks(draw, grid)
    random = np.random.default_rng(draw(SEEDS))
    shape = grid.rows, codebooks.shape[2]
    directions = Qualities(
        steps=frozen(random.normal(size=(3, *shape)).astype(np.float32)),
        loudness=frozen(random.normal(size=shape).astype(np.float32)),
        quietness=frozen(random.normal(size=grid.rows).astype(np.float32)),
    )
    amounts = draw(st.fixed_dictionaries({}, optional=dict.fromkeys(SLIDERS, st.floats(-1, 1))))
    arguments = region | amounts | {"codebooks": codebooks, "directions": directions}
    return Edit(edits.slide_codes, grid, arguments, mask_of(grid, index_of(grid, region)))


@st.composite
def similar_codes(draw: st.DrawFn) -> Edit:
    grid = draw(GRIDS)
    region, rank = draw(regions_of_a_level(grid)), draw(st.integers(0, grid.codebook_size - 1))
    arguments = region | {"rank": rank, "codebook": whole_codebooks(draw, grid)[region["level"]]}
    return Edit(edits.similar_codes, grid, arguments, mask_of(grid, index_of(grid, region)))


@st.composite
def random_codes(draw: st.DrawFn) -> Edit:
    grid = draw(GRIDS)
    region, among = draw(regions_of_a_level(grid)), draw(st.integers(1, grid.codebook_size - 1))
    codebook = whole_codebooks(draw, grid)[region["level"]]
    arguments = region | {"among": among, "seed": draw(SEEDS), "codebook": codebook}
    return Edit(edits.random_codes, grid, arguments, mask_of(grid, index_of(grid, region)))


@st.composite
def replace_codes(draw: st.DrawFn) -> Edit:
    grid = draw(GRIDS)
    region = draw(regions_of_a_level(grid))
    codes = st.integers(0, grid.codebook_size - 1)
    code = draw(codes | st.sampled_from(grid.indices[index_of(grid, region)].ravel().tolist()))
    arguments = region | {"code": code, "replacement": draw(codes)}
    mask = mask_of(grid, index_of(grid, region)) & (grid.indices == code)
    return Edit(edits.replace_codes, grid, arguments, mask)


@st.composite
def mix_codes(draw: st.DrawFn) -> Edit:
    grid = draw(GRIDS)
    region = draw(regions(grid))
    faders = st.fixed_dictionaries({"gain": GAINS}, optional={"mute": st.booleans()})
    arguments = region | draw(faders | st.fixed_dictionaries({"mute": st.booleans()}))
    return Edit(edits.mix_codes, grid, arguments, mask_of(grid, index_of(grid, region)))


EDITS = {
    "mix_codes": mix_codes(),
    "set_codes": set_codes(),
    "paint_codes": paint_codes(),
    "paste_codes": paste_codes(),
    "clear_codes": clear_codes(),
    "move_codes": move_codes(),
    "repeat_codes": repeat_codes(),
    "repeat_codes on a beat": repeat_codes_on_a_beat(),
    "play_codes": play_codes(),
    "reverse_codes": reverse_codes(),
    "shift_codes": shift_codes(),
    "swap_codes": swap_codes(),
    "swap_codes in the other clip": swap_codes(side=1),
    "blend_codes": blend_codes(),
    "similar_codes": similar_codes(),
    "slide_codes": slide_codes(),
    "random_codes": random_codes(),
    "replace_codes": replace_codes(),
}


def a_grid(**changes: object) -> CodeGrid:
    """Make a fixed small grid; ``changes`` replace some of its parts."""
    parts = {
        "indices": np.arange(2 * 8 * 3).reshape(2, 8, 3) % 40,
        "num_frames": 45,
        "model_id": "0123456789ab",
        "codebook_size": 64,
    }
    return CodeGrid(**(parts | changes))
