"""A hostile sound file is read within the limits, whatever its name and its header say."""

import os
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from distill.audio import load_clip, new_decoder
from distill.audio.decoder import Decoder
from distill.settings import DEFAULTS, MIB, Settings
from tests.audio.sounds import encoded, needs_linux, put, refusal_of, tone, written


@pytest.mark.parametrize(
    ("file_format", "subtype", "sample_rate"),
    [
        ("WAV", "PCM_24", 96_000),
        ("WAVEX", "FLOAT", 22_050),
        ("RF64", "PCM_16", 44_100),
        ("FLAC", "PCM_16", 44_100),
        ("OGG", "VORBIS", 32_000),
        ("OGG", "OPUS", 48_000),
        ("MP3", "MPEG_LAYER_III", 44_100),
        ("AIFF", "PCM_16", 11_025),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_the_process_gives_the_same_samples_as_decoding_in_place(
    tmp_path, decoder, file_format, subtype, sample_rate, channels
):
    path = tmp_path / "tone.any"
    path.write_bytes(encoded(tone(channels=channels), file_format, subtype, sample_rate))
    assert np.array_equal(load_clip(path, decoder=decoder).waveform, load_clip(path).waveform)


def test_example_clips_are_the_same_from_the_process_and_in_place(examples, decoder):
    for path in sorted((examples / "clips").glob("*.flac"))[:5]:
        assert np.array_equal(load_clip(path, decoder=decoder).waveform, load_clip(path).waveform)


@pytest.mark.parametrize("name", ["🥁 drum.wav", "-i.wav", "a'b\"c.flac", "..wav", "concat:a|b.m4a"])
def test_a_strange_file_name_does_not_matter_to_the_process(tmp_path, decoder, drums_wav, name):
    shutil.copy(drums_wav, tmp_path / name)
    assert load_clip(tmp_path / name, decoder=decoder).name == name


@needs_linux
def test_characters_of_a_name_that_cannot_be_shown_are_replaced(tmp_path, decoder, drums_wav):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/kick\xff\n.wav"))
    shutil.copy(drums_wav, path)
    assert load_clip(path, decoder=decoder).name == "kick\ufffd\ufffd.wav"


@pytest.mark.parametrize(("container", "codec"), [("mp4", "aac"), ("ipod", "alac")])
@pytest.mark.parametrize("in_process", [True, False])
def test_m4a_is_read_whatever_its_name(tmp_path, decoder, drums_wav, container, codec, in_process):
    drums = load_clip(drums_wav)
    path = written(tmp_path / "drums.mp3", drums.waveform, container, codec)
    clip = load_clip(path, decoder=decoder if in_process else None)
    assert clip.seconds == drums.seconds
    assert np.corrcoef(clip.waveform, drums.waveform)[0, 1] > 0.95, "it begins earlier or later"


def test_a_sound_over_the_limits_is_refused_not_shortened(tmp_path, is_one_sentence):
    path = written(tmp_path / "long.m4a", tone(12 * 8000, 2), "mp4", "aac", 8000)
    with new_decoder(Settings(clip_seconds=9)) as decoder:
        assert "0.15 minutes" in refusal_of(path, decoder)
    small = Settings(decoded_bytes=MIB // 2)
    with new_decoder(small) as decoder:
        assert is_one_sentence(refusal_of(path, decoder), "long.m4a", "0.5 MB")


@pytest.mark.parametrize("file_format", ["VOC", "IRCAM", "SVX", "AVR", "MAT5", "PVF"])
def test_formats_that_are_not_in_the_list_are_refused_before_they_are_read(
    tmp_path, monkeypatch, file_format, is_one_sentence
):
    (tmp_path / "tone.wav").write_bytes(encoded(tone(), file_format, "PCM_16"))
    monkeypatch.setattr(av, "open", None)
    assert is_one_sentence(refusal_of(tmp_path / "tone.wav", None), "tone.wav")


@pytest.mark.parametrize("claimed", [0, 1000, 22_050 * 2, 2**36 - 1])
def test_the_length_that_a_flac_header_claims_is_not_believed(tmp_path, decoder, claimed):
    content = bytearray(encoded(tone(), "FLAC"))
    content[21] = content[21] & 0xF0 | claimed >> 32
    content[22:26] = (claimed & 0xFFFFFFFF).to_bytes(4, "big")
    (tmp_path / "tone.flac").write_bytes(content)
    assert len(load_clip(tmp_path / "tone.flac", decoder=decoder).waveform) == 22_050


@pytest.mark.parametrize("claimed", [10**9, 2**32 - 1])
def test_gigabytes_that_a_wav_header_claims_are_not_believed(tmp_path, decoder, claimed):
    content = encoded(tone(), "WAV")
    (tmp_path / "tone.wav").write_bytes(put(content, content.index(b"data") + 4, claimed))
    assert len(load_clip(tmp_path / "tone.wav", decoder=decoder).waveform) == 22_050


@pytest.mark.parametrize("sample_rate", [1, 999, 384_001, 2**31 - 1])
def test_a_sample_rate_that_no_sound_has_is_refused(tmp_path, decoder, sample_rate, is_one_sentence):
    (tmp_path / "tone.wav").write_bytes(put(encoded(tone(), "WAV"), 24, sample_rate))
    reason = refusal_of(tmp_path / "tone.wav", decoder)
    assert is_one_sentence(reason, "tone.wav", f"{sample_rate} Hz", "1000", "384000")


@pytest.mark.parametrize("channels", [33, 1024])
def test_more_than_32_channels_are_refused(tmp_path, decoder, channels, is_one_sentence):
    (tmp_path / "choir.wav").write_bytes(put(encoded(tone(), "WAV"), 22, channels, 2))
    assert is_one_sentence(refusal_of(tmp_path / "choir.wav", decoder), "choir.wav", f"{channels} channels")


def test_the_samples_of_all_channels_count_towards_the_limit(tmp_path, decoder, is_one_sentence):
    soundfile.write(tmp_path / "choir.flac", np.zeros((3 * MIB // 8, 8)), 8000)
    with new_decoder(Settings(decoded_bytes=8 * MIB)) as modest:
        assert is_one_sentence(refusal_of(tmp_path / "choir.flac", modest), "choir.flac", "8 MB", "channels")


@pytest.mark.parametrize("level", [1e30, 3e38])
def test_samples_too_large_for_sums_in_float32_are_refused(tmp_path, decoder, level):
    wave = np.full((22_050, 32), level, np.float32)
    soundfile.write(tmp_path / "loud.wav", wave, 44_100, subtype="FLOAT")
    assert "not numbers" in refusal_of(tmp_path / "loud.wav", decoder)


def test_a_clip_far_above_full_scale_is_scaled_to_full_scale(tmp_path, decoder):
    soundfile.write(tmp_path / "loud.wav", tone(channels=2) * 1e29, 48_000, subtype="FLOAT")
    assert np.abs(load_clip(tmp_path / "loud.wav", decoder=decoder).waveform).max() == pytest.approx(1)


@needs_linux
def test_an_hour_in_a_small_flac_is_refused_within_bounds_of_time_and_memory(tmp_path, is_one_sentence):
    path = tmp_path / "hour.flac"
    with soundfile.SoundFile(path, "w", 8000, 2, "PCM_16", format="FLAC") as file:
        for _ in range(60):
            file.write(np.zeros((60 * 8000, 2), np.int16))
    assert path.stat().st_size < MIB // 4
    with new_decoder() as decoder:
        assert is_one_sentence(refusal_of(path, decoder), "hour.flac", "10 minutes")
        assert processor_seconds(decoder) < 5
        assert kilobytes(decoder, "VmHWM") < 100 * 1024


@needs_linux
@pytest.mark.parametrize(
    ("sample_rate", "channels", "seconds"),
    [(1000, 1, 60), (383_999, 1, 20), (44_100, 32, 18), pytest.param(384_000, 1, 600, marks=pytest.mark.slow)],
)
def test_the_memory_that_decoding_takes_does_not_grow_with_the_sound(tmp_path, sample_rate, channels, seconds):
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", sample_rate, channels, "PCM_16") as file:
        for _ in range(seconds):
            file.write(tone(sample_rate, channels))
    huge = Settings(upload_file_bytes=2048 * MIB)
    with new_decoder(huge) as decoder:
        assert load_clip(path, settings=huge, decoder=decoder).seconds == pytest.approx(seconds)
        assert kilobytes(decoder, "VmHWM") < 150 * 1024
        assert kilobytes(decoder, "VmPeak") < DEFAULTS.decoding_memory_bytes // 1024 // 2


def processor_seconds(decoder: Decoder) -> float:
    """What the process has used, however long it had to wait for it."""
    assert decoder._process
    fields = Path(f"/proc/{decoder._process.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def kilobytes(decoder: Decoder, field: str) -> int:
    assert decoder._process
    status = Path(f"/proc/{decoder._process.pid}/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0])
