"""A visitor records sounds with the microphone; Chromium's stand-in for one beeps once a second."""

from playwright.sync_api import expect

from tests.e2e.conftest import open_edit


def test_recordings_are_told_from_each_other_by_their_names(new_browser, app_url):
    listening = new_browser("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    page = listening.new_context(viewport={"width": 1280, "height": 900}, permissions=["microphone"]).new_page()
    page.goto(app_url)
    open_edit(page)
    for number in (1, 2):
        page.locator("#to-record").click()
        recorder = page.locator("#explore-record")
        stop = recorder.locator(".stop-button")
        expect(stop).to_be_visible()
        page.wait_for_timeout(1_500)  # a beep is recorded
        stop.click()
        expect(page.locator(".code-grid .clip")).to_have_text(f"recording {number}")
        expect(recorder).to_be_hidden()
    page.close()
