"""A page whose visit has ended says so, shows no other visitor's files, and can still save its copy of the codes."""

import json

import numpy as np
import pytest
from playwright.sync_api import expect

from distill.codes import CodeGrid
from tests.e2e.conftest import FRAMES, open_tab

TOAST = "[data-testid=toast-text]"


def calm(page):
    """Wait until all that the page asked is answered, and the page, given time for it, asks nothing more."""
    checks = 0
    while checks < 2:
        page.evaluate(FRAMES)
        is_waiting = any("heartbeat" not in request.url for request in page.asked)
        checks = 0 if is_waiting else checks + 1


def forget(page):
    """End the visit on the server, as after a long pause or a restart; the page stays as it is."""
    calm(page)  # a call under way would begin the visit anew
    page.route("**/app_id*", lambda route: route.abort())  # or Gradio would reload the page
    status = page.evaluate(
        """async () => {
        const headers = {"Content-Type": "application/json"};
        return (await fetch(new URL("leave", document.baseURI), {method: "POST", headers, body: "{}"})).status;
    }"""
    )
    assert status == 200
    # Gradio asks for the visitor's files, which are deleted, and does not catch the refusal.
    page.known_errors += ["Failed to load resource: the server responded with a status of 404", "Response"]


@pytest.fixture
def edited(page, hands):
    """The codes on a page with an edit whose visit has ended."""
    open_tab(page, "Edit")
    expect(page.locator(".code-grid")).to_be_visible()
    hands.paint(2, 3, hands.another_code(0, 2, 3))
    hands.settled()
    forget(page)
    return hands.indices()


def test_export_gives_no_other_clips_files_and_the_codes_on_the_page_can_be_saved(page, edited):
    page.locator("#edit-export").click()
    message = page.locator(".code-grid .message")
    expect(message).to_contain_text("no longer open")
    expect(page.locator("#edit-files")).to_be_hidden()
    with page.expect_download() as saved:
        message.get_by_role("button", name="Save this grid").click()
    grid = json.loads(saved.value.path().read_text())
    assert np.array_equal(grid["indices"], edited)
    text = message.locator("textarea").input_value()
    assert np.array_equal(CodeGrid.from_text(text).indices, edited)


def test_what_did_i_change_says_that_the_clip_is_gone(page, edited):
    page.locator("#edit-compare").click()
    expect(page.locator(".code-grid .message")).to_contain_text("no longer open")
    expect(page.locator("#edit-difference img")).to_be_hidden()


def test_the_explore_tab_saves_no_other_clips_sounds(page, clips, edited):
    open_tab(page, "Explore")
    with page.expect_file_chooser() as chooser:
        page.locator("#explore-upload").click()
    chooser.value.set_files(clips[0])
    expect(page.locator(TOAST)).to_contain_text("no longer open")
    expect(page.locator("#explore-player")).not_to_contain_text(clips[0].name)
    open_tab(page, "Edit")
    expect(page.locator(".code-grid .message").get_by_role("button", name="Save this grid")).to_be_visible()


def test_sounds_of_a_clip_that_is_gone_are_not_saved(page, clips):
    open_tab(page, "Explore")
    page.locator("#explore-spectra .pane").first.wait_for()
    with page.expect_file_chooser() as chooser:
        page.locator("#explore-upload").click()
    chooser.value.set_files(clips[0])
    expect(page.locator("#explore-player")).to_contain_text(clips[0].name)
    expect(page.locator("#explore-facts")).not_to_contain_text("…")
    forget(page)
    page.locator("#explore-save").click()
    expect(page.locator(TOAST)).to_contain_text("no longer open")
    expect(page.locator("#explore-files")).to_be_hidden()


def test_train_says_that_the_clips_on_the_page_are_gone(page, clips):
    open_tab(page, "Train")
    page.locator("#train-files input[type=file]").set_input_files(clips[:5])
    expect(page.locator("#train-clips")).to_contain_text("5 clips")
    forget(page)
    page.locator("#train-start").click()
    expect(page.locator(TOAST)).to_contain_text("clips that this page lists are no longer")


def test_an_example_chosen_as_second_clip_stays_an_example_in_the_strip(page, strip):
    before = strip.names()
    strip.choose("loop_industrial")
    strip.press("second")
    expect(strip.cell("loop_industrial")).to_contain_text("second")
    page.reload()
    assert strip.names() == before
    expect(page.locator(".strip .group")).to_have_text([f"Examples · {len(before)}"])
