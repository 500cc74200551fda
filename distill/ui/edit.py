"""The Edit tab: the code grid as an instrument."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from distill.audio import Clip, write_wav
from distill.codes import CodeGrid, edits
from distill.errors import GridError
from distill.training.health import level_names
from distill.ui import views
from distill.ui.components import CodeGridCanvas
from distill.ui.components.code_grid import grid_value
from distill.ui.handlers import handler
from distill.ui.session import Examples, Session, Work


@dataclass(frozen=True)
class EditTab:
    canvas: CodeGridCanvas
    edited: gr.Audio
    original: gr.Audio
    history: gr.HTML
    undo: gr.Button
    redo: gr.Button
    reset: gr.Button
    level: gr.Number
    rows: list[gr.Number]
    columns: list[gr.Number]
    code: gr.Number
    apply: gr.Button
    export: gr.Button
    files: gr.File
    load: gr.UploadButton

    @property
    def outputs(self) -> list[Any]:
        """What :func:`show` fills, in its order."""
        return [self.original, *self.changed]

    @property
    def changed(self) -> list[Any]:
        """What an edit changes."""
        return [self.canvas, self.edited, self.history]


def build(session: gr.State, examples: Examples) -> EditTab:
    """Lay out the tab, filled with the example clip."""
    work = examples.first
    gr.Markdown(
        "Each cell is one **code**: an entry of the codec's codebook, standing for a band of frequencies (row) over "
        "186 ms (column). Click a code in the palette to hear it, then **paint** with it: click or drag on the grid. "
        "Alt-click picks up a code from the grid."
    )
    canvas = CodeGridCanvas(_canvas_value(work), elem_id="edit-grid")
    with gr.Row():
        undo = gr.Button("Undo", size="sm", elem_id="edit-undo", min_width=90)
        redo = gr.Button("Redo", size="sm", elem_id="edit-redo", min_width=90)
        reset = gr.Button("Back to the original", size="sm", elem_id="edit-reset", min_width=160)
    with gr.Row():
        edited = gr.Audio(
            views.sound(work.edited), label="Edited", interactive=False, elem_id="edit-audio", buttons=["download"]
        )
        original = gr.Audio(
            views.sound(work.reconstruction), label="Before your edits", interactive=False, elem_id="edit-before",
            buttons=["download"],
        )  # fmt: skip
    history = gr.HTML(views.history_list([]), elem_id="edit-history")
    with gr.Accordion("Set cells by number", open=False):
        gr.Markdown("Level 0 is the coarsest, row 0 the lowest band, column 0 the first 186 ms; the ends are included.")
        with gr.Row():
            level = gr.Number(0, label="Level", precision=0, minimum=0, min_width=90)
            rows = [gr.Number(0, label=f"{end} row", precision=0, minimum=0, min_width=90) for end in ("First", "Last")]
            columns = [
                gr.Number(0, label=f"{end} column", precision=0, minimum=0, min_width=90) for end in ("First", "Last")
            ]
            code = gr.Number(0, label="Code", precision=0, minimum=0, min_width=90)
        apply = gr.Button("Set these cells", size="sm")
    with gr.Row():
        export = gr.Button("Export sound and grid", size="sm", elem_id="edit-export")
        load = gr.UploadButton(
            "Open a grid (.npz or .json)", file_types=[".npz", ".json"], size="sm", elem_id="edit-load"
        )
    files = gr.File(label="Your files", visible=False, interactive=False, elem_id="edit-files")
    return EditTab(
        canvas, edited, original, history, undo, redo, reset, level, rows, columns, code, apply, export, files, load
    )


def connect(tab: EditTab, session: gr.State, examples: Examples) -> None:
    """Wire the tab's events."""
    handle = handler(examples)

    def step(visitor: Session, change: Callable[[], object]) -> tuple[Any, ...]:
        before = visitor.work.history.grid
        change()
        return _after(visitor.work, visitor.work.move(before))

    @handle
    def paint(visitor: Session, event: gr.EventData) -> Any:
        history, (name, grid) = visitor.work.history, _painted(visitor.work.history.grid, event._data)
        return step(visitor, lambda: history.do(name, grid))

    @handle
    def set_codes(
        visitor: Session, level: int, row: int, last_row: int, column: int, last_column: int, code: int
    ) -> Any:
        history = visitor.work.history
        rows, columns = slice(row, last_row + 1), slice(column, last_column + 1)
        grid = edits.set_codes(history.grid, level=level, rows=rows, columns=columns, code=code)
        return step(visitor, lambda: history.do(_label(grid, level, rows, columns, code), grid))

    @handle
    def undo(visitor: Session) -> Any:
        return step(visitor, visitor.work.history.undo)

    @handle
    def redo(visitor: Session) -> Any:
        return step(visitor, visitor.work.history.redo)

    @handle
    def reset(visitor: Session) -> Any:
        history = visitor.work.history
        return step(visitor, lambda: history.do("Back to the original", history.original))

    @handle
    def audition(visitor: Session, event: gr.EventData) -> Any:
        work = visitor.work
        work.sequence += 1
        return _canvas_value(work, work.codec.audition(int(event._data["level"]), int(event._data["code"])))

    @handle
    def export(visitor: Session) -> Any:
        work, folder = visitor.work, Path(tempfile.mkdtemp())
        stem = f"{Path(work.clip.name).stem}-edited"
        write_wav(folder / f"{stem}.wav", work.edited)
        for suffix in ("npz", "json"):
            work.history.grid.save(folder / f"{stem}.{suffix}")
        return gr.update(value=[str(folder / f"{stem}.{suffix}") for suffix in ("wav", "npz", "json")], visible=True)

    @handle
    def open_grid(visitor: Session, path: str) -> Any:
        grid = CodeGrid.load(path)
        visitor.codec.check(grid)
        waveform = visitor.codec.decode(grid)
        visitor.work = Work.begin(visitor.codec, Clip(Path(path).name, waveform), grid)
        return show(visitor.work)

    quick: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "multiple", "concurrency_limit": 1}
    changed = [session, *tab.changed]
    # Events of the canvas carry what was painted in the event itself, which a client cannot send: it has /set_codes.
    tab.canvas.edit(paint, [session], changed, concurrency_id="edit", api_visibility="private", **quick)
    tab.canvas.audition(audition, [session], [session, tab.canvas], api_visibility="private", **quick)
    tab.canvas.undo(undo, [session], changed, concurrency_id="edit", api_visibility="private", **quick)
    tab.canvas.redo(redo, [session], changed, concurrency_id="edit", api_visibility="private", **quick)
    numbers = [tab.level, *tab.rows, *tab.columns, tab.code]
    for button, function, inputs in (
        (tab.apply, set_codes, numbers),
        (tab.undo, undo, []),
        (tab.redo, redo, []),
        (tab.reset, reset, []),
    ):
        name = function.__name__
        button.click(function, [session, *inputs], changed, concurrency_id="edit", api_name=name, **quick)
    tab.export.click(export, [session], [session, tab.files], api_name="export")
    tab.load.upload(open_grid, [session, tab.load], [session, *tab.outputs], api_name="open_grid")


