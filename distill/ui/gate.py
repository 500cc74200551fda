"""The gate before the page: who a request comes from, which files are theirs, and how much they may send."""

import json
import logging
import os
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import JSONResponse, PlainTextResponse, Response

from distill.errors import FullError, GateError
from distill.settings import MIB, Settings
from distill.ui.handlers import sentence
from distill.ui.session import COOKIE, owner_of
from distill.ui.storage import ANYONE, Storage, new_anyone

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE_SECONDS = 30 * 24 * 3600
HEALTH = "/health"
FILE = re.compile(r"^(?:/gradio_api)?/file[=/](?P<path>.*)$", re.DOTALL)
UPLOAD = re.compile(r"^(?:/gradio_api)?/upload/?$")
HEARTBEAT = re.compile(r"^(?:/gradio_api)?/heartbeat/(?P<session>[^/]*)/?$")
CLOSED = re.compile(r"^(?:/gradio_api)?/(?:deep_link|proxy=.*|monitoring.*)$", re.DOTALL)  # Gradio's, not ours
logger = logging.getLogger(__name__)


class Gate:
    """ASGI middleware before Gradio, which knows no visitors: to it, whoever knows a path may have the file.

    Every visitor gets a cookie. An upload is moved to its visitor's folder; files are served to the visitor in whose
    folder they are, and only such paths, and only a visitor's own sessions, may stand in what is sent.

    Parameters
    ----------
    app : callable
        What lies behind the gate.
    storage : Storage
    settings : Settings
    is_anothers : callable
        Whether a page's session, of that name, is of another visitor than that owner.
    health : callable
        What ``/health`` answers, a dict with ``status``, "ok" or what is wrong.
    """

    def __init__(
        self,
        app: App,
        storage: Storage,
        settings: Settings,
        is_anothers: Callable[[str, str], bool],
        health: Callable[[], dict[str, Any]],
    ) -> None:
        self._app, self._storage, self._settings = app, storage, settings
        self._is_anothers, self._health = is_anothers, health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        owner = owner_of(headers.get("cookie", ""))
        try:
            if path == HEALTH:
                health = self._health()
                await JSONResponse(health, 200 if health["status"] == "ok" else 503)(scope, receive, send)
            elif UPLOAD.match(path) and scope["method"] == "POST":
                await self._upload(scope, receive, send, owner)
            else:
                self._check_address(scope, owner)
                if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
                    receive = await self._checked(receive, owner)
                if path in ("/", "/config") and not owner:
                    send = _with_cookie(send, secure=_is_secure(scope, headers))
                await self._app(scope, receive, send)
        except GateError as error:
            await _refusal(str(error), error.status, path)(scope, receive, send)

    def _check_address(self, scope: Scope, owner: str) -> None:
        """Raise unless this address is the visitor's to ask for."""
        path = scope["path"]
        if CLOSED.match(path):
            raise GateError("There is nothing here.", 404)
        file = FILE.match(path)
        if file and not self._may_have(file["path"], owner):
            raise GateError("This file is not there, or not yours; please make it again.", 404)
        heartbeat = HEARTBEAT.match(path)
        query = QueryParams(scope.get("query_string", b"")).get("session_hash")
        for session in filter(None, (heartbeat and heartbeat["session"], query)):
            self._check_session(session, owner)

    def _check_session(self, session: str, owner: str) -> None:
        if self._is_anothers(session, owner):
            raise GateError("This page is another visitor's; please reload it.", 403)

    def _may_have(self, path: str, owner: str) -> bool:
        try:
            parts = Path(os.path.realpath(path)).relative_to(self._storage.files).parts
        except ValueError:
            return False
        return len(parts) > 1 and (parts[0] in {owner, *self._storage.public} or parts[0].startswith(ANYONE))

    async def _checked(self, receive: Receive, owner: str) -> Receive:
        """The request's body, read, looked through, and given on."""
        body = await _read(receive, self._settings.message_bytes)
        try:
            sent = json.loads(body) if body else None
        except ValueError:
            sent = None  # Gradio's to refuse
        except RecursionError:
            raise GateError("This request is nested too deeply.", 400) from None
        if isinstance(sent, dict) and isinstance(sent.get("session_hash"), str):
            self._check_session(sent["session_hash"], owner)
        for path in _paths(sent):
            if not self._may_have(path, owner):
                raise GateError("This file is not among your uploads; please drop it again.", 403)
        return _replay(body, receive)

    async def _upload(self, scope: Scope, receive: Receive, send: Send, owner: str) -> None:
        """Let Gradio take an upload in, and move it to where only its visitor can reach it."""
        most = self._settings.upload_bytes
        announced = Headers(scope=scope).get("content-length", "")
        expected = int(announced) if announced.isdecimal() and len(announced) < 16 else most
        if announced and expected > most + MIB:
            raise GateError(f"Together these files are larger than {most // MIB} MB; please drop fewer at once.", 413)
        try:
            self._storage.require_room(owner, expected)
        except FullError as error:
            raise GateError(str(error), 507) from None
        answered: list[Message] = []

        async def keep(message: Message) -> None:
            answered.append(message)

        try:
            await self._app(scope, _bounded(receive, most + MIB), keep)
        except GateError:
            raise
        except Exception as error:
            raise GateError(sentence(error), 507 if isinstance(error, OSError) else 500) from None
        status = answered[0]["status"]
        text = b"".join(message.get("body", b"") for message in answered[1:])
        if status != 200:
            most_mb = self._settings.upload_file_bytes // MIB
            told = f"One of these files is larger than {most_mb} MB; please cut it, or export it as FLAC."
            raise GateError(told if status == 413 else "This upload could not be read; please try again.", status)
        paths = json.loads(text)
        if len(paths) > self._settings.upload_files:
            most_files = self._settings.upload_files
            raise GateError(f"These are {len(paths)} files; please drop at most {most_files} at once, or a zip.", 413)
        moved = self._move(paths, owner or new_anyone())
        logger.info("upload", extra={"files": len(moved)})
        await JSONResponse(moved)(scope, receive, send)

    def _move(self, paths: list[str], owner: str) -> list[str]:
        """Each file under its own name in a folder of its visitor. Gradio's copy stays for a minute: it lies where its
        content says, and another visitor may be sending the same file at this moment."""
        folder, moved = self._storage.new_folder(owner), []
        for number, path in enumerate(map(Path, paths)):
            target = folder / str(number) / path.name
            target.parent.mkdir()
            os.link(path, target)
            moved.append(str(target))
        return moved


