"""Safe access to the files of a training's folder: pipes, links, folders and devices are refused."""

import contextlib
import os
import shutil
import stat
from pathlib import Path

from distill import system

ENTRY_BYTES = 4096
"""Disk space in bytes that a file is assumed to take besides its content."""


def check_regular(path: Path, max_bytes: int) -> int:
    """Size of a regular file in bytes. The file is not opened, because opening a pipe blocks until someone writes.

    Raises
    ------
    OSError
        If the file is missing, not a regular file, or larger than ``max_bytes``.
    """
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode) or status.st_size > max_bytes:
        raise OSError("no plain file, or too large")
    return status.st_size


def read_regular(path: Path, max_bytes: int) -> bytes:
    """Content of a regular file; errors as in :func:`check_regular`."""
    descriptor = os.open(path, os.O_RDONLY | system.NONBLOCK | system.NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > max_bytes:
            raise OSError("no plain file, or too large")
        return file.read(max_bytes)


def delete_any(path: Path) -> None:
    """Delete the file, folder or link at a path, if there is any; the target of a link stays."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def num_bytes(folder: Path) -> int:
    """Disk space in bytes of the files of a folder, without subfolders. The size of a file with several hard links is
    divided by their number."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # the file was deleted in the meantime
                status = entry.stat(follow_symlinks=False)
                total += status.st_size // max(1, status.st_nlink) + ENTRY_BYTES
    return total
