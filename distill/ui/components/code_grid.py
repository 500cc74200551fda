"""The code grid as a Gradio component; its code is in ``js/code_grid.js``."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from distill.audio import HOP_LENGTH, SAMPLE_RATE
from distill.audio.vocoder import BLOCK_FRAMES, num_blocks
from distill.codes.grid import FORMAT, FRAMES_PER_COLUMN, CodeGrid
from distill.codes.levels import level_names
from distill.editing.answers import HISTORY_SHOWN, pack
from distill.plots import COLUMN_SECONDS, band_name, row_ranges_hz
from distill.settings import DEFAULTS
from distill.ui.components.base import FileComponent
from distill.ui.components.sprites import spectrogram


class CodeGridCanvas(FileComponent):
    """A grid of codes that can be played and edited.

    Its value is what :func:`grid_value` returns. Its property ``second`` is ``{"work", "name"}`` of the clip to blend
    and swap with, or empty. Its property ``gone`` is a sentence that says that the server has lost the clip, or "":
    the page then offers the codes that it still has.

    The canvas calls four functions of the server: ``edit``, ``sound``, ``audition`` and ``codec_pictures``. Their
    requests and answers are in ``js/types.js``.
    """

    name = "code_grid"

    def __init__(self, value: dict[str, Any] | None = None, **options: Any) -> None:
        options.setdefault("second", {})
        options.setdefault("gone", "")
        super().__init__(value, **options)


def grid_value(
    work: str,
    name: str,
    grid: CodeGrid,
    original: CodeGrid,
    log_mel: np.ndarray,
    usage: np.ndarray,
    history: Sequence[str],
    *,
    can_redo: bool,
    editable: bool = True,
    edit_cells: int = DEFAULTS.edit_cells,
) -> dict[str, Any]:
    """What the canvas shows.

    Parameters
    ----------
    work : str
        By which the server finds the clip.
    name : str
        Of its file.
    grid, original : CodeGrid
        As it is and as it was; of the same shape.
    log_mel : ndarray [128, num_frames]
        To draw behind the cells.
    usage : ndarray of int [levels, codebook_size]
        How often each code occurs.
    history : sequence of str
        What was done, in words, first to last.
    can_redo : bool
        Whether something was taken back.
    editable : bool
        False for a clip that is nobody's own: its edits wait until the page is given a copy.
    edit_cells : int
        The most cells that one edit may name.
    """
    return {
        "work": work,
        "name": name,
        "editable": editable,
        "levels": list(level_names(grid.levels)),
        "rows": grid.rows,
        "columns": grid.columns,
        "size": grid.codebook_size,
        "num_frames": grid.num_frames,
        "model_id": grid.model_id,
        "format": FORMAT,
        "indices": pack(grid.indices),
        "original": pack(original.indices),
        "usage": usage.tolist(),
        "bands": [band_name(low, high) for low, high in row_ranges_hz(grid.rows)],
        "column_seconds": COLUMN_SECONDS,
        "sample_rate": SAMPLE_RATE,
        "samples": grid.num_frames * HOP_LENGTH,
        "piece_samples": BLOCK_FRAMES * HOP_LENGTH,
        "pieces": num_blocks(grid.num_frames),
        "edit_cells": edit_cells,
        "spectrogram": spectrogram(log_mel, grid.columns * FRAMES_PER_COLUMN),
        "history": list(history[-HISTORY_SHOWN:]),
        "edits": len(history),
        "can_undo": bool(history),
        "can_redo": can_redo,
    }
