"""A training as the page sees it: where it stands, and what can be asked of it."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from distill.errors import CodecFileError, TrainingError
from distill.jobs.files import check_regular
from distill.jobs.folder import FILE_BYTES, JobFolder
from distill.jobs.record import JobRecord, JobState
from distill.settings import Settings
from distill.training.records import Curves, Progress, Validation

if TYPE_CHECKING:
    from distill.audio import Clip
    from distill.codec import Codec
    from distill.jobs.worker import Worker
    from distill.training.config import VQVAEConfig


@dataclass(frozen=True)
class JobStatus:
    """Where a job stands.

    Attributes
    ----------
    state : str
        "waiting", "running", "stopped", "finished" or "failed".
    ahead : int
        Jobs that run or wait before this one.
    wait_seconds : float
        How long it may be until its turn, an estimate; 0 unless it waits.
    progress : Progress or None
        The latest step; None until the first one, some seconds after it began to run.
    validation : Validation or None
        The latest validation.
    curves : Curves
        Up to that validation.
    error : str
        Why it failed, in one sentence.
    note : str
        What else there is to know, in one sentence: that it was interrupted, for instance.
    stopping : bool
        Whether it was asked to stop and has not yet.
    """

    state: JobState
    ahead: int
    wait_seconds: float
    progress: Progress | None
    validation: Validation | None
    curves: Curves
    error: str
    note: str
    stopping: bool = False

    @property
    def active(self) -> bool:
        return self.state in ("waiting", "running")


class Runner(Protocol):
    """Runs jobs and knows the others that wait: :class:`~distill.jobs.runner.JobRunner`."""

    settings: Settings

    def status_of(self, job: "TrainingJob") -> JobStatus: ...

    def wait_for(self, job: "TrainingJob", seconds: float) -> JobStatus: ...

    def stop(self, job: "TrainingJob") -> None: ...

    def resume(self, job: "TrainingJob", *, address: str = "") -> None: ...

    def delete(self, job: "TrainingJob") -> None: ...


class TrainingJob:
    """One training and where it stands; made by :meth:`JobRunner.submit`.

    What it is asked for, and where it stands, lies in its folder; its clips are read from there when they are needed.
    """

    def __init__(self, folder: JobFolder, record: JobRecord, runner: Runner) -> None:
        self.folder, self.record, self._runner = folder, record, runner
        self.worker: Worker | None = None
        self.wish = ""
        """What was asked of it while it runs: "stop", "yield" or "delete"."""
        self.lost_at: float | None = None
        """Seconds of training after which its process was lost."""
        self.turn_began = 0.0
        """Seconds of training that it had when its turn began."""
        self.address = ""
        """Network address from which the training was asked for; kept in memory alone."""
        self.seen = -math.inf
        """When its owner last had a page open, in seconds since 1970."""
        self.num_bytes = 0
        """Bytes that its files take of the disk, as measured last."""
        self.is_unwritten = False
        """Whether its record on disk is older than the one here."""
        self.is_elsewhere = False
        """Whether its codec lies in the spare folder."""
        self.has_inputs = True
        """Whether it may still have its clips and its checkpoint."""

    @property
    def id(self) -> str:
        """Unguessable: 32 hexadecimal digits."""
        return self.folder.id

    @property
    def owner(self) -> str:
        return self.record.owner

    @property
    def config(self) -> "VQVAEConfig":
        return self.record.config

    @property
    def minutes(self) -> float:
        """How long it may train; what was found on disk may not say so, and then it has as long as the longest."""
        return self.config.minutes or self._runner.settings.training_minutes

    @property
    def created(self) -> float:
        """In seconds since 1970."""
        return self.record.created

    @property
    def clip_names(self) -> tuple[str, ...]:
        return self.record.clip_names

    @property
    def first_clip(self) -> "Clip":
        """The clip to turn to when the training has ended; read from disk each time.

        Raises
        ------
        TrainingError
            If it is missing or damaged.
        """
        return self.folder.read_first_clip(self.record.first_clip_name)

    def status(self) -> JobStatus:
        """Where the job stands now."""
        return self._runner.status_of(self)

    def wait(self, seconds: float) -> JobStatus:
        """The status, after that many seconds or as soon as the job is no longer active."""
        return self._runner.wait_for(self, seconds)

    def stop(self) -> None:
        """Stop after the current step, or leave the queue; what was reached is kept."""
        self._runner.stop(self)

    def resume(self, *, address: str = "") -> None:
        """Queue a job again that was stopped or has failed; it goes on where it was.

        Parameters
        ----------
        address : str
            From which this is asked for; "" for the one that it was asked for from before.

        Raises
        ------
        TrainingError
            If it is neither, its owner has another one that is active, too many wait, or its clips are deleted.
        """
        self._runner.resume(self, address=address)

    def delete(self) -> None:
        """End it at once and forget all of it; this waits for nothing."""
        self._runner.delete(self)

    def best_codec(self) -> "Codec":
        """The codec as it was when it validated best.

        Raises
        ------
        TrainingError
            Before the first validation, or if its file is missing or damaged.
        """
        from distill.codec import Codec

        path = self.folder.newest
        if not path.exists() and self.record.validation is None:
            raise TrainingError("Training has not come to its first validation yet.")
        try:
            check_regular(path, FILE_BYTES)
            return Codec.load(path)
        except (OSError, CodecFileError) as error:
            raise TrainingError("The trained codec is missing or damaged on the server; please train again.") from error
