"""The RVQ-VAE: encodes a log-mel to a grid of residual codes and decodes a grid to a log-mel.

Two results measured on two CPU cores determine the shapes. A weight costs the least time where the feature map is
smallest, and upsampling gains more from width than from depth. So the outer stages only change the resolution, the
residual blocks are at 1/16 of the resolution, and the decoder is wider than the encoder.
"""

from dataclasses import fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from vector_quantize_pytorch import ResidualVQ

from distill.audio.logmel import N_MELS, LogMel
from distill.training.config import ModelSettings

STRIDE = 16
"""Mel bands per row of the grid, and frames per column unless the time stride is finer."""
ROWS = N_MELS // STRIDE


class ResidualBlock(nn.Module):
    """Two convolutions with a skip connection (He et al., 2016). The block starts as the identity.

    Parameters
    ----------
    channels : int
        Number of channels of the input and of the output.
    time_kernel : int
        Kernel size of the first convolution in time, an odd number. The second has size 1 in time; both have size 3 in
        frequency.
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
    """A learned bias for each frequency row. A convolution alone does not know the frequency of a row."""

    def __init__(self, channels: int, rows: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.randn(1, channels, rows, 1) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias.to(x.dtype)


def _time_steps(time_stride: int) -> list[int]:
    """Return the stride in time of each stage of the encoder: 2, or 1 for the last ones if the columns are short."""
    return [2 if (2 << stage) <= time_stride else 1 for stage in range(4)]


def _activation(channels: int, rows: int) -> list[nn.Module]:
    """Return the layers after a change of resolution: only a SiLU at half resolution, where each layer is slowest."""
    if rows == N_MELS // 2:
        return [nn.SiLU()]
    return [BandBias(channels, rows), nn.BatchNorm2d(channels), nn.SiLU()]


class VQEncoder(nn.Module):
    """Encoder of four strided stages: [B, 1, 128, T] to [B, codebook_dim, 8, T / time_stride].

    T must be a multiple of ``time_stride``. With a time stride of 8, the last stage strides in frequency only; with 4,
    the last two stages do.

    Parameters
    ----------
    codebook_dim : int
        Number of channels of the latent map.
    channels : tuple of int
        Number of channels after each stage.
    blocks : tuple of int
        Number of residual blocks after each stage.
    time_stride : int
        Number of frames per column: 16, 8 or 4.

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
        time_stride: int = 16,
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for stage, (before, after) in enumerate(zip((1, *channels[:-1]), channels, strict=True)):
            step = _time_steps(time_stride)[stage]
            stages += [nn.Conv2d(before, after, (4, 2 + step), stride=(2, step), padding=1)]
            stages += _activation(after, N_MELS >> (stage + 1))
            stages += [ResidualBlock(after, 3) for _ in range(blocks[stage])]
        self.stages = nn.Sequential(*stages, nn.Conv2d(channels[-1], codebook_dim, 1))

    def forward(self, mel: Tensor) -> Tensor:
        return self.stages(mel)


