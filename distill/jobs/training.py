"""A training in a job's folder, with its clips, checkpoint and best codec. It reports its events."""

import logging
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from safetensors import SafetensorError

from distill.codec import Codec
from distill.codec.making import codec_of
from distill.codes.kept import KeptGrids
from distill.errors import CodecFileError, TrainingError
from distill.jobs.events import Begun, CheckpointKept, Ended, Stepped, Validated, Warned, WorkerEvent
from distill.jobs.files import check_regular, delete_any
from distill.jobs.folder import FILE_BYTES, JobFolder
from distill.jobs.memory import is_out_of_memory
from distill.jobs.record import JobRecord
from distill.settings import DEFAULTS
from distill.training.checkpoint import load_checkpoint, save_checkpoint
from distill.training.pace import training_clock
from distill.training.records import Finished, Progress, Validation
from distill.training.start import Start
from distill.training.trainer import Trainer

logger = logging.getLogger(__name__)

SAY_SECONDS = 0.25
DISK_FULL = (
    "The server's disk is full or cannot be written, so what the training learns from now on is lost if it is "
    "interrupted."
)
HELD = (
    "The server's disk is full, so the trained codec is held in memory and written as soon as there is room; please "
    "wait, it is tried again every few seconds."
)
TRY_SECONDS = 5


