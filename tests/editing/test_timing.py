"""Tempo and loop of a clip, in its answers and in the files that audio workstations read."""

import io
import struct
import zipfile

import numpy as np
import pytest
import soundfile

from distill.audio import SAMPLE_RATE, load_clip, write_wav
from distill.audio.beat import find_beat
from distill.audio.wav_chunks import LoopPoints
from distill.codes import edits
from distill.codes.laying import lay_out
from distill.editing import calls
from distill.editing.calls import timed
from distill.editing.stems import stems, write_kit
from distill.editing.timing import Timing
from distill.editing.work import Work
from distill.errors import GridError


def chunks(content):
    """The chunks of a WAV file by name."""
    assert content[:4] == b"RIFF"
    assert struct.unpack("<I", content[4:8])[0] == len(content) - 8
    found, at = {}, 12
    while at < len(content):
        name, size = struct.unpack("<4sI", content[at : at + 8])
        found[name.decode()] = content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return found


def test_a_wav_file_has_its_loop_and_its_tempo_where_samplers_and_workstations_look(tmp_path, drums):
    path = tmp_path / "loop.wav"
    write_wav(path, drums.waveform)
    plain = path.read_bytes()
    tempo = 6 * 60 / drums.seconds
    write_wav(path, drums.waveform, points=LoopPoints((4_410, 26_460), tempo, 3))
    found = chunks(path.read_bytes())
    assert found["data"] == chunks(plain)["data"]
    smpl = struct.unpack("<9I6I", found["smpl"])
    assert smpl[2] == round(1e9 / SAMPLE_RATE)
    assert smpl[7] == 1
    assert smpl[9:] == (0, 0, 4_410, 26_459, 0, 0)
    flags, note, _, _, beats, under, over, told = struct.unpack("<IHHfIHHf", found["acid"])
    assert (flags, note, beats, under, over, told) == (4, 60, 6, 4, 3, pytest.approx(tempo))
    assert len(load_clip(path).waveform) == len(drums.waveform)


@pytest.mark.parametrize(("beats", "flags"), [(4, 4), (3.99, 4), (3.8, 1), (0.62, 1), (0.005, 1)])
def test_a_sound_is_stretched_to_the_beat_only_if_it_has_a_whole_number_of_beats(beats, flags):
    samples = round(beats * SAMPLE_RATE / 2)  # at 120 beats per minute
    assert struct.unpack("<I", LoopPoints(None, 120).chunks(samples)[8:12])[0] == flags


def test_a_clips_beat_is_found_once_then_kept_and_corrected(work):
    found = timed(work, {})
    assert 60 < found["tempo"] < 200
    assert found["loop"] == []
    changed = timed(work, {"tempo": 93.5, "offset": 0.25, "bar": 3, "loop": [0.5, 1.5]})
    assert changed == {"tempo": 93.5, "offset": 0.25, "bar": 3, "loop": [0.5, 1.5], "note": ""}
    assert timed(work, {}) == changed
    assert timed(work, {"loop": []})["loop"] == []
    assert timed(work, {"find": True})["tempo"] == found["tempo"]


def test_a_clip_without_a_beat_says_so_and_takes_one(codec):
    work = Work.opened(codec, "silence", codec.encode_mel(codec_silence(codec)))
    answer = timed(work, {})
    assert "tap one" in answer["note"]
    assert timed(work, {"tempo": 90})["tempo"] == 90


def test_only_the_first_minute_of_a_grid_without_a_clip_is_decoded_for_its_beat(codec, grid):
    long = lay_out([grid] * 30)
    work, shares = Work.opened(codec, "long", long), []
    assert work.seconds > 70
    found = timed(work, {}, shares.append)
    assert found["note"] == ""
    assert not work.is_decoded
    assert work.track(codec.num_levels).ready < work.num_samples
    assert shares
    assert find_beat(work.decode()).tempo == found["tempo"]


