"""Beat, loop, pads and record on the Edit tab, as a musician uses them: by mouse, touch, keyboard and MIDI."""

import io
import struct
import zipfile

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from distill.audio import SAMPLE_RATE
from tests.e2e.conftest import HISTORY, Hands, open_edit

RULER = "canvas.ruler"
WORDS = ".code-grid .loop-words"
MIDI = """
    navigator.requestMIDIAccess = async () => {
        window.pads = { name: "Test pads", onmidimessage: null };
        window.play = (...data) => window.pads.onmidimessage({ data: new Uint8Array(data) });
        return { inputs: new Map([["1", window.pads]]), onstatechange: null };
    };
"""


class Beats(Hands):
    """A musician's hands on the ruler."""

    def place_on_ruler(self, moment, y=7):
        ruler = self.page.locator(RULER)
        ruler.scroll_into_view_if_needed()
        box = ruler.bounding_box()
        wide = self.page.locator(".code-grid .track").evaluate("track => track.clientWidth")
        return box["x"] + moment / self.seconds() * wide, box["y"] + y

    def seconds(self):
        return self.indices().shape[2] * 8192 / SAMPLE_RATE

    def drag_on_ruler(self, start, stop, y=7):
        self.page.mouse.move(*self.place_on_ruler(start, y))
        self.page.mouse.down()
        self.page.mouse.move(*self.place_on_ruler(stop, y), steps=6)
        self.page.mouse.up()

    def loop(self):
        expect(self.page.locator(WORDS)).not_to_contain_text("Finding")
        words = self.page.locator(WORDS).inner_text()
        if words == "No loop":
            return None
        return [float(each) for each in words.split(" ")[1].split("–")]

    def choose(self, name, value):
        self.page.locator(f".code-grid .{name}").select_option(value)

    def set_tempo(self, tempo):
        field = self.page.locator(".code-grid .tempo")
        field.fill(str(tempo))
        field.press("Enter")
        self.page.locator(".code-grid .tap").focus()

    def steps(self, *keys):
        """Record keys without playing, as one edit."""
        self.page.locator(".code-grid .rec").click()
        for key in keys:
            self.page.keyboard.press(key)
        self.page.locator(".code-grid .rec").click()
        self.settled()


@pytest.fixture
def beats(page):
    open_edit(page)
    beats = Beats(page)
    beats.indices()
    return beats


def test_a_loop_is_drawn_moved_and_kept_on_the_beat_and_saved_with_its_points(page, beats):
    page.mouse.move(*beats.place_on_ruler(1))
    expect(page.locator(".code-grid .tempo")).not_to_have_value("120", timeout=60_000)  # the pointer is enough
    beats.set_tempo(240)  # the clip is short
    beats.choose("snap", "1")
    beats.drag_on_ruler(0.1, 0.2, y=24)  # the beat itself
    beats.drag_on_ruler(0.4, 0.92)
    first = beats.loop()
    assert first[1] - first[0] == pytest.approx(0.5, abs=0.011)
    beats.drag_on_ruler(sum(first) / 2, sum(first) / 2 + 0.25)
    assert beats.loop() == pytest.approx([edge + 0.25 for edge in first], abs=0.011)
    page.locator(RULER).focus()
    page.keyboard.press("ArrowLeft")
    assert beats.loop() == pytest.approx(first, abs=0.011)
    page.keyboard.press("Shift+ArrowRight")
    looped = beats.loop()
    assert looped == pytest.approx([first[0], first[1] + 0.25], abs=0.011)
    page.mouse.move(*beats.place_on_ruler(first[0] + 0.01))
    page.mouse.down()
    page.mouse.move(*beats.place_on_ruler(0), steps=4)
    assert beats.loop() != looped
    page.keyboard.press("Escape")
    page.mouse.up()
    assert beats.loop() == looped
    with page.expect_download() as download:
        page.locator(".code-grid .save-loop").click()
    content = download.value.path().read_bytes()
    samples, rate = soundfile.read(io.BytesIO(content))
    assert len(samples) == pytest.approx(0.75 * rate, abs=1)
    assert np.abs(samples).max() > 0.01
    assert struct.unpack("<f", content[-4:])[0] == 240
    assert b"smpl" in content
    page.locator("#edit-export-daw").click()
    with page.expect_download() as download:
        page.locator("#edit-files a").first.click()
    with zipfile.ZipFile(download.value.path()) as kit:
        (name,) = (name for name in kit.namelist() if name.endswith("-loop.wav"))
        assert "240bpm" in name
        assert len(soundfile.read(io.BytesIO(kit.read(name)))[0]) == pytest.approx(0.75 * rate, abs=1)
    page.reload()
    open_edit(page)
    expect(page.locator(WORDS)).to_have_text(f"Loop {looped[0]:.2f}–{looped[1]:.2f} s, 3 beats")
    page.locator(RULER).focus()
    page.keyboard.press("Delete")
    assert beats.loop() is None


