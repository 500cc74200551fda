"""The calls of programs and agents, by name and over MCP. They need no page and no visit."""

import secrets
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from gradio.route_utils import get_root_url
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from distill.server.askers import Asker
from distill.server.mcp import respond
from distill.server.paths import DECODE, DESCRIBE, EDIT_GRID, ENCODE
from distill.server.programs import Programs, schema_of
from distill.ui.handlers import asker_of, show

ROUTE = "/gradio_api/mcp"


def connect(programs: Programs) -> None:
    """Make the calls by name: ``/describe``, ``/encode``, ``/decode`` and ``/edit_grid``."""

    async def answer(name: str, request: gr.Request, **sent: Any) -> Any:
        try:
            answered = await programs.answer(name, sent, asker_of(request))
        except Exception as error:
            show(error, request)
        if path := answered.get("sound"):
            answered["sound"] = {"path": path, "meta": {"_type": "gradio.FileData"}}
        return tuple(answered.values()) if len(answered) > 1 else next(iter(answered.values()))

    async def describe(request: gr.Request, codec: FileData | None = None) -> dict[str, Any]:
        return await answer(DESCRIBE, request, codec=codec)

    async def encode(
        request: gr.Request, file: FileData, codec: FileData | None = None, as_text: bool = False
    ) -> tuple[dict[str, Any] | str, dict[str, Any]]:
        return await answer(ENCODE, request, file=file, codec=codec, as_text=as_text)

    async def decode(request: gr.Request, grid: dict[str, Any] | str, codec: FileData | None = None) -> FileData:
        return await answer(DECODE, request, grid=grid, codec=codec)

    async def edit_grid(
        request: gr.Request,
        grid: dict[str, Any] | str,
        edits: list[dict[str, Any]],
        second: dict[str, Any] | str | None = None,
        sound: bool = False,
        codec: FileData | None = None,
    ) -> tuple[dict[str, Any] | str, list[str], FileData | None]:
        return await answer(EDIT_GRID, request, grid=grid, edits=edits, second=second, sound=sound, codec=codec)

    for name, call in {DESCRIBE: describe, ENCODE: encode, DECODE: decode, EDIT_GRID: edit_grid}.items():
        gr.api(call, api_name=name, api_description=_described(name))


def tools_of(programs: Programs) -> Any:
    """The endpoint of :data:`ROUTE`, by which agents use the calls as tools of the Model Context Protocol."""

    async def answer(request: Request) -> Response:
        asker: Asker = request.state.asker
        page, root = secrets.token_hex(16), get_root_url(request, ROUTE, None)  # type: ignore[arg-type]
        responded = await respond(programs, await request.json(), replace(asker, page=page), root)
        return Response(status_code=202) if responded is None else JSONResponse(responded)

    return answer


def _described(name: str) -> str:
    """What a call does, and what its arguments are, for the page's list of calls."""
    schema = schema_of(name)
    arguments = [f"{field}: {part['description']}" for field, part in schema["properties"].items()]
    return " ".join([schema["description"], *arguments])
