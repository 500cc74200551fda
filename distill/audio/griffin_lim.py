"""Griffin-Lim: a vocoder that needs no training."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from distill.audio.logmel import LogMel
from distill.audio.vocoder import Vocoder


class GriffinLim(Vocoder):
    """Mel inversion by non-negative least squares, then the fast Griffin-Lim algorithm. Nothing is downloaded.

    The magnitude behind a mel spectrogram is found by multiplicative updates, which keep it non-negative
    (Lee & Seung, "Algorithms for Non-negative Matrix Factorization", 2001, eq. 4, with the mel filters as the fixed
    factor). The phase is found by alternating projections with momentum (Perraudin, Balazs & Soendergaard, "A fast
    Griffin-Lim algorithm", 2013, alg. 2). Unlike ``librosa.griffinlim`` and ``torchaudio``'s, this vocoder can start
    from the phase of an earlier waveform and keep given samples at both ends. Editing needs both.

    Parameters
    ----------
    log_mel : LogMel
        The front end that the vocoder inverts.
    iterations : int
        Number of projections, from a random or a given phase. Twice as many do not improve the ViSQOL score.
    inversion_iterations : int
        Number of multiplicative updates of the magnitude.
    momentum : float
        Momentum of the projections, in [0, 1). 0 gives the original algorithm; the paper recommends 0.99.
    """

    def __init__(
        self, log_mel: LogMel, *, iterations: int = 16, inversion_iterations: int = 16, momentum: float = 0.99
    ) -> None:
        self.n_fft, self.hop_length = log_mel.n_fft, log_mel.hop_length
        self.iterations, self.inversion_iterations, self.momentum = iterations, inversion_iterations, momentum
        self.filters, self.window = log_mel.filters, log_mel.window
        windows = -(-self.n_fft // self.hop_length)
        self.reach = windows * (iterations + 2)  # for each projection, and for the first and last transform

    @torch.no_grad()
    def __call__(self, log_mel: Tensor, *, previous: Tensor | None = None, fixed: tuple[int, int] = (0, 0)) -> Tensor:
        """Synthesize a waveform; equal arguments give equal waveforms.

        Parameters
        ----------
        log_mel : Tensor [n_mels, frames]
            Natural-log mel magnitudes.
        previous : Tensor [samples], optional
            A waveform of up to ``frames * hop_length`` samples. It gives the first phase; after its end, the first
            phase is random.
        fixed : tuple of int
            Number of samples at the start and at the end of ``previous`` to keep, so that the result joins on to them.

        Returns
        -------
        Tensor [frames * hop_length]
            Amplitude, not clipped.
        """
        # One frame more at each end: torch's centred transform then covers the outer half hops as well.
        magnitude = self.magnitude(torch.cat([log_mel[:, :1], log_mel, log_mel[:, -1:]], dim=1))
        length, (left, right) = log_mel.shape[1] * self.hop_length, fixed
        angles = torch.empty(magnitude.shape, dtype=torch.complex64)
        known = 0
        if previous is not None:
            known = magnitude.shape[1] if len(previous) == length else len(previous) // self.hop_length - 2
            angles[:, :known] = self._phase(self._stft(previous))[:, :known]
        phase = torch.rand(
            magnitude.shape[0], magnitude.shape[1] - known, generator=torch.Generator().manual_seed(0)
        ) * (2 * math.pi)
        angles[:, known:] = torch.polar(torch.ones_like(phase), phase)
        momentum, last = self.momentum / (1 + self.momentum), torch.zeros_like(angles)
        for _ in range(self.iterations):
            waveform = self._istft(magnitude * angles, length)
            if previous is not None:
                waveform[:left], waveform[length - right :] = previous[:left], previous[length - right :]
            rebuilt = self._stft(waveform)
            angles = self._phase(rebuilt - momentum * last)
            last = rebuilt
        return self._istft(magnitude * angles, length)

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
