"""In private mode, a sound is opened, edited and saved in the page: no byte of it leaves the machine."""

import base64
import json
import subprocess

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from distill.audio import SAMPLE_RATE, load_clip
from distill.codes import CodeGrid, edits
from tests.e2e.conftest import HISTORY, floats, open_edit, open_tab

NAME = "never-to-be-told"


def tone(seconds, rate):
    """Bursts of a rising tone over noise, in stereo."""
    time = np.arange(int(seconds * rate)) / rate
    mono = 0.4 * np.sin(2 * np.pi * 220 * time * (1 + time)) * (time % 0.25 < 0.1)
    mono += 0.02 * np.random.default_rng(0).normal(size=len(time))
    return np.stack([mono, mono / 2], axis=1).astype(np.float32)


class Wire:
    """All that the page sends from now on: methods, addresses, headers and bodies, and what goes over sockets.

    The page's own calls, by which it begins and keeps its tabs up to date, may still be under way: their bodies have
    the names that the server gave, and are short.
    """

    def __init__(self, page):
        self.requests = []
        page.on("request", self._keep)
        page.on("websocket", self._keep)

    def _keep(self, sent):
        self.requests.append(sent)

    def assert_silent(self, *secrets, most=300):
        """No request had a body of more bytes than that, and none says anything of the secrets."""
        bodies = [request.post_data_buffer or b"" for request in self.requests]
        assert not [body for body in bodies if len(body) > most]
        sent = "".join(request.url + json.dumps(request.headers) for request in self.requests)
        assert not any(secret in sent or secret.encode() in body for secret in secrets for body in bodies)


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A sound whose sample rate is not that of a clip."""
    path = tmp_path_factory.mktemp("private") / f"{NAME}.wav"
    soundfile.write(path, tone(1.3, 48_000), 48_000)
    return path


def privacy(page, tab="edit"):
    return page.locator(f"#{tab}-private .private")


def switch(page):
    return page.locator("#private-switch").get_by_role("button", name="Private")


def saved(page, button, folder):
    with page.expect_download() as download:
        privacy(page).get_by_role("button", name=button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_private_sound_is_encoded_edited_heard_and_saved_and_no_byte_of_it_leaves(page, example, mine, tmp_path):
    codec, _ = example
    hands = open_edit(page)
    private = privacy(page)
    switch(page).click()
    wire = Wire(page)
    private.locator("input.file").set_input_files(mine)
    expect(page.locator(".code-grid .clip")).to_have_text(mine.name)
    expect(private.locator(".words")).to_contain_text("Only this page has this clip")
    expect(page.locator("#edit-export")).to_be_hidden()
    grid = codec.encode(load_clip(mine).waveform, SAMPLE_RATE)
    found = hands.indices()
    assert (found == grid.indices).mean() > 0.98  # another decoder and another resampler
    grid = grid.with_indices(found)

    hands.paint(4, 3, code := hands.another_code(0, 4, 3))
    hands.select((0, 0), (7, 1))
    hands.press("reverse")
    expect(page.locator(HISTORY)).to_have_count(2)
    expected = edits.set_codes(grid, level=0, rows=4, columns=3, code=code)
    expected = edits.reverse_codes(expected, rows=slice(None), columns=slice(0, 2))
    assert np.array_equal(hands.indices(), expected.indices)
    assert np.abs(hands.samples() - codec.decode(expected)).max() < 1e-3
    hands.press("undo")
    hands.press("redo")

    sound, rate = soundfile.read(saved(page, "Save sound", tmp_path), dtype="float32")
    assert rate == SAMPLE_RATE
    assert np.abs(sound - codec.decode(expected)).max() < 1e-3
    assert CodeGrid.load(saved(page, "Save grid", tmp_path)) == expected
    private.get_by_role("button", name="Text", exact=True).click()
    text = private.locator("textarea")
    expect(text).not_to_have_value("")
    assert CodeGrid.from_text(text.input_value()) == expected
    page.locator(".code-grid .play").click()
    page.wait_for_function(f"() => {hands.FIND}.position > 0.2")
    wire.assert_silent(NAME)
    page.locator(".code-grid .play").click()
    open_tab(page, "Explore")
    rows = page.locator("#explore-player .choose")
    expect(rows.first).to_contain_text(mine.name)
    expect(rows.last).to_contain_text("dB off")
    player = "[...document.querySelectorAll('#explore-player *')].find(part => part.player)?.player"
    page.wait_for_function(f"() => {player}.loaded(3)?.length === {grid.num_samples}")
    heard = floats(page, f"{player}.loaded(3)")
    assert np.abs(heard - np.clip(codec.decode(grid), -1, 1)).max() < 1e-3
    spectra = "[...document.querySelectorAll('#explore-spectra *')].find(part => part.spectra)?.spectra"
    page.wait_for_function(f"() => {spectra}.loaded?.work.startsWith('private')")
    expect(page.locator("#explore-save")).to_be_hidden()
    open_tab(page, "Edit")
    wire.assert_silent(NAME, base64.b64encode(NAME.encode()).decode())

    switch(page).click()
    expect(page.locator(".code-grid .clip")).to_have_text("loop_breakbeat.flac")
    expect(page.locator("#edit-export")).to_be_visible()
    page.get_by_role("button", name="Brush", exact=True).click()
    hands.paint(2, 2, hands.another_code(0, 2, 2))
    expect(page.locator(HISTORY)).to_have_count(1)
    served = hands.indices()
    switch(page).click()
    expect(page.locator(".code-grid .clip")).to_have_text(mine.name)
    assert np.array_equal(hands.indices(), expected.indices)
    switch(page).click()
    expect(page.locator(".code-grid .clip")).to_have_text("loop_breakbeat.flac")
    assert np.array_equal(hands.indices(), served)


DROP = """([selector, packed, name]) => {
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const given = new DataTransfer();
    given.items.add(new File([bytes], name, { type: "audio/wav" }));
    for (const kind of ["dragenter", "dragover", "drop"]) {
        const event = new DragEvent(kind, { bubbles: true, cancelable: true, composed: true, dataTransfer: given });
        document.querySelector(selector).dispatchEvent(event);
    }
}"""
"""Script that drops a file on an element."""


def test_while_private_is_on_no_way_in_sends_a_file(page, mine):
    hands = open_edit(page)
    switch(page).click()
    wire = Wire(page)
    page.evaluate(DROP, ["canvas.cells", base64.b64encode(mine.read_bytes()).decode(), f"dropped-{NAME}.wav"])
    expect(page.locator(".code-grid .clip")).to_have_text(f"dropped-{NAME}.wav")
    hands.settled()
    open_tab(page, "Explore")
    with page.expect_file_chooser() as chooser:
        page.locator("#explore-upload").click()
    chooser.value.set_files(mine)
    expect(privacy(page, "explore").locator("select.clips option")).to_have_count(2)
    wire.assert_silent(NAME)
    open_tab(page, "Train")
    wire.requests.clear()
    page.locator("#train-files input[type=file]").set_input_files(mine)
    open_tab(page, "Edit")
    expect(privacy(page).locator(".words")).to_contain_text("these files were not sent")
    assert not [request for request in wire.requests if "upload" in request.url]
    silent = mine.with_name("silent.wav")
    soundfile.write(silent, np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    privacy(page).locator("input.file").set_input_files(silent)
    expect(privacy(page).locator(".words")).to_contain_text("is silent")


def test_a_private_sound_may_be_of_any_kind_that_the_browser_reads(page, example, mine, tmp_path):
    """The page's decoder puts the same sound at the same place as the server's."""
    codec, _ = example
    hands = open_edit(page)
    switch(page).click()
    wire = Wire(page)
    for number, kind in enumerate(("mp3", "m4a", "ogg", "flac")):  # each is shorter than the one before
        path, begin = tmp_path / f"{NAME}.{kind}", str(0.3 * number)
        subprocess.run(["ffmpeg", "-loglevel", "error", "-ss", begin, "-i", mine, path], check=True)
        privacy(page).locator("input.file").set_input_files(path)
        expect(page.locator(".code-grid .clip")).to_have_text(path.name)
        hands.settled()
        wire.assert_silent(NAME)
        clip = load_clip(path)
        grid = codec.encode(clip.waveform, SAMPLE_RATE)
        found = hands.indices()
        assert found.shape == grid.indices.shape, kind
        assert (found == grid.indices).mean() > 0.8, kind  # lossy formats, two decoders; a shift would leave no half


def test_a_private_recording_is_heard_by_the_page_alone(new_browser, app_url):
    listening = new_browser("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    page = listening.new_context(viewport={"width": 1280, "height": 900}, permissions=["microphone"]).new_page()
    page.goto(app_url)
    hands = open_edit(page)
    switch(page).click()
    wire = Wire(page)
    record = privacy(page).get_by_role("button", name="Record")
    record.click()
    stop = privacy(page).get_by_role("button", name="Stop")
    expect(stop).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(1_500)
    open_tab(page, "Explore")
    privacy(page, "explore").get_by_role("button", name="Stop").click()
    open_tab(page, "Edit")
    expect(page.locator(".code-grid .clip")).to_have_text("recording 1")
    hands.settled()
    assert hands.indices().shape[2] > 4
    wire.assert_silent("recording 1")
    page.close()


def test_a_private_file_that_the_browser_cannot_read_is_refused_in_a_sentence(page, mine, tmp_path):
    path = tmp_path / f"{NAME}.ac3"
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", mine, path], check=True)
    open_edit(page)
    switch(page).click()
    privacy(page).locator("input.file").set_input_files(path)
    expect(privacy(page).locator(".words")).to_contain_text(f"{path.name} is no sound that this browser can read")
    expect(page.locator(".code-grid .clip")).to_have_text("loop_breakbeat.flac")


def test_a_private_clip_is_let_go(page, mine):
    hands = open_edit(page)
    switch(page).click()
    privacy(page).locator("input.file").set_input_files(mine)
    expect(page.locator(".code-grid .clip")).to_have_text(mine.name)
    hands.samples()
    privacy(page).get_by_role("button", name="Close").click()
    expect(page.locator(".code-grid .clip")).to_have_text("loop_breakbeat.flac")
    expect(privacy(page).get_by_role("button", name="Close")).to_be_hidden()
    expect(privacy(page).locator(".words")).to_contain_text("Open or drop a sound")
    hands.samples()