def test_selections_and_repeats_keep_to_the_beat(page, beats, example):
    beats.set_tempo(100)
    beats.choose("snap", "1")
    before = beats.indices()
    beats.select((0, 1), (7, 1))
    selected = page.evaluate(f"() => {Hands.FIND}.selection.columns")
    period = 0.6 * SAMPLE_RATE / 8192
    assert selected[1] - selected[0] + 1 in (int(period), int(period) + 1)
    page.locator(".code-grid .times").fill("2")
    beats.press("repeat")
    beats.settled()
    after = beats.indices()
    for copy in (1, 2):
        start = selected[0] + int(copy * period + 0.5)
        width = int((copy + 1) * period + 0.5) - int(copy * period + 0.5)
        width = min(width, selected[1] - selected[0] + 1)
        expected = before[:, :, selected[0] : selected[0] + width]
        assert np.array_equal(after[:, :, start : start + width], expected)
    expect(page.locator(HISTORY)).to_have_count(1)


def test_keys_write_codes_columns_and_clips_step_by_step_and_each_take_is_one_edit(page, beats):
    before = beats.indices()
    beats.choose("keys-mode", "codes")
    first, second = page.locator(".code-grid .pad").all_inner_texts()[:2]
    codes = [int(text.split("\n")[-1].lstrip("QW")) for text in (first, second)]
    beats.steps("q", "w", "q")
    after = beats.indices()
    assert after[0, :, :3].T.tolist() == [[codes[0]] * 8, [codes[1]] * 8, [codes[0]] * 8]
    assert np.array_equal(after[1:], before[1:])
    expect(page.locator(HISTORY)).to_have_count(1)
    page.keyboard.press("Control+z")
    expect(page.locator(HISTORY)).to_have_count(0)
    beats.settled()
    assert np.array_equal(beats.indices(), before)
    beats.choose("keys-mode", "columns")
    page.locator(RULER).focus()
    page.mouse.click(*beats.place_on_ruler(0.01, 24))
    beats.steps("t", "r")  # the fifth column, then the fourth
    assert np.array_equal(beats.indices()[:, :, :2], before[:, :, [4, 3]])
    beats.choose("keys-mode", "clips")
    expect(page.locator(".code-grid .pad").nth(1)).to_be_enabled()
    page.wait_for_timeout(500)
    page.keyboard.press("w")
    page.mouse.click(*beats.place_on_ruler(0.01, 24))
    page.wait_for_function("() => !document.querySelector('.code-grid .pad.hit')")
    page.wait_for_timeout(2_000)
    beats.steps("w")
    assert not np.array_equal(beats.indices(), before)
    expect(page.locator(HISTORY)).to_have_count(2)
    beats.choose("keys-mode", "off")
    page.keyboard.press("s")
    expect(page.locator(".code-grid [data-tool=select]")).to_have_attribute("aria-pressed", "true")


def test_what_is_played_over_the_running_loop_is_written_at_the_playhead(page, beats):
    before = beats.indices()
    beats.choose("keys-mode", "codes")
    page.locator(".code-grid .rec").click()
    page.locator(".code-grid .loop").click()
    page.locator(".code-grid .play").click()
    page.wait_for_function(f"() => {Hands.FIND}.position > 0.3")
    page.keyboard.press("e")
    page.wait_for_timeout(300)
    page.keyboard.press("d")
    page.locator(".code-grid .play").click()
    beats.settled()
    changed = np.unique(np.nonzero(beats.indices() != before)[2])
    assert 1 <= len(changed) <= 4
    expect(page.locator(HISTORY)).to_have_count(1)
    expect(page.locator(HISTORY)).to_contain_text("played")


