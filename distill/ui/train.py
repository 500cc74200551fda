"""The Train tab: clips in, a codec out, and what happens in between."""

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from distill import plots
from distill.audio import MIN_CLIPS, new_decoder, read_clips
from distill.codec import Codec
from distill.errors import CodecFileError, TrainingError
from distill.jobs import TrainingJob
from distill.training.config import get_adaptive_vqvae_config
from distill.training.dataset import check_clip_count
from distill.ui import edit, explore, live, views
from distill.ui.clip_set import ClipSet
from distill.ui.components import Picture, calling, picture
from distill.ui.handlers import handler
from distill.ui.server import Server
from distill.ui.session import Session
from distill.ui.tools import Request

if TYPE_CHECKING:
    from distill.ui.edit import EditTab
    from distill.ui.explore import ExploreTab


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
    remembered: gr.Textbox
    returned: gr.State
    taken: gr.State

    @property
    def live(self) -> list[Any]:
        """What changes while a training runs."""
        return [self.progress, self.curves, self.health, self.preview]


def build(server: Server) -> TrainTab:
    """Lay out the tab; it shows the example codec's training until a visitor's own begins."""
    examples, settings = server.examples, server.settings
    codec = examples.codec
    with gr.Row():
        with gr.Column(scale=1, min_width=320):
            files = gr.File(
                label="Your clips", file_count="multiple", type="filepath", elem_id="train-files", height=150
            )
            clips = gr.HTML(views.invitation(settings), elem_id="train-clips")
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
                settings.training_minutes,
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
            curves = Picture(plots.plot_curves(**live.curves_of(codec)), live.CURVES_ALT, elem_id="train-curves")
            health = gr.HTML(live.health_of(codec), elem_id="train-health")
            preview = gr.Audio(
                live.sound_file(examples.first.reconstruction, server, "page"),
                label="Reconstruction by the codec so far", interactive=False, elem_id="train-preview",
                buttons=["download"],
            )  # fmt: skip
            with gr.Row():
                download = gr.DownloadButton(
                    "Download the codec",
                    value=_saved(codec, server, "page"),
                    size="sm",
                    elem_id="train-download",
                    min_width=160,
                )
                load = gr.UploadButton(
                    "Load a .distill file", file_types=[".distill"], size="sm", elem_id="train-load", min_width=160
                )
    remembered, returned, taken = gr.Textbox(visible=False), gr.State(False), gr.State("")
    return TrainTab(
        files, clips, reason, levels, codebook_dim, commitment_weight, minutes, from_base, start, stop, resume, use,
        progress, curves, health, preview, download, load, remembered, returned,
        taken,
    )  # fmt: skip


