"""Every way out of a clip keeps its length: its sounds, its edits, and its grid opened again from any of its forms."""

import base64
import io

import numpy as np
import pytest
import soundfile

from distill.audio import Clip
from distill.cli import main
from distill.codes import CodeGrid
from distill.editing.calls import edited_sound, layer_sound, perform
from distill.editing.work import Work
from distill.ui.components import grid_value

LENGTHS = [512, 513, 2205, 88_200, 12 * 44_100 + 7]


def noise(num_samples):
    return np.random.default_rng(0).uniform(-0.5, 0.5, num_samples).astype(np.float32)


def samples_in(answer):
    return soundfile.info(io.BytesIO(base64.b64decode(answer["flac"]))).frames


@pytest.fixture(params=LENGTHS)
def work(request, codec):
    return Work.begin(codec, Clip("clip.wav", noise(request.param)))


def test_all_sounds_of_a_clip_are_as_long_as_the_clip(work):
    length = work.num_samples
    assert length in LENGTHS
    assert {len(work.sound(levels)) for levels in range(4)} == {length}
    assert len(work.clip.waveform) == len(work.reconstruction) == len(work.edited) == length
    last = work.num_pieces - 1
    for sound, request in (
        (layer_sound, {"track": 0}),
        (layer_sound, {"track": 2}),
        (edited_sound, {"track": "edited"}),
    ):
        pieces = [samples_in(sound(work, request | {"piece": number})) for number in range(last + 1)]
        assert sum(pieces) == length


def test_an_edit_at_the_end_changes_no_sample_after_the_end(work):
    grid = work.history.grid
    last = grid.columns - 1
    for request in (
        {"kind": "set", "levels": [0, 0], "rows": [0, 7], "columns": [last, last], "code": 5},
        {"kind": "undo"},
        {"kind": "redo"},
    ):
        answer = perform(work, request, lambda secret: work)
        ends = [stop for _, stop in answer["stale"]]
        if answer["flac"]:
            ends.append(answer["start"] + samples_in(answer))
        assert max(ends) <= work.num_samples
    sound, edited = work.snapshot()
    assert len(sound) == edited.num_samples == work.num_samples


def test_a_grid_that_is_opened_again_sounds_as_long_as_its_clip(work, codec, tmp_path):
    grid, length = work.history.grid, work.num_samples
    for name in ("grid.npz", "grid.json"):
        grid.save(tmp_path / name)
    again = [CodeGrid.from_text(grid.to_text()), *(CodeGrid.load(path) for path in tmp_path.iterdir())]
    for other in again:
        opened = Work.opened(codec, "opened", other)
        assert opened.num_samples == length
        assert len(opened.edited) == len(opened.clip.waveform) == length


def test_the_page_knows_the_length_of_the_clip(work):
    grid = work.history.grid
    mel = np.zeros((128, grid.num_frames), dtype=np.float32)
    value = grid_value("secret", "clip", grid, grid, mel, np.zeros((3, 64), dtype=int), [], can_redo=False)
    assert value["samples"] == work.num_samples


def test_the_command_line_keeps_the_length_of_a_clip(codec_path, tmp_path):
    clip, grid = tmp_path / "clip.wav", tmp_path / "grid.npz"
    soundfile.write(clip, noise(88_200), 44_100)
    for command in (
        ("reconstruct", codec_path, clip, tmp_path / "one.wav"),
        ("encode", codec_path, clip, grid),
        ("decode", codec_path, grid, tmp_path / "two.wav"),
    ):
        assert main([str(part) for part in command]) == 0
    assert soundfile.info(tmp_path / "one.wav").frames == soundfile.info(tmp_path / "two.wav").frames == 88_200
