"""The process of a training, as the server sees it: started, listened to, and ended."""

import contextlib
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from distill.jobs.events import WorkerEvent, from_line
from distill.jobs.folder import JobFolder
from distill.settings import Settings

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "distill.jobs.program")
EXIT_SECONDS = 10
PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG")


class Worker:
    """A process that trains, and the events that it tells of.

    It asks the kernel to be told when the thread dies that started it, so that thread must stay until it has ended.

    Parameters
    ----------
    command : sequence of str
        What to run; the folder and the limits are added.
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
            process_group=0,  # an interrupt from the keyboard is the server's to heed
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def events(self, seconds: float) -> Generator[WorkerEvent, None, None]:
        """What it says, until it ends; it is killed when it is silent for too long, or not done after ``seconds``.

        One that is silent because others have the processors is let be: it is not hanging.

        Raises
        ------
        TimeoutError
            After ``seconds``.
        """
        deadline, unread, patience = time.monotonic() + seconds, b"", 0
        assert self._process.stdout is not None
        try:
            with self._process.stdout as stdout, selectors.DefaultSelector() as selector:
                selector.register(stdout, selectors.EVENT_READ)
                while (left := deadline - time.monotonic()) > 0:
                    starved = self._starved_seconds()
                    if selector.select(min(left, self._silence_seconds)):
                        heard = os.read(stdout.fileno(), 1 << 16)
                        if not heard:
                            patience = EXIT_SECONDS
                            return
                        *lines, unread = (unread + heard).split(b"\n")
                        yield from filter(None, map(self._understood, lines))
                    elif left > self._silence_seconds > 2 * (self._starved_seconds() - starved):
                        return
            raise TimeoutError
        finally:
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                self.kill()
                self._process.wait()

    def stop(self) -> None:
        """Ask it to stop after the current step."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def _understood(self, line: bytes) -> WorkerEvent | None:
        """The event of a line; None, and a warning, if it makes no sense."""
        try:
            return from_line(line)
        except ValueError:
            logger.warning("A worker said what makes no sense.", extra={"job": self._job_id[:6]})
            return None

    def _starved_seconds(self) -> float:
        """For how long its threads could have run and did not; 0 where the kernel does not say."""
        nanoseconds = 0
        with contextlib.suppress(OSError, ValueError, IndexError):
            for statistics in Path(f"/proc/{self.pid}/task").glob("*/schedstat"):
                nanoseconds += int(statistics.read_text().split()[1])
        return nanoseconds / 1e9


def environment_of_worker(environment: Mapping[str, str]) -> dict[str, str]:
    """What of the server's environment its workers get: nothing that could be a secret."""
    kept = {name: value for name, value in environment.items() if name in PASSED_ON or name.startswith("OMP_")}
    paths = [str(Path(__file__).parents[2]), environment.get("PYTHONPATH", "")]
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_WAIT_POLICY": "PASSIVE"}
