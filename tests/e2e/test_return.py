"""A visitor who reloads the page, or returns to it in the same browser, finds the same clips, edits and training."""

import httpx
import numpy as np
from playwright.sync_api import expect

from distill.audio import load_clip
from distill.server.clip_set import unlikeness
from tests.e2e.conftest import open_tab
from tests.waiting import PATIENCE, until


def begin_training(page, clips, minutes):
    open_tab(page, "Train")
    page.locator("#train-files input[type=file]").set_input_files(clips[:5])
    expect(page.locator("#train-clips")).to_contain_text("5 clips")
    page.get_by_label("number input for Minutes").fill(minutes)
    page.locator("#train-start").click()
    expect(page.locator("#train-progress")).to_contain_text("s left")


SAID_TO_RETURN = """addEventListener("DOMContentLoaded", () => {
    const note = () => { globalThis.isSaidToReturn ||= document.body.classList.contains("returning"); };
    note();
    new MutationObserver(note).observe(document.body, { attributes: true, attributeFilter: ["class"] });
})"""
"""Script that notes that the page says that the clip comes back, for however short a time."""


def test_a_training_goes_on_when_the_page_is_reloaded(page, clips):
    begin_training(page, clips, "0.3")
    codec_before = page.locator("#codec").inner_text()
    page.reload()
    open_tab(page, "Train")
    expect(page.locator("#train-progress")).to_contain_text("s left")
    expect(page.locator("#train-clips")).to_contain_text("5 clips")
    expect(page.locator("#train-progress")).to_contain_text("Finished")
    expect(page.locator("#codec")).not_to_have_text(codec_before)
    opened = min((load_clip(path) for path in clips[:5]), key=unlikeness)
    expect(page.locator(".strip .cell.open")).to_contain_text(opened.name.removesuffix(".flac"))
    page.add_init_script(SAID_TO_RETURN)
    page.reload()
    page.wait_for_function("globalThis.isSaidToReturn")
    expect(page.locator("body.returning")).to_have_count(0)
    expect(page.locator("#codec")).to_contain_text("5 clips")
    open_tab(page, "Explore")
    expect(page.locator("#explore-player")).to_contain_text(opened.name)
    expect(page.locator("#explore-spectra .pane").first).to_be_visible()


def test_a_training_ends_while_the_page_is_closed_and_another_page_shows_its_codec(page, clips, app_url):
    begin_training(page, clips, "0.1")
    context = page.context
    page.goto("about:blank")
    until(lambda: not httpx.get(f"{app_url}health", timeout=PATIENCE).json()["trainings"]["running"])
    later = context.new_page()
    later.goto(app_url)
    open_tab(later, "Train")
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


LOST = "The training that you began here is lost"
KEPT_WHEN_SAID = """words => addEventListener("DOMContentLoaded", () => new MutationObserver((_, watching) => {
    if (!document.getElementById("train-progress")?.textContent.includes(words)) return;
    watching.disconnect();
    setTimeout(() => { globalThis.keptWhenSaid = localStorage.getItem("distill-training"); });
}).observe(document.body, { childList: true, subtree: true }))"""
"""Script that notes which training the browser remembers at the time when the page says these words."""


def test_a_training_that_the_server_lost_is_said_to_be_lost_once(page):
    page.evaluate("localStorage.setItem('distill-training', '0123456789abcdef')")
    page.add_init_script(f"({KEPT_WHEN_SAID})({LOST!r})")
    page.reload()
    open_tab(page, "Train")
    expect(page.locator("#train-progress")).to_contain_text(LOST)
    assert page.evaluate("globalThis.keptWhenSaid") == ""
    page.reload()
    open_tab(page, "Train")
    page.wait_for_timeout(1_000)
    expect(page.locator("#train-progress")).not_to_contain_text("lost")


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(page, tmp_path):
    path = tmp_path / "huge.wav"
    with path.open("wb") as file:
        file.truncate(257 * 2**20)
    open_tab(page, "Train")
    page.locator("#train-files input[type=file]").set_input_files(path)
    expect(page.locator("[data-testid=toast-text]")).to_contain_text("exceed the maximum allowed size of 256")


def test_snap_brush_and_the_order_of_the_codes_are_there_after_a_reload(page, hands):
    open_tab(page, "Edit")
    hands.indices()
    page.locator(".code-grid .levels").get_by_role("button", name="Timbre").click()
    hands.choose_code(17)
    page.locator(".code-grid .snap").select_option("4")
    open_tab(page, "Explore")
    page.locator("#explore-codebook select").select_option("number")
    page.reload()
    open_tab(page, "Edit")
    expect(page.locator(".code-grid .snap")).to_have_value("4")
    expect(page.locator(".code-grid .readout")).to_contain_text("Brush: code 17.")
    expect(page.locator(".code-grid .levels [aria-pressed=true]")).to_have_text("Timbre")
    expect(page.locator(".code-grid .palette [aria-pressed=true]")).to_have_attribute("data-code", "17")
    expect(page.locator(".code-grid .tempo")).not_to_have_value("120")  # the beat that it snaps to was found
    open_tab(page, "Explore")
    expect(page.locator("#explore-codebook select")).to_have_value("number")
    expect(page.locator("#explore-codebook .tile").nth(1)).to_contain_text("1")
    hands.page.evaluate("localStorage.clear()")
