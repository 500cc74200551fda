"""What the scripts of the page's components call on the server."""

from functools import partial
from typing import Any

from distill.editing import calls, requests
from distill.editing.work import Work
from distill.server.askers import Asker
from distill.server.server import Server
from distill.ui.components import codec_pictures


def edit(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """Change a clip's codes, as :func:`distill.editing.calls.perform` does."""
    find = partial(server.visitors.own_work, asker.visitor)
    return calls.perform(find(requests.field(request, "work")), request, find, server.settings)


def edited_sound(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """Give a piece of a clip's sound, as it is or as it was before the edits."""
    return calls.edited_sound(_work(server, asker, request), request, server.turns.pause)


def layer_sound(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """Give a piece of a clip's sound with some of its levels."""
    return calls.layer_sound(_work(server, asker, request), request, server.turns.pause)


def audition(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """Give the sound of a code by itself."""
    return calls.audition(_work(server, asker, request), request)


def pictures(server: Server, asker: Asker, request: Any) -> dict[str, Any]:
    """Give the pictures and the colours of the codes of a clip's codec."""
    atlas = _work(server, asker, request).codec.draw_atlas(server.turns.pause)
    return codec_pictures(atlas, server.turns.pause)


def _work(server: Server, asker: Asker, request: Any) -> Work:
    return server.visitors.work(asker.visitor, requests.field(request, "work"))
