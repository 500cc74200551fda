"""A picture with alternative text, which ``gr.Plot`` and ``gr.Image`` do not offer."""

import base64
import io
from typing import Any

import gradio as gr
from matplotlib.figure import Figure

_TEMPLATE = """
<div class="picture" role="group" aria-label="Picture" ${value ? 'tabindex="0"' : ""}>
<div><img alt="${value ? value.alt : ""}" src="${value ? value.src : ""}" ${value ? "" : "hidden"}></div></div>
"""


def Picture(figure: Figure | None, alt: str, **options: Any) -> gr.HTML:  # noqa: N802, used like a component
    """A component that shows a figure.

    Parameters
    ----------
    figure : Figure, optional
        A figure from :mod:`distill.plots`.
    alt : str
        Alternative text for visitors who do not see the picture.
    options
        Options of ``gr.HTML``.
    """
    return gr.HTML(html_template=_TEMPLATE, value=_value(figure, alt) if figure else "", **options)


def picture(figure: Figure, alt: str) -> Any:
    """An update of a :func:`Picture` to a new figure."""
    return gr.update(value=_value(figure, alt))


def no_picture() -> Any:
    """An update of a :func:`Picture` that removes the figure."""
    return gr.update(value="")


def _value(figure: Figure, alt: str) -> dict[str, str]:
    """Picture and text are one value: two properties may reach the page one after the other."""
    return {"src": data_uri(figure), "alt": alt.replace('"', "'")}


def data_uri(figure: Figure) -> str:
    """The figure as a WebP data URI; for a spectrogram, its size is a fifth of a PNG's."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="webp", pil_kwargs={"quality": 85})
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
