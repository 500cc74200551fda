"""The player: tracks of one clip that start together and are switched while they play."""

import base64
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import soundfile

from distill.audio import SAMPLE_RATE

_TEMPLATE = """
<div class="player">
  <div class="transport">
    <button type="button" class="play">Play</button>
    <button type="button" class="compare" title="Switch between the original and the other (key X)">Compare</button>
    <button type="button" class="loop" aria-pressed="false">Loop</button>
    <label class="match"><input type="checkbox" checked> Same loudness</label>
    <button type="button" class="zoom" disabled>Zoom to selection</button>
    <button type="button" class="whole">Whole clip</button>
    <p class="clock"></p>
  </div>
  <div class="tracks" role="group" aria-label="Tracks: choose one to hear it from the same moment on"></div>
  <p class="message" role="alert"></p>
  <p class="hint">Click a waveform or picture to jump there; drag over a waveform to choose a part to loop or zoom.</p>
</div>
"""


class Player(gr.HTML):
    """Plays one of several tracks of a clip; choosing another goes on at the same moment.

    Its value is what :func:`player_value` returns. It fetches the sound itself, piece by piece, by its server function
    ``sound``, which takes ``{"work", "track", "piece"}`` and answers as :func:`piece_answer` does.

    Events: ``zoom`` (start, stop, in seconds).
    """

    def __init__(
        self,
        value: dict[str, Any] | None = None,
        *,
        server_functions: list[Callable[..., Any]] | None = None,
        **options: Any,
    ) -> None:
        here = Path(__file__)
        options.setdefault("html_template", _TEMPLATE)
        options.setdefault("css_template", here.with_suffix(".css").read_text(encoding="utf-8"))
        options.setdefault("js_on_load", here.with_suffix(".js").read_text(encoding="utf-8"))
        super().__init__(value=value, server_functions=server_functions, **options)

    def preprocess(self, payload: Any) -> Any:
        return payload

    def postprocess(self, value: Any) -> Any:
        return value

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


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


def flac_base64(waveform: np.ndarray) -> str:
    """A waveform as a 16-bit FLAC file, clipped at full scale, in base64."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(waveform, -1, 1), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return base64.b64encode(buffer.getvalue()).decode()
