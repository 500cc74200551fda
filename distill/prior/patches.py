"""The prior of patches: what stood in the memory where most was like the surroundings of a cell.

It needs no training. Efros & Leung, "Texture synthesis by non-parametric sampling", 1999, draw pixels in the same way;
Khandelwal et al., "Generalization through memorization: nearest neighbor language models", 2020, weigh neighbours so.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from threadpoolctl import ThreadpoolController

from distill.prior.memory import Memory
from distill.prior.model import Prior


@dataclass(frozen=True)
class PatchSettings:
    """Settings of :class:`Patches` for a level. Those below were found by random search with ``bench prior``'s measure.

    Attributes
    ----------
    row_decay, column_decay : float
        Factor of the weight of a cell of the patch for each row, and for each column after the first, of distance.
    own_weight : float
        Weight of the levels before, in the cell itself.
    unknown_weight : float
        Weight of the levels before, in a cell of the patch whose code of this level is not known.
    width : float
        Squared distance, in units of the mean one, at which a patch counts a third.
    blur : float
        Share of a patch's weight that goes to codes that are like its code.
    blur_width : float
        Squared distance, in units of the mean one, at which a code is a third as much like another.
    floor : float
        Share of the codes' frequencies in the answer.
    """

    row_decay: float = 0.5
    column_decay: float = 0.6
    own_weight: float = 3.0
    unknown_weight: float = 0.2
    width: float = 0.15
    blur: float = 0.3
    blur_width: float = 0.3
    floor: float = 0.15


COARSE = PatchSettings()
FINE = PatchSettings(
    row_decay=0.3, column_decay=0.4, own_weight=6.0, unknown_weight=0.05, width=0.6, blur=0.8, blur_width=0.4, floor=0.2
)
"""Settings of all levels after the first: fine codes are harder to guess, so many patches count."""
DIMENSIONS, PATCH_ROWS, PATCH_COLUMNS = 8, 2, 3
"""Principal components of the cells' vectors that are compared, and the reach of a patch up and down, and to a side."""


