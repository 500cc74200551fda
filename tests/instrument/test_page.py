"""An instrument opens from a disk without a network: it shows, edits, plays, opens and saves as the app does."""

import json

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from distill.audio import SAMPLE_RATE, load_clip
from distill.codec import Codec
from distill.codes import CodeGrid, edits
from distill.editing.calls import timed as set_timing
from distill.editing.work import Work
from distill.errors import GridError
from distill.instrument import LICENCES, instrument_page, write_instrument
from tests.instrument.conftest import NAME
from tests.waiting import until

SLOW_WORKER = """globalThis.Worker = class extends Worker {
    postMessage(...sent) { setTimeout(() => super.postMessage(...sent), 1500); }
}"""
FRAGILE_WORKER = """globalThis.Worker = class extends Worker {
    postMessage(sent) {
        super.postMessage(globalThis.isBroken && sent.kind === "sound" ? { ...sent, grid: -1 } : sent);
    }
}"""


def test_it_shows_its_title_its_licence_its_codes_and_what_was_done(new_player, instrument, works):
    player = new_player(instrument)
    page, history = player.page, works[0].history
    assert page.title() == page.locator("h1").inner_text() == NAME
    assert page.locator("p.licence a").get_attribute("href") == LICENCES["cc-by"][1]
    assert "trained on 17 clips" in page.locator("footer").inner_text()
    assert (player.indices() == history.grid.indices).all()
    assert player.history() == history.labels[::-1]
    assert page.locator("select.clips option").all_text_contents() == [f"{NAME}.wav", "drone.flac"]
    assert page.evaluate("typeof hacked") == "undefined"
    assert player.state.inner_text() == ""


def test_writing_many_clips_takes_no_memory_that_stays(codec, drums, drone):
    grid = Work.begin(codec, drone).history.original
    works = [Work.begin(codec, drums), Work.begin(codec, drone), Work.opened(codec, "a grid.npz", grid)]
    drawn = works[0].original.copy()
    for work in works:
        work.release()
    codec.draw_atlas(lambda share: None)
    before = [work.num_bytes for work in works]
    page = instrument_page(codec, works)
    assert [work.num_bytes for work in works] == before
    works[0].draw()
    assert np.array_equal(works[0].log_mel(), drawn)
    assert instrument_page(codec, works) == page  # the same pictures, whether the clips were drawn before or not


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_fits_the_window_and_the_grid_comes_first(new_player, instrument, width, scheme):
    page = new_player(instrument, viewport={"width": width, "height": 800}, color_scheme=scheme).page
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("body > header").bounding_box()["height"] <= 64
    assert page.locator("canvas.cells").bounding_box()["y"] < 110  # below the name and the ruler
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")


def test_edits_that_were_made_before_are_undone_and_redone(new_player, instrument, works):
    player, history = new_player(instrument), works[0].history
    player.press("Redo")
    assert player.history()[0].endswith("cleared")
    player.press("Undo")
    assert (player.indices() == history.grid.indices).all()
    player.press("Undo")
    assert (player.indices() == history.original.indices).all()
    assert player.history() == []
    player.press("Redo")
    player.press("Reset")
    assert (player.indices() == history.original.indices).all()


def test_it_paints_selects_copies_pastes_and_moves(new_player, instrument, works, codec):
    player, grid = new_player(instrument), works[0].history.grid
    player.paint(3, 4, 17)
    expected = edits.paint_codes(grid, level=0, cells=[(3, 4)], code=17)
    assert (player.indices() == expected.indices).all()
    player.press("Select")
    player.drag((1, 1), (2, 3))
    for key in ("c", "ArrowRight", "v"):
        player.page.keyboard.press(key)
    player.settle()
    copied = edits.copy_codes(expected, rows=slice(1, 3), columns=slice(1, 4))
    assert player.history()[0].endswith("pasted")
    pasted = player.indices()
    assert (pasted == edits.paste_codes(expected, copied, row=1, column=2).indices).all()
    player.drag((0, 6), (1, 7))
    player.drag((0, 6), (4, 9))
    moved = edits.move_codes(
        CodeGrid(pasted, grid.num_frames, grid.model_id, grid.codebook_size, grid.num_samples),
        rows=slice(0, 2), columns=slice(6, 8), row=4, column=9, quiet=codec.quiet_codes,
    )  # fmt: skip
    assert (player.indices() == moved.indices).all()


