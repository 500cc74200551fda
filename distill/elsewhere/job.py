"""What runs on the rented machine: ``python -m distill.elsewhere.job FOLDER`` trains, and sends the codec to the Hub.

The folder is that of a :class:`~distill.jobs.folder.JobFolder`. Events are lines of JSON in the job's log.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from distill.errors import TrainingError
from distill.hub import CODEC_FILE
from distill.jobs.events import CheckpointKept, Ended, Failed, Stepped, Validated, Warned, WorkerEvent, to_line
from distill.logs import log_as_json
from distill.training.records import NO_CURVES

REPOSITORY = "DISTILL_JOB"
"""Environment variable with the name of the repository that the clips came in."""
SECONDS = "DISTILL_JOB_SECONDS"
"""Environment variable with the job's time limit."""
BEGAN = "DISTILL_JOB_BEGAN"
"""Environment variable with the time when the job began, in seconds since 1970."""
RESULT = "-codec"
"""What the name of the repository with the codec has after that of the clips."""
SAY_SECONDS = 2.0
"""Least seconds between two lines of progress: a log is read whole, again and again."""
TRIES, TRY_SECONDS = 6, 20.0
RESERVE_SECONDS = 180.0
"""Seconds before the job's limit at which its training stops, so that the codec can still be sent."""
CUT_SHORT = "The training was cut short by the job's time limit; the codec is what it had learned by then."
NO_TIME = "The job's time limit left no time to train; please give it more by --job-minutes."


class Log:
    """Writes events for who reads the job's log: fewer steps and no curves, which are in the codec's file.

    Parameters
    ----------
    write : callable
        Takes a line of bytes.
    clock : callable
        Gives the time in seconds, from a monotonic clock.

    Examples
    --------
    >>> from distill.jobs.events import Warned
    >>> Log(print)(Warned("Few."))
    b'{"note": "Few.", "event": "warning"}\\n'
    """

    def __init__(self, write: Callable[[bytes], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._write, self._clock = write, clock
        self._said_at = -float("inf")
        self.was_stopped = False
        """Whether the training ended before its own end."""

    def __call__(self, event: WorkerEvent) -> None:
        self.was_stopped |= event == Ended("stopped")
        if isinstance(event, CheckpointKept):
            return
        if isinstance(event, Stepped):
            if self._clock() - self._said_at < SAY_SECONDS:
                return
            self._said_at = self._clock()
        if isinstance(event, Validated):
            event = replace(event, curves=NO_CURVES)
        self._write(to_line(event))


def main(arguments: Sequence[str] | None = None, *, now: Callable[[], float] = time.time) -> int:
    """Delete the clips from the Hub, train on those in the folder, and send the codec; return the exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        The folder; by default those of the process.
    now : callable
        Gives the time in seconds since 1970.
    """
    from huggingface_hub import HfApi

    from distill.jobs.folder import JobFolder
    from distill.jobs.program import explain
    from distill.jobs.training import Training

    (path,) = sys.argv[1:] if arguments is None else arguments
    folder, api, repository = JobFolder(Path(path)), HfApi(), os.environ[REPOSITORY]
    limit_seconds = float(os.environ[SECONDS])
    ends = float(os.environ[BEGAN]) + limit_seconds - min(RESERVE_SECONDS, limit_seconds / 4)
    say = Log(_write)
    is_deleted = _delete(api, repository)  # nobody may come back to do it
    try:
        Training(folder, say, must_stop=lambda: now() >= ends).run()
        if not folder.best.exists():
            raise TrainingError(NO_TIME)
        if say.was_stopped:
            say(Warned(CUT_SHORT))
        send(api, repository + RESULT, folder.best)
    except Exception as error:
        failed = explain(error)
        say(Failed(failed.error, failed.reference))
        return 1
    finally:
        if not is_deleted:
            _delete(api, repository)
    return 0


def send(api: Any, repository: str, codec: Path, *, sleep: Callable[[float], object] = time.sleep) -> None:
    """Send a codec to a private repository; try again where that fails, because the training is paid for.

    Parameters
    ----------
    api : HfApi
        The Hub's client.
    repository : str
        Made if it is not there.
    codec : Path
        Its file.
    sleep : callable
        Waits a number of seconds.
    """
    for left in reversed(range(TRIES)):
        try:
            api.create_repo(repository, private=True, exist_ok=True)
            api.upload_file(path_or_fileobj=codec, path_in_repo=CODEC_FILE, repo_id=repository)
            return
        except Exception as error:
            if not left:
                raise
            print(f"The codec could not be sent yet: {error}", flush=True)
            sleep(TRY_SECONDS)


def _delete(api: Any, repository: str) -> bool:
    """Delete the clips from the Hub; return whether they are gone."""
    try:
        api.delete_repo(repository, missing_ok=True)
    except Exception as error:
        print(f"The clips could not be deleted: {error}", flush=True)
        return False
    return True


def _write(line: bytes) -> None:
    sys.stdout.write(line.decode())
    sys.stdout.flush()


if __name__ == "__main__":
    log_as_json()
    sys.exit(main())
