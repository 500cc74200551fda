"""The tools of the code grid: they turn a request for an edit into the new grid and a description of the edit.

Each edit has one name: the ``kind`` of its request, the function ``<kind>_codes`` of :mod:`distill.codes.edits`, and
the word in the history. :class:`distill.prior.Vamp` draws the codes of ``vary``, ``fill``, ``continue`` and ``cross``.
"""

from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

import numpy as np

from distill.codes import CodeGrid, edits, masks
from distill.codes.levels import level_names
from distill.codes.mixing import to_fader
from distill.codes.regions import put_codes, to_index, to_region
from distill.editing import requests
from distill.editing.vamping import Drawn, draw
from distill.editing.work import Work
from distill.errors import GridError
from distill.plots import band_name, row_ranges_hz
from distill.prior import Vamp

SLIDES = {
    "brightness": ("darker", "brighter"),
    "noisiness": ("purer", "noisier"),
    "attack": ("softer", "harder"),
    "loudness": ("quieter", "louder"),
}
"""Words of the history for each slider, below and above 0."""


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
    off : float or None
        After a blend or a slide: distance of the new codes from the sound that was asked for, as
        :class:`distill.codes.snapping.Snapped` has it.
    """

    label: str
    grid: CodeGrid
    second: CodeGrid | None = None
    second_label: str = ""
    off: float | None = None


def make(asked: requests.EditRequest, work: Work, second: Work | None, drawn: Drawn | None = None) -> Edit:
    """Make an edit of a clip's grid. The work itself stays as it is; so do cells that the request does not mean.

    An edit whose codes are drawn is made of what was ``drawn`` for it, unless the grid has changed since.
    Other parameters and errors are those of each edit; see :func:`make_all`.
    """
    if isinstance(asked, requests.Swap | requests.Cross) and second is work:
        raise GridError(f"The second clip is this one; choose another to {asked.kind} with.")
    if isinstance(asked, requests.DrawnEdit):
        return _drawn(asked, work, second, drawn)
    only = getattr(asked, "only", None)
    if only is None or isinstance(asked, requests.Reverse | requests.Shift):
        return make_all(asked, work, second)
    if isinstance(asked, requests.RegionRequest):
        masks.check_cells(only, asked.region["rows"], asked.region["columns"])
    grid = work.history.grid
    edit = make_all(asked, work, second)
    edit = replace(edit, label=_many(only) + edit.label)
    if isinstance(asked, requests.Move | requests.Repeat):
        return edit
    if isinstance(asked, requests.Swap):
        assert second is not None
        assert edit.second is not None
        by_columns = _same_moment(asked, second) - asked.columns[0]
        ours, theirs = masks.keep_both(
            (grid, second.history.grid), (edit.grid, edit.second), cells=only, by_columns=by_columns
        )
        return replace(edit, grid=ours, second=theirs, second_label=_many(only) + edit.second_label)
    return replace(edit, grid=masks.keep_codes(grid, edit.grid, cells=only))


def _many(only: list[list[int]]) -> str:
    return f"{len(only)} cells of "


def _drawn(asked: requests.DrawnEdit, work: Work, second: Work | None, drawn: Drawn | None) -> Edit:
    grid = work.history.grid
    if drawn is None or drawn.before != grid:
        drawn = draw(asked, drawn.vamp if drawn else Vamp(work.codec), grid, second)
    if isinstance(asked, requests.Cross):
        assert second is not None
        return Edit(f"Whole clip: played by the sounds of {second.name}", drawn.after)
    label = _where(grid, **asked.region)
    if isinstance(asked, requests.Vary):
        label += f": varied, {100 * asked.amount:.0f} %"
    elif isinstance(asked, requests.Continue):
        label += f": continued to the {asked.side}"
    else:
        label += ": filled"
    return Edit(label if asked.only is None else _many(asked.only) + label, drawn.after)


@singledispatch
def make_all(asked: requests.EditRequest, work: Work, second: Work | None) -> Edit:
    """Make an edit of all cells of its region; move and repeat, of those that the request means. The work itself stays
    as it is.

    Parameters
    ----------
    asked : EditRequest
        One of :data:`distill.editing.requests.GridEdit` whose codes are not drawn.
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


