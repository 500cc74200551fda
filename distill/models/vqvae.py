"""The RVQ-VAE: log-mel to a grid of residual codes and back.

The shapes follow two rules, measured on two CPU cores: a weight costs least where the map is smallest, and upsampling
wants width more than depth. So the outer stages only change resolution, the residual blocks sit at 1/16, and the
decoder is the wider of the two.
"""

from dataclasses import fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from vector_quantize_pytorch import ResidualVQ

from distill.audio.logmel import N_MELS, LogMel
from distill.training.config import ModelSettings

STRIDE = 16
ROWS = N_MELS // STRIDE


class ResidualBlock(nn.Module):
    """Two convolutions beside a skip connection (He et al., 2016), starting as the identity.

    Parameters
    ----------
    channels : int
    time_kernel : int
        How many positions in time the first convolution spans; in frequency both span 3.
    """

    def __init__(self, channels: int, time_kernel: int) -> None:
        super().__init__()
        last_norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(last_norm.weight)
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, (3, time_kernel), padding=(1, time_kernel // 2), bias=False),
            nn.BatchNorm2d(channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, (3, 1), padding=(1, 0), bias=False),
            last_norm,
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(x + self.body(x))


class BandBias(nn.Module):
    """A learned vector for each frequency row: tells a convolution, which is blind to position, how high it is."""

    def __init__(self, channels: int, rows: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.randn(1, channels, rows, 1) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias.to(x.dtype)


def _activation(channels: int, rows: int) -> list[nn.Module]:
    """What follows a change of resolution; at half resolution, where each pass over the map costs most, the least."""
    if rows == N_MELS // 2:
        return [nn.SiLU()]
    return [BandBias(channels, rows), nn.BatchNorm2d(channels), nn.SiLU()]


class VQEncoder(nn.Module):
    """Four strided stages: [B, 1, 128, T], T a multiple of 16, to [B, codebook_dim, 8, T / 16].

    Parameters
    ----------
    codebook_dim : int
        Channels of the latent map.
    channels : tuple of int
        Channels after each stage.
    blocks : tuple of int
        Residual blocks after each stage.

    Examples
    --------
    >>> VQEncoder(codebook_dim=32)(torch.zeros(1, 1, 128, 48)).shape
    torch.Size([1, 32, 8, 3])
    """

    def __init__(
        self,
        codebook_dim: int = 128,
        channels: tuple[int, int, int, int] = (16, 32, 64, 128),
        blocks: tuple[int, int, int, int] = (0, 0, 0, 1),
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for stage, (before, after) in enumerate(zip((1, *channels[:-1]), channels, strict=True)):
            stages += [nn.Conv2d(before, after, 4, stride=2, padding=1), *_activation(after, N_MELS >> (stage + 1))]
            stages += [ResidualBlock(after, 3) for _ in range(blocks[stage])]
        self.stages = nn.Sequential(*stages, nn.Conv2d(channels[-1], codebook_dim, 1))

    def forward(self, mel: Tensor) -> Tensor:
        return self.stages(mel)


class VQDecoder(nn.Module):
    """The encoder's mirror: [B, codebook_dim, 8, W] to [B, 1, 128, 16 * W].

    Its residual blocks mix frequencies but not moments: only the upsampling looks sideways in time, so an edited code
    is heard where it stands, and a part of a clip can be decoded by itself. It costs no quality that could be measured.

    Parameters
    ----------
    codebook_dim : int
        Channels of the latent map.
    channels : tuple of int
        Channels before each stage.
    blocks : tuple of int
        Residual blocks before each stage.
    dropout : float
        Share of latent channels dropped in training.

    Examples
    --------
    >>> VQDecoder(codebook_dim=32)(torch.zeros(1, 32, 8, 3)).shape
    torch.Size([1, 1, 128, 48])
    """

    def __init__(
        self,
        codebook_dim: int = 128,
        channels: tuple[int, int, int, int] = (256, 96, 48, 24),
        blocks: tuple[int, int, int, int] = (1, 0, 0, 0),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = [nn.Dropout2d(dropout), nn.Conv2d(codebook_dim, channels[0], 1)]
        for stage, (before, after) in enumerate(zip(channels, (*channels[1:], 1), strict=True)):
            stages += _activation(before, ROWS << stage)
            stages += [ResidualBlock(before, 1) for _ in range(blocks[stage])]
            stages += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)]
        self.stages = nn.Sequential(*stages)

    def forward(self, latent: Tensor) -> Tensor:
        return self.stages(latent)


class QuantizerWrapper(nn.Module):
    """``ResidualVQ`` over the cells of a latent map, and counts of how often each code was used.

    Zeghidour et al., "SoundStream", 2021, algorithm 1. Each codebook is set by k-means on its first batch, follows
    its cells by exponential moving averages, and has dead codes moved to cells of the batch.

    Parameters
    ----------
    codebook_dim, codebook_size, num_quantizers, decay, threshold_ema_dead_code, level_dropout
        As in :class:`~distill.training.config.ModelSettings`.

    Examples
    --------
    >>> quantizer = QuantizerWrapper(codebook_dim=4, codebook_size=8, num_quantizers=2)
    >>> quantized, indices, commit_loss = quantizer(torch.randn(1, 4, 8, 3))
    >>> quantized.shape, indices.shape, quantizer.usage(indices).sum(dim=1)
    (torch.Size([1, 4, 8, 3]), torch.Size([1, 24, 2]), tensor([24, 24]))
    """

    def __init__(
        self,
        codebook_dim: int,
        codebook_size: int,
        num_quantizers: int,
        decay: float = 0.8,
        threshold_ema_dead_code: int = 2,
        level_dropout: bool = False,
    ) -> None:
        super().__init__()
        self.rvq = ResidualVQ(
            dim=codebook_dim,
            codebook_size=codebook_size,
            num_quantizers=num_quantizers,
            decay=decay,
            kmeans_init=True,
            kmeans_iters=10,
            threshold_ema_dead_code=threshold_ema_dead_code,
            quantize_dropout=level_dropout,
            commitment_weight=1.0,  # the one commitment weight is vqvae_loss's
            rotation_trick=False,  # straight-through gradients train as well here, in a tenth less time
        )

    def forward(self, latent: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Replace each cell's vector by a sum of codes.

        Parameters
        ----------
        latent : Tensor [B, D, H, W]
        mask : Tensor of bool [B, W], optional
            False for columns of padding: they train no code and cost nothing.

        Returns
        -------
        quantized : Tensor [B, D, H, W]
        indices : Tensor of int64 [B, H * W, levels]
            -1 where masked.
        commit_loss : Tensor, scalar
            Sum over the levels of the mean squared distance of cells from their codes; 0 in eval mode.
        """
        batch, dim, height, width = latent.shape
        cells = latent.permute(0, 2, 3, 1).reshape(batch, height * width, dim)
        if mask is not None:
            mask = mask[:, None, :].expand(batch, height, width).reshape(batch, height * width)
        quantized, indices, commit_losses = self.rvq(cells, mask=mask)
        return self._to_map(quantized, height), indices, commit_losses.sum()

    def embed(self, indices: Tensor, height: int = ROWS) -> Tensor:
        """Sum of the codes [B, D, height, W] at indices [B, height * W, levels]; an index of -1 adds nothing."""
        return self._to_map(self.rvq.get_output_from_indices(indices), height)

    def usage(self, indices: Tensor) -> Tensor:
        """How often each code occurs: indices [..., levels] to counts [levels, codebook_size]; -1 is not counted."""
        flat = indices.reshape(-1, indices.shape[-1]).T
        size = self.rvq.codebook_size
        return torch.stack([torch.bincount(level[level >= 0], minlength=size) for level in flat])

    @property
    def codebooks(self) -> Tensor:
        """All entries [levels, codebook_size, D]."""
        return self.rvq.codebooks

    @staticmethod
    def _to_map(cells: Tensor, height: int) -> Tensor:
        batch, count, dim = cells.shape
        return cells.reshape(batch, height, count // height, dim).permute(0, 3, 1, 2)


def columns_of_sound(mask: Tensor) -> Tensor:
    """Which columns hold any sound: a mask [B, 1, 1, T] of frames, 1 for sound, to bool [B, ceil(T / 16)]."""
    return F.max_pool1d(mask[:, :, 0], STRIDE, ceil_mode=True)[:, 0] > 0


class ConvVQVAE(nn.Module):
    """Residual vector-quantized autoencoder over log-mels.

    The arguments are the fields of :class:`~distill.training.config.ModelSettings`, which says for each of them what
    it does and what range it has.

    Attributes
    ----------
    settings : ModelSettings
        The arguments that the model was made with.
    mel_mean, mel_std : Tensor [1, 1, 128, 1]
        Mean and standard deviation of each band's log-mel, in nepers.

    Raises
    ------
    ConfigError
        (a ``ValueError``) if an argument is out of its range.

    Examples
    --------
    >>> model = ConvVQVAE(codebook_dim=32, codebook_size=16)
    >>> recon, indices, commit_loss = model(torch.randn(2, 1, 128, 40))
    >>> recon.shape, indices.shape, commit_loss.shape  # 8 rows by 3 columns are 24 cells
    (torch.Size([2, 1, 128, 40]), torch.Size([2, 24, 3]), torch.Size([]))
    """

    mel_mean: Tensor
    mel_std: Tensor

    def __init__(
        self,
        codebook_dim: int = 128,
        codebook_size: int = 64,
        num_quantizers: int = 3,
        decay: float = 0.8,
        commitment_weight: float = 0.25,
        threshold_ema_dead_code: int = 2,
        dropout: float = 0.2,
        level_dropout: bool = False,
    ) -> None:
        super().__init__()
        self.settings = ModelSettings(
            codebook_dim, codebook_size, num_quantizers, decay, commitment_weight, threshold_ema_dead_code, dropout,
            level_dropout,
        )  # fmt: skip
        self.codebook_dim, self.codebook_size, self.num_levels = codebook_dim, codebook_size, num_quantizers
        self.commitment_weight = commitment_weight
        self.encoder = VQEncoder(codebook_dim)
        self.quantizer = QuantizerWrapper(
            codebook_dim, codebook_size, num_quantizers, decay, threshold_ema_dead_code, level_dropout
        )
        self.decoder = VQDecoder(codebook_dim, dropout=dropout)
        self.register_buffer("mel_mean", torch.zeros(1, 1, N_MELS, 1))
        self.register_buffer("mel_std", torch.ones(1, 1, N_MELS, 1))

    @classmethod
    def from_config(cls, config: ModelSettings) -> "ConvVQVAE":
        """The model that a config describes."""
        return cls(**{setting.name: getattr(config, setting.name) for setting in fields(ModelSettings)})

    def forward(self, mel: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, quantize, decode.

        Parameters
        ----------
        mel : Tensor [B, 1, 128, T]
            Natural-log mel spectrogram, any T >= 1.
        mask : Tensor [B, 1, 1, T], optional
            1 for sound, 0 for padding; columns that are all padding stay out of the codebooks.

        Returns
        -------
        recon : Tensor [B, 1, 128, T]
        indices : Tensor of int64 [B, 8 * ceil(T / 16), levels]
        commit_loss : Tensor, scalar
            Unweighted; 0 in eval mode.
        """
        columns = None if mask is None else columns_of_sound(mask)
        quantized, indices, commit_loss = self.quantize(self.encode(mel), columns)
        return self.decode(quantized, mel.shape[-1]), indices, commit_loss

    def encode(self, mel: Tensor) -> Tensor:
        """Log-mel [B, 1, 128, T] to latent map [B, codebook_dim, 8, ceil(T / 16)]; the last column is completed by
        silence."""
        padded = F.pad(mel, (0, -mel.shape[-1] % STRIDE), value=LogMel.floor)
        return self.encoder((padded - self.mel_mean) / self.mel_std)

    def quantize(self, latent: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Latent map to quantized map, indices and commitment loss; see :class:`QuantizerWrapper`."""
        return self.quantizer(latent.float(), mask)

    def decode(self, quantized: Tensor, num_frames: int | None = None) -> Tensor:
        """Latent map [B, codebook_dim, 8, W] to log-mel [B, 1, 128, num_frames], by default all ``16 * W`` frames."""
        return (self.decoder(quantized).float() * self.mel_std + self.mel_mean)[..., :num_frames]

    def codes_to_embeddings(self, indices: Tensor) -> Tensor:
        """Indices [B, 8 * W, levels] to latent map [B, codebook_dim, 8, W]; an index of -1 leaves its level out."""
        return self.quantizer.embed(indices)

    def set_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Take over the mean and standard deviation [128] of each band's log-mel, by which the network is scaled."""
        self.mel_mean.copy_(mean.view(1, 1, -1, 1))
        self.mel_std.copy_(std.view(1, 1, -1, 1))
