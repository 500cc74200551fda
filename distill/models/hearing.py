"""Losses of the vocoder: how different two sounds are to the ear."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from distill.audio.logmel import HOP_LENGTH, SAMPLE_RATE

WINDOWS = ((4096, 1024), (2048, 512), (512, 128), (192, 48), (64, 16))
"""Lengths of windows, and the steps from one to the next, in samples. The shortest hears where an attack begins."""
QUIETEST = 1e-4
"""Magnitude below which differences do not count."""
NOISE_ENERGY = 1e-7
"""Energy in a gammatone channel below which differences do not count."""
TAIL = 4096
"""Samples after which nothing is left of a filter's response (93 ms)."""
PATCH = (5, 6)
"""Channels and steps in time of a patch in which two images are compared."""
SIMILARITY_WEIGHT = 4.0
"""Weight of the images in the loss."""


class HearingLoss(nn.Module):
    """Loss of the vocoder: :func:`stft_loss`, plus the dissimilarity of gammatone images.

    Magnitudes alone give a network no reason to prefer one phase to another. A gammatone filter is wider than the
    distance of two bins, so its energy depends on how their phases fit together.

    Parameters
    ----------
    num_samples : int
        Length of the waveforms.

    Examples
    --------
    >>> sound = torch.randn(1, 12_288, generator=torch.Generator().manual_seed(0))
    >>> round(HearingLoss(12_288)(sound, sound).item(), 3)
    0.0
    """

    def __init__(self, num_samples: int) -> None:
        super().__init__()
        self.image = GammatoneImage(num_samples)

    def forward(self, heard: Tensor, original: Tensor) -> Tensor:
        """Compare waveforms [B, samples]; the result is a scalar, 0 for equal ones."""
        with torch.no_grad():
            image = self.image(original)
        return stft_loss(heard, original) + SIMILARITY_WEIGHT * (1 - similarity(self.image(heard), image))


def stft_loss(heard: Tensor, original: Tensor) -> Tensor:
    """Compare the magnitudes of waveforms [B, samples] for windows of five lengths.

    For each length, the loss is the spectral convergence plus the mean absolute difference of the log magnitudes
    (Yamamoto et al., "Parallel WaveGAN", 2020, eq. 3 to 6). Quiet crops count less, because nobody hears their errors.

    Returns
    -------
    Tensor, scalar
        Mean over the lengths.
    """
    total = heard.new_zeros(())
    for n_fft, hop_length in WINDOWS:
        window = torch.hann_window(n_fft, device=heard.device)
        ours, theirs = (_magnitude(sound, window, hop_length) for sound in (heard, original))
        logs = [(magnitude / math.sqrt(n_fft) + QUIETEST).log() for magnitude in (ours, theirs)]
        norm = theirs.pow(2).sum(dim=(1, 2)).sqrt()
        difference = (ours - theirs).pow(2).sum(dim=(1, 2)).sqrt()
        total = total + (logs[0] - logs[1]).abs().mean() + (difference / (norm + 0.1 * norm.mean() + 0.01)).mean()
    return total / len(WINDOWS)


def _magnitude(waveform: Tensor, window: Tensor, hop_length: int) -> Tensor:
    spectrum = torch.stft(waveform, len(window), hop_length, window=window, return_complex=True)
    return (spectrum.real.pow(2) + spectrum.imag.pow(2)).clamp(min=1e-9).sqrt()


class GammatoneImage(nn.Module):
    """Log energies of waveforms in the channels of a gammatone filterbank, 86 times a second.

    The channels are evenly spaced on the scale of equivalent rectangular bandwidths (Glasberg & Moore, "Derivation of
    auditory filter shapes from notched-noise data", 1990). The filters are those of Patterson et al., "Complex sounds
    and auditory images", 1992, a little narrower and of third order. They are applied as products of spectra; the
    narrower a channel is, the fewer samples of it are computed.

    Parameters
    ----------
    num_samples : int
        Length of the waveforms.
    channels : int
        Number of channels from 40 Hz to 17 kHz.

    Examples
    --------
    >>> GammatoneImage(22_050)(torch.zeros(1, 22_050)).shape  # 43 steps of 512 samples
    torch.Size([1, 96, 43])
    """

    def __init__(self, num_samples: int, channels: int = 96) -> None:
        super().__init__()
        self.steps = num_samples // HOP_LENGTH
        least = num_samples + TAIL  # zeros at the end keep it apart from the start
        self.length = -(-least // HOP_LENGTH) * HOP_LENGTH
        low, high = (21.4 * math.log10(1 + 0.00437 * hertz) for hertz in (40.0, 17_000.0))
        centres = (10 ** (torch.linspace(low, high, channels, dtype=torch.float64) / 21.4) - 1) / 0.00437
        bandwidths = 0.7 * 1.019 * 24.7 * (1 + 0.00437 * centres)
        enough = (SAMPLE_RATE / (4 * bandwidths)).log2().floor().clamp(3, 6)
        self.decimations = [8, 16, 32, 64]
        for decimation in self.decimations:
            of_group = 2**enough == decimation
            kept = self.length // decimation
            bins = (centres[of_group] * self.length / SAMPLE_RATE).round().long()[:, None]
            bins = bins + torch.arange(kept) - kept // 2
            distance = bins * SAMPLE_RATE / self.length - centres[of_group][:, None]
            response = (1 + 1j * distance / bandwidths[of_group][:, None]) ** -3
            response = torch.where((bins > 0) & (bins < self.length // 2), response, 0.0)
            self.register_buffer(f"bins_{decimation}", bins.clamp(0, self.length // 2), persistent=False)
            self.register_buffer(f"response_{decimation}", response.to(torch.complex64), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Compute the image [B, channels, samples // 512] of waveforms [B, samples]; at least 0."""
        spectrum = torch.fft.rfft(waveform, self.length)
        energies = []
        for decimation in reversed(self.decimations):
            bands = spectrum[:, self.get_buffer(f"bins_{decimation}")] * self.get_buffer(f"response_{decimation}")
            filtered = torch.fft.ifft(torch.fft.ifftshift(bands, -1), dim=-1) / decimation
            pool = HOP_LENGTH // decimation
            energy = (filtered.real.pow(2) + filtered.imag.pow(2))[..., : self.steps * pool]
            energies.append(F.avg_pool1d(energy, pool))
        return (torch.cat(energies, dim=1) / NOISE_ENERGY + 1).log()


def similarity(first: Tensor, second: Tensor) -> Tensor:
    """Neurogram similarity index of images [B, channels, steps]: 1 if they are equal, 0 if nothing is alike.

    Hines & Harte, "Speech intelligibility prediction using a Neurogram Similarity Index Measure", 2012, eq. 2:
    intensity times structure in small patches, here with equal weights in a patch.
    """
    first, second = first[:, None], second[:, None]

    def mean(image: Tensor) -> Tensor:
        return F.avg_pool2d(image, PATCH, stride=1)

    means = mean(first), mean(second)
    variances = [
        (mean(image * image) - average * average).clamp(min=0)
        for image, average in zip((first, second), means, strict=True)
    ]
    covariance = mean(first * second) - means[0] * means[1]
    intensity = (2 * means[0] * means[1] + 0.1) / (means[0].pow(2) + means[1].pow(2) + 0.1)
    structure = (covariance + 0.1) / ((variances[0] * variances[1] + 1e-6).sqrt() + 0.1)
    return (intensity * structure).mean()
