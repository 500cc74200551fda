"""The pace of a training on a quiet and on a busy computer."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from distill.training.config import get_adaptive_vqvae_config
from distill.training.dataset import MelClip
from distill.training.records import Finished
from distill.training.trainer import Trainer


def measure_pace(clips: Sequence[MelClip], seconds: float) -> dict[str, float]:
    """Measure how many steps a second a training makes alone, and beside a process that keeps one processor busy.

    Parameters
    ----------
    clips : sequence of MelClip
    seconds : float
        Wall time of each of the two trainings.

    Returns
    -------
    dict
        ``steps_per_second`` and ``busy_steps_per_second``.
    """
    alone = _steps_per_second(clips, seconds)
    with _busy_process():
        beside = _steps_per_second(clips, seconds)
    return {"steps_per_second": alone, "busy_steps_per_second": beside}


def _steps_per_second(clips: Sequence[MelClip], seconds: float) -> float:
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
