"""The gate before the page: who a request comes from, which files are theirs, and how much they may send."""

import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

from anyio import fail_after, to_thread
from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from distill.errors import FullError, GateError
from distill.settings import MIB, Settings
from distill.ui.handlers import sentence
from distill.ui.session import COOKIE, Visitors, owner_of
from distill.ui.storage import Storage, new_anyone

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE_SECONDS = 30 * 24 * 3600
HEALTH = "/health"
OPEN = re.compile(
    r"/|/(?:config|theme\.css|robots\.txt|manifest\.json|favicon\.ico|pwa_icon)|/(?:assets|static|svelte)/.*"
    r"|/gradio_api/(?:info/?|openapi\.json|app_id|startup-events|upload_progress|upload/?|file=.*|queue/(?:join|data|status)"
    r"|heartbeat/[^/]*|cancel|reset/?|call/.*|component_server/?)",
    re.DOTALL,
)
"""What the page and scripts need of Gradio. It offers more, to anyone: screen recordings, proxies, links to a state."""
FILE = re.compile(r"/gradio_api/file=(?P<path>.*)", re.DOTALL)
UPLOAD = re.compile(r"/gradio_api/upload/?")
HEARTBEAT = re.compile(r"/gradio_api/heartbeat/(?P<page>[^/]*)")
CALL = re.compile(r"/gradio_api/call/.*/(?P<page>[^/]*)", re.DOTALL)  # it names an event, or to Gradio a page too
MOST_BRACKETS = 60_000  # an edit may name each cell of ten minutes of a level in brackets of its own
PAUSE_SECONDS = 60
FULL_PAGE = """<!doctype html><meta http-equiv="refresh" content="30"><title>Distill</title>
<body style="font: 18px/1.5 system-ui, sans-serif; max-width: 34em; margin: 20vh auto; padding: 0 1em">
<h1>distill</h1><p>Distill has as many visitors as it can hold. This page tries again every 30 seconds.</p>"""
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
    visitors : Visitors
        Whose pages come and go.
    health : callable
        What ``/health`` answers, a dict with ``status``, "ok" or what is wrong.
    """

    def __init__(
        self,
        app: App,
        storage: Storage,
        settings: Settings,
        visitors: Visitors,
        health: Callable[[], dict[str, Any]],
    ) -> None:
        self._app, self._storage, self._settings = app, storage, settings
        self._visitors, self._health = visitors, health
        self._expected: dict[object, int] = {}  # bytes of uploads that are on their way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), get_route_path(scope)
        owner = owner_of(headers.get("cookie", ""))
        try:
            if path == HEALTH:
                health = await to_thread.run_sync(self._health)
                await JSONResponse(health, 200 if health["status"] == "ok" else 503)(scope, receive, send)
            elif UPLOAD.fullmatch(path) and scope["method"] == "POST":
                await self._upload(scope, receive, send, owner)
            elif heartbeat := HEARTBEAT.fullmatch(path):
                await self._beat(scope, receive, send, owner, heartbeat["page"])
            else:
                self._check_address(scope, path, owner)
                if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
                    receive = await self._checked(receive, owner)
                if path == "/" and not self._visitors.has_place(owner):
                    await HTMLResponse(FULL_PAGE, 503, {"Retry-After": "30"})(scope, receive, send)
                    return
                if path in ("/", "/config") and not owner:
                    send = _with_cookie(send, secure=_is_secure(scope, headers))
                await self._guarded(scope, receive, send)
        except GateError as error:
            await _refusal(str(error), error.status, path)(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask Gradio; what breaks in it is logged once, and told with the reference."""
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except (GateError, ClientDisconnect):
            raise
        except Exception as error:
            told = sentence(error)
            if not begun:
                raise GateError(told, 500) from None

    def _check_address(self, scope: Scope, path: str, owner: str) -> None:
        """Raise unless this address is the visitor's to ask for."""
        if not OPEN.fullmatch(path):
            raise GateError("There is nothing here.", 404)
        file = FILE.fullmatch(path)
        if file and not (self._storage.is_public(file["path"]) or self._storage.is_owned(file["path"], owner)):
            raise GateError("This file is not there, or not yours; please make it again.", 404)
        call = CALL.fullmatch(path)
        query = QueryParams(scope.get("query_string", b"")).get("session_hash")
        for page in filter(None, (call and call["page"], query)):
            self._check_page(page, owner)

    def _check_page(self, page: str, owner: str) -> None:
        if self._visitors.is_anothers(page, owner):
            raise GateError("This page is another visitor's; please reload it.", 403)

    async def _beat(self, scope: Scope, receive: Receive, send: Send, owner: str, page: str) -> None:
        """A page is here as long as it holds this connection."""
        self._check_page(page, owner)
        self._visitors.come(owner, page)
        try:
            await self._app(scope, receive, send)
        finally:
            self._visitors.leave(owner, page)

    async def _checked(self, receive: Receive, owner: str) -> Receive:
        """The request's body, read, looked through, and given on."""
        body = await _read(receive, self._settings.message_bytes)
        if body.count(b"[") + body.count(b"{") > MOST_BRACKETS:
            raise GateError("This request has too many parts.", 400)
        try:
            sent = json.loads(body) if body else None
        except (ValueError, RecursionError):
            raise GateError("This request is not JSON, or is nested too deeply.", 400) from None
        if isinstance(sent, dict) and isinstance(sent.get("session_hash"), str):
            self._check_page(sent["session_hash"], owner)
        for path in _paths(sent):
            if not self._storage.is_owned(path, owner):
                raise GateError("This file is not among your uploads; please drop it again.", 403)
        return _replay(body, receive)

    async def _upload(self, scope: Scope, receive: Receive, send: Send, owner: str) -> None:
        """Let Gradio take an upload in, and move it to where only its visitor can reach it."""
        most = self._settings.upload_bytes
        announced = Headers(scope=scope).get("content-length", "")
        expected = int(announced) if announced.isdecimal() and len(announced) < 16 else most
        if announced and expected > most + MIB:
            raise GateError(
                f"Together these files are larger than {most / MIB:.3g} MB; please drop fewer at once.", 413
            )
        on_its_way = object()
        self._expected[on_its_way] = expected  # before anything is awaited: two must not both take the last room
        answered: list[Message] = []

        async def keep(message: Message) -> None:
            answered.append(message)

        try:
            await to_thread.run_sync(self._storage.require_room, owner, sum(self._expected.values()), expected)
            await self._app(scope, _bounded(receive, most + MIB, pause_seconds=PAUSE_SECONDS), keep)
            status = answered[0]["status"]
            text = b"".join(message.get("body", b"") for message in answered[1:])
            if status != 200:
                most_mb = self._settings.upload_file_bytes / MIB
                told = f"One of these files is larger than {most_mb:.3g} MB; please cut it, or export it as FLAC."
                raise GateError(told if status == 413 else "This upload could not be read; please try again.", status)
            paths = json.loads(text)
            if len(paths) > self._settings.upload_files:
                most_files = self._settings.upload_files
                raise GateError(
                    f"These are {len(paths)} files; please drop at most {most_files} at once, or a zip.", 413
                )
            moved = self._storage.move_upload(paths, owner or new_anyone())
        except FullError as error:
            raise GateError(str(error), 507) from None
        except ClientDisconnect:
            return
        except (TypeError, ValueError, KeyError, HTTPException):  # a form that Gradio cannot read
            raise GateError("This upload could not be read; please try again.", 400) from None
        except OSError as error:
            raise GateError(sentence(error), 507) from None
        finally:
            del self._expected[on_its_way]
        logger.info("upload", extra={"files": len(moved)})
        await JSONResponse(moved)(scope, receive, send)


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
    body, receive = bytearray(), _bounded(receive, most, pause_seconds=PAUSE_SECONDS)
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            return bytes(body)


def _bounded(receive: Receive, most: int, *, pause_seconds: float) -> Receive:
    received = 0

    async def bounded() -> Message:
        nonlocal received
        try:
            with fail_after(pause_seconds):
                message = await receive()
        except TimeoutError:
            raise GateError(f"Nothing more came for {pause_seconds} seconds; please send it again.", 408) from None
        received += len(message.get("body", b""))
        if received > most:
            raise GateError(f"This is more than the {most / MIB:.3g} MB that can be sent at once.", 413)
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
    return PlainTextResponse(words, status) if UPLOAD.fullmatch(path) else JSONResponse({"detail": words}, status)
