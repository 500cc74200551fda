"""A sound file reaches no other file and no codec that is not in the list, whatever it says."""

import os
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill.formats import kinds
from distill.formats.kinds import Kind
from distill.formats.reading import CODECS, DEMUXERS, OPTIONS
from tests.audio.sounds import refusal_of, tone, written


def alias_of(path: Path, levels: int) -> bytes:
    """An alias record of old Mac OS, which says that the sound is in another file: some folder levels up and down, or
    at an absolute path."""
    location = os.fsencode(path)
    record = bytes(10) + bytes([4]) + b"disk".ljust(27, b"\0") + bytes(12)
    record += bytes([len(path.name)]) + path.name.encode().ljust(63, b"\0") + bytes(16)
    record += struct.pack(">hh", levels, levels) + bytes(16)
    record += struct.pack(">HH", 2, len(location)) + location + bytes(len(location) % 2) + struct.pack(">hH", -1, 0)
    return struct.pack(">I4sI", len(record) + 12, b"alis", 0) + record


def that_points_to(other: Path, content: bytes, levels: int) -> bytes:
    """The boxes of a movie that describe its sound, changed to say that the sound is in another file."""
    start = content.index(b"ftyp") - 4
    kind = content[start : start + int.from_bytes(content[start : start + 4], "big")]
    movie = bytearray(content[content.index(b"moov") - 4 :])
    at = movie.index(b"dref") - 4
    length = int.from_bytes(movie[at : at + 4], "big")
    reference = alias_of(other, levels)
    reference = struct.pack(">I4sII", len(reference) + 16, b"dref", 0, 1) + reference
    movie[at : at + length] = reference
    for box in (b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        place = movie.rindex(box, 0, at) - 4
        grown = int.from_bytes(movie[place : place + 4], "big") + len(reference) - length
        movie[place : place + 4] = grown.to_bytes(4, "big")
    return kind + bytes(movie)


@pytest.mark.parametrize("levels", [-1, 1])
def test_a_film_cannot_give_the_sound_of_another_file(tmp_path, decoder, levels, is_one_sentence):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 22_050)
    secret = written((tmp_path / "secret.mov").resolve(), samples, "mov", "alac")
    thief = tmp_path / "thief.mov"
    thief.write_bytes(that_points_to(secret, secret.read_bytes(), levels))
    if ffmpeg := shutil.which("ffmpeg"):
        stolen = tmp_path / "stolen.wav"
        careless = [ffmpeg, "-v", "quiet", "-enable_drefs", "1", "-use_absolute_path", "1", "-i", thief, stolen]
        subprocess.run(careless, check=True, stdin=subprocess.DEVNULL)
        assert np.allclose(soundfile.read(stolen)[0], samples, atol=1e-4), "the file is no attack"
    assert is_one_sentence(refusal_of(thief, decoder), "thief.mov")
    assert is_one_sentence(refusal_of(thief, None), "thief.mov")


def test_a_playlist_is_not_followed_to_another_file(tmp_path, decoder, is_one_sentence):
    soundfile.write(tmp_path / "secret.wav", np.full(44_100, 0.5), 44_100)
    for start in (b"#EXTM3U\n", b"\x00\x00\x00\x1cftypM4A \n#EXTM3U\n", b"ffconcat version 1.0\n"):
        path = tmp_path / "list.m4a"
        path.write_bytes(start + b"#EXTINF:1,\nfile secret.wav\nfile://" + os.fsencode(tmp_path) + b"/secret.wav\n")
        assert is_one_sentence(refusal_of(path, decoder), "list.m4a")


@pytest.mark.parametrize(("container", "codec"), [("matroska", "tta"), ("avi", "adpcm_yamaha")])
def test_a_codec_that_is_not_in_the_list_is_refused_by_its_name(tmp_path, decoder, container, codec, is_one_sentence):
    path = written(tmp_path / "odd", tone(48_000, 2), container, codec, 48_000)
    assert is_one_sentence(refusal_of(path, decoder), "odd", codec, "WAV or FLAC")


def test_what_reads_lists_of_files_or_devices_is_in_no_list():
    assert not {"concat", "hls", "dash", "image2", "lavfi", "tedcaptions", "sdp", "rtsp"} & DEMUXERS
    assert not {codec for codec in CODECS if codec.startswith(("png", "mjpeg", "h26"))}
    named = [kind for kind in vars(kinds).values() if isinstance(kind, Kind)]
    known = {kind.demuxer for kind in (*kinds.STARTS.values(), *kinds.FORMS.values(), *named)}
    assert known - {"", "w64"} <= DEMUXERS, "a W64 is given to FFmpeg as a WAV"
    assert OPTIONS["format_whitelist"].split(",") == sorted(DEMUXERS)
