"""The Edit tab: the code grid as an instrument."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from distill import plots
from distill.audio import write_wav
from distill.audio.clips import write_flac
from distill.audio.names import file_stem
from distill.editing import calls, requests, vamping
from distill.editing.answers import flac_base64
from distill.editing.work import Work
from distill.errors import GridError
from distill.instrument import DEFAULT_LICENCE, LICENCES, instrument_page
from distill.instrument.page import TITLE_LENGTH
from distill.server.server import Server
from distill.settings import Settings
from distill.ui import inventing_layout, kit, links_layout, served
from distill.ui.components import (
    CodeGridCanvas,
    Picture,
    PrivateBar,
    calling,
    grid_value,
    no_picture,
    picture,
)
from distill.ui.handlers import Answer, Call, handler, server_function
from distill.ui.inventing_layout import InventedPart
from distill.ui.links_layout import LinkPart
from distill.ui.strip import StripBar, strip_of

SERVED = {
    "edit": served.edit,
    "sound": served.edited_sound,
    "audition": served.audition,
    "codec_pictures": served.pictures,
    "takes": served.takes,
    "codec_lens": served.lens,
    "second_grid": served.second_grid,
    "timing": served.timing,
    "clip_names": served.clip_names,
    "clip_codes": served.clip_codes,
}.items()
INSTRUMENT = (
    "<p class='lead'>One HTML file with the clip, your edits and the codec. It opens from a disk, without a network or "
    "a server, and whoever has it can play and edit the clip. The file names the codec, never the clips that it was "
    "trained on.</p>"
)
DIFFERENCE_ALT = "Mel spectrograms of the clip before and after your edits, and their difference in decibels, over time"


@dataclass(frozen=True)
class EditTab:
    canvas: CodeGridCanvas
    second_upload: gr.UploadButton
    compare: gr.Button
    export: gr.Button
    export_daw: gr.Button
    files: gr.File
    difference: gr.HTML
    title: gr.Textbox
    licence: gr.Dropdown
    encoder: gr.Checkbox
    every_clip: gr.Checkbox
    export_instrument: gr.Button
    instrument_files: gr.File
    load: gr.UploadButton
    text: gr.Textbox
    load_text: gr.Button
    invented: InventedPart
    link: LinkPart
    shown: gr.Textbox
    """Hidden text box with the secret of the clip on the canvas; every action of the tab sends it."""

    @property
    def filled(self) -> list[Any]:
        """The components that :func:`fill` fills, without ``shown``."""
        return [self.canvas, self.difference]


def build(server: Server, shown: gr.Textbox) -> EditTab:
    """Lay out the tab with the example clip; ``shown`` is the hidden text box for the secret of the clip."""
    work = server.examples.first
    canvas = CodeGridCanvas(
        _canvas_value(work, server.settings, served.codec_file(work.codec), editable=False),
        server_functions=[server_function(server, *named) for named in SERVED],
        elem_id="edit-grid",
    )
    PrivateBar(elem_id="edit-private")
    with gr.Row(elem_classes=["actions", "on-server"]):
        second_upload = gr.UploadButton("Second clip from a file", size="sm", elem_id="edit-second-upload", min_width=0)
        compare = gr.Button("What did I change?", size="sm", elem_id="edit-compare", min_width=0)
        export = gr.Button("Export sound and grid", size="sm", elem_id="edit-export", min_width=0)
        export_daw = kit.build()
        copy_link = links_layout.build_button()
        load = gr.UploadButton(
            "Open a grid (.npz or .json)", file_types=[".npz", ".json"], size="sm", elem_id="edit-load", min_width=0
        )
    link = links_layout.build(copy_link)
    invented = inventing_layout.build()
    files = gr.File(label="Your files", visible=False, interactive=False, elem_id="edit-files")
    difference = Picture(None, DIFFERENCE_ALT, elem_id="edit-difference", elem_classes="on-server")
    making = _build_instrument()
    with gr.Accordion("The grid as text, to share", open=False, elem_classes="on-server"):
        text = gr.Textbox(
            label="Export writes it here; paste one and open it", lines=3, max_lines=6, elem_id="edit-text",
            info="Whoever has this text and the same codec has the same sound.", buttons=["copy"],
        )  # fmt: skip
        load_text = gr.Button("Open this text", size="sm", elem_id="edit-load-text")
    return EditTab(
        canvas, second_upload, compare, export, export_daw, files, difference, *making, load, text, load_text,
        invented, link, shown,
    )  # fmt: skip


def _build_instrument() -> tuple[gr.Textbox, gr.Dropdown, gr.Checkbox, gr.Checkbox, gr.Button, gr.File]:
    """Lay out what an exported instrument is to be."""
    with gr.Accordion(
        "An instrument in one file, to give away", open=False, elem_id="edit-instrument", elem_classes="on-server"
    ):
        gr.HTML(INSTRUMENT)
        with gr.Row():
            title = gr.Textbox(
                "", label="Title", placeholder="By default, the clip's name", max_length=TITLE_LENGTH, min_width=200
            )
            licences = [(words, name) for name, (words, _) in LICENCES.items()]
            licence = gr.Dropdown(licences, value=DEFAULT_LICENCE, label="Licence", min_width=200)
        with gr.Row():
            encoder = gr.Checkbox(True, label="It can open sounds (about 1 MB more)", min_width=200)
            every_clip = gr.Checkbox(False, label="All clips that I opened in this codec", min_width=200)
        button = gr.Button("Export instrument", size="sm", elem_id="edit-export-instrument", min_width=160)
        made = gr.File(label="Your instrument", visible=False, interactive=False, elem_id="edit-instrument-files")
    return title, licence, encoder, every_clip, button, made


def connect(tab: EditTab, server: Server, bar: StripBar) -> list[Any]:
    """Wire the tab's events, and the choice of a second clip in the strip; return the events that send the secret of
    the clip."""
    handle = handler(server, tab)
    for function in (edit, edit_schema, set_codes, undo, redo, reset):
        gr.api(handle(function), api_name=function.__name__)
    gr.api(handle(listen), api_name="edit_listen")
    gr.api(handle(takes), api_name="takes")
    hidden: dict[str, Any] = {"show_progress": "hidden"}
    chosen = bar.strip.as_second(
        handle(choose_second), [bar.chosen, tab.shown], tab.canvas, api_name="second_example",
        js=calling("strip", "chosen"), trigger_mode="always_last", **hidden,
    )  # fmt: skip
    uploaded = tab.second_upload.upload(
        handle(upload_second), [tab.second_upload, tab.shown], tab.canvas, api_name="second_clip", **hidden
    )
    compared = tab.compare.click(
        handle(compare), tab.shown, tab.difference, api_name="edit_difference", show_progress="minimal"
    )
    exported = tab.export.click(
        handle(export), tab.shown, [tab.files, tab.text], api_name="export", js=calling("edits_waiting", "whenSettled")
    )
    made = tab.export_instrument.click(
        handle(export_instrument), [tab.title, tab.licence, tab.encoder, tab.every_clip, tab.shown],
        tab.instrument_files, api_name="export_instrument", js=calling("edits_waiting", "whenSettled"),
    )  # fmt: skip
    for event, files in ((exported, tab.files), (made, tab.instrument_files)):
        event.success(lambda: gr.update(visible=True), None, files, api_visibility="private")
    bar.changes.extend([chosen.then, uploaded.then])
    return [chosen, uploaded, compared, exported, made, kit.connect(tab, server)]


def fill(tab: EditTab, work: Work, call: Call[Any]) -> Answer:
    """The values of the tab's components for a clip; the canvas fetches the sound by itself."""
    codec_file = served.codec_file_for(call.page, work.codec, call.server.examples)
    return {
        tab.canvas: gr.update(value=_canvas_value(work, call.server.settings, codec_file), second={}, gone=""),
        tab.shown: work.secret,
        tab.difference: no_picture(),
    }


