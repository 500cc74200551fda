"""The training process, as the server sees it: how it is started, read and ended."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from distill import system
from distill.jobs.events import WorkerEvent, from_line
from distill.jobs.folder import JobFolder
from distill.settings import Settings

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "distill.jobs.program")
EXIT_SECONDS = 10
PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG")


class Worker:
    """A training process and its events.

    The kernel signals the process when the thread that started it dies. So that thread must outlive the process.

    Parameters
    ----------
    command : sequence of str
        Command line to run; the folder and the limits are appended.
    folder : JobFolder
    settings : Settings

    Raises
    ------
    OSError
        If the process cannot be started.
    """

    def __init__(self, command: Sequence[str], folder: JobFolder, settings: Settings) -> None:
        limits = {
            "--parent": os.getpid(),
            "--checkpoint-seconds": settings.checkpoint_seconds,
            "--full-disk-seconds": settings.full_disk_seconds,
            "--memory-bytes": settings.training_memory_bytes,
        }
        arguments = [str(part) for limit in limits.items() for part in limit]
        self._job_id, self._silence_seconds = folder.id, settings.training_silence_seconds
        self._process = subprocess.Popen(
            [*command, str(folder.path), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=environment_of_worker(os.environ),
            process_group=0,  # Ctrl+C must reach only the server
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def events(self, seconds: float) -> Generator[WorkerEvent, None, None]:
        """The events of the process until it ends. It is killed after a long silence, or after ``seconds`` s.

        Silence does not count while other processes keep the processors busy, because the process is then not hanging.

        Raises
        ------
        TimeoutError
            If the process runs longer than ``seconds`` s.
        """
        deadline, unread, patience = time.monotonic() + seconds, b"", 0
        assert self._process.stdout is not None
        try:
            with self._process.stdout as stdout:
                while (left := deadline - time.monotonic()) > 0:
                    starved = system.starved_seconds(self.pid)
                    if system.is_readable(stdout.fileno(), min(left, self._silence_seconds)):
                        heard = os.read(stdout.fileno(), 1 << 16)
                        if not heard:
                            patience = EXIT_SECONDS
                            return
                        *lines, unread = (unread + heard).split(b"\n")
                        yield from filter(None, map(self._understood, lines))
                    elif left > self._silence_seconds > 2 * (system.starved_seconds(self.pid) - starved):
                        return
            raise TimeoutError
        finally:
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                self.kill()
                self._process.wait()

    def stop(self) -> None:
        """Ask the process to stop after the current step. Windows ends it at once: its last checkpoint remains."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process at once."""
        self._process.kill()

    def _understood(self, line: bytes) -> WorkerEvent | None:
        """The event of a line; None, with a warning in the log, if the line is not an event."""
        try:
            return from_line(line)
        except ValueError:
            logger.warning("A worker said what makes no sense.", extra={"job": self._job_id[:6]})
            return None


def environment_of_worker(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of the server's environment that workers get; it contains no secrets."""
    passed_on = (*PASSED_ON, *system.VARIABLES)
    kept = {name: value for name, value in environment.items() if name in passed_on or name.startswith("OMP_")}
    paths = [str(Path(__file__).parents[2]), environment.get("PYTHONPATH", "")]
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_WAIT_POLICY": "PASSIVE"}
