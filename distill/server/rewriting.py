"""Requests as they go on to Gradio: with what was found out of them, and without what it cannot cope with."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

from distill.server.asgi import Receive, Scope
from distill.server.askers import Asker
from distill.server.bodies import replay

RANGES = re.compile(rb"bytes=\s*(?:\d+-\d*|-\d+)(?:\s*,\s*(?:\d+-\d*|-\d+))*\s*")


def named(scope: Scope, asker: Asker) -> Scope:
    """A request that tells those behind the gate who asks."""
    return {**scope, "state": {**scope.get("state", {}), "asker": asker}}


def plain(scope: Scope) -> Scope:
    """A request that wants its answer as it is: to pack it would hold up all others."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    return {**scope, "headers": headers}


def with_ranges_of_bytes(scope: Scope) -> Scope:
    """A request for a file, without a range that is to be passed over: of no bytes (RFC 9110, 14.2), or none at all."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"range" or RANGES.fullmatch(value.lower())]
    return {**scope, "headers": headers}


def again(sent: Any, receive: Receive) -> Receive:
    """What was looked through, in the place of what came."""
    return replay(json.dumps(sent).encode(), receive)


def bind(scope: Scope, name: str, asker: Asker) -> None:
    """Make a name in the query one that only this asker can use."""
    query = [
        (key, f"{asker.name} {value}" if key == name else value)
        for key, value in parse_qsl(scope.get("query_string", b"").decode("latin-1"))
    ]
    scope["query_string"] = urlencode(query).encode()
