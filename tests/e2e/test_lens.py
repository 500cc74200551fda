"""The lens, selection by meaning, sliders by ear, typed codes and the second clip below the first, in a browser."""

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import HISTORY, Hands, open_edit
from tests.waiting import PATIENCE

READOUT = ".code-grid .readout"


@pytest.fixture
def edit(page):
    open_edit(page)
    return page


def slide(page, name, amounts):
    """Drag a slider by way of some amounts."""
    slider = page.locator(f"[data-slide={name}]")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    at = [
        (box["x"] + 8 + (amount + 1) / 2 * (box["width"] - 16), box["y"] + box["height"] / 2)
        for amount in (0, *amounts)
    ]
    page.mouse.move(*at[0])
    page.mouse.down()
    for place in at[1:]:
        page.mouse.move(*place, steps=4)
        page.wait_for_timeout(100)
    page.mouse.up()


def test_a_slider_changes_the_selection_as_it_moves_is_undone_at_once_and_each_region_keeps_its_amount(edit, hands):
    before, sound = hands.indices(), hands.samples()
    hands.select((0, 1), (7, 3))
    slide(edit, "loudness", [-0.3, -0.6, -1])
    expect(edit.locator(HISTORY)).to_have_count(1)
    expect(edit.locator(HISTORY)).to_contain_text("% quieter")
    expect(edit.locator(".code-grid .off")).to_contain_text("% off")
    after = hands.indices()
    assert not np.array_equal(after[:, :, 1:4], before[:, :, 1:4])
    outside = np.ones(before.shape, dtype=bool)
    outside[:, :, 1:4] = False
    assert np.array_equal(after[outside], before[outside])
    assert np.square(hands.samples()).mean() < np.square(sound).mean()
    hands.select((2, 6), (5, 8))
    slider = edit.locator("[data-slide=loudness]")
    expect(slider).to_have_value("0")
    hands.select((0, 1), (7, 3))
    assert float(slider.input_value()) < -50
    edit.keyboard.press("Control+z")
    expect(edit.locator(HISTORY)).to_have_count(0)
    hands.settled()
    assert np.array_equal(hands.indices(), before)


def test_cells_are_selected_by_their_code_grown_and_inverted_and_only_these_are_cleared(edit, hands):
    before = hands.indices()
    edit.get_by_role("button", name="Select", exact=True).click()
    edit.mouse.click(*hands.place(2, 5))
    expect(edit.locator(READOUT)).to_contain_text(f"Structure code {before[0, 2, 5]}")
    edit.keyboard.press("e")
    same = before[0] == before[0, 2, 5]
    edit.locator("[data-act=clear]").click()
    hands.settled()
    after = hands.indices()
    assert np.array_equal(after[:, ~same], before[:, ~same])
    assert (after[:, same] != before[:, same]).any()
    edit.locator("[data-choose=grow]").click()
    edit.locator("[data-choose=invert]").click()
    expect(edit.locator(READOUT)).to_contain_text("cells in")
    edit.get_by_role("button", name="Lasso", exact=True).click()
    edit.mouse.move(*hands.place(1, 1))
    edit.mouse.down()
    for place in ((1, 4), (5, 4), (5, 1)):
        edit.mouse.move(*hands.place(*place), steps=6)
    edit.mouse.up()
    expect(edit.locator(READOUT)).to_contain_text("Selected: ")
    assert edit.evaluate(f"() => {Hands.FIND}.selection.columns") == [1, 4]


def test_near_codes_are_tried_with_the_wheel_and_the_keys_and_a_double_press_types_a_code(edit, hands):
    before = hands.indices()
    edit.get_by_role("button", name="Lens", exact=True).click()
    expect(edit.locator(".code-grid .near button")).to_have_count(8, timeout=1000 * PATIENCE)
    edit.mouse.move(*hands.place(3, 4))
    for _ in range(3):
        edit.mouse.wheel(0, 100)
    expect(edit.locator(HISTORY)).to_have_count(1)
    hands.settled()
    assert hands.indices()[0, 3, 4] != before[0, 3, 4]
    assert edit.evaluate(
        "() => document.querySelector('.lens').getContext('2d').getImageData(0, 0, 900, 200).data.some(Boolean)"
    )
    hands.press_twice(2, 6)
    field = edit.locator(".code-grid .entry")
    expect(field).to_have_value(str(before[0, 2, 6]))
    code = (before[0, 2, 6] + 7) % 64
    field.fill(str(code))
    field.press("Enter")
    hands.settled()
    assert hands.indices()[0, 2, 6] == code
    expect(edit.locator(HISTORY)).to_have_count(2)
    edit.keyboard.press("F2")
    expect(field).to_be_focused()
    field.press("Escape")
    expect(field).to_have_count(0)
    hands.settled()
    assert hands.indices()[0, 2, 6] == code


