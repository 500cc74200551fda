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
from distill.editing import calls, requests
from distill.editing.answers import flac_base64
from distill.editing.work import Work
from distill.errors import GridError
from distill.server.server import Server
from distill.settings import Settings
from distill.ui import served
from distill.ui.components import (
    CodeGridCanvas,
    Picture,
    calling,
    grid_value,
    no_picture,
    picture,
)
from distill.ui.handlers import Answer, Call, handler, server_function

HOW_TO = (
    "<p class='lead'>Each cell is one <b>code</b>: an entry of the codec's codebook, standing for a band of "
    "frequencies (row) over one step of time (column). Press a code in the palette to hear it, then <b>paint</b> with "
    "it. <b>Select</b> a part to copy, move, reverse or blend it. Every edit is heard at once, and every edit can be "
    "undone.</p>"
)
SERVED = {
    "edit": served.edit,
    "sound": served.edited_sound,
    "audition": served.audition,
    "codec_pictures": served.pictures,
}.items()
DIFFERENCE_ALT = "Mel spectrograms of the clip before and after your edits, and their difference in decibels, over time"


@dataclass(frozen=True)
class EditTab:
    canvas: CodeGridCanvas
    second: gr.Dropdown
    second_upload: gr.UploadButton
    compare: gr.Button
    difference: gr.HTML
    export: gr.Button
    files: gr.File
    load: gr.UploadButton
    text: gr.Textbox
    load_text: gr.Button
    shown: gr.Textbox
    """Hidden text box with the secret of the clip on the canvas; every action of the tab sends it."""

    @property
    def filled(self) -> list[Any]:
        """The components that :func:`fill` fills, without ``shown``."""
        return [self.canvas, self.second, self.difference]


def build(server: Server, shown: gr.Textbox) -> EditTab:
    """Lay out the tab with the example clip; ``shown`` is the hidden text box for the secret of the clip."""
    examples = server.examples
    work = examples.first

    gr.HTML(HOW_TO)
    canvas = CodeGridCanvas(
        _canvas_value(work, server.settings, editable=False),
        server_functions=[server_function(server, *named) for named in SERVED],
        elem_id="edit-grid",
    )
    with gr.Row(elem_classes="second-clip"):
        second = gr.Dropdown(
            [path.stem for path in examples.clips], value=None, label="Second clip, to swap and blend with",
            elem_id="edit-second", min_width=260,
        )  # fmt: skip
        second_upload = gr.UploadButton("Use a sound of yours", size="sm", elem_id="edit-second-upload", min_width=160)
        compare = gr.Button("What did I change?", size="sm", elem_id="edit-compare", min_width=160)
    difference = Picture(None, DIFFERENCE_ALT, elem_id="edit-difference")
    with gr.Row():
        export = gr.Button("Export sound and grid", size="sm", elem_id="edit-export", min_width=160)
        load = gr.UploadButton(
            "Open a grid (.npz or .json)", file_types=[".npz", ".json"], size="sm", elem_id="edit-load", min_width=160
        )
    files = gr.File(label="Your files", visible=False, interactive=False, elem_id="edit-files")
    with gr.Accordion("The grid as text, to share", open=False):
        text = gr.Textbox(
            label="Export writes it here; paste one and open it", lines=3, max_lines=6, elem_id="edit-text",
            info="Whoever has this text and the same codec has the same sound.", buttons=["copy"],
        )  # fmt: skip
        load_text = gr.Button("Open this text", size="sm", elem_id="edit-load-text")
    return EditTab(canvas, second, second_upload, compare, difference, export, files, load, text, load_text, shown)


