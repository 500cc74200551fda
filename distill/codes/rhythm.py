"""Edits in time, which :mod:`distill.codes.edits` offers: repeats on the beat, and what was played on the keys."""

import math
from collections.abc import Sequence

import numpy as np

from distill.codes.grid import CodeGrid
from distill.codes.regions import ALL, Span, put_codes, to_notes, to_period, to_region, to_whole


def repeat_codes(
    grid: CodeGrid, *, rows: Span, columns: Span, levels: Span = ALL, times: int, period: float = 0.0
) -> CodeGrid:
    """Repeat a region to its right, up to the end of the clip. The copies replace the codes there.

    Parameters
    ----------
    grid : CodeGrid
    rows, columns, levels : slice or int
        The region. Row 0 has the lowest frequency.
    times : int
        Number of copies after the region, at least 0.
    period : float
        Columns from the start of a copy to the start of the next, at least 1, or 0 for the width of the region. Each
        copy starts at the nearest column and ends where the next one starts, so copies of a beat stay on the beat.

    Raises
    ------
    GridError
        If the region is not in the grid, ``times`` is negative, or ``period`` is neither 0 nor at least 1.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> repeat_codes(grid, rows=0, columns=slice(0, 2), times=1).indices[0].tolist()
    [[0, 1, 0, 1], [4, 5, 6, 7]]
    """
    level_span, row_span, column_span = to_region(grid, levels, rows, columns)
    times = to_whole("times", times, 0)
    start, width = column_span.start, column_span.stop - column_span.start
    period = to_period(period) or width
    region = grid.indices[level_span, row_span]
    codes = region.copy()
    for copy in range(1, min(times, math.ceil((grid.columns - start) / period)) + 1):
        first, following = (start + math.floor(count * period + 0.5) for count in (copy, copy + 1))
        last = min(first + width, following, grid.columns)
        if first < last:
            codes[..., first:last] = region[..., start : start + last - first]
    return put_codes(grid, (level_span, row_span, slice(0, grid.columns)), codes)


def play_codes(grid: CodeGrid, *, notes: Sequence[Sequence[int]] | np.ndarray) -> CodeGrid:
    """Put codes in single cells of any levels: what was played on the keys.

    Parameters
    ----------
    grid : CodeGrid
    notes : array_like of int [notes, 4]
        For each cell its level, its row, its column and its new code. A later note replaces an earlier one.

    Raises
    ------
    GridError
        If a cell is not in the grid, or a code is not in the codebook.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> play_codes(grid, notes=[[0, 1, 2, 7], [0, 0, 0, 5]]).indices[0].tolist()
    [[5, 1, 2, 3], [4, 5, 7, 7]]
    """
    indices = grid.indices.copy()
    for *cell, code in to_notes(grid, notes).tolist():
        indices[tuple(cell)] = code
    return grid.with_indices(indices)
