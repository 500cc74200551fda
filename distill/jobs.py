"""Trainings off the request thread: one at a time, the others wait their turn; each can be stopped and resumed."""

import logging
import threading
import uuid
from dataclasses import dataclass

from distill.errors import DistillError, TrainingError
from distill.models.vqvae import ConvVQVAE
from distill.training.trainer import Finished, Progress, Trainer, Validation

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobStatus:
    """Where a job stands.

    Attributes
    ----------
    state : str
        "waiting", "running", "stopped", "finished" or "failed".
    ahead : int
        Jobs that run or wait before this one.
    progress : Progress or None
        The latest step.
    validation : Validation or None
        The latest validation.
    error : str
        Why it failed, in one sentence.
    """

    state: str
    ahead: int
    progress: Progress | None
    validation: Validation | None
    error: str

    @property
    def active(self) -> bool:
        return self.state in ("waiting", "running")


class TrainingJob:
    """One training and where it stands; made by :meth:`JobRunner.submit`."""

    def __init__(self, trainer: Trainer, runner: "JobRunner") -> None:
        self.trainer, self._runner = trainer, runner
        self._changed = threading.Condition()
        self._state, self._error, self._stopping = "waiting", "", False
        self._progress: Progress | None = None
        self._validation: Validation | None = None

    def status(self) -> JobStatus:
        """Where the job stands now."""
        return JobStatus(self._state, self._runner.ahead_of(self), self._progress, self._validation, self._error)

    def wait(self, seconds: float) -> JobStatus:
        """The status, after that many seconds or as soon as the job is no longer active."""
        with self._changed:
            self._changed.wait_for(lambda: self._state not in ("waiting", "running"), timeout=seconds)
        return self.status()

    def stop(self) -> None:
        """Stop after the current step, or give up the place in the queue; what was reached is kept."""
        self._stopping = True
        if self._runner.withdraw(self):
            self._set_state("stopped")
        self.trainer.stop()

    def resume(self) -> None:
        """Queue a stopped job again; it goes on where it was.

        Raises
        ------
        TrainingError
            If it is not stopped.
        """
        if self._state != "stopped":
            raise TrainingError("Only a training that was stopped can be resumed.")
        self._stopping = False
        self._set_state("waiting")
        self._runner.enqueue(self)

    def best_model(self) -> ConvVQVAE:
        """A copy of the best weights so far; see :meth:`Trainer.best_model`."""
        return self.trainer.best_model()

    def run(self) -> None:
        """Train to the end; called by the runner's thread."""
        self._set_state("running")
        try:
            for event in self.trainer.run():
                if isinstance(event, Progress):
                    self._progress = event
                    if self._stopping:  # asked before the trainer had begun, which then could not heed it
                        self.trainer.stop()
                elif isinstance(event, Validation):
                    self._validation = event
                elif isinstance(event, Finished):
                    self._set_state("stopped" if event.reason == "stopped" else "finished")
        except DistillError as error:
            self._error = str(error)
            self._set_state("failed")
        except Exception:
            reference = uuid.uuid4().hex[:8]
            logger.exception("Training failed (reference %s).", reference)
            self._error = f"Training broke off through a fault of ours, not of your clips (reference {reference})."
            self._set_state("failed")

    def _set_state(self, state: str) -> None:
        with self._changed:
            self._state = state
            self._changed.notify_all()


class JobRunner:
    """Runs jobs on threads of its own, in the order in which they came.

    Parameters
    ----------
    workers : int
        Jobs that run at the same time.
    """

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers
        self._lock = threading.Lock()
        self._waiting: list[TrainingJob] = []
        self._running: list[TrainingJob] = []

    def submit(self, trainer: Trainer) -> TrainingJob:
        """Queue a training."""
        job = TrainingJob(trainer, self)
        self.enqueue(job)
        return job

    def enqueue(self, job: TrainingJob) -> None:
        """Put a job at the end of the queue."""
        with self._lock:
            self._waiting.append(job)
        self._start_next()

    def withdraw(self, job: TrainingJob) -> bool:
        """Take a job out of the queue; False if it was not waiting."""
        with self._lock:
            if job in self._waiting:
                self._waiting.remove(job)
                return True
        return False

    def ahead_of(self, job: TrainingJob) -> int:
        """How many jobs run or wait before a waiting one; 0 for any other."""
        with self._lock:
            return len(self._running) + self._waiting.index(job) if job in self._waiting else 0

    def _start_next(self) -> None:
        with self._lock:
            if not self._waiting or len(self._running) >= self._workers:
                return
            job = self._waiting.pop(0)
            self._running.append(job)
        threading.Thread(target=self._run, args=(job,), name="training", daemon=True).start()

    def _run(self, job: TrainingJob) -> None:
        try:
            job.run()
        finally:
            with self._lock:
                self._running.remove(job)
            self._start_next()
