"""Tempo, first beat and loop of an open clip."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from distill.audio import SAMPLE_RATE
from distill.audio.wav_chunks import LoopPoints
from distill.editing import requests
from distill.editing.values import AnyWhole, MustBe, Number, Switch
from distill.errors import GridError

SLOWEST, FASTEST = 20.0, 400.0
"""Bounds of a tempo that a person sets, in beats per minute."""
LONGEST_BAR = 16
UNUSUAL = f"A tempo is from {SLOWEST:g} to {FASTEST:g} beats per minute, and a bar has 1 to {LONGEST_BAR} beats."
BAD_LOOP = "A loop has a start and an end in seconds within the clip, the start first."

Seconds = Annotated[
    Annotated[list[Number], Field(max_length=2)] | None, MustBe("a start and an end in seconds, or an empty list")
]
AnyNumber = Annotated[Number | None, MustBe("a number")]


@dataclass(frozen=True)
class Timing:
    """The beat of a clip, and its loop.

    Attributes
    ----------
    tempo : float
        Beats per minute, 20 to 400.
    offset : float
        Seconds from the start of the clip to a first beat of a bar.
    bar : int
        Beats in a bar, 1 to 16.
    loop : (float, float) or None
        Start and end of the loop in seconds; None without a loop.
    """

    tempo: float = 120.0
    offset: float = 0.0
    bar: int = 4
    loop: tuple[float, float] | None = None

    def points(self, num_samples: int) -> LoopPoints:
        """Loop and tempo for the WAV file of a clip of ``num_samples`` samples."""
        return LoopPoints(self.loop and self.samples(num_samples), self.tempo, self.bar)

    def samples(self, num_samples: int) -> tuple[int, int]:
        """First sample of the loop, and the sample after its last one; without a loop, those of the whole clip."""
        if not self.loop:
            return 0, num_samples
        first, stop = (min(round(second * SAMPLE_RATE), num_samples) for second in self.loop)
        return min(first, num_samples - 1), max(stop, first + 1)

    def answer(self) -> dict[str, Any]:
        """The timing as a dict that JSON can hold; without a loop, its list is empty."""
        return {"tempo": self.tempo, "offset": self.offset, "bar": self.bar, "loop": list(self.loop or ())}


class TimingAsked(requests.Request):
    """Change the beat or the loop of a clip, or find its beat."""

    find: Switch = False
    """Whether the beat is found anew in the sound of the original."""
    tempo: AnyNumber = None
    """Beats per minute, 20 to 400."""
    offset: AnyNumber = None
    """Seconds from the start of the clip to a first beat of a bar."""
    bar: AnyWhole = None
    """Beats in a bar, 1 to 16."""
    loop: Seconds = None
    """Start and end of the loop in seconds; an empty list for no loop."""


def changed(timing: Timing, changes: dict[str, Any], seconds: float) -> Timing:
    """A timing with other values in some fields, for a clip of ``seconds``.

    Raises
    ------
    GridError
        If a value is outside of its range.
    """
    if "loop" in changes:
        loop = tuple(changes["loop"])
        if loop and not (len(loop) == 2 and 0 <= loop[0] < loop[1] and loop[0] < seconds):
            raise GridError(BAD_LOOP)
        changes = changes | {"loop": (loop[0], min(loop[1], seconds)) if loop else None}
    timing = replace(timing, **changes)
    if not (SLOWEST <= timing.tempo <= FASTEST and 1 <= timing.bar <= LONGEST_BAR):
        raise GridError(UNUSUAL)
    return timing
