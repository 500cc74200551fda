"""The ledger: all trainings in memory and on disk. It records their changes and deletes expired ones."""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from distill.errors import StartupError, TrainingError
from distill.jobs.files import num_bytes
from distill.jobs.folder import JobFolder
from distill.jobs.job import TrainingJob
from distill.jobs.notes import ELSEWHERE, INTERRUPTED, lost_too_often
from distill.jobs.record import JobRecord, JobState
from distill.settings import Settings

logger = logging.getLogger(__name__)


class Ledger:
    """Holds all trainings in memory and records their changes on disk.

    Parameters
    ----------
    root : Path
        Parent of the training folders; created if it is missing.
    settings : Settings
    clock : callable
        Returns seconds since 1970.

    Raises
    ------
    StartupError
        If the folder can be neither used nor created.
    """

    def __init__(self, root: Path, settings: Settings, clock: Callable[[], float]) -> None:
        self.root, self._settings, self._clock = root, settings, clock
        self.changed = threading.Condition()
        """Lock for all access to the ledger's data; notified of every change of a record."""
        self.jobs: dict[str, TrainingJob] = {}
        self._strays: dict[str, int] = {}
        self._sums: tuple[dict[str, int], int] = {}, 0  # by owner, and in all; never mutated: reading needs no lock
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            JobFolder.clear(root)
            self._found = JobFolder.all_in(root)
            if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError("not allowed")
        except OSError as error:
            raise StartupError(
                "Distill cannot keep trainings in the folder “jobs” of its own folder, because it is no folder or not "
                "the server's to write; please move away what lies there under that name."
            ) from error

    def take_up(self, make: Callable[[JobFolder, JobRecord], TrainingJob]) -> None:
        """Load the trainings from disk; a training that ran waits at the front of the queue."""
        found = []
        for folder in self._found:
            try:
                found.append(make(folder, folder.read_record()))
            except TrainingError as error:
                self._strays[folder.id] = folder.num_bytes
                logger.warning(
                    "A training's folder was passed over.", extra={"job": folder.id[:6], "reason": str(error)}
                )
        self.add_up()
        for job in sorted(found, key=lambda job: (job.created, job.record.queue_number)):
            self.jobs[job.id] = job
            job.is_elsewhere = job.folder.has_spare()
            self.measure(job)
            if job.record.state == "running":  # the server crashed, perhaps because of this job
                self.begin_again(job, "waiting")

    def in_state(self, state: JobState) -> list[TrainingJob]:
        """The jobs in a state, ordered by their queue numbers."""
        return sorted(
            (job for job in self.jobs.values() if job.record.state == state), key=lambda job: job.record.queue_number
        )

    def num_bytes(self, owner: str | None) -> int:
        """Bytes on disk of an owner's trainings as last measured; for None, of all trainings and unreadable folders.
        Does not wait for a lock."""
        owns, total = self._sums
        return total if owner is None else owns.get(owner, 0)

    def add_up(self) -> None:
        """Add up the measured bytes for :meth:`num_bytes`; must be called when a job is added or deleted."""
        with self.changed:
            owns: dict[str, int] = {}
            for job in self.jobs.values():
                owns[job.owner] = owns.get(job.owner, 0) + job.num_bytes
            strays = sum(size for name, size in self._strays.items() if name not in self.jobs)
            self._sums = owns, strays + sum(owns.values())

    def next_queue_number(self) -> int:
        """The queue number of a job that joins the end of the queue."""
        return 1 + max((job.record.queue_number for job in self.jobs.values()), default=0)

    def change(self, job: TrainingJob, **changes: Any) -> None:
        """Change a job's record in memory and on disk, and notify the threads that wait for the job."""
        with self.changed:
            job.record = replace(job.record, **changes)
            if job.wish != "delete":
                self._write(job)
            self.changed.notify_all()

    def end(self, job: TrainingJob, state: JobState, error: str = "", reference: str = "", **changes: Any) -> None:
        """Record that a job has ended."""
        self.change(job, state=state, ended=self._clock(), error=error, **changes)
        steps = job.record.progress.step if job.record.progress else 0
        log(job, "A training ended.", state=state, steps=steps, reference=reference)

    def begin_again(self, job: TrainingJob, state: JobState, **changes: Any) -> None:
        """Put a job whose process was lost into a state again; fail the job if its process was lost too often."""
        restarts = job.record.restarts + 1
        if restarts > self._settings.training_restarts:
            self.end(job, "failed", error=lost_too_often(job, restarts))
        else:
            log(job, "A training was lost and is begun again.", logging.WARNING, restarts=restarts)
            self.change(job, state=state, restarts=restarts, note=INTERRUPTED, **changes)

    def kept_seconds(self, record: JobRecord) -> float:
        """Seconds that an ended training keeps its sound and its checkpoint."""
        trained = record.progress.seconds if record.progress else 0.0
        wanted = max(self._settings.visit_absent_seconds, self._settings.training_kept_factor * trained)
        return min(wanted, self._settings.training_kept_seconds)

    def expire(self, now: float) -> int:
        """Delete expired trainings; see :meth:`JobRunner.expire`."""
        before = now - self._settings.training_kept_seconds
        with self.changed:
            ended = [job for job in self.jobs.values() if (job.record.ended or now) < before]
            for job in ended:
                del self.jobs[job.id]
            for job in self.jobs.values():
                self._tend(job, now)
            known = set(self.jobs)
        for job in ended:
            job.folder.delete()
        strays = [folder for folder in JobFolder.all_in(self.root) if folder.id not in known]
        gone = [folder for folder in strays if folder.touched < before]
        for folder in gone:
            folder.delete()
        with self.changed:
            self._strays = {folder.id: folder.num_bytes for folder in strays if folder.path.exists()}
            for job in self.jobs.values():
                job.num_bytes = self._measured(job)  # its share of linked clips grows when other links are deleted
            self.add_up()
        if ended or gone:
            logger.info("Trainings were forgotten.", extra={"count": len(ended) + len(gone)})
        return len(ended) + len(gone)

    def bring_home(self, job: TrainingJob) -> None:
        """Move a job's codec from the spare folder to the job's folder, if the disk has room by now."""
        job.is_elsewhere = not job.folder.bring_home()
        note = ELSEWHERE if job.is_elsewhere else "" if job.record.note == ELSEWHERE else job.record.note
        if note != job.record.note:
            self.change(job, note=note)

    def measure(self, job: TrainingJob) -> None:
        """Measure a job's bytes on disk."""
        job.num_bytes = self._measured(job)
        self.add_up()

    @staticmethod
    def _measured(job: TrainingJob) -> int:
        return job.folder.num_bytes + (num_bytes(job.folder.spare.parent) if job.is_elsewhere else 0)

    def _tend(self, job: TrainingJob, now: float) -> None:
        """Do delayed work for a job: write its record, move its codec home, delete its expired inputs."""
        if job.is_elsewhere and job.record.state != "running":
            self.bring_home(job)
        if job.is_unwritten:
            self._write(job)
        ended = job.record.ended
        if job.has_inputs and ended is not None and ended + self.kept_seconds(job.record) < now:
            job.folder.delete_inputs(with_first_clip=True)
            job.has_inputs = False
            self.measure(job)
            log(job, "The sound of a training was deleted.")

    def _write(self, job: TrainingJob) -> None:
        try:
            job.folder.write_record(job.record)
            job.is_unwritten = False
        except OSError:
            if not job.is_unwritten:
                log(job, "A training could not be noted on disk.", logging.WARNING)
            job.is_unwritten = True
        self.measure(job)


def log(job: TrainingJob, message: str, level: int = logging.INFO, *, exc_info: bool = False, **extra: object) -> None:
    """Log an event of a job with the first digits of its id."""
    logger.log(level, message, extra={"job": job.id[:6], **extra}, exc_info=exc_info)
