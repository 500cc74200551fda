"""A header may be false, a file damaged, cut short or joined: what sound is there is read, and a loss is said."""

import io
import struct

import numpy as np
import pytest

from distill.formats import reading
from distill.formats.parts import find_parts
from distill.formats.reading import Losses, read_blocks
from distill.settings import MIB
from tests.audio.sounds import (
    AIFF,
    APE_TAG,
    FLAC,
    ID3V1,
    OPUS,
    RATE,
    TWO_SECONDS,
    VORBIS,
    WAV,
    after,
    encoded,
    id3v2,
    in_a_hurry,
    mp3,
    put,
    refusal_of,
    tone,
    written,
)


@pytest.mark.parametrize("announced", [0, 1000, 44_100, 2**31 - 1, 2**31, 2**32 - 1])
@pytest.mark.parametrize("bits", ["PCM_16", "PCM_24", "FLOAT", "DOUBLE", "PCM_U8"])
def test_a_wav_of_a_recorder_that_crashed_is_read_whole(read, announced, bits):
    content = encoded(TWO_SECONDS, "WAV", bits)
    clip = read(put(content, after(content, b"data"), announced))
    assert (len(clip.waveform), clip.note) == (2 * RATE, "")
    assert np.abs(clip.waveform - TWO_SECONDS[:, 0]).max() < 0.01


def test_a_wav_whose_both_sizes_are_zero_is_read_whole(read):
    content = put(put(WAV, 4, 0), after(WAV, b"data"), 0)
    assert len(read(content).waveform) == 2 * RATE


def test_a_wav_without_a_size_that_begins_with_silence_is_read_whole(read):
    content = encoded(np.concatenate([np.zeros((4 * RATE, 1)), TWO_SECONDS]), "WAV")
    assert read(put(content, after(content, b"data"), 0)).seconds == 6


@pytest.mark.parametrize("behind", [b"LIST", b"id3 ", b"odd!"])
def test_chunks_behind_the_sound_are_not_taken_for_sound(read, behind):
    chunk = behind + (1000).to_bytes(4, "little") + np.random.default_rng(0).bytes(1000)
    assert len(read(WAV + chunk).waveform) == 2 * RATE
    assert len(read(WAV + chunk[:500]).waveform) == 2 * RATE or behind == b"odd!"
    assert len(read(WAV + ID3V1).waveform) == 2 * RATE
    assert len(read(WAV + bytes(5000)).waveform) == 2 * RATE


def test_a_chunk_of_odd_length_without_padding_does_not_hide_the_sound(read):
    at = WAV.index(b"data")
    for odd in (b"note" + (5).to_bytes(4, "little") + b"hello", b"note" + (5).to_bytes(4, "little") + b"hello\0"):
        assert len(read(WAV[:at] + odd + WAV[at:]).waveform) == 2 * RATE


@pytest.mark.parametrize(("magic", "announced"), [(b"RF64", 0), (b"RF64", 2**64 - 1), (b"BW64", 0), (b"BW64", 1 << 40)])
def test_a_wav_of_64_bits_with_a_false_size_is_read_whole(read, magic, announced):
    content = bytearray(encoded(TWO_SECONDS, "RF64", "PCM_16"))
    content[:4] = magic
    start = content.index(b"ds64") + 8
    content[start + 8 : start + 16] = announced.to_bytes(8, "little")
    content[after(content, b"data") : after(content, b"data") + 4] = b"\xff" * 4
    assert len(read(bytes(content)).waveform) == 2 * RATE


@pytest.mark.parametrize("announced", [0, 24, 1 << 62])
def test_a_w64_with_a_false_size_is_read_whole(read, announced):
    content = encoded(TWO_SECONDS, "W64", "PCM_16")
    assert len(read(content).waveform) == 2 * RATE
    at = content.index(b"data\xf3\xac\xd3\x11") + 16
    assert len(read(put(content, at, announced, 8)).waveform) == 2 * RATE


