"""Fixtures: the app, launched once, and a real browser on its page."""

import base64
import socket
from pathlib import Path

import numpy as np
import pytest

from distill.settings import Settings
from distill.ui import build_app, launch
from tests.waiting import PATIENCE


@pytest.fixture(scope="session")
def app_url(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = build_app(settings=Settings(folder=tmp_path_factory.mktemp("space")))
    _, url, _ = launch(app, server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, quiet=True)
    yield url
    app.close()


@pytest.fixture(scope="session")
def browser(new_browser):
    return new_browser()


@pytest.fixture(scope="session")
def context(browser):
    """A browser context with a shared cache, so that all tests fetch and compile the page's files once."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(1000 * PATIENCE)
    yield context
    context.close()


@pytest.fixture
def page(context, app_url):
    """The page as a first-time visitor sees it; the test fails if the page logs an error."""
    page = context.new_page()
    forgotten = {"origin": app_url.rstrip("/"), "storageTypes": "cookies,local_storage"}
    context.new_cdp_session(page).send("Storage.clearDataForOrigin", forgotten)
    assert not context.cookies()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    # Gradio's player tries to draw every upload before it is checked, and logs an error for other files. One test cuts
    # the network, and some tests reload the page during a training.
    page.known_errors = [
        *("Waveform load error", "Failed to load resource: net::ERR_FAILED"),
        *("AbortError: signal is aborted", "Unexpected error Connection errored out"),
    ]
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(app_url)
    page.get_by_role("tab", name="Train").wait_for()
    yield page
    for each in context.pages:
        each.close()
    assert not [error for error in errors if not error.startswith(tuple(page.known_errors))]


def floats(page, expression):
    """The samples of a ``Float32Array`` of the page; they come packed, because a list of them comes slowly."""
    packed = page.evaluate(
        f"""() => {{
            const samples = {expression};
            const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
            let text = "";
            for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.slice(at, at + 8192));
            return btoa(text);
        }}"""
    )
    return np.frombuffer(base64.b64decode(packed), np.float32)


class Hands:
    """Actions of a visitor on the code grid, and its visible state."""

    FIND = "[...document.querySelectorAll('#edit-grid *')].find(part => part.grid)?.grid"

    def __init__(self, page):
        self.page = page

    def indices(self):
        """The codes on the page, [3, 8, columns]."""
        self.page.wait_for_function(f"() => {self.FIND}")
        return np.array(self.page.evaluate(f"() => Array.from({self.FIND}.indices)")).reshape(3, 8, -1)

    def samples(self):
        """The sound that the page would play, after every edit is answered."""
        self.page.wait_for_function(f"() => {self.FIND}?.samples && !{self.FIND}.pending", timeout=60_000)
        self.page.wait_for_timeout(100)
        return floats(self.page, f"{self.FIND}.samples")

    def settled(self):
        self.page.wait_for_function(f"() => {self.FIND}?.pending === 0")

    def another_code(self, level, row, column):
        return (int(self.indices()[level, row, column]) + 1) % 64

    def place(self, row, column):
        """The position of a cell on the page."""
        canvas = self.page.locator("canvas.cells")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        wide = self.page.locator(".code-grid .track").evaluate("track => track.clientWidth") / self.indices().shape[2]
        return box["x"] + (column + 0.5) * wide, box["y"] + (7 - row + 0.5) * 28

    def choose_code(self, code):
        self.page.locator(".code-grid .palette").get_by_role("button", name=f"Code {code}", exact=True).click()

    def paint(self, row, column, code):
        self.choose_code(code)
        self.page.mouse.click(*self.place(row, column))

    def drag(self, start, stop):
        self.page.mouse.move(*self.place(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.place(*stop), steps=8)
        self.page.mouse.up()

    def select(self, start, stop):
        self.page.get_by_role("button", name="Select", exact=True).click()
        self.drag(start, stop)

    def press(self, name):
        self.page.locator(f".code-grid [data-act={name}]").click()


@pytest.fixture
def hands(page):
    return Hands(page)


@pytest.fixture(scope="session")
def clips():
    folder = Path(__file__).parents[2] / "examples" / "clips"
    return sorted(folder.glob("*.flac"), key=lambda path: path.stat().st_size)
