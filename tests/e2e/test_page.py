"""What a visitor sees, hears and does, in a real browser."""

import io
import re
import zipfile

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from distill.audio import SAMPLE_RATE, load_clip
from distill.codec import Codec
from distill.codes import CodeGrid, edits

GRID = "canvas.cells"


def heard(page, player):
    """The samples behind a player, waiting until it has some."""
    link = page.locator(f"{player} a[download]")
    link.wait_for(state="attached")
    response = page.request.get(link.get_attribute("href"))
    assert response.ok
    samples, sample_rate = soundfile.read(io.BytesIO(response.body()), dtype="float32")
    assert sample_rate == SAMPLE_RATE
    return samples


def heard_anew(page, player, before):
    """The samples behind a player once they are no longer ``before``."""
    for _ in range(100):
        samples = heard(page, player)
        if len(samples) != len(before) or not np.array_equal(samples, before):
            return samples
        page.wait_for_timeout(100)
    raise AssertionError(f"{player} did not change")


def open_tab(page, name):
    page.get_by_role("tab", name=name).click()


def paint(page, row, column, columns):
    canvas = page.locator(GRID)
    width = canvas.evaluate("canvas => canvas.clientWidth")
    canvas.click(position={"x": (column + 0.5) * width / columns, "y": (7 - row + 0.5) * 28})


def paint_another(page, grid, row, column):
    """Paint a cell of the coarsest level with another code than it has, and return that code."""
    code = (int(grid.indices[0, row, column]) + 1) % grid.codebook_size
    page.get_by_role("button", name=f"Code {code}", exact=True).click()
    paint(page, row, column, grid.columns)
    return code


@pytest.fixture(scope="module")
def example(clips):
    codec = Codec.load(clips[0].parents[1] / "models" / "loops.distill")
    clip = load_clip(clips[0].with_name("loop_breakbeat.flac"))
    return codec, codec.encode(clip.waveform, SAMPLE_RATE)


def test_the_first_page_is_not_empty(page):
    expect(page.locator("#codec")).to_contain_text("levels")
    expect(page.locator("#train-curves img")).to_have_attribute("alt", re.compile("Training loss"))
    open_tab(page, "Explore")
    for picture in ("#explore-mels img", "#explore-maps img"):
        assert page.locator(picture).evaluate("image => image.naturalWidth") > 500
    original, reconstruction = heard(page, "#explore-original"), heard(page, "#explore-reconstruction")
    assert 0 <= len(reconstruction) - len(original) < 512
    assert np.abs(reconstruction).max() > 0.05
    open_tab(page, "Edit")
    expect(page.locator(GRID)).to_be_visible()
    expect(page.locator(".palette button")).to_have_count(64)


def test_painting_one_code_changes_the_sound_there_and_nowhere_else(page, example):
    codec, grid = example
    open_tab(page, "Edit")
    before = heard(page, "#edit-audio")
    code = paint_another(page, grid, row=4, column=3)
    after = heard_anew(page, "#edit-audio", before)
    patch = codec.decode_region(
        edits.set_codes(grid, level=0, rows=4, columns=3, code=code), columns=slice(3, 4), previous=codec.decode(grid)
    )
    changed = np.flatnonzero(before != after)
    assert patch.start <= changed[0]
    assert changed[-1] < patch.stop
    assert np.abs(after - before).max() > 1e-3
    expect(page.locator("#edit-history")).to_contain_text(f"Structure: code {code} in row 4, column 3")


def test_undo_by_keyboard_brings_the_grid_back_and_redo_the_edit(page, example):
    _, grid = example
    open_tab(page, "Edit")
    before = heard(page, "#edit-audio")
    code = paint_another(page, grid, row=2, column=5)
    heard_anew(page, "#edit-audio", before)
    expect(page.locator(".readout")).to_contain_text(f"code {code}.")
    page.locator(GRID).focus()
    page.keyboard.press("Control+z")
    expect(page.locator("#edit-history")).to_contain_text("No edits yet")
    expect(page.locator(".readout")).to_contain_text(f"code {grid.indices[0, 2, 5]}.")
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("#edit-history")).to_contain_text(f"code {code}")


