"""librosa, loaded by one process of this machine at a time."""

import functools
import time
from pathlib import Path
from types import ModuleType

from distill import system

LONGEST_WAIT = 120
"""Seconds after which the lock is not waited for any longer: no process compiles for so long."""


@functools.cache
def load_librosa() -> ModuleType:
    """librosa with its compiled functions, which two processes must not compile at once.

    The first process on a machine compiles them for half a minute, and numba keeps what it has compiled in files. Two
    processes that write and read these files at the same time mix their parts, and end in a segmentation fault. So
    each waits for a lock on librosa's folder; the others read what the first has made, in three seconds.

    Returns
    -------
    module
        ``librosa``.

    Examples
    --------
    >>> load_librosa().mel_frequencies(3, fmin=0, fmax=22_050).round().tolist()
    [0.0, 2804.0, 22050.0]
    """
    import librosa

    with system.lockable(Path(librosa.__file__).parent) as descriptor:
        ends = time.monotonic() + LONGEST_WAIT
        while not system.lock(descriptor) and time.monotonic() < ends:
            time.sleep(0.1)
        for part in ("core", "feature", "onset"):
            getattr(librosa, part)  # loads it
    return librosa