@pytest.mark.parametrize("announced", [0, 8, 0x7F000008, 2**32 - 1])
def test_an_aiff_with_a_false_size_is_read_whole(read, announced):
    content = put(AIFF, after(AIFF, b"SSND"), announced, order="big")
    assert (len(read(content).waveform), read(content).note) == (2 * RATE, "")
    assert len(read(put(content, 4, 0, order="big")).waveform) == 2 * RATE


def test_a_caf_without_a_size_is_read_whole(read, tmp_path):
    content = written(tmp_path / "a.caf", TWO_SECONDS, "caf", "pcm_s16be").read_bytes()
    for announced in (0, 2**64 - 1):
        assert len(read(put(content, after(content, b"data"), announced, 8, "big")).waveform) == 2 * RATE


@pytest.mark.parametrize("announced", [0, 100, 2**32 - 1])
def test_an_au_without_a_size_is_read_whole(read, announced):
    content = encoded(TWO_SECONDS, "AU", "PCM_16")
    assert len(read(put(content, 8, announced, order="big")).waveform) == 2 * RATE
    assert "cut short" in read(content[: RATE * 2]).note


def test_an_mp3_whose_length_is_estimated_is_read_whole(read, tmp_path):
    """A loud second before nine soft ones: the bit rate of the start is not that of the rest."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (RATE, 1))
    content = mp3(
        tmp_path / "v", np.concatenate([noise, np.tile(TWO_SECONDS, (5, 1))[: 9 * RATE] * 0.3]), announced=False
    )
    assert read(content).seconds == pytest.approx(10, abs=0.06)


def test_sounds_that_were_joined_are_all_read(read, tmp_path):
    content = mp3(tmp_path / "x")
    assert len(read(content).waveform) == 2 * RATE
    assert read(content + content).seconds == pytest.approx(4.05, abs=0.03)
    assert read(id3v2(3000) + content + id3v2(3000) + content).seconds == pytest.approx(4.05, abs=0.03)
    assert read(VORBIS + VORBIS).seconds == 4
    assert read(OPUS + OPUS).seconds == pytest.approx(4, abs=1e-3)
    assert read(VORBIS + OPUS + encoded(tone(44_100), "OGG", "VORBIS", 22_050)).seconds == pytest.approx(6, abs=1e-3)
    assert read(FLAC + FLAC).seconds == 4
    assert read(WAV + WAV).seconds == 4
    assert read(encoded(tone(100), "WAV") * 2000).seconds == pytest.approx(200_000 / RATE)
    assert read(WAV + encoded(tone(32_000), "WAV", "PCM_24", 16_000)).seconds == pytest.approx(4, abs=1e-3)
    assert np.abs(read(OPUS + OPUS).waveform).max() < 0.6, "the second sound is decoded with the state of the first"


@pytest.mark.parametrize("behind", [b"\0", ID3V1, bytes(2000), APE_TAG + ID3V1, b"\xff\xfb\x90", b"garbage" * 99])
def test_what_stands_behind_the_sound_takes_nothing_from_it(read, tmp_path, behind):
    assert len(read(FLAC + behind).waveform) == 2 * RATE
    assert read(mp3(tmp_path / "x", announced=False) + behind).seconds == pytest.approx(2.0, abs=0.06)
    assert len(read(mp3(tmp_path / "x") + behind).waveform) == pytest.approx(2 * RATE, abs=1200)
    assert read(VORBIS + behind).seconds == 2
    m4a = written(tmp_path / "a", TWO_SECONDS, "mp4", "aac").read_bytes()
    assert len(read(m4a + behind).waveform) == 2 * RATE


@pytest.mark.parametrize("before", [id3v2(300_000), id3v2(100) + id3v2(200), APE_TAG, id3v2(50) + bytes(700)])
def test_a_tag_before_the_sound_takes_nothing_from_it(read, tmp_path, before):
    assert len(read(before + FLAC).waveform) == 2 * RATE
    assert len(read(before + mp3(tmp_path / "x")).waveform) == 2 * RATE


def test_garbage_before_an_mp3_is_skipped(read, tmp_path):
    garbage = np.random.default_rng(1).bytes(20_000)
    assert read(garbage + mp3(tmp_path / "x", announced=False)).seconds == pytest.approx(2.0, abs=0.06)


def test_an_mp3_with_the_other_header_of_a_variable_rate_is_read_whole(read, tmp_path):
    content = mp3(tmp_path / "x", announced=False)
    length = content.index(content[:2], 100)
    false = content[:36] + b"VBRI" + struct.pack(">HHHIIHHHH", 1, 0, 50, 100, 2, 0, 1, 2, 1) + bytes(length - 66)
    assert read(false + content[length:]).seconds >= 1.95


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("flac", "flac", RATE),
        ("ogg", "flac", RATE),
        ("mp4", "aac", RATE),
        ("wav", "pcm_s16le", RATE),
        ("aiff", "pcm_s16be", RATE),
        ("webm", "libopus", 48_000),
        ("mp3", "libmp3lame", RATE),
        ("asf", "wmav2", RATE),
    ],
)
def test_the_good_start_of_a_file_that_was_cut_short_is_used_and_it_is_said(
    read, tmp_path, container, codec, rate, is_one_sentence
):
    options = {"movflags": "+faststart"} if container == "mp4" else {}
    whole = written(tmp_path / "whole", tone(2 * rate), container, codec, rate, **options).read_bytes()
    clip = read(whole[: len(whole) * 6 // 10], "cut")
    assert 0.8 < clip.seconds < 1.4
    assert is_one_sentence(clip.note, "cut", f"{clip.seconds:.2f} s")
    if container not in ("ogg", "webm"):
        assert "cut short" in clip.note
        assert "2.0" in clip.note or container == "asf"


def test_the_good_parts_of_a_damaged_file_are_used_and_it_is_said(read, is_one_sentence):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2 * RATE, 1))
    content = bytearray(encoded(noise, "FLAC"))
    middle = len(content) // 2
    content[middle : middle + 20_000] = bytes(20_000)
    clip = read(bytes(content), "worn.flac")
    assert 1.5 < clip.seconds <= 2.0
    assert is_one_sentence(clip.note, "worn.flac")


def test_a_whole_file_has_no_note(read, tmp_path):
    for content in (WAV, FLAC, AIFF, VORBIS, OPUS, mp3(tmp_path / "x")):
        clip = read(content)
        assert (len(clip.waveform), clip.note) == (2 * RATE, "")
    wma = written(tmp_path / "w", tone(22_050), "asf", "wmav2", 22_050).read_bytes()
    assert read(wma).note == ""


def test_sounds_of_two_rates_that_were_joined_are_both_read(read):
    """The first is 8000 samples at 8 kHz, the second no whole number of them."""
    for num_samples in range(44_099, 44_107):
        clip = read(encoded(tone(8000), "WAV", sample_rate=8000) + encoded(tone(num_samples), "WAV"))
        assert len(clip.waveform) == pytest.approx(RATE + num_samples, abs=2)


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT", "ULAW"])
def test_the_other_length_that_a_wav_tells_takes_nothing_from_it(read, subtype):
    content = encoded(tone(2205), "WAV", subtype)
    at = content.index(b"data")
    fact = b"fact" + struct.pack("<II", 4, 1)
    has_fact = b"fact" in content
    content = put(content, after(content, b"fact") + 4, 1) if has_fact else content[:at] + fact + content[at:]
    assert len(read(content).waveform) == 2205


def test_an_ogg_whose_second_half_is_missing_is_read_and_it_is_said(read, is_one_sentence):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (40 * RATE, 1))
    content = encoded(noise, "OGG", "VORBIS")
    assert len(content) > 270_000
    for half in (len(content) // 2, len(content) - 20_000):
        clip = read(content[:half] + bytes(len(content) - half), "worn.ogg")
        assert 10 < clip.seconds < 40
        assert is_one_sentence(clip.note, "worn.ogg")


def test_a_good_sound_behind_a_damaged_one_is_read_and_it_is_said(read, is_one_sentence):
    odd = put(WAV, WAV.index(b"fmt ") + 8, 0x5555, 2)
    torn = VORBIS[VORBIS.index(b"OggS", len(VORBIS) // 2) :]
    for content in (odd + WAV, torn + VORBIS):
        clip = read(content, "joined")
        assert clip.seconds == 2
        assert is_one_sentence(clip.note, "joined")


def test_the_length_of_a_vorbis_sound_beside_another_stream_is_found(read):
    serial, marks = (7).to_bytes(4, "little"), b"OggS\0\2" + bytes(8)
    skeleton = b"fishead\0" + bytes(56)
    page = bytearray(marks + serial + bytes(8) + bytes([1, len(skeleton)]) + skeleton)
    sound = tone(2 * RATE - 300)
    content = encoded(sound, "OGG", "VORBIS")
    assert len(read(content).waveform) == len(sound)
    (part,) = find_parts(io.BytesIO(page + content))
    assert part.num_frames == len(sound)


@pytest.mark.parametrize("header_bytes", [24, 32, 5000, 300_000])
def test_an_au_with_a_long_text_before_its_sound_is_read_whole(read, header_bytes):
    content = encoded(TWO_SECONDS, "AU", "PCM_16")
    content = put(content[:24], 4, header_bytes, order="big") + b"a" * (header_bytes - 24) + content[24:]
    clip = read(content)
    assert len(clip.waveform) == 2 * RATE
    assert np.abs(clip.waveform - TWO_SECONDS[:, 0]).max() < 0.01


def test_a_caf_with_much_before_its_sound_takes_little_memory(read, tmp_path):
    content = written(tmp_path / "a.caf", TWO_SECONDS, "caf", "pcm_s16be").read_bytes()
    at = content.index(b"data")
    free = b"free" + (20 * MIB).to_bytes(8, "big") + bytes(20 * MIB)
    content = put(content[:at] + free + content[at:], at + len(free) + 4, 2**64 - 1, 8, "big")
    (part,) = find_parts(io.BytesIO(content))
    assert len(part.prefix) < MIB
    assert len(read(content).waveform) == 2 * RATE


def test_a_wav_of_more_than_two_gigabytes_ends_where_it_says(tmp_path):
    """A file with a hole: it takes no room on the disk."""
    content = bytearray(encoded(tone(100), "RF64", "PCM_16"))
    num_bytes, at = 0x7F001000, content.index(b"data")
    content[at + 4 : at + 8] = b"\xff" * 4
    start = content.index(b"ds64") + 8
    content[start + 8 : start + 16] = num_bytes.to_bytes(8, "little")
    with open(tmp_path / "long.wav", "w+b") as file:
        file.write(content[: at + 8])
        file.seek(at + 8 + num_bytes)
        file.write(b"LIST" + struct.pack("<I", 400) + b"INFO" + b"a" * 396)
        (part,) = find_parts(file)
    assert part.stop - part.start == num_bytes


@pytest.mark.parametrize("line", [b"x end_head", b"end_head", b"end_header"])
def test_a_nist_file_whose_header_does_not_end_is_refused_at_once(tmp_path, decoder, line, is_one_sentence):
    content = b"NIST_1A\n   1024\n" + (b"a" * 1100 if line == b"end_head" else b"") + b"\n" + line + b"\n"
    (tmp_path / "odd.sph").write_bytes(content + bytes(5000))
    with in_a_hurry(decoder, 5):
        assert is_one_sentence(refusal_of(tmp_path / "odd.sph", decoder), "odd.sph", "NIST SPHERE")


def test_a_read_error_in_the_middle_of_a_file_is_a_loss():
    noise = encoded(np.random.default_rng(0).uniform(-0.5, 0.5, (10 * RATE, 1)), "AU", "PCM_16")

    class Worn(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > len(noise) // 2:
                raise OSError("the disk is worn")
            return super().read(size)

    losses = Losses()
    blocks = list(read_blocks(Worn(noise), losses, most_channels=2))
    assert blocks
    assert losses.packets or losses.announced


def test_a_file_of_more_sounds_than_any_has_is_read_in_bounded_time(monkeypatch):
    monkeypatch.setattr(reading, "MAX_PARTS", 3)
    losses = Losses()
    blocks = list(read_blocks(io.BytesIO(encoded(tone(100), "WAV") * 5), losses, most_channels=1))
    assert sum(len(block.samples) for block in blocks) == 300
    assert losses.packets == 1
