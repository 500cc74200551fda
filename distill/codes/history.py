"""Undo and redo. The history stores only the cells that each edit changed."""

from dataclasses import dataclass

import numpy as np

from distill.codes.grid import CodeGrid
from distill.errors import GridError

KEPT_BYTES = 64 * 1024**2
"""Maximum bytes of memory for all edits in a history, enough for 100 000 strokes or for 100 edits of every code of a
ten-minute clip."""


@dataclass(frozen=True, eq=False)
class _Change:
    label: str
    positions: np.ndarray
    before: np.ndarray
    after: np.ndarray

    @property
    def num_bytes(self) -> int:
        return 200 + 2 * len(self.label) + self.positions.nbytes + self.before.nbytes + self.after.nbytes


class History:
    """A grid and the edits that led to it.

    Parameters
    ----------
    original : CodeGrid
        The grid before any edit.

    Examples
    --------
    >>> grid = CodeGrid(np.zeros((1, 8, 2), dtype=int), num_frames=20, model_id="0a1b", codebook_size=64)
    >>> history = History(grid)
    >>> history.do("all codes to 5", grid.with_indices(grid.indices + 5))
    True
    >>> history.labels, history.grid.indices.max()
    (['all codes to 5'], np.int64(5))
    >>> history.undo() == grid
    True
    """

    def __init__(self, original: CodeGrid) -> None:
        self.original = self.grid = original
        self._done: list[_Change] = []
        self._undone: list[_Change] = []
        self._changes_bytes = 0

    @property
    def num_bytes(self) -> int:
        """Bytes of memory that the history takes."""
        return self.grid.indices.nbytes + self.original.indices.nbytes + self._changes_bytes

    @property
    def labels(self) -> list[str]:
        """Labels of the edits that can be undone, oldest first."""
        return [change.label for change in self._done]

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    def do(self, label: str, grid: CodeGrid) -> bool:
        """Make an edited grid the current grid.

        The edits that were undone can no longer be redone. If the edits take more than :data:`KEPT_BYTES`, the oldest
        ones are dropped and can no longer be undone.

        Parameters
        ----------
        label : str
            Description of the edit for people.
        grid : CodeGrid
            The grid after the edit.

        Returns
        -------
        bool
            Whether any code changed. If not, the history stays as it is.

        Raises
        ------
        GridError
            If the grid has another clip, codec or shape than the current grid.
        """
        old, new = self.grid.indices, grid.indices
        if old.shape != new.shape or grid.with_indices(old) != self.grid:
            raise GridError("That grid is not an edit of this clip.")
        positions = np.flatnonzero(old != new)
        if not len(positions):
            return False
        before, after = (codes.flat[positions].astype(np.uint16) for codes in (old, new))
        change = _Change(label, positions.astype(np.int32), before, after)
        self._changes_bytes += change.num_bytes - sum(undone.num_bytes for undone in self._undone)
        self._done.append(change)
        self._undone.clear()
        self.grid = grid
        while self._changes_bytes > KEPT_BYTES and len(self._done) > 1:
            self._changes_bytes -= self._done.pop(0).num_bytes
        return True

    def undo(self) -> CodeGrid:
        """Undo the last edit, if there is one, and return the current grid."""
        if self._done:
            change = self._done.pop()
            self._undone.append(change)
            self._put(change.positions, change.before)
        return self.grid

    def redo(self) -> CodeGrid:
        """Redo the last undone edit, if there is one, and return the current grid."""
        if self._undone:
            change = self._undone.pop()
            self._done.append(change)
            self._put(change.positions, change.after)
        return self.grid

    def _put(self, positions: np.ndarray, codes: np.ndarray) -> None:
        indices = self.grid.indices.copy()
        indices.flat[positions] = codes
        self.grid = self.grid.with_indices(indices)
