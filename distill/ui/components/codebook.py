"""The codebook: every entry of a level as a small picture of its sound; pressing one plays it."""

from typing import Any

import numpy as np

from distill.audio import SAMPLE_RATE
from distill.codes.levels import level_names
from distill.ui.components.base import FileComponent


class Codebook(FileComponent):
    """All codes of a codec, to look at and listen to.

    Its value is what :func:`codebook_value` returns. Its server function ``audition`` takes ``{"work", "level",
    "code"}`` and answers with ``{"flac"}``; ``codec_pictures`` takes ``{"work"}`` and answers with what
    :func:`~distill.ui.components.sprites.codec_pictures` returns.
    """

    name = "codebook"


def codebook_value(work: str, model_id: str, counts: np.ndarray, training_counts: np.ndarray | None) -> dict[str, Any]:
    """What the codebook shows.

    Parameters
    ----------
    work : str
        By which the server finds the clip's codec.
    model_id : str
        Of the codec: by it the page knows the pictures that it has.
    counts : ndarray of int [levels, codebook_size]
        How often each code occurs in the clip.
    training_counts : ndarray of int [levels, codebook_size], optional
        And in the clips that the codec was trained on, if that is known.
    """
    return {
        "work": work,
        "model_id": model_id,
        "sample_rate": SAMPLE_RATE,
        "levels": list(level_names(len(counts))),
        "size": counts.shape[1],
        "here": counts.tolist(),
        "trained": None if training_counts is None else training_counts.tolist(),
    }
