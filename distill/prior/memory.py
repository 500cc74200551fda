"""The grids that a prior has heard, side by side: what it may copy from, and how often each code stands where."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from distill.codes import CodeGrid
from distill.codes.kept import MOST_COLUMNS
from distill.errors import GridError

SAME_SHARE = 0.6
"""Share of equal codes from which on two grids of one length are taken for the same clip, perhaps edited."""


@dataclass(frozen=True, eq=False)
class Memory:
    """Grids of one codec and the codec's codebooks.

    Attributes
    ----------
    codebooks : ndarray of float32 [levels, codebook_size, dimensions]
        Codebooks of the codec, in any scale: priors compare codes by their relative distances.
    grids : tuple of ndarray of int64 [levels, rows, columns]
        Codes of each clip; -1 where a code is hidden. Hidden codes are not copied.
    names : tuple of str
        What people call each clip.

    Examples
    --------
    >>> memory = Memory(np.zeros((1, 4, 2), dtype=np.float32), (np.arange(6).reshape(1, 2, 3) % 4,), ("a",))
    >>> memory.codes.shape, memory.starts.tolist()
    ((1, 2, 3), [0])
    """

    codebooks: np.ndarray
    grids: tuple[np.ndarray, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, codebooks: np.ndarray, grids: Iterable[np.ndarray], names: Sequence[str] = ()) -> "Memory":
        """Keep grids of up to 4096 columns in all; clips without a name are called "training clip 1" and so on.

        Raises
        ------
        GridError
            If a grid is not one of these codebooks.
        """
        kept: list[np.ndarray] = []
        for grid in grids:
            _check(codebooks, grid)
            room = MOST_COLUMNS - sum(each.shape[2] for each in kept)
            if room <= 0:
                break
            kept.append(np.asarray(grid[..., :room], dtype=np.int64))
        named = [names[i] if i < len(names) else f"training clip {i + 1}" for i in range(len(kept))]
        return cls(_scaled(codebooks), tuple(kept), tuple(named))

    @property
    def codes(self) -> np.ndarray:
        """The codes of all clips, one after the other: int64 [levels, rows, all columns]."""
        levels = len(self.codebooks)
        return np.concatenate([np.zeros((levels, 8, 0), dtype=np.int64)[:, : self._rows], *self.grids], axis=2)

    @property
    def _rows(self) -> int:
        return self.grids[0].shape[1] if self.grids else 8

    @property
    def num_bytes(self) -> int:
        """Bytes of memory that it takes."""
        return self.codebooks.nbytes + sum(grid.nbytes for grid in self.grids)

    @property
    def starts(self) -> np.ndarray:
        """The column of :attr:`codes` where each clip begins."""
        return np.cumsum([0, *(grid.shape[2] for grid in self.grids)])[:-1]

    def without(self, grid: CodeGrid, hidden: np.ndarray | None = None) -> "Memory":
        """Return the memory without a clip, if that is among the others.

        Parameters
        ----------
        grid : CodeGrid
            The clip as it is.
        hidden : ndarray of bool [levels, rows, columns], optional
            Codes by which the clip is not recognised, as long as it has others.

        Raises
        ------
        GridError
            If the grid is not one of this codec.
        """
        _check(self.codebooks, grid.indices)
        seen = np.ones(grid.indices.shape, dtype=bool) if hidden is None or hidden.all() else ~hidden
        named = zip(self.grids, self.names, strict=True)
        return self._of([each for each in named if not _is_same(each[0], grid.indices, seen)])

    def beside(self, grid: CodeGrid, hidden: np.ndarray, name: str = "this clip") -> "Memory":
        """Return the memory with a clip that is being edited in place of the same clip, if that is among the others.

        Later clips are left out if all together have more than 4096 columns.

        Parameters
        ----------
        grid : CodeGrid
            The clip as it is.
        hidden : ndarray of bool [levels, rows, columns]
            Codes that are not to be known, as those that will be drawn anew.
        name : str
            What people call the clip.

        Raises
        ------
        GridError
            If the grid is not one of this codec.
        """
        others = self.without(grid, hidden)
        kept = [(np.where(hidden, -1, grid.indices)[..., :MOST_COLUMNS], name)]
        room = MOST_COLUMNS - kept[0][0].shape[2]
        for each, called in zip(others.grids, others.names, strict=True):
            if each.shape[2] <= room:
                kept.append((each, called))
                room -= each.shape[2]
        return self._of(kept)

    def _of(self, named: Sequence[tuple[np.ndarray, str]]) -> "Memory":
        return Memory(self.codebooks, tuple(grid for grid, _ in named), tuple(name for _, name in named))


def _is_same(codes: np.ndarray, others: np.ndarray, seen: np.ndarray) -> bool:
    """Whether two grids are the same clip, by the codes that are seen."""
    return codes.shape == others.shape and float((codes == others)[seen].mean()) >= SAME_SHARE


def _scaled(codebooks: np.ndarray) -> np.ndarray:
    """Codebooks whose greatest number is from 0.5 to 1, so that no sum of squares is too great for its type. The factor
    is a power of 2, which rounds nothing."""
    exponent = int(np.frexp(np.abs(codebooks).max(initial=0.0))[1])
    return np.ldexp(np.asarray(codebooks, dtype=np.float32), -exponent)


def _check(codebooks: np.ndarray, codes: np.ndarray) -> None:
    if codes.ndim != 3 or len(codes) != len(codebooks) or codes.max(initial=-1) >= codebooks.shape[1]:
        raise GridError("This grid was made by another codec; a prior goes on only with grids of its own codec.")
