"""Trainings run in separate processes. A queue on disk survives a restart of the server."""

from distill.jobs.job import JobStatus, TrainingJob
from distill.jobs.runner import JobRunner

__all__ = ["JobRunner", "JobStatus", "TrainingJob"]
