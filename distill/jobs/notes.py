"""Translates a worker's events into changes of the job's record and into notes for the visitor."""

from typing import Any

from distill.jobs.events import Begun, Stepped, Validated, Warned, WorkerEvent
from distill.jobs.job import TrainingJob
from distill.training.records import NO_CURVES

INTERRUPTED = "The training was interrupted."
ELSEWHERE = (
    "The server's disk is full, so the trained codec is kept elsewhere until there is room; to be sure of it, please "
    "download it now."
)
FAULT = "Training broke off through a fault of ours, not of your clips (reference {reference})."


def changes_of(job: TrainingJob, event: WorkerEvent) -> dict[str, Any]:
    """The fields of a job's record that an event changes, with their new values."""
    match event:
        case Begun(steps=0):
            note = _began_anew(job.record.note, event.damaged)
            return {"progress": None, "curves": NO_CURVES, "note": note}
        case Begun() if job.record.note:
            lost_seconds = None if job.lost_at is None else job.lost_at - event.seconds
            return {"note": _went_on(lost_seconds) if job.record.note == INTERRUPTED else ""}
        case Stepped():
            return {"progress": event.progress}
        case Validated():
            return {"validation": event.validation, "curves": event.curves}
        case Warned():
            return {"note": event.note}
    return {}


def _began_anew(note: str, damaged: bool) -> str:
    if damaged:
        return "The training began anew, because what was kept of it could not be read."
    return "The training was interrupted before anything was kept of it, and began anew." if note == INTERRUPTED else ""


def _went_on(lost_seconds: float | None) -> str:
    if lost_seconds is None:
        return "The training was interrupted and went on from what was kept of it last."
    before = f" {lost_seconds:.0f} s before" if lost_seconds >= 1 else ""
    return f"The training was interrupted and went on from where it was{before}."


def gave_way(job: TrainingJob, *, is_here: bool) -> str:
    """Note that tells why a training waits again after it ran."""
    trained = job.record.progress.seconds / 60 if job.record.progress else 0.0
    why = "Others wait" if is_here else "Others wait and nobody had this page open"
    return (
        f"{why}, so the training gave way after {trained:.1f} of its {job.minutes:g} minutes; "
        "it goes on by itself in its turn."
    )


def was_displaced(kept_seconds: float) -> str:
    """Note that tells why a waiting training was stopped."""
    return (
        "The queue was full and nobody had this page open, so the training gave its place to someone who did; "
        f"it can be continued for {kept_seconds / 60:.0f} minutes."
    )


def lost_too_often(job: TrainingJob, times: int) -> str:
    """Error that tells why a lost training is not begun again."""
    return f"The training was lost {times} times, perhaps for want of memory: {_what_is_kept(job)}."


def too_long(job: TrainingJob) -> str:
    """Error that tells why a training with too long a run was ended."""
    return f"The training took far longer than its {job.minutes:g} minutes and was ended: {_what_is_kept(job)}."


def _what_is_kept(job: TrainingJob) -> str:
    if job.folder.newest.exists():
        return "what it had learned is kept, and it can be continued"
    return "nothing could be kept of it, so please try fewer or shorter clips"
