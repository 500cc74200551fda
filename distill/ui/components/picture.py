"""A picture with alternative text, which ``gr.Plot`` and ``gr.Image`` do not offer."""

import base64
import io
from typing import Any

import gradio as gr
from matplotlib.figure import Figure

from distill.plots import TIME_AXIS
from distill.ui.components.modules import mounting

_TEMPLATE = """
<div class="picture"><div data-start="${start}" data-stop="${stop}" data-left="${left}" data-right="${right}">
  <img alt="${alt}" src="${value}" ${value ? "" : "hidden"}><i class="playhead" hidden></i>
</div></div>
"""
_STILL_TEMPLATE = """
<div class="picture"><div><img alt="${alt}" src="${value}" ${value ? "" : "hidden"}></div></div>
"""


def Picture(  # noqa: N802, used like a component
    figure: Figure | None, alt: str, *, seconds: tuple[float, float] | None = None, **options: Any
) -> gr.HTML:
    """A component that shows a figure.

    Parameters
    ----------
    figure : Figure, optional
        A figure from :mod:`distill.plots`.
    alt : str
        Alternative text for visitors who do not see the picture.
    seconds : (float, float), optional
        Start and end of the time axis; with it, the player moves a line over the picture.
    options
        Options of ``gr.HTML``.
    """
    options |= _axis(seconds)
    template = _STILL_TEMPLATE if seconds is None else _TEMPLATE
    value = _data_uri(figure) if figure else ""
    code = None if seconds is None else mounting("picture")
    return gr.HTML(html_template=template, js_on_load=code, value=value, alt=alt, **options)


def picture(figure: Figure, alt: str, *, seconds: tuple[float, float] | None = None) -> Any:
    """An update of a :func:`Picture` to a new figure."""
    return gr.update(value=_data_uri(figure), alt=alt.replace('"', "'"), **_axis(seconds))


def no_picture(alt: str) -> Any:
    """An update of a :func:`Picture` that removes the figure."""
    return gr.update(value="", alt=alt)


def _axis(seconds: tuple[float, float] | None) -> dict[str, Any]:
    """The properties of the template. Each update has all of them, because the tab may never have been opened."""
    if seconds is None:
        return {}
    return dict(zip(("start", "stop", "left", "right"), (*seconds, *TIME_AXIS), strict=True))


def _data_uri(figure: Figure) -> str:
    """The figure as a WebP data URI; for a spectrogram, its size is a fifth of a PNG's."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="webp", pil_kwargs={"quality": 85})
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
