"""The mixer, Mute and Solo on the Edit tab: by mouse, keyboard and finger; what they change, and what is heard."""

import io

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from distill.audio import SAMPLE_RATE
from tests.e2e.conftest import HISTORY, Hands, floats, open_edit
from tests.waiting import PATIENCE

FULL, MUTED = 50, 128
MUTE, SOLO = ".code-grid .mute-selection", ".code-grid .solo"


class Mixing(Hands):
    """Hands on the mixer."""

    def open_mixer(self):
        self.page.locator(".code-grid .mixer summary").click()

    def faders(self):
        """The faders on the page, [3, 8, columns]; 50 is 100 %, and a mute adds 128."""
        return np.array(self.page.evaluate(f"() => Array.from({self.FIND}.faders)")).reshape(self.indices().shape)

    def fader(self, name):
        return self.page.get_by_role("slider", name=f"{name}: fader in percent")

    def mute(self, name):
        return self.page.get_by_role("button", name=f"{name}: mute")

    def drag_fader(self, name, percent):
        fader = self.fader(name)
        fader.scroll_into_view_if_needed()
        box = fader.bounding_box()
        middle, wide = box["y"] + box["height"] / 2, box["width"] - 16
        now = float(fader.input_value())
        self.page.mouse.move(box["x"] + 8 + now / 150 * wide, middle)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + 8 + percent / 150 * wide, middle, steps=5)
        self.page.mouse.up()
        self.settled()

    def solo_samples(self):
        self.page.wait_for_function(f"() => {self.FIND}.soloSamples")
        return floats(self.page, f"{self.FIND}.soloSamples")

    def band(self, row):
        """The name of a row on the page."""
        return (
            self.page.locator(".code-grid .channels .group").nth(1).locator(".channel span").all_inner_texts()[7 - row]
        )

    def exported(self):
        """The exported sound, and the mix of the exported grid."""
        self.page.locator("#edit-export").click()
        files = []
        for suffix in ("wav", "npz"):
            link = self.page.locator(f"#edit-files a[href$='.{suffix}']")
            link.wait_for()
            files.append(io.BytesIO(self.page.request.get(link.get_attribute("href")).body()))
        with np.load(files[1]) as arrays:
            mix = arrays["mix"].astype(int)
        return soundfile.read(files[0], dtype="float32")[0], mix


def loudness_below(samples, hertz):
    """Energy of the frequencies below a limit."""
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
    return spectrum[: int(hertz / SAMPLE_RATE * len(samples))].sum()


@pytest.fixture
def mixing(page):
    open_edit(page)
    mixing = Mixing(page)
    mixing.open_mixer()
    return mixing


def test_a_fader_that_the_mouse_drags_is_one_edit_is_heard_exported_and_undone(page, mixing):
    codes, sound = mixing.indices(), mixing.samples()
    band = f"Band {mixing.band(0)}"
    mixing.drag_fader(band, 0)
    expect(page.locator(HISTORY)).to_have_count(1)
    expect(mixing.fader(band)).to_have_value("0")
    faders = mixing.faders()
    assert (faders[:, 0] == 0).all()
    assert (faders[:, 1:] == FULL).all()
    assert np.array_equal(mixing.indices(), codes)
    quieter = mixing.samples()
    assert loudness_below(quieter, 100) < loudness_below(sound, 100) / 4
    exported, mix = mixing.exported()
    assert np.array_equal(mix, faders)
    assert np.corrcoef(exported, quieter[: len(exported)])[0, 1] > 0.99
    page.locator(".code-grid .play").focus()
    page.keyboard.press("Control+z")
    expect(page.locator(HISTORY)).to_have_count(0)
    expect(mixing.fader(band)).to_have_value("100")
    mixing.settled()
    assert (mixing.faders() == FULL).all()
    assert np.abs(mixing.samples() - sound).max() < 1e-4
    page.keyboard.press("Control+y")
    expect(mixing.fader(band)).to_have_value("0")


def test_a_fader_reaches_only_what_is_selected(page, mixing):
    mixing.select((2, 1), (4, 3))
    expect(page.locator(".code-grid .mixer .reach")).to_have_text("in the selection")
    expect(mixing.fader(f"Band {mixing.band(6)}")).to_be_disabled()
    mixing.drag_fader(f"Band {mixing.band(3)}", 150)
    faders = mixing.faders()
    assert (faders[:, 3, 1:4] == 75).all()
    assert (np.delete(faders[:, 3], [1, 2, 3], axis=1) == FULL).all()
    assert (np.delete(faders, 3, axis=1) == FULL).all()


