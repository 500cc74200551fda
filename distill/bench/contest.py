"""Trainings of different models on the same clips, each in a process of its own, and their error over time."""

import math
import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from distill.audio.logmel import HOP_LENGTH, SAMPLE_RATE
from distill.bench.plain import PlainVQVAE, plain_loss
from distill.models.losses import get_kl_weight, mel_l1, vae_loss
from distill.models.vae import ConvVAE
from distill.training.config import get_adaptive_vqvae_config
from distill.training.dataset import CropSampler, MelClip
from distill.training.trainer import Trainer, Validation

CODEBOOK_BITS = 6
VALIDATIONS = 40
BATCH_SIZE, CROP_FRAMES, LEARNING_RATE = 16, 128, 1e-3  # of the two references
KL_WEIGHT, KL_WARMUP_EPOCHS = 1e-3, 20
COLUMNS_PER_SECOND = SAMPLE_RATE / HOP_LENGTH / 16


@dataclass(frozen=True)
class Contestant:
    """Who trains, and for how long.

    Attributes
    ----------
    name : str
    seconds : float
        Of training.
    levels : int
        Residual codebooks; 0 for the continuous baseline.
    kind : str
        "plain", "vae" or "distill".
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

    ``curve`` is (seconds, mel_l1 on the training clips); ``held_out_mel_l1`` is None if nothing was held out;
    ``utilization`` the share of codes used of each level, empty where that was not measured.
    """

    contestant: Contestant
    steps: int
    seconds: float
    curve: list[tuple[float, float]]
    mel_l1: float
    held_out_mel_l1: float | None
    peak_memory_mb: float
    utilization: list[float]

    def seconds_to(self, value: float) -> float | None:
        """Seconds of training after which ``mel_l1`` was at most that; None if it never was."""
        return next((seconds for seconds, error in self.curve if error <= value), None)


def run(contestant: Contestant, clips: Sequence[MelClip], held_out: Sequence[MelClip] = ()) -> Result:
    """Train in a fresh process, so that one's memory and threads are not another's."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_train, contestant, list(clips), list(held_out)).result()


def _train(contestant: Contestant, clips: list[MelClip], held_out: list[MelClip]) -> Result:
    train = _train_distill if contestant.kind == "distill" else _train_reference
    result = train(contestant, clips, held_out)
    return replace(result, peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _train_distill(contestant: Contestant, clips: list[MelClip], held_out: list[MelClip]) -> Result:
    config = replace(
        get_adaptive_vqvae_config(len(clips)),
        num_quantizers=contestant.levels,
        minutes=contestant.seconds / 60,
        validations=VALIDATIONS,
    )
    trainer = Trainer(clips, config)
    curve = [(event.seconds, event.mel_l1) for event in trainer.run() if isinstance(event, Validation)]
    model, best = trainer.best_model(), trainer.best
    assert best is not None
    return Result(
        contestant,
        trainer.steps,
        trainer.seconds,
        curve,
        _error(lambda mel: model(mel)[0], clips),
        _error(lambda mel: model(mel)[0], held_out) if held_out else None,
        0.0,
        [level.utilization for level in best.levels],
    )


def _train_reference(contestant: Contestant, clips: list[MelClip], held_out: list[MelClip]) -> Result:
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

    def error(of: Sequence[MelClip]) -> float:
        model.eval()
        return _error(lambda mel: model(mel)[0], of)

    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    curve: list[tuple[float, float]] = []
    steps, start = 0, time.monotonic()
    while (elapsed := time.monotonic() - start) < contestant.seconds:
        if elapsed >= contestant.seconds * (len(curve) + 1) / VALIDATIONS:
            measured = error(clips)
            curve.append((time.monotonic() - start, measured))
        model.train()
        optimizer.zero_grad()
        loss(sampler.sample(BATCH_SIZE)[0]).backward()
        optimizer.step()
        steps += 1
    seconds, final = time.monotonic() - start, error(clips)
    held_out_error = error(held_out) if held_out else None
    return Result(contestant, steps, seconds, [*curve, (seconds, final)], final, held_out_error, 0.0, [])


@torch.no_grad()
def _error(reconstruct: Callable[[Tensor], Tensor], clips: Sequence[MelClip]) -> float:
    """Mean ``mel_l1`` over whole clips."""
    total = 0.0
    for clip in clips:
        mel = clip.log_mel[None, None]
        total += mel_l1(reconstruct(mel), mel).item() * clip.num_frames
    return total / sum(clip.num_frames for clip in clips)
