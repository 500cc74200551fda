"""The player: tracks of one clip that start together and are switched while they play."""

import base64
import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import soundfile

from distill.audio import HOP_LENGTH, SAMPLE_RATE
from distill.audio.vocoders import BLOCK_FRAMES
from distill.ui.components.base import FileComponent

BLOCK_SAMPLES = BLOCK_FRAMES * HOP_LENGTH


class Player(FileComponent):
    """Plays one of several tracks of a clip; choosing another goes on at the same moment.

    Its value is what :func:`player_value` returns. It fetches the sound itself, piece by piece, by its server function
    ``sound``, which takes ``{"work", "track", "piece"}`` and answers as :func:`piece_answer` does.

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


def piece_answer(waveform: np.ndarray, pieces: int, gain_db: float | None) -> dict[str, Any]:
    """A piece of a track: its sound, how many there are, and with the last what makes it as loud as the original."""
    return {"flac": flac_base64(waveform), "pieces": pieces, "gain_db": gain_db}


def flac_base64(waveform: np.ndarray, progress: Callable[[float], object] | None = None) -> str:
    """A waveform as a 16-bit FLAC file, clipped at full scale, in base64; ``progress`` is called with the share that is
    done, 0 to 1, every 12 s of sound."""
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", SAMPLE_RATE, 1, "PCM_16", format="FLAC") as sound:
        for start in range(0, len(waveform), BLOCK_SAMPLES):
            part = waveform[start : start + BLOCK_SAMPLES]
            sound.write(np.clip(part, -1, 1))
            if progress:
                progress((start + len(part)) / len(waveform))
    return base64.b64encode(buffer.getvalue()).decode()
