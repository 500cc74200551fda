"""Keys, fingers and the wheel on the code grid, in a real browser by real key and touch events."""

import time

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import HISTORY, Hands, StripHands, open_edit
from tests.waiting import PATIENCE, until

PLAY = ".code-grid .play"
CANVAS = "canvas.cells"


@pytest.fixture
def edit(page):
    open_edit(page)
    return page


def requests_of(page):
    """What the page asks the server's functions for, from here on."""
    asked = []
    page.on("request", lambda each: asked.append(each.post_data) if "component_server" in each.url else None)
    return asked


def key(page, printed, code, modifiers=0, **more):
    """Press a key of any layout: what it prints, and where it sits; of the modifiers, 2 is Control and 8 is Shift."""
    devtools = page.context.new_cdp_session(page)
    event = {"key": printed, "code": code, "modifiers": modifiers, **more}
    devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **event})
    devtools.send("Input.dispatchKeyEvent", {"type": "keyUp", **event})
    devtools.detach()


def scroll_left(page):
    return page.locator(".code-grid .scroller").evaluate("scroller => scroller.scrollLeft")


def column_at(page, x):
    """The place in the clip at a place of the window, in columns."""
    return page.evaluate(
        f"""x => {{
            const box = document.querySelector('.code-grid .track').getBoundingClientRect();
            return (x - box.left) / box.width * {Hands.FIND}.indices.length / 24;
        }}""",
        x,
    )


def test_space_plays_and_pauses_after_a_press_on_any_tool_and_does_not_press_it_again(edit, hands):
    hands.paint(2, 5, hands.another_code(0, 2, 5))
    hands.select((2, 2), (5, 4))
    for name, count in {"copy": 1, "reverse": 2, "undo": 1}.items():
        hands.press(name)
        hands.settled()
        expect(edit.locator(HISTORY), name).to_have_count(count)
        edit.keyboard.press("Space")
        expect(edit.locator(PLAY), name).to_have_text("Pause")
        edit.keyboard.press("Space")
        expect(edit.locator(PLAY), name).to_have_text("Play")
        hands.settled()
        expect(edit.locator(HISTORY), name).to_have_count(count)


def test_space_and_undo_are_heard_from_every_control_but_a_field_for_text(edit, hands):
    before = hands.indices()
    edit.locator(PLAY).focus()
    for control in (".mix", ".times", ".loop", ".all input", "[data-tool=brush]", ".palette button"):
        code = hands.another_code(0, 2, 5)
        hands.paint(2, 5, code)
        expect(edit.locator(HISTORY)).to_have_count(1)
        edit.locator(f".code-grid {control}").first.click()
        edit.keyboard.press("Space")
        expect(edit.locator(PLAY)).to_have_text("Pause")
        edit.keyboard.press("Space")
        expect(edit.locator(PLAY)).to_have_text("Play")
        if control == ".times":  # its own undo is for what was typed
            edit.locator(".code-grid .loop").focus()
        edit.keyboard.press("Control+z")
        expect(edit.locator(HISTORY)).to_have_count(0)
        hands.settled()
        assert np.array_equal(hands.indices(), before)
    assert edit.locator(".code-grid .loop").get_attribute("aria-pressed") == "true"
    hands.paint(2, 5, hands.another_code(0, 2, 5))
    edit.get_by_text("The grid as text, to share").click()
    text = edit.locator("#edit-text textarea")
    text.click()
    text.press_sequentially("a b")
    expect(text).to_have_value("a b")
    edit.keyboard.press("Control+z")
    expect(text).not_to_have_value("a b")
    expect(edit.locator(HISTORY)).to_have_count(1)
    expect(edit.locator(PLAY)).to_have_text("Play")


def test_redo_has_two_keys_and_a_checkbox_that_the_keyboard_reached_keeps_space(edit, hands):
    hands.paint(2, 5, hands.another_code(0, 2, 5))
    expect(edit.locator(HISTORY)).to_have_count(1)
    painted = hands.indices()
    for redo in ("Control+Shift+z", "Control+y"):
        edit.keyboard.press("Control+z")
        expect(edit.locator(HISTORY)).to_have_count(0)
        edit.keyboard.press(redo)
        expect(edit.locator(HISTORY)).to_have_count(1)
    hands.settled()
    assert np.array_equal(hands.indices(), painted)
    box = edit.locator(".code-grid .hear input")
    edit.locator(".code-grid .before").focus()
    edit.keyboard.press("Tab")
    expect(box).to_be_focused()
    edit.keyboard.press("Space")
    expect(box).not_to_be_checked()
    expect(edit.locator(PLAY)).to_have_text("Play")