def _paths(sent: Any) -> Iterator[str]:
    """Of every file that a request names."""
    parts = [sent]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            if isinstance(part.get("path"), str):
                yield part["path"]
            parts += part.values()
        elif isinstance(part, list):
            parts += part


async def _read(receive: Receive, most: int) -> bytes:
    body, receive = bytearray(), _bounded(receive, most)
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            return bytes(body)


def _bounded(receive: Receive, most: int) -> Receive:
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise GateError(f"This is more than the {most // MIB} MB that can be sent at once.", 413)
        return message

    return bounded


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()  # until the other side hangs up
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _with_cookie(send: Send, *, secure: bool) -> Send:
    # On Hugging Face the page stands in another site's frame: there a cookie must say that it may be sent.
    where = "; SameSite=None; Secure; Partitioned" if secure else "; SameSite=Lax"
    value = f"{COOKIE}={secrets.token_urlsafe(32)}; Path=/; HttpOnly; Max-Age={COOKIE_SECONDS}{where}"

    async def with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("set-cookie", value)
        await send(message)

    return with_cookie


def _is_secure(scope: Scope, headers: Headers) -> bool:
    return headers.get("x-forwarded-proto", scope.get("scheme", "http")).split(",")[0].strip() == "https"


def _refusal(words: str, status: int, path: str) -> Response:
    return PlainTextResponse(words, status) if UPLOAD.match(path) else JSONResponse({"detail": words}, status)
