"""Fixtures: the gate before a small stand-in for Gradio, and clients of three visitors."""

import hashlib
import secrets
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route

from distill.server.askers import owner_of
from distill.server.calls import Calls
from distill.server.gate import Gate
from distill.server.storage import Storage
from distill.server.turns import Turns
from distill.settings import MIB, Settings
from tests.server.gate.knocking import visitor


@pytest.fixture
def settings(tmp_path):
    return Settings(
        folder=tmp_path / "data", upload_bytes=2 * MIB, upload_files=3, message_bytes=MIB, disk_bytes=4 * MIB,
        visit_disk_bytes=3 * MIB,
    )  # fmt: skip


@pytest.fixture
def storage(settings):
    storage = Storage(settings)
    (storage.files / "picture").mkdir()
    (storage.files / "picture" / "page.png").write_bytes(b"public")
    storage.publish()
    yield storage
    storage.close()


@pytest.fixture
def gate(storage, settings):
    """The gate before a stand-in for Gradio that stores uploads as Gradio does."""

    async def upload(request):
        paths = []
        async with request.form() as form:
            for part in form.getlist("files"):
                content = await part.read()
                path = storage.files / hashlib.sha256(content).hexdigest() / Path(part.filename).name
                path.parent.mkdir(exist_ok=True)
                (storage.files / "unfinished").write_bytes(content)
                (storage.files / "unfinished").rename(path)
                paths.append(str(path))
        return JSONResponse(paths, headers={"x-odd": "odd", "access-control-allow-origin": "*"})

    async def join(request):
        return JSONResponse({"event_id": f"event{secrets.token_hex(4)}", "sent": await request.json()})

    async def echo(request):
        asker = request.scope.get("state", {}).get("asker")
        return JSONResponse({"sent": await request.json(), "visitor": asker and asker.visitor})

    async def progress(request):
        return PlainTextResponse(request.query_params["upload_id"])

    async def asset(request):
        made.append(request.url.path)
        return FileResponse(__file__, media_type="text/javascript")

    async def page(request):
        made.append(request.url.path)
        return PlainTextResponse("page")

    made = []
    app = Starlette(
        routes=[
            Route("/", page),
            Route("/config", page),
            Route("/gradio_api/upload", upload, methods=["POST"]),
            Route("/gradio_api/upload_progress", progress),
            Route("/gradio_api/queue/join", join, methods=["POST"]),
            Route("/gradio_api/queue/data", page),
            Route("/gradio_api/heartbeat/{session}", page),
            Route("/gradio_api/deep_link", page),
            Route("/assets/{name}", asset),
            Route("/gradio_api/process_recording", page, methods=["POST"]),
            Route("/gradio_api/call/{name}", join, methods=["POST"]),
            Route("/gradio_api/call/{name}/{event}", page),
            Route("/gradio_api/cancel", echo, methods=["POST"]),
            Route("/gradio_api/component_server", echo, methods=["POST"]),
        ]
    )
    with gr.Blocks() as blocks:
        box = gr.HTML(server_functions=[look])
        gr.Button().click(look, box, box, api_name="look")
        gr.Button().click(None, None, None, js="() => {}")
    backend = SimpleNamespace(
        settings=settings, storage=storage, visitors=Pages(), turns=Turns(settings), left=[],
        health_of_test={"status": "ok", "visitors": 0},
    )  # fmt: skip
    backend.health, backend.leave = lambda: backend.health_of_test, backend.left.append
    calls = Calls(blocks, settings)
    calls.is_known = lambda page: True
    gate = Gate(app, backend, calls)
    gate.pages, gate.backend, gate.made, gate.box = backend.visitors, backend, made, box._id
    return gate


def look(value):
    return value


class Pages:
    """A stand-in for ``Visitors``, with one known page, which belongs to the first visitor."""

    def __init__(self):
        self.owners, self.here, self.full = {"page-of-one": owner_of(f"distill={'1' * 40}")}, [], False

    def page(self, owner, page, address):
        self.owners.setdefault(page, owner)

    def has_place(self, owner, address):
        return not self.full or owner in self.owners.values()

    def is_anothers(self, page, owner):
        return self.owners.get(page, owner) != owner

    def come(self, owner, page, address):
        self.here.append(page)

    def leave(self, owner, page):
        self.here.remove(page)


@pytest.fixture
def one(gate):
    return visitor(gate, "1")


@pytest.fixture
def other(gate):
    return visitor(gate, "2")


@pytest.fixture
def nobody(gate):
    return visitor(gate)
