"""Small pictures for the page's components: patches of log-mels as PNG data URIs."""

import base64
import io
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib import colormaps
from matplotlib.image import imsave

from distill.codec.atlas import CodebookAtlas

TILE_BANDS = 64
BACKDROP_COLUMNS = 2000

_made: "WeakKeyDictionary[CodebookAtlas, dict[str, Any]]" = WeakKeyDictionary()


def codec_pictures(atlas: CodebookAtlas, progress: Callable[[float], object] = lambda share: None) -> dict[str, Any]:
    """The pictures of a codec, independent of the clip; computed once per codec.

    Parameters
    ----------
    atlas : CodebookAtlas
        Atlas of the codec.
    progress : callable
        Called with the share that is done, 0 to 1, after each level.

    Returns
    -------
    dict
        For each level: in ``sprites`` a picture of all codes side by side, in ``colours`` their CSS colours, in
        ``order`` the codes sorted so that neighbours sound alike.
    """
    if atlas not in _made:
        sprites = []
        for level in atlas.log_mels:
            sprites.append(mel_sprite(level))
            progress(len(sprites) / len(atlas.log_mels))
        colours = [css_colours(level) for level in atlas.colours]
        _made.setdefault(atlas, {"sprites": sprites, "colours": colours, "order": atlas.order.tolist()})
    return _made[atlas]


def mel_sprite(log_mels: np.ndarray) -> str:
    """Picture of all codes of a level side by side: log-mels [size, 128, 16] as 64 by 16 * size pixels."""
    pooled = log_mels.reshape(len(log_mels), TILE_BANDS, -1, log_mels.shape[2]).mean(axis=2)
    return _png(pooled.transpose(1, 0, 2).reshape(TILE_BANDS, -1))


def spectrogram(log_mel: np.ndarray, frames: int) -> str:
    """Picture of a log-mel [128, num_frames], padded with silence to ``frames``, at most 2000 columns wide."""
    padded = np.pad(log_mel, ((0, 0), (0, frames - log_mel.shape[1])), constant_values=float(log_mel.min()))
    stride = -(-frames // BACKDROP_COLUMNS)
    padded = np.pad(padded, ((0, 0), (0, -frames % stride)), mode="edge")
    return _png(padded.reshape(len(padded), -1, stride).max(axis=2))


def css_colours(colours: np.ndarray) -> list[str]:
    """RGB bytes [size, 3] as CSS colours."""
    return [f"rgb({red} {green} {blue})" for red, green, blue in colours.tolist()]


def _png(values: np.ndarray) -> str:
    low, high = np.percentile(values, (2, 99.5))
    shades = np.clip((values - low) / max(float(high - low), 1e-6), 0, 1)
    buffer = io.BytesIO()
    imsave(buffer, colormaps["magma"](shades[::-1], bytes=True), format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