def show(work: Work) -> tuple[Any, ...]:
    """Everything the tab says of a clip, for :attr:`EditTab.outputs`."""
    return views.sound(work.reconstruction), *_after(work, None)


def _after(work: Work, heard: np.ndarray | None) -> tuple[Any, ...]:
    return _canvas_value(work, heard), views.sound(work.edited), views.history_list(work.history.labels)


def _canvas_value(work: Work, heard: np.ndarray | None = None) -> dict[str, Any]:
    history = work.history
    return grid_value(history.grid, history.original, work.palettes, sequence=work.sequence, sound=heard)


def _painted(grid: CodeGrid, stroke: dict[str, Any]) -> tuple[str, CodeGrid]:
    """The grid after a stroke {level, code, cells: [[row, column]]}, and the stroke in words."""
    try:
        level, code = int(stroke["level"]), int(stroke["code"])
        cells = [(int(row), int(column)) for row, column in stroke["cells"]]
    except (KeyError, TypeError, ValueError) as error:
        raise GridError("That stroke could not be read; please reload the page.") from error
    for row, column in cells:
        grid = edits.set_codes(grid, level=level, rows=row, columns=column, code=code)
    rows, columns = zip(*cells, strict=True)
    span = slice(min(rows), max(rows) + 1), slice(min(columns), max(columns) + 1)
    return _label(grid, level, *span, code), grid


def _label(grid: CodeGrid, level: int, rows: slice, columns: slice, code: int) -> str:
    def span(name: str, part: slice) -> str:
        return f"{name} {part.start}" if part.stop - part.start == 1 else f"{name}s {part.start} to {part.stop - 1}"

    return f"{level_names(grid.levels)[level]}: code {code} in {span('row', rows)}, {span('column', columns)}"
