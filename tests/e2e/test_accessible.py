"""The page for everyone: what axe-core finds, the keyboard alone, less motion."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Hands
from tests.waiting import PATIENCE

AXE = Path(__file__).parents[2] / ".ci" / "page" / "node_modules" / "axe-core" / "axe.min.js"
GRADIOS = {
    "label-content-name-mismatch": (".upload-container", ".playback"),
}
"""What Gradio itself does wrong, by axe's rule: the names of its buttons for an upload and for the speed of its player
are not the words on them."""


@pytest.fixture(scope="module")
def axe():
    if not AXE.exists():
        reason = "This test needs axe-core: run .ci/page/check, which installs it."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return AXE.read_text(encoding="utf-8")


def open_page(browser, app_url, **options):
    context = browser.new_context(**options)
    context.set_default_timeout(1000 * PATIENCE)
    page = context.new_page()
    page.goto(app_url)
    page.get_by_role("tab", name="Train").wait_for()
    return page


def findings(page):
    """The serious and critical findings, each as its rule and the element, but for those of ``GRADIOS``."""
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{rule['id']} {node['html'][:200]} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
        if not any(
            page.locator(node["target"][0]).evaluate("(node, excused) => node.matches(excused)", excused)
            for excused in GRADIOS.get(rule["id"], ())
        )
    ]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_tab(browser, app_url, axe, width, scheme):
    page = open_page(browser, app_url, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.evaluate(axe)
    for tab, shown in (("Train", "#train-start"), ("Explore", "#explore-spectra .pane"), ("Edit", "canvas.cells")):
        page.get_by_role("tab", name=tab).click()
        page.locator(shown).first.wait_for()
        if tab == "Edit":
            hands = Hands(page)
            hands.samples()
            hands.paint(2, 2, hands.another_code(0, 2, 2))
            expect(page.locator("#edit-grid .history li")).to_have_count(1)
            page.keyboard.press("Control+a")
            page.keyboard.press("c")
            expect(page.locator(".code-grid .message")).not_to_be_empty()
        page.wait_for_timeout(1500)  # what fades in has its colours
        assert findings(page) == [], tab
    page.context.close()


def test_every_control_of_the_grid_is_reached_by_tab_and_shows_the_focus(page):
    page.get_by_role("tab", name="Edit").click()
    hands = Hands(page)
    hands.samples()
    controls = page.evaluate(
        """() => {
            const controls = [...document.querySelectorAll(
                '#edit-grid :is(:is(button, input):not(:disabled), select, canvas, summary, [tabindex="0"])')];
            const seen = controls.filter(each => each.checkVisibility());
            seen.forEach((each, number) => { each.dataset.number = number; });
            return seen.length;
        }"""
    )
    page.locator("#edit-grid [data-number='0']").focus()
    reached, unseen = [], []
    for _ in range(controls + 5):
        number, outline, html = page.evaluate(
            """() => {
                const {activeElement: at} = document;
                return [at.dataset.number, getComputedStyle(at).outlineStyle, at.outerHTML.slice(0, 80)];
            }"""
        )
        if number is None:
            break
        reached.append(int(number))
        if outline == "none":
            unseen.append(html)
        page.keyboard.press("Tab")
    assert reached == list(range(controls))
    assert not unseen[1:]  # the first was not reached by Tab


def test_an_edit_is_made_and_undone_by_keyboard_alone(page):
    page.get_by_role("tab", name="Edit").focus()
    page.keyboard.press("Enter")
    hands = Hands(page)
    hands.samples()
    before = hands.indices().copy()
    page.locator("canvas.cells").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("2")
    page.locator(".code-grid [data-act=reverse]").focus()
    page.locator(".code-grid [data-act=set]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#edit-grid .history li")).to_have_count(1)
    hands.settled()
    assert (hands.indices()[1, 0:2, 1] == 0).all()
    page.keyboard.press("Control+z")
    expect(page.locator("#edit-grid .history li")).to_have_count(0)
    assert (hands.indices() == before).all()


def test_who_wants_less_motion_sees_none(browser, app_url):
    page = open_page(browser, app_url, reduced_motion="reduce")
    moving = """[...document.querySelectorAll('.contain *')].filter(each => {
        const {animationDuration, transitionDuration} = getComputedStyle(each);
        const times = `${animationDuration},${transitionDuration}`.split(',');
        return times.some(time => parseFloat(time) > 0.001);
    }).length"""
    for tab in ("Explore", "Edit", "Train"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(1000)
        assert page.evaluate(moving) == 0
    page.evaluate(
        """() => {
            window.scrolled = [];
            const scroll = Element.prototype.scrollIntoView;
            Element.prototype.scrollIntoView = function (how) {
                window.scrolled.push(how?.behavior ?? 'auto');
                scroll.call(this, how);
            };
        }"""
    )
    page.locator("#tour").click()
    page.wait_for_function("window.scrolled.length")
    assert page.evaluate("window.scrolled") == ["auto"]
    page.context.close()
