"""A cache of the answers that are the same for every visitor: the page, and its parts."""

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import anyio
import brotli
from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders

from distill.server.asgi import App, Message, Scope, Send
from distill.server.bodies import replay
from distill.server.headers import content_security_policy, script_hashes

ROOT_HEADERS = (b"host", b"x-forwarded-host", b"x-forwarded-proto")
"""Request headers from which Gradio derives the address of the page; the address is part of the cached answers."""
BROTLI_QUALITY = 5


@dataclass(frozen=True, eq=False)
class Made:
    """A complete answer with its body in each encoding."""

    status: int
    headers: list[tuple[bytes, bytes]]
    bodies: dict[str, bytes]

    async def send(self, scope: Scope, send: Send) -> None:
        accepted = Headers(scope=scope).get("accept-encoding", "")
        encoding = next((name for name in ("br", "gzip") if name in accepted), "")
        body = self.bodies[encoding]
        headers = MutableHeaders(raw=list(self.headers))
        headers["content-length"] = str(len(body))
        headers["vary"] = "Accept-Encoding"
        if encoding:
            headers["content-encoding"] = encoding
        await send({"type": "http.response.start", "status": self.status, "headers": headers.raw})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


class Answers:
    """A cache of an app's answers to requests that are independent of the visitor.

    Parameters
    ----------
    app : callable
        The ASGI app that makes the answers.
    kept : int
        Maximum number of answers in the cache.
    cache_control : str
        Value of the header ``cache-control``.
    """

    def __init__(self, app: App, kept: int, cache_control: str = "no-cache") -> None:
        self._app, self._kept, self._cache_control = app, kept, cache_control
        self._made: OrderedDict[object, Made] = OrderedDict()
        self._making = asyncio.Lock()

    async def answer(self, scope: Scope, send: Send, *, before_making: Callable[[], object] = lambda: None) -> None:
        """Send the answer to a GET or HEAD request; the answer is made if the cache does not have it.

        Parameters
        ----------
        before_making : callable
            Called before an answer is made, which takes some hundredths of a second; it may raise.
        """
        headers = [(name, value) for name, value in scope["headers"] if name in ROOT_HEADERS]
        key = (scope["path"], scope.get("root_path"), scope.get("scheme"), scope.get("server"), tuple(headers))
        made = self._made.get(key)
        if made is None:
            async with self._making:  # requests that wait here get the answer of the first one
                made = self._made.get(key)
                if made is None:
                    before_making()
                    made = await self._make({**scope, "headers": headers, "query_string": b""})
                    self._keep(key, made)
        if key in self._made:
            self._made.move_to_end(key)
        await made.send(scope, send)

    def _keep(self, key: object, made: Made) -> None:
        """Put a successful answer into the cache; drop the least recently used answers above the limit."""
        if made.status == 200:
            self._made[key] = made
        while len(self._made) > self._kept:
            self._made.popitem(last=False)

    async def _make(self, scope: Scope) -> Made:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app({**scope, "method": "GET"}, replay(b"", _never), keep)
        body = b"".join(message.get("body", b"") for message in messages[1:])
        headers = MutableHeaders(raw=list(messages[0]["headers"]))
        if headers.get("content-type", "").startswith("text/html"):
            headers["content-security-policy"] = content_security_policy(script_hashes(body))
        headers["cache-control"] = self._cache_control if messages[0]["status"] == 200 else "no-store"
        bodies = await to_thread.run_sync(_encoded, body)
        return Made(messages[0]["status"], headers.raw, bodies)


def _encoded(body: bytes) -> dict[str, bytes]:
    return {"": body, "br": brotli.compress(body, quality=BROTLI_QUALITY), "gzip": gzip.compress(body, 6)}


async def _never() -> Message:
    """A receive function of ASGI for a client that never disconnects."""
    await anyio.sleep_forever()
    raise AssertionError("for ever is over")
