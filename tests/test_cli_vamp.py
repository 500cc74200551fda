"""The commands that make codes of codes: the sounds and grids that they write."""

import pytest

from distill.audio import SAMPLE_RATE, load_clip, write_wav
from distill.codec import Codec
from distill.codes import CodeGrid


def test_codes_are_drawn_and_crossed_by_commands_that_write_the_sound(distill, codec_path, clip_path, drums, tmp_path):
    other, out = tmp_path / "drums.wav", tmp_path / "new" / "out.wav"
    write_wav(other, drums.waveform)
    status, printed, _ = distill("vamp", codec_path, other, out, "--columns", "2:5", "--takes", 2)
    assert status == 0
    assert printed.count("out-") == 2
    assert len(load_clip(out.with_name("out-2.wav")).waveform) == len(drums.waveform)
    assert distill("invent", codec_path, out, "--seconds", 2, "--rhythm", other)[0] == 0
    assert len(load_clip(out).waveform) == pytest.approx(2 * SAMPLE_RATE, rel=0.06)
    status, printed, _ = distill("cross", codec_path, clip_path, other, out, "--jump", 100)
    assert status == 0
    assert "drums.wav" in printed
    assert len(load_clip(out).waveform) == len(load_clip(clip_path).waveform)
    status, _, errors = distill("cross", codec_path, clip_path, other, out, "--jump", -1)
    assert status == 2
    assert errors.count("\n") == 1


def test_a_clip_is_said_again_in_the_codes_of_another_codec(distill, codec_path, other_codec_path, clip_path, tmp_path):
    out, grid = tmp_path / "out.wav", tmp_path / "grid.npz"
    assert distill("translate", codec_path, other_codec_path, clip_path, out, "--grid", grid)[0] == 0
    assert len(load_clip(out).waveform) == len(load_clip(clip_path).waveform)
    assert CodeGrid.load(grid).model_id == Codec.load(other_codec_path).model_id
