"""The latent maps of clips while the encoder and the codebooks of a model are frozen."""

from collections.abc import Sequence
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from distill.models.vqvae import ConvVQVAE, encoder_reach
from distill.training.dataset import CropSampler, TrainingClip


class Latents:
    """Quantized latent maps of clips. Each one is computed once and stored.

    Of sets of more than two hours, whose maps would fill the memory, nothing is stored: the latent map of each crop is
    computed from the crop and the frames around it on which its codes depend.

    Parameters
    ----------
    model : ConvVQVAE
        Model whose encoder and codebooks do not change any more once a map has been computed.
    """

    def __init__(self, model: ConvVQVAE) -> None:
        self._model = model
        self._maps: dict[tuple[CropSampler, int], Tensor] = {}

    def crops(self, sampler: CropSampler, positions: Sequence[tuple[int, int]]) -> tuple[Tensor, Tensor, Tensor]:
        """Cut the crops at some positions out of clips and out of their latent maps.

        Returns
        -------
        latent : Tensor [B, D, 8, columns]
            In the memory format "channels last".
        mel : Tensor [B, 1, 128, frames]
        mask : Tensor [B, 1, 1, frames]
            1 for sound, 0 for padding.
        """
        device = self._model.mel_mean.device
        mel, mask = (part.to(device) for part in sampler.crops(positions))
        stride = self._model.settings.time_stride
        width = sampler.crop_frames // stride
        if sampler.is_whole:
            latents = [self._map(sampler, clip)[..., start // stride :][..., :width] for clip, start in positions]
        else:
            latents = self._parts([(sampler.clips[clip], start // stride) for clip, start in positions], width)
        return torch.stack(latents).contiguous(memory_format=torch.channels_last), mel, mask

    @torch.no_grad()
    def _map(self, sampler: CropSampler, clip: int) -> Tensor:
        """Return the latent map [D, 8, columns] of a clip, padded with zeros to the length of a crop."""
        if (sampler, clip) not in self._maps:
            latent = self._quantized(sampler.clips[clip].log_mel[None])[0]
            missing = sampler.crop_frames // self._model.settings.time_stride - latent.shape[-1]
            self._maps[sampler, clip] = F.pad(latent, (0, max(0, missing)))
        return self._maps[sampler, clip]

    @torch.no_grad()
    def _parts(self, places: Sequence[tuple[TrainingClip, int]], width: int) -> list[Tensor]:
        """Compute the latent maps [D, 8, width] from a first column of clips on, with zeros after their ends."""
        stride, (before, after) = self._model.settings.time_stride, self._reach
        begins = [max(0, first - before) for _, first in places]
        mels = [
            clip.mel_between(begin * stride, (first + width + after) * stride)
            for (clip, first), begin in zip(places, begins, strict=True)
        ]
        parts = dict[int, Tensor]()
        for length in {mel.shape[1] for mel in mels}:  # those of equal length are encoded together
            alike = [number for number, mel in enumerate(mels) if mel.shape[1] == length]
            parts |= zip(alike, self._quantized(torch.stack([mels[number] for number in alike])), strict=True)
        latents = [parts[n][..., first - begins[n] :][..., :width] for n, (_, first) in enumerate(places)]
        return [F.pad(latent, (0, width - latent.shape[-1])) for latent in latents]

    def _quantized(self, log_mels: Tensor) -> Tensor:
        """Encode and quantize log-mels [B, 128, frames] of equal length."""
        mel = log_mels[:, None].to(self._model.mel_mean.device)
        with torch.autocast(mel.device.type, enabled=False):
            return self._model.quantize(self._model.encode(mel))[0]

    @cached_property
    def _reach(self) -> tuple[int, int]:
        return encoder_reach(self._model)
