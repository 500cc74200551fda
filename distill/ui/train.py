"""The Train tab: clips in, a codec out, and what happens in between."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from distill import plots
from distill.audio import MAX_CLIPS, MIN_CLIPS, Clip, LogMel, Refusal, read_clips, unpack_zip
from distill.codec import Codec
from distill.jobs import JobRunner, JobStatus
from distill.training.config import get_adaptive_vqvae_config
from distill.training.dataset import check_clip_count, to_mel_clip
from distill.training.trainer import Trainer
from distill.ui import edit, explore, views
from distill.ui.components import Picture, picture
from distill.ui.handlers import handler
from distill.ui.session import Examples, Session

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
    start: gr.Button
    stop: gr.Button
    resume: gr.Button
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


def build(session: gr.State, examples: Examples, runner: JobRunner) -> TrainTab:
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
                0.1, 15, value=2, step=0.1, label="Minutes", info="How long training may take. Two give a good codec."
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
            start = gr.Button("Train", variant="primary", elem_id="train-start")
            with gr.Row():
                stop = gr.Button("Stop", size="sm", elem_id="train-stop", min_width=90)
                resume = gr.Button("Continue", size="sm", elem_id="train-resume", min_width=90)
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
        files, clips, reason, levels, codebook_dim, commitment_weight, minutes, start, stop, resume,
        progress, curves, health, preview, download, load,
    )  # fmt: skip


def connect(
    tab: TrainTab,
    explore_tab: "ExploreTab",
    edit_tab: "EditTab",
    codec_bar: gr.HTML,
    session: gr.State,
    examples: Examples,
    runner: JobRunner,
) -> None:
    """Wire the tab's events."""
    handle = handler(examples)

    @handle
    def add_clips(visitor: Session, paths: list[str] | None) -> Any:
        visitor.clips, refused = _read(visitor, paths or [])
        if not paths:
            return INVITATION, "", gr.skip()
        config = get_adaptive_vqvae_config(max(1, len(visitor.clips)))
        enough = len(visitor.clips) >= MIN_CLIPS
        reason = views.config_reason(config, len(visitor.clips)) if enough else ""
        return views.clip_list(visitor.clips, refused), reason, config.minutes

    @handle
    def train(
        visitor: Session, levels: int, codebook_dim: int, commitment_weight: float, minutes: float
    ) -> Iterator[Any]:
        if visitor.job is not None and visitor.job.status().active:
            raise gr.Error("Your training is still running: stop it first.", print_exception=False)
        check_clip_count(len(visitor.clips))
        config = replace(
            get_adaptive_vqvae_config(len(visitor.clips)),
            num_quantizers=int(levels),
            codebook_dim=int(codebook_dim),
            commitment_weight=commitment_weight,
            minutes=minutes,
        )
        visitor.job = runner.submit(Trainer(visitor.clips, config))
        yield from _follow(visitor)

    @handle
    def resume(visitor: Session) -> Iterator[Any]:
        visitor.require_job().resume()
        yield from _follow(visitor)

    @handle
    def stop(visitor: Session) -> Any:
        visitor.require_job().stop()
        return ()

    @handle
    def adopt(visitor: Session) -> Any:
        """Take the trained codec into the other tabs."""
        job = visitor.require_job()
        visitor.use(Codec(job.best_model(), job.trainer.metadata()), visitor.probe)
        return shown(visitor)

    @handle
    def load_codec(visitor: Session, path: str) -> Any:
        visitor.use(Codec.load(path))
        codec = visitor.codec
        curves = picture(plots.plot_curves(**_curves(codec)), CURVES_ALT)
        loaded = f"<p class='status'>Loaded {Path(path).name}.</p>"
        live = loaded, curves, _info_health(codec), views.sound(visitor.work.reconstruction)
        return *live, *shown(visitor)

    def shown(visitor: Session) -> tuple[Any, ...]:
        saved = gr.update(value=str(_saved(visitor.codec)))
        return saved, views.codec_line(visitor.codec), *explore.show(visitor.work), *edit.show(visitor.work)

    everywhere = [tab.download, codec_bar, *explore_tab.outputs, *edit_tab.outputs]
    settings = [tab.levels, tab.codebook_dim, tab.commitment_weight, tab.minutes]
    tab.files.change(
        add_clips, [session, tab.files], [session, tab.clips, tab.reason, tab.minutes], api_name="add_clips"
    )
    for button, function, inputs in ((tab.start, train, settings), (tab.resume, resume, [])):
        button.click(
            function, [session, *inputs], [session, *tab.live],
            api_name=function.__name__, show_progress="hidden", concurrency_limit=None,
        ).success(
            adopt, [session], [session, *everywhere],
            api_name=f"use_codec_of_{function.__name__}", show_progress="hidden",
        )  # fmt: skip
    tab.stop.click(stop, [session], [session], api_name="stop", show_progress="hidden")
    tab.load.upload(load_codec, [session, tab.load], [session, *tab.live, *everywhere], api_name="load_codec")


def _read(visitor: Session, paths: list[str]) -> tuple[list[Any], list[Refusal]]:
    """Log-mels of the files that can be used, and why the others cannot; keeps the start of the first to listen to."""
    log_mel, accepted, refused = LogMel(), [], []
    visitor.probe = None
    with tempfile.TemporaryDirectory() as folder:
        files: list[Path] = []
        for number, path in enumerate(map(Path, paths)):
            if path.suffix.lower() == ".zip":
                unpacked = Path(folder) / str(number)
                unpacked.mkdir()
                files += unpack_zip(path, unpacked)
            else:
                files.append(path)
        for item in read_clips(files):
            if isinstance(item, Refusal):
                refused.append(item)
                continue
            accepted.append(to_mel_clip(item, log_mel))
            if visitor.probe is None:
                visitor.probe = Clip(item.name, item.waveform[: PROBE_SECONDS * log_mel.sample_rate])
    return accepted, refused


def _follow(visitor: Session) -> Iterator[Any]:
    """The live outputs, twice a second until the training ends; picture and sound when they have changed."""
    job, shown = visitor.require_job(), None
    while True:
        status = job.wait(POLL_SECONDS)
        news: tuple[Any, ...] = (gr.skip(), gr.skip(), gr.skip())
        if status.validation is not None and status.validation is not shown:
            shown = status.validation
            news = _news(visitor, status)
        yield views.training_progress(status), *news
        if not status.active:
            return


def _news(visitor: Session, status: JobStatus) -> tuple[Any, ...]:
    job = visitor.require_job()
    assert status.validation is not None
    assert visitor.probe is not None
    codec = Codec(job.best_model())
    size = codec.codebook_size
    curves = picture(plots.plot_curves(**job.trainer.curves), CURVES_ALT)
    heard = codec.decode(codec.encode_mel(codec.log_mel_of(visitor.probe)))
    return curves, views.health_table(status.validation.levels, size), views.sound(heard)


def _curves(codec: Codec) -> dict[str, Any]:
    return codec.info.get("curves", {"steps": [], "validations": []})


def _info_health(codec: Codec) -> str:
    levels = codec.training_health
    return views.health_table(levels, codec.codebook_size) if levels else ""


def _saved(codec: Codec) -> Path:
    path = Path(tempfile.mkdtemp()) / f"codec-{codec.model_id[:6]}.distill"
    codec.save(path)
    return path
