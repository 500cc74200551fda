"""What lies on the server's disk for visitors, and how much there is room for."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Container
from pathlib import Path

from distill.errors import FullError, StartupError
from distill.settings import MIB, Settings, variable

ANYONE = "anyone-"
"""How folders begin of visitors without a cookie: who knows the name may read them, and nobody can guess it."""

UPLOAD_SECONDS, LONGEST_UPLOAD_SECONDS = 60, 3600


class Storage:
    """A folder with a ceiling.

    ``files/<owner>/`` holds what the page uploads and downloads, ``sets/<owner>/`` the clips to train on; both are
    emptied when the server starts. ``jobs/`` holds the trainings, which outlive a restart.

    Parameters
    ----------
    settings : Settings
        Names the folder and its ceiling.

    Raises
    ------
    StartupError
        If the folder cannot be written, or another server uses it.
    """

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.folder.resolve()
        self._disk_bytes, self._visit_bytes = settings.disk_bytes, settings.visit_disk_bytes
        self.files, self.sets, self.jobs = (self.folder / name for name in ("files", "sets", "jobs"))
        where = f"the folder that {variable('folder')} names"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (self.folder / "lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartupError(f"Another Distill is using {where}; give each one its own.") from error
        except OSError as error:
            raise StartupError(f"Distill cannot write to {where} ({error.strerror}); choose another one.") from error
        for folder in (self.files, self.sets):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in (self.files, self.sets, self.jobs):
            folder.mkdir(exist_ok=True)
        self.public: frozenset[str] = frozenset()

    def close(self) -> None:
        """Let another server have the folder."""
        self._lock.close()

    @property
    def used_bytes(self) -> int:
        """Of all files in the folder."""
        return _num_bytes(self.folder)

    def require_room(self, owner: str, more_bytes: int = 0) -> None:
        """Raise a FullError unless that many bytes more of a visitor fit under their own ceiling and that of all."""
        own = _num_bytes(self.files / owner, self.sets / owner) if owner else 0
        if own + more_bytes > self._visit_bytes:
            raise FullError(
                f"Your files here would take more than the {self._visit_bytes // MIB} MB that each visitor has; "
                "please use fewer or smaller ones."
            )
        if self.used_bytes + more_bytes > self._disk_bytes:
            raise FullError("The server has no room for more files now; please try again in some minutes.")

    def new_folder(self, owner: str) -> Path:
        """An empty folder of a visitor's whose files the page can fetch."""
        return _new_folder(self.files / owner)

    def new_set(self, owner: str) -> Path:
        """An empty folder for the clips that a visitor trains on."""
        return _new_folder(self.sets / owner)

    def forget(self, owner: str) -> None:
        """Delete what a visitor has here, but for trainings."""
        for folder in (self.files, self.sets):
            shutil.rmtree(folder / owner, ignore_errors=True)

    def sweep(self, owners: Container[str], now: float) -> None:
        """Delete the files of all but these visitors, and what uploads left behind.

        Parameters
        ----------
        owners : container of str
            Those who are here.
        now : float
            Seconds since 1970. What is younger than a minute stays: it may be on its way to its visitor.
        """
        for path in [*self.files.iterdir(), *self.sets.iterdir()]:
            if path.name in owners or path.name in self.public or now - path.stat().st_ctime < UPLOAD_SECONDS:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif now - path.stat().st_ctime > LONGEST_UPLOAD_SECONDS:
                path.unlink(missing_ok=True)

    def publish(self) -> None:
        """What lies in ``files`` by now is the page's own, for all to see."""
        self.public = frozenset(path.name for path in self.files.iterdir())


def new_anyone() -> str:
    """An owner that stands for nobody in particular."""
    return ANYONE + secrets.token_hex(16)


def _new_folder(parent: Path) -> Path:
    folder = parent / secrets.token_hex(8)
    folder.mkdir(parents=True)
    return folder


def _num_bytes(*folders: Path) -> int:
    """Of all files in folders; one that has two names counts once."""
    sizes: dict[int, int] = {}
    waiting = list(folders)
    while waiting:
        try:
            for entry in os.scandir(waiting.pop()):
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                else:
                    sizes[entry.inode()] = entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:  # deleted while it was looked at
            continue
    return sum(sizes.values())
