"""Visitors' files on the server's disk, with limits on their bytes."""

import contextlib
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Container, Iterator
from pathlib import Path

from distill import system
from distill.errors import FullError
from distill.jobs.files import ENTRY_BYTES
from distill.server.askers import ANYONE
from distill.server.claim import claim, clear
from distill.server.ledger import Arrival, Ledger
from distill.settings import OWN_FOLDERS, Settings, variable

PAGE = "page"
"""Owner of the files that every page shows."""

UPLOAD_SECONDS, PAUSED_UPLOAD_SECONDS = 60, 300
"""Seconds after the last change for which an upload stays where Gradio wrote it: a folder with a whole file, and a bare
file that may still be arriving."""
LONGEST_PATH = 4096
"""Maximum characters of a path that is looked at."""


class Storage:
    """The server's folder, with limits on bytes for each visitor, for each network address and in total.

    The folder has four sub-folders. ``files/<owner>/`` holds uploads and downloads, ``sets/<owner>/`` holds the clips
    to train on, and ``unpacked/`` holds archives while they are read; the server empties these three when it starts.
    ``jobs/`` holds the trainings, which outlive a restart. A :class:`~distill.server.ledger.Ledger` counts the bytes as
    files are written and deleted, so that no request has to walk the disk.

    Parameters
    ----------
    settings : Settings
        Folder and limits.
    clock : callable
        Gives the time in seconds since 1970.

    Attributes
    ----------
    derived : callable
        Gives the bytes of a visitor's trainings, or of all trainings for None. The server sets it to the count of its
        job runner. By default it gives the bytes that ``jobs/`` had at the start, and 0 for each visitor.
    public : frozenset of str
        Names of the folders in ``files`` that belong to the page itself, for every visitor to read.

    Raises
    ------
    StartupError
        If the folder is not Distill's, cannot be written, or another server uses it.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._clock, self._absent_seconds = clock, settings.visit_absent_seconds
        where = f"the folder that {variable('folder')} names"
        self._lock, self.folder = claim(settings.folder, OWN_FOLDERS, where)
        self.files, self.sets, self.unpacked, self.jobs = (self.folder / name for name in OWN_FOLDERS)
        try:
            for folder in (self.files, self.sets, self.unpacked):
                clear(folder, where)
        except BaseException:
            self._lock.close()
            raise
        found = _num_bytes(self.jobs)
        self.derived: Callable[[str | None], int] = lambda owner: found if owner is None else 0
        self._ledger = Ledger(settings, lambda owner: self.derived(owner))
        self.public: frozenset[str] = frozenset()
        self._copied: dict[str, dict[Path, tuple[int, ...]]] = {}

    def close(self) -> None:
        """Release the folder's lock, so that another server can claim it."""
        self._lock.close()

    @property
    def used_bytes(self) -> int:
        """Bytes of all files, including arriving ones and ``ENTRY_BYTES`` for each file and folder."""
        return self._ledger.num_bytes

    def own_bytes(self, owner: str) -> int:
        """Bytes of one visitor's files and trainings, including arriving files."""
        return self._ledger.own_bytes(owner)

    def require_room(self, owner: str, more_bytes: int = 0, own_bytes: int | None = None, *, address: str = "") -> None:
        """Check that more bytes fit within all limits, without reserving them.

        Parameters
        ----------
        owner : str
            The visitor; "" for no visitor, without a limit of its own.
        more_bytes : int
            Bytes to add to the total.
        own_bytes : int, optional
            Bytes to add to the visitor and the address; ``more_bytes`` by default.
        address : str
            Network address of the visitor; "" if it is unknown.

        Raises
        ------
        FullError
            If a limit would be passed.
        """
        self._ledger.require_room(owner, more_bytes, own_bytes, address)

    @contextlib.contextmanager
    def arriving(self, owner: str, address: str = "") -> Iterator[Arrival]:
        """Count the bytes of an upload as they arrive; no bytes are reserved for it.

        If the upload breaks off or is refused, :meth:`move_upload` does not run. Its files then stay where Gradio wrote
        them, and count until :meth:`sweep` deletes them.

        Parameters
        ----------
        owner : str
            The visitor; "" for a sender without a cookie, for whom the arrival gets a new random owner.
        address : str
            Network address of the sender; "" if it is unknown.

        Yields
        ------
        Arrival
            Counter whose ``take`` must be called for all bytes that arrive.
        """
        arrival = Arrival(self._ledger, owner or new_anyone(), address)
        try:
            yield arrival
        finally:
            self._ledger.leave(arrival, self._clock() + PAUSED_UPLOAD_SECONDS)

    @contextlib.contextmanager
    def filling(self, owner: str, num_bytes: int = 0, *, name: str = "", address: str = "") -> Iterator[Path]:
        """Make a folder for files that a visitor's page can fetch, and count its bytes at the end of the context.

        If anything fails, the folder is deleted.

        Parameters
        ----------
        owner : str
            The visitor.
        num_bytes : int
            Bytes that are known to be written; they are reserved at the beginning.
        name : str
            Name of the folder, which may exist; by default a new random name.
        address : str
            Network address of the visitor; "" if it is unknown.

        Yields
        ------
        Path
            The folder.

        Raises
        ------
        FullError
            If a limit is passed, at the beginning or at the end.
        """
        folder = self.files / owner / (name or secrets.token_hex(8))
        with self._filling(folder, owner, address) as arrival:
            arrival.take(num_bytes)
            yield folder

    @contextlib.contextmanager
    def filling_set(self, owner: str, *, address: str = "") -> Iterator[tuple[Path, Arrival]]:
        """Make an empty folder for the clips that a visitor trains on; it is deleted if anything fails.

        Yields
        ------
        folder : Path
            The folder.
        arrival : Arrival
            Counter whose ``take`` must be called for all bytes as they are written.

        Raises
        ------
        FullError
            As soon as a limit is passed.
        """
        folder = self.sets / owner / secrets.token_hex(8)
        with self._filling(folder, owner, address) as arrival:
            arrival.take(0)
            yield folder, arrival

    @contextlib.contextmanager
    def _filling(self, folder: Path, owner: str, address: str) -> Iterator[Arrival]:
        arrival = Arrival(self._ledger, owner, address)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            yield arrival
            if folder.exists():  # False if the visitor deleted everything meanwhile
                self._ledger.hold(arrival, owner, folder, _num_bytes(folder) + ENTRY_BYTES)
        except BaseException:
            self.remove(folder, owner)
            raise
        finally:
            arrival.give_back()

    @contextlib.contextmanager
    def unpacking(self) -> Iterator[Path]:
        """Make an empty folder for unpacked archives, and delete it at the end; the caller counts its bytes."""
        try:
            unpacked = tempfile.TemporaryDirectory(dir=self.unpacked)
        except OSError as error:
            raise FullError("The server cannot unpack anything now; please try again in some minutes.") from error
        with unpacked as folder:
            yield Path(folder)

    def is_owned(self, path: str, owner: str) -> bool:
        """Whether a path leads to a file of this visitor, or of any page without a cookie."""
        place = self._place(path)
        return bool(place) and (place == owner or place.startswith(ANYONE))

    def is_public(self, path: str) -> bool:
        """Whether a path leads to one of the page's own files."""
        return self._place(path) in self.public

    def _place(self, path: str) -> str:
        """The name of the folder in ``files`` that a path leads into; "" if it leads elsewhere."""
        if len(path) > LONGEST_PATH:  # the time to resolve a path grows with the square of its length
            return ""
        try:
            parts = Path(os.path.realpath(path)).relative_to(self.files).parts
        except ValueError:
            return ""
        return parts[0] if len(parts) > 1 else ""

    def move_upload(self, paths: list[str], owner: str, arrival: Arrival | None = None) -> list[str]:
        """Link uploaded files into a new folder of their visitor, and count them there.

        The path of Gradio's copy is a hash of its content, and another visitor may be uploading the same file now. So
        Gradio's copy stays for a minute, as a second hard link to the same file, or as a file of its own where the disk
        has no hard links; such a copy counts too as long as it stays.

        Parameters
        ----------
        paths : list of str
            Paths of Gradio's copies.
        owner : str
            The visitor.
        arrival : Arrival, optional
            Counter of the upload while it arrived.

        Returns
        -------
        list of str
            New paths of the files, in the same order.

        Raises
        ------
        FullError
            If a limit would be passed.
        OSError
            If the files can be neither linked nor copied.
        """
        folder, moved = self.files / owner / secrets.token_hex(8), []
        arrival, copies = arrival or Arrival(self._ledger, owner, ""), Arrival(self._ledger, owner, "")
        try:
            folder.mkdir(parents=True)
            for number, path in enumerate(map(Path, paths)):
                target = folder / str(number) / path.name
                target.parent.mkdir()
                if not system.link(path, target):
                    copies.take(target.stat().st_size + ENTRY_BYTES)
                    if path.parent.parent == self.files:
                        self._copied.setdefault(owner, {})[path] = _identity(path)
                moved.append(str(target))
            self._ledger.hold(arrival, owner, folder, _num_bytes(folder) + ENTRY_BYTES)
        except (OSError, FullError):
            shutil.rmtree(folder, ignore_errors=True)
            copies.give_back()
            raise
        self._ledger.leave(copies, self._clock() + UPLOAD_SECONDS)
        return moved

    def discard(self, path: Path) -> None:
        """Delete an uploaded file that was read, with its folder; any other path is ignored."""
        owner = self._place(str(path))
        if owner in {"", *self.public}:
            return
        folder = Path(os.path.realpath(path)).parent
        unit = self.files.joinpath(*folder.relative_to(self.files).parts[:2])
        if folder == self.files / owner:
            return
        num_bytes = _num_bytes(folder) + ENTRY_BYTES
        shutil.rmtree(folder, ignore_errors=True)
        # The bytes count until then: Gradio's copy of the file is still on the disk.
        self._ledger.shrink(owner, unit, num_bytes, self._clock() + UPLOAD_SECONDS)
        with contextlib.suppress(OSError):  # fails while other files of the same upload are there
            unit.rmdir()
            self._ledger.forget(owner, unit)

    def remove(self, folder: Path, owner: str) -> None:
        """Delete a folder of a visitor, and stop counting it."""
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            self._ledger.forget(owner, folder)

    def delete(self, owner: str) -> None:
        """Delete all files and training clips of a visitor at once, including Gradio's copies of uploads."""
        if owner in self.public or not re.fullmatch("[A-Za-z0-9-]+", owner):  # a path in it could leave the folder
            return
        found = [path.stat() for path in (self.files / owner).rglob("*") if path.is_file()]
        linked = {status.st_ino for status in found if status.st_nlink > 1}
        for copy in self.files.glob("*/*") if linked else ():
            with contextlib.suppress(OSError):
                if copy.stat().st_ino in linked and copy.is_file() and copy.parent.name not in self.public:
                    copy.unlink()
        for copy, identity in self._copied.pop(owner, {}).items():  # on a disk without hard links
            with contextlib.suppress(OSError):
                if _identity(copy) == identity and copy.parent.name not in self.public:  # else another's upload came
                    copy.unlink()
        for folder in (self.files / owner, self.sets / owner):
            self.remove(folder, owner)

    def sweep(self, owners: Container[str], now: float) -> None:
        """Delete the files of all visitors who are not present, and the files that uploads left behind.

        A folder of an absent visitor is deleted when it is older than a minute; a younger one may just be arriving. A
        folder of a page without a cookie stays for ``visit_absent_seconds`` of the settings, and a bare file of an
        upload stays for five minutes.

        Parameters
        ----------
        owners : container of str
            Visitors who are present.
        now : float
            Time in seconds since 1970.
        """
        for path in [*self.files.iterdir(), *self.sets.iterdir()]:
            with contextlib.suppress(FileNotFoundError):
                age = now - max(path.stat().st_ctime, path.stat().st_mtime)
                kept = self._absent_seconds if path.name.startswith(ANYONE) else UPLOAD_SECONDS
                if path.is_file():
                    kept = PAUSED_UPLOAD_SECONDS
                if age <= kept or path.name in owners or path.name in self.public:
                    continue
                self.remove(path, path.name) if path.is_dir() else path.unlink()
        for owner, copies in list(self._copied.items()):
            left = {path: identity for path, identity in copies.items() if path.exists()}
            if left:
                self._copied[owner] = left
            else:
                self._copied.pop(owner, None)
        self._ledger.expire(now)

    def publish(self) -> None:
        """Declare everything that is in ``files`` now to be the page's own, for every visitor to read."""
        self.public = frozenset(path.name for path in self.files.iterdir())
        for path in self.files.iterdir():
            if path.name != PAGE:  # these are Gradio's copies; the page's own folder was counted when it was filled
                self._ledger.hold(Arrival(self._ledger, PAGE, ""), PAGE, path, _num_bytes(path) + ENTRY_BYTES)


def new_anyone() -> str:
    """Make a new random owner for files of a sender without a cookie."""
    return ANYONE + secrets.token_hex(16)


def _identity(path: Path) -> tuple[int, ...]:
    """Numbers that change if another file takes the path."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _num_bytes(folder: Path) -> int:
    """Bytes of all files in a folder, with ``ENTRY_BYTES`` for each entry; a file with two hard links counts once."""
    sizes: dict[int, int] = {}
    waiting = [folder]
    while waiting:
        with contextlib.suppress(FileNotFoundError):  # another thread may delete it now
            for entry in os.scandir(waiting.pop()):
                is_folder = entry.is_dir(follow_symlinks=False)
                if is_folder:
                    waiting.append(Path(entry.path))
                size = 0 if is_folder else entry.stat(follow_symlinks=False).st_size
                sizes[entry.inode()] = size + ENTRY_BYTES
    return sum(sizes.values())
