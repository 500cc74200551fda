"""Opens another clip or another codec on a page, and fills all tabs."""

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from distill.codec import Codec
from distill.codes import CodeGrid
from distill.editing import requests
from distill.editing.work import Progress, Work
from distill.errors import AudioError, GoneError, GridError
from distill.server.strip import ClipsLaidOut
from distill.ui import codecs, edit, explore, header, views
from distill.ui.components import calling
from distill.ui.handlers import Answer, Call, handler
from distill.ui.hub import HubPart
from distill.ui.library import LibraryPart
from distill.ui.strip import strip_of
from distill.ui.tabs import Tabs, fill, fill_with_codec


def connect(tabs: Tabs, server: Any, page_load: Any, named: list[Any]) -> Any:
    """Wire the events that open a clip or a codec; ``page_load`` wires the opening of the page; the events that send
    the secret of a clip are appended to ``named``. Return the event that gives a new page its own clip."""
    handle = handler(server, tabs)
    hidden: dict[str, Any] = {"show_progress": "hidden"}
    _connect_explore(tabs, handle, named)
    canvas, text = tabs.edit, tabs.edit.text
    # A new page shows the shared example; this event gives the visitor an own copy to edit.
    mine = [canvas.canvas, canvas.shown, tabs.explore.shown]
    begun = page_load(handle(begin), None, mine, api_visibility="private", **hidden)
    outputs: dict[str, Any] = {"outputs": tabs.of_the_clip, "show_progress_on": text}
    named.append(canvas.load.upload(handle(open_grid), [canvas.load, canvas.shown], api_name="open_grid", **outputs))
    named.append(canvas.load_text.click(handle(open_text), [text, canvas.shown], api_name="open_text", **outputs))
    tab, codec = tabs.train, tabs.of_the_codec
    trained = [tab.shown_training, canvas.shown]
    # Through a change of state, because an update for a tab that was never opened must be complete.
    tab.taken.change(
        handle(codecs.use_trained),
        trained,
        codec,
        api_name="take_trained",
        api_visibility="private",
        **hidden,
    )
    back = tab.returned.change(handle(come_back), None, codec, api_name="come_back", api_visibility="private", **hidden)
    back.then(None, None, None, js=calling("returning", "clipIsBack"), api_visibility="private")
    used = tab.use.click(
        handle(codecs.use_trained), trained, codec, api_name="use_trained", show_progress_on=tab.progress
    )  # fmt: skip
    used.success(None, None, None, js=calling("tabs", "showEdit"), api_visibility="private")
    loaded = tabs.header.load.upload(
        handle(codecs.load_codec), [tabs.header.load, canvas.shown], [*tab.live, *codec], api_name="load_codec",
        show_progress_on=tabs.header.codec,
    )  # fmt: skip
    fetched = _connect_hub(tabs.hub, tabs, handle) if tabs.hub else []
    if tabs.library:
        fetched.append(_connect_library(tabs.library, tabs, handle))
    returned = tabs.header.back.click(
        handle(codecs.back_to_codec), canvas.shown, codec, api_name="back_to_codec", show_progress_on=tabs.header.codec
    )  # fmt: skip
    for event in (*named, used, loaded, *fetched, returned):
        event.failure(handle(offer_codes), canvas.shown, canvas.canvas, api_visibility="private", **hidden)
    return begun


def _connect_hub(part: HubPart, tabs: Tabs, handle: Any) -> list[Any]:
    asked = [part.repository, tabs.edit.shown]
    outputs: dict[str, Any] = {"outputs": [*tabs.train.live, *tabs.of_the_codec], "show_progress_on": tabs.header.codec}
    pressed = part.fetch.click(handle(codecs.open_from_hub), asked, api_name="open_from_hub", **outputs)
    entered = part.repository.submit(handle(codecs.open_from_hub), asked, api_visibility="private", **outputs)
    for event in (pressed, entered):
        event.success(None, None, None, js=calling("hub", "close"), api_visibility="private")
    return [pressed, entered]


def _connect_library(part: LibraryPart, tabs: Tabs, handle: Any) -> Any:
    opened = part.shelf.open_kept(
        handle(codecs.open_kept), [part.key, part.id, tabs.edit.shown], [*tabs.train.live, *tabs.of_the_codec],
        api_name="open_kept", js=calling("library", "opening"), show_progress_on=tabs.header.codec,
    )  # fmt: skip
    opened.success(None, None, None, js=calling("library", "close"), api_visibility="private")
    return opened


def _connect_explore(tabs: Tabs, handle: Any, named: list[Any]) -> None:
    tab, ways_in = tabs.explore, tabs.ways_in
    # The strip shows the progress: it stands above all tabs.
    where: dict[str, Any] = {"show_progress_on": tabs.strip.strip}
    opened = ways_in.upload.upload(
        handle(open_clip), [ways_in.upload, tab.shown], tabs.of_the_clip, api_name="explore", **where
    )  # fmt: skip
    recorded = ways_in.record.stop_recording(
        handle(open_recording), [ways_in.record, tab.shown], tabs.of_the_clip, api_name="explore_recording",
        api_visibility="private", **where,
    )  # fmt: skip
    for event, source in ((opened, ways_in.upload), (recorded, ways_in.record)):
        for ended in (event.success, event.failure):  # take what was sent away, after success and failure
            ended(lambda: None, None, source, show_progress="hidden", api_visibility="private")
        event.success(None, js=calling("tabs", "leaveTrain"), api_visibility="private")
    recorded.then(None, js=calling("record", "close"), api_visibility="private")
    bar = tabs.strip
    chosen = bar.strip.open_clip(
        handle(open_listed), [bar.chosen, tab.shown], [*tabs.of_the_clip, *tabs.header.of_the_codec],
        api_name="explore_example", js=calling("strip", "chosen"), trigger_mode="always_last", show_progress="hidden",
    )  # fmt: skip
    laid = bar.strip.lay_out(
        handle(open_laid), tab.shown, tabs.of_the_clip, api_visibility="private", trigger_mode="once", **where,
    )  # fmt: skip
    gr.api(handle(lay_out), api_name="lay_out")
    names = {"explore_decode": opened, "explore_recording_decode": recorded, "explore_example_decode": chosen}
    for name, event in names.items():
        event.success(
            handle(decode), tab.shown, tab.facts, api_visibility="public" if event is opened else "private",
            show_progress_on=tab.facts, api_name=name, trigger_mode="always_last",
        )  # fmt: skip
    named += [opened, recorded, chosen, laid]
    bar.changes.extend([chosen.failure, laid.failure])


