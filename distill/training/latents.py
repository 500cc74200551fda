"""The latent maps of clips while the encoder and the codebooks of a model are frozen."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from distill.models.vqvae import ConvVQVAE
from distill.training.dataset import CropSampler


class Latents:
    """Quantized latent maps of clips. Each one is computed once and stored.

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
        latents = [self._map(sampler, clip)[..., start // stride :][..., :width] for clip, start in positions]
        return torch.stack(latents).contiguous(memory_format=torch.channels_last), mel, mask

    @torch.no_grad()
    def _map(self, sampler: CropSampler, clip: int) -> Tensor:
        """Return the latent map [D, 8, columns] of a clip, padded with zeros to the length of a crop."""
        if (sampler, clip) not in self._maps:
            device = self._model.mel_mean.device
            mel = sampler.padded[clip][None, None, :, : int(sampler.lengths[clip])].to(device)
            with torch.autocast(device.type, enabled=False):
                latent = self._model.quantize(self._model.encode(mel))[0][0]
            missing = sampler.crop_frames // self._model.settings.time_stride - latent.shape[-1]
            self._maps[sampler, clip] = F.pad(latent, (0, max(0, missing)))
        return self._maps[sampler, clip]
