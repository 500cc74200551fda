"""The sound of a log-mel that codes decode to, made from its start as far as it is listened to."""

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
from torch import Tensor

from distill.audio import HOP_LENGTH
from distill.codec import Codec
from distill.codec.decoded import DecodedMel


class Track:
    """The sound of the first levels of a grid. Several works may share it: what is made stays as it is.

    Parameters
    ----------
    codec : Codec
    mel : DecodedMel
        The log-mel that is heard. What is missing of it is decoded.

    Attributes
    ----------
    mel : DecodedMel
    ready : int
        Samples that are made.
    """

    def __init__(self, codec: Codec, mel: DecodedMel) -> None:
        self.mel, self.num_samples = mel, mel.num_frames * HOP_LENGTH
        self.ready = 0
        self._vocoder_seconds = 0.0
        self._begin: Callable[[], Iterator[Tensor]] = lambda: codec.vocoder.stream_from(mel.frames, mel.num_frames)
        self._stream: Iterator[Tensor] | None = None
        self._waveform = np.zeros(0, dtype=np.float32)
        self._lock = threading.Lock()

    @property
    def is_whole(self) -> bool:
        return self.ready == self.num_samples

    @property
    def seconds(self) -> float:
        """How long it took to decode what there is of the log-mel and the sound."""
        return self._vocoder_seconds + self.mel.seconds

    @property
    def num_bytes(self) -> int:
        """Bytes of memory that the sound takes, its log-mel aside."""
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
        began, decoding = time.perf_counter(), self.mel.seconds
        if self._stream is None:
            # Zeros take no memory until they are written over.
            self._waveform, self._stream = np.zeros(self.num_samples, dtype=np.float32), self._begin()
        piece = next(self._stream).numpy()
        self._waveform[self.ready : self.ready + len(piece)] = piece
        self._vocoder_seconds += time.perf_counter() - began - (self.mel.seconds - decoding)
        self.ready += len(piece)
        if self.is_whole:
            self._stream = iter(())
