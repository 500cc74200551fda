"""Services that only some operating systems offer: limits, priorities, signals, locks, hard links, and facts about
processes.

All of it is here, so that the other modules run on Linux, macOS and Windows alike. A function does what the system can
do. Where the system cannot do it, the function does the next best thing or nothing, as its docstring says.
:func:`refused_bounds` tells which limits the system does not keep.

The process that decodes untrusted files imports this module, so it imports nothing but the standard library.
"""

import contextlib
import ctypes
import errno
import json
import os
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

NOFOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
"""Flags of ``os.open`` that refuse a symbolic link, where the system can, and let Windows change no bytes."""
NONBLOCK = getattr(os, "O_NONBLOCK", 0)
"""Flag of ``os.open`` with which opening a pipe does not wait for its other end; 0 on systems without it."""
VARIABLES = ("SYSTEMROOT", "TEMP", "TMP", "USERPROFILE") if os.name == "nt" else ()
"""Environment variables without which no process starts on this system."""
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
"""Numbers of options of the Linux call ``prctl``."""
LOOK_SECONDS = 0.5
"""Seconds between two looks at something of which the system sends no notice."""
PEEK_SECONDS = 0.01
WITHOUT_LOCKS = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EBADF)
"""Error numbers of a lock on a network share that has none, or none for folders."""
KEPT_FROM_A_COPY = (errno.ENOENT, errno.EEXIST, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
"""Error numbers of a hard link that a copy would end with too."""
BOUNDS = {
    "RLIMIT_AS": "the memory of a process that decodes",
    "RLIMIT_DATA": "the memory of a training",
    "RLIMIT_FSIZE": "the files that a process may write",
    "RLIMIT_NOFILE": "the files that a process may have open",
    "RLIMIT_CORE": "the size of core dumps",
}
"""The limits of processes, by their names in the module ``resource``, and what each of them bounds."""


def bound_process(bounds: Mapping[str, int]) -> list[str]:
    """Limit this process.

    Parameters
    ----------
    bounds : mapping
        Limits by their names in the module ``resource``. A lower limit that is already in force stays.

    Returns
    -------
    list of str
        Names of the limits that the system did not set: all on Windows, "RLIMIT_AS" on macOS.
    """
    try:
        import resource
    except ImportError:
        return list(bounds)
    refused = []
    for name, most in bounds.items():
        try:
            soft, hard = resource.getrlimit(getattr(resource, name))
            lowest = min([most, *(limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY)])
            resource.setrlimit(getattr(resource, name), (lowest, lowest))
        except (AttributeError, ValueError, OSError):
            refused.append(name)
    return refused


def refused_bounds(bounds: Mapping[str, int]) -> list[str]:
    """Try limits in a process of their own; return what each limit bounds that the system does not set."""
    command = [sys.executable, "-I", __file__, json.dumps(dict(bounds))]
    try:
        tried = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True)
        return [BOUNDS[name] for name in json.loads(tried.stdout)]
    except (OSError, ValueError, LookupError, subprocess.SubprocessError):
        return [BOUNDS[name] for name in bounds]


def lower_priority(by: int) -> None:
    """Lower the scheduling priority of this process by 1 to 19; without effect on Windows."""
    with contextlib.suppress(AttributeError, OSError):
        os.nice(by)


def lower_priority_of_all_threads() -> None:
    """Give this process, and each thread that it has now, the lowest priority, as far as the system knows priorities.

    On Linux, each thread has its own priority. New threads inherit it, but libraries may have started some already.
    """
    lower_priority(19)
    with contextlib.suppress(OSError):
        for thread in map(int, os.listdir("/proc/self/task")):
            with contextlib.suppress(AttributeError, OSError):
                os.setpriority(os.PRIO_PROCESS, thread, 19)
                os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))


def lower_priority_of_thread(thread: int, priority: int) -> None:
    """Give a thread, by its native id, a priority from 0 to 19; only Linux has priorities of threads."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):
            os.setpriority(os.PRIO_PROCESS, thread, priority)


def end_with_parent() -> None:
    """Ask the kernel to send SIGTERM to this process when the parent's thread dies; only Linux can do that."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def hide_memory() -> None:
    """Close the memory and the environment of this process to other processes of the same user; only on Linux."""
    _prctl(PR_SET_DUMPABLE, 0)


