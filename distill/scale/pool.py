"""Many items, one after another or by many workers: answers come as they are made.

One worker is this process. Several are Ray's (https://docs.ray.io), on this machine or on the cluster that
``RAY_ADDRESS`` names. Ray runs below a process of its own (:mod:`distill.scale.ray_program`): what it prints goes to a
file, and where it hangs or breaks, that process is ended, and a sentence says so.
"""

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from distill import system
from distill.codec import Codec
from distill.errors import ScaleError, check_range
from distill.scale.rows import Answer, Item, Job, open_worker
from distill.scale.table import INSTALL

MOST_WORKERS = 4096
BATCHES_OF_A_WORKER, MOST_OF_A_BATCH = 20, 64
"""Batches that each worker gets at least, where there are so many items, and items in a batch: what a killed worker
loses is done again by another one."""
END_SECONDS = 20
PIECE_BYTES = 1 << 16
LOST = "{name} could not be done: each of four workers ended while it had it."
"""Reason for an item that ended each worker that had it."""


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for what may never come.

    Attributes
    ----------
    cluster : float
        Until the cluster answers.
    room : float
        Until a first worker runs, on this machine or the cluster.
    silence : float
        Until the next answer, once workers run.
    """

    cluster: float = 60
    room: float = 300
    silence: float = 1800


def count_workers(asked: int | None, address: str | None) -> int:
    """How many workers there are: as many as asked for, or one for each processor; 0 for all of a cluster.

    Raises
    ------
    ConfigError
        If ``asked`` is not from 1 to 4096.

    Examples
    --------
    >>> count_workers(3, None), count_workers(None, "ray://there:10001")
    (3, 0)
    """
    if asked is not None:
        check_range("--workers", asked, 1, MOST_WORKERS)
        return asked
    return 0 if address else system.processors()


def check_ray(workers: int, address: str | None) -> None:
    """Check that there is what so many workers need.

    Raises
    ------
    ScaleError
        If Ray is needed and missing, or cannot use the address.
    """
    if workers == 1 and not address:
        return
    if importlib.util.find_spec("ray") is None or importlib.util.find_spec("pyarrow") is None:
        instead = "unset RAY_ADDRESS and give --workers 1" if address else "give --workers 1"
        raise ScaleError(f"Several workers need Ray: {INSTALL}, or {instead}.")
    if address and "://" in address:
        raise ScaleError(f"RAY_ADDRESS must be HOST:PORT or auto, not {address}: Ray Data knows no other addresses.")


def answers(
    job: Job,
    items: Sequence[Item],
    *,
    workers: int,
    codec: Codec | None = None,
    address: str | None = None,
    alone: bool | None = None,
    ready: Callable[[], object] = lambda: None,
    patience: Patience | None = None,
) -> Iterator[tuple[Item, Answer]]:
    """Yield each item with its answer, in the order in which they are made.

    Parameters
    ----------
    job : Job
    items : sequence of dict
    workers : int
        Number of workers; 0 for as many as the cluster has processors.
    codec : Codec, optional
        The job's codec, if it is loaded already; only this process uses it.
    address : str, optional
        The cluster, as ``RAY_ADDRESS`` has it; by default this machine.
    alone : bool, optional
        Whether this process does the work; by default if there is one worker and no cluster.
    ready : callable
        Called once the workers run.
    patience : Patience, optional

    Raises
    ------
    ScaleError
        If Ray is missing, does not start, or finds no machine; if no answer comes for half an hour; or if a worker
        cannot go on, for instance because the disk is full. Answers that came before it count.
    """
    if not items:
        return
    if not address:
        workers = min(workers, len(items))
    if alone or (alone is None and workers == 1 and not address):
        with open_worker(job, codec) as do:
            ready()
            for item in items:
                yield item, do(item)
        return
    check_ray(workers, address)
    with _Program(job, items, workers, address, patience or Patience()) as program:
        for message in program.messages():
            if "ready" in message:
                ready()
            elif "answer" in message:
                yield items[message["item"]], message["answer"]


class _Program:
    """The process that talks to Ray, and its folder for temporary files."""

    def __init__(self, job: Job, items: Sequence[Item], workers: int, address: str | None, patience: Patience) -> None:
        self._address, self._patience = address, patience
        share = len(items) // (BATCHES_OF_A_WORKER * max(1, workers))
        self._request = asdict(job) | {
            "workers": workers,
            "address": address,
            "batch": max(1, min(MOST_OF_A_BATCH, share)),
            "room_seconds": patience.room,
            "items": items,
        }

    def __enter__(self) -> "_Program":
        short = "/tmp" if os.access("/tmp", os.W_OK) else None  # Ray's sockets lie there: their paths may not be long
        self._folder = Path(tempfile.mkdtemp(prefix="distill-ray-", dir=short))
        environment = os.environ | {
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
            "RAY_worker_register_timeout_seconds": "240",  # on a busy machine, Ray's own minute is too short
            "OMP_NUM_THREADS": "1",
        }
        environment.pop("RAY_ADDRESS", None)
        if not self._address:
            environment |= {"RAY_TMPDIR": str(self._folder)}
            environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        with open(self._folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "distill.scale.ray_program", str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(OSError):
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._address and error[0] is None:  # it tells the cluster; here, all that it started ends with it
                self._process.wait(END_SECONDS)
        system.kill_with_children(self._process)
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def messages(self) -> Iterator[dict[str, Any]]:
        """Send the request, and yield what the program says until it is done."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # the program ended, which is told below
            self._process.stdin.write(json.dumps(self._request).encode() + b"\n")
            self._process.stdin.flush()
        seconds, too_late = self._start()
        for line in self._lines():
            if isinstance(line, _Silence):
                if line.seconds >= seconds:
                    raise ScaleError(too_late)
                continue
            message = json.loads(line)
            if "failed" in message:
                raise ScaleError(message["failed"])
            if "done" in message:
                return
            if "connected" in message:
                seconds, too_late = self._patience.room, self._no_room()
            else:
                seconds, too_late = self._patience.silence, "No worker has answered for half an hour."
            yield message
        raise ScaleError(f"Ray ended by itself: {self._last_words()}.")

    def _start(self) -> tuple[float, str]:
        if self._address:
            return self._patience.cluster, f"No Ray cluster answers at {self._address}, which RAY_ADDRESS names."
        return self._patience.room, "Ray did not start on this machine; --workers 1 does without it."

    def _no_room(self) -> str:
        where = "of the cluster " if self._address else ""
        return f"No machine {where}had room for a worker within {self._patience.room:.0f} seconds."

    def _lines(self) -> "Iterator[bytes | _Silence]":
        """Yield the program's lines as they come, and how long there was none, about once a second."""
        assert self._process.stdout
        descriptor, rest, heard = self._process.stdout.fileno(), b"", time.monotonic()
        while True:
            if not system.is_readable(descriptor, 1.0):
                yield _Silence(time.monotonic() - heard)
                continue
            if not (piece := os.read(descriptor, PIECE_BYTES)):
                return
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
            heard = time.monotonic()

    def _last_words(self) -> str:
        """The last line that Ray printed, for the person who has to find out why it ended."""
        with contextlib.suppress(OSError):
            lines = (self._folder / "log").read_bytes()[-4000:].decode(errors="replace").splitlines()
            if said := [line.strip() for line in lines if line.strip()]:
                return said[-1].rstrip(".")[:200]
        return f"exit status {self._process.poll()}"


@dataclass(frozen=True)
class _Silence:
    seconds: float
