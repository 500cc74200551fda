"""The code grid in a real browser: paint, select, copy, move, undo, listen, export."""

import io
import re

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from distill.audio import SAMPLE_RATE, load_clip
from distill.codes import CodeGrid, edits
from tests.e2e.conftest import HISTORY, fill_shown, open_as_text, open_edit
from tests.waiting import PATIENCE, until


@pytest.fixture
def edit(request, page, hands, example):
    open_edit(page, request.getfixturevalue("way") if "way" in request.fixturenames else "page")
    assert np.array_equal(hands.indices(), example[1].indices)
    return page


def on_the_server(page, hands):
    """The grid on the server, read from an export."""
    hands.settled()
    page.locator("#edit-export").click()
    link = page.locator("#edit-files a[href$='.npz']")
    link.wait_for()
    page.wait_for_timeout(300)
    folder_file = page.request.get(link.get_attribute("href")).body()
    with np.load(io.BytesIO(folder_file)) as arrays:
        return arrays["indices"].astype(int)


def choose_file(page, button, path):
    with page.expect_file_chooser() as chooser:
        page.locator(button).click()
    chooser.value.set_files(path)


def test_the_first_page_shows_the_grid_the_palette_and_no_edits(edit, example):
    codec, _ = example
    expect(edit.locator(".code-grid .palette button")).to_have_count(codec.codebook_size)
    expect(edit.locator(HISTORY)).to_have_count(0)
    for name in ("undo", "redo", "reset", "paste", "blend", "swap"):
        expect(edit.locator(f".code-grid [data-act={name}]")).to_be_disabled()


def test_painting_one_code_changes_the_sound_there_and_nowhere_else(edit, hands, example, way):
    codec, grid = example
    before, code = hands.samples(), hands.another_code(0, 4, 3)
    hands.paint(4, 3, code)
    expected = edits.set_codes(grid, level=0, rows=4, columns=3, code=code)
    expect(edit.locator(HISTORY)).to_have_count(1)
    after = hands.samples()
    patch = codec.decode_region(expected, columns=slice(3, 4))
    changed = np.flatnonzero(before != after)
    assert patch.start <= changed[0]
    assert changed[-1] < patch.stop
    assert np.abs(after - before).max() > 1e-3
    assert np.array_equal(hands.indices(), expected.indices)
    assert np.array_equal(on_the_server(edit, hands), expected.indices)


def test_a_stroke_with_the_mouse_is_one_edit_without_gaps(edit, hands, example):
    _, grid = example
    code = next(c for c in range(64) if c not in grid.indices[0, 6])
    hands.choose_code(code)
    hands.drag((6, 1), (6, grid.columns - 1))
    expect(edit.locator(HISTORY)).to_have_count(1)
    assert (hands.indices()[0, 6, 1:] == code).all()
    assert (on_the_server(edit, hands)[0, 6, 1:] == code).all()


def test_undo_and_redo_by_keyboard_bring_back_the_very_samples(edit, hands, way):
    before, codes = hands.samples(), hands.indices()
    hands.paint(2, 5, hands.another_code(0, 2, 5))
    after, painted = hands.samples(), hands.indices()
    assert not np.array_equal(before, after)
    edit.locator("canvas.cells").focus()
    edit.keyboard.press("Control+z")
    expect(edit.locator(HISTORY)).to_have_count(0)
    assert np.array_equal(hands.samples(), before)
    assert np.array_equal(hands.indices(), codes)
    edit.keyboard.press("Control+Shift+z")
    expect(edit.locator(HISTORY)).to_have_count(1)
    assert np.array_equal(hands.samples(), after)
    assert np.array_equal(hands.indices(), painted)


def test_a_selection_is_copied_and_pasted_by_keyboard_on_all_levels(edit, hands, example):
    _, grid = example
    hands.select((0, 0), (7, 1))
    edit.keyboard.press("c")
    expect(edit.locator(".code-grid .message")).to_contain_text("Copied 8 × 2 cells of all levels")
    edit.keyboard.press("Escape")
    edit.mouse.click(*hands.place(0, 5))
    edit.keyboard.press("v")
    expect(edit.locator(HISTORY)).to_have_count(1)
    hands.settled()
    expected = grid.indices.copy()
    expected[:, :, 5:7] = grid.indices[:, :, 0:2]
    assert np.array_equal(hands.indices(), expected)
    assert np.array_equal(on_the_server(edit, hands), expected)


