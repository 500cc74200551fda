"""Fixtures: the app, launched once, and a real browser on its page."""

import base64
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from distill.audio import SAMPLE_RATE, load_clip
from distill.codec import Codec
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
    return new_browser("--process-per-site")


@pytest.fixture(scope="session")
def context(browser, app_url):
    """A browser context with a shared cache, so that all tests fetch and compile the page's files once.

    A page of the server that is almost empty stays open in it. Without it, each page would get a new window and a new
    process, which cost a third of a page.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(1000 * PATIENCE)
    context.new_page().goto(f"{app_url}robots.txt")
    yield context
    context.close()


HISTORY = "#edit-grid .history li"
"""The list of edits in the Edit tab."""
SERVERS_WAY = "delete globalThis.WebAssembly"
"""Script of a browser in which the page cannot make sound itself."""


@pytest.fixture(params=["page", "server"])
def way(request):
    """Which of the two makes the sound in the Edit tab. Tests without this fixture run in the page's way."""
    return request.param


@pytest.fixture
def page(request, context, app_url):
    """The page as a first-time visitor sees it; the test fails if the page logs an error."""
    page = context.new_page()
    if "way" in request.fixturenames and request.getfixturevalue("way") == "server":
        page.add_init_script(SERVERS_WAY)
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
    page.asked = set()  # what the server has not answered yet
    page.on("request", lambda request: page.asked.add(request))
    for end in ("requestfinished", "requestfailed"):
        page.on(end, lambda request: page.asked.discard(request))
    page.goto(app_url)
    page.get_by_role("tab", name="Train").wait_for()
    yield page
    for each in context.pages[1:]:  # all but the one that stays
        each.close()
    context.clear_permissions()
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
        """The sound that the page would play, after every edit is answered and, where the page makes it, heard."""
        made = f"!({self.FIND}.isLocal && {self.FIND}.stale.length)"
        self.page.wait_for_function(f"() => {self.FIND}?.samples && !{self.FIND}.pending && {made}", timeout=60_000)
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

    def press_twice(self, row, column, between=lambda: None):
        """Press a cell twice, a tenth of a second apart by the events' own times: a busy machine does not part them."""
        x, y = self.place(row, column)
        devtools, began = self.page.context.new_cdp_session(self.page), time.time()
        for count, late in ((1, 0), (2, 0.1)):
            event = {"x": x, "y": y, "button": "left", "clickCount": count, "timestamp": began + late}
            for kind in ("mousePressed", "mouseReleased"):
                devtools.send("Input.dispatchMouseEvent", {"type": kind, **event})
            if count == 1:
                between()
        devtools.detach()

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


class StripHands:
    """Actions of a visitor on the strip of clips."""

    FIND = "[...document.querySelectorAll('#strip *')].find(part => part.strip)?.strip"

    def __init__(self, page):
        self.page = page

    def names(self):
        """The names of all clips, also of those that are out of view."""
        self.page.wait_for_function(f"() => {self.FIND}?.clips.length")
        return self.page.evaluate(f"() => {self.FIND}.clips.map(({{name}}) => name)")

    def cell(self, name):
        """Scroll to a clip, and find it."""
        self.page.wait_for_function(
            f"""name => {{
                const strip = {self.FIND};
                const number = strip?.clips.findIndex((clip) => clip.name === name) ?? -1;
                if (number >= 0) strip.reel.scrollLeft = number * 136 - 200;
                return number >= 0;
            }}""",
            arg=name,
        )
        return self.page.locator(".strip .cell").filter(has=self.page.get_by_text(name, exact=True)).first

    def choose(self, name):
        """Press a clip; again, if the clips were sorted anew between the look and the press."""
        for _ in range(5):
            self.cell(name).click()
            if self.page.evaluate(f"() => {self.FIND}.clips.find(({{id}}) => id === {self.FIND}.chosen)?.name") == name:
                return
        raise AssertionError(f"{name} was not chosen")

    def press(self, name):
        self.page.locator(f".strip .acts .{name}").click()

    def open(self, name):
        self.choose(name)
        self.press("open")

    def heard(self):
        """The clip that sounded last, its track, and its length in seconds."""
        self.page.wait_for_function(f"() => {self.FIND}.ear.last")
        return self.page.evaluate(
            f"() => {{ const l = {self.FIND}.ear.last; return [l.id, l.track, l.buffer.duration] }}"
        )


@pytest.fixture
def strip(page):
    return StripHands(page)


@pytest.fixture(scope="session")
def clips():
    folder = Path(__file__).parents[2] / "examples" / "clips"
    return sorted(folder.glob("*.flac"), key=lambda path: path.stat().st_size)


@pytest.fixture(scope="session")
def example(clips):
    """The example codec, and its grid of the clip that the page opens with."""
    codec = Codec.load(clips[0].parents[1] / "models" / "loops.distill")
    clip = load_clip(clips[0].with_name("loop_breakbeat.flac"))
    return codec, codec.encode(clip.waveform, SAMPLE_RATE)


FRAMES = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => requestAnimationFrame(done), 300)))"
"""Ends after the page itself has had time for two frames, however busy the machine is."""


def fill_shown(field, text):
    """Fill a field of Gradio that has just appeared: in the frame in which it appears, nobody hears it yet."""
    field.wait_for()
    field.page.evaluate(FRAMES)
    field.fill(text)


def open_as_text(edit, hands, grid):
    """Open a grid by its text."""
    edit.get_by_text("The grid as text, to share").click()
    fill_shown(edit.locator("#edit-text textarea"), grid.to_text())
    edit.locator("#edit-load-text").click()
    edit.wait_for_function(f"() => {hands.FIND}.indices.length === {grid.indices.size}")


def open_tab(page, name):
    page.get_by_role("tab", name=name).click()


def open_edit(page, way="page"):
    """Open the Edit tab, wait until its sound is there, made in a way, and return the hands on its grid."""
    open_tab(page, "Edit")
    expect(page.locator("canvas.cells")).to_be_visible()
    hands = Hands(page)
    page.wait_for_function(f"() => {hands.FIND}?.isLocal === {str(way == 'page').lower()}")
    hands.samples()
    return hands
