"""What a musician takes along from the Edit tab: the beat of the clip, and all of it for an audio workstation."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from distill.audio.names import file_stem
from distill.editing import calls
from distill.editing.stems import write_kit
from distill.editing.timing import Timing
from distill.server.server import Server
from distill.ui.components import calling
from distill.ui.handlers import Answer, Call, handler


def build() -> gr.Button:
    """Lay out the button that makes the zip."""
    return gr.Button("Export for a DAW", size="sm", elem_id="edit-export-daw", min_width=0)


def connect(tab: Any, server: Server) -> Any:
    """Wire the button of the Edit tab and the call /beat; return the event that sends the secret of the clip."""
    handle = handler(server, tab)
    gr.api(handle(beat), api_name="beat")
    made = tab.export_daw.click(
        handle(export_daw), tab.shown, tab.files, api_name="export_daw", js=calling("edits_waiting", "whenSettled")
    )
    made.success(lambda: gr.update(visible=True), None, tab.files, api_visibility="private")
    return made


def beat(call: Call[Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Find, change or return the beat and the loop of the clip. The changes are given by name: "tempo" in beats per
    minute, "offset" in seconds, "bar" in beats, "loop" as [start, end] in seconds or []; "find" true finds it anew."""
    return calls.timed(call.page.work, changes, call.pause)


def export_daw(
    call: Call[Any],
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Write the clip with its edits as a zip for an audio workstation: its sound, its loop, one stem for each level,
    and its grid. The WAV files have the tempo, and the sound has the points of the loop."""
    work = call.work(shown)
    sound, grid = work.snapshot(lambda share: progress(share / 2, desc="Decoding"))
    if work.timing is None:
        calls.timed(work, {}, call.pause)
    page, stem = call.page, f"{file_stem(work.name)}-edited"
    size = (8 + 8 * grid.levels) * len(sound)
    with call.server.storage.filling(page.owner, size, address=page.address) as folder:
        path = folder / f"{stem}-daw.zip"
        write_kit(
            path, stem, work.codec, grid, sound, work.timing or Timing(),
            lambda share: progress((1 + share) / 2, desc="Making the stems"),
        )  # fmt: skip
    yield {call.tab.files: [str(path)]}
