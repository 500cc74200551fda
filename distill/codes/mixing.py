"""The mix of a grid: a fader and a mute for each cell of each level.

A value of the mix is an 8-bit integer: its fader in steps of 0.02, from 0 to 75 (a gain of 1.5), plus 128 where the
cell is muted. So a mute keeps the fader where it stands.

The decoder sums the codebook vectors of the levels of a cell. The gain of a level multiplies its vector. The gain of
level 0, which carries the sound's body, moves its vector away from the cell's vector of silence instead: where all
levels are muted, silence is decoded, and not the average sound that a vector of zeros stands for. (On four example
clips, a muted band is 12 dB softer so, and a gain of 0.5 makes a sound 26 dB softer, not 16.)
"""

from typing import Any

import numpy as np

from distill.errors import GridError

STEP = 0.02
"""Distance of two positions of a fader."""
FULL, HIGHEST, MUTED = 50, 75, 128
"""The value of a fader at 1, of one at 1.5, and what a mute adds."""
LOUDEST = 1.5


def to_mix(given: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """Check a mix and return it as a read-only array; None if it changes nothing.

    Raises
    ------
    GridError
        If the mix is of another shape, or a value of it is not one of a fader.
    """
    mix = np.asarray(given)
    if mix.shape != shape or not np.issubdtype(mix.dtype, np.integer):
        raise GridError("A mix needs a whole number for each code of the grid.")
    if mix.min() < 0 or mix.max() > MUTED + HIGHEST or (mix % MUTED).max() > HIGHEST:
        raise GridError(
            f"A fader of a mix is from 0 to {HIGHEST}, or from {MUTED} to {MUTED + HIGHEST} if it is muted."
        )
    if (mix == FULL).all():
        return None
    mix = mix.astype(np.uint8, order="C")
    mix.flags.writeable = False
    return mix


def gains_of(mix: np.ndarray) -> np.ndarray:
    """The gains of a mix, float32 of the same shape: from 0 to 1.5, and 0 where it is muted.

    Examples
    --------
    >>> gains_of(np.array([0, 25, FULL, HIGHEST, MUTED + FULL])).tolist()
    [0.0, 0.5, 1.0, 1.5, 0.0]
    """
    return np.where(mix >= MUTED, 0, mix % MUTED / np.float32(FULL)).astype(np.float32)


def to_fader(gain: float) -> int:
    """The position of a fader for a gain, in steps of 0.02; raise a GridError unless the gain is from 0 to 1.5.

    Examples
    --------
    >>> to_fader(0.5)
    25
    """
    if not 0 <= gain <= LOUDEST:
        raise GridError(f"A gain is from 0 to {LOUDEST}, got {gain}.")
    return round(gain / STEP)
