"""The Explore tab in a real browser: pictures and sound, and that they stay in step."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from distill.audio import SAMPLE_RATE, load_clip
from distill.codec import Codec
from tests.e2e.conftest import floats
from tests.waiting import until

PICTURES = ("mels", "maps", "layers")
FIND = "[...document.querySelectorAll('#explore-player *')].find(part => part.player)?.player"


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


def upload(page, path):
    before = page.locator("#explore-mels img").get_attribute("src")
    page.locator("#explore-upload input[type=file]").first.set_input_files(path)
    expect(page.locator("#explore-mels img")).not_to_have_attribute("src", before)


def axis(page, name):
    """Start and end of a picture's time axis, in seconds."""
    frame = page.locator(f"#explore-{name} [data-stop]")
    return float(frame.get_attribute("data-start")), float(frame.get_attribute("data-stop"))


def ends_at(page, name, seconds):
    """Wait until a picture's time axis goes from 0 to ``seconds``."""
    found = f"document.querySelector('#explore-{name} [data-stop]').dataset"
    page.wait_for_function(f"() => {found}.start === '0' && Math.abs({found}.stop - {seconds}) < 1e-6")


def test_the_first_visit_shows_and_plays_the_example(explore, clips):
    for name in (*PICTURES, "usage"):
        image = explore.locator(f"#explore-{name} img")
        assert image.evaluate("image => image.naturalWidth") > 500
        assert len(image.get_attribute("alt")) > 40
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
    for name in PICTURES:
        ends_at(explore, name, grid.num_frames * 512 / SAMPLE_RATE)
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
    _, seconds = axis(explore, "mels")
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


def test_a_click_in_a_picture_moves_the_line_in_all_of_them(explore):
    frame = explore.locator("#explore-maps [data-stop]")
    box = frame.bounding_box()
    frame.click(position={"x": box["width"] * 0.5, "y": box["height"] * 0.4})
    _, stop = axis(explore, "maps")
    assert state(explore)["position"] == pytest.approx(stop / 2, abs=0.02)

    def are_together():
        places = {
            explore.locator(f"#explore-{name} .playhead").evaluate("line => line.getBoundingClientRect().x")
            for name in PICTURES
        }
        return max(places) - min(places) < 1

    until(are_together)


def test_a_selected_part_is_zoomed_into_and_out_of(explore):
    loaded(explore, 3)
    _, whole = axis(explore, "mels")
    wave = explore.locator("#explore-player .wave").first.bounding_box()
    y = wave["y"] + wave["height"] / 2
    explore.mouse.move(wave["x"] + wave["width"] * 0.25, y)
    explore.mouse.down()
    explore.mouse.move(wave["x"] + wave["width"] * 0.5, y, steps=5)
    explore.mouse.up()
    explore.get_by_role("button", name="Zoom to selection").click()
    explore.wait_for_function("() => Number(document.querySelector('#explore-mels [data-stop]').dataset.start) > 0")
    for name in PICTURES:
        assert axis(explore, name) == pytest.approx((whole / 4, whole / 2), abs=0.03)
    explore.get_by_role("button", name="Whole clip").click()
    explore.wait_for_function("() => Number(document.querySelector('#explore-mels [data-stop]').dataset.start) === 0")
    assert axis(explore, "layers") == pytest.approx((0, whole))
    explore.locator("#explore-start input").fill("0.5")
    explore.locator("#explore-stop input").fill("1")
    explore.locator("#explore-view").click()
    explore.wait_for_function("() => Number(document.querySelector('#explore-mels [data-stop]').dataset.start) > 0")
    assert axis(explore, "maps") == pytest.approx((0.5, 1), abs=0.02)


def test_a_code_of_the_codebook_is_heard_when_it_is_pressed(explore, codec):
    explore.locator("#explore-codebook").get_by_role("button", name="Timbre").click()
    expect(explore.locator("#explore-codebook .tiles button")).to_have_count(64)
    explore.locator("#explore-codebook .tiles").get_by_role("button", name="Code 7,").click()
    found = "[...document.querySelectorAll('#explore-codebook *')].find(part => part.codebook)?.codebook.heard"
    explore.wait_for_function(f"() => {found}")
    heard = explore.evaluate(f"() => {found}")
    assert (heard["level"], heard["code"]) == (1, 7)
    sound, _ = soundfile.read(io.BytesIO(base64.b64decode(heard["flac"])), dtype="float32")
    assert np.abs(sound - np.clip(codec.audition(1, 7), -1, 1)).max() < 1e-3
    expect(explore.locator("#explore-codebook .readout")).to_contain_text("code 7")


