"""Checks of the arguments of edits: cells, rows, columns, levels and codes. An invalid argument raises a GridError."""

import math
import numbers
from collections.abc import Mapping

import numpy as np

from distill.codes.grid import CodeGrid
from distill.errors import GridError

Span = slice | int
ALL: Span = slice(None)


def to_slice(what: str, given: Span, size: int) -> slice:
    """Turn a slice or a number into a slice with both ends; raise a GridError unless it lies in ``[0, size)``."""
    if not isinstance(given, slice):
        index = to_index(what, given, size)
        return slice(index, index + 1)
    start = 0 if given.start is None else given.start
    stop = size if given.stop is None else given.stop
    if given.step not in (None, 1) or not all(isinstance(end, int | np.integer) for end in (start, stop)):
        raise GridError(f"{what}s must be a run of whole numbers, got {given}.")
    if not 0 <= start < stop <= size:
        raise GridError(f"{what}s {start} to {stop - 1} are not in this grid: it has {what.lower()}s 0 to {size - 1}.")
    return slice(int(start), int(stop))


def to_index(what: str, given: int, size: int, where: str = "this grid") -> int:
    """Return an index as an int; raise a GridError unless it lies in ``[0, size)``."""
    if not isinstance(given, int | np.integer) or not 0 <= given < size:
        raise GridError(f"{what} {given} is not in {where}: it has {what.lower()}s 0 to {size - 1}.")
    return int(given)


def to_region(grid: CodeGrid, levels: Span, rows: Span, columns: Span) -> tuple[slice, slice, slice]:
    """Return the slices of a region (levels, rows, columns); raise a GridError unless all of it is in the grid."""
    return (
        to_slice("Level", levels, grid.levels),
        to_slice("Row", rows, grid.rows),
        to_slice("Column", columns, grid.columns),
    )


def to_both_regions(
    grid: CodeGrid, other: CodeGrid, rows: Span, columns: Span, levels: Span, other_column: int
) -> tuple[tuple[slice, slice, slice], tuple[slice, slice, slice]]:
    """Return the slices of a region and of its counterpart in another clip, which starts at ``other_column``.

    Columns without a counterpart are left out. Raise a GridError if the grids are not of the same codec, or if the
    region or ``other_column`` is not in its grid.
    """
    for name in ("model_id", "codebook_size", "levels", "rows", "time_stride"):
        mine, its = getattr(grid, name), getattr(other, name)
        if mine != its:
            raise GridError(f"The other clip is of another codec: {name.replace('_', ' ')} {its}, not {mine}.")
    level_span, row_span, column_span = to_region(grid, levels, rows, columns)
    first = to_index("Column", other_column, other.columns, "the other clip")
    width = min(column_span.stop - column_span.start, other.columns - first)
    ours, theirs = slice(column_span.start, column_span.start + width), slice(first, first + width)
    return (level_span, row_span, ours), (level_span, row_span, theirs)


def to_whole(name: str, given: int, low: int | None = None, high: int | None = None) -> int:
    """Return a whole number as an int; raise a GridError unless it lies in ``[low, high]``."""
    fits = isinstance(given, int | np.integer)
    if not fits or (low is not None and given < low) or (high is not None and given > high):
        bounds = "" if low is None else f" of at least {low}" if high is None else f" from {low} to {high}"
        raise GridError(f"{name} must be a whole number{bounds}, got {given}.")
    return int(given)


def to_number(name: str, given: float, low: float, high: float) -> float:
    """Return a number as it is; raise a GridError unless it lies in ``[low, high]``."""
    if isinstance(given, bool) or not isinstance(given, numbers.Real) or not low <= given <= high:
        raise GridError(f"{name} must be from {low:g} to {high:g}, got {given}.")
    return given


def to_period(given: float) -> float:
    """Return a number of columns from copy to copy; raise a GridError unless it is 0 or at least 1."""
    if given != 0 and not 1 <= given < math.inf:
        raise GridError("period must be 0 or at least 1 column.")
    return given


def to_code(given: int, codebook_size: int) -> int:
    """Return a code as an int; raise a GridError unless it lies in ``[0, codebook_size)``."""
    if not isinstance(given, int | np.integer) or not 0 <= given < codebook_size:
        raise GridError(f"Code {given} is out of range: this codec has codes 0 to {codebook_size - 1}.")
    return int(given)


def to_notes(grid: CodeGrid, given: object) -> np.ndarray:
    """Return notes (level, row, column, code) as an array; raise a GridError unless all cells and codes exist."""
    notes = _to_array("The notes", given, {"notes": None, "numbers": 4}, "iu", "whole numbers")
    for what, places, size in zip(("Level", "Row", "Column"), notes.T, grid.indices.shape, strict=False):
        to_index(what, places.min(), size)
        to_index(what, places.max(), size)
    to_code(notes[:, 3].min(), grid.codebook_size)
    to_code(notes[:, 3].max(), grid.codebook_size)
    return notes


def to_cells(grid: CodeGrid, given: object) -> tuple[np.ndarray, np.ndarray]:
    """Split cells (row, column) into rows and columns; raise a GridError unless all cells are in the grid."""
    cells = _to_array("The cells", given, {"cells": None, "coordinates": 2}, "iu", "whole numbers")
    for what, places, size in (("Row", cells[:, 0], grid.rows), ("Column", cells[:, 1], grid.columns)):
        to_index(what, places.min(), size)
        to_index(what, places.max(), size)
    return cells[:, 0], cells[:, 1]


def to_codes(what: str, given: object, shape: Mapping[str, int | None], codebook_size: int) -> np.ndarray:
    """Return codes as an array; raise a GridError if a code is out of range or an axis has another size.

    ``shape`` gives the name and the size of each axis; None stands for any size but 0.
    """
    codes = _to_array(what, given, shape, "iu", "whole numbers")
    to_code(codes.min(), codebook_size)
    to_code(codes.max(), codebook_size)
    return codes


def to_vectors(what: str, given: object, shape: Mapping[str, int | None]) -> np.ndarray:
    """Return vectors as a float array; raise a GridError if a value is not finite or an axis has another size.

    ``shape`` is as in :func:`to_codes`.
    """
    array = _to_array(what, given, shape, "iuf", "numbers")
    if not np.isfinite(array).all():
        raise GridError(f"{what} must be finite numbers, got {array[~np.isfinite(array)][0]}.")
    return array.astype(np.result_type(array, np.float32), copy=False)


def _to_array(what: str, given: object, shape: Mapping[str, int | None], kinds: str, content: str) -> np.ndarray:
    axes = ", ".join(name if size is None else f"{size} {name}" for name, size in shape.items())
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise GridError(f"{what} must be {content} [{axes}], got lists of unequal lengths.") from error
    sizes = tuple(shape.values())
    fits = array.ndim == len(sizes) and all(a == b or b is None for a, b in zip(array.shape, sizes, strict=True))
    if not fits or not array.size or array.dtype.kind not in kinds:
        raise GridError(f"{what} must be {content} [{axes}], got {array.dtype} {list(array.shape)}.")
    return array


def put_codes(grid: CodeGrid, region: tuple[int | slice | np.ndarray, ...], codes: np.ndarray | int) -> CodeGrid:
    """Return a copy of the grid with other codes in a region."""
    indices = grid.indices.copy()
    indices[region] = codes
    return grid.with_indices(indices)
