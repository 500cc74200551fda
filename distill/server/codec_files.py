"""Serves codecs to the pages that make their own sound: to each visitor only the codecs of that visitor's clips."""

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

import brotli
from starlette.datastructures import Headers, MutableHeaders

from distill.codec import Codec
from distill.codec.page_file import page_file
from distill.errors import ConfigError, FullError, GateError, GoneError
from distill.server.asgi import Scope, Send
from distill.server.askers import Asker
from distill.server.rates import Places

if TYPE_CHECKING:
    from distill.server.server import Server

AT_ONCE, ADDRESS_AT_ONCE = 4, 64
"""Maximum number of codecs that are sent at the same time, to one visitor and to one address."""
CHUNK_BYTES = 64 * 1024
"""Bytes that are handed on at a time. A slow receiver takes no more memory than that."""
QUALITY = 5
_File: TypeAlias = tuple[Codec, bool]  # a codec, and whether its encoder is in the file
FOR_ALL, FOR_ONE = "public, max-age=31536000, immutable", "private, no-store"
"""Cache-Control of the example's codec, and of a visitor's own. No browser stores a visitor's own codec: it would
still have it after the visitor has left."""


class CodecFiles:
    """The files of codecs, as :func:`distill.codec.page_file.page_file` writes them.

    The example's codec goes to everybody; its file is kept. A visitor's own codec goes to that visitor alone. Its file
    is made for each download, because an open page keeps what it loaded; downloads at the same time share it.

    Parameters
    ----------
    backend : Server
        The visitors, their codecs and their turns.
    """

    def __init__(self, backend: "Server") -> None:
        self._backend = backend
        self._example: dict[bool, dict[str, bytes]] = {}
        self._sent: dict[_File, bytes] = {}
        self._receivers: Counter[_File] = Counter()
        self._places = Places(
            AT_ONCE, ADDRESS_AT_ONCE, "Your other codecs are still being sent; please try again in some seconds."
        )

    async def answer(self, scope: Scope, send: Send, asker: Asker, sound_id: str, *, encoder: bool = False) -> None:
        """Send the file of a codec.

        Parameters
        ----------
        scope : dict
            The request, of the method GET or HEAD.
        send : callable
        asker : Asker
        sound_id : str
            The :attr:`distill.codec.Codec.sound_id` of the codec.
        encoder : bool
            Whether the page will encode sounds.

        Raises
        ------
        GateError
            With status 404 if there is no such codec, or it is another visitor's; with 429 if this visitor or this
            address is sent too many already; with 503 if the server has too much to do.
        """
        with self._places.one(asker):
            try:
                codec = self._backend.visitors.codec(asker.owner, sound_id)
                if codec is self._backend.examples.codec:
                    await self._send_example(scope, send, asker, (codec, encoder))
                else:
                    await self._send_own(scope, send, asker, (codec, encoder))
            except (GoneError, ConfigError) as error:
                raise GateError(str(error), 404) from None
            except FullError as error:
                raise GateError(str(error), 503) from None

    async def _send_example(self, scope: Scope, send: Send, asker: Asker, file: "_File") -> None:
        codec, encoder = file
        if encoder not in self._example:
            made = await self._backend.turns.take(
                asker, lambda: _packed(page_file(codec, encoder=encoder)), is_brief=True
            )
            self._example.setdefault(encoder, made)
        encoding = "br" if "br" in Headers(scope=scope).get("accept-encoding", "") else ""
        await _send(scope, send, self._example[encoder][encoding], FOR_ALL, encoding)

    async def _send_own(self, scope: Scope, send: Send, asker: Asker, file: "_File") -> None:
        codec, encoder = file
        self._receivers[file] += 1
        try:
            if file not in self._sent:
                made = await self._backend.turns.take(asker, lambda: page_file(codec, encoder=encoder), is_brief=True)
                self._sent.setdefault(file, made)
            await _send(scope, send, self._sent[file], FOR_ONE)
        finally:
            self._receivers[file] -= 1
            if not self._receivers[file]:
                del self._receivers[file]
                self._sent.pop(file, None)


def _packed(content: bytes) -> dict[str, bytes]:
    return {"": content, "br": brotli.compress(content, quality=QUALITY)}


async def _send(scope: Scope, send: Send, content: bytes, cache_control: str, encoding: str = "") -> None:
    headers = MutableHeaders()
    headers["content-type"], headers["content-length"] = "application/octet-stream", str(len(content))
    headers["cache-control"], headers["vary"] = cache_control, "Accept-Encoding"
    if encoding:
        headers["content-encoding"] = encoding
    await send({"type": "http.response.start", "status": 200, "headers": headers.raw})
    body = b"" if scope["method"] == "HEAD" else content
    for start in range(0, len(body), CHUNK_BYTES):
        await send({"type": "http.response.body", "body": body[start : start + CHUNK_BYTES], "more_body": True})
    await send({"type": "http.response.body", "body": b""})