class Training:
    """Trains a codec in a job's folder and reports each event.

    Parameters
    ----------
    folder : JobFolder
    say : callable
        Called with every event; see :meth:`run`.
    must_stop : callable
        Asked after each step whether to stop.
    must_end : callable
        Asked whether the training must end at once, because nobody waits for its result.
    checkpoint_seconds : float
        Seconds between two checkpoints.
    full_disk_seconds : float
        Seconds for which a codec is kept in memory while no disk has room for it.
    clock, sleep : callable
        A monotonic clock in seconds, and a function that waits a number of seconds.
    """

    def __init__(
        self,
        folder: JobFolder,
        say: Callable[[WorkerEvent], None],
        *,
        must_stop: Callable[[], bool],
        must_end: Callable[[], bool] = lambda: False,
        checkpoint_seconds: float = DEFAULTS.checkpoint_seconds,
        full_disk_seconds: float = DEFAULTS.full_disk_seconds,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.folder, self._say, self._must_stop, self._must_end = folder, say, must_stop, must_end
        self._checkpoint_seconds, self._full_disk_seconds = checkpoint_seconds, full_disk_seconds
        self._clock, self._sleep = clock, sleep
        self._saved_at = self._said_at = -float("inf")
        self._unsaid: Progress | None = None
        self._is_kept = True
        self._grids: tuple[Validation | None, KeptGrids | None] = None, None

    def run(self) -> None:
        """Train from the checkpoint, or from the start if there is none.

        Reports the events of :mod:`distill.jobs.events`: :class:`Begun` first, :class:`Ended` last.

        Raises
        ------
        TrainingError
            If a file in the folder is missing or damaged, or the trained codec cannot be written for too long.
        """
        self.trainer = trainer = self._begin()
        self._saved_at = self._clock()
        if self._must_stop():
            self._say(Ended("stopped"))
            return
        for event in trainer.run():
            if isinstance(event, Progress):
                self._after_step(event)
            elif isinstance(event, Validation):
                self._after_validation(event)
            elif isinstance(event, Finished):
                self._keep_checkpoint()
                self._keep_for_certain()
                self._say(Ended("stopped" if event.reason == "stopped" else "finished"))

    def _begin(self) -> Trainer:
        """The trainer at its last checkpoint, or at the start if no checkpoint can be read."""
        record = self.folder.read_record()
        clips = self.folder.read_clips(record.clip_names, record.clip_samples, record.clip_weights)
        begin = partial(Trainer, clips, record.config, clock=training_clock(), start=self._start(record))
        trainer, damaged = begin(), False
        if os.path.lexists(self.folder.checkpoint):
            try:
                check_regular(self.folder.checkpoint, FILE_BYTES)
                load_checkpoint(trainer, self.folder.checkpoint)
            except (OSError, CodecFileError, TrainingError) as error:
                if is_out_of_memory(error):
                    raise
                self._warn("A checkpoint was passed over.", error)
                trainer, damaged = begin(), True
        self._say(Begun(trainer.steps, float(trainer.seconds), damaged))
        return trainer

    def _start(self, record: JobRecord) -> Start | None:
        """The codec from which the training goes on; None if it goes on from none.

        Raises
        ------
        TrainingError
            If that codec is missing or damaged.
        """
        if not record.from_codec:
            return None
        try:
            check_regular(self.folder.start, FILE_BYTES)
            return Start.load(self.folder.start)
        except (OSError, CodecFileError) as error:
            raise TrainingError(
                "The codec from which this training goes on is missing or damaged; please train again."
            ) from error

    def _after_step(self, progress: Progress) -> None:
        self._unsaid = progress
        if self._must_stop():
            self.trainer.stop()
            self._keep_checkpoint()  # the process may be killed during the validation that follows
        elif self._clock() - self._saved_at >= self._checkpoint_seconds:
            self._keep_checkpoint()
        if self._clock() - self._said_at >= SAY_SECONDS:
            self._say_progress()

    def _after_validation(self, validation: Validation) -> None:
        self._say_progress()
        self._keep_best()
        self._keep_checkpoint()
        self._say(Validated(validation, self.trainer.curves))

    def _say_progress(self) -> None:
        if self._unsaid:
            self._say(Stepped(self._unsaid))
            self._unsaid, self._said_at = None, self._clock()

    def _keep_best(self) -> bool:
        is_kept = self._keep(self._codec().save, self.folder.best)
        if is_kept:
            self.folder.drop_spare()
        return is_kept

    def _keep_for_certain(self) -> None:
        """Write the best codec, to the spare folder if the main disk is full; retry until one of them has room.

        Raises
        ------
        TrainingError
            If neither disk has room for too long.
        """
        deadline = self._clock() + self._full_disk_seconds
        while not self._keep_best() and not self._keep_spare():
            if self._must_end() or self._clock() >= deadline:
                raise TrainingError(
                    f"The trained codec could not be written for {self._full_disk_seconds / 60:.0f} minutes, because "
                    "the server's disk is full; what was kept of it last can be continued later."
                )
            self._say(Warned(HELD))
            self._is_kept = False
            self._sleep(TRY_SECONDS)
        if not self._is_kept:  # the codec lies in the spare folder
            self._say(Warned(""))

    def _keep_spare(self) -> bool:
        spare = self.folder.spare
        try:
            spare.parent.mkdir(mode=0o700, exist_ok=True)
            self._codec().save(spare)
        except (OSError, SafetensorError) as error:
            self._warn("The spare folder could not be written.", error)
            self.folder.drop_spare()
            return False
        return self.folder.has_spare()

    def _codec(self) -> Codec:
        """The best codec so far. Its grids are made once for each validation that was better than those before."""
        best = self.trainer.best
        made = codec_of(self.trainer, self._grids[1] if self._grids[0] is best else None)
        self._grids = best, made.info.grids
        return made

    def _keep_checkpoint(self) -> None:
        self._saved_at = self._clock()
        if self._keep(lambda path: save_checkpoint(self.trainer, path), self.folder.checkpoint):
            self._say(CheckpointKept())

    def _keep(self, write: Callable[[Path], None], path: Path) -> bool:
        """Write a file and return whether that worked; if not, report a warning."""
        unfinished = path.with_name(f"{path.name}.part")
        for obstacle in (unfinished, path):
            if os.path.lexists(obstacle) and not obstacle.is_file():  # writing to a pipe blocks until someone reads
                delete_any(obstacle)
        try:
            write(path)
            is_kept = True
        except (OSError, SafetensorError) as error:
            if is_out_of_memory(error):
                raise
            self._warn(f"{path.name} could not be written.", error)
            delete_any(unfinished)
            is_kept = False
        if is_kept != self._is_kept:
            self._say(Warned("" if is_kept else DISK_FULL))
        self._is_kept = is_kept
        return is_kept

    def _warn(self, message: str, error: Exception) -> None:
        logger.warning("%s", message, extra={"job": self.folder.id[:6], "reason": type(error).__name__})
