"""Edits of a grid: pure functions that take a grid and return a new grid.

The arguments ``rows``, ``columns`` and ``levels`` are slices within the grid or single numbers. The argument ``level``
is always a single number. Codebooks are arrays, so this module needs no model.
"""

from collections.abc import Sequence

import numpy as np

from distill.codes.faders import heard_columns, mix_codes, solo_codes
from distill.codes.grid import CodeGrid
from distill.codes.likeness import blend_codes, nearest_codes, random_codes, similar_codes, snap_blend
from distill.codes.regions import (
    ALL,
    Span,
    put_codes,
    to_both_regions,
    to_cells,
    to_code,
    to_codes,
    to_index,
    to_region,
    to_slice,
    to_whole,
)
from distill.codes.rhythm import play_codes, repeat_codes
from distill.codes.sliding import slide_codes, snap_slide
from distill.errors import GridError

__all__ = [
    "Span",
    "blend_codes",
    "changed_columns",
    "clear_codes",
    "copy_codes",
    "heard_columns",
    "mix_codes",
    "move_codes",
    "nearest_codes",
    "paint_codes",
    "paste_codes",
    "play_codes",
    "random_codes",
    "repeat_codes",
    "replace_codes",
    "reverse_codes",
    "set_codes",
    "shift_codes",
    "similar_codes",
    "slide_codes",
    "snap_blend",
    "snap_slide",
    "solo_codes",
    "swap_codes",
    "to_slice",
]


def set_codes(grid: CodeGrid, *, level: int, rows: Span, columns: Span, code: int) -> CodeGrid:
    """Put one code in every cell of a region.

    Parameters
    ----------
    grid : CodeGrid
    level : int
        Level of the region, in [0, grid.levels).
    rows, columns : slice or int
        The region. Row 0 has the lowest frequency.
    code : int
        New code, in [0, grid.codebook_size).

    Raises
    ------
    GridError
        If the level or region is not in the grid, or the code is out of range.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> set_codes(grid, level=0, rows=0, columns=slice(1, 3), code=7).indices[0].tolist()
    [[0, 7, 7, 3], [4, 5, 6, 7]]
    """
    region = to_region(grid, to_index("Level", level, grid.levels), rows, columns)
    return put_codes(grid, region, to_code(code, grid.codebook_size))


def paint_codes(grid: CodeGrid, *, level: int, cells: Sequence[Sequence[int]] | np.ndarray, code: int) -> CodeGrid:
    """Put one code in single cells, as a stroke of the brush does.

    Parameters
    ----------
    grid : CodeGrid
    level : int
        Level of the cells, in [0, grid.levels).
    cells : sequence of (row, column)
        At least one cell, in any order. A cell may occur more than once.
    code : int
        New code, in [0, grid.codebook_size).

    Raises
    ------
    GridError
        If the level or a cell is not in the grid, there are no cells, or the code is out of range.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> paint_codes(grid, level=0, cells=[(0, 0), (1, 2)], code=7).indices[0].tolist()
    [[7, 1, 2, 3], [4, 5, 7, 7]]
    """
    level, code = to_index("Level", level, grid.levels), to_code(code, grid.codebook_size)
    rows, columns = to_cells(grid, cells)
    return put_codes(grid, (level, rows, columns), code)


def copy_codes(grid: CodeGrid, *, rows: Span, columns: Span, levels: Span = ALL) -> np.ndarray:
    """Copy the codes of a region as int64 [levels, rows, columns].

    Raises
    ------
    GridError
        If the region is not in the grid.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> copy_codes(grid, rows=1, columns=slice(0, 2)).tolist()
    [[[4, 5]]]
    """
    return grid.indices[to_region(grid, levels, rows, columns)].copy()