def test_a_held_key_fills_the_columns_until_it_is_let_go(page, beats):
    before = beats.indices()
    beats.choose("keys-mode", "codes")
    page.locator(".code-grid .rec").click()
    page.locator(".code-grid .play").click()
    page.wait_for_function(f"() => {Hands.FIND}.position > 0.2")
    page.keyboard.down("e")
    page.wait_for_function(f"() => {Hands.FIND}.position > 1")
    page.keyboard.up("e")
    page.locator(".code-grid .rec").click()
    beats.settled()
    after = beats.indices()
    changed = np.unique(np.nonzero(after != before)[2])
    assert changed[-1] - changed[0] >= 2
    assert len(np.unique(after[0, :, changed[0] : changed[-1]])) == 1
    assert np.array_equal(after[1:], before[1:])
    expect(page.locator(HISTORY)).to_have_count(1)


def test_an_export_has_what_is_recorded_though_rec_is_on(page, beats):
    beats.choose("keys-mode", "codes")
    page.locator(".code-grid .rec").click()
    page.keyboard.press("q")
    page.keyboard.press("w")
    recorded = beats.indices()
    page.locator("#edit-export").click()
    link = page.locator("#edit-files a[href$='.npz']")
    link.wait_for()
    with np.load(io.BytesIO(page.request.get(link.get_attribute("href")).body())) as arrays:
        assert np.array_equal(arrays["indices"], recorded)
    expect(page.locator(HISTORY)).to_have_count(1)
    expect(page.locator(".code-grid .rec")).to_have_attribute("aria-pressed", "true")


def test_a_held_arrow_key_of_the_ruler_is_sent_when_it_is_let_go(page, beats):
    beats.set_tempo(120)
    page.locator(RULER).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    before = beats.loop()

    def moves(request):
        is_timing = "timing" in (request.post_data or "")
        return is_timing and request.post_data_json["data"]["loop"][0] > before[0] + 0.01

    asked = []
    page.on("request", lambda each: asked.append(each) if moves(each) else None)
    page.keyboard.down("Alt")
    for _ in range(6):
        page.keyboard.down("ArrowRight")
    with page.expect_request(moves):
        page.keyboard.up("ArrowRight")
    page.keyboard.up("Alt")
    assert len(asked) == 1
    assert beats.loop()[0] > before[0] + 0.5


def test_midi_pads_play_and_record(browser, app_url):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(300_000)
    page = context.new_page()
    page.add_init_script(MIDI)
    page.goto(app_url)
    open_edit(page)
    beats = Beats(page)
    before = beats.indices()
    page.locator(".code-grid .midi").click()
    expect(page.locator(".code-grid .message")).to_have_text("MIDI: Test pads.")
    page.locator(".code-grid .rec").click()
    page.evaluate("play(0x90, 36, 100)")
    expect(page.locator(".code-grid .pad.hit")).to_have_count(1)
    page.evaluate("play(0x80, 36, 0)")
    page.locator(".code-grid .rec").click()
    beats.settled()
    assert len(np.unique(beats.indices()[0, :, 0])) == 1
    assert np.array_equal(beats.indices()[1:], before[1:])
    context.close()


def tap_until(button, pressed):
    """Tap a button until it took the tap: a browser takes one right after a scroll for the end of the scroll."""
    for _ in range(5):
        button.tap()
        try:
            expect(button).to_have_attribute("aria-pressed", pressed, timeout=3_000)
        except AssertionError:
            continue
        return
    raise AssertionError("The button took no tap.")


def test_a_finger_draws_the_loop_and_hits_the_pads(browser, app_url):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.set_default_timeout(300_000)
    page = context.new_page()
    page.goto(app_url)
    open_edit(page)
    beats = Beats(page)
    beats.indices()
    ruler = page.locator(RULER)
    ruler.scroll_into_view_if_needed()
    box = ruler.bounding_box()
    devtools = context.new_cdp_session(page)
    for kind, x in (("touchStart", 40), ("touchMove", 90), ("touchMove", 160), ("touchEnd", None)):
        points = [] if x is None else [{"x": box["x"] + x, "y": box["y"] + 7}]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert beats.loop()[1] > beats.loop()[0]
    beats.choose("keys-mode", "codes")
    record = page.locator(".code-grid .rec")
    record.evaluate("button => button.scrollIntoView({block: 'center'})")
    tap_until(record, "true")
    page.locator(".code-grid .pad").nth(2).tap()
    tap_until(record, "false")
    beats.settled()
    assert len(np.unique(beats.indices()[0, :, 0])) == 1
    expect(page.locator(HISTORY)).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    actions = page.locator(".code-grid :is(button, select, summary, input)").evaluate_all(
        "all => [...new Set(all.map((each) => getComputedStyle(each).touchAction))]"
    )
    assert set(actions) <= {"manipulation", "none"}  # or the first of two quick taps may be lost to a double tap
    context.close()
