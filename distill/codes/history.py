"""Undo and redo. The history stores only the cells that each edit changed."""

from dataclasses import dataclass

import numpy as np

from distill.codes.grid import CodeGrid
from distill.errors import GridError

KEPT_BYTES = 64 * 1024**2
"""Maximum bytes of memory for all edits in a history, enough for 100 000 strokes or for 100 edits of every code of a
ten-minute clip."""


@dataclass(frozen=True, eq=False)
class Change:
    """The codes and faders that an edit changed.

    Attributes
    ----------
    label : str
        Description of the edit for people.
    positions : ndarray of int32 [cells]
        Places of the codes in the flat grid; those of faders follow, as :attr:`CodeGrid.cells` has them.
    before, after : ndarray of uint16 [cells]
        Their values before and after the edit.
    gesture : str
        Identifier of the gesture that the edit belongs to, as the drag of a slider; "" for an edit by itself.
    """

    label: str
    positions: np.ndarray
    before: np.ndarray
    after: np.ndarray
    gesture: str = ""

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
        self._done: list[Change] = []
        self._undone: list[Change] = []
        self._changes_bytes = 0

    @property
    def num_bytes(self) -> int:
        """Bytes of memory that the history takes."""
        mixes = sum(grid.mix.nbytes for grid in (self.grid, self.original) if grid.mix is not None)
        return self.grid.indices.nbytes + self.original.indices.nbytes + mixes + self._changes_bytes

    @property
    def labels(self) -> list[str]:
        """Labels of the edits that can be undone, oldest first."""
        return [change.label for change in self._done]

    @property
    def done(self) -> tuple[Change, ...]:
        """The edits that can be undone, oldest first."""
        return tuple(self._done)

    @property
    def undone(self) -> tuple[Change, ...]:
        """The edits that can be redone, the next one last."""
        return tuple(self._undone)

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    def do(self, label: str, grid: CodeGrid, *, gesture: str = "") -> bool:
        """Make an edited grid the current grid.

        The edits that were undone can no longer be redone. If the edits take more than :data:`KEPT_BYTES`, the oldest
        ones are dropped and can no longer be undone.

        Parameters
        ----------
        label : str
            Description of the edit for people.
        grid : CodeGrid
            The grid after the edit.
        gesture : str
            Identifier for :meth:`take_back`; "" for an edit by itself.

        Returns
        -------
        bool
            Whether any code or fader changed. If not, the history stays as it is.

        Raises
        ------
        GridError
            If the grid has another clip, codec or shape than the current grid.
        """
        if (grid.indices.shape, grid.identity) != (self.grid.indices.shape, self.grid.identity):
            raise GridError("That grid is not an edit of this clip.")
        old, new = self.grid.cells, grid.cells
        positions = np.flatnonzero(old != new)
        if not len(positions):
            return False
        change = Change(label, positions.astype(np.int32), old[positions], new[positions], gesture)
        self._changes_bytes += change.num_bytes - sum(undone.num_bytes for undone in self._undone)
        self._done.append(change)
        self._undone.clear()
        self.grid = grid
        while self._changes_bytes > KEPT_BYTES and len(self._done) > 1:
            self._changes_bytes -= self._done.pop(0).num_bytes
        return True

    def take_back(self, gesture: str) -> Change | None:
        """Undo the last edit for good if it belongs to a gesture, and return it; None if it does not.

        So all edits of a gesture become one: each takes the one before it back.
        """
        if not gesture or not self._done or self._done[-1].gesture != gesture:
            return None
        change = self._done.pop()
        self._changes_bytes -= change.num_bytes
        self._put(change.positions, change.before)
        return change

    def restore(self, change: Change | None) -> None:
        """Make an edit again that :meth:`take_back` has just taken back."""
        if change:
            self._done.append(change)
            self._changes_bytes += change.num_bytes
            self._put(change.positions, change.after)

    def before_gesture(self, gesture: str) -> int:
        """Number of edits that can be undone, without the last one if it belongs to a gesture."""
        return len(self._done) - bool(gesture and self._done and self._done[-1].gesture == gesture)

    def grid_after(self, edits: int) -> CodeGrid:
        """The grid as it was after the first ``edits`` of the edits that can be undone.

        Raises
        ------
        GridError
            If there are fewer edits.
        """
        if not 0 <= edits <= len(self._done):
            raise GridError(f"There are {len(self._done)} edits, so the codes after {edits} of them are not known.")
        cells = self.grid.cells
        for change in reversed(self._done[edits:]):
            cells[change.positions] = change.before
        return self.grid.with_cells(cells)

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
        cells = self.grid.cells
        cells[positions] = codes
        self.grid = self.grid.with_cells(cells)