class VQDecoder(nn.Module):
    """Decoder of four upsampling stages: [B, codebook_dim, 8, W] to [B, 1, 128, time_stride * W].

    The residual blocks mix frequencies but not columns. Only the upsampling mixes neighbouring columns. So an edited
    code changes the sound only near its own column, and a part of a clip can be decoded by itself. No loss of quality
    was measured.

    Parameters
    ----------
    codebook_dim : int
        Number of channels of the latent map.
    channels : tuple of int
        Number of channels before each stage.
    blocks : tuple of int
        Number of residual blocks before each stage.
    dropout : float
        Share of latent channels dropped in training, 0 to 0.9.
    time_stride : int
        Number of frames per column: 16, 8 or 4. With 8, the first stage upsamples in frequency only, and with 4 the
        first two. These stages do not mix columns either. With kernels three columns wide, the error at a stride of 4
        was 4 to 6 % smaller after as many steps, each a sixth slower, but an edit reached 11 frames far instead of 3.

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
        time_stride: int = 16,
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = [nn.Dropout2d(dropout), nn.Conv2d(codebook_dim, channels[0], 1)]
        steps = _time_steps(time_stride)[::-1]
        for stage, (before, after) in enumerate(zip(channels, (*channels[1:], 1), strict=True)):
            stages += _activation(before, ROWS << stage)
            stages += [ResidualBlock(before, 1) for _ in range(blocks[stage])]
            step = steps[stage]
            stages += [nn.ConvTranspose2d(before, after, (4, 3 * step - 2), stride=(2, step), padding=(1, step - 1))]
        self.stages = nn.Sequential(*stages)

    def forward(self, latent: Tensor) -> Tensor:
        return self.stages(latent)


class QuantizerWrapper(nn.Module):
    """Residual vector quantizer of the cells of a latent map, which also counts the use of each code.

    Zeghidour et al., "SoundStream", 2021, algorithm 1. K-means on the first batch initializes each codebook. After
    that, exponential moving averages of the cells update the codebook, and dead codes move to cells of the batch.

    Parameters
    ----------
    codebook_dim, codebook_size, num_quantizers, decay, threshold_ema_dead_code, level_dropout
        See :class:`~distill.training.config.ModelSettings`.

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
            commitment_weight=1.0,  # vqvae_loss alone applies the commitment weight
            rotation_trick=False,  # straight-through gradients train as well, in 10 % less time
        )

    def forward(self, latent: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Replace the vector of each cell by a sum of codebook entries.

        Parameters
        ----------
        latent : Tensor [B, D, H, W]
        mask : Tensor of bool [B, W], optional
            False for columns of padding. These columns change no codebook and add nothing to the loss.

        Returns
        -------
        quantized : Tensor [B, D, H, W]
        indices : Tensor of int64 [B, H * W, levels]
            Codes; -1 where masked.
        commit_loss : Tensor, scalar
            Mean squared distance of the cells from their codebook entries, summed over the levels; 0 in eval mode.
        """
        batch, dim, height, width = latent.shape
        cells = latent.permute(0, 2, 3, 1).reshape(batch, height * width, dim)
        if mask is not None:
            mask = mask[:, None, :].expand(batch, height, width).reshape(batch, height * width)
        quantized, indices, commit_losses = self.rvq(cells, mask=mask)
        return self._to_map(quantized, height), indices, commit_losses.sum()

    def embed(self, indices: Tensor, height: int = ROWS) -> Tensor:
        """Sum the codebook entries of indices [B, height * W, levels] to a map [B, D, height, W]; -1 adds nothing."""
        return self._to_map(self.rvq.get_output_from_indices(indices), height)

    def usage(self, indices: Tensor) -> Tensor:
        """Count each code in indices [..., levels]: counts [levels, codebook_size]. An index of -1 is not counted."""
        flat = indices.reshape(-1, indices.shape[-1]).T
        size = self.rvq.codebook_size
        return torch.stack([torch.bincount(level[level >= 0], minlength=size) for level in flat])

    @property
    def codebooks(self) -> Tensor:
        """Codebook entries [levels, codebook_size, D]."""
        return self.rvq.codebooks

    @staticmethod
    def _to_map(cells: Tensor, height: int) -> Tensor:
        batch, count, dim = cells.shape
        return cells.reshape(batch, height, count // height, dim).permute(0, 3, 1, 2)


def columns_of_sound(mask: Tensor, time_stride: int) -> Tensor:
    """Find the columns with any sound: from a frame mask [B, 1, 1, T], 1 for sound, to bool [B, ceil(T / stride)]."""
    return F.max_pool1d(mask[:, :, 0], time_stride, ceil_mode=True)[:, 0] > 0


class ConvVQVAE(nn.Module):
    """Residual vector-quantized autoencoder over log-mels.

    The arguments are the fields of :class:`~distill.training.config.ModelSettings`. That class documents the meaning
    and the range of each argument.

    Attributes
    ----------
    settings : ModelSettings
        Arguments of the constructor.
    mel_mean, mel_std : Tensor [1, 1, 128, 1]
        Mean and standard deviation of the log-mel of each band, in nepers.

    Raises
    ------
    ConfigError
        If an argument is out of its range. A ``ConfigError`` is a ``ValueError``.

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
        time_stride: int = 16,
    ) -> None:
        super().__init__()
        self.settings = ModelSettings(
            codebook_dim, codebook_size, num_quantizers, decay, commitment_weight, threshold_ema_dead_code, dropout,
            level_dropout, time_stride,
        )  # fmt: skip
        self.codebook_dim, self.codebook_size, self.num_levels = codebook_dim, codebook_size, num_quantizers
        self.commitment_weight, self.time_stride = commitment_weight, time_stride
        self.encoder = VQEncoder(codebook_dim, time_stride=time_stride)
        self.quantizer = QuantizerWrapper(
            codebook_dim, codebook_size, num_quantizers, decay, threshold_ema_dead_code, level_dropout
        )
        self.decoder = VQDecoder(codebook_dim, dropout=dropout, time_stride=time_stride)
        self.register_buffer("mel_mean", torch.zeros(1, 1, N_MELS, 1))
        self.register_buffer("mel_std", torch.ones(1, 1, N_MELS, 1))

    @classmethod
    def from_config(cls, config: ModelSettings) -> "ConvVQVAE":
        """Make a model from the settings in a config."""
        return cls(**{setting.name: getattr(config, setting.name) for setting in fields(ModelSettings)})

    def forward(self, mel: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, quantize, decode.

        Parameters
        ----------
        mel : Tensor [B, 1, 128, T]
            Natural-log mel spectrogram, any T >= 1.
        mask : Tensor [B, 1, 1, T], optional
            1 for sound, 0 for padding. Columns without sound change no codebook.

        Returns
        -------
        recon : Tensor [B, 1, 128, T]
        indices : Tensor of int64 [B, 8 * ceil(T / time_stride), levels]
            Codes; -1 in columns without sound.
        commit_loss : Tensor, scalar
            Unweighted commitment loss; 0 in eval mode.
        """
        columns = None if mask is None else columns_of_sound(mask, self.time_stride)
        quantized, indices, commit_loss = self.quantize(self.encode(mel), columns)
        return self.decode(quantized, mel.shape[-1]), indices, commit_loss

    def encode(self, mel: Tensor) -> Tensor:
        """Encode a log-mel [B, 1, 128, T] to a latent map [B, codebook_dim, 8, ceil(T / time_stride)].

        Silence fills the rest of the last column.
        """
        padded = F.pad(mel, (0, -mel.shape[-1] % self.time_stride), value=LogMel.floor)
        return self.encoder((padded - self.mel_mean) / self.mel_std)

    def quantize(self, latent: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Quantize a latent map: return the quantized map, the indices and the commitment loss.

        See :meth:`QuantizerWrapper.forward`.
        """
        return self.quantizer(latent.float(), mask)

    def decode(self, quantized: Tensor, num_frames: int | None = None) -> Tensor:
        """Decode a latent map [B, codebook_dim, 8, W] to a log-mel [B, 1, 128, num_frames].

        By default, all ``time_stride * W`` frames are returned.
        """
        return (self.decoder(quantized).float() * self.mel_std + self.mel_mean)[..., :num_frames]

    def codes_to_embeddings(self, indices: Tensor) -> Tensor:
        """Turn indices [B, 8 * W, levels] into a latent map [B, codebook_dim, 8, W]; an index of -1 adds nothing."""
        return self.quantizer.embed(indices)

    def set_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Set the mean and standard deviation [128] of the log-mel of each band. They scale input and output."""
        self.mel_mean.copy_(mean.view(1, 1, -1, 1))
        self.mel_std.copy_(std.view(1, 1, -1, 1))


@torch.no_grad()
def encoder_reach(model: ConvVQVAE) -> tuple[int, int]:
    """Measure how many columns before and after a column its codes depend on: a NaN in one column spreads so far."""
    middle, width, stride = 8, 17, model.time_stride
    log_mel = torch.zeros(1, 1, N_MELS, width * stride, device=model.mel_mean.device)
    log_mel[..., middle * stride : (middle + 1) * stride] = torch.nan
    touched = model.encode(log_mel)[0].isnan().any(dim=0).any(dim=0).nonzero().flatten()
    return int(touched[-1]) - middle, middle - int(touched[0])
