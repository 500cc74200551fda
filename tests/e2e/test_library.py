"""A library on the page: a codec is kept, and whoever has the link opens and deletes it."""

from playwright.sync_api import expect

from distill.codec import Codec
from tests.e2e.conftest import open_edit
from tests.e2e.test_edit import choose_file
from tests.waiting import PATIENCE

HOSTILE = "<b>drums</b> ../🥁"
FORGETFUL = """for (const name of ["localStorage", "sessionStorage"])
    Object.defineProperty(window, name, { get() { throw new DOMException("no", "SecurityError"); } });"""
"""Makes a browser that refuses storage, as in another site's frame."""


def test_a_kept_codec_is_opened_and_deleted_by_its_link_in_another_browser(page, browser, example, other_codec_path):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_edit(page)
    shelf = page.locator("#library")
    expect(shelf).to_be_hidden()
    other = Codec.load(other_codec_path).model_id[:6]
    choose_file(page, "#train-load", other_codec_path)
    expect(page.locator("#codec")).to_contain_text(other)
    page.locator("#to-library").click()
    expect(shelf).to_contain_text("A codec is kept for 90 days after it was last opened.")
    shelf.locator("form .name").fill(HOSTILE)
    shelf.get_by_role("button", name="Keep this codec").click()
    expect(shelf.locator("li .title")).to_have_text([HOSTILE])
    expect(shelf.locator("li .facts")).to_contain_text("3 levels")
    shelf.locator(".copy").click()
    expect(shelf.locator(".told")).to_contain_text("Whoever has it can open, and delete, what is in the library.")
    expect(shelf.locator(".mine")).to_be_hidden()
    link = page.evaluate("navigator.clipboard.readText()")
    page.reload()  # the browser remembers the library
    page.locator("#to-library").click()
    expect(shelf.locator("li .title")).to_have_text([HOSTILE])
    expect(shelf.locator(".told")).to_contain_text("Keep it yourself, too")
    expect(shelf.locator(".link")).to_have_value(link)

    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True)
    context.set_default_timeout(1000 * PATIENCE)
    theirs, sent = context.new_page(), []
    theirs.on("request", lambda request: sent.append((request.url, request.headers.get("referer"))))
    theirs.goto(link)
    there = theirs.locator("#library")
    expect(there.locator("li .title")).to_have_text([HOSTILE])
    expect(there.locator(".told")).to_contain_text("A link opened this library")
    expect(there.get_by_role("button", name="Begin my own")).to_be_visible()
    assert "library" not in theirs.url  # nobody who looks at the address has the key
    assert link.split("=")[1] not in str(sent)  # nor who logs the addresses of requests
    expect(theirs.locator("#codec")).to_contain_text(example[0].model_id[:6])
    there.get_by_role("button", name="Open").click()
    expect(theirs.locator("#codec")).to_contain_text(other)
    expect(there).to_be_hidden()
    theirs.locator("#to-library").click()
    there.get_by_role("button", name="Rename").click()
    there.locator("li .name").fill("hall")
    there.get_by_role("button", name="Save name").click()
    expect(there.locator("li .title")).to_have_text(["hall"])
    there.get_by_role("button", name="Delete hall").click()
    expect(there.locator("li .title")).to_have_text(["hall"])  # not at the first press
    there.locator("li .sure").click()
    expect(there.locator(".empty")).to_contain_text("There is no codec in this library")
    theirs.evaluate(FORGETFUL)
    there.get_by_role("button", name="Begin my own").click()
    there.locator("form .name").fill("mine")
    there.get_by_role("button", name="Keep this codec").click()
    expect(there.locator("li .title")).to_have_text(["mine"])
    expect(there.locator(".told")).to_contain_text("does not remember this link, so copy it now")
    assert there.locator(".link").input_value() not in ("", link)
    context.close()

    for _ in range(2):  # put away and shown again, the first page sees it too
        page.locator("#to-library").click()
    expect(shelf.locator("li")).to_have_count(0)
