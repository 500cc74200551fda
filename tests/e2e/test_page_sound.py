"""The page makes the sound of the Edit tab itself: before the server answers, without the server, or not at all."""

import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from distill.audio import SAMPLE_RATE
from distill.codes import CodeGrid, edits
from tests.e2e.conftest import HISTORY, floats, open_as_text, open_edit
from tests.waiting import until

CALLS = re.compile("component_server")
CLOSE = 1e-3
"""Maximum difference between the page's samples and Python's, of full scale."""


@pytest.fixture
def edit(page, hands):
    open_edit(page)
    return page


class Calls:
    """The server functions that a page calls: each request with its answer. They can be held, or cut off."""

    def __init__(self, page):
        self.page, self.made, self.held = page, [], []
        self.is_holding = self.is_cut = False
        page.route(CALLS, self._pass)

    def _pass(self, route):
        self.made.append(json.loads(route.request.post_data))
        if self.is_cut:
            route.abort()
        elif self.is_holding:
            self.held.append(route)
        else:
            route.continue_()

    def named(self, name):
        return [call["data"] for call in self.made if call["fn_name"] == name]

    def let_go(self):
        self.is_holding = False
        for route in self.held:
            route.continue_()
        self.held.clear()


def made(page, hands):
    """The edited sound on the page, complete and up to date, although edits may wait."""
    page.wait_for_function(f"() => {hands.FIND}.samples && !{hands.FIND}.stale.length")
    return floats(page, f"{hands.FIND}.samples")


def test_the_pages_sound_is_that_of_python(edit, hands, example):
    codec, grid = example
    sound = made(edit, hands)
    assert len(sound) == grid.num_samples
    assert np.abs(sound - codec.decode(grid)).max() < CLOSE


def test_a_painted_cell_is_heard_while_the_pointer_is_down_before_the_server_knows(edit, hands, example):
    codec, grid = example
    calls = Calls(edit)
    code = hands.another_code(0, 4, 3)
    hands.choose_code(code)
    before = edit.evaluate(f"() => {hands.FIND}.latest.at")
    edit.mouse.move(*hands.place(4, 3))
    edit.mouse.down()
    edit.wait_for_function(f"() => {hands.FIND}.latest.at > {before}")
    begun = edit.evaluate(f"() => {hands.FIND}.position")
    assert begun >= 3 * grid.column_seconds - 1e-6  # from where the cell begins
    expected = codec.decode(edits.set_codes(grid, level=0, rows=4, columns=3, code=code))
    assert np.abs(made(edit, hands) - expected).max() < CLOSE
    assert not calls.named("edit")
    edit.mouse.up()
    expect(edit.locator(HISTORY)).to_have_count(1)
    assert calls.named("edit")[0]["heard"] is False


def test_the_server_makes_no_sound_for_a_page_that_makes_its_own(edit, hands):
    calls, asked = Calls(edit), []
    edit.on("request", lambda request: asked.append(request) if "component_server" in request.url else None)
    hands.paint(4, 3, hands.another_code(0, 4, 3))
    expect(edit.locator(HISTORY)).to_have_count(1)
    hands.select((0, 0), (7, 1))
    for count, tool in enumerate(("similar", "reverse", "clear"), start=2):
        hands.press(tool)
        expect(edit.locator(HISTORY)).to_have_count(count)
    hands.press("undo")
    expect(edit.locator(HISTORY)).to_have_count(3)
    edit.locator(".code-grid .play").click()
    edit.locator(".code-grid .before").click()
    made(edit, hands)
    assert not {call["fn_name"] for call in calls.made} & {"sound", "audition"}
    assert len(asked) >= 5
    assert all(request.response().json().get("flac") is None for request in asked)


def test_an_edit_of_the_server_is_heard_when_its_codes_come(edit, hands, example):
    codec, grid = example
    before = made(edit, hands)
    hands.select((0, 0), (7, 1))
    hands.press("reverse")
    expect(edit.locator(HISTORY)).to_have_count(1)
    hands.settled()
    expected = CodeGrid(hands.indices(), grid.num_frames, grid.model_id, grid.codebook_size, grid.num_samples)
    after = made(edit, hands)
    assert not np.array_equal(before, after)
    assert np.abs(after - codec.decode(expected)).max() < CLOSE


def test_the_palette_and_the_codebook_are_played_by_the_page(edit, hands, example):
    codec, _ = example
    calls = Calls(edit)
    hands.choose_code(7)
    edit.get_by_role("tab", name="Explore").click()
    edit.locator("#explore-codebook .tiles").get_by_role("button", name="Code 9,").click()
    find = "[...document.querySelectorAll('#explore-codebook *')].find(part => part.codebook)?.codebook"
    edit.wait_for_function(f"() => {find}?.heard?.code === 9")
    heard = floats(edit, f"{find}.heard.samples")
    assert np.abs(heard - codec.audition(0, 9)).max() < CLOSE
    assert not calls.named("audition")


