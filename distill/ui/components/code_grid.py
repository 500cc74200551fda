"""The code grid as a Gradio component; its code is in ``js/code_grid.js``, beside which
``js/private_grid.js`` shows private clips."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from distill.audio import SAMPLE_RATE
from distill.audio.vocoder import BLOCK_SAMPLES
from distill.codes.grid import CodeGrid
from distill.codes.grid_files import FORMAT
from distill.codes.levels import level_names
from distill.editing.answers import HISTORY_SHOWN, pack
from distill.editing.sprites import spectrogram
from distill.plots import band_name, row_ranges_hz
from distill.settings import DEFAULTS
from distill.ui.components.base import FileComponent


class CodeGridCanvas(FileComponent):
    """A grid of codes that can be played and edited.

    Its value is the result of :func:`grid_value`. Its property ``second`` is ``{"work", "name"}`` of the clip for
    blends and swaps, or empty. Its property ``gone`` is "", or a sentence that says that the server has lost the clip:
    the page then offers its copy of the codes.

    The canvas calls the server functions ``edit``, ``sound``, ``audition`` and ``codec_pictures``, and, if they are
    there, ``codec_lens``, ``second_grid``, ``timing``, ``clip_names`` and ``clip_codes``. Their requests and answers
    are described in ``js/types.js``.
    """

    name = "code_grid"
    module = "private_grid"

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
    codec_file: str = "",
    timing: dict[str, Any] | None = None,
    quiet: np.ndarray | None = None,
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
    codec_file : str
        Address from which the page loads the codec, to make the sound itself; "" if the server makes the sound.
    timing : dict, optional
        Beat and loop, as :meth:`distill.editing.timing.Timing.answer` gives them; None if they are not known.
    quiet : ndarray of int [levels, rows], optional
        The codec's codes of silence, which faders move the sound to.
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
        "mix": None if grid.mix is None else pack(grid.mix),
        "original_mix": None if original.mix is None else pack(original.mix),
        "quiet": None if quiet is None else quiet.tolist(),
        "usage": usage.tolist(),
        "bands": [band_name(low, high) for low, high in row_ranges_hz(grid.rows)],
        "time_stride": grid.time_stride,
        "column_seconds": grid.column_seconds,
        "sample_rate": SAMPLE_RATE,
        "samples": grid.num_samples,
        "piece_samples": BLOCK_SAMPLES,
        "edit_cells": edit_cells,
        "codec_file": codec_file,
        "timing": timing,
        "spectrogram": spectrogram(log_mel, grid.columns * grid.time_stride),
        "history": list(history[-HISTORY_SHOWN:]),
        "edits": len(history),
        "can_undo": bool(history),
        "can_redo": can_redo,
    }
