"""The strip: a visitor hears, opens and blends all of their clips, not only the first."""

import numpy as np
import pytest
import soundfile
from playwright.sync_api import TimeoutError, expect

from distill.audio import SAMPLE_RATE
from distill.ui.views import AS_BEFORE
from tests.e2e.conftest import HISTORY, fill_shown, open_tab

LONG = "a long name of a hit, " * 4 + "&lt;b onclick=1&gt;.wav"


@pytest.fixture(scope="module")
def hits(tmp_path_factory):
    """Six short sounds, the first and shortest of which nobody wants to see first."""
    folder, noise = tmp_path_factory.mktemp("hits"), np.random.default_rng(0)
    names = ["hit 0.wav", "hit 1.wav", "hit 2.wav", "hit 3.wav", "hit 4.wav", LONG]
    for name, seconds in zip(names, (0.07, 0.3, 2.5, 0.4, 0.8, 0.2), strict=True):
        fading = noise.uniform(-0.5, 0.5, round(seconds * SAMPLE_RATE)) * np.geomspace(
            1, 0.01, round(seconds * SAMPLE_RATE)
        )
        soundfile.write(folder / name, fading, SAMPLE_RATE)
    return [folder / name for name in names]


@pytest.fixture
def dropped(page, hits):
    open_tab(page, "Train")
    page.locator("#train-files input[type=file]").set_input_files(hits)
    expect(page.locator(".strip .group").first).to_have_text("Your clips · 6")
    return page


def test_every_clip_of_a_set_can_be_heard_opened_and_blended_before_any_training(dropped, strip, hands):
    page = dropped
    strip.choose("hit 1.wav")
    _, track, seconds = strip.heard()
    assert (track, round(seconds, 2)) == ("original", 0.3)
    strip.press("rebuilt")
    page.wait_for_function(f"() => {strip.FIND}.ear.last.track === 'codec'")
    assert round(strip.heard()[2], 2) == 0.3
    strip.open("hit 4.wav")
    expect(strip.cell("hit 4.wav")).to_contain_text("open")
    open_tab(page, "Explore")
    expect(page.locator("#explore-player")).to_contain_text("hit 4.wav")
    open_tab(page, "Edit")
    expect(page.locator(".code-grid .clip")).to_have_text("hit 4.wav")
    strip.choose("hit 3.wav")
    strip.press("second")
    expect(page.locator(".code-grid .second")).to_contain_text("hit 3.wav")
    expect(strip.cell("hit 3.wav")).to_contain_text("second")
    strip.press("second")  # once more, and there is no second clip
    expect(page.locator(".code-grid .second")).not_to_contain_text("hit 3.wav")
    page.reload()
    expect(page.locator(".strip .group").first).to_have_text("Your clips · 6")
    expect(strip.cell("hit 4.wav")).to_contain_text("open")


def test_the_strip_works_by_keyboard(dropped, strip):
    page = dropped
    strip.choose("hit 0.wav")
    page.locator(".strip .reel").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    expect(page.locator(".strip .chosen")).to_contain_text("hit 1.wav · 0.30 s")
    expect(page.locator(".strip .cell[aria-selected=true]")).to_contain_text("hit 1.wav")
    page.keyboard.press("r")
    page.wait_for_function(f"() => {strip.FIND}.ear.last?.track === 'codec'")
    page.keyboard.press("Enter")
    expect(strip.cell("hit 1.wav")).to_contain_text("open")
    page.keyboard.press("End")
    expect(page.locator(".strip .chosen")).to_contain_text("loop_weirdo")


def test_a_name_is_text_cut_to_its_place_and_whole_in_its_title(dropped, strip):
    name = next(name for name in strip.names() if name.startswith("a long name"))
    cell = strip.cell(name)
    expect(cell).to_have_attribute("title", f"{name}, 0.20 s")
    assert cell.locator("b").count() == 1
    assert cell.locator("b").evaluate("b => b.scrollWidth > b.clientWidth && b.clientWidth <= 128")


def test_after_a_training_a_clip_worth_opening_is_open_and_badly_known_ones_come_first(dropped, strip):
    page = dropped
    page.get_by_label("number input for Minutes").fill("0.1")
    page.locator("#train-start").click()
    expect(page.locator("#codec")).to_contain_text("6 clips")
    expect(strip.cell("hit 2.wav")).to_contain_text("open")  # the one nearest to three seconds
    expect(page.locator(".strip .chosen")).to_contain_text("dB off")
    page.locator(".strip .sort select").select_option("error")
    expect(page.locator(".strip .note")).to_be_hidden()
    strip_errors = page.evaluate(
        f"""async () => {{
            const mine = {strip.FIND}.clips.filter(({{group}}) => group === "yours").map(({{id}}) => id);
            return (await {strip.FIND}.server.strip_errors({{ids: mine, sound_id: ""}})).mel_l1;
        }}"""
    )
    assert len(strip_errors) == 6
    assert strip_errors == sorted(strip_errors, reverse=True)


