"""The training loop. It takes clips, yields events and produces a trained model."""

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from distill.errors import TrainingError
from distill.models.losses import vqvae_loss
from distill.models.persistence import round_weights
from distill.models.vocoder import VocoderNetwork
from distill.models.vqvae import ConvVQVAE
from distill.training.base import load_rehearsal
from distill.training.codec_info import CodecInfo, Provenance
from distill.training.config import VQVAEConfig
from distill.training.dataset import CropSampler, TrainingClip, fitting_crop, heard_clips, split_held_out
from distill.training.distributed import Processes, has_fast_bfloat16
from distill.training.health import codebook_health, health_warnings
from distill.training.latents import Latents
from distill.training.muon import load_optimizer_state, make_optimizers
from distill.training.pace import ThreadChoice
from distill.training.records import NO_CURVES, Event, Finished, Progress, StepPoint, Validation, ValidationPoint
from distill.training.schedule import WarmupCosine
from distill.training.start import Start, place_codebooks, starting_model, starting_vocoder
from distill.training.state import TrainingSet, TrainingState
from distill.training.validation import MOST_FRAMES, error_and_usage
from distill.training.vocoder_trainer import CROPS, VocoderTrainer, short_crops

SEED_STRIDE = 1_000_003
"""Difference between the seeds of two processes that train together."""
CURVE_STEPS = 200
"""Number of points in the curve of steps, spread evenly over the training."""


