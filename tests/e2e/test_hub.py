"""The Hub on the page: a codec is opened by its name, and the codec in use is published after a last look."""

from playwright.sync_api import expect

from tests.e2e.conftest import fill_shown, open_edit
from tests.hub.stand_in import WRITES
from tests.hub.test_repository import put


def field(page, name):
    return page.locator(f"#hub-{name} :is(input, textarea)").first


def test_a_codec_is_opened_by_its_name_on_the_hub(page, hub, example, other_codec, other_codec_path):
    put(hub, "ada/other", {"codec.distill": other_codec_path.read_bytes()})
    put(hub, "ada/damaged", {"codec.distill": b"no codec"})
    page.known_errors.append("Failed to load resource")
    hands = open_edit(page)
    expect(page.locator("#hub")).to_be_hidden()
    page.locator("#to-hub").click()
    for name, words in (("ada/none", "There is no model ada/none"), ("ada/damaged", "codec")):
        fill_shown(field(page, "repository"), name)
        page.locator("#hub-open").click()
        expect(page.locator(".toast-body").last).to_contain_text(words)
        page.get_by_role("button", name="Close").last.click()
        expect(page.locator(".toast-body")).to_have_count(0)
    expect(page.locator("#codec")).to_contain_text(example[0].model_id[:6])
    fill_shown(field(page, "repository"), "https://huggingface.co/ada/other")
    field(page, "repository").press("Enter")
    expect(page.locator("#codec")).to_contain_text(other_codec.model_id[:6])
    expect(page.locator("#hub")).to_be_hidden()
    page.wait_for_function(f"most => {hands.FIND}.indices.every((code) => code < most)", arg=other_codec.codebook_size)
    page.locator("#codec-back").click()
    expect(page.locator("#codec")).to_contain_text(example[0].model_id[:6])


def test_the_codec_in_use_is_published_after_a_look_and_the_token_is_gone(page, hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    open_edit(page)
    page.locator("#to-hub").click()
    publish = page.locator("#hub-publish")
    fill_shown(field(page, "name"), "ada/mine")
    expect(publish).to_be_disabled()
    page.locator("#hub-look").click()
    expect(page.locator("#hub-outgoing")).to_contain_text("codec.distill")
    page.get_by_text("The card, its page on the Hub").click()
    expect(page.locator("#hub-outgoing pre")).to_contain_text("license: cc0-1.0")
    assert not hub.asked
    expect(field(page, "token")).to_have_attribute("type", "password")
    field(page, "token").fill(WRITES)
    publish.click()
    expect(page.locator("#hub-outgoing a")).to_have_text("ada/mine")
    expect(field(page, "token")).to_have_value("")
    expect(publish).to_be_disabled()
    assert {"codec.distill", "README.md"} <= hub.repositories["ada/mine"].files.keys()
    kept = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    assert WRITES not in page.evaluate(kept)
