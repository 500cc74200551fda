"""The strip above the tabs: the visitor's clips and the examples, to hear, to open and to blend with."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import gradio as gr

from distill.audio import SAMPLE_RATE
from distill.editing import requests
from distill.editing.answers import flac_base64
from distill.errors import GoneError
from distill.server import strip
from distill.server.askers import Asker
from distill.server.server import Server
from distill.server.strip import Strip, StripClip
from distill.server.visit import Page
from distill.ui.components import ClipStrip
from distill.ui.handlers import Answer, Call, handler, server_function


@dataclass(frozen=True)
class StripBar:
    """The components of the strip."""

    strip: ClipStrip
    chosen: gr.Textbox
    """Hidden text box for the identifier of a clip; the page sends that of the clip that was chosen in the strip."""
    changes: list[Any] = field(default_factory=list)
    """Listeners of the events after which the strip is to be shown anew."""


def build(server: Server) -> StripBar:
    """Lay out the strip with the examples, which every visitor has."""
    examples = server.examples
    clips = [StripClip(name, name, examples.seconds[name], "examples") for name in examples.names]
    value = _value(clips, examples.first.example or "", "", examples.codec.sound_id, is_own=False)
    served = {"strip_pictures": pictures, "strip_sound": sound, "strip_errors": errors}.items()
    return StripBar(
        ClipStrip(value, server_functions=[server_function(server, *named) for named in served], elem_id="strip"),
        gr.Textbox("", visible="hidden", label="Clip of the strip"),
    )


def connect(bar: StripBar, server: Server, changes: list[Callable[..., Any]]) -> None:
    """Show the strip anew after each of the ``changes``, which are listeners of other components."""
    handle = handler(server, bar)
    for listen in (*bar.changes, *changes):
        listen(
            handle(show), None, bar.strip, api_visibility="private", show_progress="hidden", trigger_mode="always_last"
        )
    gr.api(handle(clips), api_name="clips")
    gr.api(handle(clip_sound), api_name="clip_sound")
    gr.api(handle(clip_errors), api_name="clip_errors")


def strip_of(server: Server, page: Page, pause: Callable[..., object] = lambda *_: None) -> Strip:
    """The strip of a page."""
    jobs = server.runner.jobs_of(page.owner)
    return Strip(page, server.examples, jobs[-1] if jobs else None, pause)


def show(call: Call[StripBar]) -> Answer:
    """Show the clips that there are now."""
    return shown_now(call, call.tab)


def shown_now(call: Call[Any], bar: StripBar) -> Answer:
    """The strip with the clips that there are now."""
    page, server = call.page, call.server
    shown, second = strip_of(server, page), page.second
    listed, before = shown.clips, page.before
    value = _value(
        listed, shown.id_of(page.work), shown.id_of(second) if second else "", page.codec.sound_id,
        is_own=page.codec is not server.examples.codec, note=note_of(listed),
        before={"sound_id": before.sound_id, "name": before.model_id[:6]} if before else None,
    )  # fmt: skip
    return {bar.strip: value}


def clips(call: Call[StripBar]) -> list[dict[str, Any]]:
    """The clips that can be opened. Each has an id, for /explore_example, /second_example, /clip_sound and
    /clip_errors; a name; its length in seconds; and its group: yours, opened or examples."""
    return [asdict(clip) for clip in strip_of(call.server, call.page).clips]


def clip_sound(call: Call[StripBar], id: str, track: str = "original") -> dict[str, str]:
    """The first twelve seconds of a clip as a FLAC file in base64. The track is "original", "codec" for its
    reconstruction by the codec in use, or "before" for that by the codec that was in use before."""
    sound_id = _before(call) if track == "before" else ""
    return _sound(call.server, call.page, {"id": id, "track": "codec" if sound_id else track, "sound_id": sound_id})


def clip_errors(call: Call[StripBar], ids: list[str], before: bool = False) -> dict[str, Any]:
    """How well the codec in use, or that before it, knows up to 32 clips: for each its mel_l1 in nepers, a word, and
    the share of the codec's codes that occur in it."""
    return _errors(call.server, call.page, {"ids": ids, "sound_id": _before(call) if before else ""})


def _before(call: Call[StripBar]) -> str:
    """The ``sound_id`` of the codec that was in use before."""
    if call.page.before is None:
        raise GoneError("No other codec was in use here before.")
    return call.page.before.sound_id


def pictures(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """The small spectrograms of some clips."""
    asked = requests.read(strip.ClipsAsked, request)
    return {"pictures": strip_of(server, _page(server, asker), server.turns.pause).pictures(asked.ids)}


def sound(server: Server, asker: Asker, request: Any) -> dict[str, str]:
    """The first seconds of a clip, or of its reconstruction."""
    return _sound(server, _page(server, asker), request)


def errors(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """How well the codec in use knows some clips."""
    return _errors(server, _page(server, asker), request)


def note_of(listed: list[StripClip]) -> str:
    """What the strip says of clips whose sound is gone; "" if all are there."""
    yours = [clip for clip in listed if clip.group == "yours"]
    gone = sum(not clip.is_kept for clip in yours)
    if not gone:
        return ""
    return (
        f"The sound of {gone} of your {len(yours)} clips is gone: it was kept while you were here, and until their "
        "training was finished. Drop the files again to open them."
    )


def _sound(server: Server, page: Page, request: Any) -> dict[str, str]:
    asked = requests.read(strip.ClipHeard, request)
    heard = strip_of(server, page, server.turns.pause).sound(
        asked.id, by_codec=asked.track == "codec", sound_id=asked.sound_id
    )
    return {"flac": flac_base64(heard)}


def _errors(server: Server, page: Page, request: Any) -> dict[str, Any]:
    asked = requests.read(strip.ClipsAsked, request)
    found = strip_of(server, page, server.turns.pause).known(asked.ids, asked.sound_id)
    return {
        "mel_l1": [known and known.mel_l1 for known in found],
        "words": [known and known.word for known in found],
        "codes": [known and known.codes for known in found],
    }


def _page(server: Server, asker: Asker) -> Page:
    return server.visitors.page(asker.visitor, asker.page, asker.address)


def _value(
    listed: list[StripClip], shown: str, second: str, sound_id: str, *, is_own: bool, note: str = "",
    before: dict[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The value of the strip; ``is_own`` unless the codec in use is the example codec."""
    return {
        "clips": [asdict(clip) for clip in listed],
        "open": shown,
        "second": second,
        "sound_id": sound_id,
        "before": before,
        "is_own": is_own,
        "note": note,
        "heard_seconds": strip.HEARD_SECONDS,
        "sample_rate": SAMPLE_RATE,
    }