def test_edits_go_on_and_are_heard_while_the_server_is_gone(edit, hands, example):
    codec, grid = example
    calls = Calls(edit)
    calls.is_cut = True
    code = hands.another_code(0, 5, 5)
    hands.paint(5, 5, code)
    expect(edit.locator(".code-grid .message")).to_contain_text("still on this page")
    hands.paint(2, 1, code)
    expected = grid
    for row, column in ((5, 5), (2, 1)):
        expected = edits.set_codes(expected, level=0, rows=row, columns=column, code=code)
    assert np.abs(made(edit, hands) - codec.decode(expected)).max() < CLOSE
    edit.locator(".code-grid .play").click()
    expect(edit.locator(".code-grid .play")).to_have_text("Pause")
    edit.locator(".code-grid .play").click()
    calls.is_cut = False
    expect(edit.locator(HISTORY)).to_have_count(2)
    assert np.array_equal(hands.indices(), expected.indices)


def test_playback_goes_on_through_an_edit(edit, hands):
    hands.choose_code(hands.another_code(0, 4, 3))
    edit.locator(".code-grid .loop").click()
    edit.locator(".code-grid .play").click()
    edit.wait_for_function(f"() => {hands.FIND}.position > 0.2")
    for column in range(6):
        edit.mouse.click(*hands.place(4, column))
    expect(edit.locator(HISTORY)).to_have_count(6)
    expect(edit.locator(".code-grid .play")).to_have_text("Pause")
    edit.wait_for_function(f"() => {hands.FIND}.position > 1.5")
    edit.wait_for_function(f"() => {hands.FIND}.position < 1")  # the loop begins anew
    edit.locator(".code-grid .play").click()


RENDER = """
async (part) => {
    const modules = await import(document.querySelector("link[rel=modulepreload][href^='page/']").href);
    const { Deck } = modules.deck;
    const { wholeSound } = modules.tape;
    const context = new OfflineAudioContext(1, 60_000, 44_100);
    const deck = new Deck(44_100, () => {}, { begin: () => {}, wake: () => context });
    deck.load("track", wholeSound(Float32Array.from({ length: 58_000 }, (_, index) => ((index * 7919) % 997) / 1000)));
    deck.play("track", part);
    return Array.from((await context.startRendering()).getChannelData(0));
}
"""
"""Script that renders what a deck plays, without an output device."""


def test_what_a_browser_plays_is_the_track_sample_for_sample_also_around_a_loop(page):
    track = (np.arange(58_000) * 7919 % 997 / 1000).astype(np.float32)
    begun = 177  # the 4 ms before a start
    heard = np.array(page.evaluate(RENDER, {"from": 0, "to": 58_000 / SAMPLE_RATE}), np.float32)
    assert np.abs(heard[begun : begun + len(track)] - track).max() < 1e-6
    loop = [4_410, 12_348]
    part = {"from": 0.1, "to": 1, "loop": [sample / SAMPLE_RATE for sample in loop]}
    heard = np.array(page.evaluate(RENDER, part), np.float32)[begun:]
    expected = np.resize(track[slice(*loop)], len(heard))
    faded = slice(400, len(heard) - 400)  # between the fades
    assert np.abs(heard[faded] - expected[faded]).max() < 1e-6


def is_servers_way(page, hands):
    """The page works as without a codec of its own, and says nothing of it."""
    open_edit(page, "server")
    calls = Calls(page)
    before = hands.samples()
    hands.paint(4, 3, hands.another_code(0, 4, 3))
    expect(page.locator(HISTORY)).to_have_count(1)
    until(lambda: not np.array_equal(hands.samples(), before))
    assert "heard" not in calls.named("edit")[0]
    expect(page.locator(".code-grid .message")).to_have_text("")


UNABLE = {
    "no WebAssembly": "delete globalThis.WebAssembly",
    "no SIMD": "WebAssembly.validate = () => false",
    "no worker": "globalThis.Worker = class { constructor() { throw new Error('no worker') } }",
    "no memory": "WebAssembly.Memory = class { constructor() { throw new RangeError('no memory') } };"
    "WebAssembly.compile = async () => { throw new RangeError('no memory') }",
}


@pytest.mark.parametrize("script", UNABLE.values(), ids=UNABLE.keys())
def test_in_a_browser_that_cannot_the_server_makes_the_sound(page, hands, app_url, script):
    page.add_init_script(script)
    page.goto(app_url)
    is_servers_way(page, hands)


REFUSED = {
    "nothing comes": lambda route: route.abort(),
    "it is refused": lambda route: route.fulfill(status=404, json={"detail": "This codec is not there."}),
    "it is damaged": lambda route: route.fulfill(body=b"\0" * 5000),
}


