"""A visitor who reloads the page, or returns to it in the same browser, finds the same clips, edits and training."""

import httpx
import numpy as np
from playwright.sync_api import expect

from tests.waiting import PATIENCE, until


def open_tab(page, name):
    page.get_by_role("tab", name=name).click()


def begin_training(page, clips, minutes):
    page.locator("#train-files input[type=file]").set_input_files(clips[:5])
    expect(page.locator("#train-clips")).to_contain_text("5 clips")
    page.get_by_label("number input for Minutes").fill(minutes)
    page.locator("#train-start").click()
    expect(page.locator("#train-progress")).to_contain_text("s left")


def test_a_training_goes_on_when_the_page_is_reloaded(page, clips):
    begin_training(page, clips, "0.3")
    codec_before = page.locator("#codec").inner_text()
    page.reload()
    expect(page.locator("#train-progress")).to_contain_text("s left")
    expect(page.locator("#train-clips")).to_contain_text("5 clips")
    expect(page.locator("#train-progress")).to_contain_text("Finished")
    expect(page.locator("#codec")).not_to_have_text(codec_before)
    page.reload()
    expect(page.locator("#codec")).to_contain_text("5 clips")
    open_tab(page, "Explore")
    expect(page.locator("#explore-player")).to_contain_text(clips[0].name)
    expect(page.locator("#explore-mels img")).to_be_visible()


def test_a_training_ends_while_the_page_is_closed_and_another_page_shows_its_codec(page, clips, app_url):
    begin_training(page, clips, "0.1")
    context = page.context
    page.goto("about:blank")
    until(lambda: not httpx.get(f"{app_url}health", timeout=PATIENCE).json()["trainings"]["running"])
    later = context.new_page()
    later.goto(app_url)
    expect(later.locator("#train-progress")).to_contain_text("Finished")
    expect(later.locator("#codec")).to_contain_text("5 clips")
    later.close()
    page.goto(app_url)


def test_edits_are_there_after_a_reload_and_can_be_undone(page, hands):
    open_tab(page, "Edit")
    original = hands.indices()
    hands.paint(2, 3, hands.another_code(0, 2, 3))
    hands.settled()
    edited = hands.indices()
    page.reload()
    open_tab(page, "Edit")
    expect(page.locator("#edit-grid .history li")).to_have_count(1)
    assert np.array_equal(hands.indices(), edited)
    hands.press("undo")
    hands.settled()
    assert np.array_equal(hands.indices(), original)


def test_a_training_that_the_server_lost_is_said_to_be_lost_once(page):
    page.evaluate("localStorage.setItem('distill-training', '0123456789abcdef')")
    page.reload()
    expect(page.locator("#train-progress")).to_contain_text("The training that you began here is lost")
    page.reload()
    page.wait_for_timeout(1_000)
    expect(page.locator("#train-progress")).not_to_contain_text("lost")


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(page, tmp_path):
    path = tmp_path / "huge.wav"
    with path.open("wb") as file:
        file.truncate(257 * 2**20)
    page.locator("#train-files input[type=file]").set_input_files(path)
    expect(page.locator("[data-testid=toast-text]")).to_contain_text("exceed the maximum allowed size of 256")
