"""Training of the vocoder's network on short crops of clips."""

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from distill.audio.logmel import LogMel
from distill.models.hearing import HearingLoss
from distill.models.persistence import round_weights
from distill.models.vocoder import VocoderNetwork
from distill.models.vqvae import ConvVQVAE
from distill.training.dataset import CropSampler, TrainingClip
from distill.training.schedule import WarmupCosine

CROPS, CROP_FRAMES = 4, 28
"""Number of crops in a step, and their length in frames (28 frames are 0.33 s)."""
EDGE_FRAMES = 2
"""Frames at both ends of a crop that do not count, because the frames around them are missing."""
TRUE_SHARE = 0.25
"""Share of crops that the network synthesizes from the log-mel of the clip instead of that of the codec."""
WARMUP = 0.05
GRADIENT_CLIP = 1.0


class VocoderTrainer:
    """Trains a network to synthesize clips from what a codec makes of their log-mels.

    From the codec's log-mels the network learns to mend what the codec blurs as well (Kim et al., "HiFi-GAN", 2020,
    sec. 4.4, fine-tune their vocoder in the same way).

    Parameters
    ----------
    network : VocoderNetwork
        Network to train in place.
    learning_rate : float
        Learning rate of AdamW at the end of the warm-up. After that it falls; see
        :class:`~distill.training.schedule.WarmupCosine`.
    """

    def __init__(self, network: VocoderNetwork, *, learning_rate: float) -> None:
        self.network = network.train().requires_grad_(True)
        self.learning_rate_at = WarmupCosine(learning_rate, WARMUP)
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, betas=(0.8, 0.95), fused=True)
        self._losses: dict[int, HearingLoss] = {}

    @property
    def steps(self) -> int:
        """Number of steps so far."""
        return next((int(averages["step"]) for averages in self.optimizer.state.values()), 0)

    def rounded(self) -> VocoderNetwork:
        """Return a copy of the network, rounded as in a file, on the CPU and in eval mode."""
        network = copy.deepcopy(self.network).cpu()
        round_weights(network)
        return network.eval()

    def step(self, log_mels: Tensor, waveforms: Tensor, first_frames: Tensor, fraction: float) -> float:
        """Make one step.

        Parameters
        ----------
        log_mels : Tensor [B, 128, T]
        waveforms : Tensor [B, T * 512]
            The sound that these log-mels stand for.
        first_frames : Tensor of int [B]
            Number of the first frame of each crop within its clip.
        fraction : float
            Finished share of the training, 0 to 1.

        Returns
        -------
        float
            Loss of this step.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate_at(fraction)
        edge = EDGE_FRAMES * LogMel.hop_length
        heard, original = self.network(log_mels, first_frames)[:, edge:-edge], waveforms[:, edge:-edge]
        loss = self._loss(heard.shape[1], heard.device)(heard, original)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_CLIP)
        self.optimizer.step()
        return loss.item()

    def _loss(self, num_samples: int, device: torch.device) -> HearingLoss:
        if num_samples not in self._losses:
            self._losses[num_samples] = HearingLoss(num_samples).to(device)
        return self._losses[num_samples]


def short_crops(
    sampler: CropSampler, positions: Sequence[tuple[int, int]], mel: Tensor, recon: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Cut a short crop at random out of each crop of clips, for :meth:`VocoderTrainer.step`.

    Parameters
    ----------
    sampler : CropSampler
        Sampler of clips whose sound is known.
    positions : sequence of (int, int)
        Clip and first frame of each crop.
    mel, recon : Tensor [B, 1, 128, T]
        Log-mels of the crops, true and as the codec decodes them.
    mask : Tensor [B, 1, 1, T]
        1 for sound, 0 for padding.

    Returns
    -------
    log_mels : Tensor [B, 128, t]
        True for a quarter of the crops, decoded for the others. Around a clip, they are silent.
    waveforms : Tensor [B, t * 512]
    first_frames : Tensor of int [B]
    """
    room, generator = mel.shape[-1], sampler.generator
    frames = min(CROP_FRAMES, room)
    recon = torch.where(mask > 0, recon, LogMel.floor)
    true = torch.rand(len(positions), generator=generator) < TRUE_SHARE
    chosen, places = [], []
    for row, (clip, start) in enumerate(positions):
        soonest = 0 if start else -EDGE_FRAMES
        offset = int(torch.randint(soonest, room - frames + 1, (), generator=generator))
        crop = (mel if true[row] else recon)[row, 0, :, max(0, offset) : offset + frames]
        chosen.append(F.pad(crop, (frames - crop.shape[1], 0), value=LogMel.floor))
        places.append((clip, start + offset))
    first_frames = torch.tensor([place for _, place in places])
    return torch.stack(chosen), sampler.sound(places, frames).to(mel.device), first_frames.to(mel.device)


def train_base_vocoder(
    model: ConvVQVAE,
    clips: Sequence[TrainingClip],
    *,
    minutes: float,
    clock: Callable[[], float] = time.monotonic,
    learning_rate: float = 1e-3,
    gain_db: float = 24.0,
    seed: int = 0,
) -> Iterator[tuple[float, float, VocoderNetwork]]:
    """Train the vocoder of the base model on its clips, for a number of minutes.

    Parameters
    ----------
    model : ConvVQVAE
        The base model, which decodes three quarters of the crops.
    clips : sequence of TrainingClip
        Clips with their sound.
    minutes : float
        Duration of the training by the clock.
    clock : callable
        Function that returns a time in seconds that never decreases.
    learning_rate : float
        As in :class:`VocoderTrainer`.
    gain_db : float
        Largest loss of level in dB. A visitor's clips may be quiet.
    seed : int
        Seed of all random choices.

    Yields
    ------
    fraction : float
        Finished share of the training, 0 to 1.
    loss : float
        Loss of the last step.
    network : VocoderNetwork
        The network, which goes on changing.
    """
    sampler = CropSampler(clips, crop_frames=64, seed=seed)
    device = next(model.parameters()).device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = VocoderNetwork()
    trainer = VocoderTrainer(network.to(device), learning_rate=learning_rate)
    began, fraction = clock(), 0.0
    while fraction < 1:
        positions = sampler.positions(4 * CROPS)
        mel, mask = (part.to(device) for part in sampler.crops(positions))
        quieter = -gain_db * torch.rand(len(positions), 1, generator=sampler.generator).to(device) / 20
        mel = (mel + math.log(10) * quieter[..., None, None]).clamp(min=LogMel.floor)
        with torch.no_grad():
            recon = model(mel, mask)[0]
        log_mels, waveforms, first_frames = short_crops(sampler, positions, mel, recon, mask)
        loss = trainer.step(log_mels, waveforms * 10**quieter, first_frames, fraction)
        fraction = min(1.0, (clock() - began) / (60 * minutes))
        yield fraction, loss, network