def connect(tab: EditTab, server: Server) -> list[Any]:
    """Wire the tab's events; return the events that send the secret of the clip."""
    handle = handler(server, tab)
    for function in (edit, edit_schema, set_codes, undo, redo, reset):
        gr.api(handle(function), api_name=function.__name__)
    gr.api(handle(listen), api_name="edit_listen")
    hidden: dict[str, Any] = {"show_progress": "hidden"}
    chosen = tab.second.input(
        handle(choose_second), [tab.second, tab.shown], tab.canvas, api_name="second_example", **hidden
    )
    uploaded = tab.second_upload.upload(
        handle(upload_second), [tab.second_upload, tab.shown], tab.canvas, api_name="second_clip", **hidden
    )
    compared = tab.compare.click(
        handle(compare), tab.shown, tab.difference, api_name="edit_difference", show_progress="minimal"
    )
    exported = tab.export.click(
        handle(export), tab.shown, [tab.files, tab.text], api_name="export", js=calling("edits_waiting", "whenSettled")
    )
    exported.success(lambda: gr.update(visible=True), None, tab.files, api_visibility="private")
    return [chosen, uploaded, compared, exported]


def fill(tab: EditTab, work: Work, settings: Settings) -> Answer:
    """The values of the tab's components for a clip; the canvas fetches the sound by itself."""
    return {
        tab.canvas: gr.update(value=_canvas_value(work, settings), second={}, gone=""),
        tab.shown: work.secret,
        tab.second: None,
        tab.difference: no_picture(DIFFERENCE_ALT),
    }


def edit(call: Call[EditTab], kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Make an edit by its kind. The call /edit_schema describes the kinds and their arguments, passed by name.
    A "second" clip is given by the name of an example."""
    if not isinstance(arguments, dict):
        raise GridError("The arguments of an edit must be given by name.")
    if "second" in arguments:
        second = _open_second(call, call.page.work, _example(call, arguments["second"]), is_example=True)
        arguments = arguments | {"second": second.secret}
    return _perform(call, arguments | {"kind": kind})


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
    """Use an example as the second clip."""
    if not name:
        return {call.tab.canvas: gr.update(second={})}
    return _second(call, _open_second(call, call.work(shown), _example(call, name), is_example=True))


def upload_second(call: Call[EditTab], path: str | None, shown: str | None = None) -> Answer:
    """Use an uploaded sound as the second clip."""
    if not path:
        raise GridError("There is no sound there: choose a file.")
    second = _open_second(call, call.work(shown), Path(path), is_example=False)
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
        stem = f"{Path(work.name).stem}-edited"
        paths = [folder / f"{stem}.{suffix}" for suffix in ("wav", "flac", "npz", "json")]
        write_wav(paths[0], sound, lambda share: progress(share, desc="Writing"))
        write_flac(paths[1], sound, lambda share: progress(share, desc="Writing"))
        grid.save(paths[2])
        grid.save(paths[3])
    yield {call.tab.files: [str(path) for path in paths], call.tab.text: grid.to_text()}


def _perform(call: Call[EditTab], asked: dict[str, Any]) -> dict[str, Any]:
    find = partial(call.server.visitors.own_work, call.page.owner)
    return calls.perform(call.page.work, asked, find, call.server.settings)


def _open_second(call: Call[EditTab], work: Work, path: Path, *, is_example: bool) -> Work:
    """Open a clip in the codec of another clip, for blends and swaps."""
    example = path.stem if is_example else None
    return call.page.visit.keep(call.page.read(work.codec, path, example=example, pause=call.pause))


def _second(call: Call[EditTab], work: Work) -> Answer:
    return {call.tab.canvas: gr.update(second={"work": work.secret, "name": work.name})}


def _example(call: Call[EditTab], name: object) -> Path:
    examples = {path.stem: path for path in call.server.examples.clips}
    if not isinstance(name, str) or name not in examples:
        raise GridError("There is no example of that name.")
    return examples[name]


def _canvas_value(work: Work, settings: Settings, *, editable: bool = True) -> dict[str, Any]:
    codec = work.codec
    with work.lock:
        history = work.history
        return grid_value(
            work.secret, work.name, history.grid, history.original, work.original,
            codec.usage(history.original), history.labels, can_redo=history.can_redo, editable=editable,
            edit_cells=settings.edit_cells,
        )  # fmt: skip
