"""Files of a training's folder, opened with care: what is a pipe, a link, a folder or a device is none of ours."""

import contextlib
import os
import shutil
import stat
from pathlib import Path

ENTRY_BYTES = 4096
"""What a file takes of a disk besides its bytes."""


def check_regular(path: Path, max_bytes: int) -> int:
    """The size of a plain file, which is found out without opening it: to open a pipe takes until someone writes.

    Raises
    ------
    OSError
        If it is missing, no plain file, or larger than ``max_bytes``.
    """
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode) or status.st_size > max_bytes:
        raise OSError("no plain file, or too large")
    return status.st_size


def read_regular(path: Path, max_bytes: int) -> bytes:
    """The content of a plain file; errors as :func:`check_regular`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > max_bytes:
            raise OSError("no plain file, or too large")
        return file.read(max_bytes)


def delete_any(path: Path) -> None:
    """Delete whatever lies there, if anything does; a link is deleted, not what it leads to."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def num_bytes(folder: Path) -> int:
    """What the files of a folder take of the disk; those in folders within it do not count. A file that has other names
    elsewhere counts in shares."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # deleted while it is looked at
                status = entry.stat(follow_symlinks=False)
                total += status.st_size // max(1, status.st_nlink) + ENTRY_BYTES
    return total