@make_all.register
def _paint(asked: requests.Paint, work: Work, second: Work | None) -> Edit:
    grid, cells = work.history.grid, np.array(asked.cells)
    edited = edits.paint_codes(grid, level=asked.level, cells=cells, code=asked.code)
    (low, start), (high, last) = cells.min(axis=0).tolist(), cells.max(axis=0).tolist()
    where = _where(grid, slice(asked.level, asked.level + 1), slice(low, high + 1), slice(start, last + 1))
    return Edit(f"{where}: painted code {asked.code}", edited)


@make_all.register
def _set(asked: requests.Set, work: Work, second: Work | None) -> Edit:
    grid = work.history.grid
    edited = edits.set_codes(grid, **asked.level_region, code=asked.code)
    return Edit(f"{_where(grid, **asked.region)}: set to code {asked.code}", edited)


@make_all.register
def _paste(asked: requests.Paste, work: Work, second: Work | None) -> Edit:
    grid, codes = work.history.grid, np.array(asked.codes)
    edited = edits.paste_codes(grid, codes, level=asked.level, row=asked.row, column=asked.column)
    num_levels, height, width = codes.shape
    levels, rows = slice(asked.level, asked.level + num_levels), slice(asked.row, asked.row + height)
    where = _where(grid, levels, rows, slice(asked.column, min(asked.column + width, grid.columns)))
    return Edit(f"{where}: pasted", edited)


@make_all.register
def _play(asked: requests.Play, work: Work, second: Work | None) -> Edit:
    grid, places = work.history.grid, np.array(asked.notes)[:, :3]
    edited = edits.play_codes(grid, notes=asked.notes)
    ends = zip(places.min(axis=0).tolist(), places.max(axis=0).tolist(), strict=True)
    return Edit(f"{_where(grid, *(slice(first, last + 1) for first, last in ends))}: played", edited)


@make_all.register
def _clear(asked: requests.Clear, work: Work, second: Work | None) -> Edit:
    grid = work.history.grid
    edited = edits.clear_codes(grid, **asked.region, quiet=_quiet(work, asked.region))
    return Edit(f"{_where(grid, **asked.region)}: cleared", edited)


@make_all.register
def _move(asked: requests.Move, work: Work, second: Work | None) -> Edit:
    grid, quiet = work.history.grid, _quiet(work, asked.region)
    to_index("Row", asked.row, grid.rows)
    to_index("Column", asked.column, grid.columns)
    if asked.only is None:
        edited = edits.move_codes(grid, **asked.region, row=asked.row, column=asked.column, quiet=quiet)
    else:
        to_region(grid, **asked.region)
        by = {"by_rows": asked.row - asked.rows[0], "by_columns": asked.column - asked.columns[0]}
        edited = masks.move_cells(grid, cells=asked.only, **by, levels=asked.region["levels"], quiet=quiet)
    band = band_name(*row_ranges_hz(grid.rows)[asked.row])
    return Edit(f"{_where(grid, **asked.region)}: moved to {asked.column * grid.column_seconds:.2f} s, {band}", edited)


@make_all.register
def _repeat(asked: requests.Repeat, work: Work, second: Work | None) -> Edit:
    grid = work.history.grid
    times, period = asked.times, asked.period
    if asked.only is None:
        edited = edits.repeat_codes(grid, **asked.region, times=times, period=period)
    else:
        to_region(grid, **asked.region)
        levels, columns = asked.region["levels"], asked.region["columns"]
        edited = masks.repeat_cells(grid, cells=asked.only, levels=levels, columns=columns, times=times, period=period)
    return Edit(f"{_where(grid, **asked.region)}: repeated {asked.times} ×", edited)


@make_all.register
def _reverse(asked: requests.Reverse, work: Work, second: Work | None) -> Edit:
    grid = work.history.grid
    edited = edits.reverse_codes(grid, **asked.region)  # first, because it refuses a region that is not in the grid
    return Edit(f"{_where(grid, **asked.region)}: reversed", edited)


