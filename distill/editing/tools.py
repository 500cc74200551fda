"""The tools of the code grid: they turn a request for an edit into the new grid and a description of the edit.

Each edit has one name: the ``kind`` of its request, the function ``<kind>_codes`` of :mod:`distill.codes.edits`, and
the word in the history.
"""

from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from distill.codes import CodeGrid, edits
from distill.codes.levels import level_names
from distill.editing import requests
from distill.editing.work import Work
from distill.errors import GridError
from distill.plots import band_name, row_ranges_hz


@dataclass(frozen=True)
class Edit:
    """The result of an edit.

    Attributes
    ----------
    label : str
        Description of the edit for the history.
    grid : CodeGrid
        The clip's grid after the edit.
    second : CodeGrid or None
        The second clip's grid after the edit; None if it does not change.
    second_label : str
        Description of the edit for the second clip's history.
    """

    label: str
    grid: CodeGrid
    second: CodeGrid | None = None
    second_label: str = ""


@singledispatch
def make(asked: requests.EditRequest, work: Work, second: Work | None) -> Edit:
    """Make an edit of a clip's grid. The work itself stays as it is.

    Parameters
    ----------
    asked : EditRequest
        One of :data:`distill.editing.requests.GridEdit`.
    work : Work
        The open clip.
    second : Work or None
        The second clip of a blend or a swap.

    Raises
    ------
    GridError
        If the edit does not fit the grid.
    """
    raise TypeError(f"{type(asked).__name__} is no edit of a grid")


@make.register
def _paint(asked: requests.Paint, work: Work, second: Work | None) -> Edit:
    grid, cells = work.history.grid, np.array(asked.cells)
    edited = edits.paint_codes(grid, level=asked.level, cells=cells, code=asked.code)
    (low, start), (high, last) = cells.min(axis=0).tolist(), cells.max(axis=0).tolist()
    where = _where(grid, slice(asked.level, asked.level + 1), slice(low, high + 1), slice(start, last + 1))
    return Edit(f"{where}: painted code {asked.code}", edited)


@make.register
def _set(asked: requests.Set, work: Work, second: Work | None) -> Edit:
    grid = work.history.grid
    edited = edits.set_codes(grid, **asked.level_region, code=asked.code)
    return Edit(f"{_where(grid, **asked.region)}: set to code {asked.code}", edited)


@make.register
def _paste(asked: requests.Paste, work: Work, second: Work | None) -> Edit:
    grid, codes = work.history.grid, np.array(asked.codes)
    edited = edits.paste_codes(grid, codes, level=asked.level, row=asked.row, column=asked.column)
    num_levels, height, width = codes.shape
    levels, rows = slice(asked.level, asked.level + num_levels), slice(asked.row, asked.row + height)
    where = _where(grid, levels, rows, slice(asked.column, min(asked.column + width, grid.columns)))
    return Edit(f"{where}: pasted", edited)


@make.register
def _clear(asked: requests.Clear, work: Work, second: Work | None) -> Edit:
    grid = work.history.grid
    edited = edits.clear_codes(grid, **asked.region, quiet=_quiet(work, asked.region))
    return Edit(f"{_where(grid, **asked.region)}: cleared", edited)


@make.register
def _move(asked: requests.Move, work: Work, second: Work | None) -> Edit:
    grid = work.history.grid
    edited = edits.move_codes(
        grid, **asked.region, row=asked.row, column=asked.column, quiet=_quiet(work, asked.region)
    )
    band = band_name(*row_ranges_hz(grid.rows)[asked.row])
    return Edit(f"{_where(grid, **asked.region)}: moved to {asked.column * grid.column_seconds:.2f} s, {band}", edited)


@make.register
def _repeat(asked: requests.Repeat, work: Work, second: Work | None) -> Edit:
    grid = work.history.grid
    edited = edits.repeat_codes(grid, **asked.region, times=asked.times)
    return Edit(f"{_where(grid, **asked.region)}: repeated {asked.times} ×", edited)


@make.register
def _reverse(asked: requests.Reverse, work: Work, second: Work | None) -> Edit:
    grid = work.history.grid
    return Edit(f"{_where(grid, **asked.region)}: reversed", edits.reverse_codes(grid, **asked.region))


