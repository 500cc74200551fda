"""The decoded log-mel of a grid, computed lazily from its start and stored."""

import threading
import time

import numpy as np
import torch
from torch import Tensor

from distill.audio.logmel import N_MELS, SAMPLE_RATE
from distill.codec.codec import Codec
from distill.codes.grid import CodeGrid


class DecodedMel:
    """The log-mel of the first levels of a grid. Each frame is decoded once, even if pictures and sounds share it.

    Parameters
    ----------
    codec : Codec
    grid : CodeGrid
    num_levels : int
        Number of levels to decode, coarsest first.

    Attributes
    ----------
    num_levels : int
        Number of decoded levels.
    num_frames : int
        Number of frames of the whole grid.
    num_samples : int
        Length of the clip in samples.
    bitrate_bps : float
        Bits of the codes of these levels per second of the clip.
    ready : int
        Number of frames decoded so far.
    seconds : float
        Seconds spent on decoding so far.
    log_mel : ndarray of float32 [128, frames]
        All frames; frames that are not decoded yet are 0. Callers must not change the array.

    Raises
    ------
    GridError
        If the grid is from another codec, or ``num_levels`` is out of range.
    """

    def __init__(self, codec: Codec, grid: CodeGrid, num_levels: int) -> None:
        self.num_levels, self.num_frames = num_levels, grid.num_frames
        self.num_samples = grid.num_samples
        self.bitrate_bps = grid.num_bits * num_levels / grid.levels * SAMPLE_RATE / grid.num_samples
        self.ready, self.seconds = 0, 0.0
        self.log_mel = np.zeros((N_MELS, grid.num_frames), dtype=np.float32)  # takes no memory until it is written
        self._blocks = codec.mel_blocks(grid, levels=num_levels)
        self._lock = threading.Lock()

    @property
    def num_bytes(self) -> int:
        """Bytes of memory of the decoded frames."""
        return self.ready * N_MELS * self.log_mel.itemsize

    def decode(self) -> slice:
        """Decode the next 12 s, if any are left, and return the range of the new frames."""
        with self._lock:
            if self.ready == self.num_frames:
                return slice(self.ready, self.ready)
            began = time.perf_counter()
            frames, block = next(self._blocks)
            self.log_mel[:, frames] = block.numpy()
            self.seconds += time.perf_counter() - began
            self.ready = frames.stop
        return frames

    def frames(self, first: int, last: int) -> Tensor:
        """Return frames ``first`` to ``last`` [128, last - first]; decode them first if necessary."""
        while self.ready < last:
            self.decode()
        return torch.from_numpy(self.log_mel[:, first:last])
