"""How many codecs all libraries hold together."""

import threading
from collections.abc import Iterable

Count = tuple[int, int]
"""Number of codecs, and their bytes."""


class Total:
    """A count of all codecs that is true while codecs come and go, also while it is made anew. It is safe for threads.

    Examples
    --------
    >>> total = Total()
    >>> total.begin(["one", "two"])
    >>> total.change("one", (1, 10))  # it will be found in its folder
    >>> total.found("one", (1, 10))
    >>> total.change("one", (1, 20))
    >>> total.finish(is_whole=True)
    >>> total.now
    (2, 30)
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count: Count = (0, 0)
        self._anew: Count = (0, 0)
        self._left: set[str] = set()
        self.is_known = False

    @property
    def now(self) -> Count:
        return self._count

    def begin(self, folders: Iterable[str]) -> None:
        """Begin a new count of the folders with these names; what comes or goes in other folders is added to it."""
        with self._lock:
            self._anew, self._left = (0, 0), set(folders)

    def found(self, folder: str, count: Count) -> None:
        """Add a folder to the new count. Until this returns, nothing may come or go there."""
        with self._lock:
            self._anew = _sum(self._anew, count)
            self._left.discard(folder)

    def finish(self, *, is_whole: bool) -> None:
        """End the new count. If some folders could not be counted, it is used only where there was none before."""
        with self._lock:
            if is_whole or not self.is_known:
                self._count, self.is_known = self._anew, True

    def change(self, folder: str, count: Count, most: Count | None = None) -> bool:
        """Count what came to a folder, or what went, which is negative.

        Returns
        -------
        bool
            Whether that is within ``most``; if not, it is not counted.
        """
        with self._lock:
            changed = _sum(self._count, count)
            if most is not None and (changed[0] > most[0] or changed[1] > most[1]):
                return False
            self._count = changed
            if folder not in self._left:
                self._anew = _sum(self._anew, count)
            return True


def _sum(one: Count, other: Count) -> Count:
    return max(0, one[0] + other[0]), max(0, one[1] + other[1])