def connect(
    tab: TrainTab,
    explore_tab: "ExploreTab",
    edit_tab: "EditTab",
    codec_bar: gr.HTML,
    server: Server,
    page_load: Callable[..., Any],
) -> None:
    """Wire the tab's events; ``page_load`` is the event of the page's being opened."""
    handle, runner = handler(server.visitors, server.turns), server.runner
    pause = server.turns.pause
    watch = handler(server.visitors, server.turns, every=live.POLL_SECONDS)

    @handle
    def add_clips(
        visitor: Session,
        paths: list[str] | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Iterator[Any]:
        if not paths:
            visitor.set_clips(None)
            yield views.invitation(server.settings), "", gr.skip()
            return
        clips = read_set(visitor, paths, lambda count: progress((count, None), desc="Reading", unit="clips"))
        with visitor.lock:
            visitor.set_clips(clips)
        yield _listed(clips)

    def read_set(visitor: Session, paths: list[str], tick: Callable[[int], object]) -> ClipSet:
        storage, owner = server.storage, visitor.owner
        with (
            storage.filling_set(owner, address=visitor.address) as (folder, arrival),
            new_decoder(server.settings) as decoder,
            storage.unpacking() as unpacked,
        ):
            items = read_clips(
                paths,
                settings=server.settings,
                decoder=decoder,
                folder=unpacked,
                once=True,
                tick=tick,
                take=arrival.take,
            )
            return ClipSet(folder, items, tick, arrival.take, lambda folder: storage.remove(folder, owner))

    @watch
    def train(
        visitor: Session,
        levels: float,
        codebook_dim: float,
        commitment_weight: float,
        minutes: float,
        from_base: bool = True,
    ) -> Iterator[Any]:
        with visitor.lock:
            clips = visitor.clips
            count = len(clips.clips) if clips else 0
            check_clip_count(count)
            assert clips is not None
            assert clips.first is not None
            given = {"levels": levels, "codebook_dim": codebook_dim, "minutes": minutes, "weight": commitment_weight}
            numbers = Request(given, partial(server.visitors.own_work, visitor.owner))
            config = replace(
                get_adaptive_vqvae_config(count),
                num_quantizers=numbers.integer("levels"),
                codebook_dim=numbers.integer("codebook_dim"),
                commitment_weight=numbers.number("weight"),
                minutes=numbers.number("minutes"),
                from_base=bool(from_base),
            )
            server.storage.require_room(visitor.owner, clips.num_bytes, address=visitor.address)
            earlier = runner.jobs_of(visitor.owner)
            job = runner.submit(visitor.owner, clips.clips, config, clips.first, address=visitor.address)
            for each in earlier:  # the codec of an earlier one may be at work still, but that is in memory
                each.delete()
        yield from live.follow(visitor, job, server)

    @watch
    def resume(visitor: Session) -> Iterator[Any]:
        with visitor.lock:
            job = require_job(visitor)
            job.resume(address=visitor.address)
            visitor.visit.taken.discard(job.id)
        yield from live.follow(visitor, job, server)

    @watch
    def follow(visitor: Session) -> Iterator[Any]:
        """A training that was begun on this page before it was reloaded, or on another of the same browser."""
        job = latest_job(visitor)
        if job is None:
            yield (gr.skip(),) * len(tab.live)
            return
        yield from live.follow(visitor, job, server)

    @handle
    def stop(visitor: Session) -> None:
        require_job(visitor).stop()

    @handle
    def trained(visitor: Session, taken: str) -> str:
        """Which codec the other tabs are to turn to: the new one, unless that would put edits out of sight."""
        job = latest_job(visitor)
        validation = job.status().validation if job else None
        if job is None or validation is None or job.id in visitor.visit.taken:
            return taken
        if visitor.work.history.can_undo:
            gr.Info("Your codec is ready. Your edits stay as they are: press “Use the trained codec” to change over.")
            return taken
        return f"{job.id} after {validation.step} steps"

    @handle
    def use_trained(visitor: Session) -> Any:
        return turn_to_trained(visitor, require_job(visitor))

    def latest_job(visitor: Session) -> TrainingJob | None:
        jobs = runner.jobs_of(visitor.owner)
        return jobs[-1] if jobs else None

    def require_job(visitor: Session) -> TrainingJob:
        job = latest_job(visitor)
        if job is None:
            raise TrainingError("There is no training yet: drop some clips and press Train.")
        return job

    def turn_to_trained(visitor: Session, job: TrainingJob) -> tuple[Any, ...]:
        codec, clip = job.best_codec(), live.first_of(job) or visitor.work.as_clip(pause)
        codec.draw_atlas(pause)
        visitor.turn_to_clip(codec, clip, pause)
        if not job.status().active:
            visitor.visit.taken.add(job.id)
        return shown(visitor)

    @handle
    def load_codec(visitor: Session, path: str | None) -> Any:
        if not path:
            raise CodecFileError("There is no codec there: choose a .distill file.")
        codec = server.codecs.load(path, settings=server.settings)
        server.storage.discard(Path(path))
        codec.draw_atlas(pause)
        visitor.turn_to_clip(codec, visitor.work.as_clip(pause), pause)
        loaded = f"<p class='status'>Loaded {html.escape(Path(path).name)}.</p>"
        curves = picture(plots.plot_curves(**live.curves_of(codec)), live.CURVES_ALT)
        heard = live.sound_file(visitor.work.decode(pause), server, visitor.owner, visitor.address, pause)
        return loaded, curves, live.health_of(codec), heard, *shown(visitor)

    @handle
    def arrive(visitor: Session, remembered: str | None = None) -> tuple[Any, ...]:
        """What this visitor had on this tab before the page was opened or reloaded, and whether there is more."""
        job = latest_job(visitor)
        told: Any = gr.skip()
        if job is not None:
            told = views.training_progress(job.status(), job.id)  # the rest comes with :func:`follow`
        elif remembered:
            told = views.lost_training(server.settings)
        listed = _listed(visitor.clips) if visitor.clips else (gr.skip(),) * 3
        return told, *listed, not visitor.visit.is_new

    @handle
    def come_back(visitor: Session) -> tuple[Any, ...]:
        """The clip and the codec that this visitor had open."""
        return shown(visitor)

    def shown(visitor: Session) -> tuple[Any, ...]:
        work = visitor.work
        work.codec.draw_atlas(pause)
        work.draw(pause)
        work.decode(pause)
        saved = gr.update(value=_saved(visitor.codec, server, visitor.owner, visitor.address))
        return saved, views.codec_line(visitor.codec), *explore.show(visitor), *edit.show(visitor)

    everywhere = [tab.download, codec_bar, *explore_tab.outputs, *edit_tab.outputs]
    about_clips = [tab.clips, tab.reason, tab.minutes]
    hidden: dict[str, Any] = {"show_progress": "hidden"}
    tab.files.change(add_clips, tab.files, about_clips, api_name="add_clips")
    settings = [tab.levels, tab.codebook_dim, tab.commitment_weight, tab.minutes, tab.from_base]
    arrived = page_load(
        arrive, tab.remembered, [tab.progress, *about_clips, tab.returned], js=calling("training", "recall"),
        api_name="arrive", **hidden,
    )  # fmt: skip
    for event, function, inputs in (
        (tab.start.click, train, settings), (tab.resume.click, resume, None), (arrived.success, follow, None),
    ):  # fmt: skip
        followed = event(
            function, inputs, tab.live, api_name=function.__name__,
            js=calling("training", "watchProgress") if function is train else None, **hidden,
        )  # fmt: skip
        followed.success(trained, tab.taken, tab.taken, api_visibility="private", **hidden)
    # By a state that changes, and not at once: what is sent to a tab that was never opened must be sent whole.
    for state, function, name in ((tab.taken, use_trained, "take_trained"), (tab.returned, come_back, "come_back")):
        state.change(function, None, everywhere, api_name=name, api_visibility="private", **hidden)
    tab.progress.change(None, tab.progress, None, js=calling("training", "remember"))
    tab.stop.click(stop, None, None, api_name="stop", **hidden)
    tab.use.click(use_trained, None, everywhere, api_name="use_trained", show_progress_on=tab.progress)
    tab.load.upload(
        load_codec, tab.load, [*tab.live, *everywhere], api_name="load_codec", show_progress_on=tab.progress
    )


def _listed(clips: ClipSet) -> tuple[Any, Any, Any]:
    count = len(clips.clips)
    config = get_adaptive_vqvae_config(max(1, count))
    reason = views.config_reason(config, count) if count >= MIN_CLIPS else ""
    return views.clip_list(clips.clips, clips.refused), reason, config.minutes


def _saved(codec: Codec, server: Server, owner: str, address: str = "") -> str:
    path = server.storage.files / owner / codec.model_id / f"codec-{codec.model_id[:6]}.distill"
    if not path.exists():
        with server.storage.filling(owner, codec.num_bytes, name=codec.model_id, address=address) as folder:
            codec.save(folder / path.name)
    return str(path)
