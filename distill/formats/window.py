"""A sound in a file, and its bytes to read and seek in."""

import io
import os
from dataclasses import dataclass
from typing import IO

from distill.formats.kinds import Kind

FARTHEST = 1 << 62
"""Positions from this one on are in no file, and cannot be sought."""


@dataclass(frozen=True)
class Part:
    """A sound in a file; a file may hold several, one after another.

    Attributes
    ----------
    kind : Kind
        The sound's format.
    start, stop : int
        First byte of the sound in the file, and the first byte after the sound.
    prefix : bytes
        A header with true sizes, to be read before the bytes of the file; empty if the file's own header is read.
    share : float
        The bytes of sound that are there, as a share of those that are announced; 1 if none are missing.
    num_frames : int
        Length in samples per channel without the padding of the last packet; 0 if it is not told.
    channels : int
        Number of channels, as the header tells it; 0 if it was not looked for.
    announced : int
        Length in samples per channel with all padding, as the header tells it; 0 if it was not looked for.
    is_cut : bool
        Whether the file ends in the middle of what it began, so that some of its sound is missing.
    """

    kind: Kind
    start: int
    stop: int
    prefix: bytes = b""
    share: float = 1.0
    num_frames: int = 0
    channels: int = 0
    announced: int = 0
    is_cut: bool = False


class Window(io.RawIOBase):
    """The bytes of a :class:`Part`, to read and seek in."""

    def __init__(self, file: IO[bytes], part: Part) -> None:
        self._file, self._part, self._at = file, part, 0
        self.num_bytes = len(part.prefix) + max(0, part.stop - part.start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.num_bytes}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Read up to ``size`` bytes; fewer at the end of the header and at the end of the sound."""
        left = self.num_bytes - self._at
        size = left if size is None or size < 0 else min(size, left)
        if size <= 0:
            return b""
        prefix = self._part.prefix
        if self._at < len(prefix):
            content = prefix[self._at : self._at + size]
        else:
            self._file.seek(self._part.start + self._at - len(prefix))
            content = self._file.read(size)
        self._at += len(content)
        return content


def read_at(file: IO[bytes], at: int, num_bytes: int) -> bytes:
    """Up to so many bytes from a position on; none if no file can have that position."""
    if not 0 <= at < FARTHEST:
        return b""
    file.seek(at)
    return file.read(num_bytes)
