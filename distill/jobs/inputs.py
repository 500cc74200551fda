"""The input files of a training: the log-mels of its clips, and the sound of the first clip."""

import json
import math
from itertools import accumulate
from pathlib import Path

import numpy as np

FULL_SCALE = np.float32(32767)
CLIP_ENTRY_BYTES = 100
"""Maximum bytes of the file header per clip."""


class ClipsWriter:
    """Writes log-mels one by one to a safetensors file; the file is valid after :meth:`finish`.

    The header of a safetensors file comes first and tells where each array lies. Its final size is unknown at the
    start, so space is reserved for it and padded with blanks.

    Parameters
    ----------
    path : Path
    most : int
        Maximum number of clips.
    """

    def __init__(self, path: Path, most: int) -> None:
        self._shapes: list[tuple[int, ...]] = []
        self._header_bytes = -(-(CLIP_ENTRY_BYTES * most + 8) // 64) * 64
        self._file = path.open("wb")
        self._file.write(bytes(self._header_bytes))

    def write(self, log_mel: np.ndarray) -> None:
        """Append the log-mel of the next clip: float32 [128, frames]."""
        self._file.write(np.ascontiguousarray(log_mel, dtype=np.float32).data)
        self._shapes.append(log_mel.shape)

    def finish(self) -> None:
        """Write the header and close the file."""
        header, ends = {}, [0, *self._ends]
        for number, shape in enumerate(self._shapes):
            offsets = [4 * ends[number], 4 * ends[number + 1]]
            header[str(number)] = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
        text = json.dumps(header, separators=(",", ":")).encode().ljust(self._header_bytes - 8)
        if 8 + len(text) > self._header_bytes:
            raise ValueError("more clips than were announced")
        self._file.seek(0)
        self._file.write(len(text).to_bytes(8, "little") + text)
        self.close()

    def close(self) -> None:
        """Close the file, finished or not."""
        self._file.close()

    def read(self) -> list[np.ndarray]:
        """The log-mels of a finished file. They share one memory map, because each map would cost a file descriptor."""
        if not self._shapes:
            return []
        whole = np.memmap(self._file.name, np.float32, mode="c", offset=self._header_bytes)
        parts = np.split(np.asarray(whole), self._ends[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    @property
    def _ends(self) -> list[int]:
        """The cumulative number of values up to the end of each log-mel."""
        return list(accumulate(math.prod(shape) for shape in self._shapes))


def save_first(waveform: np.ndarray, path: Path) -> None:
    """Write a waveform as 16-bit integers; the error is at most 1/65534 of the peak amplitude."""
    from safetensors.numpy import save_file

    peak = np.float32(np.abs(waveform).max(initial=0) or 1)
    samples = np.round(waveform / peak * FULL_SCALE).astype(np.int16)
    save_file({"samples": samples, "peak": peak.reshape(1)}, path)
