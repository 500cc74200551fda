"""Sound that the browser interrupts goes on, and the player's keys are heard wherever the focus is."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Hands

KEEP = """
    window.opened = [];
    window.AudioContext = class extends AudioContext {
        constructor(...options) {
            super(...options);
            window.opened.push(this);
        }
    };
"""


@pytest.mark.parametrize("comes_back", [True, False])
def test_interrupted_sound_goes_on_in_its_context_or_in_a_new_one(page, comes_back):
    page.add_init_script(KEEP)
    page.reload()
    page.get_by_role("tab", name="Edit").click()
    hands = Hands(page)
    hands.samples()
    page.locator(".code-grid .loop").click()
    page.keyboard.press("Space")
    page.wait_for_function(f"() => {hands.FIND}.position > 0.1")
    if not comes_back:
        page.evaluate("() => { window.opened.at(-1).resume = () => Promise.reject(new Error('interrupted')); }")
    count = page.evaluate("window.opened.length")
    page.evaluate("window.opened.at(-1).suspend()")
    if comes_back:
        page.wait_for_function("window.opened.at(-1).state === 'running'")
    else:
        page.wait_for_function(f"window.opened.length > {count} && window.opened[{count - 1}].state === 'closed'")
    position = page.evaluate(f"{hands.FIND}.position")
    page.wait_for_function(f"() => Math.abs({hands.FIND}.position - {position}) > 0.1")
    assert (page.evaluate("window.opened.length") > count) == (not comes_back)
    expect(page.locator(".code-grid .play")).to_have_text("Pause")


def test_space_plays_after_a_press_on_compare_and_does_not_press_it_again(page):
    page.get_by_role("tab", name="Explore").click()
    player = page.locator("#explore-player")
    page.wait_for_function("[...document.querySelectorAll('#explore-player *')].some(part => part.player?.loaded(0))")
    player.get_by_role("button", name="Compare").click()
    track = page.evaluate("[...document.querySelectorAll('#explore-player *')].find(part => part.player).player.track")
    page.keyboard.press("Space")
    expect(player.locator(".play")).to_have_text("Pause")
    page.keyboard.press("Space")
    expect(player.locator(".play")).to_have_text("Play")
    now = "[...document.querySelectorAll('#explore-player *')].find(part => part.player).player.track"
    assert page.evaluate(now) == track
    page.keyboard.press("x")
    page.wait_for_function(f"() => {now} !== {track}")