def test_a_saved_sound_is_that_of_the_codes_and_a_saved_grid_opens_in_python(new_player, instrument, codec, tmp_path):
    player = new_player(instrument)
    player.paint(3, 4, 17)
    saved = CodeGrid.load(player.saved("Save grid", tmp_path))
    assert (saved.indices == player.indices()).all()
    codec.check(saved)
    assert CodeGrid.from_text(player.text()) == saved
    sound, rate = soundfile.read(player.saved("Save sound", tmp_path), dtype="float32")
    assert rate == SAMPLE_RATE
    assert len(sound) == saved.num_samples
    assert np.abs(sound - codec.decode(saved)).max() < 1e-3


def test_it_plays_pauses_and_plays_what_was_painted(new_player, instrument, codec):
    player = new_player(instrument)
    position = f"{player.GRID}.position"
    player.press("Loop")
    player.press("Play")
    until(lambda: player.page.evaluate(position) > 0.2)
    player.press("Pause")
    player.paint(3, 4, 17)
    until(lambda: player.page.evaluate(f"!{player.GRID}.stale.length && !!{player.GRID}.samples"))
    grid = CodeGrid.from_text(player.text())
    sound = np.array(player.page.evaluate(f"Array.from({player.GRID}.samples)"), dtype=np.float32)
    assert np.abs(sound[: grid.num_samples] - codec.decode(grid)).max() < 1e-3
    player.press("Before")
    until(lambda: player.page.locator(".before").get_attribute("aria-pressed") == "true")


def test_clips_are_swapped_and_blended_and_each_keeps_its_edits(new_player, instrument, works):
    player, grids = new_player(instrument), [work.history.grid for work in works]
    player.page.locator("select.seconds").select_option("drone.flac")
    player.page.locator("canvas.cells").focus()
    player.page.keyboard.press("Control+a")
    player.press("Swap")
    ours, theirs = edits.swap_codes(*grids, rows=slice(None), columns=slice(None), other_column=0)
    assert (player.indices() == ours.indices).all()
    player.press("Undo")
    player.page.locator("select.clips").select_option("drone.flac")
    assert (player.indices() == theirs.indices).all()
    assert NAME in player.history()[0]
    player.press("Undo")
    player.page.locator("select.clips").select_option(f"{NAME}.wav")
    player.page.locator("select.seconds").select_option("drone.flac")
    player.page.locator("canvas.cells").focus()
    player.page.keyboard.press("Control+a")
    player.press("Blend")
    blended = edits.blend_codes(
        *grids, rows=slice(None), columns=slice(None), amount=0.5, codebooks=works[0].codec.codebooks, other_column=0
    )
    assert (player.indices() != blended.indices).mean() < 0.002  # sums of floats in another order
    assert player.page.evaluate("typeof hacked") == "undefined"


def test_it_saves_itself_with_all_clips_and_edits(new_player, instrument, works, grid, tmp_path):
    player = new_player(instrument)
    grid.save(tmp_path / "mine <i>.json")
    player.open(tmp_path / "mine <i>.json")
    player.shows("mine <i>.json")
    player.paint(3, 4, 17)
    player.paint(2, 2, 9)
    player.press("Undo")
    painted, history = player.indices(), player.history()
    saved = player.saved("Save instrument", tmp_path)
    again = new_player(saved)
    assert again.page.title() == NAME
    assert (again.indices() == painted).all()
    assert again.history() == history
    again.press("Redo")
    assert again.indices()[0, 2, 2] == 9
    again.page.locator("select.clips").select_option(f"{NAME}.wav")
    assert (again.indices() == works[0].history.grid.indices).all()
    again.press("Undo")
    assert (again.indices() == works[0].history.original.indices).all()
    assert again.page.evaluate("typeof hacked") == "undefined"
    assert abs(saved.stat().st_size - instrument.stat().st_size) < 300_000


