"""A file that is dropped anywhere on the page is taken; the browser does not open it in the page's place."""

import base64
import re

import pytest
from playwright.sync_api import expect

from distill.codec import Codec
from tests.e2e.conftest import open_edit, open_tab

DROP = """([files, target]) => {
    const transfer = new DataTransfer();
    for (const [name, content] of files) {
        transfer.items.add(new File([Uint8Array.from(atob(content), (each) => each.charCodeAt(0))], name));
    }
    return ["dragover", "drop"].map((kind) => !document.querySelector(target).dispatchEvent(
        new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true })
    ));
}"""


@pytest.fixture
def drop(page):
    """A function that drops files on an element of the page."""

    def dropped(paths, target=".code-grid canvas.cells"):
        files = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in paths]
        assert page.evaluate(DROP, [files, target]) == [True, True]  # or the browser would open the file
        assert "is-dropping" not in (page.locator("body").get_attribute("class") or "")

    return dropped


def test_a_sound_that_is_dropped_on_the_grid_is_opened(page, drop, clips):
    open_edit(page)
    drop(clips[:1])
    expect(page.locator(".code-grid .clip")).to_have_text(clips[0].name)


def test_several_sounds_that_are_dropped_on_the_grid_are_the_set_to_train_on(page, drop, clips):
    open_edit(page)
    drop(clips[:5])
    expect(page.locator("#train-clips")).to_contain_text(re.compile(r"5 clips"))
    open_tab(page, "Edit")
    drop(clips[5:7], "body")
    open_tab(page, "Train")
    expect(page.locator("#train-clips")).to_contain_text(re.compile(r"7 clips"))


def test_what_is_dropped_in_private_mode_is_not_sent_and_uncovers_the_page(page, drop, clips):
    open_edit(page)
    page.get_by_role("button", name="Private", exact=True).click()
    drop(clips[:2])
    expect(page.locator("#edit-private")).to_contain_text("these files were not sent")


def test_a_codec_that_is_dropped_is_in_use_and_one_press_goes_back(page, drop, other_codec_path):
    open_edit(page)
    before = page.locator("#codec b").inner_text()
    drop([other_codec_path], "body")
    expect(page.locator("#codec b")).to_have_text(Codec.load(other_codec_path).model_id[:6])
    back = page.locator("#codec-back")
    expect(back).to_have_text(f"Back to {before}")
    back.click()
    expect(page.locator("#codec b")).to_have_text(before)