def test_changes_that_come_while_a_beat_is_found_are_kept(work, monkeypatch):
    def slow(waveform, seconds):
        timed(work, {"tempo": 90, "bar": 3})
        return find_beat(waveform, seconds)

    monkeypatch.setattr(calls, "find_beat", slow)
    assert timed(work, {"find": True})["bar"] == 3


def codec_silence(codec):
    import torch

    return torch.full((128, 160), codec.log_mel.floor)


@pytest.mark.parametrize(
    "asked",
    [
        {"tempo": 10}, {"tempo": "fast"}, {"tempo": float("nan")}, {"bar": 0}, {"bar": 2.5}, {"loop": [1, 0.5]},
        {"loop": [0.5]}, {"loop": [99, 100]}, {"loop": "all"}, {"speed": 1}, {"loop": [1, 2, 3]}, {"find": 1},
    ],
)  # fmt: skip
def test_an_impossible_timing_is_refused_in_a_sentence(work, asked, is_one_sentence):
    timed(work, {"tempo": 100})
    with pytest.raises(GridError) as refusal:
        timed(work, asked)
    assert is_one_sentence(refusal.value)
    assert timed(work, {})["tempo"] == 100


def test_the_stems_are_what_each_level_adds_and_their_sum_is_the_whole_sound(codec, work):
    grid = edits.shift_codes(work.history.grid, rows=slice(None), columns=slice(None), by_columns=2)
    made = dict(stems(codec, grid))
    assert list(made) == ["Structure", "Timbre", "Detail"]
    assert np.array_equal(made["Structure"], codec.decode(grid, levels=1))
    whole = codec.decode(grid)
    assert np.abs(sum(made.values()) - whole).max() < 1e-6
    assert all(np.abs(stem).max() > 0.001 for stem in made.values())


@pytest.mark.parametrize("gain", [1.0, 8.0])
def test_the_kit_for_a_workstation_has_sound_loop_stems_and_grid_that_fit_together(codec, work, tmp_path, gain):
    sound, grid = work.snapshot()
    timing = Timing(120, 0.1, 4, (0.5, 1.5))
    loud = sound * gain if gain > 1 else sound
    shares = []
    write_kit(tmp_path / "kit.zip", "drums-edited", codec, grid, loud, timing, shares.append)
    assert [path.name for path in tmp_path.iterdir()] == ["kit.zip"]
    assert shares[-1] == pytest.approx(1)
    assert shares == sorted(shares)
    with zipfile.ZipFile(tmp_path / "kit.zip") as kit:
        packed = {info.filename: info.compress_type for info in kit.infolist() if info.filename.endswith(".wav")}
        assert set(packed.values()) == {zipfile.ZIP_STORED}  # deflate makes noise no smaller
        files = {name.removeprefix("drums-edited/"): kit.read(name) for name in kit.namelist()}
    named = "drums-edited-120bpm"
    stem_names = [f"{named}-{number}-{level}.wav" for number, level in enumerate(("structure", "timbre", "detail"), 1)]
    assert set(files) == {
        *(f"{named}.wav", f"{named}-loop.wav", *stem_names),
        *("drums-edited.npz", "drums-edited-grid.txt", "read-me.txt"),
    }
    read = {name: soundfile.read(io.BytesIO(files[name]))[0] for name in files if name.endswith(".wav")}
    total = sum(read[name] for name in stem_names)
    if gain == 1:
        assert np.abs(total - read[f"{named}.wav"]).max() < 2 / 2**15
    loop = read[f"{named}-loop.wav"]
    assert len(loop) == SAMPLE_RATE
    assert np.array_equal(loop, read[f"{named}.wav"][22_050:66_150])
    assert struct.unpack("<2I", chunks(files[f"{named}.wav"])["smpl"][44:52]) == (22_050, 66_149)
    assert struct.unpack("<f", chunks(files[stem_names[0]])["acid"][-4:])[0] == 120
    assert all(name in files["read-me.txt"].decode() for name in stem_names)
