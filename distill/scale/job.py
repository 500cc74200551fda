"""What runs on the rented machine: ``python -m distill.scale.job FOLDER``. It trains, and sends the codec to the Hub.

The folder is that of a :class:`~distill.jobs.folder.JobFolder`. Events are lines of JSON in the job's log.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from distill.hub import CODEC_FILE
from distill.jobs.events import CheckpointKept, Failed, Stepped, Validated, WorkerEvent, to_line
from distill.training.records import NO_CURVES

REPOSITORY = "DISTILL_JOB"
"""Environment variable with the name of the repository that the clips came in."""
RESULT = "-codec"
"""What the name of the repository with the codec has after that of the clips."""
SAY_SECONDS = 2.0
"""Least seconds between two lines of progress: a log is read whole, again and again."""
TRIES, TRY_SECONDS = 6, 20.0


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

    def __call__(self, event: WorkerEvent) -> None:
        if isinstance(event, CheckpointKept):
            return
        if isinstance(event, Stepped):
            if self._clock() - self._said_at < SAY_SECONDS:
                return
            self._said_at = self._clock()
        if isinstance(event, Validated):
            event = replace(event, curves=NO_CURVES)
        self._write(to_line(event))


def main(arguments: Sequence[str] | None = None) -> int:
    """Delete the clips from the Hub, train on those in the folder, and send the codec; return the exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        The folder; by default those of the process.
    """
    from huggingface_hub import HfApi

    from distill.jobs.folder import JobFolder
    from distill.jobs.program import explain
    from distill.jobs.training import Training
    from distill.logs import log_as_json

    log_as_json()
    (path,) = sys.argv[1:] if arguments is None else arguments
    folder, api, repository = JobFolder(Path(path)), HfApi(), os.environ[REPOSITORY]
    say = Log(_write)
    try:
        api.delete_repo(repository, missing_ok=True)  # nobody may come back to do it
    except Exception as error:
        print(f"The clips could not be deleted yet: {error}", flush=True)
    try:
        Training(folder, say, must_stop=lambda: False).run()
        _send(api, repository + RESULT, folder.best)
    except Exception as error:
        failed = explain(error)
        say(Failed(failed.error, failed.reference))
        return 1
    return 0


def _send(api: Any, repository: str, codec: Path, sleep: Callable[[float], object] = time.sleep) -> None:
    """Send a codec to a private repository; try again where that fails, because the training is paid for."""
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


def _write(line: bytes) -> None:
    sys.stdout.write(line.decode())
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
