"""The folder in which all libraries lie, and its files: each is there as a whole or not at all.

The folder may be a mounted bucket: nothing is locked or changed in place there. A file is written from its start to its
end under a name of its own, and then renamed. A file's date counts only for what a broken-off write left.
"""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from distill import system
from distill.errors import FullError, LibraryError, StartupError

MARK, MARK_CONTENT = "distill-library", b"Distill 1: in the folders beside this file are codecs that visitors keep.\n"
"""The file that marks the folder as one of libraries. Where it is missing, the folder counts as vanished."""
UNFINISHED = ".part"
"""End of the name of a file that is being written."""
PIECE_BYTES = 1024**2
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
NO_SYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""Error numbers of a file system that cannot be asked to write at once."""
VANISHED = "The folder of kept codecs cannot be reached now; nothing in it is lost by that, so please try again later."


class UnfitFileError(OSError):
    """Raised when what should be a plain file of a bounded size is a link, a pipe or too large; it stays so."""


def claim_place(folder: Path, where: str) -> Path:
    """Make the folder of libraries, or recognize it by its mark; return its absolute path.

    The folder in which it lies must be there.

    Parameters
    ----------
    folder : Path
    where : str
        Name of the folder in messages of errors.

    Raises
    ------
    StartupError
        If the folder has other files and no mark, or cannot be written.
    """
    try:
        folder = folder.resolve()
        folder.mkdir(exist_ok=True, mode=0o700)
        if not is_there(folder):
            others = [name for name in os.listdir(folder) if not name.startswith(f"{MARK}.")]  # unfinished marks
            if set(others) - {"lost+found"}:
                raise StartupError(f"Distill did not make what lies in {where}; choose an empty folder.")
            write_whole(folder / MARK, [MARK_CONTENT])
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "its links lead in a circle"
        raise StartupError(f"Distill cannot write to {where} ({reason}); choose another one.") from error
    return folder


def is_there(folder: Path) -> bool:
    """Whether the folder of libraries is where it should be.

    Examples
    --------
    >>> is_there(Path("/nowhere"))
    False
    """
    try:
        return stat.S_ISREG((folder / MARK).lstat().st_mode)
    except OSError:
        return False


def write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file; it takes the place of an older one when it is complete.

    Raises
    ------
    OSError
        If that fails; the older file, if there is one, stays.
    """
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | system.NOFOLLOW
        with open(os.open(unfinished, flags, 0o600), "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            _sync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise


def pieces_of(path: Path, most_bytes: int) -> Iterator[bytes]:
    """Read a plain file piece by piece.

    Raises
    ------
    UnfitFileError
        If it is no plain file or has more than ``most_bytes``.
    OSError
        If it is missing or cannot be read now.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | system.NONBLOCK | system.NOFOLLOW)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnfitFileError(errno.ELOOP, "A link") from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > most_bytes:
            raise UnfitFileError(errno.EINVAL, "No plain file, or too large")
        left = most_bytes
        while piece := file.read(min(PIECE_BYTES, left + 1)):
            left -= len(piece)
            if left < 0:
                raise UnfitFileError(errno.EINVAL, "It grew")
            yield piece


def content_of(path: Path, most_bytes: int) -> bytes:
    """Read a small file: empty if it is missing, no plain file, or has more than ``most_bytes``.

    Raises
    ------
    OSError
        If it cannot be read now.

    Examples
    --------
    >>> content_of(Path("/nowhere"), 10)
    b''
    """
    try:
        return b"".join(pieces_of(path, most_bytes))
    except (FileNotFoundError, UnfitFileError):
        return b""


@contextlib.contextmanager
def spoken(folder: Path) -> Iterator[None]:
    """Turn errors of the disk into sentences; ``folder`` is that of all libraries.

    Raises
    ------
    FullError
        If the disk is full.
    LibraryError
        If a file is no longer there, damaged or too large, or the folder cannot be reached.

    Examples
    --------
    >>> with spoken(Path("/nowhere")):
    ...     pass
    Traceback (most recent call last):
    distill.errors.LibraryError: The folder of kept codecs cannot be reached now; nothing in it is lost by that, \
so please try again later.
    """
    if not is_there(folder):
        raise LibraryError(VANISHED)
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise FullError(
                "The server's disk is full, so nothing was kept or changed; “Save codec” gives a codec as a file."
            ) from error
        if isinstance(error, UnfitFileError):
            raise LibraryError("The file of this codec is damaged or too large.") from error
        if isinstance(error, FileNotFoundError) and is_there(folder):
            raise LibraryError("This codec is no longer in the library; somebody else may have deleted it.") from error
        raise LibraryError(VANISHED) from error
