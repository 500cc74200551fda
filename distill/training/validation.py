"""The error of a model on whole clips, during its training."""

from collections.abc import Sequence

import torch
from torch import Tensor

from distill.audio.logmel import HOP_LENGTH, SAMPLE_RATE
from distill.models.losses import mel_l1
from distill.models.vqvae import ConvVQVAE
from distill.training.dataset import TrainingClip

MOST_FRAMES = 180 * SAMPLE_RATE // HOP_LENGTH
"""Largest number of frames of clips that are heard: three minutes of sound."""


@torch.no_grad()
def error_and_usage(model: ConvVQVAE, clips: Sequence[TrainingClip]) -> tuple[float, Tensor]:
    """Reconstruct up to three minutes of clips.

    Parameters
    ----------
    model : ConvVQVAE
        Model in eval mode.
    clips : sequence of TrainingClip
        At least one clip.

    Returns
    -------
    error : float
        Mean absolute log-mel difference, in nepers.
    usage : Tensor of int [levels, codebook_size]
        Counts of each code.
    """
    error, frames, counts = 0.0, 0, torch.zeros((), dtype=torch.int64)
    for clip in clips:
        mel = clip.log_mel[None, None, :, : MOST_FRAMES - frames].to(model.mel_mean.device)
        recon, indices, _ = model(mel)
        error += mel_l1(recon, mel).item() * mel.shape[-1]
        counts = counts + model.quantizer.usage(indices).cpu()
        frames += mel.shape[-1]
        if frames >= MOST_FRAMES:
            break
    return error / frames, counts
