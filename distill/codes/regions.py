"""Which cells, levels and codes an edit is about: given by a caller, checked here, refused with one sentence."""

from collections.abc import Mapping

import numpy as np

from distill.codes.grid import CodeGrid
from distill.errors import GridError

Span = slice | int
ALL: Span = slice(None)


def to_slice(what: str, given: Span, size: int) -> slice:
    """A slice with both ends, from a slice or a number; a GridError unless it lies in ``[0, size)``."""
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
    """A whole number; a GridError unless it lies in ``[0, size)``."""
    if not isinstance(given, int | np.integer) or not 0 <= given < size:
        raise GridError(f"{what} {given} is not in {where}: it has {what.lower()}s 0 to {size - 1}.")
    return int(given)


def to_region(grid: CodeGrid, levels: Span, rows: Span, columns: Span) -> tuple[slice, slice, slice]:
    """The index of a region; a GridError unless all of it is in the grid."""
    return (
        to_slice("Level", levels, grid.levels),
        to_slice("Row", rows, grid.rows),
        to_slice("Column", columns, grid.columns),
    )


def to_both_regions(
    grid: CodeGrid, other: CodeGrid, rows: Span, columns: Span, levels: Span, other_column: int
) -> tuple[tuple[slice, slice, slice], tuple[slice, slice, slice]]:
    """The part of a region that has a counterpart in another clip from a column on, and that counterpart.

    A GridError unless the grids are of one codec and the region and the column are in them.
    """
    for name in ("model_id", "codebook_size", "levels", "rows"):
        mine, its = getattr(grid, name), getattr(other, name)
        if mine != its:
            raise GridError(f"The other clip is of another codec: {name.replace('_', ' ')} {its}, not {mine}.")
    level_span, row_span, column_span = to_region(grid, levels, rows, columns)
    first = to_index("Column", other_column, other.columns, "the other clip")
    width = min(column_span.stop - column_span.start, other.columns - first)
    ours, theirs = slice(column_span.start, column_span.start + width), slice(first, first + width)
    return (level_span, row_span, ours), (level_span, row_span, theirs)


def to_whole(name: str, given: int, low: int | None = None, high: int | None = None) -> int:
    """A whole number; a GridError unless it is one, from ``low`` to ``high``."""
    fits = isinstance(given, int | np.integer)
    if not fits or (low is not None and given < low) or (high is not None and given > high):
        bounds = "" if low is None else f" of at least {low}" if high is None else f" from {low} to {high}"
        raise GridError(f"{name} must be a whole number{bounds}, got {given}.")
    return int(given)


def to_code(given: int, codebook_size: int) -> int:
    """A code; a GridError unless it lies in ``[0, codebook_size)``."""
    if not isinstance(given, int | np.integer) or not 0 <= given < codebook_size:
        raise GridError(f"Code {given} is out of range: this codec has codes 0 to {codebook_size - 1}.")
    return int(given)


def to_cells(grid: CodeGrid, given: object) -> tuple[np.ndarray, np.ndarray]:
    """The rows and the columns of cells given as (row, column); a GridError unless all are in the grid."""
    cells = _to_array("The cells", given, {"cells": None, "coordinates": 2}, "iu", "whole numbers")
    for what, numbers, size in (("Row", cells[:, 0], grid.rows), ("Column", cells[:, 1], grid.columns)):
        to_index(what, numbers.min(), size)
        to_index(what, numbers.max(), size)
    return cells[:, 0], cells[:, 1]


def to_codes(what: str, given: object, shape: Mapping[str, int | None], codebook_size: int) -> np.ndarray:
    """An array of codes whose axes have these names and sizes (None: any but 0); a GridError if it is not."""
    codes = _to_array(what, given, shape, "iu", "whole numbers")
    to_code(codes.min(), codebook_size)
    to_code(codes.max(), codebook_size)
    return codes


def to_vectors(what: str, given: object, shape: Mapping[str, int | None]) -> np.ndarray:
    """A float array, as :func:`to_codes` has it; a GridError if it is another or not finite."""
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
    """The grid with other codes in a region."""
    indices = grid.indices.copy()
    indices[region] = codes
    return grid.with_indices(indices)
