"""A link to an edit, from one visitor to another."""

import numpy as np
import pytest
from playwright.sync_api import expect

from distill.codes import CodeGrid
from tests.e2e.conftest import Hands, open_tab
from tests.e2e.test_edit import choose_file
from tests.waiting import PATIENCE

TOAST = "[data-testid=toast-text]"


@pytest.fixture
def visit(browser, app_url):
    """Opens the page by a link, as somebody who was never here."""
    contexts = []

    def open_page(query):
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 900}))
        contexts[-1].set_default_timeout(1000 * PATIENCE)
        page = contexts[-1].new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(app_url.rstrip("/") + query)
        return page

    yield open_page
    for context in contexts:
        context.close()


def copied(page):
    """Press “Copy link”, and give the link that the page shows."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#edit-copy-link").click()
    expect(page.locator("#edit-link-told")).to_contain_text("The link is copied")
    return page.locator("#edit-link textarea, #edit-link input").input_value()


def test_whoever_opens_a_copied_link_has_the_same_codes_and_can_undo_the_edit(page, hands, visit, app_url):
    original = hands.indices()
    hands.paint(2, 3, hands.another_code(0, 2, 3))
    hands.paint(5, 1, hands.another_code(0, 5, 1))
    hands.settled()
    painted = hands.indices()
    link = copied(page)
    assert link.startswith(f"{app_url.rstrip('/')}/?clip=loop_breakbeat&edit=")
    assert page.evaluate("navigator.clipboard.readText()") == link
    other = visit(link.removeprefix(app_url.rstrip("/")))
    expect(other.locator("#edit-grid .history li")).to_have_text(["Edit of a link"])
    theirs = Hands(other)
    assert np.array_equal(theirs.indices(), painted)
    open_tab(other, "Explore")
    expect(other.locator("#explore-player")).to_contain_text("loop_breakbeat")
    expect(other.locator("#explore-spectra .pane").first).to_be_visible()
    open_tab(other, "Edit")
    other.wait_for_function("() => !location.search")
    theirs.press("undo")
    theirs.settled()
    assert np.array_equal(theirs.indices(), original)
    theirs.press("redo")
    theirs.settled()
    other.reload()  # the page has what is there now, by itself
    expect(other.locator("#edit-grid .history li")).to_have_text(["Edit of a link"])
    assert np.array_equal(theirs.indices(), painted)
    assert not other.errors


def test_a_link_that_opens_nothing_says_why_and_leaves_the_page_with_its_usual_clip(hands, visit):
    original = hands.indices()
    for query, words in (
        ("?clip=<b>nobody</b>", "no example clip “<b>nobody</b>”"),
        ("?clip=loop_amen&edit=edit1.0a1b.48.eNoDAAAAAAE", "another codec"),
    ):
        other = visit(query)
        expect(other.locator(TOAST)).to_contain_text(words)
        theirs = Hands(other)
        assert np.array_equal(theirs.indices(), original)
        theirs.paint(2, 3, theirs.another_code(0, 2, 3))
        theirs.settled()
        expect(other.locator("#edit-grid .history li")).to_have_count(1)
        assert not other.errors


def test_a_link_brings_its_codec_from_the_hub_and_goes_on_to_the_next_visitor(visit, hub, other_codec, app_url):
    other_codec.push_to_hub("ada/loops")
    page = visit("?codec=ada/loops&clip=loop_amen")
    expect(page.locator("#codec")).to_contain_text(other_codec.model_id[:6])
    expect(page.locator("#codec-back")).to_be_visible()
    hands = Hands(page)
    page.wait_for_function("() => !location.search")
    hands.paint(2, 3, hands.another_code(0, 2, 3))
    hands.settled()
    link = copied(page)
    assert "?codec=ada/loops&clip=loop_amen&edit=" in link
    other = visit(link.removeprefix(app_url.rstrip("/")))
    expect(other.locator("#codec")).to_contain_text(other_codec.model_id[:6])
    expect(other.locator("#edit-grid .history li")).to_have_text(["Edit of a link"])
    assert np.array_equal(Hands(other).indices(), hands.indices())
    open_tab(other, "Explore")
    expect(other.locator("#explore-player")).to_contain_text("loop_amen")
    expect(other.locator("#explore-spectra .pane").first).to_be_visible()
    assert not page.errors + other.errors


def test_an_edit_that_is_too_long_for_a_link_is_offered_as_a_file(page, hands, codec, tmp_path):
    indices = np.random.default_rng(0).integers(0, 64, (3, 8, 200))
    path = tmp_path / "noise.npz"
    CodeGrid(indices, 3200, codec.model_id, 64).save(path)
    choose_file(page, "#edit-load", path)
    page.wait_for_function(f"() => {hands.FIND}?.indices.length === 4800")
    page.locator("#edit-copy-link").click()
    expect(page.locator("#edit-link-told")).to_contain_text("too long for a link")
    expect(page.locator("#edit-files")).to_contain_text("noise-edited")
    expect(page.locator("#edit-link")).to_have_count(0)


def test_a_visitor_who_comes_back_by_a_link_sees_what_it_opens_and_keeps_own_edits(page, hands, app_url, strip):
    hands.indices()
    hands.paint(2, 3, hands.another_code(0, 2, 3))
    hands.settled()
    painted = hands.indices()
    page.goto(f"{app_url.rstrip('/')}/?clip=loop_amen")
    page.wait_for_function("() => !location.search")
    page.wait_for_function(f"() => {hands.FIND}?.indices.length !== {painted.size}")
    expect(page.locator("#edit-grid .history li")).to_have_count(0)
    strip.open("loop_breakbeat")
    expect(page.locator("#edit-grid .history li")).to_have_count(1)
    assert np.array_equal(hands.indices(), painted)
