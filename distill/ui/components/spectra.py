"""Spectrograms and code maps of a clip, on the player's axis of time."""

from collections.abc import Sequence
from typing import Any

from distill.audio import HOP_LENGTH, SAMPLE_RATE
from distill.codes.grid import CodeGrid
from distill.codes.levels import level_names
from distill.editing.answers import pack
from distill.ui.components.base import FileComponent


class Spectra(FileComponent):
    """Spectrograms of the original and of the track that plays, their difference, and a code map for each level.

    Its value is the result of :func:`spectra_value`. Its server function ``spectra`` returns the result of
    :func:`distill.editing.spectra.spectra`; ``codec_pictures`` takes ``{"work"}`` and returns the result of
    :func:`~distill.editing.sprites.codec_pictures`.
    """

    name = "spectra"
    module = "private_spectra"


def spectra_value(work: str, grid: CodeGrid, seconds: float, titles: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The value of the spectrograms.

    Parameters
    ----------
    work : str
        Secret of the work.
    grid : CodeGrid
        The clip's codes before any edit.
    seconds : float
        Length of the clip.
    titles : sequence of (str, str)
        Name and note of the log-mel of the original, of the first level, of the first two levels, and so on.
    """
    return {
        "work": work,
        "model_id": grid.model_id,
        "seconds": seconds,
        "frame_seconds": HOP_LENGTH / SAMPLE_RATE,
        "num_frames": grid.num_frames,
        "time_stride": grid.time_stride,
        "levels": list(level_names(grid.levels)),
        "rows": grid.rows,
        "columns": grid.columns,
        "size": grid.codebook_size,
        "indices": pack(grid.indices),
        "titles": [list(title) for title in titles],
    }