def forbid_new_privileges() -> None:
    """Let this process and its children gain no privileges by programs that they run; only on Linux."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def return_memory() -> None:
    """Return freed memory to the system, if the C library is glibc, which otherwise keeps most of it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def resident_bytes(process: int | None = None) -> int | None:
    """Resident memory of a process in bytes, by default of this one; None on systems without ``/proc``."""
    with contextlib.suppress(OSError, ValueError, IndexError, AttributeError):
        return int(Path(f"/proc/{process or 'self'}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return None


def peak_memory_bytes() -> int:
    """Largest resident memory that this process had, in bytes; 0 on systems that do not tell."""
    try:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    except (ImportError, AttributeError, OSError):
        return 0
    return most if sys.platform == "darwin" else most * 1024


def starved_seconds(process: int) -> float:
    """Seconds that a process's threads have waited for a processor; 0 on systems that do not tell."""
    nanoseconds = 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        for statistics in Path(f"/proc/{process}/task").glob("*/schedstat"):
            nanoseconds += int(statistics.read_text().split()[1])
    return nanoseconds / 1e9


def processor_seconds(process: int) -> float:
    """Processor time that a process has used so far; 0 on systems that do not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError, AttributeError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def has_parent(process: int) -> bool:
    """Whether the parent of this process is still ``process``.

    Windows does not tell: there, a process keeps its parent's id for ever, and a virtual environment puts a process of
    its own in between.
    """
    return os.name == "nt" or os.getppid() == process


def wait_for_hang_up(descriptor: int) -> None:
    """Wait until the other end of a pipe is closed, or the parent has ended; on Windows, wait for ever.

    ``poll`` without events reports a closed pipe at once on Linux. Other systems may report nothing, or something else
    at once; there, the parent's end is noticed after up to half a second.
    """
    parent, poll = os.getppid(), None
    with contextlib.suppress(AttributeError, OSError):
        poll = select.poll()
        poll.register(descriptor, 0)
    while has_parent(parent):
        reported = poll.poll(LOOK_SECONDS * 1000) if poll else []
        if any(event & (select.POLLHUP | select.POLLERR) for _, event in reported):
            return
        if reported or not poll:
            time.sleep(LOOK_SECONDS)


def is_readable(descriptor: int, seconds: float) -> bool:
    """Wait up to ``seconds`` s until a pipe has bytes to read or has ended, and return whether it has."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    if os.name != "nt":
        return bool(select.select([descriptor], [], [], seconds)[0])
    return _has_bytes(descriptor, time.monotonic() + seconds)


def _has_bytes(descriptor: int, deadline: float) -> bool:
    """As :func:`is_readable`, on Windows, where no call waits for a pipe."""
    import _winapi
    import msvcrt

    windows: Any = (_winapi, msvcrt)  # type checkers know their functions only on Windows
    handle = windows[1].get_osfhandle(descriptor)
    while True:
        try:
            if windows[0].PeekNamedPipe(handle, 0)[0]:
                return True
        except OSError:  # the other end is closed
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(PEEK_SECONDS)


def kill_with_children(process: "subprocess.Popen[Any]") -> None:
    """Kill a process that was started with ``start_new_session``, with all that it started; on Windows, it alone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def end_at_once() -> None:
    """End this process, which leads a session, with all that it started; on Windows, it alone."""
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    signal.raise_signal(signal.SIGTERM)


def lock(descriptor: int) -> bool:
    """Lock an open file for this process, until the file is closed; return False if another process has the lock.

    Windows locks the first byte of a file. A system that has neither kind of lock keeps no other process out.
    """
    try:
        import fcntl
    except ImportError:
        return _lock_byte(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
    return True


def _lock_byte(descriptor: int) -> bool:
    try:
        import msvcrt
    except ImportError:
        return True
    windows: Any = msvcrt
    try:
        windows.locking(descriptor, windows.LK_NBLCK, 1)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def lockable(folder: Path) -> Iterator[int]:
    """Open a descriptor for :func:`lock` that stands for a folder; on Windows, it is that of a file in the folder."""
    if os.name == "nt":
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    else:
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def remove_lock(folder: Path) -> None:
    """Remove what :func:`lockable` may have left of a folder that is empty but for it, once nobody holds the lock."""
    with contextlib.suppress(OSError):
        (folder / "lock").unlink()
        folder.rmdir()


def processors() -> int:
    """Number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_ours_alone(status: os.stat_result, *, others_may: int) -> bool:
    """Whether a file or folder belongs to this process's user, and other users may do no more than ``others_may``.

    Parameters
    ----------
    status : os.stat_result
    others_may : int
        Bits of permission that group and others may have: 0o055 to read, 0 for nothing. Windows keeps permissions
        elsewhere, so there it is always True.
    """
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o077 & ~others_may


def file_name(name: str, *, is_windows: bool = os.name == "nt") -> str:
    """Name that a file can have on this system, as like a given name as can be.

    Parameters
    ----------
    name : str
        Printable name without slashes.
    is_windows : bool
        Whether the rules of Windows hold, which keeps some characters and names for itself.

    Returns
    -------
    str
        The name itself if a file can have it; "sound" if nothing can be kept of it.

    Examples
    --------
    >>> file_name("a:b.wav", is_windows=True), file_name("con.wav", is_windows=True), file_name("..")
    ('a_b.wav', '_con.wav', 'sound')
    """
    if is_windows:
        name = re.sub(r'[<>:"|?*\\/]', "_", name).rstrip(" .")
        name = re.sub(
            r"(?i)^(con|prn|aux|nul|conin\$|conout\$|com[1-9\u00b9\u00b2\u00b3]|lpt[1-9\u00b9\u00b2\u00b3]) *(?=\.|$)",
            r"_\g<0>",
            name,
        )
    return "sound" if name in ("", ".", "..") else name


def link(path: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Create a hard link to a file, or copy the file where the disk has no hard links (exFAT, network shares).

    Two names may share one content, so nobody may write into the file. Each name may be deleted by itself.

    Returns
    -------
    bool
        True for a hard link, False for a copy.

    Raises
    ------
    OSError
        If the file can be neither linked nor copied.
    """
    try:
        os.link(path, other)
        return True
    except AttributeError:
        shutil.copyfile(path, other)
    except OSError as error:
        if error.errno in KEPT_FROM_A_COPY:
            raise
        shutil.copyfile(path, other)
    return False


if __name__ == "__main__":
    print(json.dumps(bound_process(json.loads(sys.argv[1]))))
