"""The training process: ``python -m distill.jobs.program FOLDER``. It writes its events to stdout as lines of JSON.

Torch is imported after the process has lowered its priority, so that all threads of Torch inherit the priority.
"""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from distill import system
from distill.errors import DistillError
from distill.jobs.events import Failed, WorkerEvent, to_line
from distill.jobs.folder import JobFolder
from distill.jobs.memory import is_out_of_memory
from distill.jobs.notes import FAULT
from distill.logs import log_as_json, log_fault
from distill.settings import DEFAULTS

logger = logging.getLogger("distill.jobs.program")  # __name__ is "__main__" here

LOCK_SECONDS = 60
TOO_MUCH_MEMORY = "The training needs more memory than it may have here; please use fewer or shorter clips."


class Voice:
    """Writes events for the server.

    Parameters
    ----------
    descriptor : int
        File descriptor to write to.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.heard = True
        """Whether the server still reads the events."""

    def __call__(self, event: WorkerEvent) -> None:
        left = memoryview(to_line(event))
        try:
            while self.heard and left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            self.heard = False


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the training in a folder and report its events."""
    parser = argparse.ArgumentParser(prog="distill.jobs.program", description="Train what is in a job's folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parent", type=int, default=os.getppid(), help="process without which this one ends")
    parser.add_argument("--checkpoint-seconds", type=float, default=DEFAULTS.checkpoint_seconds)
    parser.add_argument("--full-disk-seconds", type=float, default=DEFAULTS.full_disk_seconds)
    parser.add_argument("--memory-bytes", type=int, default=DEFAULTS.training_memory_bytes)
    options = parser.parse_args(arguments)

    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    system.end_with_parent()  # without that, the death is noticed after the next step
    system.lower_priority_of_all_threads()  # so that visitors' edits stay quick
    log_as_json()
    say = Voice(os.dup(sys.stdout.fileno()))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # keep the output of libraries out of the events

    def must_end() -> bool:
        return not say.heard or not system.has_parent(options.parent)

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
    """The failure that the visitor is told of; an unexpected error is logged under a reference."""
    if is_out_of_memory(error):
        return Failed(TOO_MUCH_MEMORY)
    if isinstance(error, DistillError):
        return Failed(str(error))
    reference = log_fault(logger, "Training failed", error)
    return Failed(FAULT.format(reference=reference), reference)


def _limit_memory(memory_bytes: int) -> None:
    """Make allocations above the limit fail. Not used on CUDA, where the mappings of the driver would count too."""
    import torch

    bounds = {} if torch.cuda.is_available() else {"RLIMIT_DATA": memory_bytes}
    system.bound_process({"RLIMIT_CORE": 0} | bounds)


if __name__ == "__main__":
    main()
