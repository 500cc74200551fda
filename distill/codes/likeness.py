"""Edits by distance in the codebook: similar codes, random similar codes, and the blend of two grids."""

import numpy as np

from distill.codes.grid import CodeGrid
from distill.codes.regions import (
    ALL,
    Span,
    put_codes,
    to_both_regions,
    to_code,
    to_index,
    to_number,
    to_region,
    to_vectors,
    to_whole,
)
from distill.codes.snapping import Snapped, embed, snap, squared


def blend_codes(
    grid: CodeGrid,
    other: CodeGrid,
    *,
    rows: Span,
    columns: Span,
    levels: Span = ALL,
    amount: float,
    codebooks: np.ndarray,
    other_column: int,
) -> CodeGrid:
    """Move the sound of a region towards the sound of a region in another clip.

    The vector of a cell is the sum of the codebook entries of its codes on all levels. The function mixes the vectors
    of both clips, subtracts the entries of the levels outside the region, and quantizes the rest level by level,
    coarsest first. This search is greedy. So the codes that the cell has in either clip replace the found codes if they
    are at least as near.

    Parameters
    ----------
    grid, other : CodeGrid
        Grids of the same codec.
    rows, columns, levels : slice or int
        The region of ``grid``. Columns beyond the end of ``other`` stay as they are.
    amount : float
        Share of ``other``, 0 to 1. With 0, ``grid`` does not change. With 1 and all levels, the region receives the
        codes of ``other``.
    codebooks : ndarray of float [levels, codebook_size, dimensions]
        Codebooks of the codec.
    other_column : int
        First column of the region of ``other``, in [0, other.columns).

    Raises
    ------
    GridError
        If the grids are not of the same codec, a region is not in its grid, the amount is out of range, or the
        codebooks have another shape than the grid needs.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> other = grid.with_indices(grid.indices[:, ::-1])
    >>> codebooks = np.arange(8.0).reshape(1, 8, 1)  # one level, whose codes lie on a line
    >>> blend_codes(
    ...     grid, other, rows=0, columns=slice(None), amount=0.5, codebooks=codebooks, other_column=0
    ... ).indices[0].tolist()
    [[2, 3, 4, 5], [4, 5, 6, 7]]
    """
    return snap_blend(
        grid, other, rows=rows, columns=columns, levels=levels, amount=amount, codebooks=codebooks,
        other_column=other_column,
    ).grid  # fmt: skip


def snap_blend(
    grid: CodeGrid,
    other: CodeGrid,
    *,
    rows: Span,
    columns: Span,
    levels: Span = ALL,
    amount: float,
    codebooks: np.ndarray,
    other_column: int,
) -> Snapped:
    """The same as :func:`blend_codes`, and how far the codes are off the blend of the sounds.

    Examples
    --------
    >>> grid = CodeGrid(np.zeros((1, 2, 4), dtype=int), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> other = grid.with_indices(grid.indices + 7)
    >>> codebooks = np.arange(8.0).reshape(1, 8, 1)  # one level, whose codes lie on a line
    >>> snapped = snap_blend(grid, other, rows=0, columns=0, amount=0.5, codebooks=codebooks, other_column=0)
    >>> round(snapped.off, 2)  # from 3.5 to the code 3 or 4
    0.14
    """
    region, other_region = to_both_regions(grid, other, rows, columns, levels, other_column)
    shape = {"levels": grid.levels, "codes": grid.codebook_size, "dimensions": None}
    codebooks = to_vectors("The codebooks", codebooks, shape).astype(np.float32, copy=False)
    to_number("The amount of a blend", amount, 0, 1)
    changed, *cells = region
    ours, theirs = grid.indices[:, *cells], other.indices[:, *other_region[1:]]
    if amount == 0:
        return Snapped(grid, 0.0)
    if amount == 1 and len(ours[changed]) == grid.levels:
        return Snapped(put_codes(grid, region, theirs), 0.0)
    step = float(amount) * (embed(codebooks, theirs) - embed(codebooks, ours))
    wanted = embed(codebooks[changed], ours[changed]) + step
    return snap(grid, region, codebooks[changed], wanted, (theirs[changed], ours[changed]))


