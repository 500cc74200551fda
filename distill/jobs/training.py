"""A training whose clips, checkpoint and best codec lie in a job's folder, and who tells what happens."""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError

from distill.codec import Codec
from distill.errors import CodecFileError, TrainingError
from distill.jobs.folder import JobFolder
from distill.jobs.memory import is_out_of_memory
from distill.settings import DEFAULTS
from distill.training.checkpoint import load_checkpoint, save_checkpoint
from distill.training.trainer import Finished, Progress, Trainer, Validation

logger = logging.getLogger(__name__)

SAY_SECONDS = 0.25
DISK_FULL = (
    "The server's disk is full or cannot be written, so what the training learns from now on is lost if it is "
    "interrupted."
)


class Training:
    """A training whose clips, checkpoint and best codec lie in a job's folder.

    Parameters
    ----------
    folder : JobFolder
    say : callable
        Told of every event, by its name and its values; see :meth:`run`.
    must_stop : callable
        Asked after each step whether to stop.
    checkpoint_seconds : float
        Between two checkpoints.
    clock : callable
        Seconds that only ever grow.
    """

    def __init__(
        self,
        folder: JobFolder,
        say: Callable[..., None],
        *,
        must_stop: Callable[[], bool],
        checkpoint_seconds: float = DEFAULTS.checkpoint_seconds,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder, self._say, self._must_stop = folder, say, must_stop
        self._checkpoint_seconds, self._clock = checkpoint_seconds, clock
        self._saved_at = self._said_at = -float("inf")
        self._unsaid: Progress | None = None
        self._is_kept = True

    def run(self) -> None:
        """Train, from the checkpoint if there is one.

        The events are ``begun`` (steps, seconds, and whether the checkpoint was damaged), ``progress``, ``validation``
        (with the curves), ``checkpoint``, ``warning`` (a note, or "" when its reason is gone), and last ``finished`` or
        ``stopped``.

        Raises
        ------
        TrainingError
            If what is in the folder is missing or damaged, or the trained codec cannot be written.
        """
        self.trainer = trainer = self._begin()
        self._saved_at = self._clock()
        if self._must_stop():
            self._say("stopped")
            return
        for event in trainer.run():
            if isinstance(event, Progress):
                self._after_step(event)
            elif isinstance(event, Validation):
                self._after_validation(event)
            elif isinstance(event, Finished):
                if not self._keep_best():
                    raise TrainingError(
                        "The trained codec could not be kept, because the server's disk is full or cannot be written; "
                        "please try again later."
                    )
                self._keep_checkpoint()
                self._say("stopped" if event.reason == "stopped" else "finished")

    def _begin(self) -> Trainer:
        """The trainer, where its checkpoint has it, or at the start if there is none that can be read."""
        record = self.folder.read_record()
        clips = self.folder.read_clips(record.clip_names)
        trainer, damaged = Trainer(clips, record.config), False
        if self.folder.checkpoint.exists():
            try:
                load_checkpoint(trainer, self.folder.checkpoint)
            except (CodecFileError, TrainingError) as error:
                if is_out_of_memory(error):
                    raise
                self._warn("A checkpoint was passed over.", error)
                trainer, damaged = Trainer(clips, record.config), True
        self._say("begun", steps=trainer.steps, seconds=float(trainer.seconds), damaged=damaged)
        return trainer

    def _after_step(self, progress: Progress) -> None:
        self._unsaid = progress
        if self._must_stop():
            self.trainer.stop()
            self._keep_checkpoint()  # the validation that follows may be cut short
        elif self._clock() - self._saved_at >= self._checkpoint_seconds:
            self._keep_checkpoint()
        if self._clock() - self._said_at >= SAY_SECONDS:
            self._say_progress()

    def _after_validation(self, validation: Validation) -> None:
        self._say_progress()
        self._keep_best()
        self._keep_checkpoint()
        self._say("validation", validation=asdict(validation), curves=self.trainer.curves)

    def _say_progress(self) -> None:
        if self._unsaid:
            self._say("progress", progress=asdict(self._unsaid))
            self._unsaid, self._said_at = None, self._clock()

    def _keep_best(self) -> bool:
        codec = Codec(self.trainer.best_model(), self.trainer.metadata())
        return self._keep(codec.save, self.folder.best)

    def _keep_checkpoint(self) -> None:
        self._saved_at = self._clock()
        if self._keep(lambda path: save_checkpoint(self.trainer, path), self.folder.checkpoint):
            self._say("checkpoint")

    def _keep(self, write: Callable[[Path], None], path: Path) -> bool:
        """Write a file, or say that it cannot be; whether it could."""
        try:
            write(path)
            is_kept = True
        except (OSError, SafetensorError) as error:
            if is_out_of_memory(error):
                raise
            self._warn(f"{path.name} could not be written.", error)
            path.with_name(f"{path.name}.part").unlink(missing_ok=True)
            is_kept = False
        if is_kept != self._is_kept:
            self._say("warning", note="" if is_kept else DISK_FULL)
        self._is_kept = is_kept
        return is_kept

    def _warn(self, message: str, error: Exception) -> None:
        logger.warning("%s", message, extra={"job": self.folder.id[:6], "reason": type(error).__name__})