class Trainer:
    """Trainer of a :class:`~distill.models.ConvVQVAE` on a set of clips.

    The training runs in one process or, with ``accelerate launch``, in several.

    Parameters
    ----------
    clips : sequence of TrainingClip
        At least one clip, in memory or on a disk. From 21 clips on, a tenth is held out; see
        :func:`~distill.training.dataset.split_held_out`.
    config : VQVAEConfig
        Settings of the model and of the training.
    device : str
        "auto", "cpu" or "cuda".
    clock : callable
        Function that returns a time in seconds that never decreases.
    start : Start, optional
        Codec from which the training goes on; by default it starts from the base model or from random weights.

    Raises
    ------
    TrainingError
        If there are no clips.
    ConfigError
        If the device has another name or is not available, or the settings do not fit the codec to go on from.
    CodecFileError
        If the base model is missing or damaged.
    """

    def __init__(
        self,
        clips: Sequence[TrainingClip],
        config: VQVAEConfig,
        *,
        device: str = "auto",
        clock: Callable[[], float] = time.monotonic,
        start: Start | None = None,
    ) -> None:
        if not any(clip.weight for clip in clips):
            raise TrainingError("There is no clip to train on.")
        if start:
            start.check(config)
        self.config, self.clock, self.start = config, clock, start
        self.processes = Processes(device)
        self.device = self.processes.device
        self.clips, self.held_out = split_held_out(clips, config.seed)
        self.heard = heard_clips(self.clips, MOST_FRAMES)
        crop_frames = fitting_crop(self.clips, config.crop_frames)
        self.batch_size = config.batch_size * config.crop_frames // crop_frames
        crop_seed = config.seed + SEED_STRIDE * self.processes.index
        self.sampler = CropSampler(self.clips, crop_frames=crop_frames, seed=crop_seed, gain_db=config.gain_db)
        self.rehearsal: CropSampler | None = None
        if (config.from_base or start) and config.rehearsal and config.refinement:
            self.rehearsal = CropSampler(load_rehearsal(), crop_frames=crop_frames, seed=crop_seed)
            self.rehearsal.generator = self.sampler.generator  # so that a checkpoint stores one state
        self.model = starting_model(config, self.sampler, start).to(self.device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a gap in torch's stubs
        self.learning_rate_at = WarmupCosine(config.learning_rate, config.warmup)
        self.optimizers = make_optimizers(self.model, lr=config.learning_rate, weight_decay=config.weight_decay)
        self.vocoder: VocoderTrainer | None = None
        if self._may_refine and self.sampler.has_sound and config.vocoder_share:
            network = starting_vocoder(start).to(self.device)
            self.vocoder = VocoderTrainer(network, learning_rate=config.vocoder_learning_rate)
        self.network = self.processes.wrap(self.model)
        self.autocast = bool(
            self.processes.agree(has_fast_bfloat16(self.device, may_vary=config.minutes is not None))[0]
        )
        self.steps, self.seconds, self.fraction, self.validations = 0, 0.0, 0.0, 0
        self.curves = NO_CURVES
        self.best: Validation | None = None
        self.best_state: dict[str, Tensor] = {}
        self._latents = Latents(self.model)
        self._validation_cost = 0.0
        self._stop = False

    @property
    def steps_per_epoch(self) -> int:
        """Number of steps in which the crops have as many frames as all training clips together."""
        frames_per_step = self.batch_size * self.sampler.crop_frames * self.processes.count
        return max(1, math.ceil(self.sampler.total_frames / frames_per_step))

    @property
    def epochs(self) -> float:
        return self.steps / self.steps_per_epoch

    @property
    def _may_refine(self) -> bool:
        has_learned = self.config.from_base or self.start is not None
        return has_learned and self.processes.count == 1 and self.config.refinement > 0

    @property
    def is_refining(self) -> bool:
        """Whether the training is in its refinement, in which only the decoder and the vocoder learn."""
        return self._may_refine and self.steps > 0 and self.fraction >= 1 - self.config.refinement

    def stop(self) -> None:
        """Ask a running training to end after its current step. Any thread may call this method."""
        self._stop = True

    def run(self) -> Iterator[Event]:
        """Train until the time limit or the number of epochs is reached, or :meth:`stop` is called.

        The training has at least one step, however short its time. If it was stopped, another call continues it.

        Yields
        ------
        Progress
            After every step.
        Validation
            ``config.validations`` times, spread evenly over the training, the last time at its end.
        Finished
            At the end.
        """
        self._stop, earlier, start = False, self.seconds, self.clock()

        def tick() -> None:
            self._agree_on_time(earlier + self.clock() - start)

        if self.steps == 0 and not self.start:
            place_codebooks(self.model, self.sampler, self.config, least_crops=self.batch_size)
        tick()
        if self.steps == 0 and self.start:  # so that what it had learned is kept if nothing better comes
            yield self._validate(tick)
            self.validations = 0
        for recon_loss, commit_loss in self._steps(tick):
            left = self.seconds / max(self.fraction, 1e-9) - self.seconds
            progress = Progress(self.steps, self.epochs, self.seconds, left, self.fraction, recon_loss, commit_loss)
            if self.fraction * CURVE_STEPS >= len(self.curves.steps):
                self.curves = self.curves.after(StepPoint(self.seconds, recon_loss, self.steps))
            yield progress
            if self.fraction < 1 and self.fraction * self.config.validations >= self.validations + 1:
                yield self._validate(tick)
        if not self.curves.validations or self.curves.validations[-1].step != self.steps:
            yield self._validate(tick)
        tick()
        is_over, had_all = self.fraction == 1 and self.steps > 0, self.epochs >= self.config.epochs
        reason = "stopped" if not is_over else "epochs" if had_all else "time"
        assert self.best is not None
        yield Finished(reason, self.steps, self.epochs, self.seconds, self.best)

    def best_model(self) -> ConvVQVAE:
        """Return a copy of the model with the best weights so far, on the CPU and in eval mode.

        Raises
        ------
        TrainingError
            Before the first validation.
        """
        if self.best is None:
            raise TrainingError("Training has not come to its first validation yet.")
        with torch.random.fork_rng(devices=[]):  # this copy must not change the rest of the training
            model = ConvVQVAE.from_config(self.config)
        model.load_state_dict(self.best_state)
        return model.eval()

    def vocoder_network(self) -> VocoderNetwork | None:
        """Return a copy of the vocoder's network as it is now, on the CPU, in eval mode; None if it learned nothing."""
        if self.vocoder and self.vocoder.steps:
            return self.vocoder.rounded()
        return self.start.vocoder if self.start else None

    def codec_info(self) -> CodecInfo:
        """Collect the facts about the best codec so far: settings, errors, health, curves and provenance.

        The facts contain no names of clips.

        Raises
        ------
        TrainingError
            Before the first validation.
        """
        if self.best is None:
            raise TrainingError("Training has not come to its first validation yet.")
        return CodecInfo(
            config=self.config,
            mel_l1=self.best.mel_l1,
            val_mel_l1=self.best.val_mel_l1,
            levels=self.best.levels,
            usage=self.best.usage,
            curves=self.curves,
            provenance=Provenance(
                clips=len(self.clips) + len(self.held_out),
                sound_seconds=round(sum(clip.seconds for clip in (*self.clips, *self.held_out)), 3),
                training_seconds=round(self.seconds, 3),
                steps=self.steps,
                held_out=len(self.held_out),
                epochs=round(self.epochs, 3),
                device=self.device.type,
                from_base=self.config.from_base,
                from_codec=self.start.model_id if self.start else "",
            ),
        )

    @property
    def all_optimizers(self) -> list[torch.optim.Optimizer]:
        """The optimizers of the model and, at the end, that of the vocoder if it learns."""
        return [*self.optimizers, *([self.vocoder.optimizer] if self.vocoder else [])]

    def state_dict(self) -> dict[str, Any]:
        """Collect the state that :meth:`run` needs to continue, without the clips and the settings.

        Returns
        -------
        dict
            ``model``, ``best`` and ``vocoder``: tensors by name of the current model, of the best model, and of the
            vocoder. ``optimizers``: the ``state`` of the ``state_dict`` of each optimizer. ``random``: the states of
            torch's generator and of the generator of the crops. ``progress``: a :class:`TrainingState`. ``set``: a
            :class:`TrainingSet`. ``band_means``: the mean log-mel of each band of the clips, in nepers, which
            identifies the clips.
        """
        return {
            "model": self.model.state_dict(),
            "best": self.best_state,
            "vocoder": self.vocoder.network.state_dict() if self.vocoder and self.vocoder.steps else {},
            "optimizers": [optimizer.state_dict()["state"] for optimizer in self.all_optimizers],
            "random": {"torch": torch.get_rng_state(), "crops": self.sampler.generator.get_state()},
            "progress": TrainingState(
                self.steps, self.seconds, self.validations, self._validation_cost, self.curves, self.best
            ),
            "set": self._training_set(),
            "band_means": self.sampler.statistics[0],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of another trainer that was made from the same clips and settings.

        Parameters
        ----------
        state : dict
            State from :meth:`state_dict`.

        Raises
        ------
        TrainingError
            If the state belongs to other clips or other model settings.
        KeyError, RuntimeError, ValueError
            If a part of the state is missing or does not fit.
        """
        same_sound = torch.allclose(state["band_means"], self.sampler.statistics[0], atol=1e-3)
        if state["set"] != self._training_set() or not same_sound:
            raise TrainingError("This training was begun with other clips or other model settings.")
        self.model.load_state_dict(state["model"])
        self.best_state = state["best"]
        if self.vocoder and state["vocoder"]:
            self.vocoder.network.load_state_dict(state["vocoder"])
        for optimizer, saved in zip(self.all_optimizers, state["optimizers"], strict=True):
            load_optimizer_state(optimizer, saved)
        torch.set_rng_state(state["random"]["torch"])
        if self.processes.is_first:  # the other processes would draw the same crops
            self.sampler.generator.set_state(state["random"]["crops"])
        progress: TrainingState = state["progress"]
        self.steps, self.seconds, self.validations = progress.steps, progress.seconds, progress.validations
        self._validation_cost, self.curves, self.best = progress.validation_cost, progress.curves, progress.best

    def _training_set(self) -> TrainingSet:
        from_codec = self.start.model_id if self.start else ""
        frames = tuple(self.sampler.lengths.tolist())
        return TrainingSet(self.model.settings, self.config.from_base, frames, from_codec)

    def _agree_on_time(self, seconds: float) -> None:
        """Set the time and the finished share of the training: the larger of the shares by time and by epochs."""
        fraction = self.epochs / self.config.epochs
        if self.config.minutes is not None:
            # The time limit includes the last validation.
            available = max(self.config.minutes * 60 - self._validation_cost, 1e-3)
            fraction = max(fraction, seconds / available)
        self.seconds, self.fraction = self.processes.agree(seconds, min(1.0, fraction))

    def _steps(self, tick: Callable[[], None]) -> Iterator[tuple[float, float]]:
        """Make steps until the end, with as many threads as are fastest; yield the two losses of each step.

        Another number of threads changes the last bits of sums, which a training without a time limit must repeat.
        """
        may_choose = self.config.minutes is not None and self.device.type == "cpu" and self.processes.count == 1
        with ThreadChoice(torch.get_num_threads() if may_choose else 1) as threads:
            while (self.fraction < 1 or not self.steps) and not self.processes.agree(self._stop)[0]:
                with threads.step():
                    losses = self._step()
                if self.vocoder and self.is_refining:
                    self._refine_vocoder(self.vocoder)
                tick()
                yield losses

    def _step(self) -> tuple[float, float]:
        config = self.config
        for group in (group for optimizer in self.optimizers for group in optimizer.param_groups):
            group["lr"] = self.learning_rate_at(self.fraction)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            recon, mel, mask, commit_loss = self._refine() if self.is_refining else self._reconstruct()
        total, recon_loss, _ = vqvae_loss(recon, mel, commit_loss, config.commitment_weight, mask)
        self.model.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_clip)
        for optimizer in self.optimizers:
            optimizer.step()
        self.steps += 1
        return recon_loss.item(), commit_loss.item()

    def _reconstruct(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Run the whole model on a batch; return the reconstruction, the batch, its mask and the commitment loss."""
        self.model.train()
        mel, mask = (part.to(self.device) for part in self.sampler.sample(self.batch_size))
        recon, _, commit_loss = self.network(mel, mask)
        return recon, mel, mask, commit_loss

    def _refine(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Run only the decoder on the fixed codes of a batch, with rehearsal; return the same as ``_reconstruct``."""
        self.model.eval()
        self.model.decoder.train()
        rehearsed = min(max(1, round(self.batch_size * self.config.rehearsal)), self.batch_size - 1)
        if self.rehearsal and rehearsed:
            parts = [(self.sampler, self.batch_size - rehearsed), (self.rehearsal, rehearsed)]
        else:
            parts = [(self.sampler, self.batch_size)]
        coded = [
            self._latents.crops(sampler, sampler.positions(count, align=self.config.time_stride))
            for sampler, count in parts
        ]
        latent, mel, mask = (torch.cat(part) for part in zip(*coded, strict=True))
        recon = self.model.decode(latent)
        return recon, mel, mask, torch.zeros((), device=self.device)

    def _refine_vocoder(self, vocoder: VocoderTrainer) -> None:
        """Make one step of the vocoder on what the codec decodes now, if its part of the training has begun."""
        share = min(self.config.vocoder_share, self.config.refinement)
        fraction = (self.fraction - 1 + share) / share
        if fraction < 0:
            return
        self.model.eval()
        positions = self.sampler.positions(CROPS, align=self.config.time_stride)
        latent, mel, mask = self._latents.crops(self.sampler, positions)
        with torch.no_grad():
            recon = self.model.decode(latent)
        vocoder.step(*short_crops(self.sampler, positions, mel, recon, mask), fraction=fraction)

    def _validate(self, tick: Callable[[], None]) -> Validation:
        before = self.clock()
        candidate = copy.deepcopy(self.model).float().eval()
        round_weights(candidate)
        error, counts = error_and_usage(candidate, self.heard)
        val_error, _ = error_and_usage(candidate, self.held_out) if self.held_out else (None, None)
        tick()
        levels = tuple(codebook_health(counts.cpu().numpy()))
        score = error if val_error is None else val_error
        improved = self.best is None or score < (
            self.best.mel_l1 if self.best.val_mel_l1 is None else self.best.val_mel_l1
        )
        usage, warnings = tuple(map(tuple, counts.tolist())), tuple(health_warnings(levels))
        validation = Validation(self.steps, self.seconds, error, val_error, levels, usage, warnings, improved)
        if improved:
            self.best_state = {name: tensor.cpu().contiguous() for name, tensor in candidate.state_dict().items()}
            self.best = validation
        self.curves = self.curves.after(ValidationPoint(self.seconds, error, val_error, self.steps))
        self.validations += 1
        self._validation_cost = max(self._validation_cost, self.clock() - before)
        return validation
