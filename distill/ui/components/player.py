"""The player: tracks of one clip that play in sync, with a switch between them."""

from collections.abc import Sequence
from typing import Any

from distill.audio import SAMPLE_RATE
from distill.ui.components.base import FileComponent


class Player(FileComponent):
    """Plays one of several tracks of a clip; another track continues at the same moment.

    Its value is the result of :func:`player_value`. It fetches the sound piece by piece with its server function
    ``sound``, which takes ``{"work", "track", "piece"}`` and returns the result of
    :func:`~distill.editing.answers.piece_answer`.
    """

    name = "player"
    module = "private_player"


def player_value(work: str, seconds: float, tracks: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """The value of the player.

    Parameters
    ----------
    work : str
        Secret of the work.
    seconds : float
        Length of the clip, and of each track.
    tracks : sequence of (str, str, str)
        Name, note and download file name of each track. The first track is the original.
    """
    keys = ("name", "note", "file")
    return {
        "work": work,
        "seconds": seconds,
        "sample_rate": SAMPLE_RATE,
        "tracks": [dict(zip(keys, track, strict=True)) for track in tracks],
    }
