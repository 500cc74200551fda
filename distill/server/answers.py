"""Answers that are the same for everybody, made once: the page itself, and what it is built from."""

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
"""By which Gradio finds out the address of the page, which stands in these answers."""
BROTLI_QUALITY = 5


@dataclass(frozen=True, eq=False)
class Made:
    """An answer, ready to be sent in any encoding."""

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
    """Keeps the latest answers of an app to requests that name no visitor.

    Parameters
    ----------
    app : callable
        What makes the answers.
    kept : int
        How many answers are kept.
    cache_control : str
        How long a browser may keep them.
    """

    def __init__(self, app: App, kept: int, cache_control: str = "no-cache") -> None:
        self._app, self._kept, self._cache_control = app, kept, cache_control
        self._made: OrderedDict[object, Made] = OrderedDict()
        self._making = asyncio.Lock()

    async def answer(self, scope: Scope, send: Send, *, before_making: Callable[[], object] = lambda: None) -> None:
        """Send the answer to a GET or HEAD request, made if it is not there yet.

        Parameters
        ----------
        before_making : callable
            Called before an answer is made, which takes some hundredths of a second; it may raise.
        """
        headers = [(name, value) for name, value in scope["headers"] if name in ROOT_HEADERS]
        key = (scope["path"], scope.get("root_path"), scope.get("scheme"), scope.get("server"), tuple(headers))
        made = self._made.get(key)
        if made is None:
            async with self._making:  # whoever comes meanwhile gets what the first one made
                made = self._made.get(key)
                if made is None:
                    before_making()
                    made = await self._make({**scope, "headers": headers, "query_string": b""})
                    self._keep(key, made)
        if key in self._made:
            self._made.move_to_end(key)
        await made.send(scope, send)

    def _keep(self, key: object, made: Made) -> None:
        """Remember an answer that is as it should be, in the place of the one that was not asked for for longest."""
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
        headers["cache-control"] = self._cache_control
        bodies = await to_thread.run_sync(_encoded, body)
        return Made(messages[0]["status"], headers.raw, bodies)


def _encoded(body: bytes) -> dict[str, bytes]:
    return {"": body, "br": brotli.compress(body, quality=BROTLI_QUALITY), "gzip": gzip.compress(body, 6)}


async def _never() -> Message:
    """What one hears who waits for the sender of no request to hang up."""
    await anyio.sleep_forever()
    raise AssertionError("for ever is over")
