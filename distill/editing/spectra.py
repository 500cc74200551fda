"""The log-mels of a clip and of its layers, packed as bytes that the page draws."""

import base64
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from distill.editing import requests
from distill.editing.values import Whole
from distill.editing.work import Work
from distill.errors import GridError
from distill.plots import MAX_DRAWN_FRAMES, NEPERS_TO_DB, top_db

LOW_DB, STEP_DB = -100.0, 0.5
"""Level in dB of the byte 0, and of the step from a byte to the next."""


class SpectraAsked(requests.Request):
    """The spectrograms of a part of a clip."""

    first: Whole
    """The first frame; a frame is 512 samples."""
    last: Whole
    """The frame after the last; frames after the end of the clip are left out."""


def spectra(work: Work, request: Any, progress: Callable[[float], object] | None = None) -> dict[str, Any]:
    """The log-mels of a part of a clip: of the original, and of the clip from one level, from two levels, and so on.

    Parameters
    ----------
    work : Work
    request : dict
        A :class:`SpectraAsked`, in JSON.
    progress : callable, optional
        Called with the share that is done, 0 to 1.

    Returns
    -------
    dict
        ``mels`` is a list: for each log-mel, the bytes [128, ``columns``] as a zlib stream in base64, the lowest band
        first. A byte ``b`` stands for ``low_db + step_db * b`` dB. A column is the loudest of ``stride`` frames, from
        the frame ``first`` on; there are at most 2000 columns. ``top_db`` is the loudest level of the whole original.

    Raises
    ------
    GridError
        If the request is not valid, or the part has no frame of the clip.
    """
    asked = requests.read(SpectraAsked, request)
    original, layers = work.draw(progress)
    first, last = max(0, asked.first), min(asked.last, original.shape[1])
    if first >= last:
        raise GridError("Choose a part of the clip whose end comes after its start.")
    stride = -(-(last - first) // MAX_DRAWN_FRAMES)
    mels = [original, *(layer.log_mel for layer in layers)]
    return {
        "first": first,
        "stride": stride,
        "columns": -(-(last - first) // stride),
        "low_db": LOW_DB,
        "step_db": STEP_DB,
        "top_db": top_db(original),
        "mels": [_packed(_loudest(mel[:, first:last], stride)) for mel in mels],
    }


def _loudest(log_mel: np.ndarray, stride: int) -> np.ndarray:
    """Columns [128, n], each the loudest of ``stride`` frames; the last one may have fewer."""
    starts = np.arange(0, log_mel.shape[1], stride)
    return log_mel if stride == 1 else np.maximum.reduceat(log_mel, starts, axis=1)


def _packed(log_mel: np.ndarray) -> str:
    levels = np.clip(np.rint((log_mel * NEPERS_TO_DB - LOW_DB) / STEP_DB), 0, 255).astype(np.uint8)
    return base64.b64encode(zlib.compress(levels.tobytes(), 1)).decode()
