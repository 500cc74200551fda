"""The Train tab: from clips to a trained codec."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from distill import plots
from distill.audio import MIN_CLIPS, new_decoder, read_clips
from distill.codec import Codec
from distill.codes.grid import TIME_STRIDES, column_seconds
from distill.editing.values import number, whole
from distill.errors import GoneError, TrainingError
from distill.jobs import TrainingJob
from distill.server.clip_set import ClipSet
from distill.server.server import Server
from distill.settings import Settings
from distill.training.config import get_adaptive_vqvae_config
from distill.training.dataset import check_clip_count
from distill.ui import live, views
from distill.ui.components import Picture, calling
from distill.ui.handlers import Answer, Call, handler

TIME_RESOLUTION = "Time resolution"


@dataclass(frozen=True)
class TrainTab:
    files: gr.File
    clips: gr.HTML
    reason: gr.HTML
    levels: gr.Slider
    codebook_dim: gr.Slider
    commitment_weight: gr.Slider
    minutes: gr.Slider
    time_stride: gr.Radio
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


def build(server: Server, shown_clips: gr.Textbox, shown_training: gr.Textbox) -> TrainTab:
    """Lay out the tab. It shows the example codec's training until the visitor's own begins.

    ``shown_clips`` and ``shown_training`` are the hidden text boxes for the identifiers of what the tab shows.
    """
    with gr.Row():
        with gr.Column(scale=1, min_width=320):
            parts = _lay_out_settings(server.settings)
        with gr.Column(scale=2, min_width=320):
            parts |= _lay_out_results(server)
    return TrainTab(
        **parts,
        remembered=gr.Textbox(visible=False),
        shown_clips=shown_clips,
        shown_training=shown_training,
        returned=gr.State(False),
        taken=gr.State(""),
    )


def _lay_out_settings(settings: Settings) -> dict[str, Any]:
    """Lay out the upload area, the settings and the buttons."""
    files = gr.File(label="Your clips", file_count="multiple", type="filepath", elem_id="train-files", height=150)
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
    time_stride = _time_resolution()
    minutes = gr.Slider(
        0.1,
        settings.training_minutes,
        value=1,
        step=0.1,
        label="Minutes",
        info="Minutes of computing: one is good, five are better. Beside others it may take up to twice as long.",
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
    return {
        "files": files,
        "clips": clips,
        "reason": reason,
        "levels": levels,
        "codebook_dim": codebook_dim,
        "commitment_weight": commitment_weight,
        "minutes": minutes,
        "time_stride": time_stride,
        "from_base": from_base,
        "start": start,
        "stop": stop,
        "resume": resume,
        "use": use,
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
    curves = Picture(plots.plot_curves(live.curves_of(codec)), live.CURVES_ALT, elem_id="train-curves")
    health = gr.HTML(live.health_of(codec), elem_id="train-health")
    preview = gr.Audio(
        live.sound_file(examples.first.reconstruction, server, "page"),
        label="Reconstruction by the codec so far", interactive=False, elem_id="train-preview",
        buttons=["download"],
    )  # fmt: skip
    with gr.Row():
        download = gr.DownloadButton(
            "Download the codec",
            value=saved_codec(codec, server, "page"),
            size="sm",
            elem_id="train-download",
            min_width=160,
        )
        load = gr.UploadButton(
            "Load a .distill file", file_types=[".distill"], size="sm", elem_id="train-load", min_width=160
        )
    return {
        "progress": progress,
        "curves": curves,
        "health": health,
        "preview": preview,
        "download": download,
        "load": load,
    }


def connect(tab: TrainTab, server: Server, page_load: Callable[..., Any], shown: gr.Textbox) -> None:
    """Wire the tab's events; ``page_load`` wires the opening of the page."""
    handle, watch = handler(server, tab), handler(server, tab, every=live.POLL_SECONDS)
    hidden: dict[str, Any] = {"show_progress": "hidden"}
    about_clips = [tab.clips, tab.reason, tab.minutes, tab.shown_clips, tab.time_stride]
    tab.files.change(handle(add_clips), tab.files, about_clips, api_name="add_clips")
    arrived = page_load(
        handle(arrive), tab.remembered,
        [tab.progress, *about_clips[:-1], tab.shown_training, tab.returned, tab.time_stride],
        js=calling("training", "recall"), api_name="arrive", **hidden,
    )  # fmt: skip
    settings = [tab.levels, tab.codebook_dim, tab.commitment_weight, tab.minutes, tab.from_base, tab.shown_clips]
    settings.append(tab.time_stride)  # the last, so that calls of scripts that do not know it stay as they are
    told = [*tab.live, tab.shown_training]
    begun = tab.start.click(
        watch(begin_training), settings, told, api_name="train", js=calling("training", "watchProgress"), **hidden
    )
    resumed = tab.resume.click(watch(resume), tab.shown_training, told, api_name="resume", **hidden)
    followed = arrived.success(watch(follow), None, told, api_name="follow", **hidden)
    for event in (begun, resumed, followed):
        event.success(
            handle(trained), [tab.taken, tab.shown_training, shown], tab.taken, api_visibility="private", **hidden
        )  # fmt: skip
    tab.progress.change(None, tab.progress, None, js=calling("training", "remember"))
    tab.stop.click(handle(stop), tab.shown_training, None, api_name="stop", **hidden)


