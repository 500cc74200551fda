"""Waiting for an event, and measuring beside noise: no test depends on how fast the machine is."""

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 300
"""Seconds after which an event that has not come counts as one that never comes, on however busy a machine."""


def until(condition: Callable[[], T], patience: float = PATIENCE) -> T:
    """The value of a condition as soon as it is true."""
    ends = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < ends, f"the condition did not come true within {patience} seconds"
        time.sleep(0.02)
    return value


def until_ended(process: int) -> None:
    """Wait until a child process has ended; its status is left for whoever reaps it."""
    until(lambda: os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT | os.WNOHANG))


def in_one_round(check: Callable[[], object], rounds: int = 5) -> None:
    """Pass if a check passes in one of several rounds.

    A check of this kind says that a cost is small. Whatever else the machine does adds to a measured cost, and nothing
    takes from it: a cost that was small once is small.
    """
    for _ in range(rounds - 1):
        try:
            check()
        except AssertionError:
            continue
        return
    check()
