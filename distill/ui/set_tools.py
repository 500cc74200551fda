"""The buttons of the Train tab for a set that is there: add clips to it, and train on from the codec in use."""

import gradio as gr

WORDS = (
    "<p class='note'><b>Train</b> makes a new codec. <b>Train on</b> starts from the codec that is named above, with "
    "all that it has learned, and goes on with the clips of your list. In the strip, <b>Sort: worst first</b> shows "
    "which clips the codec knows badly; <b>Weight</b> lets a training hear them more often, or leaves them out.</p>"
)


def add_button() -> gr.UploadButton:
    """Lay out the button that adds clips to the list."""
    return gr.UploadButton("Add clips", file_count="multiple", size="sm", elem_id="train-add", min_width=90)


def train_on_button() -> gr.Button:
    """Lay out the button that goes on from the codec in use, and what that means."""
    button = gr.Button("Train on from this codec", size="sm", elem_id="train-on", min_width=160)
    gr.HTML(WORDS)
    return button
