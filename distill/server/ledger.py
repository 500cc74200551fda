"""How many bytes each visitor and each network address holds, counted as they come and go."""

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from distill.errors import FullError
from distill.settings import MIB, Settings


class Ledger:
    """Counters of bytes by visitor, by network address and in all; threads may share it.

    Bytes are held in folders, on their way (of an :class:`Arrival`), or left behind for a while by something that was
    deleted or broke off. All three count.

    Parameters
    ----------
    settings : Settings
        Has the ceilings.
    derived : callable
        Gives the bytes of a visitor's trainings, of all for None; they are counted elsewhere and added here. An
        address's ceiling leaves them out: what bounds them there is its share of the queue.
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
        """Bytes of all."""
        return self._all + self._derived(None)

    def own_bytes(self, owner: str) -> int:
        """Bytes of one visitor."""
        return self._own[owner] + self._derived(owner)

    def require_room(self, owner: str, more: int = 0, own: int | None = None, address: str = "") -> None:
        """Raise a FullError unless more bytes, ``own`` of them this visitor's, fit under all ceilings."""
        derived = self._derived(owner) if owner else 0, self._derived(None)
        with self._lock:
            self._place(owner, address)
            self._check(owner, more, more if own is None else own, derived)

    def take(self, owner: str, num_bytes: int, address: str = "") -> None:
        """Count bytes that come, or raise a FullError; fewer than 0 are given back."""
        derived = self._derived(owner), self._derived(None)
        with self._lock:
            self._place(owner, address)
            if num_bytes >= 0:
                self._check(owner, num_bytes, num_bytes, derived)
            self._add(owner, num_bytes)

    def hold(self, arrival: "Arrival", owner: str, folder: Path, num_bytes: int) -> None:
        """Count the bytes of a folder in place of those that were on their way to it, or raise a FullError."""
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
        """So many bytes of a folder were deleted, but go on counting until a moment at which the disk has them back."""
        with self._lock:
            held = self._folders.get(owner, {})
            if folder in held:
                fewer = min(held[folder], num_bytes)
                held[folder] -= fewer
                self._left.append((until, owner, fewer))

    def forget(self, owner: str, parent: Path) -> None:
        """A folder was deleted, or one that holds several of a visitor's."""
        with self._lock:
            held = self._folders.get(owner, {})
            for folder in [folder for folder in held if folder.is_relative_to(parent)]:
                self._add(owner, -held.pop(folder))
            if not held:
                self._folders.pop(owner, None)

    def leave(self, arrival: "Arrival", until: float) -> None:
        """Go on counting what came and was not held, until a moment at which it is gone from the disk."""
        with self._lock:
            if arrival.num_bytes:
                self._left.append((until, arrival.owner, arrival.num_bytes))
            arrival.num_bytes = 0

    def expire(self, now: float) -> None:
        """Count no more what was left behind, and forget the addresses of those who hold nothing."""
        with self._lock:
            for _, owner, num_bytes in (left for left in self._left if left[0] <= now):
                self._add(owner, -num_bytes)
            self._left = [left for left in self._left if left[0] > now]
            self._addresses = {owner: place for owner, place in self._addresses.items() if owner in self._own}

    def _place(self, owner: str, address: str) -> None:
        """Whoever comes from another address than before brings along what is held."""
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
    """Bytes of one visitor that are on their way.

    Attributes
    ----------
    owner : str
    num_bytes : int
        So far.
    """

    def __init__(self, ledger: Ledger, owner: str, address: str) -> None:
        self._ledger, self.owner, self._address, self.num_bytes = ledger, owner, address, 0

    def take(self, num_bytes: int) -> None:
        """Count bytes that have come.

        Parameters
        ----------
        num_bytes : int
            Less than 0 gives some back.

        Raises
        ------
        FullError
            If with them the visitor, the address or all together pass a ceiling; they are then not counted.
        """
        self._ledger.take(self.owner, num_bytes, self._address)
        self.num_bytes += num_bytes

    def give_back(self) -> None:
        """Count nothing of it any more."""
        self.take(-self.num_bytes)
