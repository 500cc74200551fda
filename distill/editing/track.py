"""The sound of the log-mel that codes decode to, decoded from its start as far as needed."""

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
from torch import Tensor

from distill.audio import HOP_LENGTH
from distill.codec import Codec
from distill.codec.decoded import DecodedMel


class Track:
    """The sound of the first levels of a grid. Several works may share it; decoded samples never change.

    Parameters
    ----------
    codec : Codec
    mel : DecodedMel
        The log-mel of the sound; missing frames are decoded on demand.

    Attributes
    ----------
    mel : DecodedMel
    num_samples : int
        Number of samples of all frames; the clip may end before the last frame does.
    ready : int
        Number of decoded samples, counted from the start.
    """

    def __init__(self, codec: Codec, mel: DecodedMel) -> None:
        self.mel, self.num_samples = mel, mel.num_frames * HOP_LENGTH
        self.ready = 0
        self._vocoder_seconds = 0.0
        self._begin: Callable[[], Iterator[Tensor]] = lambda: codec.vocoder.stream_from(mel.frames, mel.num_frames)
        self._stream: Iterator[Tensor] | None = None
        self._waveform = self._clip = np.zeros(0, dtype=np.float32)
        self._lock = threading.Lock()

    @property
    def is_whole(self) -> bool:
        return self.ready == self.num_samples

    @property
    def seconds(self) -> float:
        """Seconds that the decoding of the log-mel and the sound has taken so far."""
        return self._vocoder_seconds + self.mel.seconds

    @property
    def num_bytes(self) -> int:
        """Bytes of memory of the sound, without the log-mel."""
        return self.ready * self._waveform.itemsize

    def decode(self, stop: int, progress: Callable[[float], object] | None = None) -> None:
        """Decode the samples before ``stop``. ``progress`` is called with the share that is done, every 12 s of sound.

        No lock is held during the call of ``progress``, so it may let other visitors go first.
        """
        stop = min(stop, self.num_samples)
        while self.ready < stop:
            with self._lock:
                if self.ready < stop:
                    self._step()
            if progress:
                progress(min(1.0, self.ready / stop))

    def samples(self, start: int, stop: int) -> np.ndarray:
        """Samples that are already decoded, float32; read-only. The whole clip is always the same array."""
        return self._clip if (start, stop) == (0, len(self._clip)) else self._waveform[start:stop]

    def _step(self) -> None:
        began, decoding = time.perf_counter(), self.mel.seconds
        if self._stream is None:
            # Zeros take no memory until they are overwritten.
            self._waveform, self._stream = np.zeros(self.num_samples, dtype=np.float32), self._begin()
            self._clip = self._waveform[: self.mel.num_samples]
        piece = next(self._stream).numpy()
        self._waveform[self.ready : self.ready + len(piece)] = piece
        self._vocoder_seconds += time.perf_counter() - began - (self.mel.seconds - decoding)
        self.ready += len(piece)
        if self.is_whole:
            self._stream = iter(())