def test_fast_strokes_are_all_kept(page, example):
    _, grid = example
    open_tab(page, "Edit")
    code = (int(grid.indices[0, 0].max()) + 1) % grid.codebook_size
    page.get_by_role("button", name=f"Code {code}", exact=True).click()
    for column in range(6):
        paint(page, row=0, column=column, columns=grid.columns)
    expect(page.locator("#edit-history li")).to_have_count(6, timeout=15_000)


def test_the_exported_grid_holds_the_edit(page, example, tmp_path):
    _, grid = example
    open_tab(page, "Edit")
    code = paint_another(page, grid, row=7, column=1)
    expect(page.locator("#edit-history")).to_contain_text(f"code {code}")
    page.locator("#edit-export").click()
    link = page.locator("#edit-files a[href$='.npz']")
    link.wait_for()
    saved = tmp_path / "grid.npz"
    saved.write_bytes(page.request.get(link.get_attribute("href")).body())
    assert CodeGrid.load(saved) == edits.set_codes(grid, level=0, rows=7, columns=1, code=code)


def test_an_uploaded_clip_is_shown_and_heard_with_one_two_and_all_levels(page, clips):
    open_tab(page, "Explore")
    before = heard(page, "#explore-original")
    page.locator("#explore-upload input[type=file]").first.set_input_files(clips[1])
    original = heard_anew(page, "#explore-original", before)
    assert abs(len(original) - len(load_clip(clips[1]).waveform)) <= 1
    expect(page.locator("#explore-original")).to_contain_text(clips[1].name)
    full = heard(page, "#explore-reconstruction")
    page.locator("#explore-levels").get_by_text("Structure").click()
    coarse = heard_anew(page, "#explore-reconstruction", full)
    assert len(coarse) == len(full)
    assert np.abs(coarse).max() > 0.01


def test_a_bad_file_is_refused_in_one_sentence_and_the_page_goes_on(page, tmp_path):
    bad = tmp_path / "notes.wav"
    bad.write_text("these are words, not sound")
    open_tab(page, "Explore")
    page.locator("#explore-upload input[type=file]").first.set_input_files(bad)
    expect(page.locator("[data-testid=toast-text]")).to_contain_text("notes.wav could not be read as sound")
    assert len(heard(page, "#explore-original"))


def test_six_clips_train_a_codec_that_is_heard_and_taken_into_the_other_tabs(page, clips):
    before, codec_before = heard(page, "#train-preview"), page.locator("#codec").inner_text()
    page.locator("#train-files input[type=file]").set_input_files(clips[:6])
    expect(page.locator("#train-clips")).to_contain_text("6 clips")
    expect(page.locator("#train-reason")).to_contain_text("64 codes per level")
    page.get_by_label("number input for Minutes").fill("0.1")
    page.locator("#train-start").click()
    expect(page.locator("#train-progress")).to_contain_text("Finished", timeout=60_000)
    reconstruction = heard_anew(page, "#train-preview", before)
    expected = min(len(load_clip(clips[0]).waveform), 4 * SAMPLE_RATE)
    assert 0 <= len(reconstruction) - expected < 512
    assert np.abs(reconstruction).max() > 0.02
    expect(page.locator("#codec")).not_to_have_text(codec_before)
    expect(page.locator("#codec")).to_contain_text("6 clips")
    open_tab(page, "Explore")
    expect(page.locator("#explore-original")).to_contain_text(clips[0].name)


def test_a_training_can_be_stopped_and_continued(page, clips):
    page.locator("#train-files input[type=file]").set_input_files(clips[:5])
    expect(page.locator("#train-clips")).to_contain_text("5 clips")
    page.get_by_label("number input for Minutes").fill("0.3")
    page.locator("#train-start").click()
    expect(page.locator("#train-progress")).to_contain_text("s left", timeout=30_000)
    page.locator("#train-stop").click()
    expect(page.locator("#train-progress")).to_contain_text("Stopped", timeout=30_000)
    page.locator("#train-resume").click()
    expect(page.locator("#train-progress")).to_contain_text("Finished", timeout=60_000)