def test_beat_and_loop_come_with_the_clip_and_are_saved_with_it(new_player, codec, drums, drone, tmp_path):
    timed, plain = Work.begin(codec, drums), Work.begin(codec, drone)
    set_timing(timed, {"tempo": 90, "offset": 0.1, "bar": 3, "loop": [0.25, 0.75]})
    path = tmp_path / "timed.html"
    write_instrument(path, codec, [timed, plain])
    player = new_player(path)
    tempo, words = player.page.locator(".tempo"), player.page.locator(".loop-words")
    expect(tempo).to_have_value("90")
    expect(words).to_contain_text("Loop 0.25–0.75 s")
    tempo.fill("100")
    tempo.press("Enter")
    player.page.locator("select.clips").select_option(plain.name)
    expect(words).to_have_text("No loop")
    player.page.locator("select.clips").select_option(timed.name)
    expect(tempo).to_have_value("100")
    again = new_player(player.saved("Save instrument", tmp_path))
    expect(again.page.locator(".tempo")).to_have_value("100")
    expect(again.page.locator(".loop-words")).to_contain_text("Loop 0.25–0.75 s")
    expect(again.page.locator(".takes")).to_have_count(0)  # a file has no prior to draw from


def test_a_saved_instrument_holds_nothing_of_others_and_has_a_name(new_player, instrument, works, tmp_path):
    player = new_player(instrument)
    player.page.evaluate("document.body.append(Object.assign(document.createElement('i'), {className: 'extension'}))")
    player.page.evaluate("document.title = '!?'")
    player.press("Grid as text")
    saved = player.saved("Save instrument", tmp_path)
    assert saved.name == "instrument.html"
    again = new_player(saved)
    assert again.page.locator(".extension").count() == 0
    assert again.page.title() == NAME
    assert (again.indices() == works[0].history.grid.indices).all()


def test_a_sound_that_is_saved_is_that_of_the_clip_that_was_open(new_player, instrument, works, codec, tmp_path):
    player = new_player(instrument, SLOW_WORKER)
    with player.page.expect_download() as download:
        player.page.get_by_role("button", name="Save sound").click()
        player.page.locator("select.clips").select_option("drone.flac")
    download.value.save_as(tmp_path / "sound.wav")
    sound, _ = soundfile.read(tmp_path / "sound.wav", dtype="float32")
    expected = codec.decode(works[0].history.grid)
    assert len(sound) == len(expected)
    assert np.abs(sound - expected).max() < 1e-3


def test_a_codec_that_stops_is_told_and_a_sound_can_be_saved_all_the_same(new_player, instrument, tmp_path):
    player = new_player(instrument, FRAGILE_WORKER)
    until(lambda: player.page.evaluate(f"!!{player.GRID}.samples"))
    player.page.evaluate("globalThis.isBroken = true")
    player.paint(3, 4, 17)
    player.says("The codec stopped in this browser")
    player.page.evaluate("globalThis.isBroken = false")
    assert player.saved("Save sound", tmp_path).stat().st_size > SAMPLE_RATE
    assert CodeGrid.load(player.saved("Save grid", tmp_path)).indices[0, 3, 4] == 17


