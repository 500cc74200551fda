"""The process that trains: ``python -m distill.jobs.program FOLDER``. It tells what happens on stdout, as JSON lines.

Torch is imported once the process has given way to others, so that its many threads do from their start.
"""

import argparse
import contextlib
import ctypes
import logging
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from distill.errors import DistillError
from distill.jobs.events import Failed, WorkerEvent, to_line
from distill.jobs.folder import JobFolder
from distill.jobs.memory import is_out_of_memory
from distill.jobs.notes import FAULT
from distill.logs import log_as_json, log_fault
from distill.settings import DEFAULTS

logger = logging.getLogger("distill.jobs.program")  # which __name__ is not: this is what is run

LOCK_SECONDS = 60
PR_SET_PDEATHSIG = 1
TOO_MUCH_MEMORY = "The training needs more memory than it may have here; please use fewer or shorter clips."


class Voice:
    """Tells the server what happens.

    Parameters
    ----------
    descriptor : int
        To write to.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.heard = True
        """Whether anyone listens."""

    def __call__(self, event: WorkerEvent) -> None:
        left = memoryview(to_line(event))
        try:
            while self.heard and left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            self.heard = False


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is in a folder, and tell of it."""
    parser = argparse.ArgumentParser(prog="distill.jobs.program", description="Train what is in a job's folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parent", type=int, default=os.getppid(), help="process without which this one ends")
    parser.add_argument("--checkpoint-seconds", type=float, default=DEFAULTS.checkpoint_seconds)
    parser.add_argument("--full-disk-seconds", type=float, default=DEFAULTS.full_disk_seconds)
    parser.add_argument("--memory-bytes", type=int, default=DEFAULTS.training_memory_bytes)
    options = parser.parse_args(arguments)

    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    _end_with_parent()
    _give_way()
    log_as_json()
    say = Voice(os.dup(sys.stdout.fileno()))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no event

    def must_end() -> bool:
        return not say.heard or os.getppid() != options.parent

    def must_stop() -> bool:
        return stopping.is_set() or must_end()

    from distill.jobs.training import Training

    _limit_memory(options.memory_bytes)
    folder, deadline = JobFolder(options.folder), time.monotonic() + LOCK_SECONDS
    try:
        with folder.lock(lambda: must_stop() or time.monotonic() > deadline) as is_ours:
            if is_ours:
                Training(
                    folder,
                    say,
                    must_stop=must_stop,
                    must_end=must_end,
                    checkpoint_seconds=options.checkpoint_seconds,
                    full_disk_seconds=options.full_disk_seconds,
                ).run()
    except Exception as error:
        say(explain(error))


def explain(error: Exception) -> Failed:
    """What the visitor is told of an error; one that no message of ours foresaw is logged under a reference."""
    if is_out_of_memory(error):
        return Failed(TOO_MUCH_MEMORY)
    if isinstance(error, DistillError):
        return Failed(str(error))
    reference = log_fault(logger, "Training failed", error)
    return Failed(FAULT.format(reference=reference), reference)


def _end_with_parent() -> None:
    """Be asked to stop when the parent dies, where the kernel can do that; elsewhere it is noticed after a step."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _give_way() -> None:
    """Compute only when nobody else does: visitors' edits are to stay quick.

    On Linux that is said of each thread; later ones inherit it, but numpy has begun some already.
    """
    os.nice(19)
    if hasattr(os, "sched_setscheduler"):
        for thread in os.listdir("/proc/self/task"):
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, int(thread), 19)
                os.sched_setscheduler(int(thread), os.SCHED_IDLE, os.sched_param(0))


def _limit_memory(memory_bytes: int) -> None:
    """Make an allocation fail that would take more; on a CUDA device its driver's mappings would count too."""
    import torch

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not torch.cuda.is_available():
        with contextlib.suppress(ValueError):  # it is lower already
            resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))


if __name__ == "__main__":
    main()
