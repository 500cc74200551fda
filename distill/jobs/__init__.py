"""Trainings in processes of their own: queued on disk, watched, stopped, resumed, and taken up after a restart."""

from distill.jobs.job import JobStatus, TrainingJob
from distill.jobs.runner import JobRunner

__all__ = ["JobRunner", "JobStatus", "TrainingJob"]
