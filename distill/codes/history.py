"""Undo and redo: what was done to a grid, as the cells that each edit changed."""

from dataclasses import dataclass

import numpy as np

from distill.codes.grid import CodeGrid
from distill.errors import GridError


@dataclass(frozen=True, eq=False)
class _Change:
    label: str
    positions: np.ndarray
    before: np.ndarray
    after: np.ndarray


class History:
    """A grid and the edits that led to it.

    Parameters
    ----------
    original : CodeGrid
        The grid before any edit.
    """

    def __init__(self, original: CodeGrid) -> None:
        self.original = self.grid = original
        self._done: list[_Change] = []
        self._undone: list[_Change] = []

    @property
    def labels(self) -> list[str]:
        """What was done, first to last, in words."""
        return [change.label for change in self._done]

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    def do(self, label: str, grid: CodeGrid) -> bool:
        """Make a grid the current one, and say whether that changed anything; what was undone can't be redone then.

        Raises
        ------
        GridError
            If it is not an edit of the current grid: another clip, codec or shape.
        """
        old, new = self.grid.indices, grid.indices
        if old.shape != new.shape or grid.with_indices(old) != self.grid:
            raise GridError("That grid is not an edit of this clip.")
        positions = np.flatnonzero(old != new)
        if not len(positions):
            return False
        self._done.append(_Change(label, positions, old.flat[positions], new.flat[positions]))
        self._undone.clear()
        self.grid = grid
        return True

    def undo(self) -> CodeGrid:
        """Take the last edit back; without one, nothing happens."""
        if self._done:
            change = self._done.pop()
            self._undone.append(change)
            self._put(change.positions, change.before)
        return self.grid

    def redo(self) -> CodeGrid:
        """Do the last edit that was taken back again; without one, nothing happens."""
        if self._undone:
            change = self._undone.pop()
            self._done.append(change)
            self._put(change.positions, change.after)
        return self.grid

    def _put(self, positions: np.ndarray, codes: np.ndarray) -> None:
        indices = self.grid.indices.copy()
        indices.flat[positions] = codes
        self.grid = self.grid.with_indices(indices)
