"""The bytes on disk of each visitor and each network address, counted as files are written and deleted."""

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from distill.errors import FullError
from distill.settings import MIB, Settings


class Ledger:
    """Counters of bytes by visitor, by network address and in total. It is safe for threads.

    Three kinds of bytes count: bytes of folders, bytes that are arriving (see :class:`Arrival`), and bytes of deleted
    or broken-off files that are still on the disk for some time.

    Parameters
    ----------
    settings : Settings
        Limits; ``visit_disk_bytes``, ``address_disk_bytes`` and ``disk_bytes`` are read.
    derived : callable
        Gives the bytes of a visitor's trainings, or of all trainings for None. They count towards the limits of the
        visitor and of the disk, but not of the address: its share of the training queue limits them.
    """

    def __init__(self, settings: Settings, derived: Callable[[str | None], int]) -> None:
        self._settings, self._derived = settings, derived
        self._lock = threading.RLock()
        self._folders: dict[str, dict[Path, int]] = {}
        self._left: list[tuple[float, str, int]] = []
        self._all = 0
        self._own: Counter[str] = Counter()
        self._at: Counter[str] = Counter()
        self._addresses: dict[str, str] = {}

    @property
    def num_bytes(self) -> int:
        """Bytes of all visitors together."""
        return self._all + self._derived(None)

    def own_bytes(self, owner: str) -> int:
        """Bytes of one visitor."""
        return self._own[owner] + self._derived(owner)

    def require_room(self, owner: str, more: int = 0, own: int | None = None, address: str = "") -> None:
        """Check that more bytes fit within all limits, without counting them.

        Parameters
        ----------
        owner : str
            The visitor; "" for no visitor.
        more : int
            Bytes to add to the total.
        own : int, optional
            Bytes to add to the visitor and the address; ``more`` by default.
        address : str
            Network address of the visitor; "" if it is unknown.

        Raises
        ------
        FullError
            If a limit would be passed.
        """
        derived = self._derived(owner) if owner else 0, self._derived(None)
        with self._lock:
            self._place(owner, address)
            self._check(owner, more, more if own is None else own, derived)

    def take(self, owner: str, num_bytes: int, address: str = "") -> None:
        """Count bytes for a visitor; a negative number gives bytes back.

        Raises
        ------
        FullError
            If a limit would be passed; nothing is counted then.
        """
        derived = self._derived(owner), self._derived(None)
        with self._lock:
            self._place(owner, address)
            if num_bytes >= 0:
                self._check(owner, num_bytes, num_bytes, derived)
            self._add(owner, num_bytes)

    def hold(self, arrival: "Arrival", owner: str, folder: Path, num_bytes: int) -> None:
        """Count the bytes of a folder, in place of the arriving bytes that became it.

        Raises
        ------
        FullError
            If a limit would be passed; the counts stay as they were.
        """
        derived = self._derived(owner), self._derived(None)
        with self._lock:
            before = self._folders.get(owner, {}).get(folder, 0)
            self._add(arrival.owner, -arrival.num_bytes)
            self._place(owner, self._addresses.get(arrival.owner, ""))
            try:
                self._check(owner, num_bytes - before, num_bytes - before, derived)
            except FullError:
                self._add(arrival.owner, arrival.num_bytes)
                raise
            arrival.num_bytes = 0
            self._folders.setdefault(owner, {})[folder] = num_bytes
            self._add(owner, num_bytes - before)

    def shrink(self, owner: str, folder: Path, num_bytes: int, until: float) -> None:
        """Note that bytes of a folder were deleted; they count until the time ``until``, when the disk is free of
        them."""
        with self._lock:
            held = self._folders.get(owner, {})
            if folder in held:
                fewer = min(held[folder], num_bytes)
                held[folder] -= fewer
                self._left.append((until, owner, fewer))

    def forget(self, owner: str, parent: Path) -> None:
        """Stop counting a deleted folder of a visitor, and all folders in it."""
        with self._lock:
            held = self._folders.get(owner, {})
            for folder in [folder for folder in held if folder.is_relative_to(parent)]:
                self._add(owner, -held.pop(folder))
            if not held:
                self._folders.pop(owner, None)

    def leave(self, arrival: "Arrival", until: float) -> None:
        """End an arrival: bytes that became no folder count until the time ``until``, when they are off the disk."""
        with self._lock:
            if arrival.num_bytes:
                self._left.append((until, arrival.owner, arrival.num_bytes))
            arrival.num_bytes = 0

    def expire(self, now: float) -> None:
        """Stop counting leftover bytes whose time is over, and forget the addresses of visitors without bytes."""
        with self._lock:
            for _, owner, num_bytes in (left for left in self._left if left[0] <= now):
                self._add(owner, -num_bytes)
            self._left = [left for left in self._left if left[0] > now]
            self._addresses = {owner: place for owner, place in self._addresses.items() if owner in self._own}

    def _place(self, owner: str, address: str) -> None:
        """Note the address of a visitor; if it is a new one, move the visitor's bytes to it."""
        before = self._addresses.get(owner, "")
        if owner and address and address != before:
            self._addresses[owner] = address
            self._shift(before, -self._own[owner])
            self._shift(address, self._own[owner])

    def _add(self, owner: str, num_bytes: int) -> None:
        self._all += num_bytes
        self._own[owner] += num_bytes
        if not self._own[owner]:
            del self._own[owner]
        self._shift(self._addresses.get(owner, ""), num_bytes)

    def _shift(self, address: str, num_bytes: int) -> None:
        if address:
            self._at[address] += num_bytes
            if not self._at[address]:
                del self._at[address]

    def _check(self, owner: str, more: int, own: int, derived: tuple[int, int]) -> None:
        settings = self._settings
        if owner and self._own[owner] + derived[0] + own > settings.visit_disk_bytes:
            raise FullError(
                f"Your files here would take more than the {settings.visit_disk_bytes / MIB:.4g} MB that each visitor "
                "has; please use fewer or smaller ones."
            )
        address = self._addresses.get(owner, "")
        if address and self._at[address] + own > settings.address_disk_bytes:
            raise FullError(
                f"Visitors at your network address hold the {settings.address_disk_bytes / MIB:.4g} MB that one "
                "address has; please try again in some minutes."
            )
        if self._all + derived[1] + more > settings.disk_bytes:
            raise FullError("The server has no room for more files now; please try again in some minutes.")


class Arrival:
    """Counted bytes of one visitor that arrive and belong to no folder yet.

    Attributes
    ----------
    owner : str
        The visitor.
    num_bytes : int
        Bytes counted so far.
    """

    def __init__(self, ledger: Ledger, owner: str, address: str) -> None:
        self._ledger, self.owner, self._address, self.num_bytes = ledger, owner, address, 0

    def take(self, num_bytes: int) -> None:
        """Count bytes that have arrived.

        Parameters
        ----------
        num_bytes : int
            Number of bytes; a negative number gives bytes back.

        Raises
        ------
        FullError
            If the limit of the visitor, the address or the disk would be passed; these bytes are not counted then.
        """
        self._ledger.take(self.owner, num_bytes, self._address)
        self.num_bytes += num_bytes

    def give_back(self) -> None:
        """Stop counting all bytes of this arrival."""
        self.take(-self.num_bytes)
