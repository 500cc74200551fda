"""From vectors to codes: the sum of a cell's codebook entries, and the codes that come nearest to a wanted vector."""

from dataclasses import dataclass

import numpy as np

from distill.codes.grid import CodeGrid
from distill.codes.regions import put_codes


@dataclass(frozen=True)
class Snapped:
    """A grid after an edit that asked for vectors, and how near its codes came to them.

    Attributes
    ----------
    grid : CodeGrid
    off : float
        Distance of the codes' vectors from the wanted ones, as a share of the wanted vectors: the root of the ratio of
        both squares, summed over the cells. At least 0; 0 if every code is exactly what was wanted.
    """

    grid: CodeGrid
    off: float


def snap(
    grid: CodeGrid,
    region: tuple[slice, slice, slice],
    codebooks: np.ndarray,
    wanted: np.ndarray,
    known: tuple[np.ndarray, ...],
) -> Snapped:
    """Put the codes in a region that come nearest to wanted vectors.

    The vectors are quantized level by level, coarsest first. This search is greedy. So known codes replace the found
    codes where they are at least as near.

    Parameters
    ----------
    grid : CodeGrid
    region : (slice, slice, slice)
        Levels, rows and columns.
    codebooks : ndarray of float32 [levels of the region, codebook_size, dimensions]
    wanted : ndarray of float32 [rows, columns, dimensions]
        What the levels of the region are to add up to.
    known : tuple of ndarray of int [levels of the region, rows, columns]
        Codes to compare with, the preferred ones last.
    """
    nearest, miss = _quantize(codebooks, wanted)
    for codes in known:
        known_miss = wanted - embed(codebooks, codes)
        nearer = squared(known_miss) <= squared(miss)
        nearest, miss = np.where(nearer, codes, nearest), np.where(nearer[..., None], known_miss, miss)
    asked = float(squared(wanted).sum())
    return Snapped(put_codes(grid, region, nearest), (float(squared(miss).sum()) / asked) ** 0.5 if asked else 0.0)


def embed(codebooks: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Sum the codebook entries [rows, columns, dimensions] of codes [levels, rows, columns]."""
    vectors = codebooks[0][codes[0]]
    for codebook, level_codes in zip(codebooks[1:], codes[1:], strict=True):
        vectors += codebook[level_codes]
    return vectors


def squared(vectors: np.ndarray) -> np.ndarray:
    """The squared length of each vector."""
    return np.einsum("...i,...i->...", vectors, vectors)


def _quantize(codebooks: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantize vectors [rows, columns, dimensions]: the codes [levels, rows, columns] and the remaining errors."""
    codes = []
    for codebook in codebooks:
        codes.append((squared(codebook) / 2 - vectors @ codebook.T).argmin(axis=-1))
        vectors = vectors - codebook[codes[-1]]
    return np.stack(codes), vectors
