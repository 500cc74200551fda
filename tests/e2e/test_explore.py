"""The Explore tab in a real browser: pictures and sound, and that they stay in step."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from distill.audio import SAMPLE_RATE, load_clip
from distill.codec import Codec
from tests.e2e.conftest import floats

FIND = "[...document.querySelectorAll('#explore-player *')].find(part => part.player)?.player"
SPECTRA = "[...document.querySelectorAll('#explore-spectra *')].find(part => part.spectra)?.spectra"


@pytest.fixture
def explore(page):
    page.get_by_role("tab", name="Explore").click()
    loaded(page, 0)
    return page


@pytest.fixture(scope="module")
def codec(clips):
    return Codec.load(clips[0].parents[1] / "models" / "loops.distill")


def loaded(page, track):
    """The samples of a track, as soon as they are loaded."""
    page.wait_for_function(f"() => {FIND}?.loaded({track})")
    return floats(page, f"{FIND}.loaded({track})")


def state(page):
    shown = f"track: {FIND}.track, playing: {FIND}.playing, position: {FIND}.position"
    return page.evaluate(f"() => ({{{shown}, time: performance.now() / 1000}})")


def send(page, path):
    with page.expect_file_chooser() as chooser:
        page.locator("#explore-upload").click()
    chooser.value.set_files(path)


def upload(page, path):
    send(page, path)
    expect(page.locator("#explore-player .choose").first).to_contain_text(Path(path).name)


def view(page):
    """Start and end of what is in view of the clip, in seconds."""
    return tuple(page.evaluate(f"() => {SPECTRA}.view"))


def shows(page, start, stop, within=0.03):
    """Wait until the pictures and the waveforms show the clip from a moment to another."""
    near = " && ".join(f"Math.abs(view[{i}] - {each}) < {within}" for i, each in enumerate((start, stop)))
    page.wait_for_function(f"() => {{ const {{view}} = {SPECTRA}; return {near}; }}")
    page.wait_for_function(f"() => {SPECTRA}.loaded")


def pixels(page, number):
    """The colours of a picture on the page, [height, width, 4]."""
    page.wait_for_timeout(200)
    drawn = (
        page.locator("#explore-spectra .pane")
        .nth(number)
        .evaluate(
            """pane => {
            const {data, width, height} = pane.getContext('2d').getImageData(0, 0, pane.width, pane.height);
            return [Array.from(data), height, width];
        }"""
        )
    )
    return np.array(drawn[0]).reshape(drawn[1], drawn[2], 4)


def test_the_first_visit_shows_and_plays_the_example(explore, clips):
    shows(explore, 0, 1.9)
    expect(explore.locator("#explore-spectra .panel b")).to_have_text(
        ["Original", "+ Detail", "Difference", "Structure codes", "Timbre codes", "Detail codes", ""]
    )
    assert all(len(np.unique(pixels(explore, number).reshape(-1, 4), axis=0)) > 5 for number in range(6))
    clip = load_clip(clips[0].with_name("loop_breakbeat.flac"))
    original, reconstruction = loaded(explore, 0), loaded(explore, 3)
    assert np.abs(original - clip.waveform).max() < 1e-4
    assert 0 <= len(reconstruction) - len(original) < 512
    assert np.abs(reconstruction).max() > 0.05
    expect(explore.locator("#explore-facts")).to_contain_text("bit/s")
    expect(explore.locator("#explore-facts")).not_to_contain_text("…")


def test_an_uploaded_clip_is_shown_on_one_time_axis_and_heard_level_by_level(explore, clips, codec):
    upload(explore, clips[1])
    clip = load_clip(clips[1])
    grid = codec.encode(clip.waveform, SAMPLE_RATE)
    expect(explore.locator("#explore-player")).to_contain_text(clips[1].name)
    shows(explore, 0, grid.num_frames * 512 / SAMPLE_RATE)
    assert np.abs(loaded(explore, 0) - clip.waveform).max() < 1e-4
    for levels in (1, 2, 3):
        explore.locator("#explore-player .choose").nth(levels).click()
        heard = loaded(explore, levels)
        expected = codec.decode(grid, levels=levels)
        assert len(heard) == len(expected)
        assert np.abs(heard).max() > 0.01
        assert np.abs(heard - np.clip(expected, -1, 1)).max() < 0.02
    expect(explore.locator("#explore-facts")).not_to_contain_text("…")


def test_another_track_goes_on_at_the_same_moment(explore):
    for track in range(4):
        explore.locator("#explore-player .choose").nth(track).click()
        loaded(explore, track)
    explore.locator("#explore-player .choose").nth(0).click()
    explore.locator("#explore-player .loop").click()  # a busy machine takes longer than the clip for what follows
    explore.get_by_role("button", name="Play").click()
    explore.wait_for_function(f"() => {FIND}.position > 0.2")
    before = state(explore)
    explore.locator("#explore-player .choose").nth(3).click()
    after = state(explore)
    assert (before["track"], after["track"]) == (0, 3)
    assert after["playing"]
    _, seconds = view(explore)
    assert (after["position"] - before["position"]) % seconds < after["time"] - before["time"] + 0.5
    explore.locator("#explore-player .compare").click()
    assert state(explore)["track"] == 0
    explore.get_by_role("button", name="Pause").click()
    assert not state(explore)["playing"]


def test_the_player_is_played_by_keyboard(explore):
    explore.locator("#explore-player .wave").first.focus()
    explore.keyboard.press("ArrowRight")
    assert state(explore)["position"] == pytest.approx(0.2)
    explore.keyboard.press("x")
    assert state(explore)["track"] == 3
    explore.keyboard.press("x")
    assert state(explore)["track"] == 0
    explore.keyboard.press("ArrowDown")
    assert state(explore)["track"] == 1
    loaded(explore, 1)
    explore.keyboard.press(" ")
    assert state(explore)["playing"]
    explore.keyboard.press(" ")
    assert not state(explore)["playing"]


def test_a_picture_is_read_clicked_and_shows_the_track_that_is_heard(explore, clips, codec):
    explore.wait_for_function(f"() => {SPECTRA}.loaded")
    log_mel = codec.log_mel_of(load_clip(clips[0].with_name("loop_breakbeat.flac"))).numpy()
    pane = explore.locator("#explore-spectra .pane").first
    box = pane.bounding_box()
    pane.click(position={"x": box["width"] * 0.5, "y": box["height"] * 0.25})
    _, stop = view(explore)
    assert state(explore)["position"] == pytest.approx(stop / 2, abs=0.02)
    moment, hertz, levels, _, codes = explore.locator("#explore-spectra .readout").inner_text().split(" · ")
    frame, band = int(float(moment.split()[0]) * SAMPLE_RATE / 512), 96
    decibels = log_mel[band - 1 : band + 2, frame - 1 : frame + 2] * 20 / np.log(10)
    original = float(levels.split()[1].replace("−", "-"))
    assert decibels.min() - 1 <= original <= decibels.max() + 1
    assert 7 < float(hertz.removesuffix(" kHz")) < 10
    grid = codec.encode(load_clip(clips[0].with_name("loop_breakbeat.flac")).waveform, SAMPLE_RATE)
    assert codes == "codes " + ", ".join(
        f"{name} {grid.indices[level, band // 16, frame // 16]}"
        for level, name in enumerate(("Structure", "Timbre", "Detail"))
    )
    head, over = (explore.locator(f"#explore-spectra {name}").bounding_box() for name in (".playhead", ".over"))
    assert head["x"] + 1 - over["x"] == pytest.approx(over["width"] / 2, abs=3)
    before = pixels(explore, 1)
    explore.locator("#explore-player .choose").nth(1).click()
    expect(explore.locator("#explore-spectra .panel b").nth(1)).to_have_text("Structure")
    assert not np.array_equal(pixels(explore, 1), before)


def test_a_part_is_chosen_on_a_wave_or_a_picture_and_zoomed_by_button_wheel_and_keys(explore):
    loaded(explore, 3)
    _, whole = view(explore)
    for canvas in ("#explore-player .wave", "#explore-spectra .pane"):
        at = explore.locator(canvas).first.bounding_box()
        y = at["y"] + at["height"] / 2
        explore.mouse.move(at["x"] + at["width"] * 0.25, y)
        explore.mouse.down()
        explore.mouse.move(at["x"] + at["width"] * 0.5, y, steps=5)
        explore.mouse.up()
        expect(explore.locator("#explore-player .clock")).to_contain_text("selected")
        explore.get_by_role("button", name="Zoom to selection").click()
        shows(explore, whole / 4, whole / 2)
        explore.get_by_role("button", name="Whole clip").click()
        shows(explore, 0, whole)
        explore.locator("#explore-player .wave").first.focus()
        explore.keyboard.press("Escape")
    unzoomed = pixels(explore, 0)
    explore.mouse.move(at["x"] + at["width"] * 0.75, y)
    explore.keyboard.down("Control")
    for _ in range(3):
        explore.mouse.wheel(0, -40)
        explore.wait_for_timeout(50)
    explore.keyboard.up("Control")
    start, stop = view(explore)
    assert stop - start < whole / 2
    assert start + 0.75 * (stop - start) == pytest.approx(0.75 * whole, abs=0.02)
    assert not np.array_equal(pixels(explore, 0), unzoomed)
    explore.keyboard.down("Shift")
    explore.mouse.wheel(0, -4000)
    explore.keyboard.up("Shift")
    shows(explore, 0, stop - start)
    explore.locator("#explore-spectra .stack").focus()
    explore.keyboard.press("0")
    shows(explore, 0, whole)
    explore.keyboard.press("+")
    shows(explore, whole / 12, whole / 12 + whole / 1.5)  # around the moment that was chosen, a quarter of the clip
    explore.keyboard.press("ArrowRight")
    expect(explore.locator("#explore-spectra .readout")).to_contain_text("kHz")


def test_a_code_of_the_codebook_is_heard_when_it_is_pressed(explore, codec):
    explore.locator("#explore-codebook").get_by_role("button", name="Timbre").click()
    expect(explore.locator("#explore-codebook .tiles button")).to_have_count(64)
    explore.locator("#explore-codebook .tiles").get_by_role("button", name="Code 7,").click()
    found = "[...document.querySelectorAll('#explore-codebook *')].find(part => part.codebook)?.codebook.heard"
    explore.wait_for_function(f"() => {found}")
    assert explore.evaluate(f"() => [{found}.level, {found}.code]") == [1, 7]
    assert np.abs(floats(explore, f"{found}.samples") - codec.audition(1, 7)).max() < 1e-3
    expect(explore.locator("#explore-codebook .readout")).to_contain_text("code 7")


def test_the_pictures_of_a_codec_are_fetched_once_for_all_clips_and_components(page, strip, app_url):
    page.goto("about:blank")  # the page before would count as well
    fetched = []
    page.on("request", lambda request: fetched.append(request.post_data or ""))

    def asked():
        return sum("codec_pictures" in body for body in fetched)

    page.goto(app_url)
    page.get_by_role("tab", name="Explore").click()
    tiles = page.locator("#explore-codebook .tiles button")
    expect(tiles.first).to_have_attribute("style", re.compile("blob:"))
    page.get_by_role("tab", name="Edit").click()
    painted = page.locator(".code-grid .palette button").first
    expect(painted).to_have_attribute("style", re.compile("blob:"))
    page.get_by_role("tab", name="Explore").click()
    strip.open("loop_industrial")
    expect(page.locator("#explore-player")).to_contain_text("loop_industrial.flac")
    page.get_by_role("tab", name="Edit").click()
    expect(page.locator(".code-grid .clip")).to_have_text("loop_industrial.flac")
    expect(painted).to_have_attribute("style", re.compile("blob:"))
    assert asked() == 1


def test_until_the_pictures_of_the_codes_arrive_the_palette_says_that_they_are_drawn(page, app_url):
    page.goto("about:blank")  # the page before would count as well
    held = []

    def hold(route):
        held.append(route) if "codec_pictures" in (route.request.post_data or "") else route.continue_()

    page.route("**/component_server/", hold)
    page.goto(app_url)
    page.get_by_role("tab", name="Edit").click()
    for palette in ("#edit-grid .palette", "#explore-codebook .tiles"):
        page.get_by_role("tab", name="Explore" if "explore" in palette else "Edit").click()
        page.wait_for_function(
            "words => getComputedStyle(document.querySelector(words[0]), '::before').content.includes(words[1])",
            arg=[palette, "Drawing the codes"],
        )
        expect(page.locator(palette)).to_have_attribute("aria-busy", "true")
    [once] = held
    once.continue_()
    expect(page.locator("#explore-codebook .tiles")).to_have_attribute("aria-busy", "false")
    page.get_by_role("tab", name="Edit").click()
    expect(page.locator("#edit-grid .palette")).to_have_attribute("aria-busy", "false")
    page.unroute("**/component_server/")


def test_a_component_whose_code_does_not_load_says_so(browser, app_url):
    context = browser.new_context()
    page = context.new_page()
    page.route(re.compile("/page/.*/joined.js"), lambda route: route.abort())
    page.goto(app_url)
    for part in ("#strip", "#edit-grid"):
        expect(page.locator(f"{part} [role=alert]").first).to_contain_text("did not load; please reload the page")
    page.get_by_role("tab", name="Explore").click()
    for part in ("#explore-player", "#explore-codebook"):
        expect(page.locator(f"{part} [role=alert]").first).to_contain_text("did not load; please reload the page")
    context.close()


def test_the_codebook_is_sorted_by_use(explore, codec, clips):
    grid = codec.encode(load_clip(clips[0].with_name("loop_breakbeat.flac")).waveform, SAMPLE_RATE)
    most = int(codec.usage(grid)[0].argmax())
    explore.locator("#explore-codebook select").select_option("here")
    first = explore.locator("#explore-codebook .tiles button").first.get_attribute("aria-label")
    assert f"{codec.usage(grid)[0].max()} cells" in first
    assert codec.usage(grid)[0][int(first.split()[1].strip(","))] == codec.usage(grid)[0][most]


def test_a_clip_that_was_opened_before_the_edit_tab_is_the_one_to_edit(explore, hands, strip):
    strip.open("loop_perc1")
    shows(explore, 0, 214 * 512 / SAMPLE_RATE)
    explore.get_by_role("tab", name="Edit").click()
    explore.locator("canvas.cells").wait_for()
    hands.samples()
    assert hands.indices().shape == (3, 8, 14)
    expect(explore.locator("body")).not_to_contain_text("Error rendering")


def test_a_silent_file_is_refused_in_a_sentence_and_the_clip_stays(explore, tmp_path):
    before = view(explore)
    soundfile.write(tmp_path / "nothing.wav", np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    send(explore, tmp_path / "nothing.wav")
    expect(explore.locator("[data-testid=toast-text]")).to_contain_text("nothing.wav is silent")
    assert view(explore) == before


def test_a_sound_of_any_name_is_opened_and_a_file_that_is_none_is_refused_in_a_sentence(explore, tmp_path):
    for number, name in enumerate(("kick", "KICK.AIF", "kick.wave", "kick.bwf", "kick.mp4")):
        seconds = 1 + number / 5
        sound = np.sin(np.arange(round(seconds * SAMPLE_RATE)) * 0.1)
        soundfile.write(tmp_path / name, sound, SAMPLE_RATE, format="AIFF")
        upload(explore, tmp_path / name)
        shows(explore, 0, seconds)
        expect(explore.locator("[data-testid=toast-text]"), name).to_have_count(0)
    (tmp_path / "notes.txt").write_text("Dear diary")
    send(explore, tmp_path / "notes.txt")
    expect(explore.locator("[data-testid=toast-text]")).to_contain_text(
        "notes.txt could not be read as sound: it is text."
    )


def test_the_page_says_what_is_missing_of_a_file_that_was_cut_short(explore, tmp_path):
    soundfile.write(tmp_path / "whole.wav", np.sin(np.arange(SAMPLE_RATE) * 0.1), SAMPLE_RATE)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "whole.wav").read_bytes()[:60_000])
    upload(explore, tmp_path / "cut.wav")
    expect(explore.locator("#explore-facts")).to_contain_text("cut.wav is cut short: of the 1.00 s that it announces")


def test_a_codec_with_other_levels_brings_its_own_tracks_and_maps(explore, small_model, tmp_path):
    path = tmp_path / "two-levels.distill"
    Codec(small_model(num_quantizers=2)).save(path)
    with explore.expect_file_chooser() as chooser:
        explore.locator("#train-load").click()
    chooser.value.set_files(path)
    expect(explore.locator("#codec")).to_contain_text("2 levels × 16 codes")
    expect(explore.locator("#explore-player .choose b")).to_have_text(["Original", "Structure", "+ Detail"])
    expect(explore.locator("#explore-codebook .tiles button")).to_have_count(16)
    assert len(loaded(explore, 2))


def test_the_sounds_and_the_report_are_saved(explore):
    explore.locator("#explore-save").click()
    expect(explore.locator("#explore-files a[href$='report.png']")).to_have_count(1)
    link = explore.locator("#explore-files a[href$='report.pdf']").get_attribute("href")
    assert explore.request.get(link).body().startswith(b"%PDF")
