"""The codebook: every entry of a level as a small picture of its sound; pressing one plays it."""

from typing import Any

import numpy as np

from distill.codec.atlas import CodebookAtlas
from distill.codes.levels import level_names
from distill.ui.components.base import FileComponent
from distill.ui.components.sprites import css_colours, mel_sprite


class Codebook(FileComponent):
    """All codes of a codec, to look at and listen to.

    Its value is what :func:`codebook_value` returns. Its server function ``audition`` takes ``{"work", "level",
    "code"}`` and answers with ``{"flac"}``.
    """


def codebook_value(
    work: str, atlas: CodebookAtlas, counts: np.ndarray, training_counts: np.ndarray | None
) -> dict[str, Any]:
    """What the codebook shows.

    Parameters
    ----------
    work : str
        By which the server finds the clip's codec.
    atlas : CodebookAtlas
    counts : ndarray of int [levels, codebook_size]
        How often each code occurs in the clip.
    training_counts : ndarray of int [levels, codebook_size], optional
        And in the clips that the codec was trained on, if that is known.
    """
    return {
        "work": work,
        "levels": list(level_names(len(counts))),
        "size": counts.shape[1],
        "sprites": [mel_sprite(level) for level in atlas.log_mels],
        "colours": [css_colours(level) for level in atlas.colours],
        "order": atlas.order.tolist(),
        "here": counts.tolist(),
        "trained": None if training_counts is None else training_counts.tolist(),
    }
