"""Griffin-Lim: a vocoder that needs no training."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from distill.audio.logmel import LogMel
from distill.audio.vocoder import Vocoder

PHASE_FRAMES = 256
"""Frames after which the first phases repeat (3 s)."""


class GriffinLim(Vocoder):
    """Mel inversion by non-negative least squares, then the fast Griffin-Lim algorithm. Nothing is downloaded.

    The magnitude behind a mel spectrogram is found by multiplicative updates, which keep it non-negative
    (Lee & Seung, "Algorithms for Non-negative Matrix Factorization", 2001, eq. 4, with the mel filters as the fixed
    factor). The phase is found by alternating projections with momentum (Perraudin, Balazs & Soendergaard, "A fast
    Griffin-Lim algorithm", 2013, alg. 2). Unlike ``librosa.griffinlim`` and ``torchaudio``'s, this vocoder starts each
    frame from a phase that depends on the number of the frame alone. So a part of a log-mel gives the same sound as the
    whole.

    Parameters
    ----------
    log_mel : LogMel
        The front end that the vocoder inverts.
    iterations : int
        Number of projections, from a random phase. Twice as many do not improve the ViSQOL score.
    inversion_iterations : int
        Number of multiplicative updates of the magnitude.
    momentum : float
        Momentum of the projections, in [0, 1). 0 gives the original algorithm; the paper recommends 0.99.

    Examples
    --------
    >>> log_mel = LogMel()
    >>> sine = torch.sin(torch.arange(22_050) / 10)
    >>> GriffinLim(log_mel)(log_mel(sine[None])[0, 0]).shape  # 44 frames of 512 samples
    torch.Size([22528])
    """

    def __init__(
        self, log_mel: LogMel, *, iterations: int = 16, inversion_iterations: int = 16, momentum: float = 0.99
    ) -> None:
        self.n_fft, self.hop_length = log_mel.n_fft, log_mel.hop_length
        self.iterations, self.inversion_iterations, self.momentum = iterations, inversion_iterations, momentum
        self.filters, self.window = log_mel.filters, log_mel.window
        windows = self.n_fft // self.hop_length
        self.reach = (windows - 1) * iterations + windows  # of the projections, and of the last transform
        generator = torch.Generator().manual_seed(0)
        self._first_phases = 2 * math.pi * torch.rand(PHASE_FRAMES, 1 + self.n_fft // 2, generator=generator)

    @torch.no_grad()
    def __call__(self, log_mel: Tensor, first_frame: int = 0) -> Tensor:
        """Synthesize a waveform [frames * hop_length]; see :meth:`Vocoder.__call__`."""
        # One frame more at each end: torch's centred transform then covers the outer half hops as well.
        magnitude = self._magnitude_around(log_mel)
        length = log_mel.shape[1] * self.hop_length
        numbers = torch.arange(first_frame - 1, first_frame - 1 + magnitude.shape[1]) % PHASE_FRAMES
        angles = torch.polar(torch.ones_like(magnitude), self._first_phases[numbers].T)
        momentum, last = self.momentum / (1 + self.momentum), torch.zeros_like(angles)
        for _ in range(self.iterations):
            rebuilt = self._stft(self._istft(magnitude * angles, length))
            angles = self._phase(rebuilt - momentum * last)
            last = rebuilt
        return self._istft(magnitude * angles, length)

    @torch.no_grad()
    def with_phases_of(self, waveform: Tensor, log_mel: Tensor) -> Tensor:
        """Synthesize a log-mel [128, frames] with the phases of a waveform [frames * hop_length]."""
        angles = self._phase(self._stft(waveform))
        return self._istft(self._magnitude_around(log_mel) * angles, len(waveform))

    def _magnitude_around(self, log_mel: Tensor) -> Tensor:
        return self.magnitude(torch.cat([log_mel[:, :1], log_mel, log_mel[:, -1:]], dim=1))

    def magnitude(self, log_mel: Tensor) -> Tensor:
        """The magnitude spectrogram [1 + n_fft / 2, frames], at least 0, whose mel is closest to ``exp(log_mel)``."""
        target = self.filters.T @ log_mel.exp()
        estimate = target.clone()
        for _ in range(self.inversion_iterations):
            estimate *= target / (self.filters.T @ (self.filters @ estimate)).clamp_(min=1e-12)
        return estimate

    @staticmethod
    def _phase(spectrum: Tensor) -> Tensor:
        return spectrum / spectrum.abs().clamp_(min=1e-16)

    def _stft(self, waveform: Tensor) -> Tensor:
        # Frame t of the front end is centred half a hop after sample t * hop; the extra frames centre half a hop
        # outside the waveform.
        margin = (self.n_fft + self.hop_length) // 2
        # Reflect at the ends, as the front end does: silence there would press a frame's energy into few real samples.
        mode = "reflect" if len(waveform) > margin else "constant"
        padded = F.pad(waveform[None], (margin, margin), mode=mode)[0]
        return torch.stft(padded, self.n_fft, self.hop_length, window=self.window, center=False, return_complex=True)

    def _istft(self, spectrum: Tensor, length: int) -> Tensor:
        half = self.hop_length // 2
        whole = torch.istft(spectrum, self.n_fft, self.hop_length, window=self.window, length=length + 2 * half)
        return whole[half : half + length]
