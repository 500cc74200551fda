"""The log-mel spectrogram, which is the input of every model in Distill."""

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchaudio.functional import melscale_fbanks

SAMPLE_RATE = 44_100
N_FFT = 2048
HOP_LENGTH = 512
N_MELS = 128
LOG_FLOOR = 1e-5
PIECE_FRAMES = 1024  # 12 s


class LogMel(nn.Module):
    """Natural-log mel spectrogram of a waveform, as BigVGAN v2 (44 kHz, 128 bands) defines it.

    Hann window; reflect padding of ``(n_fft - hop_length) / 2`` samples with no further centring; Slaney mel filters
    from 0 Hz to the Nyquist frequency on the magnitude; ``log(max(x, 1e-5))``. Frame ``t`` is centred on sample
    ``(t + 0.5) * hop_length``, so ``samples / hop_length`` frames cover the waveform exactly.

    Lee et al., "BigVGAN: A Universal Neural Vocoder with Large-Scale Training", arXiv:2206.04658.

    Parameters
    ----------
    sample_rate : int
        Samples per second, in Hz.
    n_fft : int
        Length of the window and of the Fourier transform, in samples.
    hop_length : int
        Samples from one frame to the next.
    n_mels : int
        Number of mel bands.

    Examples
    --------
    >>> log_mel = LogMel()
    >>> log_mel(torch.zeros(2, 44_100)).shape
    torch.Size([2, 1, 128, 87])
    >>> round(log_mel(torch.zeros(1, 512)).max().item(), 3)  # silence is the floor
    -11.513
    """

    floor = math.log(LOG_FLOOR)
    filters: Tensor
    window: Tensor
    sample_rate: int = SAMPLE_RATE
    n_fft: int = N_FFT
    hop_length: int = HOP_LENGTH
    n_mels: int = N_MELS

    def __init__(
        self, sample_rate: int = SAMPLE_RATE, n_fft: int = N_FFT, hop_length: int = HOP_LENGTH, n_mels: int = N_MELS
    ) -> None:
        super().__init__()
        self.sample_rate, self.n_fft, self.hop_length, self.n_mels = sample_rate, n_fft, hop_length, n_mels
        filters = melscale_fbanks(
            n_fft // 2 + 1, 0.0, sample_rate / 2, n_mels, sample_rate, norm="slaney", mel_scale="slaney"
        )
        self.register_buffer("filters", filters.T.contiguous(), persistent=False)
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)

    def num_frames(self, num_samples: int) -> int:
        """Number of frames that cover ``num_samples`` samples: ``ceil(num_samples / hop_length)``."""
        return -(-num_samples // self.hop_length)

    @torch.no_grad()
    def forward(self, waveform: Tensor) -> Tensor:
        """Compute the log-mel spectrograms of a batch of waveforms.

        Parameters
        ----------
        waveform : Tensor [B, samples]
            Amplitude, nominally in [-1, 1]; at least one sample.

        Returns
        -------
        Tensor [B, 1, n_mels, ceil(samples / hop_length)]
            Natural logarithm of the mel magnitude, at least ``log(1e-5)``.
        """
        frames = self.num_frames(waveform.shape[-1])
        margin = (self.n_fft - self.hop_length) // 2
        # Reflection needs more samples than it mirrors, so the shortest clips are first padded with silence.
        length = max(frames * self.hop_length, margin + self.hop_length)
        padded = F.pad(waveform, (0, length - waveform.shape[-1]))
        padded = F.pad(padded.unsqueeze(1), (margin, margin), mode="reflect").squeeze(1)
        spectrum = torch.stft(
            padded, self.n_fft, self.hop_length, window=self.window, center=False, return_complex=True
        )
        return (self.filters @ spectrum.abs()).clamp(min=LOG_FLOOR).log().unsqueeze(1)[..., :frames]

    def pieces(self, waveform: Tensor, *, num_frames: int = PIECE_FRAMES) -> Iterator[Tensor]:
        """Compute the log-mel of one waveform piece by piece, each piece when the caller asks for it.

        Parameters
        ----------
        waveform : Tensor [samples]
            Amplitude, nominally in [-1, 1]; at least one sample.
        num_frames : int
            Length of a piece in frames; the last piece may be shorter.

        Yields
        ------
        Tensor [n_mels, num_frames]
            Natural logarithm of the mel magnitude. The pieces joined in time are the result of :meth:`forward`.
        """
        # Frames computed before and after a piece: the windows of its outer frames, and reflection, reach as far.
        around = -(-(self.n_fft - self.hop_length) // self.hop_length)
        whole = self.num_frames(len(waveform))
        for start in range(0, whole, num_frames):
            first, stop = max(0, start - around), min(whole, start + num_frames)
            samples = waveform[first * self.hop_length : (stop + around) * self.hop_length]
            yield self(samples[None])[0, 0, :, start - first : stop - first]


def mel_frequencies(count: int) -> np.ndarray:
    """Frequencies in Hz of 0 to 22 050 Hz that are equally far apart on Slaney's mel scale, as that of the log-mel is.

    They are those of ``librosa.mel_frequencies``, without the seconds that it takes to load librosa.

    Parameters
    ----------
    count : int
        Number of frequencies, at least 2.

    References
    ----------
    M. Slaney, "Auditory Toolbox", 1998: 15 mels to 1000 Hz, then 27 to each factor of 6.4.

    Examples
    --------
    >>> mel_frequencies(3).round().tolist()
    [0.0, 2804.0, 22050.0]
    """
    step = np.log(6.4) / 27
    mels = np.linspace(0, 15 + np.log(SAMPLE_RATE / 2 / 1000) / step, count)
    return np.where(mels < 15, mels * 1000 / 15, 1000 * np.exp(step * (mels - 15)))