def paste_codes(grid: CodeGrid, codes: np.ndarray, *, row: int, column: int, level: int = 0) -> CodeGrid:
    """Put copied codes into the grid. The first row and first column of the codes go to ``row`` and ``column``.

    Codes beyond the last row or the last column of the grid are left out.

    Parameters
    ----------
    grid : CodeGrid
    codes : ndarray of int [levels, rows, columns]
        Codes in [0, grid.codebook_size).
    row, column : int
        A cell of the grid.
    level : int
        Level of the grid that receives the first level of the codes. All levels of the codes must fit in the grid.

    Raises
    ------
    GridError
        If the position is not in the grid, or the codes have too many levels or are out of range.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> paste_codes(grid, np.array([[[6, 6]]]), row=1, column=3).indices[0].tolist()
    [[0, 1, 2, 3], [4, 5, 6, 6]]
    """
    shape = {"levels": None, "rows": None, "columns": None}
    codes = to_codes("The copied codes", codes, shape, grid.codebook_size)
    level, row, column = (
        to_index("Level", level, grid.levels),
        to_index("Row", row, grid.rows),
        to_index("Column", column, grid.columns),
    )
    if level + len(codes) > grid.levels:
        raise GridError(f"Copied codes of {len(codes)} levels do not fit at level {level} of {grid.levels}.")
    codes = codes[:, : grid.rows - row, : grid.columns - column]
    _, height, width = codes.shape
    region = slice(level, level + len(codes)), slice(row, row + height), slice(column, column + width)
    return put_codes(grid, region, codes)


def clear_codes(grid: CodeGrid, *, rows: Span, columns: Span, levels: Span = ALL, quiet: np.ndarray) -> CodeGrid:
    """Replace the codes of a region by the codes of silence.

    Parameters
    ----------
    grid : CodeGrid
    rows, columns, levels : slice or int
        The region. Row 0 has the lowest frequency.
    quiet : ndarray of int [grid.levels, grid.rows]
        The codes of silence of each level and row, in [0, grid.codebook_size).

    Raises
    ------
    GridError
        If the region is not in the grid, or the quiet codes do not fit it.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> clear_codes(grid, rows=slice(0, 2), columns=1, quiet=np.array([[0, 7]])).indices[0].tolist()
    [[0, 0, 2, 3], [4, 7, 6, 7]]
    """
    region = to_region(grid, levels, rows, columns)
    shape = {"levels": grid.levels, "rows": grid.rows}
    quiet = to_codes("The quiet codes", quiet, shape, grid.codebook_size)
    return put_codes(grid, region, quiet[region[:2]][..., None])


def move_codes(
    grid: CodeGrid, *, rows: Span, columns: Span, levels: Span = ALL, row: int, column: int, quiet: np.ndarray
) -> CodeGrid:
    """Cut a region and paste it on the same levels, with its first row at ``row`` and its first column at ``column``.

    Cells of the old place that the new place does not cover become silent. Codes beyond the last row or the last column
    of the grid are lost.

    Parameters
    ----------
    grid : CodeGrid
    rows, columns, levels : slice or int
        The region. Row 0 has the lowest frequency.
    row, column : int
        A cell of the grid.
    quiet : ndarray of int [grid.levels, grid.rows]
        The codes of silence of each level and row, in [0, grid.codebook_size).

    Raises
    ------
    GridError
        If the region or the position is not in the grid, or the quiet codes do not fit it.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> move_codes(grid, rows=0, columns=slice(1, 3), row=1, column=0, quiet=np.array([[0, 0]])).indices[0].tolist()
    [[0, 0, 0, 3], [1, 2, 6, 7]]
    """
    codes = copy_codes(grid, rows=rows, columns=columns, levels=levels)
    cut = clear_codes(grid, rows=rows, columns=columns, levels=levels, quiet=quiet)
    return paste_codes(cut, codes, row=row, column=column, level=to_slice("Level", levels, grid.levels).start)


def reverse_codes(grid: CodeGrid, *, rows: Span, columns: Span, levels: Span = ALL) -> CodeGrid:
    """Reverse the order of the columns in a region.

    Raises
    ------
    GridError
        If the region is not in the grid.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> reverse_codes(grid, rows=1, columns=slice(0, 3)).indices[0].tolist()
    [[0, 1, 2, 3], [6, 5, 4, 7]]
    """
    region = to_region(grid, levels, rows, columns)
    return put_codes(grid, region, grid.indices[region][..., ::-1])


