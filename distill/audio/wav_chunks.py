"""What samplers and audio workstations read beside the samples of a WAV file: the points of a loop, and the tempo.

The ``smpl`` chunk has the loop; samplers and most workstations loop the sound there. The ``acid`` chunk has the tempo,
the meter and the number of beats; hosts that stretch loops to their own tempo read it.
"""

import os
import struct
from dataclasses import dataclass

from distill.audio.logmel import SAMPLE_RATE

MIDDLE_C = 60
ONE_SHOT, STRETCHED = 0x01, 0x04
"""Flags of the ``acid`` chunk: hosts leave a single hit as long as it is, and stretch a loop to their tempo."""
OFF_BEAT = 0.02
"""Most beats by which a sound may miss a whole number of beats to be stretched as a loop of so many."""


@dataclass(frozen=True)
class LoopPoints:
    """A loop, and the tempo of a sound.

    Attributes
    ----------
    loop : (int, int) or None
        First sample of the loop, and the sample after its last one; None without a loop.
    tempo : float or None
        Beats per minute; None if it is unknown.
    beats_per_bar : int
        Beats in a bar.
    """

    loop: tuple[int, int] | None = None
    tempo: float | None = None
    beats_per_bar: int = 4

    def chunks(self, num_samples: int) -> bytes:
        """The chunks of a WAV file of ``num_samples`` samples at 44 100 Hz."""
        written = b""
        if self.loop:
            first, stop = (min(max(sample, 0), num_samples) for sample in self.loop)
            nanoseconds = round(1e9 / SAMPLE_RATE)
            # manufacturer, product, length of a sample, note, fraction, SMPTE format and offset, loops, further bytes
            head = struct.pack("<9I", 0, 0, nanoseconds, MIDDLE_C, 0, 0, 0, 1, 0)
            # number, kind (forward), first and last sample, fraction, how often (0 is for ever)
            written += _chunk(b"smpl", head + struct.pack("<6I", 0, 0, first, max(first, stop - 1), 0, 0))
        if self.tempo:
            exact = num_samples / SAMPLE_RATE * self.tempo / 60
            beats = max(1, round(exact))
            kind = STRETCHED if abs(exact - beats) <= OFF_BEAT else ONE_SHOT
            facts = (kind, MIDDLE_C, 0x8000, 0.0, beats, 4, self.beats_per_bar, self.tempo)
            written += _chunk(b"acid", struct.pack("<IHHfIHHf", *facts))
        return written


def add_chunks(path: str | os.PathLike[str], points: LoopPoints, num_samples: int) -> None:
    """Append a loop and a tempo to a WAV file of ``num_samples`` samples."""
    with open(path, "r+b") as file:
        end = file.seek(0, os.SEEK_END)
        file.write(b"\0" * (end % 2) + points.chunks(num_samples))
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content
