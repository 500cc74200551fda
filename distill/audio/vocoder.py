"""The base class of vocoders, which turn log-mels into sound."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from distill.audio.logmel import HOP_LENGTH

BLOCK_FRAMES = 1024  # 11.9 s
BLOCK_SAMPLES = BLOCK_FRAMES * HOP_LENGTH
"""Samples of a piece of sound that is made at a time; also the most that is mended before an edit is answered."""
OVERLAP_FRAMES = 16
JOIN_SAMPLES = 256


def num_blocks(frames: int) -> int:
    """Number of pieces in which :meth:`Vocoder.stream` synthesizes ``frames`` frames."""
    return max(1, -(-(frames - OVERLAP_FRAMES) // BLOCK_FRAMES))


class Vocoder(ABC):
    """Turns log-mels [128, frames] into waveforms [frames * 512] at 44 100 Hz.

    Attributes
    ----------
    reach : int
        Largest distance, in frames, at which a change of the log-mel still changes the waveform.

    Examples
    --------
    >>> class Silence(Vocoder):
    ...     def __call__(self, log_mel, *, previous=None, fixed=(0, 0)):
    ...         return torch.zeros(log_mel.shape[1] * HOP_LENGTH)
    >>> [len(piece) for piece in Silence().stream(torch.zeros(128, 2000))]
    [524288, 499712]
    """

    reach: int = 64

    @abstractmethod
    def __call__(self, log_mel: Tensor, *, previous: Tensor | None = None, fixed: tuple[int, int] = (0, 0)) -> Tensor:
        """Synthesize a waveform; :class:`~distill.audio.griffin_lim.GriffinLim` documents the shapes and options."""

    def stream(self, log_mel: Tensor) -> Iterator[Tensor]:
        """Synthesize a waveform piece by piece, so that memory does not grow with its length and progress can be shown.

        Each piece continues the end of the piece before it, and the two are cross-faded.

        Parameters
        ----------
        log_mel : Tensor [n_mels, frames]
            Natural-log mel magnitudes.

        Yields
        ------
        Tensor [samples]
            Amplitude at 44 100 Hz; all pieces together have ``frames * 512`` samples.
        """
        return self.stream_from(lambda first, last: log_mel[:, first:last], log_mel.shape[1])

    def stream_from(self, frames: Callable[[int, int], Tensor], num_frames: int) -> Iterator[Tensor]:
        """Synthesize a waveform as :meth:`stream` does, from a log-mel that is computed part by part.

        Parameters
        ----------
        frames : callable
            Takes the numbers of a first and a last frame, and returns the log-mel [n_mels, last - first] from the
            first to the last, exclusive.
        num_frames : int
            Length of the whole log-mel, in frames.
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
