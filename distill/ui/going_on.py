"""The set to train on: more clips for it, weights for its clips, and a training that goes on from the codec in use."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

import gradio as gr

from distill.audio import MIN_CLIPS, Clip, Refusal, new_decoder, read_clips
from distill.editing import requests
from distill.editing.values import number
from distill.errors import AudioError, TrainingError
from distill.server.clip_set import ClipSet
from distill.server.server import Server
from distill.server.strip import ClipsWeighted
from distill.training.dataset import MelClip
from distill.training.start import Start
from distill.ui import live, strip, train
from distill.ui.components import calling
from distill.ui.handlers import Answer, Call, handler
from distill.ui.strip import StripBar, strip_of
from distill.ui.train_layout import TrainTab


@dataclass(frozen=True)
class _Both:
    """The components that a change of the set fills."""

    train: TrainTab
    strip: StripBar


def connect(tab: TrainTab, bar: StripBar, server: Server, shown: gr.Textbox) -> None:
    """Wire the buttons, and the weights of the strip; ``shown`` has the secret of the clip in Edit."""
    handle, watch = handler(server, tab), handler(server, tab, every=live.POLL_SECONDS)
    hidden: dict[str, Any] = {"show_progress": "hidden"}
    about_clips = [tab.clips, tab.reason, tab.minutes, tab.shown_clips, tab.time_stride]
    tab.add.upload(
        handle(add_to_clips), [tab.add, tab.shown_clips], about_clips, api_name="add_to_clips",
        show_progress_on=tab.clips,
    )  # fmt: skip
    begun = tab.train_on.click(
        watch(train_on), [tab.minutes, tab.shown_clips, shown, tab.keep_grids],
        [*tab.live, tab.shown_training, *tab.acts], api_name="train_on", js=calling("training", "watchProgress"),
        **hidden,
    )  # fmt: skip
    begun.success(
        handle(train.trained), [tab.taken, tab.shown_training, shown], tab.taken, api_visibility="private", **hidden
    )
    both = handler(server, _Both(tab, bar))
    weighed = bar.strip.weigh(
        both(weigh), None, [bar.strip, tab.clips, tab.reason, tab.minutes, tab.time_stride], api_visibility="private",
        **hidden,
    )  # fmt: skip
    bar.changes.append(weighed.failure)
    gr.api(both(weigh_clips), api_name="weigh_clips")


def add_to_clips(
    call: Call[TrainTab],
    paths: list[str] | None,
    shown_clips: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Add uploaded files to the clips in the page's list. A file that is in the list already is not added again."""
    page, storage, settings = call.page, call.server.storage, call.server.settings
    before = page.find_clips(shown_clips)
    if not paths:
        yield {}
        return
    clips_before = before.clips if before else []
    there = {(clip.name, clip.num_samples) for clip in clips_before}
    seconds = settings.set_seconds - math.ceil(sum(clip.seconds for clip in clips_before))
    if len(clips_before) >= settings.set_clips or seconds < 1:
        raise AudioError("Your set is full; drop a smaller one to train on other clips.")
    limits = replace(settings, set_clips=settings.set_clips - len(clips_before), set_seconds=seconds)

    def tick(count: int) -> None:
        progress((count, None), desc="Reading", unit="clips")

    with (
        storage.filling_set(page.owner, address=page.address) as (folder, arrival),
        new_decoder(settings) as decoder,
        storage.unpacking() as unpacked,
    ):
        read = read_clips(
            paths, settings=limits, decoder=decoder, folder=unpacked, once=True, tick=tick, take=arrival.take
        )
        new = (item for item in read if isinstance(item, Refusal) or (item.name, len(item.waveform)) not in there)
        items: Iterator[Clip | MelClip | Refusal] = chain(clips_before, new)
        remove = partial(storage.remove, owner=page.owner)
        clips = ClipSet(folder, items, tick, arrival.take, remove, most=settings.set_clips)
    for place, clip in enumerate(clips_before):
        clips.weigh([place], clip.weight)
    with page.lock:
        page.set_clips(clips)
    yield train.listed(call.tab, clips)


def train_on(
    call: Call[TrainTab],
    minutes: float,
    shown_clips: str | None = None,
    shown: str | None = None,
    keep_grids: bool | None = None,
) -> Iterator[Answer | None]:
    """Go on with the training of the codec in use, on the clips in the page's list. It starts from all that the codec
    has learned, also if that was loaded from a file; levels and columns stay as they are."""
    with call.page.lock:
        clips, codec = page_clips(call, shown_clips), call.work(shown).codec
        if not codec.info.provenance:
            call.warn("It is not known how this codec was trained.")
        start = Start(codec.model, codec.network)
        config = train.adapted(clips, start, minutes=number("minutes", minutes), keep_grids=keep_grids is not False)
        job = train.submit(call, clips, config, codec)
    yield from live.follow(call.server, call.page, call.tab, job)


def page_clips(call: Call[Any], shown_clips: str | None) -> ClipSet:
    """The set of a page; raises a TrainingError if there is none."""
    clips = call.page.find_clips(shown_clips)
    if clips is None:
        raise TrainingError("There are no clips to train on: drop some first.")
    return clips


def weigh(call: Call[_Both], event: gr.EventData) -> Answer:
    """Weigh the clips that were chosen in the strip, or leave them out."""
    sent = event._data
    asked = {name: requests.field(sent, name) for name in ("ids", "weight")}
    clips = _weigh(call, asked)
    listed = train.listed(call.tab.train, clips)
    del listed[call.tab.train.shown_clips]
    return listed | strip.shown_now(call, call.tab.strip)


def weigh_clips(call: Call[_Both], ids: list[str], weight: int) -> dict[str, Any]:
    """Let a training hear some clips of the set 2 or 4 times as often as others; 1 is as often, 0 leaves them out. The
    ids are those of /clips. The answer is the number of clips to train on, and whether they are enough."""
    clips = _weigh(call, {"ids": ids, "weight": weight})
    return {"used": len(clips.used), "enough": len(clips.used) >= MIN_CLIPS}


def _weigh(call: Call[_Both], asked: dict[str, Any]) -> ClipSet:
    weights = requests.read(ClipsWeighted, asked)
    with call.page.lock:
        strip_of(call.server, call.page).weigh(weights.ids, weights.weight)
        return page_clips(call, None)
