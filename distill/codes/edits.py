"""Edits of a grid: pure functions, each from one grid to a new one.

Rows and columns are given as slices that stay within the grid, or as single numbers; levels as numbers from 0.
"""

import numpy as np

from distill.codes.grid import CodeGrid
from distill.errors import GridError

Span = slice | int


def set_codes(grid: CodeGrid, *, level: int, rows: Span, columns: Span, code: int) -> CodeGrid:
    """Put one code in every cell of a region.

    Parameters
    ----------
    grid : CodeGrid
    level : int
        In [0, grid.levels).
    rows, columns : slice or int
        The region: rows count up from the lowest frequency.
    code : int
        In [0, grid.codebook_size).

    Raises
    ------
    GridError
        If the level or region is not in the grid, or the code is out of range.
    """
    region = _region(grid, level, rows, columns)
    if not 0 <= code < grid.codebook_size:
        raise GridError(f"Code {code} is out of range: this codec has codes 0 to {grid.codebook_size - 1}.")
    indices = grid.indices.copy()
    indices[region] = code
    return grid.with_indices(indices)


def copy_codes(grid: CodeGrid, *, rows: Span, columns: Span) -> np.ndarray:
    """The codes of a region on all levels, [levels, rows, columns], to be pasted elsewhere.

    Raises
    ------
    GridError
        If the region is not in the grid.
    """
    _, row_span, column_span = _region(grid, 0, rows, columns)
    return grid.indices[:, row_span, column_span].copy()


def paste_codes(grid: CodeGrid, codes: np.ndarray, *, row: int, column: int) -> CodeGrid:
    """Put copied codes [levels, rows, columns] into the grid, their lowest first cell at ``row``, ``column``.

    What would overhang an edge of the grid is left out.

    Raises
    ------
    GridError
        If the position is not in the grid, or the codes have another number of levels or are out of range.
    """
    _region(grid, 0, row, column)
    if codes.ndim != 3 or codes.shape[0] != grid.levels:
        raise GridError(f"The copied codes do not have this grid's {grid.levels} levels.")
    indices = grid.indices.copy()
    target = indices[:, row : row + codes.shape[1], column : column + codes.shape[2]]
    target[:] = codes[:, : target.shape[1], : target.shape[2]]
    return grid.with_indices(indices)


def reverse_columns(grid: CodeGrid, *, rows: Span, columns: Span) -> CodeGrid:
    """Play a region backwards in time, in steps of a column, on all levels.

    Raises
    ------
    GridError
        If the region is not in the grid.
    """
    _, row_span, column_span = _region(grid, 0, rows, columns)
    indices = grid.indices.copy()
    indices[:, row_span, column_span] = indices[:, row_span, column_span][..., ::-1]
    return grid.with_indices(indices)


def changed_columns(before: CodeGrid, after: CodeGrid) -> slice | None:
    """The smallest run of columns that holds every difference of two grids of one clip, or None if there is none.

    Raises
    ------
    GridError
        If the grids do not have the same shape.
    """
    if before.indices.shape != after.indices.shape:
        raise GridError("The two grids are of different shapes.")
    changed = np.flatnonzero((before.indices != after.indices).any(axis=(0, 1)))
    return slice(int(changed[0]), int(changed[-1]) + 1) if len(changed) else None


def _region(grid: CodeGrid, level: int, rows: Span, columns: Span) -> tuple[int, slice, slice]:
    if not 0 <= level < grid.levels:
        raise GridError(f"Level {level} is not in this grid: it has levels 0 to {grid.levels - 1}.")
    return level, to_slice("Row", rows, grid.rows), to_slice("Column", columns, grid.columns)


def to_slice(what: str, given: Span, size: int) -> slice:
    """A slice with both ends, from a slice or a number; a GridError unless it lies in ``[0, size)``."""
    span = slice(given, given + 1) if isinstance(given, int | np.integer) else given
    start = 0 if span.start is None else span.start
    stop = size if span.stop is None else span.stop
    if span.step not in (None, 1) or not 0 <= start < stop <= size:
        raise GridError(f"{what}s {start} to {stop - 1} are not in this grid: it has {what.lower()}s 0 to {size - 1}.")
    return slice(int(start), int(stop))