@pytest.mark.parametrize("answer", REFUSED.values(), ids=REFUSED.keys())
def test_where_the_codec_does_not_arrive_the_server_makes_the_sound(page, hands, app_url, answer):
    page.known_errors.append("Failed to load resource")
    page.route(re.compile("/codec/"), answer)
    page.goto(app_url)  # again: the codec may have come already
    is_servers_way(page, hands)


WORKERS = """
globalThis.made = [];
globalThis.Worker = class extends Worker {
    constructor(...all) {
        super(...all);
        made.push(this);
    }
}
"""
"""Script that lists the workers that a page starts."""


def test_a_worker_that_dies_is_replaced_and_nothing_is_lost(page, hands, app_url, example):
    codec, grid = example
    page.add_init_script(WORKERS)
    page.goto(app_url)
    open_edit(page)
    code = hands.another_code(0, 4, 3)
    hands.paint(4, 3, code)
    page.evaluate("() => made.at(-1).dispatchEvent(new ErrorEvent('error', { message: 'dead' }))")
    hands.paint(4, 5, code)
    expected = edits.set_codes(grid, level=0, rows=4, columns=3, code=code)
    expected = edits.set_codes(expected, level=0, rows=4, columns=5, code=code)
    assert np.abs(made(page, hands) - codec.decode(expected)).max() < CLOSE
    assert page.evaluate(f"() => {hands.FIND}.isLocal")
    assert page.evaluate("() => made.length") == 2


HANGING = """
const tick = setInterval;
globalThis.setInterval = (act, each, ...given) => tick(act, each === 1000 ? 100 : each, ...given); // patience of 2 s
globalThis.hung = false;
const send = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (...sent) {
    if (!(hung && this === made.at(0))) send.apply(this, sent);
};
"""
"""Script of a page whose first worker answers nothing any more as soon as ``hung`` is true."""


def test_a_worker_that_hangs_is_replaced_and_nothing_is_lost(page, hands, app_url, example):
    codec, grid = example
    page.add_init_script(WORKERS + HANGING)
    page.goto(app_url)
    open_edit(page)
    page.evaluate("() => { hung = true; }")
    code = hands.another_code(0, 4, 3)
    hands.paint(4, 3, code)
    hands.paint(4, 5, code)
    page.wait_for_function("() => made.length === 2")
    expected = edits.set_codes(grid, level=0, rows=4, columns=3, code=code)
    expected = edits.set_codes(expected, level=0, rows=4, columns=5, code=code)
    assert np.abs(made(page, hands) - codec.decode(expected)).max() < CLOSE
    assert page.evaluate(f"() => {hands.FIND}.isLocal")
    expect(page.locator(HISTORY)).to_have_count(2)


def test_where_the_worker_dies_again_and_again_the_server_takes_over(page, hands, app_url, example):
    codec, grid = example
    page.add_init_script(WORKERS)
    page.goto(app_url)
    open_edit(page)
    for _ in range(4):
        page.evaluate("() => made.at(-1).dispatchEvent(new ErrorEvent('error', { message: 'dead' }))")
    page.wait_for_function(f"() => !{hands.FIND}.isLocal")
    code = hands.another_code(0, 4, 3)
    hands.paint(4, 3, code)
    expect(page.locator(HISTORY)).to_have_count(1)
    expected = codec.decode(edits.set_codes(grid, level=0, rows=4, columns=3, code=code))
    until(lambda: np.abs(np.clip(hands.samples(), -1, 1) - np.clip(expected, -1, 1)).max() < CLOSE)
    expect(page.locator(".code-grid .message")).to_have_text("")


def test_a_long_clip_is_made_where_one_listens(edit, hands, example):
    _, grid = example
    columns = round(150 / grid.column_seconds)
    indices = np.tile(grid.indices, -(-columns // grid.columns))[..., :columns]
    long = CodeGrid(indices, columns * 16, grid.model_id, grid.codebook_size)
    open_as_text(edit, hands, long)
    hands.choose_code(hands.another_code(0, 0, 0))
    edit.locator(".code-grid .scroller").evaluate("scroller => { scroller.scrollLeft = scroller.scrollWidth; }")
    edit.locator("canvas.cells").scroll_into_view_if_needed()
    box = edit.locator("canvas.cells").bounding_box()
    before = edit.evaluate(f"() => {hands.FIND}.latest.at")
    edit.mouse.click(box["x"] + box["width"] - 40, box["y"] + 60)
    edit.wait_for_function(f"() => {hands.FIND}.latest.at > {before}")
    assert edit.evaluate(f"() => {hands.FIND}.position") > 100
    expect(edit.locator(HISTORY)).to_have_count(1)
    assert edit.evaluate(f"() => {hands.FIND}.samples") is None  # most of it has not been made
    edit.locator("canvas.cells").focus()
    before = edit.evaluate(f"() => {hands.FIND}.latest.at")
    edit.locator(".code-grid .play").click()
    edit.wait_for_function(f"() => {hands.FIND}.latest.at > {before}")  # the last seconds may be over soon