def test_each_file_is_accepted_or_refused_by_name(page, clips, tmp_path):
    words, empty, archive = tmp_path / "words 🎵.wav", tmp_path / "empty.flac", tmp_path / "loops.zip"
    words.write_text("not sound")
    empty.touch()
    with zipfile.ZipFile(archive, "w") as bundle:
        for clip in clips[:3]:
            bundle.write(clip, f"../up/{clip.name}")
    page.locator("#train-files input[type=file]").set_input_files([clips[3], words, empty, archive])
    listed = page.locator("#train-clips")
    expect(listed).to_contain_text("4 of at least 5 clips")
    expect(listed).to_contain_text("words 🎵.wav could not be read as sound")
    expect(listed).to_contain_text("empty.flac is empty")
    page.locator("#train-start").click()
    expect(page.locator("[data-testid=toast-text]")).to_contain_text("at least 5 clips")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("tab", ["Train", "Explore", "Edit"])
def test_no_tab_is_wider_than_the_window(page, width, tab):
    page.set_viewport_size({"width": width, "height": 900})
    open_tab(page, tab)
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_edits_stay_when_a_training_ends_and_the_new_codec_is_one_press_away(page, clips, example):
    _, grid = example
    codec_before = page.locator("#codec").inner_text()
    page.locator("#train-files input[type=file]").set_input_files(clips[:5])
    expect(page.locator("#train-clips")).to_contain_text("5 clips")
    page.get_by_label("number input for Minutes").fill("0.1")
    page.locator("#train-start").click()
    open_tab(page, "Edit")
    paint_another(page, grid, row=3, column=3)
    expect(page.locator("#edit-history li")).to_have_count(1)
    open_tab(page, "Train")
    expect(page.locator("#train-progress")).to_contain_text("Finished", timeout=60_000)
    expect(page.locator("[data-testid=toast-text]")).to_contain_text("Your edits stay as they are")
    assert page.locator("#codec").inner_text() == codec_before
    page.locator("#train-stop").click()
    page.locator("#train-use").click()
    expect(page.locator("#codec")).to_contain_text("5 clips")


def test_undo_brings_back_the_very_samples(page, example):
    _, grid = example
    open_tab(page, "Edit")
    before = heard(page, "#edit-audio")
    expect(page.locator("#edit-undo")).to_be_disabled()
    paint_another(page, grid, row=1, column=6)
    after = heard_anew(page, "#edit-audio", before)
    page.locator("#edit-undo").click()
    assert np.array_equal(heard_anew(page, "#edit-audio", after), before)
    page.locator("#edit-redo").click()
    assert np.array_equal(heard_anew(page, "#edit-audio", before), after)


def test_edits_of_a_clip_are_there_again_when_it_is_opened_again(page, example, clips):
    _, grid = example
    open_tab(page, "Edit")
    code = paint_another(page, grid, row=1, column=2)
    expect(page.locator("#edit-history li")).to_have_count(1)
    open_tab(page, "Explore")
    for name in ("loop_industrial", "loop_breakbeat"):
        page.locator("#explore-example input").click()
        page.get_by_role("option", name=name).click()
        expect(page.locator("#explore-original")).to_contain_text(f"Original: {name}", timeout=20_000)
    open_tab(page, "Edit")
    expect(page.locator("#edit-history")).to_contain_text(f"code {code}")


def test_the_page_keeps_its_width_from_tab_to_tab(page):
    widths = []
    for tab in ("Train", "Explore", "Edit"):
        open_tab(page, tab)
        page.wait_for_timeout(300)
        widths.append(page.locator(".masthead").evaluate("header => header.clientWidth"))
    assert len(set(widths)) == 1
    assert widths[0] > 1000
