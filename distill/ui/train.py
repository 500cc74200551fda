"""The Train tab: clips in, a codec out, and what happens in between."""

import html
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from distill import plots
from distill.audio import MAX_CLIPS, MIN_CLIPS, SAMPLE_RATE, Clip, LogMel, Refusal, read_clips
from distill.codec import Codec
from distill.errors import CodecFileError, TrainingError
from distill.jobs import JobRunner
from distill.training.config import get_adaptive_vqvae_config
from distill.training.dataset import check_clip_count, to_mel_clip
from distill.training.trainer import Trainer, Validation
from distill.ui import edit, explore, views
from distill.ui.components import Picture, picture
from distill.ui.handlers import handler
from distill.ui.session import Examples, Run, Session, Visitors

if TYPE_CHECKING:
    from distill.ui.edit import EditTab
    from distill.ui.explore import ExploreTab

POLL_SECONDS = 0.5
PROBE_SECONDS = 4
CURVES_ALT = "Training loss at each step and error on whole clips, over seconds of training"
INVITATION = (
    f"<p>Drop {MIN_CLIPS} to {MAX_CLIPS} clips (WAV, FLAC, OGG, MP3, AIFF, or a zip of them). Short, related sounds "
    "work best: drum hits, loops, one instrument, one voice.</p>"
)


@dataclass(frozen=True)
class TrainTab:
    files: gr.File
    clips: gr.HTML
    reason: gr.HTML
    levels: gr.Slider
    codebook_dim: gr.Slider
    commitment_weight: gr.Slider
    minutes: gr.Slider
    from_base: gr.Checkbox
    start: gr.Button
    stop: gr.Button
    resume: gr.Button
    use: gr.Button
    progress: gr.HTML
    curves: gr.HTML
    health: gr.HTML
    preview: gr.Audio
    download: gr.DownloadButton
    load: gr.UploadButton

    @property
    def live(self) -> list[Any]:
        """What changes while a training runs."""
        return [self.progress, self.curves, self.health, self.preview]


def build(examples: Examples) -> TrainTab:
    """Lay out the tab; it shows the example codec's training until a visitor's own begins."""
    codec = examples.codec
    with gr.Row():
        with gr.Column(scale=1, min_width=320):
            files = gr.File(
                label="Your clips", file_count="multiple", type="filepath", elem_id="train-files", height=150
            )
            clips = gr.HTML(INVITATION, elem_id="train-clips")
            reason = gr.HTML("", elem_id="train-reason")
            levels = gr.Slider(
                2,
                4,
                value=3,
                step=1,
                label="Levels",
                info="More levels keep more detail and cost more bits per second.",
            )
            minutes = gr.Slider(
                0.1,
                15,
                value=1,
                step=0.1,
                label="Minutes",
                info="How long training may take. One is good, five are better.",
            )
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
            with gr.Row():
                stop = gr.Button("Stop", size="sm", elem_id="train-stop", min_width=90)
                resume = gr.Button("Continue", size="sm", elem_id="train-resume", min_width=90)
            use = gr.Button("Use the trained codec", size="sm", elem_id="train-use")
        with gr.Column(scale=2, min_width=320):
            progress = gr.HTML(
                "<p class='status'>Below: how the example codec was trained, on 17 loops.</p>", elem_id="train-progress"
            )
            curves = Picture(plots.plot_curves(**_curves(codec)), CURVES_ALT, elem_id="train-curves")
            health = gr.HTML(_info_health(codec), elem_id="train-health")
            preview = gr.Audio(
                views.sound(examples.first.reconstruction), label="Reconstruction by the codec so far",
                interactive=False, elem_id="train-preview", buttons=["download"],
            )  # fmt: skip
            with gr.Row():
                download = gr.DownloadButton(
                    "Download the codec", value=str(_saved(codec)), size="sm", elem_id="train-download", min_width=160
                )
                load = gr.UploadButton(
                    "Load a .distill file", file_types=[".distill"], size="sm", elem_id="train-load", min_width=160
                )
    return TrainTab(
        files, clips, reason, levels, codebook_dim, commitment_weight, minutes, from_base, start, stop, resume, use,
        progress, curves, health, preview, download, load,
    )  # fmt: skip


