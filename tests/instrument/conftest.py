"""Instruments in files, and a browser without a network that opens them."""

from pathlib import Path

import numpy as np
import pytest

from distill.editing.calls import perform
from distill.editing.work import Work
from distill.instrument import write_instrument
from tests.waiting import PATIENCE, until

NAME = "</script><script>hacked = 1</script><img src=x onerror='hacked = 2'>"
"""A title, and the beginning of a clip's name, that would be code if it were not escaped."""


@pytest.fixture(scope="session")
def works(codec, drums, drone):
    """Two clips; the first was edited twice, and the second of the edits was undone."""
    first, second = Work.begin(codec, drums), Work.begin(codec, drone)
    first.name, second.name = f"{NAME}.wav", "drone.flac"
    for kind in ("reverse", "clear"):
        perform(first, {"kind": kind, "levels": [0, 1], "rows": [0, 7], "columns": [2, 5]}, None)
    perform(first, {"kind": "undo"}, None)
    return [first, second]


@pytest.fixture(scope="session")
def instrument(codec, works, tmp_path_factory):
    path = tmp_path_factory.mktemp("instrument") / "instrument.html"
    write_instrument(path, codec, works, title=NAME, licence="cc-by")
    return path


@pytest.fixture(scope="session")
def without_encoder(codec, works, tmp_path_factory):
    path = tmp_path_factory.mktemp("instrument") / "without.html"
    write_instrument(path, codec, works[:1], encoder=False)
    return path


@pytest.fixture(scope="session")
def browser(new_browser):
    return new_browser()


class Player:
    """An open instrument."""

    GRID = "document.querySelector('main').grid"

    def __init__(self, page):
        self.page, self.state = page, page.locator("p.state").first

    def indices(self, levels=3):
        return np.array(self.page.evaluate(f"Array.from({self.GRID}.indices)")).reshape(levels, 8, -1)

    def settle(self):
        until(lambda: self.page.evaluate(f"{self.GRID}?.pending === 0"))  # the page forbids Playwright's way of waiting

    def says(self, words):
        until(lambda: words in self.state.inner_text())

    def shows(self, clip):
        until(lambda: self.page.locator(".clip").inner_text() == clip)

    def history(self):
        self.settle()
        return self.page.locator("ol.history li").all_text_contents()

    def place(self, row, column):
        canvas = self.page.locator("canvas.cells")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        wide = self.page.locator(".track").evaluate("track => track.clientWidth") / self.indices().shape[2]
        return box["x"] + (column + 0.5) * wide, box["y"] + (7 - row + 0.5) * 28

    def paint(self, row, column, code):
        self.page.locator(".palette").get_by_role("button", name=f"Code {code}", exact=True).click()
        self.page.mouse.click(*self.place(row, column))
        self.settle()

    def drag(self, start, stop):
        self.page.mouse.move(*self.place(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.place(*stop), steps=6)
        self.page.mouse.up()
        self.settle()

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()
        self.settle()

    def text(self):
        self.press("Grid as text")
        text = self.page.locator(".texts textarea")
        until(lambda: text.input_value())
        return text.input_value()

    def open(self, path):
        self.page.locator("input.file").set_input_files(path)

    def saved(self, button, folder):
        with self.page.expect_download() as download:
            self.page.get_by_role("button", name=button, exact=True).click()
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return path


@pytest.fixture
def new_player(browser):
    """Opens an instrument from the disk, with the network off; the test fails if the page logs an error or asks for
    anything."""
    contexts, errors = [], []

    def start(path: Path, script: str = "", **options) -> Player:
        context = browser.new_context(accept_downloads=True, **options)
        context.set_default_timeout(1000 * PATIENCE)
        context.set_offline(True)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        asked = "data:", "blob:", path.as_uri()
        page.on("request", lambda request: None if request.url.startswith(asked) else errors.append(request.url))
        if script:
            page.add_init_script(script)
        page.goto(path.as_uri())
        until(lambda: page.evaluate("!!document.querySelector('main').grid"))
        return Player(page)

    yield start
    for context in contexts:
        context.close()
    assert not errors