def begin(call: Call[Tabs]) -> Answer:
    """Give a new page its own clip to edit: a copy of the example."""
    work = call.page.work
    work.codec.draw_atlas(call.pause)
    work.draw(call.pause)
    tab, filled = call.tab.edit, edit.fill(call.tab.edit, work, call)
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
    yield from _open(call, path, shown, progress)


def open_recording(
    call: Call[Tabs],
    path: str | None,
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer | None]:
    """Open what was recorded in the current codec, under a name that tells it from other recordings."""
    yield from _open(call, path, shown, progress, name=call.page.visit.next_recording)


def _open(
    call: Call[Tabs], path: str | None, shown: str | None, progress: gr.Progress, *, name: str | None = None
) -> Iterator[Answer | None]:
    if not path:
        raise AudioError("There is no sound there: drop a file or record one.")
    page = call.page
    work = page.read(call.work(shown).codec, Path(path), name=name, pause=call.pause)
    call.server.storage.discard(Path(path))
    page.turn_to(work)
    yield from _fill_when_drawn(call, work, progress)


def open_listed(call: Call[Tabs], name: str | None, shown: str | None = None) -> Answer:
    """Open a clip of the strip: an example by its name, or another clip by its id from /clips. It opens in the codec in
    use; a clip that was edited in another codec opens in that codec, with its edits."""
    # In one answer, because the strip stands above all tabs: an update for one that was never opened must be complete.
    page, tabs, codec = call.page, call.tab, call.work(shown).codec
    if not name:
        raise AudioError("Choose a clip: give the name of an example, or an id that /clips has.")
    work = strip_of(call.server, page, call.pause).open(name, codec)
    work.codec.draw_atlas(call.pause)
    work.draw(call.pause)
    page.turn_to(work)
    answer = explore.fill(tabs.explore, work) | edit.fill(tabs.edit, work, call)
    if work.codec is not codec:
        answer |= header.shown(tabs.header, call.server, page)
        gr.Info(
            f"“{html.escape(work.name)}” has edits in codec {work.codec.model_id[:6]}, so it opens in that codec. "
            f"“Back to {codec.model_id[:6]}” above takes you back."
        )
    return answer


def open_laid(
    call: Call[Tabs],
    event: gr.EventData,
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Answer:
    """Open the clips that were chosen in the strip side by side, as one grid."""
    codec = call.work(shown).codec
    work = _lay_out(
        call, requests.field(event._data, "ids"), codec, lambda share: progress(share, desc="Laying the clips out")
    )
    return fill(call.tab, call) | {call.tab.explore.shown: work.secret}


def lay_out(call: Call[Tabs], ids: list[str]) -> dict[str, Any]:
    """Open several clips side by side as one grid, in the codec in use, each with its edits, to edit them as a pattern.
    The ids are those of /clips, in the order of the pattern; a clip may be there several times. The answer has the
    name of the pattern, its length in seconds and its number of columns."""
    work = _lay_out(call, ids, call.page.codec, call.pause)
    return {"name": work.name, "seconds": work.seconds, "columns": work.history.grid.columns}


def _lay_out(call: Call[Tabs], ids: Any, codec: Codec, progress: Progress) -> Work:
    asked = requests.read(ClipsLaidOut, {"ids": ids})
    work = strip_of(call.server, call.page, call.pause).lay_out(asked.ids, codec, progress)
    codec.draw_atlas(call.pause)
    work.draw(call.pause)
    call.page.turn_to(work)
    return work


def _fill_when_drawn(call: Call[Tabs], work: Work, progress: gr.Progress) -> Iterator[Answer | None]:
    """The values of all tabs for a clip that was opened."""
    tabs = call.tab
    work.codec.draw_atlas(call.pause)
    work.draw(lambda share: progress(share, desc="Decoding"))
    with call.page.lock:
        answer = explore.fill(tabs.explore, work) | edit.fill(tabs.edit, work, call)
        is_shown = call.page.work is work  # False if another clip was opened since
    # No lock is held during a yield, because the next step may run on another thread.
    yield answer if is_shown else None


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
    work = page.visit.had(Work.opened(codec, name, grid))
    work.codec.draw_atlas(call.pause)
    work.draw(lambda share: progress(share, desc="Decoding"))
    with page.lock:
        page.turn_to(work)
        return fill(call.tab, call)


def offer_codes(call: Call[Tabs], shown: str | None = None) -> Answer:
    """After a failed call, let the page offer its copy of the codes if the server has lost the clip."""
    canvas = call.tab.edit.canvas
    try:
        call.work(shown)
    except GoneError as error:
        return {canvas: gr.update(gone=str(error))}
    return {canvas: gr.skip()}
