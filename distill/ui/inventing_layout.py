"""The layout of what the codec makes of whole clips: one played by the sounds of another, and new ones."""

from dataclasses import dataclass

import gradio as gr

MOST_SECONDS = 60
CROSS = (
    "<p class='note'><b>Cross</b> plays the open clip by the sounds of the second clip: each step gets the codes of "
    "the step there that does most alike in its clip. Choose the second clip in the strip; one undo takes it back.</p>"
)
INVENT = (
    "<p class='note'><b>Invent</b> makes a new clip of what the codec has heard; it stands in the strip. With the "
    "rhythm of the second clip, it is loud where that one is: record yourself tapping with <b>Record</b>, and choose "
    "that as the second clip.</p>"
)
SAY_AGAIN = (
    "<p class='note'><b>Say again</b> writes the clip's sound in the codes of the codec that was in use before, and "
    "opens it there as a new clip: train or open another codec first, and one clip can be heard in both.</p>"
)
LEARN = (
    "<p class='note'>The codec draws from the grids in its file. <b>Draw from my clips</b> lets it draw from the clips "
    "of your list instead, for this visit: for a codec whose file holds no grids, or for new clips.</p>"
)


@dataclass(frozen=True)
class InventedPart:
    """The components of :func:`build`."""

    cross: gr.Button
    seconds: gr.Slider
    wild: gr.Slider
    rhythm: gr.Checkbox
    invent: gr.Button
    learn: gr.Button
    say_again: gr.Button
    told: gr.HTML


def build() -> InventedPart:
    """Lay out the part of the Edit tab."""
    with gr.Accordion(
        "Cross and invent: whole clips from the codec", open=False, elem_id="edit-invented", elem_classes="on-server"
    ):
        gr.HTML(CROSS)
        cross = gr.Button("Cross with the second clip", size="sm", elem_id="edit-cross", min_width=160)
        gr.HTML(INVENT)
        with gr.Row():
            seconds = gr.Slider(1, MOST_SECONDS, value=6, step=0.5, label="Seconds", min_width=160)
            wild = gr.Slider(0, 2, value=0.7, step=0.1, label="How wild", min_width=160)
        rhythm = gr.Checkbox(False, label="With the rhythm of the second clip")
        invent = gr.Button("Invent", size="sm", elem_id="edit-invent", min_width=160)
        gr.HTML(LEARN)
        learn = gr.Button("Draw from my clips", size="sm", elem_id="edit-learn", min_width=160)
        gr.HTML(SAY_AGAIN)
        say_again = gr.Button("Say again in the other codec", size="sm", elem_id="edit-say-again", min_width=160)
        told = gr.HTML("", elem_id="edit-invented-told")
    return InventedPart(cross, seconds, wild, rhythm, invent, learn, say_again, told)
