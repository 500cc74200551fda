"""The components of the Edit tab that make a link to an edit."""

from dataclasses import dataclass

import gradio as gr


@dataclass(frozen=True)
class LinkPart:
    """The components of :func:`build`."""

    copy: gr.Button
    link: gr.Textbox
    told: gr.HTML
    asked: gr.Textbox
    """Hidden text box for the query of the page's own address."""


def build_button() -> gr.Button:
    """Lay out the button that makes a link."""
    return gr.Button("Copy link", size="sm", elem_id="edit-copy-link", min_width=0)


def build(button: gr.Button) -> LinkPart:
    """Lay out the place where a link is shown, which is seen once there is one."""
    link = gr.Textbox(
        "", label="A link to this edit", visible=False, interactive=False, elem_id="edit-link", lines=1, max_lines=2,
        elem_classes="on-server", buttons=["copy"],
    )  # fmt: skip
    told = gr.HTML("", elem_id="edit-link-told", elem_classes="on-server")
    return LinkPart(button, link, told, gr.Textbox("", visible="hidden", label="Link that was opened"))
