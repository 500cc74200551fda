"""Links to an edit: the Edit tab makes one, and a page that is opened by one shows the edit."""

from typing import Any

import gradio as gr

from distill.audio.names import file_stem
from distill.codec import Codec
from distill.codes import CodeGrid
from distill.codes.links import MOST_CHARACTERS, Link, from_edit, to_edit
from distill.editing.work import Work
from distill.errors import GridError
from distill.server.server import Server
from distill.server.visit import Visit
from distill.server.visitors import FIRST_CLIP
from distill.ui.components import calling
from distill.ui.edit import EditTab
from distill.ui.handlers import Answer, Call, handler
from distill.ui.strip import strip_of
from distill.ui.tabs import Tabs, fill_with_codec

LABEL = "Edit of a link"
"""The edit of a link in the history."""
OWN_CODEC = (
    "Others do not have the codec of this clip, so a link cannot open it: publish the codec on the Hugging Face Hub "
    "and open it from there, or send the codec and the grid as files."
)
TOO_LONG = (
    "<p>This edit is too long for a link ({length} characters; a link can have {most}). Send its grid instead: the "
    "file below opens with “Open a grid”.</p>"
)


def connect(tab: EditTab, server: Server) -> Any:
    """Wire the button; return the event that sends the secret of the clip."""
    part = tab.link
    made = part.copy.click(
        handler(server, tab)(copy_link), tab.shown, [part.link, part.told, tab.files], api_name="copy_link",
        js=calling("edits_waiting", "whenSettled"), show_progress_on=part.told,
    )  # fmt: skip
    made.success(
        None, [part.link, part.told], [part.link, part.told], js=calling("links", "copy"), api_visibility="private"
    )
    return made


def connect_opening(tabs: Tabs, server: Server, begun: Any) -> None:
    """Open the link by which a page was opened, once the page has its own clip: after the event ``begun``."""
    asked = tabs.edit.link.asked
    begun.then(None, None, asked, js=calling("links", "asked"), api_visibility="private")
    opened = asked.change(
        handler(server, tabs)(open_link), asked, tabs.of_the_codec, api_name="open_link",
        show_progress="hidden",
    )  # fmt: skip
    opened.success(None, None, None, js=calling("links", "opened"), api_visibility="private")


def copy_link(call: Call[EditTab], shown: str | None = None) -> Answer:
    """Make a link to the clip with its edits: the query of the page's address. It is "" if it would be too long; then
    there is the grid as a file."""
    part, work = call.tab.link, call.work(shown)
    query = f"?{link_of(call.server, work).query}"
    if len(query) <= MOST_CHARACTERS:
        return {part.link: gr.update(value=query, visible=True), part.told: "", call.tab.files: gr.skip()}
    page, grid = call.page, work.history.grid
    with call.server.storage.filling(page.owner, 4 * grid.indices.size, address=page.address) as folder:
        path = folder / f"{file_stem(work.name)}-edited.npz"
        grid.save(path)
    told = TOO_LONG.format(length=f"{len(query):,}", most=f"{MOST_CHARACTERS:,}")
    files = gr.update(value=[str(path)], visible=True)
    return {part.link: gr.update(value="", visible=False), part.told: told, call.tab.files: files}


def link_of(server: Server, work: Work) -> Link:
    """The link to a clip with its edits.

    Raises
    ------
    GridError
        If others cannot have the clip's codec.
    """
    codec = "" if work.codec.sound_id == server.examples.codec.sound_id else server.hub.name_of(work.codec)
    if not codec and work.codec.sound_id != server.examples.codec.sound_id:
        raise GridError(OWN_CODEC)
    with work.lock:
        grid, original = work.history.grid, work.history.original
    if work.example is None:  # a clip of the visitor's, which others do not have; nor do they learn its name
        return Link(codec, "", grid.to_text())
    return Link(codec, work.example, to_edit(grid, original))


def open_link(call: Call[Tabs], query: str | None) -> Answer:
    """Open the clip, the codec and the edit that a link names, which is the query of the page's address: "codec" is a
    repository on the Hugging Face Hub, "clip" an example, "edit" what /copy_link makes, or the text of a grid."""
    link = Link.read(query or "")
    if link == Link():
        return {}
    codec = _codec(call, link.codec)
    codec.draw_atlas(call.pause)
    work = _work(call, link, codec)
    work.draw(call.pause)
    with call.page.lock:
        call.page.turn_to(work)
    return fill_with_codec(call.tab, call)


def _codec(call: Call[Tabs], repository: str) -> Codec:
    """The codec of a link."""
    server = call.server
    if not repository:
        return server.examples.codec
    with server.hub.fetched(call.page, repository) as (name, path):
        server.visitors.make_room(call.page.visit)
        codec = server.codecs.load(path, settings=server.settings)
    server.hub.note(codec, name)
    return codec


def _work(call: Call[Tabs], link: Link, codec: Codec) -> Work:
    """The clip of a link with its edit; what the visitor has edited stays as it is."""
    server, visit = call.server, call.page.visit
    if link.edit and not link.clip:
        grid = CodeGrid.from_text(link.edit, settings=server.settings)
        server.visitors.make_room(visit)
        return visit.had(Work.opened(codec, "grid from a link", grid))
    if link.clip and link.clip not in server.examples.names:
        raise GridError(f"There is no example clip “{link.clip:.40}” here, which this link names.")
    work = strip_of(server, call.page, call.pause).read(link.clip or FIRST_CLIP, codec)
    grid = from_edit(link.edit, work.history.original, settings=server.settings)
    return _edited(visit, work, grid) if link.edit else work


def _edited(visit: Visit, work: Work, grid: CodeGrid) -> Work:
    """The clip with the codes of a link, as one edit that can be undone: the visitor's own work of the clip if that has
    no other edits, else a work beside it."""
    other, number = work, 1
    while other.is_edited and other.history.grid != grid:
        other = work.fresh()
        other.example = None
        other.rename(f"{work.name} from a link" + (f" ({number})" if number > 1 else ""))
        other, number = visit.works.get(other.key, other), number + 1
    other.do(LABEL, grid, heard=False)
    return other
