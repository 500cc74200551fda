"""The code grid as a Gradio component; its code is in ``js/code_grid.js``."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from distill.audio import SAMPLE_RATE
from distill.audio.vocoder import BLOCK_SAMPLES, num_blocks
from distill.codes.grid import FORMAT, CodeGrid
from distill.codes.levels import level_names
from distill.editing.answers import HISTORY_SHOWN, pack
from distill.plots import band_name, row_ranges_hz
from distill.settings import DEFAULTS
from distill.ui.components.base import FileComponent
from distill.ui.components.sprites import spectrogram


class CodeGridCanvas(FileComponent):
    """A grid of codes that can be played and edited.

    Its value is the result of :func:`grid_value`. Its property ``second`` is ``{"work", "name"}`` of the clip for
    blends and swaps, or empty. Its property ``gone`` is "", or a sentence that says that the server has lost the clip:
    the page then offers its copy of the codes.

    The canvas calls four server functions: ``edit``, ``sound``, ``audition`` and ``codec_pictures``. Their requests and
    answers are described in ``js/types.js``.
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
    """The value of the canvas.

    Parameters
    ----------
    work : str
        Secret of the work.
    name : str
        Name of the clip's file.
    grid, original : CodeGrid
        The grid after and before the edits, of the same shape.
    log_mel : ndarray [128, num_frames]
        Spectrogram behind the cells.
    usage : ndarray of int [levels, codebook_size]
        Number of uses of each code.
    history : sequence of str
        Descriptions of the edits, first to last.
    can_redo : bool
        Whether an edit can be redone.
    editable : bool
        False for the shared example: its edits wait until the page has its own copy.
    edit_cells : int
        Maximum number of cells of one edit.
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
        "time_stride": grid.time_stride,
        "column_seconds": grid.column_seconds,
        "sample_rate": SAMPLE_RATE,
        "samples": grid.num_samples,
        "piece_samples": BLOCK_SAMPLES,
        "pieces": num_blocks(grid.num_frames),
        "edit_cells": edit_cells,
        "spectrogram": spectrogram(log_mel, grid.columns * grid.time_stride),
        "history": list(history[-HISTORY_SHOWN:]),
        "edits": len(history),
        "can_undo": bool(history),
        "can_redo": can_redo,
    }
