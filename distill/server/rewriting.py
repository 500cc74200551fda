"""Changes to requests before Gradio sees them: the gate adds the sender, and removes headers that cause trouble."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

from distill.server.asgi import Receive, Scope
from distill.server.askers import Asker
from distill.server.bodies import replay

RANGES = re.compile(rb"bytes=\s*(?:\d+-\d*|-\d+)(?:\s*,\s*(?:\d+-\d*|-\d+))*\s*")


def named(scope: Scope, asker: Asker) -> Scope:
    """Copy a request's scope with its asker at ``scope["state"]["asker"]``, where handlers find it."""
    return {**scope, "state": {**scope.get("state", {}), "asker": asker}}


def plain(scope: Scope) -> Scope:
    """Copy a request's scope without ``Accept-Encoding``: compressing an answer would block the event loop."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    return {**scope, "headers": headers}


def with_ranges_of_bytes(scope: Scope) -> Scope:
    """Copy a request's scope without a ``Range`` header that must be ignored: another unit than bytes (RFC 9110,
    section 14.2), or invalid."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"range" or RANGES.fullmatch(value.lower())]
    return {**scope, "headers": headers}


def again(sent: Any, receive: Receive) -> Receive:
    """Make a ``receive`` that gives a checked body, as JSON, in place of the original one."""
    return replay(json.dumps(sent).encode(), receive)


def bind(scope: Scope, name: str, asker: Asker) -> None:
    """Prefix a query parameter's value with the asker's name, in place, so that no other asker can use the value.

    Parameters
    ----------
    scope : dict
        ASGI scope of the request; its query string is replaced.
    name : str
        Name of the query parameter.
    asker : Asker
        Sender of the request.
    """
    query = [
        (key, f"{asker.name} {value}" if key == name else value)
        for key, value in parse_qsl(scope.get("query_string", b"").decode("latin-1"))
    ]
    scope["query_string"] = urlencode(query).encode()
