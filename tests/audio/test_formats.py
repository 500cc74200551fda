"""Every kind of sound that people have is read whole, and why a file is no sound is said in a sentence."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from distill.audio import load_clip, new_decoder
from distill.errors import AudioError
from distill.formats import kinds
from distill.formats.kinds import kind_of
from tests.audio.sounds import FLAC, RATE, TWO_SECONDS, WAV, encoded, refusal_of, tone, written


@pytest.mark.parametrize(
    ("container", "codec", "sample_rate"),
    [
        ("ogg", "flac", 44_100),
        ("mp4", "aac", 44_100),
        ("ipod", "alac", 44_100),
        ("mp4", "libopus", 48_000),
        ("mp4", "flac", 96_000),
        ("mov", "pcm_s24le", 48_000),
        ("webm", "libopus", 48_000),
        ("matroska", "flac", 44_100),
        ("matroska", "pcm_s16le", 8_000),
        ("caf", "pcm_s16be", 44_100),
        ("caf", "alac", 44_100),
        ("wv", "wavpack", 44_100),
        ("avi", "pcm_s16le", 44_100),
        ("aiff", "pcm_s16le", 22_050),
        ("wav", "pcm_f64le", 192_000),
        ("wav", "pcm_alaw", 8_000),
        ("wav", "pcm_mulaw", 16_000),
        ("au", "pcm_s16be", 11_025),
        ("w64", "pcm_s24le", 48_000),
    ],
)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_every_kind_is_read_to_its_last_sample_and_no_further(
    tmp_path, decoder, container, codec, sample_rate, channels
):
    sound = tone(sample_rate + 7, channels)
    path = written(tmp_path / "sound", sound, container, codec, sample_rate)
    clip = load_clip(path, decoder=decoder)
    assert len(clip.waveform) == pytest.approx(len(sound) * RATE / sample_rate, abs=1.01)
    assert clip.note == ""
    assert np.abs(clip.waveform).max() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("adts", "aac", RATE),
        ("asf", "wmav2", RATE),
        ("amr", "libopencore_amrnb", 8000),
        ("wav", "adpcm_ms", RATE),
        ("wav", "adpcm_ima_wav", RATE),
        ("mp2", "mp2", RATE),
        ("mp4", "ac3", 48_000),
    ],
)
def test_kinds_that_do_not_tell_their_padding_are_read_whole(tmp_path, decoder, container, codec, rate):
    clip = load_clip(written(tmp_path / "sound", tone(2 * rate), container, codec, rate), decoder=decoder)
    assert clip.seconds == pytest.approx(2, abs=0.06)


@pytest.mark.parametrize("bits", [8, 12, 15, 20, 24, 32])
def test_a_flac_of_any_depth_is_read(read, bits):
    clip = read(flac_of(bits))
    assert len(clip.waveform) == 4096
    assert np.abs(clip.waveform - tone(4096)[:, 0]).max() < max(2.0 ** (2 - bits), 1e-6)


def flac_of(bits: int) -> bytes:
    """One frame of FLAC of so many bits a sample, verbatim."""
    samples = np.round(tone(4096)[:, 0] * 2 ** (bits - 1)).astype(np.int64)
    info = (RATE << 44) | ((bits - 1) << 36) | 4096
    header = (
        b"fLaC"
        + bytes([0x80, 0, 0, 34])
        + struct.pack(">HH", 4096, 4096)
        + bytes(6)
        + info.to_bytes(8, "big")
        + bytes(16)
    )
    depth = {8: 0b001, 12: 0b010, 20: 0b101, 24: 0b110, 32: 0b111}.get(bits, 0)
    frame = bytes([0xFF, 0xF8, 0xC9, depth << 1, 0])
    frame += bytes([crc(frame, 8, 0x07)])
    numbers = "".join(f"{sample % 2**bits:0{bits}b}" for sample in samples)
    body = "00000010" + numbers
    body += "0" * (-len(body) % 8)
    frame += int(body, 2).to_bytes(len(body) // 8, "big")
    return header + frame + crc(frame, 16, 0x8005).to_bytes(2, "big")


def crc(content: bytes, bits: int, polynomial: int) -> int:
    value = 0
    for byte in content:
        value ^= byte << bits - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value >> bits - 1 else value << 1) % 2**bits
    return value


def test_a_browsers_recording_without_a_length_is_read_whole(read, tmp_path):
    path = written(tmp_path / "r.webm", tone(96_000), "webm", "libopus", 48_000, live="1")
    assert read(path.read_bytes()).seconds == pytest.approx(2, abs=0.002)


def test_the_sound_of_a_film_is_read_and_its_picture_is_not(tmp_path, decoder, is_one_sentence):
    for name, sounds in (("film.mov", True), ("silent.mp4", False)):
        with av.open(str(tmp_path / name), "w") as film:
            picture = film.add_stream("mpeg4", rate=10)
            picture.width = picture.height = 64
            sound = film.add_stream("aac", rate=RATE, layout="mono") if sounds else None
            for _ in range(10):
                image = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")
                film.mux(picture.encode(image))
            film.mux(picture.encode(None))
            if sound:
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(TWO_SECONDS.T, np.float32), "fltp", "mono")
                frame.sample_rate, frame.pts = RATE, 0
                film.mux(sound.encode(frame))
                film.mux(sound.encode(None))
    assert load_clip(tmp_path / "film.mov", decoder=decoder).seconds == pytest.approx(2, abs=0.002)
    assert is_one_sentence(refusal_of(tmp_path / "silent.mp4", decoder), "silent.mp4 has a picture but no sound")


def locked(path: Path) -> bytes:
    return written(path, TWO_SECONDS, "ipod", "aac").read_bytes().replace(b"mp4a", b"drms", 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (bytes(5000), "nothing but zeros"),
        (b"Dear diary.\n" * 40, "text"),
        ("Grüße".encode("utf-16"), "text"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
        (b"#EXTM3U\nsong.mp3\n", "playlist"),
        (b"\x89PNG\r\n\x1a\n" + bytes(90), "picture"),
        (b"\xff\xd8\xff\xe0" + bytes(90), "picture"),
        (b"%PDF-1.7", "document"),
        (b"PK\3\4" + bytes(90), "archive"),
        (b"MThd" + bytes(90), "MIDI"),
        (b"\0\5\x16\7" + bytes(90), "companion"),
        (b"\x7fELF" + bytes(90), "program"),
        (np.random.default_rng(0).bytes(9000), "no kind that Distill knows"),
        (WAV[:44], "cut short"),
        (WAV[:20], "cut short"),
        (FLAC[:100], "FLAC"),
        (b"fLaC" + np.random.default_rng(0).bytes(900), "FLAC"),
        (b"MAC " + bytes(90), "Monkey's Audio"),
        (b"\0\0\0\x1cftypM4A " + bytes(90), "moov"),
    ],
)
def test_every_cause_has_a_sentence_of_its_own(tmp_path, decoder, content, words, is_one_sentence):
    (tmp_path / "thing.wav").write_bytes(content)
    assert is_one_sentence(refusal_of(tmp_path / "thing.wav", decoder), "thing.wav", words)


def test_sound_that_only_its_seller_can_play_is_refused_with_that_reason(tmp_path, decoder, is_one_sentence):
    (tmp_path / "bought.m4p").write_bytes(locked(tmp_path / "own.m4a"))
    assert is_one_sentence(refusal_of(tmp_path / "bought.m4p", decoder), "bought.m4p", "DRM")


def test_an_m4a_whose_recording_broke_off_is_refused_with_that_reason(tmp_path, decoder, is_one_sentence):
    content = written(tmp_path / "a.m4a", TWO_SECONDS, "mp4", "aac").read_bytes()
    (tmp_path / "broken.m4a").write_bytes(content[: content.index(b"moov") - 4])
    assert is_one_sentence(refusal_of(tmp_path / "broken.m4a", decoder), "broken.m4a", "cut short", "moov")


def test_nothing_of_a_file_gives_more_than_it_has(tmp_path):
    (tmp_path / "empty.wav").write_bytes(
        encoded(np.zeros((0, 1)), "WAV") + b"LIST" + (4).to_bytes(4, "little") + b"INFO"
    )
    with pytest.raises(AudioError, match="too short"):
        load_clip(tmp_path / "empty.wav")


@pytest.mark.parametrize(
    ("container", "codec", "channels"),
    [
        ("mp4", "aac", 7),
        ("mp4", "aac", 8),
        ("wv", "wavpack", 3),
        ("wv", "wavpack", 7),
        ("wv", "wavpack", 8),
        ("wv", "wavpack", 9),
        ("wv", "wavpack", 16),
        ("wv", "wavpack", 32),
        ("ogg", "libopus", 8),
        ("matroska", "pcm_s16le", 32),
    ],
)
def test_every_channel_of_many_is_read(tmp_path, container, codec, channels):
    """Only one channel sounds: it is heard at its share of the mix."""
    for loud in {0, channels - 1}:
        sound = np.zeros((48_000, channels))
        sound[:, loud] = tone(48_000)[:, 0]
        path = written(tmp_path / "many", sound, container, codec, 48_000)
        with new_decoder() as decoder:
            clip = load_clip(path, decoder=decoder)
        assert clip.note == ""
        assert clip.seconds == pytest.approx(1, abs=0.002)
        middle = clip.waveform[10_000:30_000]
        assert np.abs(middle).max() == pytest.approx(0.5 / channels, rel=0.15)
        assert np.abs(load_clip(path).waveform - clip.waveform).max() == 0


@pytest.mark.parametrize(("container", "codec"), [("avi", "aac"), ("avi", "flac"), ("avi", "ac3")])
def test_a_coding_whose_tag_is_no_letters_is_read(tmp_path, decoder, container, codec):
    path = written(tmp_path / "sound", tone(96_000, 2), container, codec, 48_000)
    assert load_clip(path, decoder=decoder).seconds == pytest.approx(2, abs=0.06)


@pytest.mark.parametrize(
    "start", ["The free software", "A nowide", "xyz skip it", "MAC addresses", "MZ is", "MP+ and", "BM"]
)
def test_a_text_that_begins_with_the_mark_of_another_kind_is_a_text(start):
    assert kind_of(f"{start} as everybody knows.\n".encode() * 9) == kinds.TEXT
    assert kind_of(f"{start}, Gr\xfc\xdfe.\n".encode("latin-1") * 9).demuxer == ""
