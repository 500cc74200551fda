"""Bodies of requests: read up to a limit, and checked before any code behind the gate uses them."""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

from anyio import fail_after
from starlette.datastructures import Headers

from distill.errors import GateError
from distill.server.asgi import Message, Receive
from distill.settings import MIB

PAUSE_SECONDS = 60
"""Maximum seconds between two parts of a body."""
MOST_BRACKETS = 10_000
"""Maximum number of lists and objects in one request. An edit may name 4096 cells, each a list, and Gradio visits every
one of them."""
GRACE_SECONDS = 15
"""Seconds before the minimum rate of a body is enforced: a phone that wakes up is slow at first."""


class Flow:
    """An ASGI ``receive`` that enforces a maximum size and a minimum rate of the body.

    Parameters
    ----------
    receive : callable
        The request's own ``receive``.
    most : int
        Maximum bytes of the body.
    least_rate : float
        Minimum bytes per second, averaged over the body's whole time less ``GRACE_SECONDS``.
    clock : callable
        Gives the time in seconds, from a monotonic clock.

    Attributes
    ----------
    received : int
        Bytes received so far.
    """

    def __init__(self, receive: Receive, most: int, least_rate: float, clock: Any) -> None:
        self._receive, self._most, self._least_rate, self._clock = receive, most, least_rate, clock
        self._began = clock()
        self.received = 0

    async def __call__(self) -> Message:
        """Receive the next message.

        Raises
        ------
        GateError
            If nothing arrives for a minute, the body arrives too slowly, or it is larger than the maximum.
        """
        try:
            with fail_after(PAUSE_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise GateError(f"Nothing more came for {PAUSE_SECONDS} seconds; please send it again.", 408) from None
        self.received += len(message.get("body", b""))
        if self.received > self._most:
            raise GateError(f"This is more than the {self._most / MIB:.3g} MB that can be sent at once.", 413)
        seconds = self._clock() - self._began
        if message.get("more_body") and self.received < (seconds - GRACE_SECONDS) * self._least_rate:
            raise GateError("This came too slowly; please send it again over a faster connection.", 408)
        return message


async def read(receive: Receive) -> bytes:
    """Receive a whole body, as bytes."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            return bytes(body)


def announced_bytes(headers: Headers) -> int | None:
    """The ``Content-Length`` of a request in bytes; None if it is missing or is no number of at most 15 digits."""
    announced = headers.get("content-length", "")
    return int(announced) if announced.isdecimal() and len(announced) < 16 else None


def require_json(headers: Headers) -> None:
    """Require that the ``Content-Type`` of a request is JSON.

    A page of another site can make a browser send some other types, such as forms, without a CORS preflight request.

    Raises
    ------
    GateError
        With status 415, if it is another type, or missing.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise GateError("This call must be sent as application/json.", 415)


def parse(body: bytes) -> Any:
    """Parse a body as JSON.

    Raises
    ------
    GateError
        If the body is not JSON, is nested too deeply, has too many lists and objects, or has a number that is not
        finite.
    """
    if body.count(b"[") + body.count(b"{") > MOST_BRACKETS:
        raise GateError("This request has too many parts.", 400)
    try:
        return json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise GateError("This request is not JSON, is nested too deeply, or has a number that is none.", 400) from None


def replay(body: bytes, receive: Receive) -> Receive:
    """Make a ``receive`` that gives a body which was read already, and then goes on with ``receive``."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()  # returns when the client disconnects
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def paths_in(sent: Any) -> Iterator[str]:
    """Yield the path of every file that a request names: the text at the key ``path`` of any object in its JSON."""
    parts = [sent]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            if isinstance(part.get("path"), str):
                yield part["path"]
            parts += part.values()
        elif isinstance(part, list):
            parts += part


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(digits)
    return value
