"""The pace of a training on a quiet and on a busy computer, from memory and from a disk."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from distill.scale.preparing import prepare
from distill.scale.sets import PreparedSet
from distill.training.config import get_adaptive_vqvae_config
from distill.training.dataset import TrainingClip
from distill.training.records import Finished
from distill.training.trainer import Trainer


def measure_pace(clips: Sequence[TrainingClip], folder: Path, seconds: float) -> dict[str, float]:
    """Measure how many steps a second a training makes: alone, from a disk, and beside a process that keeps one
    processor busy.

    Parameters
    ----------
    clips : sequence of TrainingClip
        In memory.
    folder : Path
        The folder of the same clips, which are prepared on a disk of temporary files.
    seconds : float
        Wall time of each of the three trainings.

    Returns
    -------
    dict
        ``steps_per_second``, ``busy_steps_per_second`` and ``prepared_steps_per_second``.
    """
    alone = _steps_per_second(clips, seconds)
    with tempfile.TemporaryDirectory() as out:
        prepare(folder, out)
        prepared = _steps_per_second(PreparedSet.open(out), seconds)
    with _busy_process():
        beside = _steps_per_second(clips, seconds)
    return {"steps_per_second": alone, "busy_steps_per_second": beside, "prepared_steps_per_second": prepared}


def _steps_per_second(clips: Sequence[TrainingClip], seconds: float) -> float:
    config = replace(get_adaptive_vqvae_config(len(clips)), minutes=max(0.01, seconds / 60), validations=1)
    end = next(event for event in Trainer(clips, config, device="cpu").run() if isinstance(event, Finished))
    return end.steps / end.seconds


@contextmanager
def _busy_process() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()
