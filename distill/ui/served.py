"""Server functions that the scripts of the page's components call."""

from functools import partial
from typing import Any

from distill.editing import calls, requests
from distill.editing.work import Work
from distill.server.askers import Asker
from distill.server.server import Server
from distill.ui.components import codec_pictures


def edit(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """Carry out a request to a clip's grid; see :func:`distill.editing.calls.perform`."""
    find = partial(server.visitors.own_work, asker.visitor)
    return calls.perform(find(requests.field(request, "work")), request, find, server.settings)


def edited_sound(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """A piece of a clip's sound, after or before the edits."""
    return calls.edited_sound(_work(server, asker, request), request, server.turns.pause)


def layer_sound(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """A piece of a clip's sound decoded from its first levels."""
    return calls.layer_sound(_work(server, asker, request), request, server.turns.pause)


def audition(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """The sound of a single code."""
    return calls.audition(_work(server, asker, request), request)


def pictures(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """The pictures and the colours of the codes of a clip's codec."""
    atlas = _work(server, asker, request).codec.draw_atlas(server.turns.pause)
    return codec_pictures(atlas, server.turns.pause)


def _work(server: Server, asker: Asker, request: Any) -> Work:
    return server.visitors.work(asker.visitor, requests.field(request, "work"))
