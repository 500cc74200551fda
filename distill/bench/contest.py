"""Train different models on the same clips, each in a process of its own, and record their error over time."""

import copy
import math
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch
from torch import Tensor

from distill import system
from distill.bench.plain import PlainVQVAE, plain_loss
from distill.codes.grid import TIME_STRIDES, column_seconds
from distill.errors import TrainingError
from distill.models.losses import get_kl_weight, mel_l1, vae_loss
from distill.models.vae import ConvVAE
from distill.models.vocoder import NeuralVocoder
from distill.training.base import base_vocoder
from distill.training.config import get_adaptive_vqvae_config
from distill.training.dataset import CropSampler, MelClip
from distill.training.trainer import Progress, Trainer

CODEBOOK_BITS = 6
MEASUREMENTS = 40
BATCH_SIZE, CROP_FRAMES, LEARNING_RATE = 16, 128, 1e-3  # for the plain network and the baseline
KL_WEIGHT, KL_WARMUP_EPOCHS = 1e-3, 20  # for the baseline


@dataclass(frozen=True)
class Contestant:
    """A model to train, and its training time.

    Attributes
    ----------
    name : str
        Name in the table.
    kind : str
        "plain" (the plain network), "vae" (the continuous baseline), "distill", or "scratch" (Distill without its base
        model).
    seconds : float
        Training time in seconds.
    levels : int
        Number of residual codebooks; 0 for the continuous baseline.
    time_stride : int
        Frames in a column of Distill's codes.
    """

    name: str
    kind: str
    seconds: float
    levels: int
    time_stride: int = TIME_STRIDES[0]

    @property
    def bitrate_bps(self) -> float | None:
        """Bits per second of the codes; None for the continuous baseline, which has no codes."""
        return 8 * self.levels * CODEBOOK_BITS / column_seconds(self.time_stride) if self.levels else None


@dataclass(frozen=True)
class Result:
    """The result of one training.

    Attributes
    ----------
    contestant : Contestant
        The model that was trained.
    steps : int
        Number of optimizer steps.
    seconds : float
        Training time in seconds, without the time for measurements.
    curve : list of (float, float)
        Pairs of the training time in seconds and the ``mel_l1`` on the training clips at that time.
    mel_l1 : float
        Error on the training clips at the end.
    held_out_mel_l1 : float or None
        Error on the held-out clips at the end; None if no clips were held out.
    utilization : list of float
        Share of the codes in use at each level, 0 to 1; empty if it was not measured.
    log_mels : list of ndarray [128, frames]
        The model's reconstructions of the training clips.
    held_out_log_mels : list of ndarray [128, frames]
        The model's reconstructions of the held-out clips.
    vocoder : dict of ndarray
        Weights of the vocoder's network by name; empty if the training did not change it.
    peak_memory_mb : float
        Peak memory of the training process, in MiB.
    """

    contestant: Contestant
    steps: int
    seconds: float
    curve: list[tuple[float, float]]
    mel_l1: float
    held_out_mel_l1: float | None
    utilization: list[float]
    log_mels: list[np.ndarray] = field(repr=False)
    held_out_log_mels: list[np.ndarray] = field(default_factory=list, repr=False)
    vocoder: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    peak_memory_mb: float = 0.0

    def seconds_to(self, value: float) -> float | None:
        """Seconds of training until ``mel_l1`` was first at most ``value``; None if it never was."""
        return next((seconds for seconds, error in self.curve if error <= value), None)

    def figures(self) -> dict[str, Any]:
        """All fields for JSON, without log-mels and weights."""
        kept = asdict(replace(self, log_mels=[], held_out_log_mels=[], vocoder={}))
        return {name: value for name, value in kept.items() if name not in ("held_out_log_mels", "vocoder")}

    def make_vocoder(self) -> NeuralVocoder:
        """Make the vocoder that this training left: its own, or that of the base model."""
        if not self.vocoder:
            return NeuralVocoder(base_vocoder())
        network = copy.deepcopy(base_vocoder())
        network.load_state_dict({name: torch.from_numpy(weights) for name, weights in self.vocoder.items()})
        return NeuralVocoder(network)


class Stopwatch:
    """A clock in seconds that stands still while it is paused."""

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
"""A callback that takes the training time in seconds and the ``mel_l1`` at that time."""


def run(
    contestant: Contestant,
    clips: Sequence[MelClip],
    held_out: Sequence[MelClip] = (),
    *,
    show: Show = lambda seconds, error: None,
) -> Result:
    """Train in a new process, so that trainings share no memory and no threads.

    Parameters
    ----------
    contestant : Contestant
        The model to train.
    clips : sequence of MelClip
        Training clips.
    held_out : sequence of MelClip
        Clips on which the error is also measured at the end; none by default.
    show : callable
        Called after each measurement with the training time in seconds and the ``mel_l1`` on the training clips.

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
    connection.send(replace(result, peak_memory_mb=system.peak_memory_bytes() / 2**20))


def _train_distill(contestant: Contestant, clips: list[MelClip], held_out: list[MelClip], show: Show) -> Result:
    config = replace(
        get_adaptive_vqvae_config(len(clips)),
        num_quantizers=contestant.levels,
        time_stride=contestant.time_stride,
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
    model, best, vocoder = trainer.best_model(), trainer.best, trainer.vocoder_network()
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
        [mel.numpy() for mel in _reconstruct(lambda mel: model(mel)[0], held_out)],
        {name: weights.numpy() for name, weights in vocoder.state_dict().items()} if vocoder else {},
    )


def _train_reference(contestant: Contestant, clips: list[MelClip], held_out: list[MelClip], show: Show) -> Result:
    """Train the plain network or the continuous baseline with Adam at a constant learning rate, in float32."""
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
    log_mels, held_out_log_mels = (
        [mel.numpy() for mel in _reconstruct(reconstruct, some)] for some in (clips, held_out)
    )
    return Result(contestant, steps, seconds, curve.points, final, held_out_error, [], log_mels, held_out_log_mels)


class _Curve:
    """The error on whole clips, measured at equal intervals of training time."""

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
    """Mean ``mel_l1`` over whole clips, weighted by their length."""
    recons = _reconstruct(reconstruct, clips)
    total = sum(mel_l1(r, clip.log_mel).item() * clip.num_frames for r, clip in zip(recons, clips, strict=True))
    return total / sum(clip.num_frames for clip in clips)
