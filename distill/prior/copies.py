"""How much of what was drawn stands in a clip as it is."""

from dataclasses import dataclass

import numpy as np

from distill.prior.memory import Memory


@dataclass(frozen=True)
class Copied:
    """The place in the memory that a drawn part is most like.

    Attributes
    ----------
    share : float
        Share of the drawn codes that are equal to those of that place, 0 to 1.
    columns : int
        Length of the longest run of columns whose drawn codes stand somewhere in the memory, one after the other.
    name : str
        What people call the clip.
    start, stop : int
        First column of that place in the clip, and the column after its last.
    """

    share: float
    columns: int
    name: str
    start: int
    stop: int

    def sentence(self, column_seconds: float) -> str:
        """Say it for people.

        Examples
        --------
        >>> Copied(0.8, 4, "loop_amen", 2, 6).sentence(0.5)
        '80 % of it is loop_amen, 1.0 to 3.0 s.'
        >>> Copied(0.2, 1, "loop_amen", 2, 6).sentence(0.5)
        'It is no copy of a clip.'
        """
        if self.share < MOSTLY:
            return "It is no copy of a clip."
        return (
            f"{100 * self.share:.0f} % of it is {self.name}, "
            f"{self.start * column_seconds:.1f} to {self.stop * column_seconds:.1f} s."
        )


MOSTLY = 0.5
"""Share of equal codes from which on a take is called a copy."""
NOTHING = Copied(0.0, 0, "", 0, 0)


def find_copy(memory: Memory, codes: np.ndarray, drawn: np.ndarray) -> Copied:
    """Find the place in the memory with the most codes equal to those that were drawn, in the same rows.

    Parameters
    ----------
    memory : Memory
        Without the codes that stood there before, or those would be found.
    codes : ndarray of int64 [levels, rows, columns]
    drawn : ndarray of bool [levels, rows, columns]
        The codes that were drawn.
    """
    columns = np.flatnonzero(drawn.any(axis=(0, 1)))
    if not len(columns) or not memory.grids:
        return NOTHING
    first, last = int(columns[0]), int(columns[-1]) + 1
    part, asked = codes[..., first:last], drawn[..., first:last]
    best, longest, count = NOTHING, 0, max(int(asked.sum()), 1)
    for name, grid in zip(memory.names, memory.grids, strict=True):
        equal = np.zeros((part.shape[2], grid.shape[2]), dtype=np.int8)  # up to 4 levels x 8 rows
        for level, row in np.argwhere(asked.any(axis=2)):
            here = asked[level, row, :, None]
            equal += (part[level, row, :, None] == grid[level, row]) & here
        whole = equal == asked.sum(axis=(0, 1))[:, None]
        for shift in range(1 - part.shape[2], grid.shape[2]):
            share = int(np.trace(equal, shift)) / count
            longest = max(longest, _longest_run(np.diagonal(whole, shift)))
            if share > best.share:
                start = max(shift, 0)
                best = Copied(share, 0, name, start, min(shift + part.shape[2], grid.shape[2]))
    return Copied(best.share, longest, best.name, best.start, best.stop)


def _longest_run(flags: np.ndarray) -> int:
    """Length of the longest run of true values.

    Examples
    --------
    >>> _longest_run(np.array([True, False, True, True]))
    2
    """
    ends = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return int((ends[1::2] - ends[::2]).max(initial=0))