def edit(call: Call[EditTab], kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Make an edit by its kind. The call /edit_schema describes the kinds and their arguments, passed by name.
    A "second" clip is given by the name of an example, or by the id that /clips has for it."""
    if not isinstance(arguments, dict):
        raise GridError("The arguments of an edit must be given by name.")
    if "second" in arguments:
        second = _open_second(call, call.page.work, arguments["second"])
        arguments = arguments | {"second": second.secret}
    return _perform(call, arguments | {"kind": kind})


def takes(call: Call[EditTab], tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Draw takes of a region, to choose from: the tool is "vary", "fill" or "continue", and the arguments are those of
    this edit, with the "count" of takes. The edit with the seed of a take makes it. The clip stays as it is."""
    if not isinstance(arguments, dict):
        raise GridError("The arguments of takes must be given by name.")
    work = call.page.work
    memory = served.memory_of(call.server, call.page, work.codec)
    return vamping.takes(work, arguments | {"tool": tool, "work": work.secret}, call.pause, memory)


def edit_schema(call: Call[EditTab]) -> dict[str, Any]:
    """The JSON schema of what /edit takes: one object for each kind of edit."""
    return requests.edit_schema()


def set_codes(
    call: Call[EditTab], level: int, row: int, last_row: int, column: int, last_column: int, code: int
) -> dict[str, Any]:
    """Put a code into a region of a level; the ends of the region are included."""
    region = {"levels": [level, level], "rows": [row, last_row], "columns": [column, last_column]}
    return _perform(call, region | {"kind": "set", "code": code})


def undo(call: Call[EditTab]) -> dict[str, Any]:
    """Undo the last edit."""
    return _perform(call, {"kind": "undo"})


def redo(call: Call[EditTab]) -> dict[str, Any]:
    """Redo the last undone edit."""
    return _perform(call, {"kind": "redo"})


def reset(call: Call[EditTab]) -> dict[str, Any]:
    """Return to the codes of the original; this can be undone."""
    return _perform(call, {"kind": "reset"})


def listen(call: Call[EditTab]) -> dict[str, str]:
    """The sound of the clip with its edits, as a FLAC file in base64."""
    sound, _ = call.page.work.snapshot(call.pause)
    return {"flac": flac_base64(sound, call.pause)}


def choose_second(call: Call[EditTab], name: str | None, shown: str | None = None) -> Answer:
    """Use a clip of the strip as the second clip: an example by its name, or another clip by its id from /clips.
    Without a name, there is no second clip any more."""
    if not name:
        call.page.second = None
        return {call.tab.canvas: gr.update(second={})}
    return _second(call, _open_second(call, call.work(shown), name))


def upload_second(call: Call[EditTab], path: str | None, shown: str | None = None) -> Answer:
    """Use an uploaded sound as the second clip."""
    if not path:
        raise GridError("There is no sound there: choose a file.")
    page = call.page
    second = page.visit.keep(page.read(call.work(shown).codec, Path(path), pause=call.pause))
    call.server.storage.discard(Path(path))
    if second.note:
        call.warn(second.note)
    return _second(call, second)


def compare(
    call: Call[EditTab],
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Draw the clip before and after its edits."""
    work = call.work(shown)
    with work.lock:
        grids = (work.history.original, work.history.grid)
    told = [lambda share: progress(share / 2, desc="Decoding"), lambda share: progress(0.5 + share / 2)]
    before, after = (work.codec.decode_mel(grid, progress=tell).numpy() for grid, tell in zip(grids, told, strict=True))
    figure = plots.plot_mels(before, after, titles=("Before", "After"))
    yield {call.tab.difference: picture(figure, DIFFERENCE_ALT)}


def export(
    call: Call[EditTab],
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Write the clip with its edits: its sound as WAV and FLAC, its grid as NPZ, JSON and text."""
    work = call.work(shown)
    sound, grid = work.snapshot(lambda share: progress(share, desc="Decoding"))  # sound and grid of the same moment
    page = call.page
    with call.server.storage.filling(page.owner, 2 * len(sound), address=page.address) as folder:
        stem = f"{file_stem(work.name)}-edited"
        paths = [folder / f"{stem}.{suffix}" for suffix in ("wav", "flac", "npz", "json")]
        points = work.timing.points(len(sound)) if work.timing else None
        write_wav(paths[0], sound, lambda share: progress(share, desc="Writing"), points=points)
        write_flac(paths[1], sound, lambda share: progress(share, desc="Writing"))
        grid.save(paths[2])
        grid.save(paths[3])
    yield {call.tab.files: [str(path) for path in paths], call.tab.text: grid.to_text()}


def export_instrument(
    call: Call[EditTab],
    title: str | None,
    licence: str | None,
    encoder: bool,
    every_clip: bool,
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Write the clip with its edits and its codec as one HTML file that plays and edits them without a network.
    "licence" is none, cc0, cc-by, cc-by-sa, cc-by-nc or reserved."""
    work, page = call.work(shown), call.page
    works = [work]
    if every_clip:
        others = [each for each in list(page.visit.works.values()) if each is not work]
        works += [each for each in others if each.codec.sound_id == work.codec.sound_id]
    written = instrument_page(
        work.codec, works, title=title or "", licence=licence or DEFAULT_LICENCE, encoder=encoder,
        progress=lambda share: progress(share, desc="Writing"),
    ).encode()  # fmt: skip
    with call.server.storage.filling(page.owner, len(written), address=page.address) as folder:
        path = folder / f"{file_stem(title or '', f'{file_stem(work.name)}-instrument')}.html"
        path.write_bytes(written)
    yield {call.tab.instrument_files: [str(path)]}


def _perform(call: Call[EditTab], asked: dict[str, Any]) -> dict[str, Any]:
    find = partial(call.server.visitors.own_work, call.page.owner)
    work, visit = call.page.work, call.page.visit
    return calls.perform(work, asked, find, call.server.settings, call.pause, visit.learned_by(work.codec))


def _open_second(call: Call[EditTab], work: Work, id: object) -> Work:
    """Open a clip of the strip in the codec of another clip, for blends and swaps."""
    if not isinstance(id, str) or not id:
        raise GridError("There is no clip of that name: give the name of an example, or an id that /clips has.")
    return call.page.visit.keep(strip_of(call.server, call.page, call.pause).read(id, work.codec))


def _second(call: Call[EditTab], work: Work) -> Answer:
    call.page.second = work
    return {call.tab.canvas: gr.update(second=second_value(work))}


def second_value(work: Work) -> dict[str, str]:
    """What the canvas is told of a second clip."""
    return {"work": work.secret, "name": work.name}


def _canvas_value(work: Work, settings: Settings, codec_file: str, *, editable: bool = True) -> dict[str, Any]:
    codec = work.codec
    with work.lock:
        history = work.history
        return grid_value(
            work.secret, work.name, history.grid, history.original, work.original,
            codec.usage(history.original), history.labels, can_redo=history.can_redo, editable=editable,
            edit_cells=settings.edit_cells, codec_file=codec_file, quiet=codec.quiet_codes,
            timing=work.timing.answer() if work.timing else None,
        )  # fmt: skip
