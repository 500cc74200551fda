"""Fixtures: small trainings on real sound, for real workers and for puppets."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from distill.audio import Clip
from distill.jobs import JobRunner, TrainingJob
from distill.jobs.folder import JobFolder
from distill.jobs.record import JobRecord
from distill.settings import Settings
from distill.training.config import VQVAEConfig
from distill.training.dataset import MelClip
from tests.jobs.puppets import puppet


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "jobs"


@pytest.fixture
def open_runner(root: Path) -> Iterator[Callable[..., JobRunner]]:
    """Opens runners on one folder, with obedient puppets by default; all are closed at the end."""
    runners: list[JobRunner] = []

    def build(settings: Settings | None = None, **options: object) -> JobRunner:
        runners.append(JobRunner(root, settings or Settings(), **({"command": puppet()} | options)))
        return runners[-1]

    yield build
    for runner in runners:
        runner.close()


@pytest.fixture(scope="session")
def first(drums: Clip) -> Clip:
    return drums


@pytest.fixture(scope="session")
def minute(quick_config: VQVAEConfig) -> VQVAEConfig:
    """Settings of a training that takes a minute."""
    return replace(quick_config, minutes=1.0, epochs=1_000_000)


@pytest.fixture
def submit(mel_clips: Sequence[MelClip], minute: VQVAEConfig, first: Clip) -> Callable[..., TrainingJob]:
    """Queues a training of some clips for an owner."""

    def ask(runner: JobRunner, owner: str = "anna", config: VQVAEConfig = minute) -> TrainingJob:
        return runner.submit(owner, mel_clips, config, first)

    return ask


@pytest.fixture
def make_folder(root: Path, mel_clips: Sequence[MelClip], minute: VQVAEConfig, first: Clip) -> Callable[..., JobFolder]:
    """Writes a job's folder."""

    def write(number: int = 0, clips: Sequence[MelClip] = mel_clips, **changes: object) -> JobFolder:
        root.mkdir(exist_ok=True)
        record = JobRecord("anna", minute, 1000.0 + number, number, tuple(clip.name for clip in clips), first.name)
        return JobFolder.create(root / f"{number:032x}", replace(record, **changes), clips, first)

    return write
