"""What lies on the server's disk for visitors, and how much there is room for."""

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Container, Iterator
from pathlib import Path

from distill.errors import FullError, StartupError
from distill.settings import MIB, Settings, variable

ANYONE = "anyone-"
"""How folders begin of visitors without a cookie: who knows the name may read them, and nobody can guess it."""

UPLOAD_SECONDS, PAUSED_UPLOAD_SECONDS = 60, 300
LONGEST_PATH = 4096
ENTRY_BYTES = 4096
"""What a file or a folder takes of a disk besides its bytes: a million empty ones are not nothing."""


class Storage:
    """A folder with a ceiling.

    ``files/<owner>/`` holds what the page uploads and downloads, ``sets/<owner>/`` the clips to train on, ``unpacked/``
    archives while they are read; all three are emptied when the server starts. ``jobs/`` holds the trainings, which
    outlive a restart.

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
        self._absent_seconds = settings.visit_absent_seconds
        self.files, self.sets, self.unpacked, self.jobs = (
            self.folder / name for name in ("files", "sets", "unpacked", "jobs")
        )
        where = f"the folder that {variable('folder')} names"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            status = self.folder.stat()
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                raise StartupError(f"Others may write to {where}; choose one that is the server's alone.")
            self._lock = os.fdopen(os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartupError(f"Another Distill is using {where}; give each one its own.") from error
        except OSError as error:
            raise StartupError(f"Distill cannot write to {where} ({error.strerror}); choose another one.") from error
        for folder in (self.files, self.sets, self.unpacked):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in (self.files, self.sets, self.unpacked, self.jobs):
            folder.mkdir(exist_ok=True)
        self.public: frozenset[str] = frozenset()

    def close(self) -> None:
        """Let another server have the folder."""
        self._lock.close()

    @property
    def used_bytes(self) -> int:
        """Of all files in the folder, each with what the disk takes for it besides."""
        return _num_bytes(self.folder)

    def require_room(self, owner: str, more_bytes: int = 0, own_bytes: int | None = None) -> None:
        """Raise a FullError unless what is to come fits under both ceilings.

        Parameters
        ----------
        owner : str
            Whose it is; "" for nobody's, which has no ceiling of its own.
        more_bytes : int
            How much comes, of all visitors.
        own_bytes : int, optional
            How much of it is theirs; all by default.
        """
        own = _num_bytes(self.files / owner, self.sets / owner) if owner else 0
        if own + (more_bytes if own_bytes is None else own_bytes) > self._visit_bytes:
            raise FullError(
                f"Your files here would take more than the {self._visit_bytes / MIB:.4g} MB that each visitor has; "
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

    @contextlib.contextmanager
    def unpacking(self) -> Iterator[Path]:
        """An empty folder for archives, deleted at the end."""
        with tempfile.TemporaryDirectory(dir=self.unpacked) as folder:
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

    def move_upload(self, paths: list[str], owner: str) -> list[str]:
        """Each file under its own name in a folder of its visitor.

        Gradio's copy stays for a minute: it lies where its content says, and another visitor may be sending the same
        file at this moment.
        """
        folder, moved = self.new_folder(owner), []
        try:
            for number, path in enumerate(map(Path, paths)):
                target = folder / str(number) / path.name
                target.parent.mkdir()
                os.link(path, target)
                moved.append(str(target))
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return moved

    def discard(self, path: Path) -> None:
        """Delete an upload that was read."""
        if self._place(str(path)) not in {"", *self.public}:
            shutil.rmtree(path.parent, ignore_errors=True)

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
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()

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
    """Of all in these folders; a file that has two names counts once."""
    sizes: dict[int, int] = {}
    waiting = list(folders)
    while waiting:
        with contextlib.suppress(FileNotFoundError):  # deleted while it is looked at
            for entry in os.scandir(waiting.pop()):
                is_folder = entry.is_dir(follow_symlinks=False)
                if is_folder:
                    waiting.append(Path(entry.path))
                size = 0 if is_folder else entry.stat(follow_symlinks=False).st_size
                sizes[entry.inode()] = size + ENTRY_BYTES
    return sum(sizes.values())
