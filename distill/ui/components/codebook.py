"""The codebook: every entry of a level as a small picture of its sound; pressing one plays it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from distill.atlas import CodebookAtlas
from distill.training.health import level_names
from distill.ui.components.sprites import css_colours, mel_sprite

_TEMPLATE = """
<div class="codebook">
  <div class="bar">
    <div class="levels" role="group" aria-label="Level"></div>
    <label>Sort by <select>
      <option value="similarity">similarity</option>
      <option value="here">use in this clip</option>
      <option value="trained">use in training</option>
      <option value="number">number</option>
    </select></label>
  </div>
  <div class="tiles" role="group" aria-label="Codes of this level: press one to hear it"></div>
  <p class="readout" aria-live="polite"></p>
</div>
"""


class Codebook(gr.HTML):
    """All codes of a codec, to look at and listen to.

    Its value is what :func:`codebook_value` returns. Its server function ``audition`` takes ``{"work", "level",
    "code"}`` and answers with ``{"flac"}``.
    """

    def __init__(
        self,
        value: dict[str, Any] | None = None,
        *,
        server_functions: list[Callable[..., Any]] | None = None,
        **options: Any,
    ) -> None:
        here = Path(__file__)
        options.setdefault("html_template", _TEMPLATE)
        options.setdefault("css_template", here.with_suffix(".css").read_text(encoding="utf-8"))
        options.setdefault("js_on_load", here.with_suffix(".js").read_text(encoding="utf-8"))
        super().__init__(value=value, server_functions=server_functions, **options)

    def preprocess(self, payload: Any) -> Any:
        return payload

    def postprocess(self, value: Any) -> Any:
        return value

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


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
