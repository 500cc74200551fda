"""Several clips side by side in one work, to be edited as a pattern."""

from collections.abc import Callable, Sequence

import numpy as np

from distill.audio import HOP_LENGTH, SAMPLE_RATE, Clip
from distill.audio.names import without_suffix
from distill.codes.laying import lay_out
from distill.editing.work import Work
from distill.errors import GridError
from distill.settings import DEFAULTS, Settings

MOST_CLIPS = 64
"""Maximum number of clips in one pattern."""
NAMED = 3
"""Number of clips that the name of a pattern tells."""


def lay_out_works(
    works: Sequence[Work],
    *,
    settings: Settings = DEFAULTS,
    progress: Callable[[float], object] = lambda share: None,
) -> Work:
    """Make a new work of the grids of several works, side by side, each with its edits.

    Its original is the sound of those works one after another, each from the beginning of a column on. The works
    themselves stay as they are.

    Parameters
    ----------
    works : sequence of Work
        2 to 64 works in one codec; the same work may be there several times.
    settings : Settings
        Limits; only ``clip_seconds`` is read.
    progress : callable
        Called with the share that is done, 0 to 1.

    Raises
    ------
    GridError
        If there are too few or too many works, they are in different codecs, or they are too long together.
    """
    check_pattern([work.seconds for work in works], settings)
    grids = [work.history.grid for work in works]
    grid = lay_out(grids)
    _check_seconds(grid.num_samples / SAMPLE_RATE, settings)  # each grid but the last is as long as its columns
    waveform, start = np.zeros(grid.num_samples, dtype=np.float32), 0
    for number, (work, own) in enumerate(zip(works, grids, strict=True)):

        def told(share: float, number: int = number) -> None:
            progress((number + share) / len(works))

        sound = work.snapshot(told)[0] if own != work.history.original else work.as_clip(told).waveform
        waveform[start : start + len(sound)] = sound[: len(waveform) - start]
        start += own.columns * own.time_stride * HOP_LENGTH
        progress((number + 1) / len(works))
    return Work(works[0].codec, Clip(name_of([work.name for work in works]), waveform), grid)


def check_pattern(lengths: Sequence[float], settings: Settings = DEFAULTS) -> None:
    """Check the number and the length of the clips of a pattern.

    Parameters
    ----------
    lengths : sequence of float
        Length of each clip in seconds; 0 if it is not known.
    settings : Settings
        Limits; only ``clip_seconds`` is read.

    Raises
    ------
    GridError
        If there are too few or too many clips, or they are too long together.
    """
    if not 2 <= len(lengths) <= MOST_CLIPS:
        raise GridError(f"Choose 2 to {MOST_CLIPS} clips to lay out; here there are {len(lengths)}.")
    _check_seconds(sum(lengths), settings)


def _check_seconds(seconds: float, settings: Settings) -> None:
    if seconds > settings.clip_seconds:
        raise GridError(
            f"These clips are {seconds / 60:.1f} minutes long together, and {settings.clip_seconds / 60:g} minutes "
            "are the most; please choose fewer."
        )


def name_of(names: Sequence[str]) -> str:
    """The name of a pattern of clips of these names.

    Examples
    --------
    >>> name_of(["kick.wav", "snare.wav"])
    'kick + snare'
    >>> name_of(["kick.wav"] * 5)
    'kick + kick + kick + 2 more'
    """
    told = [without_suffix(name) for name in names[:NAMED]]
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return " + ".join([*told, *more])
