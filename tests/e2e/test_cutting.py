"""A visitor cuts a long recording into clips, changes the cuts by hand, hears the pieces, and trains on them."""

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from distill.audio import SAMPLE_RATE
from tests.e2e.conftest import open_tab

FIND = "[...document.querySelectorAll('#cutter *')].find(part => part.cutter)?.cutter"
STARTS = (0.5, 1.0, 1.5, 2.5, 3.0, 4.0)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Six hits at known times in a recording of five seconds."""
    path, random = tmp_path_factory.mktemp("takes") / "take one.wav", np.random.default_rng(0)
    sound = np.zeros(5 * SAMPLE_RATE)
    for start in STARTS:
        hit = np.geomspace(1, 1e-4, SAMPLE_RATE // 3) * random.uniform(-0.5, 0.5, SAMPLE_RATE // 3)
        sound[round(start * SAMPLE_RATE) :][: len(hit)] += hit
    soundfile.write(path, sound, SAMPLE_RATE)
    return path


class CutterHands:
    """Actions of a visitor on the cutter, and its visible state."""

    def __init__(self, page, recording):
        self.page = page
        open_tab(page, "Train")
        page.locator("#train-files input[type=file]").set_input_files(recording)
        expect(page.locator("#cutter canvas")).to_be_visible()
        page.locator("#cutter .mark").first.wait_for(state="detached")

    def pieces(self):
        return np.array(self.page.evaluate(f"() => {FIND}.cuts.pieces")) / SAMPLE_RATE

    def place(self, seconds):
        box = self.page.locator("#cutter canvas").bounding_box()
        scale = self.page.evaluate(f"() => {FIND}.view.scale")
        scroll = self.page.evaluate(f"() => {FIND}.view.scroller.scrollLeft")
        return box["x"] + seconds * SAMPLE_RATE * scale - scroll, box["y"] + 60

    def press(self, name):
        self.page.locator(f"#cutter .{name}").click()

    def find(self, by, count):
        self.page.evaluate(f"() => {{ window.cutsBefore = {FIND}.cuts }}")
        self.page.locator(f"#cutter [data-by={by}]").click()
        is_found = f"count => {FIND}.cuts !== window.cutsBefore && {FIND}.cuts.count === count"
        self.page.wait_for_function(is_found, arg=count)

    def heard(self):
        """Start and length of the piece that sounded last, in seconds."""
        self.page.wait_for_function(f"() => {FIND}.ear.last")
        start, seconds = self.page.evaluate(
            f"() => {{ const {{ id, buffer }} = {FIND}.ear.last; return [JSON.parse(id).start, buffer.duration] }}"
        )
        return start / SAMPLE_RATE, seconds

    def heard_at(self, start):
        self.page.wait_for_function(
            f"start => Math.abs(JSON.parse({FIND}.ear.last?.id ?? '{{}}').start - start) < 900", arg=start * SAMPLE_RATE
        )


def test_a_recording_is_cut_at_its_hits_the_cuts_are_changed_and_the_pieces_are_the_set(page, recording):
    hands = CutterHands(page, recording)
    expect(page.locator("#train-clips")).to_contain_text("1 of at least 5 clips")
    hands.find("silence", 6)
    hands.find("onsets", 6)
    assert np.abs(hands.pieces()[:, 0] - STARTS).max() < 0.015
    page.mouse.click(*hands.place(2.6))
    hands.heard_at(2.5)
    expect(page.locator("#cutter .readout")).to_contain_text("Clip 4 of 6")
    page.mouse.move(*hands.place(hands.pieces()[4][0]))  # drag the cut at 3 s to 2.9 s
    page.mouse.down()
    page.mouse.move(*hands.place(2.95), steps=4)
    page.mouse.move(*hands.place(2.9), steps=4)
    page.mouse.up()
    assert hands.pieces()[4][0] == pytest.approx(2.9, abs=0.01)
    page.mouse.dblclick(*hands.place(2.7))
    assert len(hands.pieces()) == 7
    expect(page.locator("#cutter .mark.chosen")).to_have_count(1)
    hands.press("remove")
    assert len(hands.pieces()) == 6
    hands.press("leave")  # the piece under the cursor
    assert len(hands.pieces()) == 5
    expect(page.locator("#cutter .readout")).to_contain_text("Left out")
    hands.press("undo")
    assert len(hands.pieces()) == 6
    expect(page.locator("#cutter .apply")).to_have_text("Cut into 6 clips")
    hands.press("apply")
    expect(page.locator("#train-clips")).to_contain_text("6 clips")
    expect(page.locator("#train-clips")).to_contain_text("take one 6.wav")
    expect(page.locator(".strip .group").first).to_have_text("Your clips · 6")
    expect(page.locator("#cutter .apply")).to_have_text("Cut into 6 clips, done")
    page.reload()
    open_tab(page, "Train")
    expect(page.locator("#cutter .readout")).to_contain_text("of 6")
    assert hands.pieces()[4][0] == pytest.approx(2.9, abs=0.01)
    hands.press("clear")
    expect(page.locator("#cutter .apply")).to_have_text("Put together again")
    hands.press("apply")
    expect(page.locator("#train-clips")).to_contain_text("1 of at least 5 clips")


def test_all_is_done_by_keyboard(page, recording):
    hands = CutterHands(page, recording)
    page.locator("#cutter [data-by=onsets]").press("Enter")
    page.wait_for_function(f"() => {FIND}.cuts.count === 6")
    canvas = page.locator("#cutter canvas")
    canvas.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    expect(page.locator("#cutter .readout")).to_contain_text("cut ")
    before = page.evaluate(f"() => [...{FIND}.cuts.marks]")
    chosen = page.evaluate(f"() => {FIND}.mark")
    page.keyboard.press("Alt+Shift+ArrowRight")
    after = page.evaluate(f"() => [...{FIND}.cuts.marks]")
    assert after[chosen] - before[chosen] == 44
    assert [mark for mark in after if mark not in before] == [after[chosen]]
    page.keyboard.press(" ")
    assert hands.heard()[0] * SAMPLE_RATE == pytest.approx(after[chosen], abs=1)
    page.keyboard.press("Delete")
    assert page.evaluate(f"() => {FIND}.cuts.marks.length") == len(before) - 1
    page.keyboard.press("Control+z")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.evaluate(f"() => {FIND}.cuts.marks.length") == len(before) + 1
    page.keyboard.press("x")
    expect(page.locator("#cutter .leave")).to_have_attribute("aria-pressed", "true")
    for _ in range(6):
        page.keyboard.press("+")
    assert page.evaluate(f"() => {FIND}.view.zoom") > 5
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_fingers_drag_cuts_and_hear_pieces(browser, app_url, recording):
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True)
    page = context.new_page()
    page.goto(app_url)
    hands = CutterHands(page, recording)
    hands.find("onsets", 6)
    page.locator("#cutter canvas").scroll_into_view_if_needed()
    page.touchscreen.tap(*hands.place(1.6))
    hands.heard_at(1.5)
    (x, y), (to, _) = hands.place(hands.pieces()[3][0]), hands.place(2.3)
    client = context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [(x, y + 48)]),
        ("touchMove", [((x + to) / 2, y + 48)]),
        ("touchMove", [(to, y + 48)]),
        ("touchEnd", []),
    ):
        touches = [{"x": left, "y": top} for left, top in points]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    page.wait_for_function(f"() => {FIND}.mark >= 0")
    assert hands.pieces()[3][0] == pytest.approx(2.3, abs=0.05)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
