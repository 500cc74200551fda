"""The queue of trainings and the threads that see to them; what they are at lies on disk, so that a restart goes on."""

import contextlib
import heapq
import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill.errors import TrainingError
from distill.jobs.events import FAULT, INTERRUPTED, changes_of, lost_too_often, too_long
from distill.jobs.folder import JobFolder, JobRecord
from distill.jobs.job import JobStatus, TrainingJob
from distill.jobs.process import COMMAND, Worker
from distill.logs import log_fault
from distill.settings import DEFAULTS, Settings

if TYPE_CHECKING:
    from distill.audio import Clip
    from distill.training.config import VQVAEConfig
    from distill.training.dataset import MelClip

logger = logging.getLogger(__name__)

STARTUP_SECONDS = 4
CEILING = 3
"""How many times the minutes it was given a training may be there before it is ended: it ends by itself long before."""
CLOSE_SECONDS = 15


class JobRunner:
    """Runs trainings in processes of their own, in the order in which they came, and takes up those it finds on disk.

    Parameters
    ----------
    folder : Path
        Where trainings lie, a folder each; made if it is not there. No other runner may use it at the same time.
    settings : Settings
        How many run and wait, for how long, and with what memory.
    clock : callable
        Seconds since 1970.
    command : sequence of str
        What trains; the job's folder and limits are added to it.

    Raises
    ------
    OSError
        If the folder can be neither read nor made.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings = DEFAULTS,
        *,
        clock: Callable[[], float] = time.time,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._folder, self.settings = folder.resolve(), settings
        self._clock, self._command = clock, command
        self._changed = threading.Condition()
        self._jobs: dict[str, TrainingJob] = {}
        self._arriving: list[str] = []
        self._closing = False
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._take_up()
        self._start_next()

    def submit(self, owner: str, clips: "Sequence[MelClip]", config: "VQVAEConfig", first: "Clip") -> TrainingJob:
        """Queue a training.

        Parameters
        ----------
        owner : str
            Who asks for it: only they can have it.
        clips : sequence of MelClip
        config : VQVAEConfig
            With ``minutes`` of up to ``training_minutes``.
        first : Clip
            Kept to turn to when the training has ended.

        Raises
        ------
        TrainingError
            If it would take too long, too many wait, the owner has one that is active, or the disk is full.
        """
        if config.minutes is None or config.minutes > self.settings.training_minutes:
            asked = "any time" if config.minutes is None else f"{config.minutes:g} minutes"
            raise TrainingError(
                f"A training takes {self.settings.training_minutes} minutes at most, not {asked}; please give it less."
            )
        with self._changed:
            self._require_place(owner)
            self._arriving.append(owner)
            place = 1 + max((job.record.place for job in self._jobs.values()), default=0)
        record = JobRecord(owner, config, self._clock(), place, tuple(clip.name for clip in clips), first.name)
        try:
            job_folder = JobFolder.create(self._folder / secrets.token_hex(16), record, clips, first)
            with self._changed:
                job = self._jobs[job_folder.id] = TrainingJob(job_folder, record, self)
        except OSError as error:
            logger.warning("A training could not be written to disk.", extra={"reason": error.strerror or str(error)})
            raise TrainingError(
                "The training cannot be kept, because the server's disk is full or cannot be written; "
                "please try again later."
            ) from error
        finally:
            with self._changed:
                self._arriving.remove(owner)
        self._log(job, "A training was queued.", clips=len(clips), minutes=config.minutes)
        self._start_next()
        return job

    def jobs_of(self, owner: str) -> list[TrainingJob]:
        """An owner's trainings, the newest last."""
        with self._changed:
            return [job for job in self._jobs.values() if job.owner == owner]

    def status(self) -> dict[str, int]:
        """How many trainings there are "running" and "waiting"."""
        with self._changed:
            states = [job.record.state for job in self._jobs.values()]
        return {state: states.count(state) for state in ("running", "waiting")}

    def expire(self, now: float) -> int:
        """Delete the folders of trainings that ended long ago, and those that are damaged and as old.

        Parameters
        ----------
        now : float
            In seconds since 1970.

        Returns
        -------
        int
            How many were deleted.
        """
        before = now - self.settings.training_kept_seconds
        with self._changed:
            ended = [job for job in self._jobs.values() if (job.record.ended or now) < before]
            for job in ended:
                del self._jobs[job.id]
            known = set(self._jobs)
        strays = [folder for folder in JobFolder.all_in(self._folder) if folder.id not in known]
        gone = [folder for folder in strays if folder.id in {job.id for job in ended} or folder.touched < before]
        for folder in gone:
            folder.delete()
        if gone:
            logger.info("Trainings were forgotten.", extra={"count": len(gone)})
        return len(gone)

    def close(self) -> None:
        """Stop the workers, each with a checkpoint; a new runner on the folder goes on with them."""
        with self._changed:
            self._closing = True
            workers = [job.worker for job in self._in_state("running") if job.worker]
            for worker in workers:
                worker.stop()
            if not self._changed.wait_for(lambda: not self._in_state("running"), CLOSE_SECONDS):
                for job in self._in_state("running"):
                    if job.worker:
                        job.worker.kill()
                self._changed.wait_for(lambda: not self._in_state("running"), CLOSE_SECONDS)

    def status_of(self, job: TrainingJob) -> JobStatus:
        """Where a job stands now."""
        with self._changed:
            record, ahead, wait_seconds = job.record, 0, 0.0
            if record.state == "waiting":
                running, waiting = self._in_state("running"), self._in_state("waiting")
                before = waiting[: waiting.index(job)]
                ahead, wait_seconds = len(running) + len(before), self._wait_seconds(running, before)
        return JobStatus(
            record.state,
            ahead,
            wait_seconds,
            record.progress,
            record.validation,
            record.curves,
            record.error,
            record.note,
            stopping=record.state == "running" and job.wish == "stop",
        )

    def wait_for(self, job: TrainingJob, seconds: float) -> JobStatus:
        """The status of a job, after that many seconds or as soon as it is no longer active."""
        with self._changed:
            self._changed.wait_for(lambda: not job.record.active, timeout=seconds)
        return self.status_of(job)

    def stop(self, job: TrainingJob) -> None:
        """Stop a job after its current step, or take it out of the queue."""
        with self._changed:
            if job.record.state == "waiting":
                self._end(job, "stopped")
            elif job.record.state == "running":
                job.wish = job.wish or "stop"
                if job.worker:
                    job.worker.stop()

    def resume(self, job: TrainingJob) -> None:
        """Put a job at the end of the queue again; errors as :meth:`TrainingJob.resume`."""
        with self._changed:
            if job.id not in self._jobs:
                raise TrainingError("This training is no longer kept on the server; please train again.")
            if job.record.active and job.wish == "stop":
                raise TrainingError("This training is still stopping; please continue it in a moment.")
            if job.record.state not in ("stopped", "failed"):
                raise TrainingError("Only a training that was stopped can be continued.")
            self._require_place(job.owner)
            place = 1 + max(other.record.place for other in self._jobs.values())
            self._change(job, state="waiting", place=place, ended=None, restarts=0, error="", note="")
        self._log(job, "A training was queued again.")
        self._start_next()

    def delete(self, job: TrainingJob) -> None:
        """End a job at once and delete its folder."""
        with self._changed:
            job.wish = "delete"
            if job.record.state == "waiting":
                self._end(job, "stopped")
            if job.worker:
                job.worker.kill()
            self._changed.wait_for(lambda: not job.record.active, CLOSE_SECONDS)
            self._jobs.pop(job.id, None)
        job.folder.delete()
        self._log(job, "A training was deleted.")

    def _take_up(self) -> None:
        """Know the trainings on disk again; those that ran wait for their turn, which is the first."""
        found = []
        for folder in JobFolder.all_in(self._folder):
            try:
                found.append(TrainingJob(folder, folder.read_record(), self))
            except TrainingError as error:
                logger.warning(
                    "A training's folder was passed over.", extra={"job": folder.id[:6], "reason": str(error)}
                )
        for job in sorted(found, key=lambda job: (job.created, job.record.place)):
            self._jobs[job.id] = job
            if job.record.state == "running":  # so the server did not end in order, perhaps because of this very job
                self._begin_again(job, "waiting")

    def _require_place(self, owner: str) -> None:
        """Raise a TrainingError unless this owner's training can be queued."""
        if self._closing:
            raise TrainingError("The server is about to restart; please try again in a minute.")
        if owner in self._arriving or any(job.record.active for job in self.jobs_of(owner)):
            raise TrainingError("You have a training that runs or waits already; stop it first.")
        waiting = len(self._in_state("waiting")) + len(self._arriving)
        if waiting >= self.settings.waiting_trainings:
            raise TrainingError(f"The queue is full ({waiting} waiting); please try again in some minutes.")

    def _in_state(self, state: str) -> list[TrainingJob]:
        """The jobs in a state, in the order of the queue."""
        return sorted(
            (job for job in self._jobs.values() if job.record.state == state), key=lambda job: job.record.place
        )

    def _wait_seconds(self, running: Sequence[TrainingJob], before: Sequence[TrainingJob]) -> float:
        """How long it may be until all of these have begun and one more can."""
        free_in = [_seconds_left(job) for job in running]
        free_in += [0.0] * (self.settings.trainings - len(running))
        heapq.heapify(free_in)
        for job in before:
            heapq.heapreplace(free_in, free_in[0] + _seconds_left(job))
        return free_in[0]

    def _start_next(self) -> None:
        with self._changed:
            waiting = self._in_state("waiting")
            if self._closing or not waiting or len(self._in_state("running")) >= self.settings.trainings:
                return
            job = waiting[0]
            job.wish, job.lost_at = "", None
            self._change(job, state="running")
        self._log(job, "A training begins.", restarts=job.record.restarts)
        threading.Thread(target=self._run, args=(job,), name=f"training-{job.id[:6]}", daemon=True).start()
        self._start_next()

    def _run(self, job: TrainingJob) -> None:
        """See a job to its end, with as many workers as it takes."""
        try:
            while self._attend(job):
                pass
        except Exception as error:
            reference = log_fault(logger, "A training was given up", error, job=job.id[:6])
            self._end(job, "failed", error=FAULT.format(reference=reference), reference=reference)
        finally:
            self._start_next()

    def _attend(self, job: TrainingJob) -> bool:
        """Start a worker for a job and listen to it until it ends; whether the job needs another one."""
        try:
            worker = Worker(self._command, job.folder, self.settings)
        except OSError:
            self._log(job, "A worker could not be started.", logging.ERROR, exc_info=True)
            error = "The training could not be started, because the server has no room for it now; please try later."
            self._end(job, "failed", error=error)
            return False
        with self._changed:
            job.worker = worker
            if job.wish or self._closing:
                worker.kill() if job.wish == "delete" else worker.stop()
        assert job.config.minutes is not None
        seconds = CEILING * 60 * job.config.minutes + self.settings.training_silence_seconds
        last: dict[str, Any] = {}
        try:
            with contextlib.closing(worker.events(seconds)) as events:
                for event in events:
                    self._hear(job, event)
                    last = event
        except TimeoutError:
            last = {"event": "failed", "error": too_long(job)}
        with self._changed:
            job.worker = None
            return self._conclude(job, last)

    def _hear(self, job: TrainingJob, event: dict[str, Any]) -> None:
        """Note what a worker says."""
        try:
            changes = changes_of(job, event)
        except (KeyError, TypeError, ValueError):
            self._log(job, "A worker said what makes no sense.", logging.WARNING)
            return
        if event["event"] == "progress":  # several times a second: the disk learns of it at the next checkpoint
            with self._changed:
                job.record = replace(job.record, **changes)
        else:
            self._change(job, **changes)

    def _conclude(self, job: TrainingJob, last: dict[str, Any]) -> bool:
        """Note what becomes of a job whose worker has ended, by its last words; whether it needs another one."""
        if last.get("event") == "finished":
            self._end(job, "finished")
            job.folder.delete_inputs()
        elif last.get("event") == "failed":
            self._end(job, "failed", error=str(last.get("error")), reference=last.get("reference", ""))
        elif job.wish:
            self._end(job, "stopped")
        elif self._closing:
            self._change(job, state="waiting", note=INTERRUPTED if job.record.progress else job.record.note)
        else:
            job.lost_at = job.record.progress.seconds if job.record.progress else None
            self._begin_again(job, "running")
            return job.record.active
        return False

    def _begin_again(self, job: TrainingJob, state: str) -> None:
        """Bring a job whose process was lost back into a state, unless that happened too often."""
        restarts = job.record.restarts + 1
        if restarts > self.settings.training_restarts:
            self._end(job, "failed", error=lost_too_often(job, restarts))
        else:
            self._log(job, "A training was lost and is begun again.", logging.WARNING, restarts=restarts)
            self._change(job, state=state, restarts=restarts, note=INTERRUPTED)

    def _end(self, job: TrainingJob, state: str, error: str = "", reference: str = "") -> None:
        self._change(job, state=state, ended=self._clock(), error=error)
        steps = job.record.progress.step if job.record.progress else 0
        self._log(job, "A training ended.", state=state, steps=steps, reference=reference)

    def _change(self, job: TrainingJob, **changes: Any) -> None:
        """Note in memory and on disk what has become of a job, and tell those who wait for it."""
        with self._changed:
            job.record = replace(job.record, **changes)
            try:
                job.folder.write_record(job.record)
            except OSError:
                self._log(job, "A training could not be noted on disk.", logging.WARNING)
            self._changed.notify_all()

    @staticmethod
    def _log(
        job: TrainingJob, message: str, level: int = logging.INFO, *, exc_info: bool = False, **extra: object
    ) -> None:
        logger.log(level, message, extra={"job": job.id[:6], **extra}, exc_info=exc_info)


def _seconds_left(job: TrainingJob) -> float:
    """How long a job will run, an estimate."""
    assert job.config.minutes is not None
    return job.record.progress.remaining if job.record.progress else job.config.minutes * 60 + STARTUP_SECONDS