def nearest_codes(codebook: np.ndarray, code: int, count: int) -> np.ndarray:
    """Find the codes nearest to a code in its codebook, without the code itself, nearest first.

    If two codes are equally near, the lower code comes first.

    Parameters
    ----------
    codebook : ndarray of float [codebook_size, dimensions]
        Codebook of one level.
    code : int
        Code whose neighbours are wanted, in [0, codebook_size).
    count : int
        Number of codes to find, in [1, codebook_size).

    Returns
    -------
    ndarray of int64 [count]

    Raises
    ------
    GridError
        If the code or count is out of range, or the codebook has another shape or values that are not finite.

    Examples
    --------
    >>> nearest_codes(np.array([[0.0], [1.0], [5.0], [2.5]]), code=1, count=2).tolist()
    [0, 3]
    """
    codebook = to_vectors("The codebook", codebook, {"codes": None, "dimensions": None})
    code, count = to_code(code, len(codebook)), to_whole("count", count, 1, len(codebook) - 1)
    return _ranked(codebook, code)[1 : count + 1]


def similar_codes(
    grid: CodeGrid, *, level: int, rows: Span, columns: Span, codebook: np.ndarray, rank: int
) -> CodeGrid:
    """Replace each code of a region by its ``rank``-th nearest code in the codebook.

    Parameters
    ----------
    grid : CodeGrid
    level : int
        Level of the region, in [0, grid.levels).
    rows, columns : slice or int
        The region. Row 0 has the lowest frequency.
    codebook : ndarray of float [codebook_size, dimensions]
        Codebook of the level.
    rank : int
        Rank of the new code, in [0, codebook_size). Rank 0 is the code itself, and rank 1 is the nearest other code.

    Raises
    ------
    GridError
        If the level or region is not in the grid, the rank is out of range, or the codebook has another
        shape than the grid needs.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> codebook = 2.0 ** np.arange(8)[:, None]  # the nearest of each is the one before it
    >>> edited = similar_codes(grid, level=0, rows=1, columns=slice(None), codebook=codebook, rank=1)
    >>> edited.indices[0].tolist()
    [[0, 1, 2, 3], [3, 4, 5, 6]]
    """
    region = to_region(grid, to_index("Level", level, grid.levels), rows, columns)
    codebook = to_vectors("The codebook", codebook, {"codes": grid.codebook_size, "dimensions": None})
    rank = to_whole("rank", rank, 0, grid.codebook_size - 1)
    codes = grid.indices[region]
    return put_codes(grid, region, _neighbours(codebook, codes, slice(rank, rank + 1))[codes, 0])


def random_codes(
    grid: CodeGrid, *, level: int, rows: Span, columns: Span, codebook: np.ndarray, among: int, seed: int
) -> CodeGrid:
    """Replace each code of a region by a random code among its nearest, independently for each cell.

    Parameters
    ----------
    grid : CodeGrid
    level : int
        Level of the region, in [0, grid.levels).
    rows, columns : slice or int
        The region. Row 0 has the lowest frequency.
    codebook : ndarray of float [codebook_size, dimensions]
        Codebook of the level.
    among : int
        Number of nearest codes to choose from, in [1, codebook_size).
    seed : int
        Seed of the random choice, at least 0.

    Raises
    ------
    GridError
        If the level or region is not in the grid, ``among`` or the seed is out of range, or the codebook has
        another shape than the grid needs.

    Examples
    --------
    >>> grid = CodeGrid(np.arange(8).reshape(1, 2, 4), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> codebook = np.arange(8.0)[:, None]
    >>> edited = random_codes(grid, level=0, rows=0, columns=slice(None), codebook=codebook, among=2, seed=0)
    >>> np.abs(edited.indices - grid.indices)[0].max(axis=1).tolist()
    [2, 0]
    """
    region = to_region(grid, to_index("Level", level, grid.levels), rows, columns)
    codebook = to_vectors("The codebook", codebook, {"codes": grid.codebook_size, "dimensions": None})
    among, seed = to_whole("among", among, 1, grid.codebook_size - 1), to_whole("seed", seed, 0)
    codes = grid.indices[region]
    choices = np.random.default_rng(seed).integers(among, size=codes.shape)
    return put_codes(grid, region, _neighbours(codebook, codes, slice(1, among + 1))[codes, choices])


def _ranked(codebook: np.ndarray, code: int) -> np.ndarray:
    """Sort all codes by their distance from the given code, which comes first."""
    distances = squared(codebook - codebook[code])
    distances[code] = -1
    return distances.argsort(kind="stable")


def _neighbours(codebook: np.ndarray, codes: np.ndarray, ranks: slice) -> np.ndarray:
    """List the neighbours of some ranks of each code that occurs, nearest first: [codebook_size, ranks]."""
    table = np.zeros((len(codebook), ranks.stop - ranks.start), dtype=np.int64)
    for code in np.unique(codes):
        table[code] = _ranked(codebook, code)[ranks]
    return table
