"""Where things are on the page: nothing covers the grid, and what belongs to it is as wide as it is."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import open_edit, open_tab


def boxes(page, selector):
    return [found.bounding_box() for found in page.locator(selector).all() if found.is_visible()]


def overlap(one, other):
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "width"), ("y", "height"))
    )


@pytest.mark.parametrize("width", [1280, 390])
def test_the_recorder_covers_nothing(page, width):
    page.known_errors += ["Error accessing the microphone"]  # the machine has none
    page.set_viewport_size({"width": width, "height": 900})
    open_edit(page)
    page.locator("#to-record").click()
    recorder = page.locator("#explore-record")
    expect(recorder).to_be_visible()
    for selector in (".code-grid .board", "[role=tab]", "#ways-in button.sm, #private-switch button", ".strip"):
        found = boxes(page, selector)
        assert found
        assert not [box for box in found if overlap(box, recorder.bounding_box())]
    page.locator("#to-record").click()
    expect(recorder).to_be_hidden()


def test_on_a_phone_each_row_of_the_grid_has_its_band_beside_it(page):
    page.set_viewport_size({"width": 390, "height": 844})
    open_edit(page)
    bands = page.locator(".code-grid .bands span")
    expect(bands).to_have_text(
        [f"{band} kHz" for band in ("13.2–22.1", "7.9–13.2", "4.7–7.9", "2.8–4.7", "1.7–2.8", "1.0–1.7")]
        + [f"{band} Hz" for band in ("500–1000", "0–500")]
    )
    cells, shown = page.locator("canvas.cells").bounding_box(), boxes(page, ".code-grid .bands span")
    assert len(shown) == 8
    for number, band in enumerate(shown):
        assert band["x"] + band["width"] <= cells["x"]
        assert cells["y"] + 28 * number <= band["y"]
        assert band["y"] + band["height"] <= cells["y"] + 28 * (number + 1)
    assert cells["width"] > 280


SHADED = """() => {
    const ruler = document.querySelector(".code-grid canvas.ruler");
    const line = ruler.getContext("2d").getImageData(0, 1, ruler.width, 1).data;
    const last = line.findLastIndex((value, place) => place % 4 === 3 && value);
    return (last + 1) / 4 / ruler.width;
}"""
"""Script that gives the share of the ruler's width up to which its upper half is drawn."""


def test_the_ruler_ends_where_the_grid_does_also_when_it_is_scrolled(page):
    open_edit(page)
    width = page.locator("canvas.cells").bounding_box()["width"]
    assert page.locator("canvas.ruler").bounding_box()["width"] == width
    assert page.evaluate(SHADED) == 1
    for _ in range(3):
        page.locator(".code-grid .closer").click()
    page.locator(".code-grid .scroller").evaluate("scroller => { scroller.scrollLeft = scroller.scrollWidth; }")
    page.wait_for_timeout(200)
    assert page.evaluate(SHADED) == 1


GAPS = """() => [...document.querySelectorAll(".tabitem > .column")].flatMap((tab) => {
    const shown = [...tab.children].map((part) => part.getBoundingClientRect()).filter(({ width }) => width);
    return shown.slice(1).map(({ top }, number) => Math.round(top - shown[number].bottom));
})"""
"""Script that gives the pixels between what is below each other in the open tab."""


def test_what_is_below_each_other_in_a_tab_has_one_gap(page):
    for tab, part in {"Edit": "canvas.cells", "Explore": "#explore-save", "Train": "#train-start"}.items():
        open_tab(page, tab)
        page.locator(part).wait_for()
        assert set(page.evaluate(GAPS)) == {8}, tab


def test_words_of_the_page_are_explained_where_they_stand(page):
    open_edit(page)
    expect(page.locator(".strip .second")).to_contain_text("to blend")
    expect(page.locator(".strip .several")).to_contain_text("in a row")
    expect(page.locator(".code-grid label", has_text="how far")).to_contain_text("1 is the most alike")
    expect(page.locator(".code-grid .second")).to_contain_text("choose one by “Second”")


def test_rec_says_what_it_overwrites(page):
    open_edit(page)
    page.locator(".code-grid .rec").click()
    words = page.locator(".code-grid .rec-words")
    expect(words).to_contain_text("overwrites the grid (Structure, all bands) at the cursor")
    page.locator(".code-grid .rec").click()
    expect(words).to_be_hidden()


def test_the_name_of_a_pad_is_cut_at_its_end_alone_and_is_no_two_letters_on_a_phone(page):
    page.set_viewport_size({"width": 390, "height": 844})
    open_edit(page)
    page.locator(".code-grid .keys-mode").select_option("clips")
    pad = page.get_by_role("button", name="Pad Q: loop_3d_printer")
    expect(pad).to_be_visible()
    (name,), button = boxes(page, ".code-grid .pad:first-child span"), pad.bounding_box()
    assert button["x"] <= name["x"]
    assert name["x"] + name["width"] <= button["x"] + button["width"]
    assert name["width"] > 50


def test_a_refusal_is_a_sentence_and_leaves_no_word_alone_on_the_page(page):
    open_edit(page)
    page.get_by_text("Cross and invent").click()
    page.locator("#edit-cross").click()
    expect(page.get_by_test_id("toast-body")).to_contain_text("second clip")
    expect(page.locator("[data-testid=status-tracker] .error")).to_have_count(1)
    expect(page.locator("[data-testid=status-tracker] .error")).to_be_hidden()
