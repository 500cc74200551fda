"""Trainings that do not give way: beside programs that take all processors, a test would wait for others without end.

``python -m tests.eager`` serves as ``python app.py`` does; given a job's folder, it trains as the worker does.
"""

import ctypes
import runpy
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
COMMAND = (sys.executable, "-m", "tests.eager")
"""Of a worker that competes with everybody for the processors."""


def train_eagerly() -> None:
    """Let the runners of this process start such workers, unless they are told otherwise."""
    from distill.jobs import JobRunner

    assert JobRunner.__init__.__kwdefaults__
    JobRunner.__init__.__kwdefaults__["command"] = COMMAND


def serve() -> None:
    if sys.platform == "linux":  # tests that are interrupted leave no server behind
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    entry = runpy.run_path(str(Path(__file__).parents[1] / "app.py"))
    train_eagerly()
    entry["main"]()


def train() -> None:
    from distill.jobs import program

    program._give_way = lambda: None
    program.main()


if __name__ == "__main__":
    train() if sys.argv[1:] else serve()