def shift_codes(
    grid: CodeGrid, *, rows: Span, columns: Span, levels: Span = ALL, by_rows: int = 0, by_columns: int = 0
) -> CodeGrid:
    """Rotate a region within itself: codes that leave on one side enter on the opposite side.

    Parameters
    ----------
    grid : CodeGrid
    rows, columns, levels : slice or int
        The region. Row 0 has the lowest frequency.
    by_rows, by_columns : int
        Number of rows upwards and of columns to the right. Negative numbers move the codes downwards and to the left.

    Raises
    ------
    GridError
        If the region is not in the grid, or a distance is not a whole number.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> shift_codes(grid, rows=0, columns=slice(None), by_columns=1).indices[0].tolist()
    [[3, 0, 1, 2], [4, 5, 6, 7]]
    """
    region = to_region(grid, levels, rows, columns)
    codes = grid.indices[region]
    by = to_whole("by_rows", by_rows) % codes.shape[1], to_whole("by_columns", by_columns) % codes.shape[2]
    return put_codes(grid, region, np.roll(codes, by, axis=(1, 2)))


def swap_codes(
    grid: CodeGrid, other: CodeGrid, *, rows: Span, columns: Span, levels: Span = ALL, other_column: int
) -> tuple[CodeGrid, CodeGrid]:
    """Exchange a region with a region of the same size in another clip, and return both new grids.

    Columns beyond the end of the other clip stay as they are.

    Parameters
    ----------
    grid, other : CodeGrid
        Grids of the same codec.
    rows, columns, levels : slice or int
        The region of ``grid``.
    other_column : int
        First column of the region of ``other``, in [0, other.columns).

    Raises
    ------
    GridError
        If the grids are not of the same codec, or a region is not in its grid.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> other = grid.with_indices(grid.indices[:, ::-1])
    >>> ours, theirs = swap_codes(grid, other, rows=0, columns=slice(0, 2), other_column=0)
    >>> ours.indices[0].tolist(), theirs.indices[0].tolist()
    ([[4, 5, 2, 3], [4, 5, 6, 7]], [[0, 1, 6, 7], [0, 1, 2, 3]])
    """
    ours, theirs = to_both_regions(grid, other, rows, columns, levels, other_column)
    return put_codes(grid, ours, other.indices[theirs]), put_codes(other, theirs, grid.indices[ours])


def replace_codes(
    grid: CodeGrid, *, level: int, code: int, replacement: int, rows: Span = ALL, columns: Span = ALL
) -> CodeGrid:
    """Replace one code by another on one level, in the whole clip or in a region.

    Parameters
    ----------
    grid : CodeGrid
    level : int
        Level of the region, in [0, grid.levels).
    code, replacement : int
        Old code and new code, in [0, grid.codebook_size).
    rows, columns : slice or int
        The region. Row 0 has the lowest frequency.

    Raises
    ------
    GridError
        If the level or region is not in the grid, or a code is out of range.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> replace_codes(grid, level=0, code=3, replacement=0).indices[0].tolist()
    [[0, 1, 2, 0], [4, 5, 6, 7]]
    """
    region = to_region(grid, to_index("Level", level, grid.levels), rows, columns)
    code, replacement = to_code(code, grid.codebook_size), to_code(replacement, grid.codebook_size)
    codes = grid.indices[region]
    return put_codes(grid, region, np.where(codes == code, replacement, codes))


def changed_columns(before: CodeGrid, after: CodeGrid) -> slice | None:
    """Find the smallest run of columns that holds every difference between two grids; None if the grids are equal.

    Raises
    ------
    GridError
        If the grids do not have the same shape.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> changed_columns(grid, set_codes(grid, level=0, rows=1, columns=slice(1, 3), code=0))
    slice(1, 3, None)
    """
    if before.indices.shape != after.indices.shape:
        raise GridError("The two grids are of different shapes.")
    changed = np.flatnonzero(heard_columns(before, after))
    return slice(int(changed[0]), int(changed[-1]) + 1) if len(changed) else None
