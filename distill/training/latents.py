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
            latents = [self._part(sampler.clips[clip], start // stride, width) for clip, start in positions]
        return torch.stack(latents).contiguous(memory_format=torch.channels_last), mel, mask

    @torch.no_grad()
    def _map(self, sampler: CropSampler, clip: int) -> Tensor:
        """Return the latent map [D, 8, columns] of a clip, padded with zeros to the length of a crop."""
        if (sampler, clip) not in self._maps:
            latent = self._quantized(sampler.clips[clip].log_mel)
            missing = sampler.crop_frames // self._model.settings.time_stride - latent.shape[-1]
            self._maps[sampler, clip] = F.pad(latent, (0, max(0, missing)))
        return self._maps[sampler, clip]

    @torch.no_grad()
    def _part(self, clip: TrainingClip, first: int, width: int) -> Tensor:
        """Compute the latent map [D, 8, width] of some columns of a clip, with zeros after its end."""
        stride, (before, after) = self._model.settings.time_stride, self._reach
        begin = max(0, first - before)
        latent = self._quantized(clip.mel_between(begin * stride, (first + width + after) * stride))
        latent = latent[..., first - begin :][..., :width]
        return F.pad(latent, (0, width - latent.shape[-1]))

    def _quantized(self, log_mel: Tensor) -> Tensor:
        """Encode and quantize a log-mel [128, frames]."""
        mel = log_mel[None, None].to(self._model.mel_mean.device)
        with torch.autocast(mel.device.type, enabled=False):
            return self._model.quantize(self._model.encode(mel))[0][0]

    @cached_property
    def _reach(self) -> tuple[int, int]:
        return encoder_reach(self._model)