def test_a_paste_that_overhangs_the_end_is_cut_there(edit, hands, example):
    _, grid = example
    hands.select((0, 0), (7, 3))
    edit.keyboard.press("c")
    edit.keyboard.press("Escape")
    edit.mouse.click(*hands.place(0, grid.columns - 2))
    edit.keyboard.press("v")
    expect(edit.locator(HISTORY)).to_have_count(1)
    hands.settled()
    assert np.array_equal(hands.indices()[:, :, -2:], grid.indices[:, :, :2])


def test_a_selection_is_moved_by_dragging_it(edit, hands, example):
    codec, grid = example
    hands.select((0, 0), (7, 1))
    hands.drag((3, 0), (3, 4))
    expect(edit.locator(HISTORY)).to_contain_text(["moved"])
    hands.settled()
    expected = edits.move_codes(grid, rows=slice(None), columns=slice(0, 2), row=0, column=4, quiet=codec.quiet_codes)
    assert np.array_equal(hands.indices(), expected.indices)


def test_every_tool_changes_the_selection_and_can_be_undone(edit, hands, example):
    _, grid = example
    hands.select((2, 2), (5, 4))
    for name in ("reverse", "left", "up", "repeat", "clear", "set", "similar", "random", "cut"):
        hands.press(name)
        expect(edit.locator(HISTORY), name).to_have_count(1)
        hands.settled()
        changed = np.argwhere(hands.indices() != grid.indices)
        assert len(changed), name
        assert changed[:, 1].min() >= 2, name
        assert changed[:, 1].max() <= 5, name
        assert changed[:, 2].min() >= 2, name
        assert changed[:, 2].max() <= (7 if name == "repeat" else 4), name
        hands.press("undo")
        expect(edit.locator(HISTORY), name).to_have_count(0)
        hands.settled()
        assert np.array_equal(hands.indices(), grid.indices), name


def test_strokes_faster_than_the_server_are_all_kept_in_order(edit, hands, way):
    code = hands.another_code(0, 0, 0)
    hands.choose_code(code)
    for column in range(8):
        edit.mouse.click(*hands.place(0, column))
    expect(edit.locator(HISTORY)).to_have_count(8)
    hands.settled()
    assert (hands.indices()[0, 0, :8] == code).all()
    assert (on_the_server(edit, hands)[0, 0, :8] == code).all()


def test_a_stroke_is_kept_and_sent_again_when_the_network_fails(edit, hands, way):
    code = hands.another_code(0, 5, 5)
    edit.route(re.compile("component_server"), lambda route: route.abort())
    hands.paint(5, 5, code)
    expect(edit.locator(".code-grid .message")).to_contain_text("still on this page")
    assert hands.indices()[0, 5, 5] == code
    edit.unroute(re.compile("component_server"))
    expect(edit.locator(HISTORY)).to_have_count(1)
    assert on_the_server(edit, hands)[0, 5, 5] == code


def test_edits_can_be_saved_when_the_server_was_started_anew(edit, hands, example, tmp_path, way):
    _, grid = example
    gone = {"error": "This clip is no longer open on the server; please reload the page.", "gone": True}
    edit.route(re.compile("component_server"), lambda route: route.fulfill(json=gone))
    code = hands.another_code(0, 6, 2)
    hands.paint(6, 2, code)
    expect(edit.locator(".code-grid .message")).to_contain_text("no longer open")
    with edit.expect_download() as download:
        edit.get_by_role("button", name="Save this grid").click()
    download.value.save_as(tmp_path / "saved.json")
    assert CodeGrid.load(tmp_path / "saved.json") == edits.set_codes(grid, level=0, rows=6, columns=2, code=code)


def test_a_second_clip_is_swapped_and_blended_in(edit, hands, strip, example, clips, way):
    codec, grid = example
    strip.choose("loop_industrial")
    strip.press("second")
    expect(edit.locator(".code-grid .second")).to_contain_text("loop_industrial")
    other = codec.encode(load_clip(clips[0].with_name("loop_industrial.flac")).waveform, SAMPLE_RATE)
    hands.select((0, 1), (7, 2))
    hands.press("swap")
    expect(edit.locator(HISTORY)).to_contain_text(["swapped with loop_industrial"])
    hands.settled()
    assert np.array_equal(hands.indices()[:, :, 1:3], other.indices[:, :, 1:3])
    hands.select((0, 3), (7, 4))
    edit.locator(".code-grid .amount").fill("100")
    hands.press("blend")
    expect(edit.locator(HISTORY)).to_have_count(2)
    hands.settled()
    assert np.array_equal(hands.indices()[:, :, 3:5], other.indices[:, :, 3:5])
    assert np.array_equal(hands.indices()[:, :, 5:], grid.indices[:, :, 5:])


