"""Crosses and inventions in a real browser: the codec makes whole clips, and the strip keeps them."""

import numpy as np
from playwright.sync_api import expect

from tests.e2e.conftest import HISTORY, open_edit

TOLD = "#edit-invented-told"


def test_a_clip_is_crossed_with_the_second_one_undone_and_another_one_invented(page, hands, strip):
    open_edit(page)
    codes = hands.indices()
    page.locator("#edit-invented > button").click()
    page.locator("#edit-cross").click()
    expect(page.get_by_text("Choose a second clip first").first).to_be_visible()
    strip.choose("loop_amen")
    strip.press("second")
    expect(page.locator(".code-grid .second")).to_contain_text("loop_amen")
    page.locator("#edit-cross").click()
    expect(page.locator(HISTORY).first).to_contain_text("played by the sounds of")
    crossed = hands.indices()
    assert crossed.shape == codes.shape
    assert not np.array_equal(crossed, codes)
    expect(page.locator(".code-grid .second")).to_contain_text("loop_amen")
    page.get_by_role("button", name="Undo").first.click()
    hands.settled()
    expect(page.locator(HISTORY)).to_have_count(0)
    assert np.array_equal(hands.indices(), codes)
    page.get_by_label("With the rhythm of the second clip").check()
    page.locator("#edit-invent").click()
    expect(page.locator(".code-grid .clip")).to_have_text("invention 1")
    expect(strip.cell("invention 1")).to_contain_text("open")
    expect(page.locator(TOLD)).to_contain_text("of a clip")


def test_a_clip_is_said_again_in_another_codec(page, hands, example, other_codec_path):
    open_edit(page)
    codec = example[0].model_id[:6]
    with page.expect_file_chooser() as chooser:
        page.locator("#train-load").click()
    chooser.value.set_files(other_codec_path)
    expect(page.locator("#codec")).not_to_contain_text(codec)
    page.locator("#edit-invented > button").click()
    page.locator("#edit-say-again").click()
    expect(page.locator(".code-grid .clip")).to_contain_text("loop_breakbeat.flac in ")
    expect(page.locator("#codec")).to_contain_text(codec)
    expect(page.locator(TOLD)).to_contain_text("is said again")
    assert hands.samples().any()
