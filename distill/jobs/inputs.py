"""The input files of a training: its clips, and the first clip's sound in full precision."""

import json
import math
from itertools import accumulate
from pathlib import Path

import numpy as np

FULL_SCALE = np.float32(32767)
CLIP_ENTRY_BYTES = 200
"""Maximum bytes of the file header per clip."""
DTYPES = {"float32": "F32", "float16": "F16"}
"""Names of types in a safetensors file."""


class ClipsWriter:
    """Writes log-mels and waveforms one by one to a safetensors file; the file is valid after :meth:`finish`.

    The header of a safetensors file comes first and tells where each array lies. Its final size is unknown at the
    start, so space is reserved for it and padded with blanks.

    Parameters
    ----------
    path : Path
    most : int
        Maximum number of clips.
    """

    def __init__(self, path: Path, most: int) -> None:
        self._arrays: dict[str, tuple[np.dtype, tuple[int, ...]]] = {}
        self._header_bytes = -(-(CLIP_ENTRY_BYTES * most + 8) // 64) * 64
        self._file = path.open("wb")
        self._file.write(bytes(self._header_bytes))

    def write(self, log_mel: np.ndarray, waveform: np.ndarray) -> None:
        """Append the next clip.

        Parameters
        ----------
        log_mel : ndarray of float32 [128, frames]
        waveform : ndarray of float16 [samples]
        """
        log_mel_name, waveform_name = names_of(len(self._arrays) // 2)
        for name, array in ((log_mel_name, log_mel), (waveform_name, waveform)):
            self._file.write(np.ascontiguousarray(array).data)
            self._arrays[name] = array.dtype, array.shape

    def finish(self) -> None:
        """Write the header and close the file."""
        header = {
            name: {"dtype": DTYPES[dtype.name], "shape": shape, "data_offsets": [end - _num_bytes(dtype, shape), end]}
            for (name, (dtype, shape)), end in zip(self._arrays.items(), self._ends, strict=True)
        }
        text = json.dumps(header, separators=(",", ":")).encode().ljust(self._header_bytes - 8)
        if 8 + len(text) > self._header_bytes:
            raise ValueError("more clips than were announced")
        self._file.seek(0)
        self._file.write(len(text).to_bytes(8, "little") + text)
        self.close()

    def close(self) -> None:
        """Close the file, finished or not."""
        self._file.close()

    def read(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The log-mels and waveforms of a finished file.

        They share one memory map, because each map would cost a file descriptor.
        """
        if not self._arrays:
            return []
        whole = np.memmap(self._file.name, np.uint8, mode="c", offset=self._header_bytes)
        parts = np.split(np.asarray(whole), self._ends[:-1])
        arrays = [
            part.view(dtype).reshape(shape) for part, (dtype, shape) in zip(parts, self._arrays.values(), strict=True)
        ]
        return list(zip(arrays[::2], arrays[1::2], strict=True))

    @property
    def _ends(self) -> list[int]:
        """The cumulative number of bytes up to the end of each array."""
        return list(accumulate(_num_bytes(dtype, shape) for dtype, shape in self._arrays.values()))


def names_of(number: int) -> tuple[str, str]:
    """Return the names of the log-mel and of the waveform of a clip in a file of clips."""
    return str(number), f"{number}.waveform"


def _num_bytes(dtype: np.dtype, shape: tuple[int, ...]) -> int:
    return dtype.itemsize * math.prod(shape)


def save_first(waveform: np.ndarray, path: Path) -> None:
    """Write a waveform as 16-bit integers; the error is at most 1/65534 of the peak amplitude."""
    from safetensors.numpy import save_file

    peak = np.float32(np.abs(waveform).max(initial=0) or 1)
    samples = np.round(waveform / peak * FULL_SCALE).astype(np.int16)
    save_file({"samples": samples, "peak": peak.reshape(1)}, path)
