"""The whole page in a real browser: training, uploads, and the ways between the tabs."""

import io
import re
import zipfile

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from distill.audio import SAMPLE_RATE, load_clip
from distill.server.clip_set import unlikeness
from tests.e2e.conftest import open_tab
from tests.waiting import until


def heard(page, player):
    """The samples behind a player, as soon as it has some."""
    link = page.locator(f"{player} a[download]")
    link.wait_for(state="attached")
    response = page.request.get(link.get_attribute("href"))
    assert response.ok
    samples, sample_rate = soundfile.read(io.BytesIO(response.body()), dtype="float32")
    assert sample_rate == SAMPLE_RATE
    return samples


def heard_anew(page, player, before):
    """The samples behind a player, as soon as they differ from ``before``."""
    samples = before

    def has_changed():
        nonlocal samples
        samples = heard(page, player)
        return not np.array_equal(samples, before)

    until(has_changed)
    return samples


def test_the_first_page_is_not_empty(page):
    expect(page.locator("#codec")).to_contain_text("levels")
    expect(page.locator("canvas.cells")).to_be_in_viewport()
    expect(page.locator(".palette button")).to_have_count(64)
    assert page.locator("canvas.cells").bounding_box()["y"] < 320  # a third of the window
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#train-curves img")).to_be_visible()
    expect(page.locator("#train-curves img")).to_have_attribute("alt", re.compile("Training loss"))
    open_tab(page, "Explore")
    expect(page.locator("#explore-save")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollHeight") <= 1800  # two windows


def test_the_tour_shows_five_things_and_is_left_by_escape(page):
    open_tab(page, "Explore")
    page.locator("#tour").click()
    tour, seen = page.get_by_role("dialog", name="Tour"), []
    for number in range(1, 6):
        expect(tour.locator(".step")).to_have_text(f"{number} of 5")
        expect(page.locator(".toured")).to_be_in_viewport()
        seen.append(tour.inner_text())
        page.keyboard.press("Space")  # on its button
    expect(tour).to_have_count(0)
    assert len(set(seen)) == 5
    expect(page.locator("#tour")).to_be_focused()
    expect(page.locator(".code-grid .play")).to_have_text("Play")
    page.keyboard.press("Enter")
    expect(tour.locator(".step")).to_have_text("1 of 5")
    page.keyboard.press("ArrowRight")
    expect(tour.locator(".step")).to_have_text("2 of 5")
    page.keyboard.press("Escape")
    expect(tour).to_have_count(0)
    expect(page.locator(".toured")).to_have_count(0)
    page.locator(".code-grid [data-act=reverse]").hover()
    expect(page.locator(".code-grid .help")).to_contain_text("Reverse: Play the selection backwards")
    page.locator("canvas.cells").hover()
    expect(page.locator(".code-grid .help")).to_contain_text("Brush: ")


def test_six_clips_train_a_codec_that_is_heard_and_taken_into_the_other_tabs(page, clips):
    open_tab(page, "Train")
    before, codec_before = heard(page, "#train-preview"), page.locator("#codec").inner_text()
    page.locator("#train-files input[type=file]").set_input_files(clips[:6])
    expect(page.locator("#train-clips")).to_contain_text("6 clips")
    expect(page.locator("#train-reason")).to_contain_text("64 codes per level")
    page.get_by_label("number input for Minutes").fill("0.1")
    page.locator("#train-start").click()
    expect(page.locator("#train-progress")).to_contain_text("Finished")
    reconstruction = heard_anew(page, "#train-preview", before)
    opened = min((load_clip(path) for path in clips[:6]), key=unlikeness)
    assert 0 <= len(reconstruction) - len(opened.waveform) < 512
    assert np.abs(reconstruction).max() > 0.02
    expect(page.locator("#codec")).not_to_have_text(codec_before)
    expect(page.locator("#codec")).to_contain_text("6 clips")
    open_tab(page, "Explore")
    expect(page.locator("#explore-player")).to_contain_text(opened.name)


def test_a_training_can_be_stopped_and_continued(page, clips):
    open_tab(page, "Train")
    page.locator("#train-files input[type=file]").set_input_files(clips[:5])
    expect(page.locator("#train-clips")).to_contain_text("5 clips")
    page.get_by_label("number input for Minutes").fill("0.4")
    page.locator("#train-start").click()
    expect(page.locator("#train-progress")).to_contain_text("s left")
    expect(page.locator("#train-resume")).to_be_disabled()
    page.locator("#train-stop").click()
    expect(page.locator("#train-progress")).to_contain_text("Stopped")
    expect(page.locator("#train-stop")).to_be_disabled()
    page.locator("#train-resume").click()
    expect(page.locator("#train-progress")).to_contain_text("Finished")


def test_each_file_is_accepted_or_refused_by_name(page, clips, tmp_path):
    open_tab(page, "Train")
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
def test_no_tab_is_wider_than_the_window(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    for tab in ("Edit", "Explore", "Train"):
        open_tab(page, tab)
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab


def test_edits_stay_when_a_training_ends_and_the_new_codec_is_one_press_away(page, clips, hands):
    open_tab(page, "Train")
    codec_before = page.locator("#codec").inner_text()
    page.locator("#train-files input[type=file]").set_input_files(clips[:5])
    expect(page.locator("#train-clips")).to_contain_text("5 clips")
    page.get_by_label("number input for Minutes").fill("0.1")
    page.locator("#train-start").click()
    open_tab(page, "Edit")
    hands.paint(3, 3, hands.another_code(0, 3, 3))
    expect(page.locator("#edit-grid .history li")).to_have_count(1)
    open_tab(page, "Train")
    expect(page.locator("#train-progress")).to_contain_text("Finished")
    expect(page.locator("[data-testid=toast-text]")).to_contain_text("Your edits stay as they are")
    assert page.locator("#codec").inner_text() == codec_before
    for button in ("stop", "resume"):
        expect(page.locator(f"#train-{button}")).to_be_disabled()
    expect(page.locator("#train-progress")).to_contain_text("What next?")
    page.locator("#train-use").click()
    expect(page.locator("#codec")).to_contain_text("5 clips")
    expect(page.get_by_role("tab", name="Edit")).to_have_attribute("aria-selected", "true")
    expect(page.locator("canvas.cells")).to_be_in_viewport()


def test_edits_of_a_clip_are_there_again_when_it_is_opened_again(page, hands, strip):
    open_tab(page, "Edit")
    code = hands.another_code(0, 1, 2)
    hands.paint(1, 2, code)
    expect(page.locator("#edit-grid .history li")).to_have_count(1)
    open_tab(page, "Explore")
    for name in ("loop_industrial", "loop_breakbeat"):
        strip.open(name)
        expect(page.locator("#explore-player")).to_contain_text(f"{name}.flac")
    open_tab(page, "Edit")
    expect(page.locator("#edit-grid .history")).to_contain_text(f"code {code}")
    assert hands.indices()[0, 1, 2] == code


def test_the_page_keeps_its_width_from_tab_to_tab(page):
    widths = []
    for tab in ("Edit", "Explore", "Train"):
        open_tab(page, tab)
        page.wait_for_timeout(300)
        widths.append(page.locator("#header").evaluate("header => header.clientWidth"))
    assert len(set(widths)) == 1
    assert widths[0] > 1000
