"""The attendant: a thread for each running training starts the worker process and reads its events until it ends."""

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from distill.jobs.events import Begun, Ended, Failed, Stepped, WorkerEvent
from distill.jobs.job import TrainingJob
from distill.jobs.ledger import Ledger, log
from distill.jobs.notes import FAULT, INTERRUPTED, changes_of, gave_way, too_long
from distill.jobs.record import JobState
from distill.jobs.worker import Worker
from distill.logs import log_fault
from distill.settings import Settings

logger = logging.getLogger(__name__)

CEILING = 3
"""A training is ended after this multiple of its requested minutes; normally it ends by itself long before."""


class Attendant:
    """Supervises the running trainings, each in its own thread.

    Parameters
    ----------
    ledger : Ledger
        The ledger that records the state of each training.
    settings : Settings
    command : sequence of str
        Command line of the training program; the job's folder and limits are appended.
    is_closing : callable
        Returns whether the server is about to end.
    is_here : callable
        Returns whether someone has the page of a job open.
    take_turns : callable
        Called whenever another training may be due to start.
    """

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        command: Sequence[str],
        *,
        is_closing: Callable[[], bool],
        is_here: Callable[[TrainingJob], bool],
        take_turns: Callable[[], None],
    ) -> None:
        self._ledger, self._settings, self._command = ledger, settings, command
        self._is_closing, self._is_here, self._take_turns = is_closing, is_here, take_turns

    def begin(self, job: TrainingJob) -> None:
        """Train in a new thread. The thread must outlive the worker, because the worker stops when the thread dies."""
        log(job, "A training begins.", restarts=job.record.restarts)
        threading.Thread(target=self._run, args=(job,), name=f"training-{job.id[:6]}", daemon=True).start()

    def _run(self, job: TrainingJob) -> None:
        """Run a job until it ends; start further workers if they are needed."""
        try:
            while self._attend(job):
                pass
        except Exception as error:
            reference = log_fault(logger, "A training was given up", error, job=job.id[:6])
            self._ledger.end(job, "failed", error=FAULT.format(reference=reference), reference=reference)
        finally:
            self._take_turns()

    def _attend(self, job: TrainingJob) -> bool:
        """Start a worker for a job and read its events until it ends; return whether the job needs another worker."""
        if job.wish == "delete":
            return False
        try:
            worker = Worker(self._command, job.folder, self._settings)
        except OSError:
            log(job, "A worker could not be started.", logging.ERROR, exc_info=True)
            error = "The training could not be started, because the server has no room for it now; please try later."
            self._ledger.end(job, "failed", error=error)
            return False
        with self._ledger.changed:
            job.worker = worker
            if job.wish or self._is_closing():
                worker.kill() if job.wish == "delete" else worker.stop()
        seconds = CEILING * 60 * job.minutes + self._settings.training_silence_seconds
        seconds += self._settings.full_disk_seconds
        last: WorkerEvent | None = None
        try:
            with contextlib.closing(worker.events(seconds)) as events:
                for event in events:
                    self._hear(job, event)
                    last = event
        except TimeoutError:
            last = Failed(too_long(job))
        with self._ledger.changed:
            job.worker = None
            return self._conclude(job, last)

    def _hear(self, job: TrainingJob, event: WorkerEvent) -> None:
        """Record an event of a worker."""
        changes = changes_of(job, event)
        if isinstance(event, Begun):
            job.turn_began = min(job.turn_began, event.seconds)
        if isinstance(event, Stepped):  # too frequent for the disk: it is written at the next checkpoint
            with self._ledger.changed:
                job.record = replace(job.record, **changes)
        else:
            self._ledger.change(job, **changes)
        self._take_turns()

    def _conclude(self, job: TrainingJob, last: WorkerEvent | None) -> bool:
        """Record the outcome of a job whose worker has ended; return whether the job needs another worker."""
        if job.wish == "delete":
            return False
        note = job.record.note
        if isinstance(last, Ended) and last.event == "finished":
            self._ledger.end(job, "finished")
            job.folder.delete_inputs()
        elif isinstance(last, Failed):
            self._ledger.end(job, "failed", error=last.error, reference=last.reference)
        elif job.wish == "stop":
            self._ledger.end(job, "stopped")
        elif self._is_closing():
            self._ledger.change(job, state="waiting", note=INTERRUPTED if job.record.progress else note)
        elif job.wish == "yield" and isinstance(last, Ended | None):  # None: it was stopped before any event
            note = gave_way(job, is_here=self._is_here(job))
            log(job, "A training gave way.")
            self._ledger.change(job, state="waiting", queue_number=self._ledger.next_queue_number(), note=note)
        else:
            job.lost_at = job.record.progress.seconds if job.record.progress else None
            state: JobState = "waiting" if job.wish else "running"
            self._ledger.begin_again(job, state)
            if job.record.state == "running":
                return True
        self._ledger.bring_home(job)  # the disk may have room for the codec by now
        self._ledger.measure(job)
        return False
