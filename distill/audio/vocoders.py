"""Log-mel back to sound."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from distill.audio.logmel import HOP_LENGTH, LogMel
from distill.errors import ConfigError

BLOCK_FRAMES = 1024  # 11.9 s
OVERLAP_FRAMES = 16
JOIN_SAMPLES = 256


def num_blocks(frames: int) -> int:
    """In how many pieces :meth:`Vocoder.stream` synthesizes so many frames."""
    return max(1, -(-(frames - OVERLAP_FRAMES) // BLOCK_FRAMES))


class Vocoder(ABC):
    """Turns log-mels [128, frames] into waveforms [frames * 512] at 44 100 Hz.

    Attributes
    ----------
    reach : int
        How many frames away a log-mel is still heard.
    """

    reach: int = 64

    @abstractmethod
    def __call__(self, log_mel: Tensor, *, previous: Tensor | None = None, fixed: tuple[int, int] = (0, 0)) -> Tensor:
        """Synthesize a waveform; see :class:`GriffinLim` for the shapes and what the options mean."""

    def stream(self, log_mel: Tensor) -> Iterator[Tensor]:
        """Synthesize a waveform piece by piece, so that memory does not grow with its length and progress can be shown.

        Each piece is fitted to the end of the one before it, and they are faded into one another.

        Parameters
        ----------
        log_mel : Tensor [n_mels, frames]
            Natural-log mel magnitudes.

        Yields
        ------
        Tensor [samples]
            ``frames * 512`` samples in all.
        """
        return self.stream_from(lambda first, last: log_mel[:, first:last], log_mel.shape[1])

    def stream_from(self, frames: Callable[[int, int], Tensor], num_frames: int) -> Iterator[Tensor]:
        """Synthesize like :meth:`stream` a log-mel of so many frames of which no more is at hand than is asked for.

        Parameters
        ----------
        frames : callable
            Gives the log-mel [n_mels, last - first] of a first frame to a last one, which is not included.
        num_frames : int
        """
        overlap, fade = OVERLAP_FRAMES * HOP_LENGTH, torch.linspace(0, 1, JOIN_SAMPLES)
        tail = torch.zeros(0)
        for number in range(num_blocks(num_frames)):
            start, last = number * BLOCK_FRAMES, number == num_blocks(num_frames) - 1
            block = frames(start, num_frames if last else start + BLOCK_FRAMES + OVERLAP_FRAMES)
            piece = self(block, previous=tail if len(tail) else None, fixed=(len(tail) // 2, 0))
            if len(tail):
                half = len(tail) // 2
                piece[:half] = tail[:half]
                join = slice(half, half + JOIN_SAMPLES)
                piece[join] = torch.lerp(tail[join], piece[join], fade)
            if last:
                yield piece
                return
            yield piece[:-overlap]
            tail = piece[-overlap:].clone()  # a view would hold the whole piece


class GriffinLim(Vocoder):
    """Mel inversion by non-negative least squares, then the fast Griffin-Lim algorithm. Needs no download.

    The magnitude behind a mel spectrogram is found by multiplicative updates, which keep it non-negative
    (Lee & Seung, "Algorithms for Non-negative Matrix Factorization", 2001, eq. 4, with the mel filters as the fixed
    factor). The phase is found by alternating projections with momentum (Perraudin, Balazs & Soendergaard, "A fast
    Griffin-Lim algorithm", 2013, alg. 2). Unlike ``librosa.griffinlim`` and ``torchaudio``'s, it can start
    from the phase of an earlier waveform and keep given samples at both ends, which is what editing needs.

    Parameters
    ----------
    log_mel : LogMel
        The front end whose output is to be inverted.
    iterations : int
        Projections, from random phase or a given one. Twice as many gain nothing that ViSQOL hears.
    inversion_iterations : int
        Multiplicative updates of the magnitude.
    momentum : float
        In [0, 1); 0 is the original algorithm, 0.99 the value that the paper recommends.
    """

    def __init__(
        self, log_mel: LogMel, *, iterations: int = 16, inversion_iterations: int = 16, momentum: float = 0.99
    ) -> None:
        self.n_fft, self.hop_length = log_mel.n_fft, log_mel.hop_length
        self.iterations, self.inversion_iterations, self.momentum = iterations, inversion_iterations, momentum
        self.filters, self.window = log_mel.filters, log_mel.window
        windows = -(-self.n_fft // self.hop_length)
        self.reach = windows * (iterations + 2)  # of each projection, and of the first and the last transform

    @torch.no_grad()
    def __call__(self, log_mel: Tensor, *, previous: Tensor | None = None, fixed: tuple[int, int] = (0, 0)) -> Tensor:
        """Synthesize a waveform, the same one every time.

        Parameters
        ----------
        log_mel : Tensor [n_mels, frames]
            Natural-log mel magnitudes.
        previous : Tensor [samples], optional
            A waveform to take the first phase from, of up to ``frames * hop_length`` samples; where it ends, the first
            phase is random.
        fixed : tuple of int
            How many samples of ``previous`` at its start and at its end the result is to join on to.

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
        """The non-negative magnitude spectrogram [1 + n_fft / 2, frames] whose mel is closest to ``exp(log_mel)``."""
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
        # The front end reflects at the ends too; silence there would press a frame's energy into its few real samples.
        mode = "reflect" if len(waveform) > margin else "constant"
        padded = F.pad(waveform[None], (margin, margin), mode=mode)[0]
        return torch.stft(padded, self.n_fft, self.hop_length, window=self.window, center=False, return_complex=True)

    def _istft(self, spectrum: Tensor, length: int) -> Tensor:
        half = self.hop_length // 2
        whole = torch.istft(spectrum, self.n_fft, self.hop_length, window=self.window, length=length + 2 * half)
        return whole[half : half + length]


def get_vocoder(name: str, log_mel: LogMel) -> Vocoder:
    """The vocoder of that name: "griffin-lim" or "bigvgan".

    Raises
    ------
    ConfigError
        If no vocoder has that name.
    VocoderError
        If it cannot be had on this machine.
    """
    if name == "bigvgan":
        from distill.audio.bigvgan import BigVGAN

        return BigVGAN.load()
    if name != "griffin-lim":
        raise ConfigError(f"There is no vocoder named {name!r}; choose 'griffin-lim' or 'bigvgan'.")
    return GriffinLim(log_mel)
