"""The codebook: a small picture of each code's sound; a press plays the code."""

from typing import Any

import numpy as np

from distill.audio import SAMPLE_RATE
from distill.codes.levels import level_names
from distill.ui.components.base import FileComponent


class Codebook(FileComponent):
    """All codes of a codec, with pictures and sound.

    Its value is the result of :func:`codebook_value`. Its server function ``audition`` takes ``{"work", "level",
    "code"}`` and returns ``{"flac"}``; ``codec_pictures`` takes ``{"work"}`` and returns the result of
    :func:`~distill.editing.sprites.codec_pictures`.
    """

    name = "codebook"


def codebook_value(
    work: str, model_id: str, counts: np.ndarray, training_counts: np.ndarray | None, codec_file: str = ""
) -> dict[str, Any]:
    """The value of the codebook.

    Parameters
    ----------
    work : str
        Secret of a work with the codec.
    model_id : str
        Identifier of the codec; the page uses it to reuse pictures.
    counts : ndarray of int [levels, codebook_size]
        Number of uses of each code in the clip.
    training_counts : ndarray of int [levels, codebook_size], optional
        Number of uses of each code in the training clips, if known.
    codec_file : str
        Address of the codec for the page; if another component has loaded the codec, the page plays the codes itself.
    """
    return {
        "work": work,
        "model_id": model_id,
        "codec_file": codec_file,
        "sample_rate": SAMPLE_RATE,
        "levels": list(level_names(len(counts))),
        "size": counts.shape[1],
        "here": counts.tolist(),
        "trained": None if training_counts is None else training_counts.tolist(),
    }
