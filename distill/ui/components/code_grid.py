"""The code grid as a Gradio component; its drawing and its hands are in ``code_grid.js``."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from distill.audio import HOP_LENGTH, SAMPLE_RATE, write_wav
from distill.codes.grid import FRAMES_PER_COLUMN, CodeGrid
from distill.plots import row_ranges_hz
from distill.training.health import level_names

_TEMPLATE = """
<div class="code-grid">
  <div class="levels" role="group" aria-label="Level"></div>
  <div class="board">
    <div class="bands" aria-hidden="true"></div>
    <div class="scroller"><div class="track"><canvas class="cells" tabindex="0" role="application"
      aria-label="Code grid: arrow keys move, Enter paints, P picks the code under the cursor, 1 to 4 choose a level,
        Control Z undoes"></canvas></div></div>
  </div>
  <p class="readout" aria-live="polite"></p>
  <div class="palette" role="group" aria-label="Codes of this level: click to hear one and to paint with it"></div>
</div>
"""


class CodeGridCanvas(gr.HTML):
    """A grid of codes that can be painted on.

    Its value is what :func:`grid_value` returns; its property ``sound`` what :func:`sound_value` does.

    Events: ``edit`` (level, code, cells), ``audition`` (level, code), ``undo``, ``redo``.
    """

    def __init__(self, value: dict[str, Any] | None = None, **options: Any) -> None:
        here = Path(__file__)
        options.setdefault("html_template", _TEMPLATE)
        options.setdefault("css_template", here.with_suffix(".css").read_text(encoding="utf-8"))
        options.setdefault("js_on_load", here.with_suffix(".js").read_text(encoding="utf-8"))
        options.setdefault("sound", sound_value(None, 0))
        super().__init__(value=value, **options)

    def preprocess(self, payload: Any) -> Any:
        return payload

    def postprocess(self, value: Any) -> Any:
        return value

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


def grid_value(grid: CodeGrid, original: CodeGrid, colours: Sequence[np.ndarray]) -> dict[str, Any]:
    """What the canvas draws: a grid, what differs from the original, and the colour of each code.

    Parameters
    ----------
    grid, original : CodeGrid
        Of the same shape.
    colours : sequence of ndarray of uint8 [codebook_size, 3]
        For each level, from :func:`~distill.plots.code_palette`.
    """
    return {
        "levels": list(level_names(grid.levels)),
        "rows": grid.rows,
        "columns": grid.columns,
        "size": grid.codebook_size,
        "model_id": grid.model_id,
        "indices": grid.indices.ravel().tolist(),
        "changed": np.flatnonzero(grid.indices != original.indices).tolist(),
        "palettes": [[f"rgb({red} {green} {blue})" for red, green, blue in level] for level in colours],
        "bands": [f"{low:.0f} to {high:.0f} Hz" for low, high in row_ranges_hz(grid.rows)],
        "column_seconds": FRAMES_PER_COLUMN * HOP_LENGTH / SAMPLE_RATE,
    }


def sound_value(waveform: np.ndarray | None, sequence: int) -> dict[str, Any]:
    """A sound for the canvas to play at once, or none; ``sequence`` tells it from the one before."""
    if waveform is None or not len(waveform):
        return {"seq": sequence, "uri": None}
    buffer = io.BytesIO()
    write_wav(buffer, waveform)
    return {"seq": sequence, "uri": "data:audio/wav;base64," + base64.b64encode(buffer.getvalue()).decode()}