def test_without_a_selection_mute_is_for_the_level_that_is_shown(page, mixing):
    page.get_by_role("button", name="Timbre", exact=True).click()
    page.locator(MUTE).click()
    expect(page.locator(MUTE)).to_have_attribute("aria-pressed", "true")
    expect(mixing.mute("Level Timbre")).to_have_attribute("aria-pressed", "true")
    faders = mixing.faders()
    assert (faders[1] == FULL + MUTED).all()
    assert (faders[[0, 2]] == FULL).all()
    page.get_by_role("button", name="Detail", exact=True).click()
    expect(page.locator(MUTE)).to_have_attribute("aria-pressed", "false")
    page.locator(".code-grid .unmix").click()
    assert (mixing.faders() == FULL).all()


def test_mute_and_solo_follow_the_keyboard_and_show_that_they_are_on(page, mixing):
    sound = mixing.samples()
    fader = mixing.fader("Level Structure")
    fader.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    mixing.settled()
    expect(fader).to_have_value("90")
    assert (mixing.faders()[0] == 45).all()
    page.locator(".code-grid .unmix").press("Enter")
    expect(fader).to_have_value("100")
    page.locator("canvas.cells").focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("m")
    expect(page.locator(MUTE)).to_have_attribute("aria-pressed", "true")
    expect(mixing.mute("Level Structure")).to_have_attribute("aria-pressed", "true")
    mixing.settled()
    assert (mixing.faders() == FULL + MUTED).all()
    assert np.square(mixing.samples()).mean() < np.square(sound).mean() / 100
    page.keyboard.press("Control+z")
    expect(page.locator(MUTE)).to_have_attribute("aria-pressed", "false")
    mixing.settled()
    count = page.locator(HISTORY).count()
    page.keyboard.press("Escape")
    mixing.select((0, 0), (1, 3))
    page.keyboard.press("o")
    expect(page.locator(SOLO)).to_have_attribute("aria-pressed", "true")
    alone = mixing.solo_samples()
    assert np.square(alone).mean() < np.square(sound).mean()
    of_it = slice(4 * 8192)  # the samples of its four columns
    assert loudness_below(alone[of_it], 100) > loudness_below(sound[of_it], 100) / 20
    half = len(alone) // 2
    assert np.square(alone[half + 8192 :]).mean() < np.square(alone[:half]).mean() / 100  # silent outside its time
    page.keyboard.press("o")
    expect(page.locator(SOLO)).to_have_attribute("aria-pressed", "false")
    expect(page.locator(HISTORY)).to_have_count(count)  # a solo is no edit
    assert np.abs(mixing.samples() - sound).max() < 1e-4


def test_a_finger_moves_faders_mutes_and_solos(browser, app_url):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.set_default_timeout(1000 * PATIENCE)
    page = context.new_page()
    page.goto(app_url)
    open_edit(page)
    mixing = Mixing(page)
    page.locator(".code-grid .mixer summary").tap()
    fader = mixing.fader("Level Structure")
    fader.scroll_into_view_if_needed()
    box = fader.bounding_box()
    devtools = context.new_cdp_session(page)
    y, thumb = box["y"] + box["height"] / 2, box["x"] + 8 + 100 / 150 * (box["width"] - 16)
    for kind, x in (("touchStart", thumb), ("touchMove", thumb - 20), ("touchMove", box["x"] + 9), ("touchEnd", None)):
        devtools.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if x is None else [{"x": x, "y": y}]}
        )
        page.wait_for_timeout(40)
    expect(page.locator(HISTORY)).to_have_count(1)
    mixing.settled()
    faders = mixing.faders()
    assert (faders[0] < 5).all()
    assert (faders[1:] == FULL).all()
    mute = mixing.mute("Level Detail")
    mute.tap()
    expect(mute).to_have_attribute("aria-pressed", "true")
    mute.tap()
    expect(mute).to_have_attribute("aria-pressed", "false")
    mixing.settled()
    assert np.array_equal(mixing.faders(), faders)
    page.locator(SOLO).tap()
    expect(page.locator(SOLO)).to_have_attribute("aria-pressed", "true")
    page.locator("[data-act=undo]").tap()
    page.locator("[data-act=undo]").tap()
    page.locator("[data-act=undo]").tap()
    expect(page.locator(HISTORY)).to_have_count(0)
    expect(fader).to_have_value("100")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
