"""The decoded sound of a grid, made from its start as far as it is listened to."""

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
from torch import Tensor

from distill.audio import HOP_LENGTH
from distill.codec import Codec
from distill.codes import CodeGrid


class Track:
    """The sound of the first levels of a grid. Several works may share it: what is made stays as it is.

    Parameters
    ----------
    codec : Codec
    grid : CodeGrid
    levels : int
        How many levels are heard.

    Attributes
    ----------
    ready : int
        Samples that are made.
    seconds : float
        How long it took to make them.
    """

    def __init__(self, codec: Codec, grid: CodeGrid, levels: int) -> None:
        self.num_samples = grid.num_frames * HOP_LENGTH
        self.ready, self.seconds = 0, 0.0
        self._begin: Callable[[], Iterator[Tensor]] = lambda: codec.stream(grid, levels=levels)
        self._stream: Iterator[Tensor] | None = None
        self._waveform = np.zeros(0, dtype=np.float32)
        self._lock = threading.Lock()

    @property
    def is_whole(self) -> bool:
        return self.ready == self.num_samples

    @property
    def num_bytes(self) -> int:
        """Of memory."""
        return self.ready * self._waveform.itemsize

    def decode(self, stop: int, progress: Callable[[float], object] | None = None) -> None:
        """Make the samples before ``stop``; ``progress`` is told the share of them that is there, every 12 s of sound.

        No lock is held while progress is told: others may be let by in it.
        """
        stop = min(stop, self.num_samples)
        while self.ready < stop:
            with self._lock:
                if self.ready < stop:
                    self._step()
            if progress:
                progress(min(1.0, self.ready / stop))

    def samples(self, start: int, stop: int) -> np.ndarray:
        """Samples that are made already, float32; not to be changed."""
        return self._waveform if (start, stop) == (0, self.num_samples) else self._waveform[start:stop]

    def _step(self) -> None:
        began = time.perf_counter()
        if self._stream is None:
            # Zeros take no memory until they are written over.
            self._waveform, self._stream = np.zeros(self.num_samples, dtype=np.float32), self._begin()
        piece = next(self._stream).numpy()
        self._waveform[self.ready : self.ready + len(piece)] = piece
        self.seconds += time.perf_counter() - began
        self.ready += len(piece)
        if self.is_whole:
            self._stream = iter(())
