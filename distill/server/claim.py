"""The server's folder. A mark file shows that Distill made it, and a lock file keeps other servers out, so that the
server never deletes files in a folder that is not its own."""

import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from distill import system
from distill.errors import StartupError

MARK = "distill-folder"
"""Name of the file that marks a folder as Distill's."""
MARK_CONTENT = b"Distill 1: what lies in the folders beside this file is written and deleted by a server.\n"
LOCK = "lock"
LOST_AND_FOUND = "lost+found"
"""Name of the folder that an empty ext file system has at its root; it does not count as content."""


def claim(folder: Path, names: Sequence[str], where: str) -> tuple[IO[bytes], Path]:
    """Claim a folder for this server, and make its sub-folders.

    An empty folder gets the mark file. A folder that is not empty must have it. If any check fails, the folder's
    content is left unchanged.

    Parameters
    ----------
    folder : Path
        Folder to claim; it is made if it does not exist.
    names : sequence of str
        Names of the sub-folders.
    where : str
        Name of the folder in messages of errors.

    Returns
    -------
    lock : file
        Open lock file; another server can claim the folder once this file is closed.
    folder : Path
        Absolute path of the folder, with symbolic links resolved.

    Raises
    ------
    StartupError
        If the folder was not made by Distill, is in use by another server, or cannot be written.
    """
    try:
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.stat()
        if not system.is_ours_alone(status, others_may=0o055):
            raise StartupError(f"Others may write to {where}; choose one that is the server's alone.")
        _require_mark(folder, where)
        for name in names:
            _require_folder(folder / name, where)
        lock = _lock(folder / LOCK, where)
    except (OSError, RuntimeError) as error:  # RuntimeError: symbolic links that form a loop
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
    """Delete everything in a sub-folder of a claimed folder, without following symbolic links.

    Raises
    ------
    StartupError
        If something cannot be deleted: the server would take it for a visitor's file.
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
    """Raise a StartupError unless a folder has the mark; an empty folder gets it here."""
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
        with open(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL | system.NOFOLLOW, 0o600), "wb") as file:
            file.write(MARK_CONTENT)
    except OSError as error:
        if not isinstance(error, FileExistsError):
            mark.unlink(missing_ok=True)  # a half-written mark would make every later start fail
        raise


def _require_folder(path: Path, where: str) -> None:
    """Raise a StartupError if the path of a sub-folder exists and is a link or not a folder."""
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
    lock = open(os.open(path, os.O_RDWR | os.O_CREAT | system.NOFOLLOW, 0o600), "r+b")  # noqa: SIM115 - open until the server ends
    if not system.lock(lock.fileno()):
        lock.close()
        raise StartupError(f"Another Distill is using {where}; give each one its own.")
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
