"""The vocoder of Distill: a network that draws a short-time Fourier spectrum for each frame of a log-mel."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from distill.audio.logmel import HOP_LENGTH, N_MELS, LogMel
from distill.audio.vocoder import Vocoder
from distill.training.config import Range, check_ranges

KERNEL = 7
"""Frames that a convolution sees."""
NOISE_FRAMES = 256
"""Frames after which the noise repeats (3 s)."""
LOUDEST = 7.0
"""Largest log magnitude of a bin. A full-scale sine reaches 6.2."""
BIN_LEVEL = 3.07
"""Log magnitude of a bin less that of its band: the filter of a band sums to 0.046."""
NOISE_LEVEL = -1.5
"""Log level of the noise before the network is trained, relative to the rest."""
SILENT_FRAMES = 4
"""Frames of silence that the vocoder adds before and after a clip."""


@dataclass(frozen=True)
class VocoderSettings:
    """Settings of a :class:`VocoderNetwork`, in the order of its constructor's arguments.

    Raises
    ------
    ConfigError
        On construction, if a setting is out of its range.
    """

    channels: Annotated[int, Range(1, 512)] = 192
    """Number of channels for each frame."""
    hidden: Annotated[int, Range(1, 2048)] = 576
    """Number of channels within a block."""
    blocks: Annotated[int, Range(1, 16)] = 6
    """Number of blocks."""
    projections: Annotated[int, Range(0, 4)] = 2
    """Number of projections at the end."""

    def __post_init__(self) -> None:
        check_ranges(self)


class NeuralVocoder(Vocoder):
    """The vocoder that synthesizes with a :class:`VocoderNetwork`. It hears silence before and after a clip.

    Parameters
    ----------
    network : VocoderNetwork
        Trained network. The vocoder puts it in eval mode.

    Examples
    --------
    >>> vocoder = NeuralVocoder(VocoderNetwork(channels=16, hidden=32, blocks=2))
    >>> vocoder(torch.zeros(128, 10)).shape
    torch.Size([5120])
    """

    def __init__(self, network: "VocoderNetwork") -> None:
        self.network = network.eval().requires_grad_(False)
        self.reach = network.reach

    @torch.no_grad()
    def __call__(self, log_mel: Tensor, first_frame: int = 0) -> Tensor:
        """Synthesize a waveform, as described in :class:`~distill.audio.Vocoder`."""
        around = F.pad(log_mel, (SILENT_FRAMES, SILENT_FRAMES), value=LogMel.floor)
        whole = self.network(around[None], first_frame - SILENT_FRAMES)[0]
        return whole[SILENT_FRAMES * HOP_LENGTH : -SILENT_FRAMES * HOP_LENGTH]


class VocoderBlock(nn.Module):
    """A convolution in time for each channel, then two layers for each frame, with a skip connection.

    Liu et al., "A ConvNet for the 2020s", 2022, in one dimension.

    Parameters
    ----------
    channels, hidden : int
        Number of channels outside and between the two layers.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.in_time = nn.Conv1d(channels, channels, KERNEL, padding=KERNEL // 2, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.widen, self.narrow = nn.Linear(channels, hidden), nn.Linear(hidden, channels)
        self.scale = nn.Parameter(torch.full((channels,), 0.2))

    def forward(self, x: Tensor) -> Tensor:
        """Transform [B, channels, T] to the same shape."""
        y = self.norm(self.in_time(x).transpose(1, 2))
        return x + (self.narrow(F.gelu(self.widen(y))) * self.scale).transpose(1, 2)


class VocoderNetwork(nn.Module):
    """Turns log-mels into waveforms without a state: a sample depends on the frames around it and on nothing else.

    For each frame the network gives the magnitude and the phase of each bin, and the level of noise in each band. An
    inverse transform with overlapping windows makes a waveform of them (Siuzdak, "Vocos", 2023). Two differences to
    Vocos help a small network. Magnitudes start from the log-mel, so the network only corrects them. And the last steps
    are projections: the waveform's own phases with the network's magnitudes give the next waveform (Griffin & Lim,
    "Signal estimation from modified short-time Fourier transform", 1984). Gradients pass through the projections
    (Masuyama et al., "Deep Griffin-Lim iteration", 2019), so the network draws the spectrum from which two of them
    arrive at the best sound.

    Noise is fixed: a sample of the result depends on the number of its frame, but not on chance.

    Parameters
    ----------
    channels, hidden, blocks, projections : int
        As in :class:`VocoderSettings`.

    Examples
    --------
    >>> network = VocoderNetwork(channels=16, hidden=32, blocks=2)
    >>> network(torch.zeros(1, 128, 40)).shape  # 40 frames of 512 samples
    torch.Size([1, 20480])
    """

    window: Tensor
    spread: Tensor
    sign: Tensor
    noise: Tensor

    def __init__(self, channels: int = 192, hidden: int = 576, blocks: int = 6, projections: int = 2) -> None:
        super().__init__()
        self.settings = VocoderSettings(channels, hidden, blocks, projections)
        self.projections = projections
        # A convolution in the form of a layer: the last digits of torch's depend on the number of frames.
        self.enter = nn.Linear(N_MELS * KERNEL, channels)
        self.first_norm = nn.LayerNorm(channels)
        self.blocks = nn.ModuleList(VocoderBlock(channels, hidden) for _ in range(blocks))
        self.last_norm = nn.LayerNorm(channels)
        self.n_fft, self.hop_length = LogMel.n_fft, LogMel.hop_length
        self.bins = self.n_fft // 2 + 1
        self.draw = nn.Linear(channels, 2 * self.bins + N_MELS)
        nn.init.trunc_normal_(self.draw.weight, std=0.02)
        nn.init.zeros_(self.draw.bias)
        for name, constant in _constants().items():
            self.register_buffer(name, constant, persistent=False)

    @property
    def reach(self) -> int:
        """Largest distance, in frames, at which a change of the log-mel still changes the waveform."""
        windows = self.n_fft // self.hop_length - 1
        return (KERNEL // 2) * (1 + len(self.blocks)) + windows * (self.projections + 1) + 1

    def forward(self, log_mel: Tensor, first_frame: Tensor | int = 0) -> Tensor:
        """Synthesize waveforms.

        Parameters
        ----------
        log_mel : Tensor [B, 128, T]
            Natural-log mel magnitudes.
        first_frame : int or Tensor of int [B]
            Number of the first frame within its clip. It decides which part of the noise is used.

        Returns
        -------
        Tensor [B, T * 512]
            Amplitude at 44 100 Hz, not clipped.
        """
        spectrum = self.spectrum(log_mel, first_frame)
        magnitude = _magnitude(spectrum, 1e-12)
        for _ in range(self.projections):
            heard = self._transform(self._inverse(spectrum))
            spectrum = heard * (magnitude / _magnitude(heard, 1e-8))
        return self._inverse(spectrum)

    def spectrum(self, log_mel: Tensor, first_frame: Tensor | int = 0) -> Tensor:
        """Draw the spectra of log-mels [B, 128, T]: complex [B, T + 2, bins], from one frame before the first on."""
        log_mel = torch.cat([log_mel[..., :1], log_mel, log_mel[..., -1:]], dim=-1)
        around = F.pad((log_mel + 4) / 4, (KERNEL // 2, KERNEL // 2)).unfold(-1, KERNEL, 1)  # [B, 128, T + 2, 7]
        x = self.first_norm(self.enter(around.transpose(1, 2).flatten(2))).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        drawn = self.draw(self.last_norm(x.transpose(1, 2)))
        level, phase, noisiness = drawn.split([self.bins, self.bins, N_MELS], dim=-1)
        bands = log_mel.transpose(1, 2) + BIN_LEVEL
        tones = (bands @ self.spread.T + level).clamp(max=LOUDEST).exp()
        hiss = ((bands + noisiness + NOISE_LEVEL) @ self.spread.T).clamp(max=LOUDEST).exp()
        numbers = torch.as_tensor(first_frame, device=log_mel.device).reshape(-1, 1) - 1
        numbers = (numbers + torch.arange(log_mel.shape[-1], device=log_mel.device)) % NOISE_FRAMES
        spectrum = torch.polar(tones, phase) + hiss * self.noise[numbers]
        return spectrum * ((math.exp(LOUDEST) / _magnitude(spectrum, 1e-12)).clamp(max=1.0) * self.sign)

    @torch.no_grad()
    def largest(self, loudest: float) -> float:
        """Bound the magnitude of every value within the network, for log-mels of magnitudes up to ``loudest``.

        A norm limits its output to the square root of the number of channels, whatever its input is.
        """

        def after(layer: nn.Linear | nn.Conv1d, most: Tensor) -> Tensor:
            assert layer.bias is not None
            weight = layer.weight.abs()
            summed = weight.sum(dim=(1, 2)) * most if isinstance(layer, nn.Conv1d) else weight @ most
            return summed + layer.bias.abs()

        def normed(norm: nn.LayerNorm) -> Tensor:
            return math.sqrt(len(norm.weight)) * norm.weight.abs() + norm.bias.abs()

        seen = [after(self.enter, torch.full((N_MELS * KERNEL,), (loudest + 4) / 4))]
        x = normed(self.first_norm)
        for block in self.blocks:
            assert isinstance(block, VocoderBlock)
            seen.append(after(block.in_time, x))
            x = x + after(block.narrow, after(block.widen, normed(block.norm))) * block.scale.abs()
            seen.append(x)
        return float(torch.cat([*seen, after(self.draw, normed(self.last_norm))]).max())

    def _inverse(self, spectrum: Tensor) -> Tensor:
        """Sum the windowed frames of a spectrum [B, T + 2, bins] to waveforms [B, T * 512]."""
        hop, windows = self.hop_length, self.n_fft // self.hop_length
        pieces = torch.fft.irfft(spectrum, self.n_fft) * self.window
        # Each hop of a frame is added to those of the frames around it.
        hops = pieces.unflatten(-1, (windows, hop))
        whole = (
            torch.stack([F.pad(hops[:, :, i], (0, 0, i, windows - 1 - i)) for i in range(windows)]).sum(0).flatten(1)
        )
        first = (self.n_fft + hop) // 2
        return whole[:, first:-first] / 1.5  # the sum of four squared Hann windows

    def _transform(self, waveform: Tensor) -> Tensor:
        """Undo :meth:`_inverse`, except for what is outside of the waveform."""
        margin = (self.n_fft + self.hop_length) // 2
        frames = F.pad(waveform, (margin, margin)).unfold(-1, self.n_fft, self.hop_length)
        return torch.fft.rfft(frames * self.window)


@lru_cache
def _constants() -> dict[str, Tensor]:
    """Compute what all networks have in common; they share the memory as well."""
    with torch.device("cpu"):  # a network on the device "meta", which has no memory, has constants as well
        log_mel = LogMel()
        # A transform begins at its window's first sample; phases here are those at the window's middle.
        sign = 1.0 - 2.0 * (torch.arange(1 + log_mel.n_fft // 2) % 2)
        noise = _white_noise(log_mel.window) * sign
        return {"window": log_mel.window, "spread": _spread(log_mel.filters), "sign": sign, "noise": noise}


def _white_noise(window: Tensor) -> Tensor:
    """Compute spectra [frames, bins] of noise of magnitude 1 that repeats without a seam."""
    samples = torch.randn(NOISE_FRAMES * HOP_LENGTH, generator=torch.Generator().manual_seed(0))
    margin = (len(window) - HOP_LENGTH) // 2
    around = torch.cat([samples[-margin:], samples, samples[:margin]])
    spectra = torch.stft(around, len(window), HOP_LENGTH, window=window, center=False, return_complex=True)
    return (spectra / spectra.abs().pow(2).mean().sqrt()).T.contiguous()


def _magnitude(spectrum: Tensor, floor: float) -> Tensor:
    return (spectrum.real.pow(2) + spectrum.imag.pow(2) + floor).sqrt()


def _spread(filters: Tensor) -> Tensor:
    """Compute weights [bins, bands] that give each bin the mean of its bands.

    A bin outside of all bands gets the weights of the next bin that has some.
    """
    weights = filters.T / filters.T.sum(dim=1, keepdim=True).clamp(min=1e-9)
    inside = (weights.sum(dim=1) > 0.5).nonzero().flatten()
    return weights[torch.arange(len(weights)).clamp(int(inside[0]), int(inside[-1]))]
