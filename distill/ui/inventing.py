"""Crosses and inventions: the codec makes whole clips of what it has heard."""

import html
import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr
import numpy as np

from distill.codec import Codec
from distill.codec.saying import say_again as say_in
from distill.codes import CodeGrid
from distill.editing import calls
from distill.editing.values import number
from distill.editing.work import Work
from distill.errors import GridError
from distill.prior import Vamp
from distill.server.heard import learn
from distill.server.server import Server
from distill.training.dataset import MelClip
from distill.ui import edit, served
from distill.ui.components import calling
from distill.ui.handlers import Answer, Call, handler
from distill.ui.inventing_layout import MOST_SECONDS
from distill.ui.strip import strip_of
from distill.ui.tabs import Tabs, fill, fill_with_codec

NO_SECOND = "Choose a second clip first: in the strip, or from a file."
NO_OTHER = "Only one codec is in use here: train one or open one first, and the clip can be said again in it."
NOTHING_HEARD = (
    "This codec's file holds no grids of its clips, so nothing can be invented yet: press “Draw from my clips” first."
)
MOST_SEED = 10**9
SAME = "The clip sounds like the second clip already: no code has changed."


def connect(tabs: Tabs, server: Server) -> list[Any]:
    """Wire the buttons; return the events that send the secret of the clip."""
    handle, tab, part = handler(server, tabs), tabs.edit, tabs.edit.invented
    settled = calling("edits_waiting", "whenSettled")
    told: dict[str, Any] = {"show_progress_on": part.told}
    crossed = part.cross.click(
        handle(cross), tab.shown, [tab.canvas, tab.shown, tab.difference, part.told], api_name="cross", js=settled,
        **told,
    )  # fmt: skip
    invented = part.invent.click(
        handle(invent), [part.seconds, part.rhythm, part.wild, tab.shown], [*tabs.of_the_clip, part.told],
        api_name="invent", js=settled, **told,
    )  # fmt: skip
    learned = part.learn.click(handle(learn_clips), tab.shown, part.told, api_name="learn_clips", **told)
    said = part.say_again.click(
        handle(say_again), tab.shown, [*tabs.of_the_codec, part.told], api_name="say_again", js=settled, **told,
    )  # fmt: skip
    return [crossed, invented, learned, said]


def cross(
    call: Call[Tabs],
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Play the clip by the sounds of the second clip: one edit, which can be undone."""
    work, second = call.work(shown), _second(call)
    own = partial(call.server.visitors.own_work, call.page.owner)
    asked = {"kind": "cross", "second": second.secret, "heard": False}
    before = len(work.history.labels)
    calls.perform(own(work.secret), asked, own, call.server.settings, lambda share: progress(share, desc="Crossing"))
    tab, labels = call.tab.edit, work.history.labels
    told = f"{labels[-1]}." if len(labels) > before else SAME
    answer = edit.fill(tab, work, call)
    canvas = answer[tab.canvas] | {"second": edit.second_value(second)}
    yield answer | {tab.canvas: canvas, tab.invented.told: f"<p>{html.escape(told)}</p>"}


def invent(
    call: Call[Tabs],
    seconds: float,
    rhythm: bool = False,
    wild: float = 0.7,
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Make a new clip of up to 60 seconds of what the codec in use has heard, and open it: from nothing, or as loud
    over time as the second clip, again and again. "wild" is the temperature, from 0 for the likeliest codes to 2."""
    seconds, wild = number("seconds", seconds), number("wild", wild)
    if not 0 < seconds <= MOST_SECONDS:
        raise GridError(f"A new clip can have up to {MOST_SECONDS} seconds, and must have some; got {seconds:g}.")
    codec = call.work(shown).codec
    vamp = Vamp(codec, memory=served.memory_of(call.server, call.page, codec))
    if not vamp.memory.grids:
        raise GridError(NOTHING_HEARD)
    columns = max(1, round(seconds / codec.column_seconds))
    curve = np.resize(vamp.loudness(_second(call).history.grid, call.pause), columns) if rhythm else None
    take = vamp.invent(
        columns, rhythm=curve, temperature=wild, seed=secrets.randbelow(MOST_SEED),
        progress=lambda share: progress(share, desc="Inventing"),
    )  # fmt: skip
    taken = {each.name for each in list(call.page.visit.works.values())}
    name = next(name for number in range(1, len(taken) + 2) if (name := f"invention {number}") not in taken)
    invented = _made(call, codec, name, take.grid, progress)
    second = call.page.second
    with call.page.lock:
        call.page.turn_to(invented)
        call.page.second = second
        answer = fill(call.tab, call)
    canvas = answer[call.tab.edit.canvas] | {"second": edit.second_value(second) if second else {}}
    told = f"<p>{html.escape(take.copied.sentence(codec.column_seconds))}</p>"
    yield answer | {call.tab.edit.canvas: canvas, call.tab.edit.invented.told: told}


def learn_clips(
    call: Call[Tabs],
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Let the codec in use draw from your clips, for this visit, in place of the grids in its file."""
    codec, page = call.work(shown).codec, call.page
    memory = learn(codec, page, _clips(call), lambda share: progress(share, desc="Listening to your clips"))
    yield {call.tab.edit.invented.told: f"<p>The codec now draws from {len(memory.grids)} of your clips.</p>"}


def say_again(
    call: Call[Tabs],
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Say the clip again in the codes of the codec that was in use before, and open it there as a new clip."""
    work, page = call.work(shown), call.page
    if (other := page.before) is None or other.sound_id == work.codec.sound_id:
        other = page.codec
    if other.sound_id == work.codec.sound_id:
        raise GridError(NO_OTHER)
    grid = say_in(work.history.grid, work.codec, other, progress=lambda share: progress(share, desc="Saying it again"))
    said = _made(call, other, f"{work.name} in {other.model_id[:6]}", grid, progress)
    page.turn_to(said)
    answer = fill_with_codec(call.tab, call)
    told = f"<p>{html.escape(work.name)} is said again in the codec {other.model_id[:6]}.</p>"
    yield answer | {call.tab.edit.invented.told: told}


def _made(call: Call[Tabs], codec: Codec, name: str, grid: CodeGrid, progress: gr.Progress) -> Work:
    """A new clip of a codec's codes, drawn and decoded."""
    call.server.visitors.make_room(call.page.visit)
    codec.draw_atlas(call.pause)
    made = Work.opened(codec, name, grid)
    made.draw(lambda share: progress(share, desc="Decoding"))
    return made


def _clips(call: Call[Tabs]) -> Iterator[MelClip]:
    """The visitor's clips whose sound is still here."""
    listed = strip_of(call.server, call.page, call.pause)
    for clip in listed.clips:
        if clip.group == "yours" and clip.is_kept and clip.weight != 0:
            yield listed.mel_clip(clip.id)


def _second(call: Call[Any]) -> Work:
    if call.page.second is None:
        raise GridError(NO_SECOND)
    return call.page.second