def test_a_region_of_the_second_clip_is_dragged_onto_the_first(edit, hands, strip):
    strip.choose("loop_amen")
    strip.press("second")
    others = edit.locator(".code-grid .others")
    expect(others).to_be_visible(timeout=1000 * PATIENCE)
    before = hands.indices()
    edit.locator("canvas.cells").scroll_into_view_if_needed()
    others.scroll_into_view_if_needed()
    wide = edit.locator(".code-grid .track").first.evaluate("track => track.clientWidth") / before.shape[2]

    def there(row, column):
        box = others.bounding_box()
        return box["x"] + (column + 0.5) * wide, box["y"] + (7 - row + 0.5) * 28

    edit.mouse.move(*there(2, 1))
    edit.mouse.down()
    edit.mouse.move(*there(4, 2), steps=5)
    edit.mouse.up()
    grid = edit.locator("canvas.cells").bounding_box()
    edit.mouse.move(*there(2, 1))
    edit.mouse.down()
    edit.mouse.move(grid["x"] + 5.5 * wide, grid["y"] + (7 - 3 + 0.5) * 28, steps=8)
    edit.mouse.up()
    expect(edit.locator(HISTORY)).to_have_count(1)
    expect(edit.locator(HISTORY)).to_contain_text("pasted")
    hands.settled()
    changed = np.argwhere((hands.indices() != before).any(axis=0))
    assert changed.min(axis=0).tolist() >= [3, 5]
    assert changed.max(axis=0).tolist() <= [5, 6]


def test_two_presses_with_an_undo_between_them_paint_twice(edit, hands):
    code = hands.another_code(0, 2, 6)
    hands.choose_code(code)
    hands.press_twice(2, 6, lambda: edit.keyboard.press("Control+z"))
    expect(edit.locator(HISTORY)).to_have_count(1)
    hands.settled()
    assert hands.indices()[0, 2, 6] == code
    expect(edit.locator(".code-grid .entry")).to_have_count(0)


def test_a_typed_code_leaves_the_focus_where_the_visitor_takes_it(edit, hands):
    hands.press_twice(3, 2)
    entry = edit.locator(".code-grid .entry")
    expect(entry).to_be_focused()
    find = edit.get_by_label("Find clips by name")
    find.click()
    expect(entry).to_have_count(0)
    expect(find).to_be_focused()
    hands.press_twice(3, 2)
    expect(entry).to_be_focused()
    edit.keyboard.press("Escape")
    expect(edit.locator("canvas.cells")).to_be_focused()


def test_turns_of_the_wheel_within_a_frame_are_one_edit_and_near_tiles_stay_while_the_code_does(edit, hands):
    edit.locator(".code-grid .look").click()
    tiles = edit.locator(".code-grid .near button")
    expect(tiles.first).to_be_visible()
    kept = tiles.first.element_handle()
    edit.locator(".code-grid [data-act=copy]").click()
    edit.mouse.move(*hands.place(5, 6))
    assert kept.evaluate("tile => tile.isConnected")
    before = hands.indices()
    sent = []
    edit.on("request", lambda request: sent.append(request.post_data or ""))
    x, y = hands.place(5, 6)
    turn = """([x, y]) => {
        const turned = { deltaY: 100, clientX: x, clientY: y, bubbles: true, cancelable: true };
        for (let notch = 0; notch < 3; notch++)
            document.querySelector("canvas.cells").dispatchEvent(new WheelEvent("wheel", turned));
    }"""
    edit.evaluate(turn, [x, y])
    expect(edit.locator(HISTORY)).to_have_count(1)
    hands.settled()
    assert (hands.indices() != before).sum() == 1
    assert sum('"paint"' in body for body in sent) == 1
