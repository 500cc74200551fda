"""The app without a browser."""

import contextlib
from types import SimpleNamespace

import pytest

from distill.server.codecs import Codecs
from distill.server.hub import HubDoor
from distill.server.library import LibraryDoor
from distill.server.storage import Storage
from distill.server.visitors import Examples, Visitors
from distill.settings import Settings
from distill.ui import build_app
from distill.ui.handlers import Call
from tests.parts import Part


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", "")
        app = build_app(settings=Settings(folder=tmp_path_factory.mktemp("space")))
        yield app
        app.backend.close()


@pytest.fixture(scope="session")
def kept(examples):
    return Examples.load(examples)


@pytest.fixture
def server(kept, tmp_path):
    rates = {"visit_hub_rate": 100, "address_hub_rate": 100, "visit_library_rate": 100}
    settings = Settings(folder=tmp_path / "data", **rates)
    storage = Storage(settings)
    turns = SimpleNamespace(pause=lambda *_: None, aside=contextlib.nullcontext)
    yield SimpleNamespace(
        settings=settings,
        examples=kept,
        visitors=Visitors(kept, settings),
        storage=storage,
        turns=turns,
        hub=HubDoor(settings, storage, turns),
        library=LibraryDoor.of(settings, storage, turns),
        codecs=Codecs(),
        runner=SimpleNamespace(jobs_of=lambda owner: []),
    )
    storage.close()


@pytest.fixture
def new_call(server):
    return lambda page, owner="one": Call(server.visitors.page(owner, page), server, Part())