def add_clips(
    call: Call[TrainTab],
    paths: list[str] | None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Read uploaded files, and list the accepted and the refused ones."""
    page, tab = call.page, call.tab
    if not paths:
        with page.lock:
            page.set_clips(None)
        yield {tab.clips: views.invitation(call.server.settings), tab.reason: "", tab.shown_clips: ""}
        return
    clips = _read_set(call, paths, lambda count: progress((count, None), desc="Reading", unit="clips"))
    with page.lock:
        page.set_clips(clips)
    yield _listed(tab, clips)


def _read_set(call: Call[TrainTab], paths: list[str], tick: Callable[[int], object]) -> ClipSet:
    storage, settings, owner = call.server.storage, call.server.settings, call.page.owner
    with (
        storage.filling_set(owner, address=call.page.address) as (folder, arrival),
        new_decoder(settings) as decoder,
        storage.unpacking() as unpacked,
    ):
        items = read_clips(
            paths, settings=settings, decoder=decoder, folder=unpacked, once=True, tick=tick, take=arrival.take
        )
        remove = partial(storage.remove, owner=owner)
        return ClipSet(folder, items, tick, arrival.take, remove, most=settings.set_clips)


def begin_training(
    call: Call[TrainTab],
    levels: float,
    codebook_dim: float,
    commitment_weight: float,
    minutes: float,
    from_base: bool = True,
    shown_clips: str | None = None,
    time_stride: int | None = None,
) -> Iterator[Answer | None]:
    """Train on the clips in the page's list."""
    page, server = call.page, call.server
    with page.lock:
        clips = page.find_clips(shown_clips)
        count = len(clips.clips) if clips else 0
        check_clip_count(count)
        assert clips is not None
        adaptive = get_adaptive_vqvae_config(count, clips.seconds)
        config = replace(
            adaptive,
            num_quantizers=whole("levels", levels),
            codebook_dim=whole("codebook_dim", codebook_dim),
            commitment_weight=number("commitment_weight", commitment_weight),
            minutes=number("minutes", minutes),
            time_stride=adaptive.time_stride if time_stride is None else whole("time_stride", time_stride),
            from_base=bool(from_base),
        )
        server.storage.require_room(page.owner, clips.num_bytes, address=page.address)
        earlier = server.runner.jobs_of(page.owner)
        job = server.runner.submit(page.owner, clips.clips, config, stored=clips.folder, address=page.address)
        for each in earlier:  # an open codec of an earlier training stays in memory
            each.delete()
    yield from live.follow(server, page, call.tab, job)


def resume(call: Call[TrainTab], shown_training: str | None = None) -> Iterator[Answer | None]:
    """Continue a stopped or failed training."""
    with call.page.lock:
        job = require_job(call, shown_training)
        job.resume(address=call.page.address)
        call.page.take_again(job.id)
    yield from live.follow(call.server, call.page, call.tab, job)


def follow(call: Call[TrainTab]) -> Iterator[Answer | None]:
    """Follow the visitor's latest training, for example after the page was reloaded."""
    job = _latest_job(call)
    if job is None:
        yield {call.tab.shown_training: gr.skip()}  # not "": a training may have begun on the page meanwhile
        return
    yield from live.follow(call.server, call.page, call.tab, job)


def stop(call: Call[TrainTab], shown_training: str | None = None) -> None:
    """Stop the training after its current step."""
    require_job(call, shown_training).stop()


def trained(call: Call[TrainTab], taken: str, shown_training: str | None = None, shown: str | None = None) -> Answer:
    """Decide whether the page opens the trained codec; it does not if that would hide edits."""
    job = next((job for job in call.server.runner.jobs_of(call.page.owner) if job.id == shown_training), None)
    validation = job.status().validation if job else None
    if job is None or validation is None or job.id in call.page.taken:
        return {call.tab.taken: taken}
    if _has_edits(call, shown):
        gr.Info("Your codec is ready. Your edits stay as they are: press “Use the trained codec” to change over.")
        return {call.tab.taken: taken}
    return {call.tab.taken: f"{job.id} after {validation.step} steps"}


def _has_edits(call: Call[TrainTab], shown: str | None) -> bool:
    """Whether the page shows edits; a page whose clip is gone may have the only copy of them."""
    try:
        return call.work(shown).history.can_undo
    except GoneError:
        return True


def arrive(call: Call[TrainTab], remembered: str | None = None) -> Answer:
    """Show the visitor's clips and training on a new or reloaded page; tell of a training that the server lost."""
    page, tab, job = call.page, call.tab, _latest_job(call)
    told: Answer = {tab.returned: not page.visit.is_new}
    if job is not None:  # :func:`follow` brings the rest
        told |= {tab.progress: views.training_progress(job.status(), job.id), tab.shown_training: job.id}
    elif remembered:
        told[tab.progress] = views.lost_training(call.server.settings, has_cookie=not page.is_without_cookie)
    return told | (_listed(tab, page.clips) if page.clips else {})


def require_job(call: Call[Any], shown_training: str | None) -> TrainingJob:
    """The training that a page shows, or a script's latest training.

    Raises
    ------
    TrainingError
        If there is no training, or it is no longer on the server.
    """
    job = _latest_job(call)
    if job is None and not shown_training:
        raise TrainingError("There is no training yet: drop some clips and press Train.")
    if job is None or (shown_training and job.id != shown_training):
        raise TrainingError("The training that this page shows is no longer on the server; please reload the page.")
    return job


def _latest_job(call: Call[Any]) -> TrainingJob | None:
    jobs = call.server.runner.jobs_of(call.page.owner)
    return jobs[-1] if jobs else None


def _listed(tab: TrainTab, clips: ClipSet) -> Answer:
    count = len(clips.clips)
    config = get_adaptive_vqvae_config(max(1, count), clips.seconds)
    return {
        tab.clips: views.clip_list(clips.clips, clips.refused, clips.notes),
        tab.reason: views.config_reason(config, clips.seconds) if count >= MIN_CLIPS else "",
        tab.minutes: config.minutes,
        tab.time_stride: config.time_stride,
        tab.shown_clips: clips.secret,
    }


def saved_codec(codec: Codec, server: Server, owner: str, address: str = "") -> str:
    """The path of a codec's file; the file is written if it is missing."""
    path = server.storage.files / owner / codec.sound_id / f"codec-{codec.model_id[:6]}.distill"
    if not path.exists():
        with server.storage.filling(owner, codec.num_bytes, name=codec.sound_id, address=address) as folder:
            codec.save(folder / path.name)
    return str(path)
