"""Opens another clip or another codec on a page, and fills all tabs."""

import html
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from distill import plots
from distill.codes import CodeGrid
from distill.editing.work import Work
from distill.errors import AudioError, CodecFileError, GoneError, GridError
from distill.jobs import TrainingJob
from distill.ui import edit, explore, live, train, views
from distill.ui.components import picture
from distill.ui.edit import EditTab
from distill.ui.explore import ExploreTab
from distill.ui.handlers import Answer, Call, handler
from distill.ui.train import TrainTab


@dataclass(frozen=True)
class Tabs:
    """The components of all tabs."""

    codec: gr.HTML
    train: TrainTab
    explore: ExploreTab
    edit: EditTab

    @property
    def of_the_clip(self) -> list[Any]:
        """The components that change with the clip."""
        return [*self.explore.filled, *self.edit.filled, self.explore.shown, self.edit.shown]

    @property
    def of_the_codec(self) -> list[Any]:
        """The components that change with the codec."""
        return [self.train.download, self.codec, *self.of_the_clip]


def connect(tabs: Tabs, server: Any, page_load: Any, named: list[Any]) -> None:
    """Wire the events that open a clip or a codec; ``page_load`` wires the opening of the page; the events that send
    the secret of a clip are appended to ``named``."""
    handle = handler(server, tabs)
    hidden: dict[str, Any] = {"show_progress": "hidden"}
    _connect_explore(tabs, handle, named)
    canvas, text = tabs.edit, tabs.edit.text
    # A new page shows the shared example; this event gives the visitor an own copy to edit.
    mine = [canvas.canvas, canvas.shown, tabs.explore.shown]
    page_load(handle(begin), None, mine, api_visibility="private", **hidden)
    outputs: dict[str, Any] = {"outputs": tabs.of_the_clip, "show_progress_on": text}
    named.append(canvas.load.upload(handle(open_grid), [canvas.load, canvas.shown], api_name="open_grid", **outputs))
    named.append(canvas.load_text.click(handle(open_text), [text, canvas.shown], api_name="open_text", **outputs))
    tab, codec = tabs.train, tabs.of_the_codec
    trained = [tab.shown_training, canvas.shown]
    # Through a change of state, because an update for a tab that was never opened must be complete.
    tab.taken.change(
        handle(use_trained),
        trained,
        codec,
        api_name="take_trained",
        api_visibility="private",
        **hidden,
    )
    tab.returned.change(handle(come_back), None, codec, api_name="come_back", api_visibility="private", **hidden)
    used = tab.use.click(
        handle(use_trained), trained, codec, api_name="use_trained", show_progress_on=tab.progress
    )  # fmt: skip
    loaded = tab.load.upload(
        handle(load_codec), [tab.load, canvas.shown], [*tab.live, *codec], api_name="load_codec",
        show_progress_on=tab.progress,
    )  # fmt: skip
    for event in (*named, used, loaded):
        event.failure(handle(offer_codes), canvas.shown, canvas.canvas, api_visibility="private", **hidden)


def _connect_explore(tabs: Tabs, handle: Any, named: list[Any]) -> None:
    tab = tabs.explore
    # The progress and the sign of a failure are shown on the upload area.
    where: dict[str, Any] = {"show_progress_on": tab.upload}
    opened = tab.upload.upload(
        handle(open_clip), [tab.upload, tab.shown], tabs.of_the_clip, api_name="explore", **where
    )  # fmt: skip
    recorded = tab.record.stop_recording(
        handle(open_clip), [tab.record, tab.shown], tabs.of_the_clip, api_name="explore_recording",
        api_visibility="private", **where,
    )  # fmt: skip
    for event, source in ((opened, tab.upload), (recorded, tab.record)):
        for ended in (event.success, event.failure):  # empty the upload area, after success and failure
            ended(lambda: None, None, source, show_progress="hidden", api_visibility="private")
    chosen = tab.example.input(
        handle(open_example), [tab.example, tab.shown], tabs.of_the_clip, api_name="explore_example",
        trigger_mode="always_last", **where,
    )  # fmt: skip
    names = {"explore_decode": opened, "explore_recording_decode": recorded, "explore_example_decode": chosen}
    for name, event in names.items():
        event.success(
            handle(decode), tab.shown, tab.facts, api_visibility="public" if event is opened else "private",
            show_progress_on=tab.facts, api_name=name, trigger_mode="always_last",
        )  # fmt: skip
    named += [opened, recorded, chosen]


def fill(tabs: Tabs, call: Call[Any]) -> Answer:
    """The values of all tabs for the clip that the page has open."""
    work, page = call.page.work, call.page
    chosen = gr.update(choices=page.choices, value=work.example or work.secret)
    about_clip = explore.fill(tabs.explore, work) | edit.fill(tabs.edit, work, call.server.settings)
    return {tabs.explore.example: chosen} | about_clip


def fill_with_codec(tabs: Tabs, call: Call[Any]) -> Answer:
    """The values of all tabs for the clip that the page has open, and for its codec."""
    page, work = call.page, call.page.work
    work.codec.draw_atlas(call.pause)
    work.draw(call.pause)
    work.decode(call.pause)
    saved = train.saved_codec(page.codec, call.server, page.owner, page.address)
    return fill(tabs, call) | {tabs.train.download: gr.update(value=saved), tabs.codec: views.codec_line(page.codec)}


def begin(call: Call[Tabs]) -> Answer:
    """Give a new page its own clip to edit: a copy of the example."""
    work = call.page.work
    work.codec.draw_atlas(call.pause)
    work.draw(call.pause)
    tab, filled = call.tab.edit, edit.fill(call.tab.edit, work, call.server.settings)
    answer = {tab.canvas: filled[tab.canvas], tab.shown: work.secret}
    if call.page.visit.is_new:  # the Explore tab shows the example until :func:`come_back` shows another clip
        answer[call.tab.explore.shown] = work.secret
    return answer


