"""One clip as a worker does it, without any worker."""

import json

import numpy as np
import pytest
import soundfile

from distill.audio import load_clip
from distill.codec.evaluation import evaluate
from distill.errors import GridError, ScaleError
from distill.scale.rows import Job, add_up, decode_row, encode_file, evaluate_file, open_worker


def test_a_row_has_the_codes_that_the_codec_gives_the_clip(codec, clip_path):
    row = json.loads(json.dumps(encode_file(codec, clip_path)))
    grid = codec.encode_clip(load_clip(clip_path))
    assert np.array_equal(row["codes"], grid.indices)
    assert (row["num_frames"], row["num_samples"]) == (grid.num_frames, grid.num_samples)


def test_a_row_is_decoded_to_the_sound_of_its_codes(codec, clip_path, tmp_path):
    row = encode_file(codec, clip_path)
    expected = codec.decode(codec.encode_clip(load_clip(clip_path)))
    for name in ("a/b.wav", "a/b.flac"):
        decode_row(codec, row | {"out": name}, tmp_path)
        sound, rate = soundfile.read(tmp_path / name, dtype="float32")
        assert rate == 44_100
        assert np.abs(sound - expected).max() < 1e-4
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["b.flac", "b.wav"]


def test_what_cannot_be_written_is_one_sentence_and_leaves_nothing(codec, clip_path, tmp_path, is_one_sentence):
    row = encode_file(codec, clip_path) | {"out": "a/b.wav"}
    (tmp_path / "a").write_text("I am no folder.")
    with pytest.raises(ScaleError) as error:
        decode_row(codec, row, tmp_path)
    assert is_one_sentence(error.value, "b.wav")
    with pytest.raises(GridError):
        decode_row(codec, row | {"num_frames": 3}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_tallies_add_up_to_the_evaluation_of_all_clips_in_any_order(codec, mel_clips, clip_folder):
    paths = sorted(clip_folder.iterdir())[:3]
    tallies = [json.loads(json.dumps(evaluate_file(codec, path)))["tally"] for path in paths]
    whole = evaluate(codec, map(load_clip, paths))
    for order in (tallies, tallies[::-1]):
        found = add_up(iter(order), codec).evaluation()
        assert found.clips == 3
        assert found.levels == whole.levels
        for name in ("sound_seconds", "mel_l1", "mel_l1_audio", "bitrate_bps"):
            assert getattr(found, name) == pytest.approx(getattr(whole, name), rel=1e-5)


def test_a_file_that_is_no_clip_is_told_and_the_worker_goes_on(codec_path, short_set):
    with open_worker(Job("encode", str(codec_path), str(short_set))) as do:
        assert "empty" in do({"file": "empty.wav"})["reason"]
        assert "does not exist" in do({"file": "gone.wav"})["reason"]
        assert "codes" in do({"file": "kit/elec_pop.flac"})
