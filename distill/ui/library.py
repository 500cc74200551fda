"""The visitor's library on the page: codecs that stay on the server after the visit, for whoever has the link."""

from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr

from distill.errors import DistillError, LibraryError
from distill.library import Kept
from distill.server.library import LibraryDoor
from distill.server.server import Server
from distill.ui.components import Shelf, calling
from distill.ui.handlers import Answer, Call, handler

NONE_KEPT = (
    "This server keeps no codecs: they last as long as your visit, so download yours with “Save codec”, and open it "
    "again with “Open codec”."
)
HEARD = (
    "Whoever opens a codec has the codes of up to three minutes of its clips, unless it was trained without, but never "
    "their names."
)


@dataclass(frozen=True)
class LibraryPart:
    """The components of the library, between the header and the strip."""

    shelf: Shelf
    key: gr.Textbox
    """Hidden text box with the key of the library that the page shows."""
    id: gr.Textbox
    """Hidden text box for the id of a kept codec."""
    name: gr.Textbox
    """Hidden text box for the name of a codec."""


def build(server: Server) -> LibraryPart | None:
    """Lay out the library, which the button "Library" of the header shows and hides; None if the server keeps no
    codecs."""
    if server.library is None:
        return None
    shelf = Shelf(_value(server.library, "", []), elem_id="library")
    key, id, name = (gr.Textbox("", visible="hidden", label=label) for label in ("Key", "Kept codec", "Its name"))
    return LibraryPart(shelf, key, id, name)


def connect(part: LibraryPart, server: Server, shown: gr.Textbox) -> list[Any]:
    """Wire what is done with the library, but for the opening of a codec; return the events that send the secret of a
    clip."""
    handle, shelf = handler(server, part), part.shelf
    told: dict[str, Any] = {"show_progress_on": shelf}
    shelf.look(handle(look), part.key, shelf, api_visibility="private", js=calling("library", "looking"), **told)
    kept = shelf.keep(
        handle(keep), [part.key, part.name, shown], shelf, api_name="keep_codec",
        js=calling("library", "keeping"), **told,
    )  # fmt: skip
    shelf.rename_kept(
        handle(rename), [part.key, part.id, part.name], shelf, api_name="rename_kept",
        js=calling("library", "renaming"), **told,
    )  # fmt: skip
    shelf.delete_kept(
        handle(delete), [part.key, part.id], shelf, api_name="delete_kept", js=calling("library", "deleting"), **told
    )
    return [kept]


def connect_opening(part: LibraryPart | None, server: Server, begun: Any) -> None:
    """Show the library that a link names or the browser remembers, once the page has its own clip: after the event
    ``begun``."""
    if part is None:
        return
    begun.then(None, None, part.key, js=calling("library", "asked"), api_visibility="private")
    part.key.change(handler(server, part)(look), part.key, part.shelf, api_name="library", show_progress="hidden")


def look(call: Call[LibraryPart], key: str | None) -> Answer:
    """List the codecs in a library by its key, which is the end of its link: of each its id, name, number of levels and
    of training clips, bytes, and when it was kept and will be deleted unless it is opened, in seconds since 1970."""
    return _listed(call, key or "")


def keep(call: Call[LibraryPart], key: str | None, name: str | None, shown: str | None = None) -> Answer:
    """Keep the codec in use under a name in a library, by its key, 43 letters and digits; without a key in a new one,
    whose key is in the answer. Whoever has the key can open, and delete, what is in the library."""
    door, codec = door_of(call.server), call.work(shown).codec
    key, kept = door.keep(call.page, key or "", codec, name or "")
    try:
        others = [each for each in door.kept(call.page, key) if each.id != kept.id]
    except DistillError:  # it is kept all the same, and its key must reach whoever keeps it
        others = []
    return {call.tab.shelf: _value(door, key, [kept, *others])}


def rename(call: Call[LibraryPart], key: str | None, id: str | None, name: str | None) -> Answer:
    """Give a codec in a library another name."""
    door_of(call.server).rename(call.page, key or "", id or "", name or "")
    return _listed(call, key or "")


def delete(call: Call[LibraryPart], key: str | None, id: str | None) -> Answer:
    """Delete a codec from a library."""
    door_of(call.server).delete(call.page, key or "", id or "")
    return _listed(call, key or "")


def _listed(call: Call[LibraryPart], key: str) -> Answer:
    door = door_of(call.server)
    return {call.tab.shelf: _value(door, key, door.kept(call.page, key))}


def door_of(server: Server) -> LibraryDoor:
    """The way to the libraries.

    Raises
    ------
    LibraryError
        If the server keeps no codecs.
    """
    if server.library is None:
        raise LibraryError(NONE_KEPT)
    return server.library


def _value(door: LibraryDoor, key: str, kept: list[Kept]) -> dict[str, Any]:
    """The value of the shelf."""
    codecs = [
        {"id": each.id, **asdict(each.label), "num_bytes": each.num_bytes, "until": round(each.until)} for each in kept
    ]
    return {"key": key, "codecs": codecs, "limits": f"{door.words()} {HEARD}", "empty": door.empty_words()}


def toggle_button(server: Server) -> None:
    """Lay out the header's button that shows and hides the library."""
    if server.library is not None:
        button = gr.Button("Library", size="sm", elem_id="to-library", min_width=0)
        button.click(None, js=calling("library", "toggle"), api_visibility="private")
