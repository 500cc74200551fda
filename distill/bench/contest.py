"""Trainings of different models on the same clips, each in a process of its own, and their error over time."""

import copy
import math
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch
from torch import Tensor

from distill.audio.logmel import HOP_LENGTH, SAMPLE_RATE
from distill.bench.plain import PlainVQVAE, plain_loss
from distill.errors import TrainingError
from distill.models.losses import get_kl_weight, mel_l1, vae_loss
from distill.models.vae import ConvVAE
from distill.training.config import get_adaptive_vqvae_config
from distill.training.dataset import CropSampler, MelClip
from distill.training.trainer import Progress, Trainer

CODEBOOK_BITS = 6
MEASUREMENTS = 40
BATCH_SIZE, CROP_FRAMES, LEARNING_RATE = 16, 128, 1e-3  # of the two references
KL_WEIGHT, KL_WARMUP_EPOCHS = 1e-3, 20
COLUMNS_PER_SECOND = SAMPLE_RATE / HOP_LENGTH / 16


@dataclass(frozen=True)
class Contestant:
    """Who trains, and for how long.

    Attributes
    ----------
    name : str
    kind : str
        "plain", "vae", "distill", or "scratch" for Distill without its base model.
    seconds : float
        Of training.
    levels : int
        Residual codebooks; 0 for the continuous baseline.
    """

    name: str
    kind: str
    seconds: float
    levels: int

    @property
    def bitrate_bps(self) -> float | None:
        """Bits per second of its codes; None for the continuous baseline, which has none."""
        return COLUMNS_PER_SECOND * 8 * self.levels * CODEBOOK_BITS if self.levels else None


@dataclass(frozen=True)
class Result:
    """What came of a training.

    Attributes
    ----------
    steps, seconds
        Of training; the time that measuring took is not counted.
    curve : list of (float, float)
        Seconds of training, and ``mel_l1`` on the training clips then.
    mel_l1, held_out_mel_l1
        At the end; the latter is None if nothing was held out.
    peak_memory_mb : float
        Of the process.
    utilization : list of float
        Share of codes used of each level, 0 to 1; empty where that was not measured.
    log_mels : list of ndarray [128, frames]
        The training clips as they come out of the model.
    """

    contestant: Contestant
    steps: int
    seconds: float
    curve: list[tuple[float, float]]
    mel_l1: float
    held_out_mel_l1: float | None
    utilization: list[float]
    log_mels: list[np.ndarray] = field(repr=False)
    peak_memory_mb: float = 0.0

    def seconds_to(self, value: float) -> float | None:
        """Seconds of training after which ``mel_l1`` was at most that; None if it never was."""
        return next((seconds for seconds, error in self.curve if error <= value), None)

    def figures(self) -> dict[str, Any]:
        """All but the log-mels, for JSON."""
        return asdict(replace(self, log_mels=[]))


class Stopwatch:
    """Seconds, without those in which it was paused."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.paused_seconds = clock, 0.0

    def __call__(self) -> float:
        return self.clock() - self.paused_seconds

    @contextmanager
    def paused(self) -> Iterator[None]:
        began = self.clock()
        yield
        self.paused_seconds += self.clock() - began


Show = Callable[[float, float], object]
"""Takes the seconds of training so far and the ``mel_l1`` then."""


def run(
    contestant: Contestant,
    clips: Sequence[MelClip],
    held_out: Sequence[MelClip] = (),
    *,
    show: Show = lambda seconds, error: None,
) -> Result:
    """Train in a fresh process, so that one's memory and threads are not another's.

    Raises
    ------
    TrainingError
        If the process died.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_train, args=(there, contestant, list(clips), list(held_out)))
    process.start()
    there.close()
    try:
        while not isinstance(message := here.recv(), Result):
            show(*message)
    except EOFError as error:
        raise TrainingError(f"The training of {contestant.name} ended early.") from error
    except BaseException:
        process.terminate()
        raise
    finally:
        here.close()
        process.join()
    return message