def test_the_difference_of_before_and_after_is_one_press_away(edit, hands):
    hands.paint(4, 3, hands.another_code(0, 4, 3))
    hands.settled()
    edit.locator("#edit-compare").click()
    image = edit.locator("#edit-difference img")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.naturalWidth") > 500


def test_an_instrument_is_exported_with_its_edits_and_opens_from_the_disk(edit, hands, browser, tmp_path):
    hands.paint(7, 1, hands.another_code(0, 7, 1))
    hands.settled()
    edit.get_by_role("button", name="An instrument in one file").click()
    fill_shown(edit.get_by_label("Title"), "Mine & <b>yours</b>")
    edit.locator("#edit-export-instrument").click()
    link = edit.locator("#edit-instrument-files a[href$='.html']")
    link.wait_for()
    expect(edit.locator("#edit-instrument-files")).to_contain_text("Mine b yours b")
    below = edit.locator("#edit-instrument-files").bounding_box()["y"]
    assert below > edit.locator("#edit-export-instrument").bounding_box()["y"]
    expect(edit.locator("#edit-files")).to_be_hidden()
    answer = edit.request.get(link.get_attribute("href"))
    assert "attachment" in answer.headers["content-disposition"]  # it must not run as a page of the app
    path = tmp_path / "instrument.html"
    path.write_bytes(answer.body())
    alone = browser.new_page()
    alone.context.set_offline(True)
    alone.goto(path.as_uri())
    found = "document.querySelector('main').grid"
    until(lambda: alone.evaluate(f"!!{found}"))
    assert alone.title() == alone.locator("h1").inner_text() == "Mine & <b>yours</b>"
    assert alone.evaluate(f"Array.from({found}.indices)") == hands.indices().ravel().tolist()
    assert "painted code" in alone.locator("ol.history li").first.inner_text()
    alone.close()


def test_the_exports_hold_the_edit_and_can_be_opened_again(edit, hands, strip, example, clips, tmp_path, way):
    _, grid = example
    loop = clips[0].with_name("loop_breakbeat.flac")
    code = hands.another_code(0, 7, 1)
    hands.paint(7, 1, code)
    hands.settled()
    edit.locator("#edit-export").click()
    expected = edits.set_codes(grid, level=0, rows=7, columns=1, code=code)
    for suffix in ("npz", "json"):
        link = edit.locator(f"#edit-files a[href$='.{suffix}']")
        link.wait_for()
        saved = tmp_path / f"grid.{suffix}"
        saved.write_bytes(edit.request.get(link.get_attribute("href")).body())
        assert CodeGrid.load(saved) == expected
    heard = hands.samples()
    for suffix in ("wav", "flac"):
        link = edit.locator(f"#edit-files a[href$='.{suffix}']").get_attribute("href")
        sound, _ = soundfile.read(io.BytesIO(edit.request.get(link).body()), dtype="float32")
        assert len(sound) == len(load_clip(loop).waveform)  # a loop keeps its exact length
        assert (
            np.corrcoef(sound, heard[: len(sound)])[0, 1] > 0.99
        )  # a file is scaled, not clipped, where an edit is too loud
    hands.press("undo")
    hands.settled()
    choose_file(edit, "#edit-load", tmp_path / "grid.json")
    edit.wait_for_function(f"() => {hands.FIND}.indices[{(0 * 8 + 7) * grid.columns + 1}] === {code}")
    hands.paint(0, 0, hands.another_code(0, 0, 0))
    hands.settled()
    painted = hands.indices()
    edit.get_by_role("tab", name="Explore").click()
    for name in ("loop_breakbeat", "grid.json"):  # and the edits are kept
        strip.open(name)
        expect(edit.locator("#explore-player")).to_contain_text(name)
    edit.get_by_role("tab", name="Edit").click()
    edit.wait_for_function(f"() => {hands.FIND}.indices[{(0 * 8 + 7) * grid.columns + 1}] === {code}")
    assert np.array_equal(hands.indices(), painted)


