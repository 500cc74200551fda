"""The reference of the benchmark: a plain four-stage network with a plain training loss."""

import torch.nn.functional as F
from torch import Tensor, nn
from vector_quantize_pytorch import ResidualVQ

CHANNELS = (32, 64, 128, 256)
CODEBOOK_DIM = 128


class PlainVQVAE(nn.Module):
    """A residual VQ-VAE: convolution, BatchNorm and ReLU, in four stages down and four stages up; 1.1 million weights.

    Parameters
    ----------
    codebook_size : int
        Number of entries in each codebook.
    levels : int
        Number of residual codebooks.
    """

    def __init__(self, codebook_size: int = 64, levels: int = 3) -> None:
        super().__init__()
        down: list[nn.Module] = []
        for before, after in zip((1, *CHANNELS[:-1]), CHANNELS, strict=True):
            down += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        up: list[nn.Module] = [nn.Conv2d(CODEBOOK_DIM, CHANNELS[-1], 1)]
        for before, after in zip(CHANNELS[::-1], (*CHANNELS[-2::-1], 1), strict=True):
            up += [nn.BatchNorm2d(before), nn.ReLU(), nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)]
        self.encoder = nn.Sequential(*down, nn.Conv2d(CHANNELS[-1], CODEBOOK_DIM, 1))
        self.quantizer = ResidualVQ(
            dim=CODEBOOK_DIM,
            num_quantizers=levels,
            codebook_size=codebook_size,
            kmeans_init=True,
            threshold_ema_dead_code=2,
            commitment_weight=0.25,
        )
        self.decoder = nn.Sequential(*up)

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Return the reconstruction of log-mels [B, 1, 128, T], and the weighted commitment loss."""
        frames = mel.shape[-1]
        # Log-mels are between -11.5 and about 5; this brings them near the unit scale for which weights start.
        latent = self.encoder((F.pad(mel, (0, -frames % 16, 0, 0), mode="replicate") + 5) / 4)
        batch, dim, height, width = latent.shape
        cells = latent.permute(0, 2, 3, 1).reshape(batch, height * width, dim)
        quantized, _, commit_losses = self.quantizer(cells)
        decoded = self.decoder(quantized.reshape(batch, height, width, dim).permute(0, 3, 1, 2))
        return decoded[..., :frames] * 4 - 5, commit_losses.sum()


def plain_loss(model: PlainVQVAE, mel: Tensor) -> Tensor:
    """Sum of the mean squared error, the mean absolute error and the commitment loss."""
    recon, commitment = model(mel)
    return F.mse_loss(recon, mel) + F.l1_loss(recon, mel) + commitment
