"""The queue of trainings: admission, order and turns. The queue lies on disk and survives a restart."""

import contextlib
import logging
import math
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from distill.errors import TrainingError
from distill.jobs import queue
from distill.jobs.attendant import Attendant
from distill.jobs.folder import JobFolder
from distill.jobs.job import JobStatus, TrainingJob
from distill.jobs.ledger import Ledger, log
from distill.jobs.notes import was_displaced
from distill.jobs.queue import Standing
from distill.jobs.record import JobRecord
from distill.jobs.worker import COMMAND
from distill.settings import DEFAULTS, Settings

if TYPE_CHECKING:
    from distill.audio import Clip
    from distill.codec import Codec
    from distill.training.config import VQVAEConfig
    from distill.training.dataset import MelClip

logger = logging.getLogger(__name__)

STARTUP_SECONDS = 4
CLOSE_SECONDS = 15


class JobRunner:
    """Runs trainings in separate processes, one turn after another, and loads the trainings found on disk.

    Visitors with an open page go first, then the order of arrival counts. While others wait, a training gives way when
    its turn is over: it writes a checkpoint and continues later. A training without an open page gives way at once when
    a visitor with an open page comes.

    Parameters
    ----------
    folder : Path
        Parent of the training folders; created if it is missing. Only one runner at a time may use it.
    settings : Settings
        Limits on running and waiting trainings, their time and their memory.
    clock : callable
        Returns seconds since 1970.
    command : sequence of str
        Command line of the training program; the job's folder and limits are appended.

    Attributes
    ----------
    is_here : callable
        Returns whether an owner has a page open now. It is called often, and never while the runner holds a lock.

    Raises
    ------
    StartupError
        If the folder can be neither used nor created.
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
        self._clock = clock
        self.is_here: Callable[[str], bool] = lambda owner: True
        self._arriving: list[tuple[str, str]] = []
        self._closing = False
        self._ledger = Ledger(self._folder, settings, clock)
        self._attendant = Attendant(
            self._ledger,
            settings,
            command,
            is_closing=lambda: self._closing,
            is_here=lambda job: self._standing(job).here,
            take_turns=self._take_turns,
        )
        self._changed, self._jobs = self._ledger.changed, self._ledger.jobs
        self._ledger.take_up(lambda folder, record: TrainingJob(folder, record, self))
        for job in self._jobs.values():
            job.seen = clock()  # a page needs time to reconnect after a restart of the server
        self._start_next()

    def submit(
        self,
        owner: str,
        clips: "Sequence[MelClip]",
        config: "VQVAEConfig",
        first_clip: "Clip | None" = None,
        *,
        opening: int = 0,
        stored: JobFolder | None = None,
        address: str = "",
        start: "Codec | None" = None,
    ) -> TrainingJob:
        """Queue a training.

        Parameters
        ----------
        owner : str
            Visitor who asks for the training; nobody else has access to it.
        clips : sequence of MelClip
        config : VQVAEConfig
            Settings of the training; ``minutes`` is at most ``training_minutes``.
        first_clip : Clip, optional
            The clip to show when the training has ended; not needed if ``stored`` has it.
        opening : int
            Number of that clip.
        stored : JobFolder, optional
            A folder that already has these clips and the sound of the one to show; they are linked instead of written
            again.
        address : str
            Network address of the request, for the limit per address; "" if it is not known. It is never written to
            disk.
        start : Codec, optional
            The codec from which the training goes on; the settings must fit it.

        Raises
        ------
        TrainingError
            If the training would take too long, too many wait, the owner has an active training, or the disk is full.
        """
        if config.minutes is None or config.minutes > self.settings.training_minutes:
            asked = "any time" if config.minutes is None else f"{config.minutes:g} minutes"
            raise TrainingError(
                f"A training takes {self.settings.training_minutes} minutes at most, not {asked}; please give it less."
            )
        is_here, ticket = self._look(owner), (owner, address)
        with self._changed:
            self._check_may_queue(owner, address, is_here)
            self._arriving.append(ticket)
            number = self._ledger.next_queue_number()
        names = tuple(clip.name for clip in clips)
        first_name = first_clip.name if first_clip else names[opening]
        record = JobRecord(
            owner, config, self._clock(), number, names, first_name,
            clip_samples=tuple(clip.num_samples for clip in clips), clip_weights=tuple(clip.weight for clip in clips),
            from_codec=start.model_id if start else "",
        )  # fmt: skip
        try:
            path = self._folder / secrets.token_hex(16)
            job_folder = JobFolder.create(path, record, clips, first_clip, stored, start)
            with self._changed:
                if ticket not in self._arriving:
                    job_folder.delete()
                    raise TrainingError("The training was not begun, because you have left.")
                job = self._jobs[job_folder.id] = TrainingJob(job_folder, record, self)
                self._ledger.measure(job)
                self._admit(job, address, is_here)
        except OSError as error:
            logger.warning("A training could not be written to disk.", extra={"reason": error.strerror or str(error)})
            raise TrainingError(
                "The training cannot be kept, because the server's disk is full or cannot be written; "
                "please try again later."
            ) from error
        finally:
            with self._changed, contextlib.suppress(ValueError):
                self._arriving.remove(ticket)
        log(job, "A training was queued.", clips=len(clips), minutes=config.minutes)
        self._take_turns()
        return job

    def jobs_of(self, owner: str) -> list[TrainingJob]:
        """The trainings of an owner, the newest last."""
        with self._changed:
            return [job for job in self._jobs.values() if job.owner == owner]

    def status(self) -> dict[str, int]:
        """The numbers of "running" and "waiting" trainings. Does not wait for a lock."""
        states = [job.record.state for job in list(self._jobs.values())]
        return {state: states.count(state) for state in ("running", "waiting")}

    def num_bytes(self, owner: str | None = None) -> int:
        """Bytes on disk of an owner's trainings, or of all trainings, as last measured. Does not read the disk or wait
        for a lock."""
        return self._ledger.num_bytes(owner)

    def expire(self, now: float) -> int:
        """Do periodic work; must be called every few seconds.

        Deletes the folders of trainings that ended long ago, and damaged folders of that age. Deletes sound and
        checkpoints earlier, in proportion to the length of the training. Repeats writes that a full disk refused, and
        starts or stops trainings by their turns.

        Parameters
        ----------
        now : float
            Current time in seconds since 1970.

        Returns
        -------
        int
            Number of deleted trainings.
        """
        count = self._ledger.expire(now)
        self._take_turns()
        return count

    def close(self) -> None:
        """Stop the workers, each with a checkpoint; a new runner on the same folder continues the trainings."""
        with self._changed:
            self._closing = True
            workers = [job.worker for job in self._ledger.in_state("running") if job.worker]
            for worker in workers:
                worker.stop()
            if not self._changed.wait_for(lambda: not self._ledger.in_state("running"), CLOSE_SECONDS):
                for job in self._ledger.in_state("running"):
                    if job.worker:
                        job.worker.kill()
                self._changed.wait_for(lambda: not self._ledger.in_state("running"), CLOSE_SECONDS)

    def status_of(self, job: TrainingJob) -> JobStatus:
        """The current status of a job."""
        with self._changed:
            record, ahead, wait_seconds = job.record, 0, 0.0
            if record.state == "waiting":
                ahead, wait_seconds = queue.estimate(self._standing(job), self._standings(), self.settings)
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
        """Wait until a job is no longer active, at most ``seconds`` s, and return its status."""
        with self._changed:
            self._changed.wait_for(lambda: not job.record.active, timeout=seconds)
        return self.status_of(job)

    def stop(self, job: TrainingJob) -> None:
        """Stop a job after its current step, or take it out of the queue."""
        with self._changed:
            if job.record.state == "waiting":
                self._ledger.end(job, "stopped")
            elif job.record.state == "running" and job.wish != "delete":
                self._ask(job, "stop")

    def resume(self, job: TrainingJob, *, address: str = "") -> None:
        """Put a job at the end of the queue again; parameters and errors as in :meth:`TrainingJob.resume`."""
        is_here = self._look(job.owner)
        with self._changed:
            if job.id not in self._jobs:
                raise TrainingError("This training is no longer kept on the server; please train again.")
            if job.record.active and job.wish == "stop":
                raise TrainingError("This training is still stopping; please continue it in a moment.")
            if job.record.state not in ("stopped", "failed"):
                raise TrainingError("Only a training that was stopped can be continued.")
            if not job.folder.clips.exists():
                kept = self._ledger.kept_seconds(job.record) / 60
                raise TrainingError(
                    f"This training can only be continued within {kept:.0f} minutes of its end, because its sound is "
                    "deleted then; its codec is still there, and your clips can be dropped and trained on anew."
                )
            address = address or job.address
            self._check_may_queue(job.owner, address, is_here)
            number = self._ledger.next_queue_number()
            self._ledger.change(job, state="waiting", queue_number=number, ended=None, restarts=0, error="", note="")
            self._admit(job, address, is_here)
        log(job, "A training was queued again.")
        self._take_turns()

    def delete(self, job: TrainingJob) -> None:
        """End a job at once and delete its folder. This method does not wait for the job's process."""
        with self._changed:
            job.wish = "delete"
            if self._jobs.pop(job.id, None) and job.worker:
                job.worker.kill()
            if job.record.active:
                self._ledger.end(job, "stopped")
            self._ledger.add_up()
        job.folder.delete()
        log(job, "A training was deleted.")
        self._take_turns()

    def forget(self, owner: str) -> None:
        """Delete all trainings of an owner at once, also a training that is being queued."""
        with self._changed:
            self._arriving[:] = [ticket for ticket in self._arriving if ticket[0] != owner]
            jobs = self.jobs_of(owner)
        for job in jobs:
            self.delete(job)

    def _check_may_queue(self, owner: str, address: str, is_here: bool) -> None:
        """Raise a TrainingError unless this owner may queue a training."""
        if self._closing:
            raise TrainingError("The server is about to restart; please try again in a minute.")
        arriving = [other for other, _ in self._arriving]
        if owner in arriving or any(job.record.active for job in self.jobs_of(owner)):
            raise TrainingError("You have a training that runs or waits already; stop it first.")
        standings = self._standings()
        of_address = [one for one in standings if address and one.address == address]
        arriving_there = sum(bool(address) and other == address for _, other in self._arriving)
        if len(of_address) + arriving_there >= self.settings.address_trainings + _absent(of_address, is_here):
            soonest = queue.soonest_end(standings, self.settings, of_address)
            raise TrainingError(
                f"{len(of_address) + arriving_there} trainings from your network run or wait already, as many as may "
                f"at once; please try again in {_about(soonest)}."
            )
        waiting = sum(not one.running for one in standings) + len(arriving)
        if waiting >= self.settings.waiting_trainings + _absent(standings, is_here):
            soonest = queue.soonest_end(standings, self.settings, standings)
            raise TrainingError(f"The queue is full ({waiting} waiting); please try again in {_about(soonest)}.")

    def _admit(self, job: TrainingJob, address: str, is_here: bool) -> None:
        """Put a job into the queue; in a full queue, a waiting job without an open page is stopped for it."""
        job.address, job.seen = address, self._clock() if is_here else -math.inf
        standings = self._standings()
        loser = None
        if address and queue.count_of(standings, address) > self.settings.address_trainings:
            loser = queue.displaced(standings, address)
        elif sum(not one.running for one in standings) > self.settings.waiting_trainings:
            loser = queue.displaced(standings)
        if loser and loser.id != job.id:
            other = self._jobs[loser.id]
            self._ledger.end(other, "stopped", note=was_displaced(self._ledger.kept_seconds(other.record)))

    def _look(self, owner: str = "") -> bool:
        """Note which owners of active trainings have a page open; return whether ``owner`` has one."""
        with self._changed:
            active = [job for job in self._jobs.values() if job.record.active]
        now = self._clock()
        for job in active:
            if self.is_here(job.owner):
                job.seen = now
        return bool(owner) and self.is_here(owner)

    def _standings(self) -> list[Standing]:
        return [self._standing(job) for job in self._jobs.values() if job.record.active]

    def _standing(self, job: TrainingJob) -> Standing:
        record, gone_seconds = job.record, self._clock() - job.seen
        asked, is_running = job.minutes * 60, record.state == "running"
        return Standing(
            job.id,
            record.queue_number,
            running=is_running,
            here=gone_seconds <= self.settings.training_absent_seconds,
            leaving=is_running and bool(job.wish),
            asked_seconds=asked,
            left_seconds=record.progress.remaining if record.progress else asked + STARTUP_SECONDS,
            turn_seconds=record.progress.seconds - job.turn_began if is_running and record.progress else 0.0,
            gone_seconds=gone_seconds,
            address=job.address,
        )

    def _take_turns(self) -> None:
        """Start the trainings whose turn has come, and stop those whose turn is over."""
        self._look()
        self._start_next()
        with self._changed:
            if not self._closing:
                for one in queue.yielding(self._standings(), self.settings):
                    self._ask(self._jobs[one.id], "yield")

    def _ask(self, job: TrainingJob, wish: str) -> None:
        """Ask a running job to end, for the reason ``wish``."""
        job.wish = wish
        if job.worker:
            job.worker.stop()

    def _start_next(self) -> None:
        with self._changed:
            waiting = queue.in_order(self._standings())
            if self._closing or not waiting or len(self._ledger.in_state("running")) >= self.settings.trainings:
                return
            job = self._jobs[waiting[0].id]
            job.wish, job.lost_at = "", None
            job.turn_began = job.record.progress.seconds if job.record.progress else 0.0
            self._ledger.change(job, state="running")
        self._attendant.begin(job)
        self._start_next()


def _absent(standings: Sequence[Standing], is_here: bool) -> int:
    """The number of waiting trainings that would lose their place to a visitor with an open page."""
    return sum(not one.here and not one.running for one in standings) if is_here else 0


def _about(seconds: float) -> str:
    minutes = max(1, math.ceil(seconds / 60))
    return f"about {minutes} minute{'s' * (minutes != 1)}"
