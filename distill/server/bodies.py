"""What a request brings: read up to a bound, and looked through before anything behind the gate works with it."""

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
MOST_BRACKETS = 10_000
"""Lists and objects in one request: an edit may name 4096 cells in brackets of their own, and Gradio looks at each."""
GRACE_SECONDS = 15
"""So long a body may come as slowly as it likes: a phone may be waking up."""


class Flow:
    """The body of a request, as it comes, up to a bound of bytes and not slower than a least rate.

    Parameters
    ----------
    receive : callable
        Of the request.
    most : int
        Bytes.
    least_rate : float
        Bytes in a second, on average, after some seconds.
    clock : callable
        Seconds that only ever grow.
    """

    def __init__(self, receive: Receive, most: int, least_rate: float, clock: Any) -> None:
        self._receive, self._most, self._least_rate, self._clock = receive, most, least_rate, clock
        self._began = clock()
        self.received = 0

    async def __call__(self) -> Message:
        """The next message.

        Raises
        ------
        GateError
            If nothing comes for a minute, it comes too slowly, or there is more than the bound.
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
    """All of a body."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            return bytes(body)


def announced_bytes(headers: Headers) -> int | None:
    """What a request says of its length; None if it does not."""
    announced = headers.get("content-length", "")
    return int(announced) if announced.isdecimal() and len(announced) < 16 else None


def require_json(headers: Headers) -> None:
    """Raise a GateError unless a request says that it brings JSON.

    A page of another site can make a browser send any other kind without being asked for leave first.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise GateError("This call must be sent as application/json.", 415)


def parse(body: bytes) -> Any:
    """The JSON of a body.

    Raises
    ------
    GateError
        If it is none, is nested too deeply, has too many parts, or a number in it is not finite.
    """
    if body.count(b"[") + body.count(b"{") > MOST_BRACKETS:
        raise GateError("This request has too many parts.", 400)
    try:
        return json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise GateError("This request is not JSON, is nested too deeply, or has a number that is none.", 400) from None


def replay(body: bytes, receive: Receive) -> Receive:
    """A body that was read, to be read once more."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()  # until the other side hangs up
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def paths_in(sent: Any) -> Iterator[str]:
    """The path of every file that a request names."""
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
