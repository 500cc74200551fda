"""The base class of vocoders, which turn log-mels into sound."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from torch import Tensor

from distill.audio.logmel import HOP_LENGTH

BLOCK_FRAMES = 1024  # 11.9 s
BLOCK_SAMPLES = BLOCK_FRAMES * HOP_LENGTH
"""Samples of a piece of sound that is made at a time; also the most that is decoded before an edit is answered."""


def num_blocks(frames: int) -> int:
    """Number of pieces in which :meth:`Vocoder.stream` synthesizes ``frames`` frames."""
    return max(1, -(-frames // BLOCK_FRAMES))


class Vocoder(ABC):
    """Turns log-mels [128, frames] into waveforms [frames * 512] at 44 100 Hz.

    A vocoder has no state. Each sample depends on the number of its frame and on the frames within ``reach``. So a part
    of a log-mel, with as many frames around it, gives the same samples as the whole.

    Attributes
    ----------
    reach : int
        Largest distance, in frames, at which a change of the log-mel still changes the waveform.

    Examples
    --------
    >>> import torch
    >>> class Silence(Vocoder):
    ...     reach = 0
    ...     def __call__(self, log_mel, first_frame=0):
    ...         return torch.zeros(log_mel.shape[1] * HOP_LENGTH)
    >>> [len(piece) for piece in Silence().stream(torch.zeros(128, 2000))]
    [524288, 499712]
    """

    reach: int

    @abstractmethod
    def __call__(self, log_mel: Tensor, first_frame: int = 0) -> Tensor:
        """Synthesize a waveform.

        Parameters
        ----------
        log_mel : Tensor [n_mels, frames]
            Natural-log mel magnitudes.
        first_frame : int
            Number of the first of these frames in the whole log-mel, at least 0.

        Returns
        -------
        Tensor [frames * 512]
            Amplitude, not clipped.
        """

    def part(self, frames: Callable[[int, int], Tensor], num_frames: int, first: int, last: int) -> Tensor:
        """Synthesize frames ``first`` to ``last`` of a whole of ``num_frames`` frames.

        Parameters
        ----------
        frames : callable
            Takes the numbers of a first and a last frame, and returns the log-mel [n_mels, last - first] from the
            first to the last, exclusive.
        num_frames, first, last : int
            Length of the whole log-mel, the first frame, and the frame after the last one.

        Returns
        -------
        Tensor [(last - first) * 512]
            The samples that a synthesis of the whole gives for these frames.
        """
        begin, end = max(0, first - self.reach), min(num_frames, last + self.reach)
        around = self(frames(begin, end), begin)
        return around[(first - begin) * HOP_LENGTH : (last - begin) * HOP_LENGTH]

    def stream(self, log_mel: Tensor) -> Iterator[Tensor]:
        """Synthesize a waveform piece by piece, so that memory does not grow with its length and progress can be shown.

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

        ``frames`` is as in :meth:`part`; it is asked for ranges that only move forward.
        """
        for first in range(0, num_frames, BLOCK_FRAMES):
            yield self.part(frames, num_frames, first, min(num_frames, first + BLOCK_FRAMES))
