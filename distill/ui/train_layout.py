"""The layout of the Train tab: clips and their cuts, settings, progress and results."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from distill import plots
from distill.codes.grid import TIME_STRIDES, column_seconds
from distill.jobs import JobStatus
from distill.server.server import Server
from distill.settings import Settings
from distill.ui import cutter, live, set_tools, views
from distill.ui.components import Picture
from distill.ui.cutter import CutterPart
from distill.ui.handlers import Answer

TIME_RESOLUTION = "Time resolution"
KEEP_GRIDS = "Keep the grids of the clips in the codec"
USE = views.USE


@dataclass(frozen=True)
class TrainTab:
    files: gr.File
    add: gr.UploadButton
    clips: gr.HTML
    reason: gr.HTML
    cutter: CutterPart
    levels: gr.Slider
    codebook_dim: gr.Slider
    commitment_weight: gr.Slider
    minutes: gr.Slider
    time_stride: gr.Radio
    from_base: gr.Checkbox
    keep_grids: gr.Checkbox
    start: gr.Button
    train_on: gr.Button
    stop: gr.Button
    resume: gr.Button
    use: gr.Button
    progress: gr.HTML
    curves: gr.HTML
    health: gr.HTML
    preview: gr.Audio
    remembered: gr.Textbox
    shown_clips: gr.Textbox
    """Hidden text box with the secret of the set of clips that the tab lists."""
    shown_training: gr.Textbox
    """Hidden text box with the id of the training that the tab shows."""
    returned: gr.State
    taken: gr.State

    @property
    def live(self) -> list[Any]:
        """The components that change while a training runs."""
        return [self.progress, self.curves, self.health, self.preview]

    @property
    def acts(self) -> list[Any]:
        """The buttons that act on a training."""
        return [self.stop, self.resume, self.use, self.start]

    def able(self, status: JobStatus) -> Answer:
        """Which of these buttons do something now, and which is the next to press; those without effect are disabled.

        While a training runs, "Train" is not disabled but answers in a sentence: a page that has lost its connection
        would not enable it again.
        """
        has_codec, is_over = status.validation is not None, not status.active
        return {
            self.start: gr.update(variant="primary" if is_over and not has_codec else "secondary"),
            self.stop: gr.update(interactive=status.active and not status.stopping),
            self.resume: gr.update(interactive=status.state in ("stopped", "failed")),
            self.use: gr.update(interactive=has_codec, variant="primary" if is_over and has_codec else "secondary"),
        }


def build(
    server: Server, shown_clips: gr.Textbox, shown_training: gr.Textbox, returned: gr.State, taken: gr.State
) -> TrainTab:
    """Lay out the tab. It shows the example codec's training until the visitor's own begins.

    ``shown_clips`` and ``shown_training`` are the hidden text boxes for the identifiers of what the tab shows. The two
    states are made outside of the tab: inside, they would be said to change when the tab is first shown.
    """
    with gr.Row():
        with gr.Column(scale=1, min_width=320):
            files = gr.File(
                label="Your clips", file_count="multiple", type="filepath", elem_id="train-files", height=150
            )
            add = set_tools.add_button()
        with gr.Column(scale=2, min_width=320):
            clips = gr.HTML(views.invitation(server.settings), elem_id="train-clips")
            reason = gr.HTML("", elem_id="train-reason")
    recordings = cutter.build(server)
    with gr.Row():
        with gr.Column(scale=1, min_width=320):
            parts = _lay_out_settings(server.settings)
        with gr.Column(scale=2, min_width=320):
            parts |= _lay_out_results(server)
    return TrainTab(
        files=files,
        add=add,
        clips=clips,
        reason=reason,
        cutter=recordings,
        **parts,
        remembered=gr.Textbox(visible=False),
        shown_clips=shown_clips,
        shown_training=shown_training,
        returned=returned,
        taken=taken,
    )


def _lay_out_settings(settings: Settings) -> dict[str, Any]:
    """Lay out the settings of a training, and the button that begins it."""
    levels = gr.Slider(
        2,
        4,
        value=3,
        step=1,
        label="Levels",
        info="More levels keep more detail and cost more bits per second.",
    )
    time_stride = _time_resolution()
    minutes = gr.Slider(
        0.1,
        settings.training_minutes,
        value=1,
        step=0.1,
        label="Minutes",
        info="Minutes of computing: one is good, five are better. Beside others it may take up to twice as long.",
    )
    keep_grids = gr.Checkbox(
        True, label=KEEP_GRIDS, elem_id="train-keep-grids",
        info="From them it varies, fills, continues and invents. Whoever has the codec's file can hear your clips in "
        "them.",
    )  # fmt: skip
    with gr.Accordion("For the curious", open=False):
        codebook_dim = gr.Slider(
            4, 128, value=32, step=4, label="Codebook dimension",
            info="Numbers that describe each code. Fewer make codes more alike.",
        )  # fmt: skip
        commitment_weight = gr.Slider(
            0, 2, value=0.25, step=0.05, label="Commitment weight",
            info="How strongly sounds are pulled towards the codes while training.",
        )  # fmt: skip
        from_base = gr.Checkbox(
            True, label="Start from the base model",
            info="A network that has heard all kinds of sound learns yours sooner. Without it, training starts "
            "from nothing.",
        )  # fmt: skip
    start = gr.Button("Train", variant="primary", elem_id="train-start")
    train_on = set_tools.train_on_button()
    return {
        "levels": levels,
        "codebook_dim": codebook_dim,
        "commitment_weight": commitment_weight,
        "minutes": minutes,
        "time_stride": time_stride,
        "from_base": from_base,
        "keep_grids": keep_grids,
        "start": start,
        "train_on": train_on,
    }


def _time_resolution() -> gr.Radio:
    """Lay out the choice of the time stride. It has no value until there are clips, and then the one that fits them."""
    return gr.Radio(
        [(f"{1000 * column_seconds(stride):.0f} ms", stride) for stride in TIME_STRIDES],
        value=None,
        label=TIME_RESOLUTION,
        info="Length of a column of codes, the least that can be edited. Shorter columns cost more bits per second. "
        "It is chosen by the length of your clips.",
        elem_id="train-time-stride",
    )


def _lay_out_results(server: Server) -> dict[str, Any]:
    """Lay out the progress of a training and its codec."""
    examples = server.examples
    codec = examples.codec
    progress = gr.HTML(
        "<p class='status'>Below: how the example codec was trained, on 17 loops.</p>", elem_id="train-progress"
    )
    with gr.Row(elem_classes="acts"):
        use = gr.Button(USE, size="sm", elem_id="train-use", min_width=160, interactive=False)
        stop = gr.Button("Stop", size="sm", elem_id="train-stop", min_width=90, interactive=False)
        resume = gr.Button("Continue", size="sm", elem_id="train-resume", min_width=90, interactive=False)
    curves = Picture(plots.plot_curves(live.curves_of(codec)), live.CURVES_ALT, elem_id="train-curves")
    health = gr.HTML(live.health_of(codec), elem_id="train-health")
    gr.HTML(views.GLOSSARY, elem_id="train-words")
    preview = gr.Audio(
        live.sound_file(examples.first.reconstruction, server, "page"),
        label="Reconstruction by the codec so far", interactive=False, elem_id="train-preview",
        buttons=["download"],
    )  # fmt: skip
    return {
        "progress": progress,
        "use": use,
        "stop": stop,
        "resume": resume,
        "curves": curves,
        "health": health,
        "preview": preview,
    }
