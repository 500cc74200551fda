"""Takes of a selection in a real browser: draw them, hear one, choose another, take it back."""

import numpy as np
from playwright.sync_api import expect

from tests.e2e.conftest import HISTORY, open_edit
from tests.waiting import PATIENCE

LANES = ".code-grid .take"


def outside(indices, columns):
    return np.delete(indices, range(*columns), axis=2)


def test_a_take_is_heard_exchanged_and_taken_back_and_nothing_else_changes(page, hands):
    open_edit(page)
    codes, sound = hands.indices(), hands.samples()
    hands.select((0, 3), (7, 6))
    page.locator(".code-grid .takes summary").click()
    page.get_by_role("button", name="Vary", exact=True).click()
    expect(page.locator(LANES)).to_have_count(5)
    expect(page.locator(HISTORY)).to_have_count(0)
    page.locator(LANES).nth(1).click()
    expect(page.locator(HISTORY)).to_have_count(1)
    first = hands.indices()
    assert np.array_equal(outside(first, (3, 7)), outside(codes, (3, 7)))
    assert not np.array_equal(first, codes)
    assert not np.array_equal(hands.samples(), sound)
    page.locator(LANES).nth(2).focus()
    page.keyboard.press("Enter")
    hands.settled()
    expect(page.locator(HISTORY)).to_have_count(1)
    expect(page.locator(HISTORY).first).to_contain_text("varied")
    second = hands.indices()
    assert not np.array_equal(second, first)
    assert np.array_equal(outside(second, (3, 7)), outside(codes, (3, 7)))
    page.locator(LANES).nth(0).click()
    hands.settled()
    expect(page.locator(HISTORY)).to_have_count(0)
    assert np.array_equal(hands.indices(), codes)
    assert np.array_equal(hands.samples(), sound)


def test_undo_and_redo_show_which_take_is_in_the_grid(page, hands):
    open_edit(page)
    hands.select((0, 3), (7, 6))
    page.locator(".code-grid .takes summary").click()
    page.get_by_role("button", name="Vary", exact=True).click()
    expect(page.locator(LANES)).to_have_count(5)
    chosen = page.locator(f"{LANES}[aria-pressed=true]")
    expect(chosen).to_have_text("As it was")
    page.locator(LANES).nth(2).click()
    expect(chosen).to_contain_text("Take 2")
    page.keyboard.press("Control+z")
    expect(page.locator(HISTORY)).to_have_count(0)
    expect(chosen).to_have_text("As it was")
    page.keyboard.press("Control+y")
    expect(chosen).to_contain_text("Take 2")
    page.locator(LANES).nth(3).click()
    expect(chosen).to_contain_text("Take 3")
    hands.settled()
    expect(page.locator(HISTORY)).to_have_count(1)
    page.locator(".code-grid .mixer summary").click()
    page.get_by_role("button", name="Level Structure: mute").click()
    expect(chosen).to_have_count(0)
    page.locator(LANES).nth(1).click()
    expect(page.locator(".code-grid .takes-words")).to_contain_text("draw new ones")
    hands.settled()
    expect(page.locator(HISTORY)).to_have_count(2)


def test_takes_of_a_grid_that_has_changed_since_are_not_put_into_it(page, hands):
    open_edit(page)
    hands.select((0, 3), (7, 4))
    page.locator(".code-grid .takes summary").click()
    page.get_by_role("button", name="Continue →").click()
    expect(page.locator(LANES)).to_have_count(5)
    page.locator("canvas.cells").focus()
    page.keyboard.press("Delete")
    hands.settled()
    page.locator(LANES).nth(3).click()
    expect(page.locator(".code-grid .takes-words")).to_contain_text("draw new ones")
    expect(page.locator(HISTORY)).to_have_count(1)


def test_a_finger_draws_takes_of_a_cell_and_chooses_one(browser, app_url):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.set_default_timeout(1000 * PATIENCE)
    page = context.new_page()
    page.goto(app_url)
    hands = open_edit(page)
    codes = hands.indices()
    page.get_by_role("button", name="Select", exact=True).tap()
    page.locator("canvas.cells").scroll_into_view_if_needed()
    page.touchscreen.tap(*hands.place(3, 4))
    page.locator(".code-grid .takes summary").tap()
    page.get_by_role("button", name="Vary", exact=True).tap()
    expect(page.locator(LANES)).to_have_count(5)
    page.locator(LANES).nth(1).tap()
    expect(page.locator(f"{LANES}[aria-pressed=true]")).to_contain_text("Take 1")
    hands.settled()
    assert {tuple(place[1:]) for place in np.argwhere(hands.indices() != codes)} <= {(3, 4)}
    expect(page.locator(HISTORY)).to_have_count(1)
    context.close()
