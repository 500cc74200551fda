"""The Edit tab: the code grid as an instrument."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from distill.audio import Clip, write_wav
from distill.codes import CodeGrid, edits
from distill.errors import GridError
from distill.training.health import level_names
from distill.ui import explore, views
from distill.ui.components.code_grid import CodeGridCanvas, grid_value, sound_value
from distill.ui.handlers import handler
from distill.ui.session import Examples, Session, Visitors, Work

if TYPE_CHECKING:
    from distill.ui.explore import ExploreTab


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
        return [self.canvas, self.edited, self.history, self.undo, self.redo]


def build(examples: Examples) -> EditTab:
    """Lay out the tab, filled with the example clip."""
    work = examples.first
    gr.Markdown(
        "Each cell is one **code**: an entry of the codec's codebook, standing for a band of frequencies (row) over "
        "186 ms (column). Click a code in the palette to hear it, then **paint** with it: click or drag on the grid. "
        "Alt-click picks up a code from the grid."
    )
    canvas = CodeGridCanvas(_canvas_value(work), elem_id="edit-grid")
    with gr.Row():
        undo = gr.Button("Undo", size="sm", interactive=False, elem_id="edit-undo", min_width=90)
        redo = gr.Button("Redo", size="sm", interactive=False, elem_id="edit-redo", min_width=90)
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


def connect(tab: EditTab, explore_tab: "ExploreTab", visitors: Visitors) -> None:
    """Wire the tab's events."""
    handle = handler(visitors)

    @handle
    def paint(visitor: Session, event: gr.EventData) -> Any:
        label, grid = _painted(visitor.work.history.grid, event._data)
        return _after(visitor, visitor.work.do(label, grid))

    @handle
    def set_codes(
        visitor: Session,
        level: int | None,
        row: int | None,
        last_row: int | None,
        column: int | None,
        last_column: int | None,
        code: int | None,
    ) -> Any:
        if None in (level, row, last_row, column, last_column, code):
            raise GridError("Please fill in all six numbers.")
        rows, columns = slice(row, last_row + 1), slice(column, last_column + 1)  # type: ignore[operator]
        grid = edits.set_codes(visitor.work.history.grid, level=level, rows=rows, columns=columns, code=code)  # type: ignore[arg-type]
        return _after(visitor, visitor.work.do(_label(grid, level, rows, columns, code), grid))  # type: ignore[arg-type]

    @handle
    def undo(visitor: Session) -> Any:
        return _after(visitor, visitor.work.undo())

    @handle
    def redo(visitor: Session) -> Any:
        return _after(visitor, visitor.work.redo())

    @handle
    def reset(visitor: Session) -> Any:
        work = visitor.work
        return _after(visitor, work.do("Back to the original", work.history.original))

    @handle
    def audition(visitor: Session, event: gr.EventData) -> Any:
        level, code = _numbers(event._data, "level", "code")
        return _heard(visitor, visitor.codec.audition(level, code))

    @handle
    def export(visitor: Session) -> Any:
        work, folder = visitor.work, Path(tempfile.mkdtemp())
        stem = f"{Path(work.clip.name).stem}-edited"
        write_wav(folder / f"{stem}.wav", work.edited)
        for suffix in ("npz", "json"):
            work.history.grid.save(folder / f"{stem}.{suffix}")
        return [str(folder / f"{stem}.{suffix}") for suffix in ("wav", "npz", "json")]

    @handle
    def open_grid(visitor: Session, path: str | None) -> Any:
        if not path:
            raise GridError("There is no grid there: choose an .npz or .json file.")
        grid = CodeGrid.load(path)
        waveform = visitor.codec.decode(grid)
        visitor.turn_to(Work(visitor.codec, Clip(Path(path).name, waveform), grid, waveform))
        return *explore.show(visitor.work), *show(visitor)

    quick: dict[str, Any] = {"show_progress": "hidden", "trigger_mode": "multiple", "concurrency_limit": 1}
    # The canvas puts what was painted into its event, which a client cannot send: a client has /set_codes.
    for event, function, outputs in (
        (tab.canvas.edit, paint, tab.changed),
        (tab.canvas.audition, audition, [tab.canvas]),
        (tab.canvas.undo, undo, tab.changed),
        (tab.canvas.redo, redo, tab.changed),
    ):
        name = f"canvas_{function.__name__}"
        event(function, None, outputs, api_name=name, api_visibility="private", concurrency_id="edit", **quick)
    for button, function, inputs in (
        (tab.apply, set_codes, [tab.level, *tab.rows, *tab.columns, tab.code]),
        (tab.undo, undo, None),
        (tab.redo, redo, None),
        (tab.reset, reset, None),
    ):
        button.click(function, inputs, tab.changed, api_name=function.__name__, concurrency_id="edit", **quick)
    exported = tab.export.click(export, None, tab.files, api_name="export")
    exported.success(lambda: gr.update(visible=True), None, tab.files, api_visibility="private")
    tab.load.upload(
        open_grid, tab.load, [*explore_tab.outputs, *tab.outputs], api_name="open_grid", show_progress_on=tab.history
    )


def show(visitor: Session) -> tuple[Any, ...]:
    """Everything the tab says of a clip, for :attr:`EditTab.outputs`."""
    return views.sound(visitor.work.reconstruction), *_after(visitor)


def _after(visitor: Session, heard: np.ndarray | None = None) -> tuple[Any, ...]:
    """What an edit changes, for :attr:`EditTab.changed`."""
    history = visitor.work.history
    canvas = _heard(visitor, heard) | {"value": _canvas_value(visitor.work)}
    undo, redo = gr.update(interactive=history.can_undo), gr.update(interactive=history.can_redo)
    return canvas, views.sound(visitor.work.edited), views.history_list(history.labels), undo, redo


def _heard(visitor: Session, waveform: np.ndarray | None) -> dict[str, Any]:
    """An update of the canvas that plays a sound; each is numbered, so that the same sound is played again."""
    visitor.sequence += 1
    return gr.update(sound=sound_value(waveform, visitor.sequence))


def _canvas_value(work: Work) -> dict[str, Any]:
    return grid_value(work.history.grid, work.history.original, work.colours)


def _numbers(message: Any, *names: str | int) -> list[int]:
    try:
        return [int(message[name]) for name in names]
    except (KeyError, TypeError, ValueError) as error:
        raise GridError("That could not be read; please reload the page.") from error


def _painted(grid: CodeGrid, stroke: dict[str, Any]) -> tuple[str, CodeGrid]:
    """The grid after a stroke {level, code, cells: [[row, column]]}, and the stroke in words."""
    level, code = _numbers(stroke, "level", "code")
    cells = [_numbers(cell, 0, 1) for cell in stroke.get("cells", ())]
    if not cells:
        raise GridError("That stroke has no cells.")
    for row, column in cells:
        grid = edits.set_codes(grid, level=level, rows=row, columns=column, code=code)
    rows, columns = zip(*cells, strict=True)
    span = slice(min(rows), max(rows) + 1), slice(min(columns), max(columns) + 1)
    return _label(grid, level, *span, code), grid


def _label(grid: CodeGrid, level: int, rows: slice, columns: slice, code: int) -> str:
    def span(name: str, part: slice) -> str:
        return f"{name} {part.start}" if part.stop - part.start == 1 else f"{name}s {part.start} to {part.stop - 1}"

    return f"{level_names(grid.levels)[level]}: code {code} in {span('row', rows)}, {span('column', columns)}"