def test_a_sound_of_ones_own_is_encoded_as_python_does(new_player, instrument, codec, tmp_path):
    time = np.arange(int(1.3 * SAMPLE_RATE)) / SAMPLE_RATE
    waveform = (0.5 * np.sin(2 * np.pi * 220 * time * (1 + time)) * (time % 0.25 < 0.1)).astype(np.float32)
    path = tmp_path / "mine <i>.wav"
    soundfile.write(path, np.stack([waveform, waveform], axis=1), SAMPLE_RATE)
    player = new_player(instrument)
    player.open(path)
    player.shows("mine <i>.wav")
    grid = codec.encode(load_clip(path).waveform, SAMPLE_RATE)
    assert (player.indices() == grid.indices).mean() > 0.995
    player.paint(0, 0, 5)
    assert CodeGrid.load(player.saved("Save grid", tmp_path)).num_samples == len(waveform)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_a_grid_opens_from_a_file_and_from_text(new_player, without_encoder, codec, grid, suffix, tmp_path):
    player = new_player(without_encoder)
    grid.save(tmp_path / f"grid{suffix}")
    player.open(tmp_path / f"grid{suffix}")
    player.shows(f"grid{suffix}")
    assert (player.indices() == grid.indices).all()
    reversed_grid = edits.reverse_codes(grid, rows=slice(None), columns=slice(None))
    player.press("Grid as text")
    player.page.locator(".texts textarea").fill(reversed_grid.to_text())
    player.press("Open this text")
    player.shows("grid from text")
    assert (player.indices() == reversed_grid.indices).all()


def test_wrong_files_are_refused_in_a_sentence(
    new_player, instrument, without_encoder, other_codec_path, drums, tmp_path
):
    files = {"empty.wav": (b"", "is empty"), "words.wav": (b"no sound " * 99, "no sound that this browser can read")}
    files["cut.npz"] = (b"PK\x03\x04 and no more", "not a grid of codes")
    files["wrong.json"] = (json.dumps({"format": "distill-grid"}).encode(), "not a grid of codes")
    for name, (content, _) in files.items():
        (tmp_path / name).write_bytes(content)
    soundfile.write(tmp_path / "silent.wav", np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    Codec.load(other_codec_path).encode_clip(drums).save(tmp_path / "other.npz")
    player = new_player(instrument)
    before = player.indices()
    expected = {name: words for name, (_, words) in files.items()}
    expected |= {"silent.wav": "is silent", "other.npz": "made by another codec"}
    for name, words in expected.items():
        player.open(tmp_path / name)
        player.says(words)
        assert player.state.inner_text().endswith(".")
    player.press("Grid as text")
    player.page.locator(".texts textarea").fill("distill1.nothing")
    player.press("Open this text")
    player.says("That text is not a grid")
    assert (player.indices() == before).all()
    deaf = new_player(without_encoder)
    deaf.open(tmp_path / "silent.wav")
    deaf.says("without its encoder")


def test_without_the_encoder_the_file_is_smaller(instrument, without_encoder):
    assert without_encoder.stat().st_size < instrument.stat().st_size - 900_000


def test_a_browser_without_webassembly_says_so_and_edits_all_the_same(new_player, instrument, tmp_path):
    player = new_player(instrument, "delete globalThis.WebAssembly")
    player.says("no WebAssembly")
    player.paint(2, 2, 9)
    assert CodeGrid.load(player.saved("Save grid", tmp_path)).indices[0, 2, 2] == 9
    player.page.get_by_role("button", name="Save sound").click()
    player.says("nothing can be heard")


def test_a_page_is_the_same_each_time(codec, works):
    assert instrument_page(codec, works) == instrument_page(codec, works)


def test_an_instrument_that_cannot_be_is_refused_in_a_sentence(codec, works, drums, other_codec_path, is_one_sentence):
    other = Work.begin(Codec.load(other_codec_path), drums)
    for given, options in (
        (([]), {}),
        (works, {"licence": "<b>"}),
        (works, {"title": "long" * 50}),
        ([other], {}),
    ):
        with pytest.raises(GridError) as refusal:
            instrument_page(codec, given, **options)
        assert is_one_sentence(refusal.value)