def test_keys_are_found_on_other_layouts(edit, hands):
    hands.paint(2, 5, hands.another_code(0, 2, 5))
    expect(edit.locator(HISTORY)).to_have_count(1)
    for printed, code in (("я", "KeyZ"), ("ζ", "KeyZ"), ("ז", "KeyZ"), ("z", "KeyW"), ("ئ", "KeyZ")):
        key(edit, printed, code, 2)
        expect(edit.locator(HISTORY)).to_have_count(0)
        key(edit, printed.upper(), code, 2 + 8)
        expect(edit.locator(HISTORY)).to_have_count(1)
    for printed, code, level in (("é", "Digit2", "Timbre"), ("&", "Digit1", "Structure"), ("3", "Numpad3", "Detail")):
        key(edit, printed, code)
        expect(edit.locator(".code-grid .readout")).to_contain_text(level)
    key(edit, "ы", "KeyS")
    expect(edit.locator("[data-tool=select]")).to_have_attribute("aria-pressed", "true")


def test_a_held_key_acts_once(edit, hands):
    hands.paint(2, 5, hands.another_code(0, 2, 5))
    hands.paint(2, 6, hands.another_code(0, 2, 6))
    edit.keyboard.down("Control")
    for _ in range(4):
        edit.keyboard.down("z")
    edit.keyboard.up("z")
    edit.keyboard.up("Control")
    hands.settled()
    expect(edit.locator(HISTORY)).to_have_count(1)
    for _ in range(2):
        edit.keyboard.down("Space")
    edit.keyboard.up("Space")
    expect(edit.locator(PLAY)).to_have_text("Pause")


def test_escape_takes_a_begun_stroke_back_and_nothing_is_sent(edit, hands):
    before, sound = hands.indices(), hands.samples()
    brush = f"Brush: code {hands.another_code(0, 2, 2)}."
    hands.choose_code(hands.another_code(0, 2, 2))
    expect(edit.locator(".code-grid .readout")).to_contain_text(brush)
    edit.wait_for_timeout(500)
    requests = requests_of(edit)
    for tool in ("brush", "select", "pick"):
        edit.locator(f"[data-tool={tool}]").click()
        edit.locator(CANVAS).scroll_into_view_if_needed()
        edit.mouse.move(*hands.place(2, 2))
        edit.mouse.down()
        edit.mouse.move(*hands.place(4, 6), steps=4)
        assert np.array_equal(hands.indices(), before) == (tool != "brush"), tool
        edit.keyboard.press("Escape")
        expect(edit.locator(".code-grid .readout"), tool).to_contain_text(brush)
        edit.mouse.move(*hands.place(6, 3), steps=3)
        edit.mouse.up()
        hands.settled()
        assert np.array_equal(hands.indices(), before), tool
        assert np.array_equal(hands.samples(), sound), tool
        assert not requests, tool
        expect(edit.locator(HISTORY), tool).to_have_count(0)
        assert edit.evaluate(f"() => {Hands.FIND}.selection") is None, tool
        expect(edit.locator(".code-grid .readout"), tool).to_contain_text(brush)


def test_control_and_wheel_zooms_at_the_pointer_and_shift_and_wheel_scrolls(edit, hands):
    edit.set_viewport_size({"width": 500, "height": 900})
    x, y = hands.place(4, 6)
    x += 17
    column, zoom, top = column_at(edit, x), edit.evaluate("devicePixelRatio"), edit.evaluate("scrollY")
    wide = edit.locator(".code-grid .track").evaluate("track => track.clientWidth")
    edit.mouse.move(x, y)
    edit.keyboard.down("Control")
    for turn in (-120, -120, -4, -4, 20):
        edit.mouse.wheel(0, turn)
        edit.wait_for_timeout(50)
    edit.keyboard.up("Control")
    edit.wait_for_function(f"document.querySelector('.code-grid .track').clientWidth > {1.2 * wide}")
    assert abs(column_at(edit, x) - column) < 0.05
    assert edit.evaluate("[devicePixelRatio, visualViewport.scale, scrollY]") == [zoom, 1, top]
    left = scroll_left(edit)
    edit.keyboard.down("Shift")
    edit.mouse.wheel(0, -100)
    edit.keyboard.up("Shift")
    edit.wait_for_function(f"document.querySelector('.code-grid .scroller').scrollLeft < {left - 50}")
    assert edit.evaluate("scrollY") == top


