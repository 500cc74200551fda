"""The tools of the code grid by name: what a page or a script asks for, to an edit of a clip's grid and its label."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill.codes import CodeGrid, edits
from distill.errors import GridError
from distill.plots import COLUMN_SECONDS, band_name, row_ranges_hz
from distill.settings import DEFAULTS, Settings
from distill.training.health import level_names
from distill.ui.work import Work

LARGEST = 2**31


class Request:
    """The fields of an edit that was asked for, read with care: they may be anything.

    Regions are ``levels``, ``rows`` and ``columns``, each ``[first, last]``, both included, counted from 0.
    """

    def __init__(self, fields: Any, find: Callable[[object], Work], settings: Settings = DEFAULTS) -> None:
        self._fields, self._find, self._settings = fields, find, settings

    def __contains__(self, name: str) -> bool:
        return isinstance(self._fields, dict) and name in self._fields

    def __getitem__(self, name: str) -> Any:
        return field(self._fields, name)

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        value = self[name] if default is None else self._fields.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST or value % 1:
            raise GridError(f"{name!r} must be a whole number, got {value!r:.40}.")
        return int(value)

    def number(self, name: str) -> float:
        """A number."""
        value = self[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
            raise GridError(f"{name!r} must be a number, got {value!r:.40}.")
        return float(value)

    def span(self, name: str) -> slice:
        """A first and a last place, both included."""
        value = self[name]
        whole = isinstance(value, list | tuple) and all(type(place) is int and abs(place) < LARGEST for place in value)
        if not whole or len(value) != 2:
            raise GridError(f"{name!r} must be a first and a last whole number, got {value!r:.40}.")
        return slice(value[0], value[1] + 1)

    def region(self) -> dict[str, slice]:
        """Levels, rows and columns."""
        return {name: self.span(name) for name in ("levels", "rows", "columns")}

    def codes(self, name: str, *, dims: int, numbers: int = 1) -> np.ndarray:
        """Whole numbers in nested lists of equal lengths.

        Parameters
        ----------
        name : str
            Of the field.
        dims : int
            How deep the lists are nested.
        numbers : int
            How many of the numbers stand for one cell.
        """
        inner = [self[name]]
        for _ in range(dims):
            if not all(isinstance(part, list | tuple) for part in inner):
                raise GridError(f"{name!r} must be whole numbers in lists of equal lengths.")
            if sum(map(len, inner)) > numbers * self._settings.edit_cells:
                raise GridError(
                    f"One edit can name up to {self._settings.edit_cells} cells, and this one names more; please make "
                    "several edits of it."
                )
            inner = [each for part in inner for each in part]
        if not inner or not all(type(number) is int and abs(number) < LARGEST for number in inner):
            raise GridError(f"{name!r} must be whole numbers in lists of equal lengths.")
        try:
            return np.array(self[name])
        except ValueError as error:
            raise GridError(f"{name!r} must be codes in lists of equal lengths.") from error

    def second(self) -> Work:
        """The second clip, to blend or swap with."""
        return self._find(self["second"])


def field(fields: Any, name: str) -> Any:
    """A field of what a page or a script sent, which may be anything."""
    if not isinstance(fields, dict) or name not in fields:
        raise GridError(f"This call needs a field {name!r}; if the page made it, please reload the page.")
    return fields[name]


@dataclass(frozen=True)
class Edit:
    """What was asked for.

    Attributes
    ----------
    label : str
        The edit in words.
    grid : CodeGrid
        After it.
    second : CodeGrid or None
        The second clip's grid after it, if that changes too.
    """

    label: str
    grid: CodeGrid
    second: CodeGrid | None = None


def apply(work: Work, kind: object, request: Request) -> Edit:
    """Make an edit of a clip's grid; nothing is kept yet.

    Raises
    ------
    GridError
        If there is no such tool, or what it is asked for does not fit the grid.
    """
    if not isinstance(kind, str) or kind not in TOOLS:
        raise GridError(f"There is no tool named {kind!r:.40}; there are {', '.join(TOOLS)}.")
    return TOOLS[kind](work, work.history.grid, request)


def _paint(work: Work, grid: CodeGrid, request: Request) -> Edit:
    level, code, cells = request.integer("level"), request.integer("code"), request.codes("cells", dims=2, numbers=2)
    edited = edits.set_cells(grid, level=level, cells=cells, code=code)
    rows, columns = cells[:, 0], cells[:, 1]
    spans = slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1)
    return Edit(f"{_where(grid, slice(level, level + 1), *spans)}: painted code {code}", edited)


def _fill(work: Work, grid: CodeGrid, request: Request) -> Edit:
    region, code = request.region(), request.integer("code")
    level = _one_level(region)
    edited = edits.set_codes(grid, level=level, rows=region["rows"], columns=region["columns"], code=code)
    return Edit(f"{_where(grid, **region)}: filled with code {code}", edited)


def _paste(work: Work, grid: CodeGrid, request: Request) -> Edit:
    level, row, column, codes = (
        *(request.integer(name) for name in ("level", "row", "column")),
        request.codes("codes", dims=3),
    )
    edited = edits.paste_codes(grid, codes, level=level, row=row, column=column)
    levels = slice(level, level + codes.shape[0])
    spans = slice(row, row + codes.shape[1]), slice(column, min(column + codes.shape[2], grid.columns))
    return Edit(f"{_where(grid, levels, *spans)}: pasted", edited)


def _clear(work: Work, grid: CodeGrid, request: Request) -> Edit:
    region = request.region()
    edited = edits.clear_codes(grid, **region, quiet=_quiet(work, region))
    return Edit(f"{_where(grid, **region)}: silenced", edited)


def _move(work: Work, grid: CodeGrid, request: Request) -> Edit:
    region, row, column = request.region(), request.integer("row"), request.integer("column")
    edited = edits.move_codes(grid, **region, row=row, column=column, quiet=_quiet(work, region))
    band = band_name(*row_ranges_hz(grid.rows)[row])
    return Edit(f"{_where(grid, **region)}: moved to {column * COLUMN_SECONDS:.2f} s, {band}", edited)


def _repeat(work: Work, grid: CodeGrid, request: Request) -> Edit:
    region, times = request.region(), request.integer("times", 1)
    edited = edits.repeat_columns(grid, **region, times=times)
    return Edit(f"{_where(grid, **region)}: repeated {times} ×", edited)


def _reverse(work: Work, grid: CodeGrid, request: Request) -> Edit:
    region = request.region()
    edited = edits.reverse_columns(grid, **region)
    return Edit(f"{_where(grid, **region)}: reversed", edited)


def _shift(work: Work, grid: CodeGrid, request: Request) -> Edit:
    region, by_rows, by_columns = request.region(), request.integer("by_rows", 0), request.integer("by_columns", 0)
    parts = [f"{by_columns:+d} steps in time"] * bool(by_columns) + [f"{by_rows:+d} bands"] * bool(by_rows)
    edited = edits.shift_codes(grid, **region, by_rows=by_rows, by_columns=by_columns)
    return Edit(f"{_where(grid, **region)}: shifted {', '.join(parts) or 'by nothing'}", edited)


def _similar(work: Work, grid: CodeGrid, request: Request) -> Edit:
    region, rank = request.region(), request.integer("rank")
    level = _one_level(region)
    edited = edits.replace_with_neighbour(
        grid, level=level, rows=region["rows"], columns=region["columns"], codebook=_codebook(work, level), rank=rank
    )
    return Edit(f"{_where(grid, **region)}: each code by its neighbour {rank}", edited)


def _random(work: Work, grid: CodeGrid, request: Request) -> Edit:
    region, among, seed = request.region(), request.integer("among"), request.integer("seed", 0)
    level = _one_level(region)
    edited = edits.replace_at_random(
        grid, level=level, rows=region["rows"], columns=region["columns"],
        codebook=_codebook(work, level), among=among, seed=seed,
    )  # fmt: skip
    return Edit(f"{_where(grid, **region)}: each code by one of its {among} nearest", edited)


def _replace(work: Work, grid: CodeGrid, request: Request) -> Edit:
    level, code, replacement = (request.integer(name) for name in ("level", "code", "replacement"))
    edited = edits.replace_code(grid, level=level, code=code, replacement=replacement)
    return Edit(f"{level_names(grid.levels)[level]}, whole clip: every code {code} by {replacement}", edited)


def _blend(work: Work, grid: CodeGrid, request: Request) -> Edit:
    region, second, amount = request.region(), request.second(), request.number("amount")
    edited = edits.blend_codes(
        grid, second.history.grid, **region, amount=amount, codebooks=work.codec.codebooks,
        other_column=_same_moment(region, second),
    )  # fmt: skip
    return Edit(f"{_where(grid, **region)}: {amount:.0%} of {second.name}", edited)


def _swap(work: Work, grid: CodeGrid, request: Request) -> Edit:
    region, second = request.region(), request.second()
    if second is work:
        raise GridError("The second clip is this one; choose another to swap with.")
    edited, other = edits.swap_codes(grid, second.history.grid, **region, other_column=_same_moment(region, second))
    return Edit(f"{_where(grid, **region)}: swapped with {second.name}", edited, other)


TOOLS: dict[str, Callable[[Work, CodeGrid, Request], Edit]] = {
    "paint": _paint,
    "set": _fill,
    "paste": _paste,
    "clear": _clear,
    "move": _move,
    "repeat": _repeat,
    "reverse": _reverse,
    "shift": _shift,
    "similar": _similar,
    "random": _random,
    "replace": _replace,
    "blend": _blend,
    "swap": _swap,
}


def _one_level(region: dict[str, slice]) -> int:
    levels = region["levels"]
    if levels.stop - levels.start != 1:
        raise GridError("Each level has codes of its own: choose one level for this tool.")
    return levels.start


def _codebook(work: Work, level: int) -> np.ndarray:
    if not 0 <= level < work.codec.num_levels:
        raise GridError(f"Level {level} is not in this grid: it has levels 0 to {work.codec.num_levels - 1}.")
    return work.codec.codebooks[level]


def _quiet(work: Work, region: dict[str, slice]) -> np.ndarray:
    """Silence on all levels is the codes of silence; on some, the codes that add the least to the others."""
    levels = region["levels"]
    whole = (levels.start, levels.stop) == (0, work.codec.num_levels)
    return work.codec.quiet_codes if whole else work.codec.neutral_codes


def _same_moment(region: dict[str, slice], second: Work) -> int:
    """Where the region begins in the second clip: at the same time, or as late as that clip goes."""
    return min(region["columns"].start, second.history.grid.columns - 1)


def _where(grid: CodeGrid, levels: slice, rows: slice, columns: slice) -> str:
    names = level_names(grid.levels)
    one = levels.stop - levels.start == 1 and 0 <= levels.start < len(names)
    which = names[levels.start] if one else f"Levels {levels.start + 1} to {levels.stop}"
    which = "All levels" if (levels.start, levels.stop) == (0, len(names)) else which
    start, stop = columns.start * COLUMN_SECONDS, columns.stop * COLUMN_SECONDS
    bands = row_ranges_hz(grid.rows)[rows]
    span = "all bands" if len(bands) == grid.rows else band_name(bands[0][0], bands[-1][1])
    return f"{which}, {start:.2f} to {stop:.2f} s, {span}"