def test_the_pictures_of_a_codec_are_fetched_once_for_all_clips_and_components(page):
    fetched = []
    page.on("request", lambda request: fetched.append(request.post_data or ""))

    def asked():
        return sum("codec_pictures" in body for body in fetched)

    page.get_by_role("tab", name="Explore").click()
    tiles = page.locator("#explore-codebook .tiles button")
    expect(tiles.first).to_have_attribute("style", re.compile("data:image"), timeout=20_000)
    page.get_by_role("tab", name="Edit").click()
    painted = page.locator(".code-grid .palette button").first
    expect(painted).to_have_attribute("style", re.compile("data:image"), timeout=20_000)
    page.get_by_role("tab", name="Explore").click()
    page.locator("#explore-example input").click()
    page.get_by_role("option", name="loop_industrial").click()
    expect(page.locator("#explore-player")).to_contain_text("loop_industrial.flac", timeout=20_000)
    page.get_by_role("tab", name="Edit").click()
    expect(page.locator(".code-grid .clip")).to_have_text("loop_industrial.flac", timeout=20_000)
    expect(painted).to_have_attribute("style", re.compile("data:image"))
    assert asked() == 1


def test_a_component_whose_code_does_not_load_says_so(browser, app_url):
    context = browser.new_context()
    page = context.new_page()
    page.route(re.compile("/page/.*/deck.js"), lambda route: route.abort())
    page.goto(app_url)
    page.get_by_role("tab", name="Explore").click()
    expect(page.locator("#explore-player [role=alert]").first).to_contain_text("did not load; please reload the page")
    expect(page.locator("#explore-codebook .tiles button")).to_have_count(64)
    context.close()


def test_the_codebook_is_sorted_by_use(explore, codec, clips):
    grid = codec.encode(load_clip(clips[0].with_name("loop_breakbeat.flac")).waveform, SAMPLE_RATE)
    most = int(codec.usage(grid)[0].argmax())
    explore.locator("#explore-codebook select").select_option("here")
    first = explore.locator("#explore-codebook .tiles button").first.get_attribute("aria-label")
    assert f"{codec.usage(grid)[0].max()} cells" in first
    assert codec.usage(grid)[0][int(first.split()[1].strip(","))] == codec.usage(grid)[0][most]


def test_a_clip_that_was_opened_before_the_edit_tab_is_the_one_to_edit(explore, hands):
    explore.locator("#explore-example input").click()
    explore.get_by_role("option", name="loop_perc1").click()
    ends_at(explore, "maps", 214 * 512 / SAMPLE_RATE)
    explore.get_by_role("tab", name="Edit").click()
    explore.locator("canvas.cells").wait_for()
    hands.samples()
    assert hands.indices().shape == (3, 8, 14)
    expect(explore.locator("body")).not_to_contain_text("Error rendering")


def test_a_silent_file_is_refused_in_a_sentence_and_the_clip_stays(explore, tmp_path):
    before = axis(explore, "mels")
    soundfile.write(tmp_path / "nothing.wav", np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    explore.locator("#explore-upload input[type=file]").first.set_input_files(tmp_path / "nothing.wav")
    expect(explore.locator("[data-testid=toast-text]")).to_contain_text("nothing.wav is silent")
    assert axis(explore, "mels") == before


@pytest.mark.parametrize("name", ["KICK.AIF", "kick.wave", "kick.bwf", "kick.mp4", "kick"])
def test_a_sound_of_any_name_is_opened_and_a_file_that_is_none_is_refused_in_a_sentence(explore, tmp_path, name):
    soundfile.write(tmp_path / name, np.sin(np.arange(SAMPLE_RATE) * 0.1), SAMPLE_RATE, format="AIFF")
    upload(explore, tmp_path / name)
    ends_at(explore, "mels", 87 * 512 / SAMPLE_RATE)
    expect(explore.locator("[data-testid=toast-text]")).to_have_count(0)
    (tmp_path / "notes.txt").write_text("Dear diary")
    explore.locator("#explore-upload input[type=file]").first.set_input_files(tmp_path / "notes.txt")
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
    explore.get_by_role("tab", name="Train").click()
    with explore.expect_file_chooser() as chooser:
        explore.locator("#train-load").click()
    chooser.value.set_files(path)
    expect(explore.locator("#codec")).to_contain_text("2 levels × 16 codes")
    explore.get_by_role("tab", name="Explore").click()
    expect(explore.locator("#explore-player .choose b")).to_have_text(["Original", "Structure", "+ Detail"])
    expect(explore.locator("#explore-codebook .tiles button")).to_have_count(16)
    assert len(loaded(explore, 2))


def test_the_sounds_and_the_report_are_saved(explore):
    explore.locator("#explore-save").click()
    expect(explore.locator("#explore-files a[href$='report.png']")).to_have_count(1)
    link = explore.locator("#explore-files a[href$='report.pdf']").get_attribute("href")
    assert explore.request.get(link).body().startswith(b"%PDF")
