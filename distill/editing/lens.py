"""What the page knows of a codec for its lens and its sliders: near codes, what a cell changes, directions of sound."""

import base64
from typing import Any

import numpy as np

from distill.codec import Codec
from distill.codes.edits import nearest_codes

NEAR = 8
"""Number of near codes of each code."""


def codec_lens(codec: Codec, *, slides: bool = False) -> dict[str, Any]:
    """Facts about a codec for the page.

    Parameters
    ----------
    codec : Codec
    slides : bool
        Whether the page makes slides itself and needs their directions.

    Returns
    -------
    dict
        ``near`` has up to 8 near codes of each level and code, the nearest first. ``spread`` has what a cell of each
        row changes, as :class:`distill.codec.qualities.Spread` has it: ``before``, ``frames`` and ``bands``, and
        ``shares`` in base64. ``slides`` has the arrays of :class:`distill.codec.qualities.Qualities` in base64.
    """
    count = min(NEAR, codec.codebook_size - 1)
    near = [[nearest_codes(book, code, count).tolist() for code in range(len(book))] for book in codec.codebooks]
    spread = codec.spread
    _, bands, frames = spread.shares.shape
    facts: dict[str, Any] = {
        "near": near,
        "spread": {"before": spread.before, "frames": frames, "bands": bands, "shares": _packed(spread.shares)},
    }
    if slides:
        arrays = {name: _packed(getattr(codec.qualities, name)) for name in ("steps", "loudness", "quietness")}
        facts["slides"] = arrays | {"travel": codec.qualities.travel}
    return facts


def _packed(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()
