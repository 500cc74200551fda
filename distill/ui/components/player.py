"""The player: tracks of one clip that start together and are switched while they play."""

from collections.abc import Sequence
from typing import Any

from distill.audio import SAMPLE_RATE
from distill.ui.components.base import FileComponent


class Player(FileComponent):
    """Plays one of several tracks of a clip; choosing another goes on at the same moment.

    Its value is what :func:`player_value` returns. It fetches the sound itself, piece by piece, by its server function
    ``sound``, which takes ``{"work", "track", "piece"}`` and answers as
    :func:`~distill.editing.answers.piece_answer` does.

    Events: ``zoom`` (start, stop, in seconds).
    """

    name = "player"
    custom_events = ("zoom",)


def player_value(work: str, seconds: float, tracks: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """What the player shows.

    Parameters
    ----------
    work : str
        By which the server finds the clip.
    seconds : float
        How long the longest track is.
    tracks : sequence of (str, str, str)
        Each with its name, a note on it, and the name of the file it is downloaded as. The first is the original.
    """
    keys = ("name", "note", "file")
    return {
        "work": work,
        "seconds": seconds,
        "sample_rate": SAMPLE_RATE,
        "tracks": [dict(zip(keys, track, strict=True)) for track in tracks],
    }