@make_all.register
def _shift(asked: requests.Shift, work: Work, second: Work | None) -> Edit:
    grid, by_rows, by_columns = work.history.grid, asked.by_rows, asked.by_columns
    parts = [f"{by_columns:+d} steps in time"] * bool(by_columns) + [f"{by_rows:+d} bands"] * bool(by_rows)
    edited = edits.shift_codes(grid, **asked.region, by_rows=by_rows, by_columns=by_columns)
    return Edit(f"{_where(grid, **asked.region)}: shifted {', '.join(parts) or 'by nothing'}", edited)


@make_all.register
def _similar(asked: requests.Similar, work: Work, second: Work | None) -> Edit:
    grid, region = work.history.grid, asked.level_region
    codebook = _codebook(work, region["level"])
    edited = edits.similar_codes(grid, **region, codebook=codebook, rank=asked.rank)
    return Edit(f"{_where(grid, **asked.region)}: replaced by similar codes (rank {asked.rank})", edited)


@make_all.register
def _random(asked: requests.Random, work: Work, second: Work | None) -> Edit:
    grid, region = work.history.grid, asked.level_region
    codebook = _codebook(work, region["level"])
    edited = edits.random_codes(grid, **region, codebook=codebook, among=asked.among, seed=asked.seed)
    return Edit(f"{_where(grid, **asked.region)}: replaced by random codes of the {asked.among} nearest", edited)


@make_all.register
def _replace(asked: requests.Replace, work: Work, second: Work | None) -> Edit:
    grid, level = work.history.grid, asked.level
    edited = edits.replace_codes(grid, level=level, code=asked.code, replacement=asked.replacement)
    where = f"{level_names(grid.levels)[level]}, whole clip"
    return Edit(f"{where}: code {asked.code} replaced by {asked.replacement}", edited)


@make_all.register
def _blend(asked: requests.Blend, work: Work, second: Work | None) -> Edit:
    assert second is not None
    grid = _since(asked, work)
    snapped = edits.snap_blend(
        grid, second.history.grid, **asked.region, amount=asked.amount, codebooks=work.codec.codebooks,
        other_column=_same_moment(asked, second),
    )  # fmt: skip
    label = f"{_where(grid, **asked.region)}: blended with {100 * asked.amount:.0f} % of {second.name}"
    return Edit(label, snapped.grid, off=snapped.off)


@make_all.register
def _slide(asked: requests.Slide, work: Work, second: Work | None) -> Edit:
    grid = _since(asked, work)
    amounts = {name: getattr(asked, name) for name in SLIDES}
    region: dict[str, Any] = asked.region | amounts
    snapped = edits.snap_slide(grid, **region, codebooks=work.codec.codebooks, directions=work.codec.qualities)
    words = [f"{100 * abs(amount):.0f} % {SLIDES[name][amount > 0]}" for name, amount in amounts.items() if amount]
    return Edit(f"{_where(grid, **asked.region)}: {', '.join(words) or 'as it was'}", snapped.grid, off=snapped.off)


@make_all.register
def _swap(asked: requests.Swap, work: Work, second: Work | None) -> Edit:
    assert second is not None
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


@make_all.register
def _mix(asked: requests.Mix, work: Work, second: Work | None) -> Edit:
    grid = work.history.grid
    edited = edits.mix_codes(grid, **asked.region, gain=asked.gain, mute=asked.mute)
    parts = [] if asked.gain is None else [f"fader at {2 * to_fader(asked.gain)} %"]
    parts += [] if asked.mute is None else ["muted" if asked.mute else "heard again"]
    return Edit(f"{_where(grid, **asked.region)}: {', '.join(parts)}", edited)


def _since(asked: requests.Blend | requests.Slide, work: Work) -> CodeGrid:
    """The grid to begin from: in the region the codes of an earlier moment of the history, if one is asked for."""
    grid = work.history.grid
    if asked.since is None:
        return grid
    region = to_region(grid, **asked.region)
    return put_codes(grid, region, work.history.grid_after(asked.since).indices[region])


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
