"""The server's folder: known by a mark, held by a lock, and never mistaken for a folder of somebody else's."""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from distill.errors import StartupError

MARK = "distill-folder"
MARK_CONTENT = b"Distill 1: what lies in the folders beside this file is written and deleted by a server.\n"
LOCK = "lock"
LOST_AND_FOUND = "lost+found"
"""What a new file system has at its root."""


def claim(folder: Path, names: Sequence[str], where: str) -> tuple[IO[bytes], Path]:
    """Make a folder this server's own, with sub-folders of these names.

    An empty folder gets a mark; one that is not empty must have it. Unless all is as it should be, nothing in the
    folder is touched.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    names : sequence of str
        Of the sub-folders.
    where : str
        What to call the folder in an error.

    Returns
    -------
    lock : file
        Another server can have the folder once it is closed.
    folder : Path
        Absolute, and without links.

    Raises
    ------
    StartupError
        If the folder is somebody else's, another server's, or cannot be written.
    """
    try:
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise StartupError(f"Others may write to {where}; choose one that is the server's alone.")
        _require_mark(folder, where)
        for name in names:
            _require_folder(folder / name, where)
        lock = _lock(folder / LOCK, where)
    except (OSError, RuntimeError) as error:  # the latter of links that lead in a circle
        reason = getattr(error, "strerror", None) or "its links lead in a circle"
        raise StartupError(f"Distill cannot write to {where} ({reason}); choose another one.") from error
    try:
        for name in names:
            _make_writable(folder / name, where)
    except BaseException:
        lock.close()
        raise
    return lock, folder


def clear(folder: Path, where: str) -> None:
    """Delete all that is in a sub-folder of a folder that was claimed; no link in it is followed.

    Raises
    ------
    StartupError
        If something stays: it would be taken for something of this server's.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                with suppress(OSError):
                    os.unlink(entry.path)
    if os.listdir(folder):
        raise StartupError(f"Distill cannot empty “{folder.name}” in {where}; choose another folder.")


def _require_mark(folder: Path, where: str) -> None:
    """Raise a StartupError unless a folder has the mark, or is empty and gets it."""
    mark, found = folder / MARK, set(os.listdir(folder)) - {LOST_AND_FOUND}
    if not found:
        _write_mark(mark)
        return
    if MARK not in found:
        raise StartupError(
            f"Distill did not make what lies in {where}, or an older version did; choose an empty folder, or empty "
            "this one if nothing in it is needed."
        )
    is_file = stat.S_ISREG(mark.lstat().st_mode)
    if not is_file or mark.stat().st_size != len(MARK_CONTENT) or mark.read_bytes() != MARK_CONTENT:
        raise StartupError(f"“{MARK}” in {where} is not the mark that this Distill writes; choose an empty folder.")


def _write_mark(mark: Path) -> None:
    try:
        with open(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(MARK_CONTENT)
    except OSError as error:
        if not isinstance(error, FileExistsError):
            mark.unlink(missing_ok=True)  # half a mark would close the folder for ever
        raise


def _require_folder(path: Path, where: str) -> None:
    """Raise a StartupError if there is something in the place of a sub-folder that is none."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISLNK(mode):
        raise StartupError(f"“{path.name}” in {where} is a link; remove it, or choose another folder.")
    if not stat.S_ISDIR(mode):
        raise StartupError(f"“{path.name}” in {where} is no folder; remove it, or choose another folder.")


def _lock(path: Path, where: str) -> IO[bytes]:
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise StartupError(
                f"“{path.name}” in {where} is no file of Distill's; remove it, or choose another folder."
            )
    lock = open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+b")  # noqa: SIM115 - held while it serves
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise StartupError(f"Another Distill is using {where}; give each one its own.") from error
    return lock


def _make_writable(path: Path, where: str) -> None:
    try:
        path.mkdir(exist_ok=True)
        os.listdir(path)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise StartupError(
            f"Distill cannot write to “{path.name}” in {where} ({error.strerror}); choose another folder."
        ) from error
