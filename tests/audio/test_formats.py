"""Every sound that people have is read whole, and what is missing, or why a file is no sound, is said in a sentence."""

import io
import struct
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from distill.audio import Clip, load_clip
from distill.audio.decoder import Decoder
from distill.errors import AudioError
from tests.audio.sounds import refusal_of, tone, written

RATE = 44_100
TWO_SECONDS = tone(2 * RATE)
STEREO = tone(2 * RATE, 2)


def encoded(samples: np.ndarray, file_format: str, subtype: str | None = None, sample_rate: int = RATE) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, sample_rate, format=file_format, subtype=subtype)
    return buffer.getvalue()


WAV = encoded(TWO_SECONDS, "WAV", "PCM_16")
FLAC = encoded(TWO_SECONDS, "FLAC")
AIFF = encoded(TWO_SECONDS, "AIFF", "PCM_16")
VORBIS = encoded(TWO_SECONDS, "OGG", "VORBIS")
OPUS = encoded(tone(96_000), "OGG", "OPUS", 48_000)
ID3V1 = b"TAG" + bytes(125)
APE_TAG = b"".join(struct.pack("<8sIIIIQ", b"APETAGEX", 2000, 32, 0, flags << 28, 0) for flags in (0xA, 0x8))


def id3v2(num_bytes: int) -> bytes:
    """A tag with a picture of so many bytes, as it stands before an MP3."""
    size = bytes(num_bytes >> 7 * place & 0x7F for place in (3, 2, 1, 0))
    return b"ID3\4\0\0" + size + np.random.default_rng(0).bytes(num_bytes)


def mp3(path: Path, samples: np.ndarray = TWO_SECONDS, *, announced: bool = True) -> bytes:
    options = {"write_xing": str(int(announced)), "id3v2_version": "0"}
    return written(path, samples, "mp3", "libmp3lame", **options).read_bytes()


def put(content: bytes, at: int, number: int, width: int = 4, order: str = "little") -> bytes:
    return content[:at] + number.to_bytes(width, order) + content[at + width :]


def after(content: bytes, name: bytes) -> int:
    """The position of a chunk's size."""
    return content.index(name) + len(name)


@pytest.fixture
def read(tmp_path, decoder: Decoder):
    """Return a function that reads the content of a file of any name."""

    def read_content(content: bytes, name: str = "sound") -> Clip:
        (tmp_path / name).write_bytes(content)
        return load_clip(tmp_path / name, decoder=decoder)

    return read_content


# What a header announces


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


# Errors after good sound


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


# Kinds


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
    try:
        path = written(tmp_path / "sound", sound, container, codec, sample_rate)
    except ValueError:
        pytest.skip("this kind has no such channels")
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


# Reasons


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