@pytest.fixture
def phone(request, browser, app_url):
    context = browser.new_context(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    context.set_default_timeout(1000 * PATIENCE)
    page = context.new_page()
    page.goto(app_url)
    page.get_by_role("tab", name="Edit").tap()
    page.locator(CANVAS).wait_for()
    Hands(page).samples()
    if "swipe" not in request.node.name:
        page.locator("[data-tool=brush]").tap()
    page.locator(CANVAS).evaluate("canvas => canvas.scrollIntoView({block: 'center'})")
    yield page
    context.close()


class Fingers:
    """Fingers on the screen, by real touch events; places in pixels from the canvas's first corner."""

    def __init__(self, page):
        self.page = page
        self.devtools = page.context.new_cdp_session(page)
        self.box = page.locator(CANVAS).bounding_box()

    def touch(self, kind, *places):
        points = [
            {"x": self.box["x"] + x, "y": self.box["y"] + y, "id": finger} for finger, (x, y) in enumerate(places)
        ]
        self.devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        self.page.wait_for_timeout(40)


def view_of(page):
    return page.evaluate("[scrollY, visualViewport.scale, visualViewport.offsetLeft, visualViewport.offsetTop]")


def test_one_finger_paints_and_two_pan_and_zoom_at_the_fingers(phone):
    hands, fingers = Hands(phone), Fingers(phone)
    before, view = hands.indices(), view_of(phone)
    left = fingers.box["x"]
    columns = column_at(phone, left + 100), column_at(phone, left + 200)
    fingers.touch("touchStart", (100, 60))
    fingers.touch("touchStart", (100, 60), (200, 80))
    assert np.array_equal(hands.indices(), before)  # what the first finger painted is taken back
    for step in range(1, 9):
        fingers.touch("touchMove", (100 - 5 * step, 60 + 4 * step), (200 + 7 * step, 80 + 4 * step))
    until(lambda: abs(column_at(phone, left + 60) - columns[0]) < 0.1)
    until(lambda: abs(column_at(phone, left + 256) - columns[1]) < 0.1)
    scrolled = scroll_left(phone)
    for step in range(1, 6):
        fingers.touch("touchMove", (60 - 5 * step, 92), (256 - 5 * step, 112))
    assert abs(scroll_left(phone) - scrolled - 25) < 2
    fingers.touch("touchEnd", (35, 92))
    fingers.touch("touchMove", (90, 92))  # the finger that stays does not paint
    fingers.touch("touchEnd")
    assert view_of(phone) == view
    hands.settled()
    assert np.array_equal(hands.indices(), before)
    expect(phone.locator(HISTORY)).to_have_count(0)
    fingers.touch("touchStart", (100, 60))
    fingers.touch("touchMove", (160, 60))
    fingers.touch("touchEnd")
    expect(phone.locator(HISTORY)).to_have_count(1)
    assert not np.array_equal(hands.indices(), before)


def test_until_a_tool_is_chosen_a_swipe_scrolls_and_a_tap_chooses_a_cell(phone):
    hands, fingers = Hands(phone), Fingers(phone)
    before, top = hands.indices(), phone.evaluate("scrollY")
    expect(phone.locator("[data-tool=scroll]")).to_have_attribute("aria-pressed", "true")
    fingers.touch("touchStart", (100, 150))
    for step in range(1, 9):
        fingers.touch("touchMove", (100, 150 - 15 * step))
    fingers.touch("touchEnd")
    phone.wait_for_function(f"scrollY > {top + 50}")
    assert np.array_equal(hands.indices(), before)
    readout = phone.locator(".code-grid .readout").inner_text()
    phone.touchscreen.tap(*hands.place(4, 5))
    expect(phone.locator(".code-grid .readout")).not_to_have_text(readout)
    expect(phone.locator(".code-grid .readout")).to_contain_text(f"code {before[0, 4, 5]}")
    expect(phone.locator(HISTORY)).to_have_count(0)
    phone.locator("[data-tool=brush]").tap()
    phone.touchscreen.tap(*hands.place(2, 5))
    expect(phone.locator(HISTORY)).to_have_count(1)


def test_a_cancelled_touch_takes_the_stroke_back(phone):
    hands, fingers = Hands(phone), Fingers(phone)
    before, asked = hands.indices(), requests_of(phone)
    fingers.touch("touchStart", (60, 60))
    fingers.touch("touchMove", (160, 100))
    assert not np.array_equal(hands.indices(), before)
    fingers.touch("touchCancel")
    phone.wait_for_timeout(200)
    assert np.array_equal(hands.indices(), before)
    assert not asked


def test_a_finger_draws_a_lasso_and_a_double_tap_types_a_code(phone):
    hands, before = Hands(phone), Hands(phone).indices()
    phone.locator("[data-tool=lasso]").tap()
    expect(phone.locator("[data-tool=lasso]")).to_have_attribute("aria-pressed", "true")
    phone.locator(CANVAS).evaluate("canvas => canvas.scrollIntoView({block: 'center'})")
    fingers = Fingers(phone)
    corner = fingers.box["x"], fingers.box["y"]
    around = [hands.place(*cell) for cell in ((1, 1), (1, 3), (1, 4), (3, 4), (5, 4), (5, 1))]
    places = [(x - corner[0], y - corner[1]) for x, y in around]
    fingers.touch("touchStart", places[0])
    for place in places[1:]:
        fingers.touch("touchMove", place)
    fingers.touch("touchEnd")
    expect(phone.locator(".code-grid .readout")).to_contain_text("Selected: ")
    assert phone.evaluate(f"() => {Hands.FIND}.selection.columns") == [1, 4]
    assert np.array_equal(hands.indices(), before)
    phone.locator("[data-tool=select]").tap()
    phone.locator(CANVAS).evaluate("canvas => canvas.scrollIntoView({block: 'center'})")
    twice(phone, *hands.place(2, 2))
    field = phone.locator(".code-grid .entry")
    expect(field).to_have_value(str(before[0, 2, 2]))
    code = (before[0, 2, 2] + 9) % 64
    field.fill(str(code))
    field.press("Enter")
    expect(phone.locator(HISTORY)).to_have_count(1)
    hands.settled()
    assert hands.indices()[0, 2, 2] == code
    assert (hands.indices() != before).sum() == 1


def twice(page, x, y):
    """Tap a place twice, as fast as a finger does by the events' own times."""
    devtools, began = page.context.new_cdp_session(page), time.time()
    for late in (0, 0.15):
        for kind, points in (("touchStart", [{"x": x, "y": y}]), ("touchEnd", [])):
            event = {"type": kind, "touchPoints": points, "timestamp": began + late}
            devtools.send("Input.dispatchTouchEvent", event)


def test_a_finger_drags_a_region_of_the_second_clip_across(phone):
    hands, strip = Hands(phone), StripHands(phone)
    before = hands.indices()
    strip.cell("loop_industrial").tap()
    phone.locator(".strip .acts .second").tap()
    others = phone.locator(".code-grid .others")
    expect(others).to_be_visible()
    others.scroll_into_view_if_needed()
    others.evaluate("canvas => canvas.scrollIntoView({block: 'end'})")
    devtools = phone.context.new_cdp_session(phone)

    def touch(kind, *places):
        points = [{"x": x, "y": y} for x, y in places]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        phone.wait_for_timeout(40)

    def drag(start, stop):
        touch("touchStart", start)
        for step in range(1, 7):
            touch("touchMove", tuple(a + (b - a) * step / 6 for a, b in zip(start, stop, strict=True)))
        touch("touchEnd")

    box = others.bounding_box()
    wide = phone.locator(".code-grid .track").evaluate("track => track.clientWidth") / before.shape[2]
    here = [(box["x"] + (column + 0.5) * wide, box["y"] + (7.5 - row) * 28) for row, column in ((3, 1), (1, 2))]
    drag(*here)
    above = phone.locator(CANVAS).bounding_box()
    assert above["y"] > 0  # both are in view
    target = (above["x"] + 4.5 * wide, above["y"] + (7.5 - 3) * 28)
    drag(here[0], target)
    expect(phone.locator(HISTORY)).to_have_count(1)
    hands.settled()
    changed = np.nonzero((hands.indices() != before).any(0))
    assert set(changed[0]) <= {1, 2, 3}
    assert set(changed[1]) <= {4, 5}
    assert len(changed[0])


def test_a_stroke_whose_pointer_is_lost_is_taken_back(edit, hands):
    before = hands.indices()
    hands.choose_code(hands.another_code(0, 2, 2))
    edit.mouse.move(*hands.place(2, 2))
    edit.mouse.down()
    edit.mouse.move(*hands.place(4, 6), steps=4)
    assert not np.array_equal(hands.indices(), before)
    edit.locator(CANVAS).evaluate("canvas => canvas.releasePointerCapture(1)")
    edit.mouse.move(*hands.place(5, 6))
    edit.mouse.up()
    hands.settled()
    assert np.array_equal(hands.indices(), before)
    expect(edit.locator(HISTORY)).to_have_count(0)
