"""The cutter of the Train tab: recordings are cut into clips before a training."""

import base64
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr

from distill.audio import SAMPLE_RATE, Piece
from distill.editing import requests
from distill.editing.answers import flac_base64
from distill.server import cutting
from distill.server.askers import Asker
from distill.server.clip_set import ClipSet
from distill.server.cutting import Cutter, Recording, read_cuts
from distill.server.server import Server
from distill.ui.components import ClipCutter
from distill.ui.handlers import Answer, Call, handler, server_function


@dataclass(frozen=True)
class CutterPart:
    """The components of the cutter."""

    cutter: ClipCutter
    cuts: gr.JSON
    """Hidden component for the pieces of the recordings; the page sends those that were made in the cutter."""


def build(server: Server) -> CutterPart:
    """Lay out the cutter; it is hidden until there are recordings."""
    served = {"cut_waveform": waveform, "cut_sound": sound, "cut_found": found}.items()
    return CutterPart(
        ClipCutter(
            _value([]), server_functions=[server_function(server, *named) for named in served], elem_id="cutter"
        ),
        gr.JSON(None, visible="hidden", label="Cuts"),
    )


def connect(part: CutterPart, server: Server, shown_clips: gr.Textbox) -> None:
    """Show the recordings of each set that the page lists; ``shown_clips`` is the hidden text box with its secret."""
    handle = handler(server, part)
    shown_clips.change(
        handle(show), shown_clips, part.cutter, api_visibility="private", show_progress="hidden",
        trigger_mode="always_last",
    )  # fmt: skip
    gr.api(handle(recordings), api_name="recordings")
    gr.api(handle(find_cuts), api_name="find_cuts")


def show(call: Call[CutterPart], shown_clips: str | None = None) -> Answer:
    """Show the recordings of the set, with their cuts."""
    return {call.tab.cutter: _value(Cutter(call.page, shown_clips).recordings)}


def recordings(call: Call[CutterPart]) -> list[dict[str, Any]]:
    """The clips to train on as they were uploaded, from one second on. Each has an id for /find_cuts and /cut_clips, a
    name, its length, and the pieces that stand in the set in its place: the first sample of each, and the one after the
    last, at 44 100 Hz."""
    return [asdict(each) for each in Cutter(call.page).recordings]


def find_cuts(call: Call[CutterPart], id: str, by: str = "onsets", fineness: float = 0.5) -> list[list[int]]:
    """The pieces of a recording, cut at its "onsets" or at "silence"; "fineness" is 0 for few pieces, and 1 for many.
    /cut_clips puts them into the set."""
    return _found(Cutter(call.page, pause=call.pause), {"id": id, "by": by, "fineness": fineness})["pieces"]


def cut(call: Call[Any], cuts: Any, shown_clips: str | None, tick: Callable[[int], object]) -> ClipSet:
    """The set that the page lists, made anew with pieces of recordings; ``cuts`` has the pieces by recordings' ids."""
    return Cutter(call.page, shown_clips, call.pause).cut(read_cuts(cuts or {}), call.server.storage, tick)


def waveform(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """The drawing of a recording."""
    asked = requests.read(cutting.WaveformAsked, request)
    drawn = _cutter(server, asker).waveform(asked.id)
    return {"extremes": base64.b64encode(drawn.tobytes()).decode(), "block": cutting.ENVELOPE_BLOCK}


def sound(server: Server, asker: Asker, request: Any) -> dict[str, str]:
    """The sound of a piece."""
    asked = requests.read(cutting.PieceHeard, request)
    return {"flac": flac_base64(_cutter(server, asker).sound(asked.id, Piece(asked.start, asked.stop)))}


def found(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """The cuts that are found in a recording."""
    return _found(_cutter(server, asker), request)


def _found(cutter: Cutter, request: Any) -> dict[str, Any]:
    asked = requests.read(cutting.CutsAsked, request)
    return {"pieces": [list(piece) for piece in cutter.find(asked.id, asked.by, asked.fineness)]}


def _cutter(server: Server, asker: Asker) -> Cutter:
    page = server.visitors.page(asker.visitor, asker.page, asker.address)
    return Cutter(page, pause=server.turns.pause)


def _value(listed: list[Recording]) -> dict[str, Any]:
    return {"recordings": [asdict(each) for each in listed], "sample_rate": SAMPLE_RATE}