@dataclass(frozen=True, eq=False)
class _Patches:
    """Patches of all columns of the memory [columns, offsets * dimensions], and the squared length of their cells."""

    flat: np.ndarray
    squared: np.ndarray

    @classmethod
    def of(cls, patches: np.ndarray) -> "_Patches":
        """Prepare patches [columns, offsets, dimensions]."""
        return cls(patches.reshape(len(patches), math.prod(patches.shape[1:])), np.square(patches).sum(axis=2))

    def distances(self, ours: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Squared distances [cells, columns] from patches [cells, offsets, dimensions], weighed [cells, offsets]."""
        weights = weights.astype(np.float32)
        if not weights.any():
            return np.zeros((len(ours), len(self.flat)), dtype=np.float32)
        weighted = (ours * weights[..., None]).reshape(len(ours), -1)
        near = weights @ self.squared.T - 2 * weighted @ self.flat.T
        return near + (weights * np.square(ours).sum(axis=2)).sum(axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class _Places:
    """The columns of the memory whose codes on one level and in one row may be copied, sorted by these codes.

    ``first`` is where each code begins.
    """

    columns: np.ndarray
    codes: np.ndarray
    first: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray) -> "_Places":
        there = np.flatnonzero(codes >= 0)
        there = there[np.argsort(codes[there], kind="stable")]
        return cls(there, codes[there], np.flatnonzero(np.diff(codes[there], prepend=-1)))


class Patches(Prior):
    """The prior that compares the surroundings of a cell with those of every cell in the memory.

    Parameters
    ----------
    memory : Memory
    coarse, fine : PatchSettings
        Settings of the first level, and of all others.
    """

    def __init__(self, memory: Memory, coarse: PatchSettings = COARSE, fine: PatchSettings = FINE) -> None:
        super().__init__(memory)
        self.settings = [coarse, *[fine] * (len(memory.codebooks) - 1)]
        self._patches = dict[tuple[int, int], _Patches]()
        self._places = dict[tuple[int, int], _Places]()
        with _products().limit(limits=1, user_api="blas"):
            self._prepare(memory)

    def _prepare(self, memory: Memory) -> None:
        codes, codebooks = memory.codes, memory.codebooks
        self._codes = codes
        self._frequencies = self.frequencies
        whole = _summed(codebooks, codes, len(codebooks))[(codes >= 0).all(axis=0)]
        centre = whole.mean(axis=0) if len(whole) else np.zeros(codebooks.shape[2], dtype=np.float32)
        axes = _principal(whole - centre, DIMENSIONS)
        spread = float(((whole - centre) @ axes.T).var(axis=0).sum()) if len(whole) else 1.0
        self._axes = axes / math.sqrt(max(spread, 1e-12))
        self._vectors = (codebooks - codebooks.mean(axis=1, keepdims=True)) @ self._axes.T
        self._alike = [
            _alike(vectors, settings.blur_width) for vectors, settings in zip(codebooks, self.settings, strict=True)
        ]
        reach = product(range(-PATCH_ROWS, PATCH_ROWS + 1), range(-PATCH_COLUMNS, PATCH_COLUMNS + 1))
        self._offsets = np.array([each for each in reach if each != (0, 0)])
        self._weights = [_weights(self._offsets, settings) for settings in self.settings]
        self._neighbours = self._neighbours_in_memory()
        self._sums = [_summed(self._vectors, codes, count) for count in range(len(codes) + 1)]

    def log_probabilities(self, codes: np.ndarray, level: int, wanted: np.ndarray) -> np.ndarray:
        shares = np.empty((int(wanted.sum()), self.memory.codebooks.shape[1]), dtype=np.float32)
        done, target = 0, self._features(codes, level)
        with _products().limit(limits=1, user_api="blas"):
            for row in range(codes.shape[1]):
                columns = np.flatnonzero(wanted[row])
                if len(columns):
                    places = self._places_of(level, row)
                    distances = self._distances(level, row, columns, target)[:, places.columns]
                    shares[done : done + len(columns)] = self._shares(level, row, distances, places)
                    done += len(columns)
        return np.log(shares)

    def _shares(self, level: int, row: int, distances: np.ndarray, places: "_Places") -> np.ndarray:
        """Turn the distances of places in the memory [cells, places] into probabilities of codes."""
        settings = self.settings[level]
        frequencies = self._frequencies[level, row]
        if not distances.size:
            return np.broadcast_to(frequencies, (len(distances), len(frequencies)))
        weights = np.exp((distances.min(axis=1, keepdims=True) - distances) / settings.width)
        weights /= weights.sum(axis=1, keepdims=True)
        found = np.zeros((len(weights), len(frequencies)), dtype=np.float32)
        found[:, places.codes[places.first]] = np.add.reduceat(weights, places.first, axis=1)
        found = (1 - settings.blur) * found + settings.blur * found @ self._alike[level]
        return (1 - settings.floor) * found + settings.floor * frequencies

    def _distances(self, level: int, row: int, columns: np.ndarray, target: tuple[np.ndarray, ...]) -> np.ndarray:
        """Weighed squared distances of the surroundings of cells of a row from those of all columns of the memory:
        [cells, columns]."""
        settings, weights = self.settings[level], self._weights[level]
        before, upto, known = target
        rows, beside = row + self._offsets[:, 0], columns[:, None] + self._offsets[:, 1]
        inside = (rows >= 0) & (rows < known.shape[0]) & (beside >= 0) & (beside < known.shape[1])
        rows, beside = rows.clip(0, known.shape[0] - 1), beside.clip(0, known.shape[1] - 1)
        seen = known[rows, beside]
        total = self._patches_of(level + 1, row).distances(upto[rows, beside], (inside & seen) * weights)
        if level:
            unseen = (inside & ~seen) * (settings.unknown_weight * weights)
            total += self._patches_of(level, row).distances(before[rows, beside], unseen)
            own = np.full((len(columns), 1), settings.own_weight, dtype=np.float32)
            total += _Patches.of(self._sums[level][row][:, None]).distances(before[row, columns][:, None], own)
        return total

    def _patches_of(self, levels: int, row: int) -> _Patches:
        """The patches of a row of the memory, made of its first levels. They are kept: all levels and all draws look
        at them."""
        if (levels, row) not in self._patches:
            rows = row + self._offsets[:, 0]
            outside = (self._neighbours < 0) | (rows < 0) | (rows >= self._codes.shape[1])
            patches = self._sums[levels][rows.clip(0, self._codes.shape[1] - 1), self._neighbours]
            patches[outside] = 0
            self._patches[levels, row] = _Patches.of(patches)
        return self._patches[levels, row]

    def _places_of(self, level: int, row: int) -> _Places:
        if (level, row) not in self._places:
            self._places[level, row] = _Places.of(self._codes[level, row])
        return self._places[level, row]

    def _features(self, codes: np.ndarray, level: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sums of the vectors of the levels before, of those up to the level, and where the latter is known."""
        before = _summed(self._vectors, codes, level)
        upto = before + np.where((codes[level] >= 0)[..., None], self._vectors[level][codes[level]], 0)
        return before, upto, codes[level] >= 0

    def _neighbours_in_memory(self) -> np.ndarray:
        """For each column of the memory and each offset the column there; -1 if that is beyond the end of the clip."""
        lengths = [grid.shape[2] for grid in self.memory.grids]
        first, last = (np.repeat(ends, lengths) for ends in (self.memory.starts, self.memory.starts + lengths))
        places = np.arange(sum(lengths))[:, None] + self._offsets[:, 1]
        return np.where((places >= first[:, None]) & (places < last[:, None]), places, -1)


class NearestContext(Patches):
    """The prior that copies the code of the nearest surroundings, half the time: a reference for the others."""

    def _shares(self, level: int, row: int, distances: np.ndarray, places: "_Places") -> np.ndarray:
        shares = np.repeat(self._frequencies[level, row][None], len(distances), axis=0)
        if distances.size:
            shares /= 2
            shares[np.arange(len(shares)), places.codes[distances.argmin(axis=1)]] += 0.5
        return shares


@lru_cache
def _products() -> ThreadpoolController:
    """What sets the number of threads of numpy's matrix products. Those of a prior are so small that one thread is
    twice as fast as two, which wait for each other."""
    return ThreadpoolController()


def _summed(vectors: np.ndarray, codes: np.ndarray, levels: int) -> np.ndarray:
    """Sum the vectors of the first levels: [rows, columns, dimensions]; a hidden code adds nothing."""
    total = np.zeros((*codes.shape[1:], vectors.shape[2]), dtype=np.float32)
    for level in range(levels):
        total += np.where((codes[level] >= 0)[..., None], vectors[level][codes[level]], 0)
    return total


def _principal(vectors: np.ndarray, count: int) -> np.ndarray:
    """The first principal axes of centred vectors, [up to ``count``, dimensions]."""
    if len(vectors) < 2:
        return np.eye(vectors.shape[1], dtype=np.float32)[:count]
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    return axes.T[::-1][:count].astype(np.float32)


def _alike(vectors: np.ndarray, width: float) -> np.ndarray:
    """How a code shares its weight among codes that are like it: [codebook_size, codebook_size], rows sum to 1."""
    vectors = vectors - vectors.mean(axis=0)
    lengths = np.square(vectors).sum(axis=1)
    squared = np.maximum(lengths[:, None] + lengths - 2 * vectors @ vectors.T, 0)
    np.fill_diagonal(squared, 0)
    shares = np.exp(-squared / max(width * float(squared.mean()), 1e-12))
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def _weights(offsets: np.ndarray, settings: PatchSettings) -> np.ndarray:
    """The weight of each cell of a patch: float32 [offsets]."""
    rows, columns = np.abs(offsets).T
    weights = settings.row_decay**rows * settings.column_decay ** np.maximum(columns - 1, 0)
    return weights.astype(np.float32)