@pytest.mark.parametrize("way", ["server"], indirect=True)
def test_a_long_clip_that_is_filled_is_fetched_piece_by_piece_when_it_is_played(edit, hands, example, way):
    _, grid = example
    columns = 2 * 64 + 10
    indices = np.tile(grid.indices, -(-columns // grid.columns))[..., :columns]
    long = CodeGrid(indices, columns * 16, grid.model_id, grid.codebook_size)
    open_as_text(edit, hands, long)
    before = hands.samples()
    assert len(before) == columns * 16 * 512
    code = hands.another_code(0, 0, 0)
    hands.choose_code(code)
    edit.locator("canvas.cells").focus()
    edit.keyboard.press("Control+a")
    hands.press("set")
    expect(edit.locator(HISTORY)).to_have_count(1)
    after = hands.samples()
    assert not np.array_equal(after[:100_000], before[:100_000])
    assert np.array_equal(after[-100_000:], before[-100_000:])  # not fetched yet
    assert edit.evaluate(f"() => {hands.FIND}.stale.length") > 0
    edit.locator(".code-grid .play").click()
    edit.wait_for_function(f"() => !{hands.FIND}.stale.length")
    expect(edit.locator(".code-grid .play")).to_have_text("Pause")
    heard = hands.samples()
    assert not np.array_equal(heard[-100_000:], before[-100_000:])
    edit.locator(".code-grid .play").click()
    assert (on_the_server(edit, hands)[0] == code).all()
    link = edit.locator("#edit-files a[href$='.wav']").get_attribute("href")
    sound, _ = soundfile.read(io.BytesIO(edit.request.get(link).body()), dtype="float32")
    assert np.abs(heard - sound * max(1, np.abs(heard).max() / np.abs(sound).max())).max() < 0.01
    hands.press("undo")
    expect(edit.locator(HISTORY)).to_have_count(0)
    edit.locator(".code-grid .play").click()
    edit.wait_for_function(f"() => !{hands.FIND}.stale.length")
    until(lambda: np.array_equal(hands.samples(), before))  # what is playing is written a moment later


def test_a_grid_of_another_codec_is_refused_in_a_sentence(edit, example, tmp_path):
    _, grid = example
    CodeGrid(grid.indices, grid.num_frames, "another codec", 64).save(tmp_path / "other.json")
    choose_file(edit, "#edit-load", tmp_path / "other.json")
    expect(edit.locator("[data-testid=toast-text]")).to_contain_text("made by another codec")


def test_the_palette_plays_a_code_and_the_keyboard_paints_it(edit, hands):
    code = hands.another_code(0, 0, 1)
    hands.choose_code(code)
    edit.locator("canvas.cells").focus()
    edit.keyboard.press("ArrowRight")
    edit.keyboard.press("Enter")
    expect(edit.locator(HISTORY)).to_have_count(1)
    assert hands.indices()[0, 0, 1] == code
    expect(edit.locator(".code-grid .readout")).to_contain_text(f"code {code}")


def test_the_levels_are_chosen_by_keyboard_and_seen_together(edit, hands):
    edit.locator("canvas.cells").focus()
    edit.keyboard.press("2")
    expect(edit.locator(".code-grid .readout")).to_contain_text("Timbre")
    tall = edit.locator("canvas.cells").evaluate("canvas => canvas.clientHeight")
    edit.locator(".code-grid .levels").get_by_role("button", name="All levels").click()
    edit.wait_for_function(f"() => document.querySelector('canvas.cells').clientHeight > {tall}")


def test_a_finger_paints(browser, app_url, example):
    context = browser.new_context(has_touch=True, viewport={"width": 390, "height": 844})
    context.set_default_timeout(1000 * PATIENCE)
    page = context.new_page()
    page.goto(app_url)
    page.get_by_role("tab", name="Edit").click()
    page.locator("canvas.cells").wait_for()
    box = page.locator("canvas.cells").bounding_box()
    page.locator(".code-grid .palette button").nth(5).tap()
    page.locator("canvas.cells").scroll_into_view_if_needed()
    box = page.locator("canvas.cells").bounding_box()
    page.touchscreen.tap(box["x"] + 30, box["y"] + 60)
    expect(page.locator(HISTORY)).to_have_count(1)
    context.close()