def _train(connection: Connection, contestant: Contestant, clips: list[MelClip], held_out: list[MelClip]) -> None:
    train = _train_reference if contestant.kind in ("plain", "vae") else _train_distill
    result = train(contestant, clips, held_out, lambda *point: connection.send(point))
    connection.send(replace(result, peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def _train_distill(contestant: Contestant, clips: list[MelClip], held_out: list[MelClip], show: Show) -> Result:
    config = replace(
        get_adaptive_vqvae_config(len(clips)),
        num_quantizers=contestant.levels,
        minutes=contestant.seconds / 60,
        from_base=contestant.kind == "distill",
    )
    watch, curve = Stopwatch(), _Curve(contestant.seconds, clips, show)
    trainer = Trainer(clips, config, clock=watch)
    for event in trainer.run():
        if isinstance(event, Progress) and curve.is_due(event.seconds):
            with watch.paused():
                model = copy.deepcopy(trainer.model).eval()
                curve.measure(event.seconds, lambda mel, model=model: model(mel)[0])  # type: ignore[misc]
    model, best = trainer.best_model(), trainer.best
    assert best is not None
    return Result(
        contestant,
        trainer.steps,
        trainer.seconds,
        curve.points,
        curve.measure(trainer.seconds, lambda mel: model(mel)[0]),
        _error(lambda mel: model(mel)[0], held_out) if held_out else None,
        [level.utilization for level in best.levels],
        [mel.numpy() for mel in _reconstruct(lambda mel: model(mel)[0], clips)],
    )


def _train_reference(contestant: Contestant, clips: list[MelClip], held_out: list[MelClip], show: Show) -> Result:
    """The plain network or the continuous baseline: Adam at a constant rate, in float32."""
    torch.manual_seed(0)
    sampler = CropSampler(clips, crop_frames=CROP_FRAMES, seed=0)
    steps_per_epoch = math.ceil(sampler.total_frames / (BATCH_SIZE * CROP_FRAMES))
    model = PlainVQVAE(levels=contestant.levels) if contestant.kind == "plain" else ConvVAE()

    def loss(mel: Tensor) -> Tensor:
        if isinstance(model, PlainVQVAE):
            return plain_loss(model, mel)
        recon, mu, logvar = model(mel)
        weight = get_kl_weight(steps // steps_per_epoch, KL_WARMUP_EPOCHS, KL_WEIGHT)
        return vae_loss(recon, mel, mu, logvar, weight)[0]

    def reconstruct(mel: Tensor) -> Tensor:
        return model.eval()(mel)[0]

    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    watch, curve = Stopwatch(), _Curve(contestant.seconds, clips, show)
    steps, start = 0, watch()
    while (elapsed := watch() - start) < contestant.seconds:
        if curve.is_due(elapsed):
            with watch.paused():
                curve.measure(elapsed, reconstruct)
        model.train()
        optimizer.zero_grad()
        loss(sampler.sample(BATCH_SIZE)[0]).backward()
        optimizer.step()
        steps += 1
    seconds = watch() - start
    final = curve.measure(seconds, reconstruct)
    held_out_error = _error(reconstruct, held_out) if held_out else None
    log_mels = [mel.numpy() for mel in _reconstruct(reconstruct, clips)]
    return Result(contestant, steps, seconds, curve.points, final, held_out_error, [], log_mels)


class _Curve:
    """Error on whole clips, measured at even distances over a training."""

    def __init__(self, seconds: float, clips: Sequence[MelClip], show: Show) -> None:
        self.interval, self.clips, self.show = seconds / MEASUREMENTS, clips, show
        self.points: list[tuple[float, float]] = []

    def is_due(self, seconds: float) -> bool:
        return seconds >= self.interval * (len(self.points) + 1)

    def measure(self, seconds: float, reconstruct: Callable[[Tensor], Tensor]) -> float:
        error = _error(reconstruct, self.clips)
        self.points.append((seconds, error))
        self.show(seconds, error)
        return error


@torch.no_grad()
def _reconstruct(reconstruct: Callable[[Tensor], Tensor], clips: Sequence[MelClip]) -> list[Tensor]:
    return [reconstruct(clip.log_mel[None, None])[0, 0] for clip in clips]


def _error(reconstruct: Callable[[Tensor], Tensor], clips: Sequence[MelClip]) -> float:
    """Mean ``mel_l1`` over whole clips."""
    recons = _reconstruct(reconstruct, clips)
    total = sum(mel_l1(r, clip.log_mel).item() * clip.num_frames for r, clip in zip(recons, clips, strict=True))
    return total / sum(clip.num_frames for clip in clips)
