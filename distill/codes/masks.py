"""Edits of some cells of a region: a selection need not be a rectangle."""

import math
from collections.abc import Sequence

import numpy as np

from distill.codes.grid import CodeGrid
from distill.codes.regions import ALL, Span, to_cells, to_period, to_region, to_whole
from distill.errors import GridError

Cells = Sequence[Sequence[int]] | np.ndarray
"""Cells (row, column) of a grid, at least one, in any order."""


def keep_codes(grid: CodeGrid, edited: CodeGrid, *, cells: Cells) -> CodeGrid:
    """Limit an edit to some cells: all other cells keep the codes and faders that they had.

    Parameters
    ----------
    grid, edited : CodeGrid
        The grid before and after the edit.
    cells : sequence of (row, column)
        The cells that change, on all levels.

    Raises
    ------
    GridError
        If a cell is not in the grid.

    Examples
    --------
    >>> grid = CodeGrid(np.zeros((1, 2, 4), dtype=int), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> edited = grid.with_indices(grid.indices + 5)
    >>> keep_codes(grid, edited, cells=[(0, 0), (1, 2)]).indices[0].tolist()
    [[5, 0, 0, 0], [0, 0, 5, 0]]
    """
    rows, columns = to_cells(grid, cells)
    before, after = (each.cells.reshape(2, *grid.indices.shape) for each in (grid, edited))
    before[..., rows, columns] = after[..., rows, columns]
    return grid.with_cells(before.reshape(-1))


def move_cells(
    grid: CodeGrid, *, cells: Cells, by_rows: int, by_columns: int, levels: Span = ALL, quiet: np.ndarray
) -> CodeGrid:
    """Cut some cells and paste them elsewhere, on the same levels. Cells that leave the grid are lost.

    Parameters
    ----------
    grid : CodeGrid
    cells : sequence of (row, column)
        The cells to move.
    by_rows, by_columns : int
        How far they move, upwards and later; negative for downwards and earlier.
    levels : slice or int
        The levels that move; all by default.
    quiet : ndarray of int [grid.levels, grid.rows]
        The codes of silence of each level and row.

    Raises
    ------
    GridError
        If a cell or a level is not in the grid.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> quiet = np.array([[0, 0]])
    >>> move_cells(grid, cells=[(0, 1), (1, 3)], by_rows=0, by_columns=1, quiet=quiet).indices[0].tolist()
    [[0, 0, 1, 3], [4, 5, 6, 0]]
    """
    rows, columns = to_cells(grid, cells)
    (span, _, _) = to_region(grid, levels, ALL, ALL)
    indices = grid.indices.copy()
    indices[span, rows, columns] = quiet[span, rows]
    to_rows, to_columns = rows + by_rows, columns + by_columns
    inside = (to_rows >= 0) & (to_rows < grid.rows) & (to_columns >= 0) & (to_columns < grid.columns)
    indices[span, to_rows[inside], to_columns[inside]] = grid.indices[span, rows[inside], columns[inside]]
    return grid.with_indices(indices)


def repeat_cells(
    grid: CodeGrid, *, cells: Cells, columns: Span, levels: Span = ALL, times: int, period: float = 0.0
) -> CodeGrid:
    """Repeat some cells of a region to its right, as :func:`distill.codes.rhythm.repeat_codes` repeats all.

    Parameters
    ----------
    grid : CodeGrid
    cells : sequence of (row, column)
        The cells to repeat, all of them in ``columns``.
    columns, levels : slice or int
        The region whose width a copy has, and the levels that are repeated; all levels by default.
    times : int
        Number of copies after the region, at least 0.
    period : float
        Columns from the start of a copy to the start of the next, at least 1, or 0 for the width of the region.

    Raises
    ------
    GridError
        If a cell is not in the grid or not in ``columns``, the region is not in the grid, ``times`` is negative, or
        ``period`` is neither 0 nor at least 1.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> repeat_cells(grid, cells=[(0, 0), (1, 1)], columns=slice(0, 2), times=1).indices[0].tolist()
    [[0, 1, 0, 3], [4, 5, 6, 5]]
    """
    rows, places = to_cells(grid, cells)
    levels, _, span = to_region(grid, levels, ALL, columns)
    check_cells(cells, slice(0, grid.rows), span)
    times = to_whole("times", times, 0)
    period = to_period(period) or span.stop - span.start
    indices = grid.indices.copy()
    for copy in range(1, min(times, math.ceil((grid.columns - span.start) / period)) + 1):
        first, following = (span.start + math.floor(count * period + 0.5) for count in (copy, copy + 1))
        to = places - span.start + first
        inside = to < min(following, grid.columns)
        indices[levels, rows[inside], to[inside]] = grid.indices[levels, rows[inside], places[inside]]
    return grid.with_indices(indices)


def check_cells(cells: Cells, rows: slice, columns: slice) -> None:
    """Raise a GridError unless all cells lie in a region."""
    for row, column in np.asarray(cells).tolist():
        if not (rows.start <= row < rows.stop and columns.start <= column < columns.stop):
            raise GridError(f"The cell in row {row}, column {column} is not in the region.")


def keep_both(
    grids: tuple[CodeGrid, CodeGrid], edited: tuple[CodeGrid, CodeGrid], *, cells: Cells, by_columns: int
) -> tuple[CodeGrid, CodeGrid]:
    """Limit an exchange between two clips to some cells.

    Parameters
    ----------
    grids, edited : (CodeGrid, CodeGrid)
        The grids of both clips before and after the exchange.
    cells : sequence of (row, column)
        The cells of the first clip that change, on all levels.
    by_columns : int
        How much later the cells stand in the second clip; negative for earlier. Those outside of it are left out.

    Returns
    -------
    (CodeGrid, CodeGrid)
        Both grids; all other cells are as they were.

    Raises
    ------
    GridError
        If a cell is not in the first grid, or its row is not in the second.
    """
    ours = np.stack(to_cells(grids[0], cells), axis=1)
    theirs = ours + np.array([0, by_columns])
    theirs = theirs[(theirs[:, 1] >= 0) & (theirs[:, 1] < grids[1].columns)]
    first = keep_codes(grids[0], edited[0], cells=ours)
    return first, keep_codes(grids[1], edited[1], cells=theirs) if len(theirs) else grids[1]
