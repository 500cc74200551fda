"""The Edit tab: the code grid as an instrument."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from distill import plots
from distill.audio import write_wav
from distill.audio.clips import write_flac
from distill.codes import CodeGrid
from distill.errors import GridError
from distill.server.askers import Asker
from distill.settings import DEFAULTS, Settings
from distill.ui import explore, tools
from distill.ui.components import (
    CodeGridCanvas,
    Picture,
    calling,
    flac_base64,
    grid_value,
    no_picture,
    pack,
    picture,
    piece_answer,
)
from distill.ui.components.code_grid import HISTORY_SHOWN
from distill.ui.edited import Change
from distill.ui.handlers import handler, server_function
from distill.ui.server import Server
from distill.ui.session import Session
from distill.ui.work import Work

if TYPE_CHECKING:
    from distill.ui.explore import ExploreTab

HOW_TO = (
    "<p class='lead'>Each cell is one <b>code</b>: an entry of the codec's codebook, standing for a band of "
    "frequencies (row) over 186 ms (column). Press a code in the palette to hear it, then <b>paint</b> with it. "
    "<b>Select</b> a part to copy, move, reverse or blend it. Every edit is heard at once, and every edit can be "
    "undone.</p>"
)
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

    @property
    def outputs(self) -> list[Any]:
        """What :func:`show` fills, in its order."""
        return [self.canvas, self.second, self.difference]


def build(server: Server) -> EditTab:
    """Lay out the tab, filled with the example clip."""
    examples, visitors = server.examples, server.visitors
    work = examples.first

    def edit(asker: Asker, request: Any) -> dict[str, Any]:
        find = partial(visitors.own_work, asker.visitor)
        return perform(find(tools.field(request, "work")), request, find, server.settings)

    def sound(asker: Asker, request: Any) -> dict[str, Any]:
        work = visitors.work(asker.visitor, tools.field(request, "work"))
        return _piece(work, tools.field(request, "track"), tools.field(request, "piece"), server.turns.pause)

    def audition(asker: Asker, request: Any) -> dict[str, Any]:
        return explore.audition_answer(visitors.work(asker.visitor, tools.field(request, "work")), request)

    def pictures(asker: Asker, request: Any) -> dict[str, Any]:
        return explore.pictures_answer(visitors.work(asker.visitor, tools.field(request, "work")), server.turns.pause)

    pictures.__name__ = "codec_pictures"
    gr.HTML(HOW_TO)
    canvas = CodeGridCanvas(
        _canvas_value(work, server.settings, editable=False),
        server_functions=[server_function(server.turns, function) for function in (edit, sound, audition, pictures)],
        elem_id="edit-grid",
    )
    with gr.Row(elem_classes="second-clip"):
        second = gr.Dropdown(
            [path.stem for path in examples.clips], value=None, label="Second clip, to swap and blend with",
            elem_id="edit-second", min_width=260,
        )  # fmt: skip
        second_upload = gr.UploadButton(
            "Use a sound of yours", file_types=["audio"], size="sm", elem_id="edit-second-upload", min_width=160
        )
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
    return EditTab(canvas, second, second_upload, compare, difference, export, files, load, text, load_text)


def connect(tab: EditTab, explore_tab: "ExploreTab", server: Server, page_load: Callable[..., Any]) -> None:
    """Wire the tab's events; ``page_load`` is the event of the page's being opened."""
    visitors = server.visitors
    handle = handler(visitors, server.turns)
    examples = {path.stem: path for path in visitors.examples.clips}

    def do(visitor: Session, asked: dict[str, Any]) -> dict[str, Any]:
        return perform(visitor.work, asked, partial(visitors.own_work, visitor.owner), server.settings)

    @handle
    def edit(visitor: Session, kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """An edit by name: what each needs stands in ``distill.ui.tools``. "second" is the name of an example clip."""
        if not isinstance(arguments, dict):
            raise GridError("The arguments of an edit must be given by name.")
        if "second" in arguments:
            arguments = arguments | {"second": open_second(visitor, _path(examples, arguments["second"])).secret}
        return do(visitor, arguments | {"kind": kind})

    @handle
    def set_codes(
        visitor: Session, level: int, row: int, last_row: int, column: int, last_column: int, code: int
    ) -> dict[str, Any]:
        """Put a code into a region of a level; the ends are included."""
        region = {"levels": [level, level], "rows": [row, last_row], "columns": [column, last_column]}
        return perform(
            visitor.work,
            region | {"kind": "set", "code": code},
            partial(visitors.own_work, visitor.owner),
            server.settings,
        )

    @handle
    def undo(visitor: Session) -> dict[str, Any]:
        """Take the last edit back."""
        return do(visitor, {"kind": "undo"})

    @handle
    def redo(visitor: Session) -> dict[str, Any]:
        """Make the edit that was taken back last again."""
        return do(visitor, {"kind": "redo"})

    @handle
    def reset(visitor: Session) -> dict[str, Any]:
        """Go back to the codes of the original, which can be undone."""
        return do(visitor, {"kind": "reset"})

    @handle
    def listen(visitor: Session) -> dict[str, str]:
        """The clip as it is now, as a FLAC file in base64."""
        sound, _ = visitor.work.snapshot(server.turns.pause)
        return {"flac": flac_base64(sound, server.turns.pause)}

    @handle
    def begin(visitor: Session) -> Any:
        work = visitor.work
        work.codec.draw_atlas(server.turns.pause)
        work.draw(server.turns.pause)
        return gr.update(value=_canvas_value(work, server.settings))

    def open_second(visitor: Session, path: Path, *, is_example: bool = True) -> Work:
        return visitor.visit.keep(visitor.read(visitor.codec, path, is_example=is_example, pause=server.turns.pause))

    @handle
    def choose_second(visitor: Session, name: str | None) -> Any:
        if not name:
            return gr.update(second={})
        return _second(open_second(visitor, _path(examples, name)))

    @handle
    def upload_second(visitor: Session, path: str | None) -> Any:
        if not path:
            raise GridError("There is no sound there: choose a file.")
        second = open_second(visitor, Path(path), is_example=False)
        server.storage.discard(Path(path))
        return _second(second)

    @handle
    def compare(visitor: Session, progress: gr.Progress = gr.Progress()) -> Iterator[Any]:  # noqa: B008
        work = visitor.work
        with work.lock:
            grids = (work.history.original, work.history.grid)
        told = [lambda share: progress(share / 2, desc="Decoding"), lambda share: progress(0.5 + share / 2)]
        before, after = (
            work.codec.decode_mel(grid, progress=tell).numpy() for grid, tell in zip(grids, told, strict=True)
        )
        yield picture(plots.plot_mels(before, after, titles=("Before", "After")), DIFFERENCE_ALT)

    @handle
    def export(visitor: Session, progress: gr.Progress = gr.Progress()) -> Iterator[Any]:  # noqa: B008
        work = visitor.work
        sound, grid = work.snapshot(lambda share: progress(share, desc="Decoding"))  # of one moment
        sound = sound[: work.num_samples]  # a loop must not grow by the rest of a frame
        with server.storage.filling(visitor.owner, 2 * len(sound), address=visitor.address) as folder:
            stem = f"{Path(work.name).stem}-edited"
            paths = [folder / f"{stem}.{suffix}" for suffix in ("wav", "flac", "npz", "json")]
            write_wav(paths[0], sound, lambda share: progress(share, desc="Writing"))
            write_flac(paths[1], sound, lambda share: progress(share, desc="Writing"))
            grid.save(paths[2])
            grid.save(paths[3])
        yield [str(path) for path in paths], grid.to_text()

    def turn_to(visitor: Session, name: str, grid: CodeGrid, progress: gr.Progress) -> Any:
        visitors.make_room(visitor.visit)
        work = Work.opened(visitor.codec, name, grid)
        work.codec.draw_atlas(server.turns.pause)
        work.draw(lambda share: progress(share, desc="Decoding"))
        with visitor.lock:
            visitor.turn_to(work)
            return *explore.show(visitor), *show(visitor)

    @handle
    def open_grid(visitor: Session, path: str | None, progress: gr.Progress = gr.Progress()) -> Iterator[Any]:  # noqa: B008
        if not path:
            raise GridError("There is no grid there: choose an .npz or .json file.")
        grid = CodeGrid.load(path, settings=server.settings)
        server.storage.discard(Path(path))
        yield turn_to(visitor, Path(path).name, grid, progress)

    @handle
    def open_text(visitor: Session, text: str | None, progress: gr.Progress = gr.Progress()) -> Iterator[Any]:  # noqa: B008
        yield turn_to(visitor, "grid from text", CodeGrid.from_text(text or "", settings=server.settings), progress)

    for function, name in (
        (edit, "edit"), (set_codes, "set_codes"), (undo, "undo"), (redo, "redo"), (reset, "reset"),
        (listen, "edit_listen"),
    ):  # fmt: skip
        gr.api(function, api_name=name)
    hidden: dict[str, Any] = {"show_progress": "hidden"}
    # The page comes with the example, which all share; what is edited is this visitor's own.
    page_load(begin, None, tab.canvas, api_visibility="private", **hidden)
    tab.second.input(choose_second, tab.second, tab.canvas, api_name="second_example", **hidden)
    tab.second_upload.upload(upload_second, tab.second_upload, tab.canvas, api_name="second_clip", **hidden)
    tab.compare.click(compare, None, tab.difference, api_name="edit_difference", show_progress="minimal")
    exported = tab.export.click(
        export, None, [tab.files, tab.text], api_name="export", js=calling("edits_waiting", "whenSettled")
    )
    exported.success(lambda: gr.update(visible=True), None, tab.files, api_visibility="private")
    everything = [*explore_tab.outputs, *tab.outputs]
    tab.load.upload(open_grid, tab.load, everything, api_name="open_grid", show_progress_on=tab.text)
    tab.load_text.click(open_text, tab.text, everything, api_name="open_text", show_progress_on=tab.text)


def show(visitor: Session) -> tuple[Any, ...]:
    """Everything the tab says of a clip, for :attr:`EditTab.outputs`; the canvas asks for the sound by itself."""
    value = _canvas_value(visitor.work, visitor.visit.settings)
    return gr.update(value=value, second={}), None, no_picture(DIFFERENCE_ALT)


def perform(work: Work, request: Any, find: Callable[[object], Work], settings: Settings = DEFAULTS) -> dict[str, Any]:
    """Do what was asked of a clip's grid, and say what that changed.

    Parameters
    ----------
    work : Work
    request : dict
        ``kind`` is the name of a tool (:data:`distill.ui.tools.TOOLS`), or "undo", "redo", "reset" or "look"; the rest
        is what that tool takes. With an ``id``, an edit that is asked for again, because the answer was lost, is done
        once.
    find : callable
        Gives the work of a secret.
    settings : Settings
        Of which ``edit_cells`` counts.

    Returns
    -------
    dict
        ``positions`` in the flat grid whose codes changed and their ``codes`` now, both None where there are more than
        ``edit_cells``, then with all ``indices``; the sound where the change begins as ``flac`` in base64, None without
        a change or if it is not decoded yet, and the sample at which it has its ``start``; in ``stale``, the first
        samples, and the ones after the last, of where else the sound is to be asked for again; the sound's ``version``;
        the latest of the ``history`` and how many ``edits`` there are; ``can_undo`` and ``can_redo``. A swap tells of
        the other clip, too: ``second`` has its ``work`` and what is ``stale`` in it. "look" answers with all
        ``indices``.

    Raises
    ------
    GridError
        If it makes no sense.
    """
    fields = tools.Request(request, find, settings)
    kind, identity = fields["kind"], request.get("id")
    second = fields.second() if "second" in fields else None
    works = {each.secret: each for each in (work, second) if each is not None}
    with ExitStack() as stack:
        for _, each in sorted(works.items()):  # in one order everywhere: two swaps must not wait for each other
            stack.enter_context(each.lock)
        if identity is not None and work.last_answer and work.last_answer[0] == identity:
            return work.last_answer[1]
        before, also = work.history.grid, {}
        if kind == "undo":
            change = work.undo()
        elif kind == "redo":
            change = work.redo()
        elif kind == "reset":
            change = work.do("Back to the original", work.history.original)
        elif kind == "look":
            return {"indices": pack(before.indices)}
        else:
            edit = tools.apply(work, kind, fields)
            change = work.do(edit.label, edit.grid)
            if second and edit.second:  # nobody listens to it now
                swapped = second.do(f"Swapped with {work.name}", edit.second, heard=False)
                also = {"second": {"work": second.secret, "stale": swapped.stale if swapped else []}}
        answered = _changes(work, before, change, settings) | also
        work.last_answer = (identity, answered)
        return answered


def _changes(work: Work, before: CodeGrid, change: Change | None, settings: Settings) -> dict[str, Any]:
    history, splice = work.history, change.splice if change else None
    positions = np.flatnonzero(before.indices != history.grid.indices)
    codes: dict[str, Any]
    if len(positions) > settings.edit_cells:
        codes = {"positions": None, "codes": None, "indices": pack(history.grid.indices)}
    else:
        codes = {"positions": positions.tolist(), "codes": history.grid.indices.flat[positions].tolist()}
    return codes | {
        "start": splice.start if splice else 0,
        "flac": flac_base64(splice.waveform) if splice else None,
        "stale": change.stale if change else [],
        "version": work.version,
        "history": history.labels[-HISTORY_SHOWN:],
        "edits": len(history.labels),
        "can_undo": history.can_undo,
        "can_redo": history.can_redo,
    }


def _piece(
    work: Work, track: object, number: object, progress: Callable[[float], object] | None = None
) -> dict[str, Any]:
    """A part of the sound as it is ("edited") or as it was ("before")."""
    if track not in ("edited", "before") or type(number) is not int:
        raise GridError("That part of the sound is not there; please reload the page.")
    if track == "before":
        return piece_answer(work.piece(work.codec.num_levels, number, progress), work.num_pieces, None)
    waveform, version = work.piece_now(number, progress)
    return piece_answer(waveform, work.num_pieces, None) | {"version": version}


def _second(work: Work) -> Any:
    return gr.update(second={"work": work.secret, "name": work.name})


def _path(examples: dict[str, Path], name: object) -> Path:
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
