"""The Train tab: from clips to a trained codec."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gradio as gr

from distill.audio import MIN_CLIPS, new_decoder, read_clips
from distill.codec import Codec
from distill.editing.values import number, whole
from distill.errors import GoneError, TrainingError
from distill.jobs import TrainingJob
from distill.server.clip_set import ClipSet
from distill.server.server import Server
from distill.training.config import VQVAEConfig, get_adaptive_vqvae_config
from distill.training.dataset import check_clip_count
from distill.training.start import Start, asked_config
from distill.ui import cutter, live, views
from distill.ui.components import calling
from distill.ui.handlers import Answer, Call, handler
from distill.ui.train_layout import KEEP_GRIDS as KEEP_GRIDS
from distill.ui.train_layout import TIME_RESOLUTION as TIME_RESOLUTION
from distill.ui.train_layout import TrainTab
from distill.ui.train_layout import build as build


def connect(tab: TrainTab, server: Server, page_load: Callable[..., Any], shown: gr.Textbox) -> None:
    """Wire the tab's events; ``page_load`` wires the opening of the page."""
    handle, watch = handler(server, tab), handler(server, tab, every=live.POLL_SECONDS)
    hidden: dict[str, Any] = {"show_progress": "hidden"}
    about_clips = [tab.clips, tab.reason, tab.minutes, tab.shown_clips, tab.time_stride]
    tab.files.change(handle(add_clips), tab.files, about_clips, api_name="add_clips")
    tab.cutter.cutter.cut(
        handle(cut_clips), [tab.cutter.cuts, tab.shown_clips], about_clips, api_name="cut_clips",
        js=calling("cutter", "chosen"), show_progress_on=tab.clips,
    )  # fmt: skip
    cutter.connect(tab.cutter, server, tab.shown_clips)
    arrived = page_load(
        handle(arrive), tab.remembered,
        [tab.progress, *about_clips[:-1], tab.shown_training, tab.returned, tab.time_stride, tab.remembered],
        js=calling("training", "recall"), api_name="arrive", **hidden,
    )  # fmt: skip
    arrived.then(None, tab.remembered, None, js=calling("returning", "clipMayBeBack"), api_visibility="private")
    settings = [tab.levels, tab.codebook_dim, tab.commitment_weight, tab.minutes, tab.from_base, tab.shown_clips]
    # the last, so that calls of scripts that do not know them stay as they are
    settings.extend([tab.time_stride, tab.keep_grids])
    told = [*tab.live, tab.shown_training, *tab.acts]
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
    yield listed(tab, clips)


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


def cut_clips(
    call: Call[TrainTab],
    cuts: dict[str, Any] | None,
    shown_clips: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Put pieces of recordings into the set in their place. "cuts" has for each id of /recordings its pieces, as
    /find_cuts gives them; recordings that it does not name stay whole."""
    clips = cutter.cut(call, cuts, shown_clips, lambda count: progress((count, None), desc="Cutting", unit="clips"))
    yield listed(call.tab, clips)


def begin_training(
    call: Call[TrainTab],
    levels: float,
    codebook_dim: float,
    commitment_weight: float,
    minutes: float,
    from_base: bool = True,
    shown_clips: str | None = None,
    time_stride: int | None = None,
    keep_grids: bool | None = None,
) -> Iterator[Answer | None]:
    """Train on the clips in the page's list. With "keep_grids", the codec's file keeps the codes of up to three minutes
    of them, from which it goes on with a clip; whoever has the file can hear them."""
    with call.page.lock:
        clips = call.page.find_clips(shown_clips)
        config = adapted(
            clips,
            num_quantizers=whole("levels", levels),
            codebook_dim=whole("codebook_dim", codebook_dim),
            commitment_weight=number("commitment_weight", commitment_weight),
            minutes=number("minutes", minutes),
            time_stride=None if time_stride is None else whole("time_stride", time_stride),
            from_base=bool(from_base),
            keep_grids=keep_grids is not False,
        )
        assert clips is not None
        job = submit(call, clips, config)
    yield from live.follow(call.server, call.page, call.tab, job)


def adapted(clips: ClipSet | None, start: Start | None = None, **asked: Any) -> VQVAEConfig:
    """The settings that suit a set; parameters as for :func:`asked_config`.

    Raises
    ------
    TrainingError
        If there are too few clips.
    """
    used = clips.used if clips else []
    check_clip_count(len(used))
    return asked_config([clip.seconds for clip in used], start, **asked)


def submit(call: Call[Any], clips: ClipSet, config: VQVAEConfig, start: Codec | None = None) -> TrainingJob:
    """Queue a training on a set, from a codec if one is given; it takes the place of the visitor's earlier one."""
    page, server = call.page, call.server
    server.storage.require_room(page.owner, clips.num_bytes, address=page.address)
    earlier = server.runner.jobs_of(page.owner)
    job = server.runner.submit(
        page.owner, clips.clips, config, opening=clips.opening, stored=clips.folder, address=page.address, start=start
    )
    for each in earlier:  # an open codec of an earlier training stays in memory
        each.delete()
    return job


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
        gr.Info(f"Your codec is ready. Your edits stay as they are: press “{views.USE}” in Train to change over.")
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
    told: Answer = {tab.returned: not page.visit.is_new, tab.remembered: "" if page.visit.is_new else "returned"}
    if job is not None:  # :func:`follow` brings the rest
        told |= {tab.progress: views.training_progress(job.status(), job.id), tab.shown_training: job.id}
    elif remembered:
        told[tab.progress] = views.lost_training(call.server.settings, has_cookie=not page.is_without_cookie)
    return told | (listed(tab, page.clips) if page.clips else {})


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


def listed(tab: TrainTab, clips: ClipSet) -> Answer:
    """What the tab shows of a set."""
    seconds = [clip.seconds for clip in clips.used]
    config = get_adaptive_vqvae_config(max(1, len(seconds)), seconds)
    return {
        tab.clips: views.clip_list(clips.clips, clips.refused, clips.notes),
        tab.reason: views.config_reason(config, seconds) if len(seconds) >= MIN_CLIPS else "",
        tab.minutes: config.minutes,
        tab.time_stride: config.time_stride,
        tab.shown_clips: clips.secret,
    }
