"""The gate before Gradio: it checks the sender of each request, the path that it asks for, and how much it sends."""

import json
import mimetypes
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread
from gradio.route_utils import XSS_SAFE_MIMETYPES
from starlette._utils import get_route_path
from starlette.datastructures import Headers, QueryParams
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response

from distill.errors import FullError, GateError
from distill.server.answers import Answers
from distill.server.asgi import App, Message, Receive, Scope, Send
from distill.server.askers import Asker
from distill.server.bodies import Flow, announced_bytes, parse, paths_in, read, require_json
from distill.server.calls import ODD_CALL, Calls
from distill.server.codec_files import CodecFiles
from distill.server.faults import sentence
from distill.server.headers import guarded, with_cookie
from distill.server.origins import is_foreign, is_navigation, is_secure
from distill.server.paths import (
    ANSWER,
    CALL,
    CODEC,
    DECODE,
    DESCRIBE,
    EDIT_GRID,
    ENCODE,
    FILE,
    FILES,
    HASHED,
    HEALTH,
    HEARTBEAT,
    LEAVE,
    MADE_ONCE,
    MCP,
    OWN,
    PUBLIC,
    UPLOAD,
)
from distill.server.rates import Places, Rates
from distill.server.rewriting import again, bind, named, plain, with_ranges_of_bytes
from distill.server.uploads import Uploads
from distill.settings import MIB

if TYPE_CHECKING:
    from distill.server.server import Server

COOKIE_SECONDS = 30 * 24 * 3600
"""Seconds for which a browser keeps the cookie."""
SAFE = ("GET", "HEAD")
PAGES_KEPT, FILES_KEPT = 12, 300
"""Maximum number of kept answers: of pages, three for each host name of the server, and of the page's own files."""
LONGEST_PATH = 1_024
"""Maximum characters of a file's path in a request."""
PART = b"filename="
"""Bytes that precede each file of an upload. The gate counts them, because even an empty file costs the server some
milliseconds."""
FULL_PAGE = """<!doctype html><meta http-equiv="refresh" content="30"><title>Distill</title>
<body style="font: 18px/1.5 system-ui, sans-serif; max-width: 34em; margin: 20vh auto; padding: 0 1em">
<h1>distill</h1><p>Distill has as many visitors as it can hold. This page tries again every 30 seconds.</p>"""
REFUSED_SECONDS = 1.0
"""Seconds before a refusal with status 429 is sent, which slows down a sender that repeats its request at once."""


