"""Only the paths that the page needs are open, of all that Gradio offers."""

import gradio as gr
import pytest

from distill.server.paths import OWN, PUBLIC
from tests.maps import names, table

CLOSED = (
    "/gradio_api/process_recording",
    "/gradio_api/deep_link",
    "/gradio_api/run/stop",
    "/gradio_api/api/stop",
    "/gradio_api/stream/page/run/1/playlist-file",
    "/gradio_api/file/etc/passwd",
    "/gradio_api/proxy=http://example.com",
    "/monitoring",
    "/login",
    "/dev/reload",
)


@pytest.fixture(scope="module")
def routes(app):
    return list(paths(gr.routes.App.create_app(app).routes))


def paths(routes):
    """The paths of routes, with those of included groups."""
    for route in routes:
        if hasattr(route, "path"):
            yield route.path
        else:
            yield from paths(route.original_router.routes)


def is_open(address):
    return PUBLIC.fullmatch(address) or OWN.fullmatch(address)


def test_open_paths_are_those_that_the_page_needs_and_few_others(routes):
    opened = {route.split("{")[0] for route in routes if is_open(route)}
    needed = {"/", "/config", "/theme.css", "/assets/", "/static/", "/svelte/"}
    needed |= {
        f"/gradio_api/{name}" for name in ("info", "upload", "upload_progress", "file=", "queue/join", "queue/data")
    }
    needed |= {f"/gradio_api/{name}" for name in ("cancel", "component_server", "startup-events", "call/")}
    assert needed <= opened
    assert len(opened) < 40
    assert len(opened) < 0.7 * len({route.split("{")[0] for route in routes})


@pytest.mark.parametrize("address", CLOSED)
def test_harmful_paths_are_closed(address):
    assert not is_open(address)


def test_the_calls_on_the_map_are_those_that_can_be_made(app):
    named = [name for _, calls in table("Calls over HTTP") for name in names(calls)]
    assert len(named) == len(set(named))
    assert set(named) == {f"/{call.api_name}" for call in app.fns.values() if call.api_visibility == "public"}
