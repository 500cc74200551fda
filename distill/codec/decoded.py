"""The log-mel that codes decode to, made from its start as far as somebody asks for it, and kept."""

import threading
import time

import numpy as np
import torch
from torch import Tensor

from distill.audio.logmel import N_MELS
from distill.codec.codec import Codec
from distill.codes.grid import CodeGrid


class DecodedMel:
    """The log-mel of the first levels of a grid. Pictures and sounds may share it: every frame is decoded once.

    Parameters
    ----------
    codec : Codec
    grid : CodeGrid
    num_levels : int
        How many levels are decoded.

    Attributes
    ----------
    num_levels : int
    num_frames : int
        Frames of the whole grid.
    ready : int
        Frames that are decoded.
    seconds : float
        How long it took to decode them.
    log_mel : ndarray of float32 [128, frames]
        All frames; those that are not decoded yet are 0. Not to be changed.

    Raises
    ------
    GridError
        If the grid is from another codec, or there is no such number of levels.
    """

    def __init__(self, codec: Codec, grid: CodeGrid, num_levels: int) -> None:
        self.num_levels, self.num_frames = num_levels, grid.num_frames
        self.ready, self.seconds = 0, 0.0
        self.log_mel = np.zeros((N_MELS, grid.num_frames), dtype=np.float32)  # takes no memory until written over
        self._blocks = codec.mel_blocks(grid, levels=num_levels)
        self._lock = threading.Lock()

    @property
    def num_bytes(self) -> int:
        """Bytes of memory that the decoded frames take."""
        return self.ready * N_MELS * self.log_mel.itemsize

    def decode(self) -> slice:
        """Decode the next 12 s, if there are any, and return the frames that this made."""
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
        """Some frames [128, last - first], decoded if they are not there yet."""
        while self.ready < last:
            self.decode()
        return torch.from_numpy(self.log_mel[:, first:last])
