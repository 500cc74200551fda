"""What lies on the server's disk for visitors, and how much there is room for."""

import contextlib
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Container, Iterator
from pathlib import Path

from distill.errors import FullError
from distill.server.askers import ANYONE
from distill.server.claim import claim, clear
from distill.server.ledger import Arrival, Ledger
from distill.settings import Settings, variable

PAGE = "page"
"""Whose the files are that every page shows."""

UPLOAD_SECONDS, PAUSED_UPLOAD_SECONDS = 60, 300
LONGEST_PATH = 4096
ENTRY_BYTES = 4096
"""What a file or a folder takes of a disk besides its bytes: a million empty ones are not nothing."""


class Storage:
    """A folder with ceilings: for each visitor, for each network address, and for all.

    ``files/<owner>/`` holds what the page uploads and downloads, ``sets/<owner>/`` the clips to train on, ``unpacked/``
    archives while they are read; all three are emptied when the server starts. ``jobs/`` holds the trainings, which
    outlive a restart. What comes and goes is counted in a :class:`~distill.server.ledger.Ledger`: the disk is looked at
    when the server starts, and never to answer a request.

    Parameters
    ----------
    settings : Settings
        Names the folder and its ceilings.
    clock : callable
        Seconds since 1970.

    Attributes
    ----------
    derived : callable
        Gives the bytes of a visitor's trainings, of all for None, as somebody else counts them. By default they are
        those that the start found, and nobody's.

    Raises
    ------
    StartupError
        If the folder is not Distill's, cannot be written, or another server uses it.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._clock, self._absent_seconds = clock, settings.visit_absent_seconds
        where = f"the folder that {variable('folder')} names"
        self._lock, self.folder = claim(settings.folder, ("files", "sets", "unpacked", "jobs"), where)
        self.files, self.sets, self.unpacked, self.jobs = (
            self.folder / name for name in ("files", "sets", "unpacked", "jobs")
        )
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

    def close(self) -> None:
        """Let another server have the folder."""
        self._lock.close()

    @property
    def used_bytes(self) -> int:
        """Bytes of all files, those on their way included, each with what the disk takes for it besides."""
        return self._ledger.num_bytes

    def own_bytes(self, owner: str) -> int:
        """Bytes of one visitor's files and trainings, those on their way included."""
        return self._ledger.own_bytes(owner)

    def require_room(self, owner: str, more_bytes: int = 0, own_bytes: int | None = None, *, address: str = "") -> None:
        """Raise a FullError unless what is to come fits under all ceilings.

        Parameters
        ----------
        owner : str
            Whose it is; "" for nobody's, which has no ceiling of its own.
        more_bytes : int
            How much comes, of all visitors.
        own_bytes : int, optional
            How much of it is theirs; all by default.
        address : str
            The network address that the visitor asks from; "" if it is not known.
        """
        self._ledger.require_room(owner, more_bytes, own_bytes, address)

    @contextlib.contextmanager
    def arriving(self, owner: str, address: str = "") -> Iterator[Arrival]:
        """Count an upload while it comes; nothing is reserved for it.

        Parameters
        ----------
        owner : str
            Whose it is; "" for nobody's: the arrival then has an owner that stands for nobody in particular.
        address : str
            The network address that it comes from; "" if it is not known.

        Yields
        ------
        Arrival
            To be told of all that comes. What was not moved by :meth:`move_upload` at the end, because the upload broke
            off or was refused, still lies where Gradio wrote it, and counts until :meth:`sweep` has deleted it.
        """
        arrival = Arrival(self._ledger, owner or new_anyone(), address)
        try:
            yield arrival
        finally:
            self._ledger.leave(arrival, self._clock() + PAUSED_UPLOAD_SECONDS)

    @contextlib.contextmanager
    def filling(self, owner: str, num_bytes: int = 0, *, name: str = "", address: str = "") -> Iterator[Path]:
        """A folder of a visitor's whose files the page can fetch, counted once it is filled; deleted if that fails.

        Parameters
        ----------
        owner : str
            Whose it is.
        num_bytes : int
            How much is known to come; there must be room for it before anything is written.
        name : str
            Of the folder, which may be there; by default a new one that nobody can guess.
        address : str
            The network address that the visitor asks from; "" if it is not known.

        Raises
        ------
        FullError
            At the beginning or at the end, if a ceiling is passed.
        """
        folder = self.files / owner / (name or secrets.token_hex(8))
        with self._filling(folder, owner, address) as arrival:
            arrival.take(num_bytes)
            yield folder

    @contextlib.contextmanager
    def filling_set(self, owner: str, *, address: str = "") -> Iterator[tuple[Path, Arrival]]:
        """An empty folder for the clips that a visitor trains on, and what to tell of their bytes as they come.

        Raises
        ------
        FullError
            As soon as a ceiling is passed; the folder is then deleted.
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
            if folder.exists():  # else the visitor deleted everything meanwhile
                self._ledger.hold(arrival, owner, folder, _num_bytes(folder) + ENTRY_BYTES)
        except BaseException:
            self.remove(folder, owner)
            raise
        finally:
            arrival.give_back()

    @contextlib.contextmanager
    def unpacking(self) -> Iterator[Path]:
        """An empty folder for archives, deleted at the end; whoever unpacks counts what is in it."""
        try:
            unpacked = tempfile.TemporaryDirectory(dir=self.unpacked)
        except OSError as error:
            raise FullError("The server cannot unpack anything now; please try again in some minutes.") from error
        with unpacked as folder:
            yield Path(folder)

    def is_owned(self, path: str, owner: str) -> bool:
        """Whether a path is of a file of that visitor, or of one that belongs to nobody in particular."""
        place = self._place(path)
        return bool(place) and (place == owner or place.startswith(ANYONE))

    def is_public(self, path: str) -> bool:
        """Whether a path is of one of the page's own files."""
        return self._place(path) in self.public

    def _place(self, path: str) -> str:
        """The folder in ``files`` that a path leads into; "" for any other."""
        if len(path) > LONGEST_PATH:  # to resolve it takes time that grows with the square of its length
            return ""
        try:
            parts = Path(os.path.realpath(path)).relative_to(self.files).parts
        except ValueError:
            return ""
        return parts[0] if len(parts) > 1 else ""

    def move_upload(self, paths: list[str], owner: str, arrival: Arrival | None = None) -> list[str]:
        """Each file under its own name in a folder of its visitor, counted there instead of as being on its way.

        Gradio's copy stays for a minute, as another name of the same file: it lies where its content says, and another
        visitor may be sending the same file at this moment.

        Parameters
        ----------
        paths : list of str
            Where Gradio has put the files.
        owner : str
            Whose they are.
        arrival : Arrival, optional
            What counted them while they came.

        Raises
        ------
        FullError
            If with them a ceiling is passed.
        OSError
            If they cannot be moved.
        """
        folder, moved = self.files / owner / secrets.token_hex(8), []
        try:
            folder.mkdir(parents=True)
            for number, path in enumerate(map(Path, paths)):
                target = folder / str(number) / path.name
                target.parent.mkdir()
                os.link(path, target)
                moved.append(str(target))
            arrival = arrival or Arrival(self._ledger, owner, "")
            self._ledger.hold(arrival, owner, folder, _num_bytes(folder) + ENTRY_BYTES)
        except (OSError, FullError):
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return moved

    def discard(self, path: Path) -> None:
        """Delete an upload that was read."""
        owner = self._place(str(path))
        if owner in {"", *self.public}:
            return
        folder = Path(os.path.realpath(path)).parent
        unit = self.files.joinpath(*folder.relative_to(self.files).parts[:2])
        if folder == self.files / owner:
            return
        num_bytes = _num_bytes(folder) + ENTRY_BYTES
        shutil.rmtree(folder, ignore_errors=True)
        # Until then the disk has the bytes, under the name that Gradio gave them.
        self._ledger.shrink(owner, unit, num_bytes, self._clock() + UPLOAD_SECONDS)
        with contextlib.suppress(OSError):  # others of the same upload are there
            unit.rmdir()
            self._ledger.forget(owner, unit)

    def remove(self, folder: Path, owner: str) -> None:
        """Delete a folder that was filled for a visitor."""
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            self._ledger.forget(owner, folder)

    def delete(self, owner: str) -> None:
        """Delete all files and sets of a visitor at once, the copies of uploads included that Gradio keeps a minute."""
        if owner in self.public or not re.fullmatch("[A-Za-z0-9-]+", owner):  # it must lead nowhere else
            return
        found = [path.stat() for path in (self.files / owner).rglob("*") if path.is_file()]
        own = {status.st_ino for status in found if status.st_nlink > 1}
        for copy in self.files.glob("*/*") if own else ():
            with contextlib.suppress(OSError):
                if copy.is_file() and copy.stat().st_ino in own and copy.parent.name not in self.public:
                    copy.unlink()
        for folder in (self.files / owner, self.sets / owner):
            self.remove(folder, owner)

    def sweep(self, owners: Container[str], now: float) -> None:
        """Delete the files of all but these visitors, and what uploads left behind.

        Parameters
        ----------
        owners : container of str
            Those who are here.
        now : float
            Seconds since 1970. What is younger than a minute stays: it may be on its way to its visitor; and what is
            nobody's in particular, for as long as a visitor may be away.
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
        self._ledger.expire(now)

    def publish(self) -> None:
        """What lies in ``files`` by now is the page's own, for all to see."""
        self.public = frozenset(path.name for path in self.files.iterdir())
        for path in self.files.iterdir():
            if path.name != PAGE:  # Gradio's copies: our own files were counted as they were made
                self._ledger.hold(Arrival(self._ledger, PAGE, ""), PAGE, path, _num_bytes(path) + ENTRY_BYTES)


def new_anyone() -> str:
    """An owner that stands for nobody in particular."""
    return ANYONE + secrets.token_hex(16)


def _num_bytes(folder: Path) -> int:
    """Of all in a folder; a file that has two names counts once."""
    sizes: dict[int, int] = {}
    waiting = [folder]
    while waiting:
        with contextlib.suppress(FileNotFoundError):  # deleted while it is looked at
            for entry in os.scandir(waiting.pop()):
                is_folder = entry.is_dir(follow_symlinks=False)
                if is_folder:
                    waiting.append(Path(entry.path))
                size = 0 if is_folder else entry.stat(follow_symlinks=False).st_size
                sizes[entry.inode()] = size + ENTRY_BYTES
    return sum(sizes.values())
