"""A page whose visit has ended says so, shows no other visitor's files, and can still save its copy of the codes."""

import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from distill.codes import CodeGrid

TOAST = "[data-testid=toast-text]"


def open_tab(page, name):
    page.get_by_role("tab", name=name).click()


def forget(page):
    """End the visit on the server, as after a long pause or a restart; the page stays as it is."""
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
    page.locator("#explore-upload input[type=file]").set_input_files(clips[0])
    expect(page.locator(TOAST)).to_contain_text("no longer open")
    expect(page.locator("#explore-player")).not_to_contain_text(clips[0].name)
    open_tab(page, "Edit")
    expect(page.locator(".code-grid .message").get_by_role("button", name="Save this grid")).to_be_visible()


def test_sounds_of_a_clip_that_is_gone_are_not_saved(page, clips):
    open_tab(page, "Explore")
    page.locator("#explore-upload input[type=file]").set_input_files(clips[0])
    expect(page.locator("#explore-player")).to_contain_text(clips[0].name)
    expect(page.locator("#explore-facts")).not_to_contain_text("…")
    forget(page)
    page.locator("#explore-save").click()
    expect(page.locator(TOAST)).to_contain_text("no longer open")
    expect(page.locator("#explore-files")).to_be_hidden()


def test_train_says_that_the_clips_on_the_page_are_gone(page, clips):
    page.locator("#train-files input[type=file]").set_input_files(clips[:5])
    expect(page.locator("#train-clips")).to_contain_text("5 clips")
    forget(page)
    page.locator("#train-start").click()
    expect(page.locator(TOAST)).to_contain_text("clips that this page lists are no longer")


def test_an_example_chosen_as_second_clip_stays_an_example_in_the_list(page):
    open_tab(page, "Edit")
    page.locator("#edit-second input").click()
    page.get_by_role("option", name="loop_industrial", exact=True).click()
    expect(page.locator("#edit-second input")).to_have_value("loop_industrial")
    page.wait_for_timeout(500)
    page.reload()
    open_tab(page, "Explore")
    page.locator("#explore-example input").click()
    expect(page.get_by_role("option", name="loop_industrial", exact=True)).to_be_visible()
    expect(page.get_by_role("option", name=re.compile(r"\(yours\)"))).to_have_count(0)
