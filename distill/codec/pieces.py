"""Processing of long clips in pieces, with the same result as in one pass.

Convolutions and Fourier transforms have a limited receptive field. So a piece of a clip gives the same result as in one
pass over the whole clip if its neighbourhood within the receptive field is included. The memory of each step does not
grow with the length of the clip.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from distill.audio.logmel import N_MELS, LogMel
from distill.audio.vocoder import BLOCK_FRAMES
from distill.models.vqvae import ROWS, ConvVQVAE, encoder_reach

DECODED_FRAMES = 256
"""Number of frames that are decoded together, a multiple of every time stride (3 s)."""
Progress = Callable[[float], object]
"""Callback that receives the finished share, 0 to 1."""


@dataclass(frozen=True, eq=False)
class Patch:
    """Samples of a part of a decoded clip, with their position.

    Attributes
    ----------
    start : int
        Index of the patch's first sample in the clip.
    waveform : ndarray of float32 [samples]
        The samples, at 44 100 Hz.
    """

    start: int
    waveform: np.ndarray

    @property
    def stop(self) -> int:
        """Index of the sample after the last one."""
        return self.start + len(self.waveform)

    @property
    def span(self) -> slice:
        """Range of samples in the clip that the patch replaces."""
        return slice(self.start, self.stop)

    def apply(self, clip: np.ndarray) -> np.ndarray:
        """Return a copy of the clip with the patch applied.

        Examples
        --------
        >>> patch = Patch(start=2, waveform=np.ones(3))
        >>> patch.apply(np.zeros(7)).tolist()
        [0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0]
        """
        patched = clip.copy()
        patched[self.start : self.stop] = self.waveform
        return patched


def blocks(num_frames: int) -> Iterator[slice]:
    """Split the frames of a clip into blocks of 12 s."""
    return (slice(first, min(num_frames, first + BLOCK_FRAMES)) for first in range(0, num_frames, BLOCK_FRAMES))


def decoded_blocks(num_frames: int, reach: int) -> Iterator[slice]:
    """Split the frames of a clip into the blocks of 12 s of the decoder.

    Each block ends ``reach`` frames or more after a block of the vocoder, which needs these frames too, and where a
    block of the decoder ends. So no frame is decoded twice.
    """
    ends = [
        min(num_frames, -(-(block.stop + reach) // DECODED_FRAMES) * DECODED_FRAMES) for block in blocks(num_frames)
    ]
    return (slice(*pair) for pair in pairwise([0, *ends]) if pair[0] < pair[1])


def following(parts: Iterator[tuple[slice, Tensor]]) -> Callable[[int, int], Tensor]:
    """Return a function ``frames(first, last)`` that reads a range of frames from a log-mel that arrives in parts.

    Calls must go forward: each call drops the frames before its ``first``.
    """
    at_hand, begin = torch.empty(0, 0), 0

    def frames(first: int, last: int) -> Tensor:
        nonlocal at_hand, begin
        at_hand, begin = at_hand[:, first - begin :], first
        while begin + at_hand.shape[1] < last:
            _, part = next(parts)
            at_hand = torch.cat([at_hand, part], dim=1) if at_hand.shape[1] else part
        return at_hand[:, : last - first]

    return frames


def widened(span: slice, before: int, after: int, length: int) -> slice:
    """Widen a span by ``before`` and ``after``, within 0 to ``length``."""
    return slice(max(0, span.start - before), min(length, span.stop + after))


def log_mel_blocks(front_end: LogMel, waveform: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Compute the log-mel of a waveform block by block: yield the frames and their log-mel [128, frames].

    Parameters
    ----------
    front_end : LogMel
    waveform : Tensor [samples]
    """
    start = 0
    for piece in front_end.pieces(waveform):
        yield slice(start, start + piece.shape[1]), piece
        start += piece.shape[1]


@torch.no_grad()
def code_blocks(model: ConvVQVAE, log_mel: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Encode a log-mel block by block: yield the columns and their codes [levels, rows, columns]."""
    before, after = encoder_reach(model)
    num_frames, stride = log_mel.shape[1], model.time_stride
    for block in blocks(num_frames):
        columns = slice(block.start // stride, -(-block.stop // stride))
        around = widened(columns, before, after, -(-num_frames // stride))
        heard = log_mel[None, None, :, around.start * stride : around.stop * stride]
        latent = model.encode(heard)[..., columns.start - around.start : columns.stop - around.start]
        _, indices, _ = model.quantize(latent)
        yield columns, indices[0].T.reshape(model.num_levels, ROWS, -1)


def gathered(parts: Iterable[tuple[slice, Tensor]], num_frames: int, progress: Progress | None) -> Tensor:
    """Join the pieces of a log-mel; ``progress`` is called with the finished share, 0 to 1."""
    whole = torch.empty(N_MELS, num_frames)
    for frames, log_mel in parts:
        whole[:, frames] = log_mel
        if progress:
            progress(frames.stop / num_frames)
    return whole


def joined(parts: Iterable[Tensor], num_samples: int, progress: Progress | None) -> Tensor:
    """Join the pieces of a waveform; ``progress`` is called with the finished share, 0 to 1."""
    whole, done = torch.empty(num_samples), 0
    for part in parts:
        whole[done : done + len(part)] = part
        done += len(part)
        if progress:
            progress(done / num_samples)
    return whole
