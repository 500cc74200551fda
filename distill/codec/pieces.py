"""Long clips in pieces: what of a spectrogram, of a grid and of a sound has to be looked at for a part of it.

Convolutions and Fourier transforms look only so far. So a part of a clip, with as much of its surroundings as they look
at, comes out as it does in one pass over the whole, and no step takes more memory for a longer clip.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from distill.audio.logmel import HOP_LENGTH, N_FFT, N_MELS, LogMel
from distill.audio.vocoder import BLOCK_FRAMES, OVERLAP_FRAMES, Vocoder, num_blocks
from distill.codes.grid import FRAMES_PER_COLUMN
from distill.models.vqvae import ROWS, ConvVQVAE

Progress = Callable[[float], object]
"""Is told the share that is done, 0 to 1."""
JOIN_CONTEXT_FRAMES = 6
"""Frames of unchanged sound at each side of an edit that its phase is fitted to."""
HALF_WINDOW = (N_FFT - HOP_LENGTH) // 2
"""Samples by which a frame's window reaches beyond the frame's own hop, at either side."""


@dataclass(frozen=True)
class Region:
    """What an edit of some columns can change in a decoded clip, and what has to be looked at to decode it.

    Attributes
    ----------
    first, last : int
        The frames that change.
    window_first, window_last : int
        Those frames, and the ones around them that the sound is joined to.
    start, stop : int
        The samples that change.
    """

    first: int
    last: int
    window_first: int
    window_last: int
    start: int
    stop: int

    @classmethod
    def around(cls, columns: slice, num_frames: int, reach: tuple[int, int]) -> "Region":
        """The region of some columns of a clip.

        Parameters
        ----------
        columns : slice
        num_frames : int
            Of the clip.
        reach : (int, int)
            How many frames before and after its own a column changes.
        """
        first = max(0, columns.start * FRAMES_PER_COLUMN - reach[0])
        last = min(num_frames, columns.stop * FRAMES_PER_COLUMN + reach[1])
        return cls(
            first,
            last,
            max(0, first - JOIN_CONTEXT_FRAMES),
            min(num_frames, last + JOIN_CONTEXT_FRAMES),
            max(0, first * HOP_LENGTH - HALF_WINDOW),
            min(num_frames * HOP_LENGTH, last * HOP_LENGTH + HALF_WINDOW),
        )

    @property
    def window(self) -> slice:
        """The samples that are looked at."""
        return slice(self.window_first * HOP_LENGTH, self.window_last * HOP_LENGTH)


@dataclass(frozen=True, eq=False)
class Patch:
    """Samples that stand, or stood, in a decoded clip, and where.

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
        """The samples of the clip whose place the patch takes."""
        return slice(self.start, self.stop)

    def apply(self, clip: np.ndarray) -> np.ndarray:
        """A copy of the clip with the patch in it.

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
    """The frames of a clip, 12 s at a time, as the vocoder takes them: the last block may be a column longer."""
    count = num_blocks(num_frames)
    for number in range(count):
        yield slice(number * BLOCK_FRAMES, num_frames if number == count - 1 else (number + 1) * BLOCK_FRAMES)


def decoded_blocks(num_frames: int) -> Iterator[slice]:
    """The frames of a clip, 12 s at a time, as they are decoded: each block ends where one that the vocoder asks for
    ends, so that no frame is decoded for two of them."""
    count = num_blocks(num_frames)
    ends = [0, *(number * BLOCK_FRAMES + OVERLAP_FRAMES for number in range(1, count)), num_frames]
    return (slice(*pair) for pair in pairwise(ends))


def following(parts: Iterator[tuple[slice, Tensor]]) -> Callable[[int, int], Tensor]:
    """A function of a first and a last frame that gives the frames from the one to the other of a log-mel which comes
    in parts. Who asks goes forward: what lies before the first frame is forgotten."""
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
    """A span with its surroundings, as far as there are any."""
    return slice(max(0, span.start - before), min(length, span.stop + after))


def log_mel_blocks(front_end: LogMel, waveform: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """A waveform's log-mel block by block: the frames and their log-mel [128, frames].

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
    """A log-mel's codes block by block: the columns and their codes [levels, rows, columns]."""
    before, after = encoder_reach(model)
    num_frames = log_mel.shape[1]
    num_columns = -(-num_frames // FRAMES_PER_COLUMN)
    for block in blocks(num_frames):
        columns = slice(block.start // FRAMES_PER_COLUMN, -(-block.stop // FRAMES_PER_COLUMN))
        around = widened(columns, before, after, num_columns)
        heard = log_mel[None, None, :, around.start * FRAMES_PER_COLUMN : around.stop * FRAMES_PER_COLUMN]
        latent = model.encode(heard)[..., columns.start - around.start : columns.stop - around.start]
        _, indices, _ = model.quantize(latent)
        yield columns, indices[0].T.reshape(model.num_levels, ROWS, -1)


def resound(vocoder: Vocoder, log_mel: Tensor, previous: Tensor, fixed: tuple[int, int]) -> Tensor:
    """What one call of a vocoder would make of a log-mel whose sound is known already, but in pieces.

    Parameters
    ----------
    vocoder : Vocoder
    log_mel : Tensor [n_mels, frames]
    previous : Tensor [frames * 512]
    fixed : tuple of int
        How many samples of ``previous`` at its start and at its end the result is to join on to.
    """
    num_frames = log_mel.shape[1]
    if num_frames <= 2 * BLOCK_FRAMES:
        return vocoder(log_mel, previous=previous, fixed=fixed)
    sound = torch.empty_like(previous)
    for block in blocks(num_frames):
        around = widened(block, vocoder.reach, vocoder.reach, num_frames)
        known = previous[around.start * HOP_LENGTH : around.stop * HOP_LENGTH]
        held = (fixed[0] if around.start == 0 else 0, fixed[1] if around.stop == num_frames else 0)
        piece = vocoder(log_mel[:, around], previous=known, fixed=held)
        inner = slice((block.start - around.start) * HOP_LENGTH, (block.stop - around.start) * HOP_LENGTH)
        sound[block.start * HOP_LENGTH : block.stop * HOP_LENGTH] = piece[inner]
    return sound


@torch.no_grad()
def encoder_reach(model: ConvVQVAE) -> tuple[int, int]:
    """How many columns before and after it a column of the encoder looks at: a NaN put into one spreads so far."""
    middle, width = 8, 17
    log_mel = torch.zeros(1, 1, model.mel_mean.shape[2], width * FRAMES_PER_COLUMN)
    log_mel[..., middle * FRAMES_PER_COLUMN : (middle + 1) * FRAMES_PER_COLUMN] = torch.nan
    touched = model.encode(log_mel)[0].isnan().any(dim=0).any(dim=0).nonzero().flatten()
    return int(touched[-1]) - middle, middle - int(touched[0])


@torch.no_grad()
def decoder_reach(model: ConvVQVAE) -> tuple[int, int]:
    """How many frames before and after its own 16 a column changes: a NaN put into one spreads exactly so far."""
    middle, width = 16, 33
    latent = torch.zeros(1, model.codebook_dim, ROWS, width)
    latent[..., middle] = torch.nan
    touched = model.decode(latent)[0, 0].isnan().any(dim=0).nonzero().flatten()
    return middle * FRAMES_PER_COLUMN - int(touched[0]), int(touched[-1]) + 1 - (middle + 1) * FRAMES_PER_COLUMN


def gathered(parts: Iterable[tuple[slice, Tensor]], num_frames: int, progress: Progress | None) -> Tensor:
    """Put the pieces of a log-mel together; ``progress`` is called with the share that is done, 0 to 1."""
    whole = torch.empty(N_MELS, num_frames)
    for frames, log_mel in parts:
        whole[:, frames] = log_mel
        if progress:
            progress(frames.stop / num_frames)
    return whole


def joined(parts: Iterable[Tensor], num_samples: int, progress: Progress | None) -> Tensor:
    """Put the pieces of a waveform together; ``progress`` is called with the share that is done, 0 to 1."""
    whole, done = torch.empty(num_samples), 0
    for part in parts:
        whole[done : done + len(part)] = part
        done += len(part)
        if progress:
            progress(done / num_samples)
    return whole
