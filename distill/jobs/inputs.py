"""What a training is given, on disk: the log-mels of its clips, and the sound of the first one."""

import errno
import json
import math
import os
import shutil
from itertools import accumulate
from pathlib import Path

import numpy as np

FULL_SCALE = np.float32(32767)
ENTRY_BYTES = 100
"""The most bytes that the header of a file of clips has for one of them."""

NO_LINKS = (errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP)
"""What a disk says that gives no file a second name."""


class ClipsWriter:
    """Writes a safetensors file of log-mels as they come; it is whole once :meth:`finish` was called.

    The header of such a file comes first and tells where each array lies. So room is kept for it, which spaces fill.

    Parameters
    ----------
    path : Path
    most : int
        How many clips may come.
    """

    def __init__(self, path: Path, most: int) -> None:
        self._shapes: list[tuple[int, ...]] = []
        self._header_bytes = -(-(ENTRY_BYTES * most + 8) // 64) * 64
        self._file = path.open("wb")
        self._file.write(bytes(self._header_bytes))

    def write(self, log_mel: np.ndarray) -> None:
        """Add the log-mel of the next clip: float32 [128, frames]."""
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
        """Close the file, whole or not."""
        self._file.close()

    def read(self) -> list[np.ndarray]:
        """The log-mels of a file that is whole, as one map of it: each map would cost a file descriptor."""
        if not self._shapes:
            return []
        whole = np.memmap(self._file.name, np.float32, mode="c", offset=self._header_bytes)
        parts = np.split(np.asarray(whole), self._ends[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    @property
    def _ends(self) -> list[int]:
        """How many numbers there are up to the end of each log-mel."""
        return list(accumulate(math.prod(shape) for shape in self._shapes))


def save_first(waveform: np.ndarray, path: Path) -> None:
    """Write a waveform in half the room of float32, exact to 1/65534 of its loudest sample."""
    from safetensors.numpy import save_file

    peak = np.float32(np.abs(waveform).max(initial=0) or 1)
    samples = np.round(waveform / peak * FULL_SCALE).astype(np.int16)
    save_file({"samples": samples, "peak": peak.reshape(1)}, path)


def link(path: Path, other: Path) -> None:
    """Give a file a second name, or copy it where the disk cannot do that.

    Either name may be deleted, and the file stays under the other one. So nobody may write into it.
    """
    try:
        os.link(path, other)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        shutil.copyfile(path, other)
