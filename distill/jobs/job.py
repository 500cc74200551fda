"""A training as the page sees it: its status, and the actions that a visitor can ask for."""

import math
from collections.abc import Container
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
    from distill.training.dataset import MelClip


@dataclass(frozen=True)
class JobStatus:
    """The status of a job.

    Attributes
    ----------
    state : str
        "waiting", "running", "stopped", "finished" or "failed".
    ahead : int
        Number of jobs that run or wait before this job.
    wait_seconds : float
        Estimated seconds until the job's turn; 0 unless the job waits.
    progress : Progress or None
        The latest step; None until the first step, some seconds after the job begins to run.
    validation : Validation or None
        The latest validation.
    curves : Curves
        Loss curves up to the latest validation.
    error : str
        Why the job failed, in one sentence.
    note : str
        Further information in one sentence, for example that the job was interrupted.
    stopping : bool
        Whether the job was asked to stop and still runs.
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
    """Interface of :class:`~distill.jobs.runner.JobRunner` that a job uses."""

    settings: Settings

    def status_of(self, job: "TrainingJob") -> JobStatus: ...

    def wait_for(self, job: "TrainingJob", seconds: float) -> JobStatus: ...

    def stop(self, job: "TrainingJob") -> None: ...

    def resume(self, job: "TrainingJob", *, address: str = "") -> None: ...

    def delete(self, job: "TrainingJob") -> None: ...


class TrainingJob:
    """A training and its status; made by :meth:`JobRunner.submit`.

    The record lies in the job's folder. The clips are read from there when they are needed.
    """

    def __init__(self, folder: JobFolder, record: JobRecord, runner: Runner) -> None:
        self.folder, self.record, self._runner = folder, record, runner
        self.worker: Worker | None = None
        self.wish = ""
        """The latest request to the running job: "stop", "yield" or "delete"; "" without a request."""
        self.lost_at: float | None = None
        """Seconds of training after which the process was lost; None if it was not lost."""
        self.turn_began = 0.0
        """Seconds of training that were done when the current turn began."""
        self.address = ""
        """Network address from which the training was asked for; kept only in memory."""
        self.seen = -math.inf
        """The last time that the owner had a page open, in seconds since 1970."""
        self.num_bytes = 0
        """Disk space of the job's files in bytes, as last measured."""
        self.is_unwritten = False
        """Whether the record on disk is older than the record in memory."""
        self.is_elsewhere = False
        """Whether the best codec lies in the spare folder."""
        self.has_inputs = True
        """Whether the job may still have its clips and its checkpoint."""

    @property
    def id(self) -> str:
        """Identifier that nobody can guess: 32 hexadecimal digits."""
        return self.folder.id

    @property
    def owner(self) -> str:
        return self.record.owner

    @property
    def config(self) -> "VQVAEConfig":
        return self.record.config

    @property
    def minutes(self) -> float:
        """Maximum minutes of training; the server's maximum if the record on disk has no such limit."""
        return self.config.minutes or self._runner.settings.training_minutes

    @property
    def created(self) -> float:
        """Time at which the job was created, in seconds since 1970."""
        return self.record.created

    @property
    def clip_names(self) -> tuple[str, ...]:
        return self.record.clip_names

    @property
    def first_clip(self) -> "Clip":
        """The clip to show when the training has ended; read from disk each time.

        Raises
        ------
        TrainingError
            If the clip is missing or damaged.
        """
        return self.folder.read_first_clip(self.record.first_clip_name)

    @property
    def opening(self) -> int:
        """Number of the clip to show when the training has ended."""
        names = self.record.clip_names
        return names.index(self.record.first_clip_name) if self.record.first_clip_name in names else 0

    def kept_clips(self) -> Container[int]:
        """Numbers of the clips whose sound is still on disk: all until the training is finished, then one."""
        if self.folder.clips.exists():
            return range(len(self.clip_names))
        return (self.opening,) if self.folder.first_clip_path.exists() else ()

    def read_clip(self, number: int) -> "MelClip":
        """One of the clips with its log-mel and its sound; read from disk each time.

        Raises
        ------
        TrainingError
            If there is no such clip, or its sound is no longer kept or damaged.
        """
        from distill.audio import LogMel
        from distill.training.dataset import to_mel_clip

        names, lengths = self.record.clip_names, self.record.clip_samples
        if not 0 <= number < len(names):
            raise TrainingError("This training has no such clip; please reload the page.")
        if number not in self.kept_clips():
            raise TrainingError(
                f"The sound of {names[number]} was deleted when its training had ended; please drop the file again."
            )
        if not self.folder.clips.exists():
            return to_mel_clip(self.first_clip, LogMel())
        return self.folder.read_clip(number, names[number], lengths[number] if lengths else 0)

    def status(self) -> JobStatus:
        """The current status of the job."""
        return self._runner.status_of(self)

    def wait(self, seconds: float) -> JobStatus:
        """Wait until the job is no longer active, at most ``seconds`` s, and return its status."""
        return self._runner.wait_for(self, seconds)

    def stop(self) -> None:
        """Stop the job after the current step, or take it out of the queue; its result so far is kept."""
        self._runner.stop(self)

    def resume(self, *, address: str = "") -> None:
        """Queue a stopped or failed job again; it continues from its last checkpoint.

        Parameters
        ----------
        address : str
            Network address of the request; "" for the address of the earlier request.

        Raises
        ------
        TrainingError
            If the job is neither stopped nor failed, its owner has another active job, too many jobs wait, or its clips
            are deleted.
        """
        self._runner.resume(self, address=address)

    def delete(self) -> None:
        """End the job at once and delete its files. This method does not wait for its process."""
        self._runner.delete(self)

    def best_codec(self) -> "Codec":
        """The codec with the best validation so far.

        Raises
        ------
        TrainingError
            Before the first validation, or if the file is missing or damaged.
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
