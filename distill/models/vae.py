"""The continuous VAE, an older model that serves as the baseline. It shares only the log-mel with the RVQ-VAE."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from distill.training.config import Range, check_ranges

CHANNELS = (32, 64, 128, 256)


class ConvEncoder(nn.Module):
    """Encoder of log-mels [B, 1, 128, T] to posteriors: mu and logvar, each [B, latent_dim, 8, T / 16].

    T must be a multiple of 16.
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        stages, channels = [], 1
        for width in CHANNELS:
            stages += [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        self.stages = nn.Sequential(*stages)
        self.posterior = nn.Conv2d(channels, 2 * latent_dim, 1)

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        mu, logvar = self.posterior(self.stages(mel)).chunk(2, dim=1)
        return mu, logvar.clamp(-10, 10)


class ConvDecoder(nn.Module):
    """Decoder of latent maps [B, latent_dim, 8, W] to log-mels [B, 1, 128, 16 * W]."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(latent_dim, CHANNELS[-1], 1)
        stages: list[nn.Module] = []
        for channels, width in zip(CHANNELS[::-1], (*CHANNELS[-2::-1], 1), strict=True):
            stages += [nn.ConvTranspose2d(channels, width, 4, stride=2, padding=1)]
            stages += [nn.BatchNorm2d(width), nn.ReLU()] if width > 1 else []
        self.stages = nn.Sequential(*stages)

    def forward(self, latent: Tensor) -> Tensor:
        return self.stages(self.project(latent))


@dataclass(frozen=True)
class VAESettings:
    """Settings of a :class:`ConvVAE`.

    Raises
    ------
    ConfigError
        On construction, if a setting is out of its range.
    """

    latent_dim: Annotated[int, Range(1, 512)] = 32
    """Number of channels of the latent map."""

    def __post_init__(self) -> None:
        check_ranges(self)


class ConvVAE(nn.Module):
    """Convolutional variational autoencoder over log-mels (Kingma & Welling, 2013).

    Parameters
    ----------
    latent_dim : int
        Number of channels of the latent map, 1 to 512.

    Raises
    ------
    ConfigError
        If ``latent_dim`` is out of its range.

    Examples
    --------
    >>> import torch
    >>> recon, mu, logvar = ConvVAE()(torch.randn(2, 1, 128, 40))
    >>> recon.shape, mu.shape == logvar.shape
    (torch.Size([2, 1, 128, 40]), True)
    """

    def __init__(self, latent_dim: int = 32) -> None:
        super().__init__()
        self.settings = VAESettings(latent_dim)
        self.encoder, self.decoder = ConvEncoder(latent_dim), ConvDecoder(latent_dim)

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, sample the posterior, and decode. In eval mode the mean of the posterior replaces the sample.

        Parameters
        ----------
        mel : Tensor [B, 1, 128, T]
            Natural-log mel spectrogram, any T >= 1.

        Returns
        -------
        recon : Tensor [B, 1, 128, T]
        mu, logvar : Tensor [B, latent_dim, 8, ceil(T / 16)]
        """
        frames = mel.shape[-1]
        mu, logvar = self.encoder(F.pad(mel, (0, -frames % 16, 0, 0), mode="replicate"))
        latent = mu + torch.randn_like(mu) * (0.5 * logvar).exp() if self.training else mu
        return self.decoder(latent)[..., :frames], mu, logvar