def come_back(call: Call[Tabs]) -> Answer:
    """Show the clip and the codec that this visitor had open."""
    return fill_with_codec(call.tab, call)


def open_clip(
    call: Call[Tabs],
    path: str | None,
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer | None]:
    """Open an uploaded sound in the current codec."""
    if not path:
        raise AudioError("There is no sound there: drop a file or record one.")
    page = call.page
    work = page.read(call.work(shown).codec, Path(path), pause=call.pause)
    call.server.storage.discard(Path(path))
    page.turn_to(work)
    chosen = {call.tab.explore.example: gr.update(choices=page.choices, value=work.secret)}
    yield from _fill_in_turn(call, work, chosen, progress)


def open_example(
    call: Call[Tabs],
    name: str | None,
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer | None]:
    """Open an example, or a clip that the visitor opened before."""
    page, examples = call.page, {path.stem: path for path in call.server.examples.clips}
    own = next((work for work in list(page.visit.works.values()) if work.secret == name), None)
    if own is not None:
        page.turn_to(own)
    elif name in examples:
        page.open(call.work(shown).codec, examples[name], example=name, pause=call.pause)
    else:
        raise AudioError("There is no clip of that name.")
    yield from _fill_in_turn(call, page.work, {}, progress)  # the list has its choice already, perhaps a newer one


def _fill_in_turn(call: Call[Tabs], work: Work, chosen: Answer, progress: gr.Progress) -> Iterator[Answer | None]:
    """The values of all tabs, the spectrograms first, because a visitor waits for them."""
    tabs = call.tab
    work.codec.draw_atlas(call.pause)
    work.draw(lambda share: progress(share, desc="Decoding"))
    if call.page.work is not work:  # the visitor has opened another clip since
        return
    yield chosen | explore.fill_first(tabs.explore, work)
    # No lock is held during a yield, because the next step may run on another thread.
    with call.page.lock:
        rest = explore.fill_rest(tabs.explore, work) | edit.fill(tabs.edit, work, call.server.settings)
        is_shown = call.page.work is work  # False if another clip was opened since
    yield rest if is_shown else None


def decode(
    call: Call[Tabs],
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Show the figures of a reconstruction that need its sound."""
    work = call.work(shown)
    work.decode(lambda share: progress(share, desc="Decoding"))
    work.mel_l1_audio(lambda share: progress(share, desc="Comparing"))
    facts = views.clip_facts(work)
    yield {call.tab.explore.facts: facts if call.page.work is work else gr.skip()}  # skip if another was opened since


def open_grid(
    call: Call[Tabs],
    path: str | None,
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Open a grid from a file."""
    if not path:
        raise GridError("There is no grid there: choose an .npz or .json file.")
    grid = CodeGrid.load(path, settings=call.server.settings)
    call.server.storage.discard(Path(path))
    yield _turn_to_grid(call, Path(path).name, grid, shown, progress)


def open_text(
    call: Call[Tabs],
    text: str | None,
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Open a grid from its text."""
    grid = CodeGrid.from_text(text or "", settings=call.server.settings)
    yield _turn_to_grid(call, "grid from text", grid, shown, progress)


def _turn_to_grid(call: Call[Tabs], name: str, grid: CodeGrid, shown: str | None, progress: gr.Progress) -> Answer:
    page = call.page
    codec = call.work(shown).codec
    call.server.visitors.make_room(page.visit)
    work = Work.opened(codec, name, grid)
    work.codec.draw_atlas(call.pause)
    work.draw(lambda share: progress(share, desc="Decoding"))
    with page.lock:
        page.turn_to(work)
        return fill(call.tab, call)


def use_trained(call: Call[Tabs], training: str | None = None, shown: str | None = None) -> Answer:
    """Open the codec of a training, and the first of the clips that it was trained on."""
    job, page, before = train.require_job(call, training), call.page, call.work(shown)
    codec, clip = job.best_codec(), live.first_of(job) or before.as_clip(call.pause)
    codec.draw_atlas(call.pause)
    page.turn_to_clip(codec, clip, call.pause)
    _take(call, job)
    return fill_with_codec(call.tab, call)


def _take(call: Call[Tabs], job: TrainingJob) -> None:
    if not job.status().active:
        call.page.take(job.id)


def load_codec(call: Call[Tabs], path: str | None, shown: str | None = None) -> Answer:
    """Open the clip in the codec of a file."""
    if not path:
        raise CodecFileError("There is no codec there: choose a .distill file.")
    page, server, tab = call.page, call.server, call.tab.train
    codec = server.codecs.load(path, settings=server.settings)
    server.storage.discard(Path(path))
    clip = call.work(shown).as_clip(call.pause)
    codec.draw_atlas(call.pause)
    page.turn_to_clip(codec, clip, call.pause)
    heard = live.sound_file(page.work.decode(call.pause), server, page.owner, page.address, call.pause)
    return fill_with_codec(call.tab, call) | {
        tab.progress: f"<p class='status'>Loaded {html.escape(Path(path).name)}.</p>",
        tab.curves: picture(plots.plot_curves(live.curves_of(codec)), live.CURVES_ALT),
        tab.health: live.health_of(codec),
        tab.preview: heard,
    }


def offer_codes(call: Call[Tabs], shown: str | None = None) -> Answer:
    """After a failed call, let the page offer its copy of the codes if the server has lost the clip."""
    canvas = call.tab.edit.canvas
    try:
        call.work(shown)
    except GoneError as error:
        return {canvas: gr.update(gone=str(error))}
    return {canvas: gr.skip()}