class Gate:
    """ASGI middleware that adds visitors, their permissions and their limits to Gradio.

    Gradio itself has no visitors: anybody who knows the name of a file, a page or a call may use it. The gate gives
    every visitor a cookie, and lets each visitor use only their own files, pages and calls. It refuses requests that a
    browser sends from a page of another site, moves uploads to their visitor's folder, and limits the requests of each
    visitor and each address.

    Parameters
    ----------
    app : callable
        The ASGI application behind the gate: Gradio.
    backend : Server
        The visitors, their files and their limits.
    calls : Calls
        The calls in Gradio's queue.
    clock : callable
        Gives the time in seconds, from a monotonic clock.
    """

    def __init__(
        self, app: App, backend: "Server", calls: Calls, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app, self._backend, self._calls, self._clock = app, backend, calls, clock
        self._settings, self._storage, self._visitors = backend.settings, backend.storage, backend.visitors
        self._pages, self._rates = Answers(self._ask, PAGES_KEPT), Rates(backend.settings)
        self._requests = Places(
            self._settings.visit_connections, self._settings.address_connections,
            "Your other requests are still being answered; please try again in some seconds.",
        )  # fmt: skip
        self._files = Answers(self._ask, FILES_KEPT, "public, max-age=86400")
        self._hashed = Answers(self._ask, FILES_KEPT, "public, max-age=31536000, immutable")
        self._uploads = Uploads(app, backend.storage, backend.settings)
        self._codecs = CodecFiles(backend)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        if scope["type"] != "http":
            return
        path, send = get_route_path(scope), guarded(send)
        try:
            await self._pass(scope, receive, send, path)
        except GateError as error:
            if error.status == 429:
                await anyio.sleep(REFUSED_SECONDS)
            await _refusal(str(error), error.status, path)(scope, receive, send)
        except ClientDisconnect:
            return

    async def _pass(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """Answer a request if its sender is within the limits; raise a GateError with status 429 otherwise."""
        asker = Asker.of(scope, self._settings.trusted_proxies)
        self._rates.spend(self._rates.files if FILES.fullmatch(path) else self._rates.calls, asker)
        with self._requests.one(asker):
            await self._admit(scope, receive, send, path, asker)

    async def _admit(self, scope: Scope, receive: Receive, send: Send, path: str, asker: Asker) -> None:
        """Answer a request if its path is open and no page of another site sent it; raise a GateError otherwise.

        Other sites may request the ``PUBLIC`` paths too.
        """
        is_safe = scope["method"] in SAFE
        if scope["method"] == "OPTIONS":
            await self._ask(scope, receive, send)
        elif PUBLIC.fullmatch(path) and is_safe:
            await self._public(scope, receive, send, path, asker)
        elif is_foreign(scope):
            raise GateError("This page belongs to another site, and cannot use Distill.", 403)
        elif not OWN.fullmatch(path):
            raise GateError("There is nothing here.", 404)
        else:
            await self._own(scope, receive, send, path, asker)

    async def _public(self, scope: Scope, receive: Receive, send: Send, path: str, asker: Asker) -> None:
        """Answer a request for a path that is the same for every visitor."""
        if path == HEALTH:
            health = self._backend.health()
            await JSONResponse(health, 503 if "full" in health["status"] else 200)(scope, receive, send)
            return
        is_page = path in ("/", "/config", "/config/")
        if is_page and not asker.owner and (not is_foreign(scope) or is_navigation(scope)):
            secure = is_secure(scope, Headers(scope=scope))
            send = with_cookie(send, secrets.token_urlsafe(32), COOKIE_SECONDS, secure=secure)
        if path == "/" and not self._visitors.has_place(asker.owner, asker.address):
            await HTMLResponse(FULL_PAGE, 503, {"Retry-After": "30"})(scope, receive, send)
        elif MADE_ONCE.fullmatch(path):
            await self._pages.answer(scope, send, before_making=lambda: self._rates.spend(self._rates.pages, asker))
        elif HASHED.fullmatch(path):
            await self._hashed.answer(scope, send)
        elif FILES.fullmatch(path):
            await self._files.answer(scope, send)
        else:
            await self._ask(scope, receive, send)

    async def _own(self, scope: Scope, receive: Receive, send: Send, path: str, asker: Asker) -> None:
        """Answer a request for a path that belongs to one visitor."""
        query = QueryParams(scope.get("query_string", b""))
        if file := FILE.fullmatch(path):
            answer = await to_thread.run_sync(self._file, file["path"], asker)
            await answer(with_ranges_of_bytes(scope), receive, send)
        elif (codec := CODEC.fullmatch(path)) and scope["method"] in SAFE:
            await self._codecs.answer(scope, send, asker, codec["sound"], encoder=bool(codec["encoder"]))
        elif UPLOAD.fullmatch(path) and scope["method"] == "POST":
            bind(scope, "upload_id", asker)
            flow = Flow(receive, self._settings.upload_bytes + MIB, self._settings.upload_rate, self._clock)

            async def parts() -> Message:
                message = await flow()
                if number := message.get("body", b"").count(PART):
                    self._rates.spend(self._rates.parts, asker, number)
                return message

            try:
                moved = await self._uploads.take(scope, parts, asker)
            except OSError as error:
                raise GateError(sentence(error), 507) from None
            await JSONResponse(moved)(scope, receive, send)
        elif path == "/gradio_api/upload_progress":
            bind(scope, "upload_id", asker)
            await self._uploads.wait_for(scope)
            await self._ask(scope, receive, send)
        elif heartbeat := HEARTBEAT.fullmatch(path):
            await self._beat(scope, receive, send, replace(asker, page=heartbeat["page"]))
        elif path == "/gradio_api/queue/data" and scope["method"] == "GET":
            await self._listen(scope, receive, send, replace(asker, page=query.get("session_hash", "")))
        elif (asked := ANSWER.fullmatch(path)) and scope["method"] == "GET":
            call = self._calls.check_event(asked["event"], asker)
            needs_visit = asked["name"] not in (DESCRIBE, ENCODE, DECODE, EDIT_GRID)
            await self._listen(scope, receive, send, replace(asker, page=call.page), needs_visit=needs_visit)
        elif scope["method"] == "POST":
            await self._posted(scope, receive, send, path, asker)
        else:
            await self._ask(scope, receive, send)

    async def _posted(self, scope: Scope, receive: Receive, send: Send, path: str, asker: Asker) -> None:
        """Check the body of a POST request, and pass it on to Gradio."""
        headers = Headers(scope=scope)
        require_json(headers)
        announced, most = announced_bytes(headers), self._settings.message_bytes
        if announced is None:
            raise GateError("This call must say how long it is (Content-Length).", 411)
        if announced > most:
            raise GateError(f"This is more than the {most / MIB:.3g} MB that can be sent at once.", 413)
        self._rates.spend(self._rates.bytes, asker, max(1, announced))
        flow = Flow(receive, most, self._settings.upload_rate, self._clock)
        sent = parse(await read(flow))
        if isinstance(sent, dict) and isinstance(sent.get("session_hash"), str):
            asker = replace(asker, page=sent["session_hash"])
        if not await to_thread.run_sync(self._are_owned, set(paths_in(sent)), asker.owner):
            raise GateError("This file is not among your uploads; please drop it again.", 403)
        call = CALL.fullmatch(path)
        if path == LEAVE:
            if not (asker.owner or asker.page):
                raise GateError("Your browser keeps no cookie: close the page, and in ten minutes all is deleted.", 400)
            await to_thread.run_sync(self._backend.leave, asker.visitor)
            send = with_cookie(send, "", 0, secure=is_secure(scope, headers))
            await JSONResponse({"left": True})(scope, receive, send)
        elif path == "/gradio_api/queue/join" or call:
            is_by_name = call is not None and call["by_name"] is not None
            kept = self._calls.check_join(sent, call["name"] if call else None, by_name=is_by_name)
            with self._calls.joining(asker):
                await self._arrive(asker)
                await self._join(scope, again(kept, receive), send, asker)
        elif path.rstrip("/") == "/gradio_api/component_server":
            kept = self._calls.check_function(sent)
            await self._arrive(asker)
            await self._function(scope, again(kept, receive), receive, send, asker)
        elif MCP.fullmatch(path):
            await self._function(scope, again(sent, receive), receive, send, asker)
        elif path.rstrip("/") in ("/gradio_api/cancel", "/gradio_api/reset"):
            event = self._calls.check_event(sent.get("event_id") if isinstance(sent, dict) else None, asker)
            self._check_page(replace(asker, page=event.page))
            index = sent.get("fn_index")
            ended = {"event_id": sent["event_id"], "session_hash": event.page}
            ended["fn_index"] = index if type(index) is int else -1
            await self._ask(scope, again(ended, receive), send)
        else:
            raise GateError("There is nothing here.", 404)

    async def _join(self, scope: Scope, receive: Receive, send: Send, asker: Asker) -> None:
        """Let Gradio put a call into its queue, and note which visitor made it."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._ask(plain(named(scope, asker)), receive, keep)
        body = b"".join(message.get("body", b"") for message in messages[1:])
        if messages[0]["status"] == 200:
            self._calls.begin(json.loads(body)["event_id"], asker.page, asker)
        for message in messages:
            await send(message)

    async def _function(self, scope: Scope, body: Receive, receive: Receive, send: Send, asker: Asker) -> None:
        """Let a component's server function, or a tool of an agent, answer; stop it if its sender disconnects.

        Parameters
        ----------
        scope : dict
            ASGI scope of the request.
        body : callable
            ``receive`` that gives the checked body to Gradio.
        receive : callable
            The request's own ``receive``, which tells when the client disconnects.
        send : callable
            ASGI ``send`` of the request.
        asker : Asker
            Sender of the request.
        """
        refused: GateError | None = None
        async with anyio.create_task_group() as both:

            async def give_up() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                both.cancel_scope.cancel()

            both.start_soon(give_up)
            try:
                await self._ask(plain(named(scope, asker)), body, send)
            except GateError as error:  # raised below: the task group would wrap it in an ExceptionGroup
                refused = error
            both.cancel_scope.cancel()
        if refused:
            raise refused

    async def _listen(
        self, scope: Scope, receive: Receive, send: Send, asker: Asker, *, needs_visit: bool = True
    ) -> None:
        """Stream to a page the answers to its calls, and count the page as open for as long if it needs a visit."""
        self._check_page(asker)
        if not self._calls.is_known(asker.page):
            raise GateError("This page has no calls under way; please reload it.", 404)
        self._calls.listen(asker.page)
        if needs_visit:
            self._visitors.come(asker.owner, asker.page, asker.address)
        try:
            await self._ask(scope, receive, send)
        finally:
            if needs_visit:
                self._visitors.leave(asker.owner, asker.page)
            self._calls.leave(asker.page)

    async def _beat(self, scope: Scope, receive: Receive, send: Send, asker: Asker) -> None:
        """Hold a page's heartbeat connection, and count the page as open for as long."""
        self._check_page(asker)
        self._visitors.come(asker.owner, asker.page, asker.address)
        try:
            await self._ask(scope, receive, send)
        finally:
            self._visitors.leave(asker.owner, asker.page)

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to Gradio. An unexpected error is logged once, and becomes a GateError with status 500 and
        the log's reference, unless the answer has begun."""
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
            if CALL.fullmatch(get_route_path(scope)) and isinstance(error, TypeError | KeyError):
                raise GateError(ODD_CALL, 400) from None  # the call names parameters that the handler does not have
            told = sentence(error)
            if not begun:
                raise GateError(told, 500) from None

    def _file(self, path: str, asker: Asker) -> Response:
        """Answer with a file, or with ranges of it (RFC 9110, section 14), if the asker may read it.

        Only media types that cannot run scripts are shown in the browser; all others are downloads.
        """
        if not self._may_have(path, asker.owner):
            raise GateError("This file is not there, or not yours; please make it again.", 404)
        kind = mimetypes.guess_type(path)[0] or ""
        is_shown = kind in XSS_SAFE_MIMETYPES
        return FileResponse(
            path, media_type=kind if is_shown else "application/octet-stream",
            filename=path.rpartition("/")[2], content_disposition_type="inline" if is_shown else "attachment",
        )  # fmt: skip

    def _may_have(self, path: str, owner: str) -> bool:
        """Whether a file exists, and belongs to this visitor or to the page itself."""
        is_plain = len(path) <= LONGEST_PATH and ".." not in path.split("/")  # other paths take long to resolve
        if not is_plain or not (self._storage.is_public(path) or self._storage.is_owned(path, owner)):
            return False
        return os.path.isfile(path)

    def _are_owned(self, paths: set[str], owner: str) -> bool:
        """Whether all paths belong to this visitor, and are not more than one upload may have."""
        if len(paths) > self._settings.upload_files or any(len(path) > LONGEST_PATH for path in paths):
            return False
        return all(".." not in path.split("/") and self._storage.is_owned(path, owner) for path in paths)

    async def _arrive(self, asker: Asker) -> None:
        """Begin the page that a call comes from, if it is new; a call without a page needs none yet."""
        self._check_page(asker)
        if not asker.page:
            return
        try:
            self._visitors.page(asker.owner, asker.page, asker.address)
            if self._calls.is_new(asker.page):
                await self._backend.turns.take(asker, lambda: self._calls.prepare(asker.page), is_brief=True)
        except FullError as error:
            raise GateError(str(error), 503) from None

    def _check_page(self, asker: Asker) -> None:
        is_anothers = self._visitors.is_anothers(asker.page, asker.owner) or self._calls.is_anothers(asker.page, asker)
        if asker.page and is_anothers:
            raise GateError("This page is another visitor's; please reload it.", 403)


def _refusal(words: str, status: int, path: str) -> Response:
    headers = {"Retry-After": "10"} if status in (429, 503) else None
    if UPLOAD.fullmatch(path):
        return PlainTextResponse(words, status, headers)
    return JSONResponse({"detail": words}, status, headers)