def test_a_clip_that_is_gone_says_so(dropped, strip):
    page = dropped
    strip.cell("hit 3.wav")
    page.route("**/app_id*", lambda route: route.abort())  # or Gradio would reload the page
    page.known_errors += ["Failed to load resource: the server responded with a status of 404", "Response"]
    options = '{method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"}'
    assert page.evaluate(f'async () => (await fetch(new URL("leave", document.baseURI), {options})).status') == 200
    strip.choose("hit 3.wav")
    expect(page.locator(".strip .message")).to_contain_text("no longer in the strip")


def test_all_of_the_strips_bar_is_on_one_line(page, strip):
    strip.names()
    middles = [
        box["y"] + box["height"] / 2
        for control in page.locator(".strip .bar :is(button, input, select):visible").all()
        if (box := control.bounding_box())
    ]
    assert len(middles) > 5
    assert max(middles) - min(middles) < 1


def test_of_many_clips_only_those_in_view_are_on_the_page(page, strip, tmp_path):
    noise = np.random.default_rng(1)
    paths = [tmp_path / f"clip {number:02d}.wav" for number in range(60)]
    for path in paths:
        soundfile.write(path, noise.uniform(-0.5, 0.5, 4_410), SAMPLE_RATE)
    open_tab(page, "Train")
    page.locator("#train-files input[type=file]").set_input_files(paths)
    expect(page.locator(".strip .group").first).to_have_text("Your clips · 60")
    expect(strip.cell("clip 50.wav")).to_be_visible()
    assert page.locator(".strip .cell").count() < 25
    assert len(strip.names()) > 60


def test_clips_are_found_weighted_and_laid_out_as_a_pattern(dropped, strip, hands):
    page = dropped
    page.locator(".strip .search").fill("HIT 3")
    expect(page.locator(".strip .cell")).to_have_count(1)
    page.locator(".strip .search").fill("hit")
    page.locator(".strip .several").click()
    for name in ("hit 4.wav", "hit 1.wav", "hit 3.wav", "hit 1.wav"):  # the second press takes it away again
        strip.choose(name)
    expect(page.locator(".strip .chosen")).to_have_text("2 clips · 1.20 s")
    page.locator(".strip .several").click()
    strip.choose("hit 4.wav")
    strip.cell("hit 1.wav").click(modifiers=["Control"])
    expect(strip.cell("hit 1.wav").locator(".place")).to_have_text("2")
    page.locator(".strip .weight select").select_option("4")
    expect(strip.cell("hit 4.wav")).to_contain_text("×4")
    page.locator(".strip .reel").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    page.locator(".strip .weight select").select_option("0")
    expect(strip.cell("hit 0.wav")).to_contain_text("left out")
    open_tab(page, "Train")
    expect(page.locator("#train-clips")).to_contain_text("4 of at least 5 clips")
    page.locator(".strip .weight select").select_option("1")
    expect(page.locator("#train-clips")).to_contain_text("6 clips")
    strip.choose("hit 4.wav")
    strip.cell("hit 3.wav").click(modifiers=["Control"])
    page.locator(".strip .lay-out").click()
    expect(page.locator(".code-grid .clip")).to_have_text("hit 4 + hit 3")
    assert hands.indices().shape[2] == 5 + 3  # 0.8 s and 0.4 s in columns of 186 ms
    page.locator(".strip .search").fill("")
    expect(strip.cell("hit 4 + hit 3")).to_contain_text("open")
    code = hands.another_code(0, 2, 6)
    hands.paint(2, 6, code)
    expect(page.locator(HISTORY)).to_have_count(1)
    assert hands.indices()[0, 2, 6] == code


def until_seen(locator, seconds=20):
    """Whether something is seen within some seconds."""
    try:
        locator.wait_for(timeout=1000 * seconds)
    except TimeoutError:
        return False
    return True


def test_a_codec_is_trained_on_and_compared_with_what_it_was(dropped, strip):
    page = dropped
    strip.choose("hit 2.wav")
    open_tab(page, "Train")
    was = page.locator("#codec").inner_text()
    for minutes in ("0.1", "0.3", "1"):  # of the few steps of a busy machine, none may be better than the codec
        fill_shown(page.get_by_label("number input for Minutes"), minutes)
        page.locator("#train-on").click()
        begins = page.locator("#train-progress", has_not_text="Finished")
        if not until_seen(begins):  # Gradio took the press for one of the call that is just ending
            page.locator("#train-on").click()
        begins.wait_for()
        expect(page.locator("#train-progress")).to_contain_text("Finished")
        if AS_BEFORE not in page.locator("#train-progress").inner_text():
            break
    expect(page.locator("#codec")).to_contain_text("6 clips")
    assert page.locator("#codec").inner_text() != was
    expect(strip.cell("hit 2.wav")).to_contain_text("open")  # the strip's choice goes to it
    strip.choose("hit 3.wav")
    expect(page.locator(".strip .chosen")).to_contain_text("before)")
    strip.press("before")
    page.wait_for_function(f"() => {strip.FIND}.ear.last.track === 'before'")
    assert round(strip.heard()[2], 2) == 0.4