def connect(
    tab: TrainTab,
    explore_tab: "ExploreTab",
    edit_tab: "EditTab",
    codec_bar: gr.HTML,
    visitors: Visitors,
    runner: JobRunner,
) -> None:
    """Wire the tab's events."""
    handle = handler(visitors)

    @handle
    def add_clips(visitor: Session, paths: list[str] | None, progress: gr.Progress = gr.Progress()) -> Any:  # noqa: B008
        visitor.clips, visitor.first_clip, refused, log_mel = [], None, [], LogMel()
        for number, item in enumerate(read_clips(paths or [])):
            progress((number, None), desc="Reading", unit="clips")
            if isinstance(item, Refusal):
                refused.append(item)
                continue
            visitor.clips.append(to_mel_clip(item, log_mel))
            visitor.first_clip = visitor.first_clip or item
        if not paths:
            return INVITATION, "", gr.skip()
        config = get_adaptive_vqvae_config(max(1, len(visitor.clips)))
        reason = views.config_reason(config, len(visitor.clips)) if len(visitor.clips) >= MIN_CLIPS else ""
        return views.clip_list(visitor.clips, refused), reason, config.minutes

    @handle
    def train(
        visitor: Session,
        levels: float,
        codebook_dim: float,
        commitment_weight: float,
        minutes: float,
        from_base: bool = True,
    ) -> Iterator[Any]:
        with visitor.lock:
            if visitor.run is not None and visitor.run.job.status().active:
                raise TrainingError("Your training is still running: stop it first.")
            check_clip_count(len(visitor.clips))
            config = replace(
                get_adaptive_vqvae_config(len(visitor.clips)),
                num_quantizers=int(levels),
                codebook_dim=int(codebook_dim),
                commitment_weight=commitment_weight,
                minutes=minutes,
                from_base=from_base,
            )
            first = visitor.first_clip
            assert first is not None
            probe = Clip(first.name, first.waveform[: PROBE_SECONDS * SAMPLE_RATE])
            visitor.run = run = Run(runner.submit(Trainer(visitor.clips, config)), probe, first)
        yield from _follow(run)

    @handle
    def resume(visitor: Session) -> Iterator[Any]:
        with visitor.lock:
            run = visitor.require_run()
            run.job.resume()
        yield from _follow(run)

    @handle
    def stop(visitor: Session) -> None:
        visitor.require_run().job.stop()

    @handle
    def trained(visitor: Session) -> Any:
        """Take the new codec into the other tabs, unless there are edits there that it would put out of sight."""
        trainer = visitor.require_run().job.trainer
        if trainer.best is None:
            return tuple(gr.skip() for _ in everywhere)
        if visitor.work.history.can_undo:
            gr.Info("Your codec is ready. Your edits stay as they are: press “Use the trained codec” to change over.")
            return tuple(gr.skip() for _ in everywhere)
        return turn_to_trained(visitor)

    @handle
    def use_trained(visitor: Session) -> Any:
        return turn_to_trained(visitor)

    def turn_to_trained(visitor: Session) -> tuple[Any, ...]:
        run = visitor.require_run()
        visitor.turn_to_clip(Codec(run.job.best_model(), run.job.trainer.metadata()), run.first)
        return shown(visitor)

    @handle
    def load_codec(visitor: Session, path: str | None) -> Any:
        if not path:
            raise CodecFileError("There is no codec there: choose a .distill file.")
        codec = Codec.load(path)
        visitor.turn_to_clip(codec, visitor.work.clip)
        loaded = f"<p class='status'>Loaded {html.escape(Path(path).name)}.</p>"
        curves = picture(plots.plot_curves(**_curves(codec)), CURVES_ALT)
        return loaded, curves, _info_health(codec), views.sound(visitor.work.reconstruction), *shown(visitor)

    def shown(visitor: Session) -> tuple[Any, ...]:
        visitor.work.decode()
        saved = gr.update(value=str(_saved(visitor.codec)))
        return saved, views.codec_line(visitor.codec), *explore.show(visitor), *edit.show(visitor)

    everywhere = [tab.download, codec_bar, *explore_tab.outputs, *edit_tab.outputs]
    hidden: dict[str, Any] = {"show_progress": "hidden"}
    tab.files.change(add_clips, tab.files, [tab.clips, tab.reason, tab.minutes], api_name="add_clips")
    settings = [tab.levels, tab.codebook_dim, tab.commitment_weight, tab.minutes, tab.from_base]
    for button, function, inputs in ((tab.start, train, settings), (tab.resume, resume, None)):
        followed = button.click(
            function, inputs, tab.live, api_name=function.__name__, concurrency_limit=None, **hidden
        )
        followed.success(trained, None, everywhere, api_visibility="private", **hidden)
    tab.stop.click(stop, None, None, api_name="stop", **hidden)
    tab.use.click(use_trained, None, everywhere, api_name="use_trained", show_progress_on=tab.progress)
    tab.load.upload(
        load_codec, tab.load, [*tab.live, *everywhere], api_name="load_codec", show_progress_on=tab.progress
    )


def _follow(run: Run) -> Iterator[Any]:
    """The live outputs, twice a second until the training ends; picture and sound when they have changed."""
    shown = None
    while True:
        status = run.job.wait(POLL_SECONDS)
        news: tuple[Any, ...] = (gr.skip(), gr.skip(), gr.skip())
        if status.validation is not None and status.validation is not shown:
            shown = status.validation
            news = _news(run, shown)
        yield views.training_progress(status), *news
        if not status.active:
            return


def _news(run: Run, validation: Validation) -> tuple[Any, ...]:
    codec = Codec(run.job.best_model())
    curves = {name: list(points) for name, points in run.job.trainer.curves.items()}
    heard = codec.decode(codec.encode_mel(codec.log_mel_of(run.probe)))
    return (
        picture(plots.plot_curves(**curves), CURVES_ALT),
        views.health_table(validation.levels, codec.codebook_size),
        views.sound(heard),
    )


def _curves(codec: Codec) -> dict[str, Any]:
    return codec.info.get("curves", {"steps": [], "validations": []})


def _info_health(codec: Codec) -> str:
    levels = codec.training_health
    return views.health_table(levels, codec.codebook_size) if levels else ""


def _saved(codec: Codec) -> Path:
    path = Path(tempfile.mkdtemp()) / f"codec-{codec.model_id[:6]}.distill"
    codec.save(path)
    return path
