"""Paths through the memory: columns that follow a wish, with few jumps between places."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from distill.errors import GridError
from distill.prior.memory import Memory

TOGETHER = 64
"""Columns of a clip that are compared with all of the memory at once."""


def follow(costs: Iterable[np.ndarray], starts: np.ndarray, jump: float) -> np.ndarray:
    """Choose a column of the memory for each step so that the sum of costs and jumps is smallest (Viterbi).

    Parameters
    ----------
    costs : iterable of ndarray of float [columns]
        What each column costs at each step, one after the other; at least one.
    starts : ndarray of int
        Columns where a clip begins: going on from the one before is a jump.
    jump : float
        Cost of going on with any other than the next column.

    Returns
    -------
    ndarray of int [steps]

    Examples
    --------
    >>> costs = np.array([[0.0, 5, 5], [5, 1, 0], [5, 5, 0]])
    >>> follow(costs, np.array([0]), jump=0.0).tolist(), follow(costs, np.array([0]), jump=3.0).tolist()
    ([0, 2, 2], [0, 1, 2])
    """
    steps = iter(costs)
    best = next(steps).astype(np.float64)
    jumped: list[tuple[np.ndarray, int]] = []
    for step in steps:
        cheapest = int(best.argmin())
        next_to = np.full(len(best), np.inf)
        next_to[1:] = best[:-1]
        next_to[starts] = np.inf
        jumps = best[cheapest] + jump
        jumped.append((np.packbits(next_to > jumps), cheapest))
        best = step + np.minimum(next_to, jumps)
    path = [int(best.argmin())]
    for flags, cheapest in reversed(jumped):
        here = path[-1]
        path.append(cheapest if flags[here // 8] >> (7 - here % 8) & 1 else here - 1)
    return np.array(path[::-1])


def follow_grid(
    sounds: Memory, codes: np.ndarray, jump: float, progress: Callable[[float], object] | None = None
) -> np.ndarray:
    """For each column of a grid [levels, rows, columns], the column of the memory that does most alike in its clip.

    Parameters are those of :func:`follow`; ``progress`` is called with the share that is done, 0 to 1.
    """
    wanted, there = described(sounds, codes), described(sounds, sounds.codes)
    lengths = np.square(there).sum(axis=1)

    def distances() -> Iterator[np.ndarray]:
        for first in range(0, len(wanted), TOGETHER):
            if progress:
                progress(first / len(wanted))
            some = wanted[first : first + TOGETHER]
            yield from (np.square(some).sum(axis=1)[:, None] - 2 * some @ there.T + lengths) / wanted.shape[1]

    return follow(distances(), sounds.starts, jump)


def follow_rhythm(
    rhythm: np.ndarray,
    loud: np.ndarray,
    starts: np.ndarray,
    jump: float,
    temperature: float,
    random: np.random.Generator,
) -> np.ndarray:
    """For each step of a rhythm, a column of the memory that is as loud among all as the step is among the others.

    Parameters
    ----------
    rhythm : ndarray of float [steps]
    loud : ndarray of float [columns]
        How loud each column of the memory is.
    starts, jump
        See :func:`follow`.
    temperature : float
        How freely columns are chosen.
    random : Generator
    """
    wanted, there = ranks(rhythm), ranks(loud)
    costs = (4 * np.abs(each - there) + 0.1 * temperature * random.gumbel(size=len(there)) for each in wanted)
    return follow(costs, starts, jump)


def to_rhythm(rhythm: np.ndarray, columns: int) -> np.ndarray:
    """Check a rhythm: one finite number for each column.

    Raises
    ------
    GridError
    """
    curve = np.asarray(rhythm)
    if curve.shape != (columns,) or curve.dtype.kind not in "iuf" or not np.isfinite(curve).all():
        raise GridError(f"A rhythm must be {columns} finite numbers, one for each column.")
    return curve.astype(np.float64)


def described(memory: Memory, codes: np.ndarray) -> np.ndarray:
    """Describe the columns of a grid by the sums of their codes' vectors, relative to the clip: [columns, numbers].

    The mean of all columns is 0 in each number, and the mean square is 1 over all numbers, so that clips of different
    sound can be compared by how they go.
    """
    vectors = np.zeros((*codes.shape[1:], memory.codebooks.shape[2]), dtype=np.float32)
    for codebook, level in zip(memory.codebooks, codes, strict=True):
        vectors += codebook[level]
    flat = vectors.transpose(1, 0, 2).reshape(codes.shape[2], -1)
    flat = flat - flat.mean(axis=0)
    return flat / max(float(np.sqrt(np.square(flat).mean())), 1e-6)


def ranks(values: np.ndarray) -> np.ndarray:
    """The share of values that are smaller than each, 0 to 1; equal values have equal ranks.

    Examples
    --------
    >>> ranks(np.array([5, 1, 5])).tolist()
    [0.5, 0.0, 0.5]
    """
    ordered = np.sort(values)
    return np.searchsorted(ordered, values) / max(len(values) - 1, 1)