@make.register
def _shift(asked: requests.Shift, work: Work, second: Work | None) -> Edit:
    grid, by_rows, by_columns = work.history.grid, asked.by_rows, asked.by_columns
    parts = [f"{by_columns:+d} steps in time"] * bool(by_columns) + [f"{by_rows:+d} bands"] * bool(by_rows)
    edited = edits.shift_codes(grid, **asked.region, by_rows=by_rows, by_columns=by_columns)
    return Edit(f"{_where(grid, **asked.region)}: shifted {', '.join(parts) or 'by nothing'}", edited)


@make.register
def _similar(asked: requests.Similar, work: Work, second: Work | None) -> Edit:
    grid, region = work.history.grid, asked.level_region
    codebook = _codebook(work, region["level"])
    edited = edits.similar_codes(grid, **region, codebook=codebook, rank=asked.rank)
    return Edit(f"{_where(grid, **asked.region)}: replaced by similar codes (rank {asked.rank})", edited)


@make.register
def _random(asked: requests.Random, work: Work, second: Work | None) -> Edit:
    grid, region = work.history.grid, asked.level_region
    codebook = _codebook(work, region["level"])
    edited = edits.random_codes(grid, **region, codebook=codebook, among=asked.among, seed=asked.seed)
    return Edit(f"{_where(grid, **asked.region)}: replaced by random codes of the {asked.among} nearest", edited)


@make.register
def _replace(asked: requests.Replace, work: Work, second: Work | None) -> Edit:
    grid, level = work.history.grid, asked.level
    edited = edits.replace_codes(grid, level=level, code=asked.code, replacement=asked.replacement)
    where = f"{level_names(grid.levels)[level]}, whole clip"
    return Edit(f"{where}: code {asked.code} replaced by {asked.replacement}", edited)


@make.register
def _blend(asked: requests.Blend, work: Work, second: Work | None) -> Edit:
    assert second is not None
    grid = work.history.grid
    edited = edits.blend_codes(
        grid, second.history.grid, **asked.region, amount=asked.amount, codebooks=work.codec.codebooks,
        other_column=_same_moment(asked, second),
    )  # fmt: skip
    return Edit(f"{_where(grid, **asked.region)}: blended with {100 * asked.amount:.0f} % of {second.name}", edited)


@make.register
def _swap(asked: requests.Swap, work: Work, second: Work | None) -> Edit:
    assert second is not None
    if second is work:
        raise GridError("The second clip is this one; choose another to swap with.")
    grid, other, column = work.history.grid, second.history.grid, _same_moment(asked, second)
    edited, other_edited = edits.swap_codes(grid, other, **asked.region, other_column=column)
    levels, rows, columns = (asked.region[name] for name in ("levels", "rows", "columns"))
    other_columns = slice(column, min(column + columns.stop - columns.start, other.columns))
    return Edit(
        f"{_where(grid, levels, rows, columns)}: swapped with {second.name}",
        edited,
        other_edited,
        f"{_where(other, levels, rows, other_columns)}: swapped with {work.name}",
    )


def _codebook(work: Work, level: int) -> np.ndarray:
    if not 0 <= level < work.codec.num_levels:
        raise GridError(f"Level {level} is not in this grid: it has levels 0 to {work.codec.num_levels - 1}.")
    return work.codec.codebooks[level]


def _quiet(work: Work, region: dict[str, slice]) -> np.ndarray:
    """The codes that clear a region: silence for all levels, or the codes with the smallest effect for some levels."""
    levels = region["levels"]
    is_whole = (levels.start, levels.stop) == (0, work.codec.num_levels)
    return work.codec.quiet_codes if is_whole else work.codec.neutral_codes


def _same_moment(asked: requests.RegionRequest, second: Work) -> int:
    """The column in the second clip where a region begins: the same column, or the last one of a shorter clip."""
    return min(asked.columns[0], second.history.grid.columns - 1)


def _where(grid: CodeGrid, levels: slice, rows: slice, columns: slice) -> str:
    """Description of a region."""
    names = level_names(grid.levels)
    is_one = levels.stop - levels.start == 1 and 0 <= levels.start < len(names)
    which = names[levels.start] if is_one else f"Levels {levels.start + 1} to {levels.stop}"
    which = "All levels" if (levels.start, levels.stop) == (0, len(names)) else which
    start, stop = columns.start * grid.column_seconds, columns.stop * grid.column_seconds
    bands = row_ranges_hz(grid.rows)[rows]
    span = "all bands" if len(bands) == grid.rows else band_name(bands[0][0], bands[-1][1])
    return f"{which}, {start:.2f} to {stop:.2f} s, {span}"
