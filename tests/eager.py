"""Trainings at normal priority, because at the lowest priority a test on a busy machine would wait without end.

``python -m tests.eager`` serves the page as ``python app.py`` does; with a job's folder, it trains as the worker does.
The environment variable ``TIDY_SECONDS`` sets how often the server tidies up.
"""

import ctypes
import os
import runpy
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
COMMAND = (sys.executable, "-m", "tests.eager")
"""Command of a worker at normal priority."""


def train_eagerly() -> None:
    """Make the runners of this process start workers at normal priority, unless they have another command."""
    from distill.jobs import JobRunner

    assert JobRunner.__init__.__kwdefaults__
    JobRunner.__init__.__kwdefaults__["command"] = COMMAND


def serve() -> None:
    if sys.platform == "linux":  # interrupted tests must leave no server behind
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    entry = runpy.run_path(str(Path(__file__).parents[1] / "app.py"))
    train_eagerly()
    if seconds := os.environ.get("TIDY_SECONDS"):
        from distill.server import server

        server.TIDY_SECONDS = float(seconds)
    entry["main"]()


def train() -> None:
    from distill import system
    from distill.jobs import program

    system.lower_priority_of_all_threads = lambda: None
    program.main()


if __name__ == "__main__":
    train() if sys.argv[1:] else serve()
