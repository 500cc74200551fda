"""A picture with alternative text, which ``gr.Plot`` and ``gr.Image`` do not offer."""

import base64
import io
from typing import Any

import gradio as gr
from matplotlib.figure import Figure


def Picture(figure: Figure | None, alt: str, **options: Any) -> gr.HTML:  # noqa: N802, used like a component
    """A component that shows a figure."""
    return gr.HTML(
        html_template='<div class="picture"><img alt="${alt}" src="${value}" ${value ? "" : "hidden"}></div>',
        js_on_load=None,
        value=_data_uri(figure) if figure else "",
        alt=alt,
        **options,
    )


def picture(figure: Figure, alt: str) -> Any:
    """An update of a :func:`Picture`."""
    return gr.update(value=_data_uri(figure), alt=alt.replace('"', "'"))


def _data_uri(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
