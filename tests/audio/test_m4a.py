"""A converter for M4A files sees only its file, and may fail in any way without harm to the server."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill.audio import load_clip, new_decoder
from distill.errors import AudioError
from distill.settings import MIB, Settings

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="there is no ffmpeg to write M4A with")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel by /proc")
SMALL = Settings(decoding_seconds=4, decoded_bytes=4 * MIB)


@pytest.fixture
def song(tmp_path) -> Path:
    """A file that begins like M4A but holds no sound."""
    (tmp_path / "song.m4a").write_bytes(b"\x00\x00\x00\x1cftypM4A " + bytes(100))
    return tmp_path / "song.m4a"


@pytest.fixture
def converter(tmp_path, monkeypatch) -> Callable[[str], None]:
    """Return a function that puts a shell script in the place of ffmpeg; ``$target`` in it is the WAV file to write."""

    def install(script: str) -> None:
        (tmp_path / "bin").mkdir(exist_ok=True)
        program = tmp_path / "bin" / "ffmpeg"
        program.write_text(f'#!/bin/bash\nfor target; do :; done; target="${{target#file:}}"\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")

    return install


def refusal_of(path: Path, settings: Settings = SMALL) -> str:
    with new_decoder(settings) as decoder, pytest.raises(AudioError) as refusal:
        load_clip(path, settings=settings, decoder=decoder)
    return str(refusal.value)


def encoded(samples: np.ndarray, target: Path, *options: str) -> bytes:
    wav = target.with_suffix(".wav")
    soundfile.write(wav, samples, 44_100)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", wav, *options, target], check=True, stdin=subprocess.DEVNULL)
    return target.read_bytes()


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


@needs_ffmpeg
@pytest.mark.parametrize("levels", [-1, 1])
def test_an_m4a_cannot_give_the_sound_of_another_file(tmp_path, levels, is_one_sentence):
    secret = (tmp_path / "secret.mov").resolve()
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 22_050)
    content = encoded(samples, secret, "-c:a", "alac")
    thief = tmp_path / "thief.mov"
    thief.write_bytes(that_points_to(secret, content, levels))
    stolen = tmp_path / "stolen.wav"
    careless = ["ffmpeg", "-v", "quiet", "-enable_drefs", "1", "-use_absolute_path", "1", "-i", thief, stolen]
    subprocess.run(careless, check=True, stdin=subprocess.DEVNULL)
    assert np.allclose(soundfile.read(stolen)[0], samples, atol=1e-4), "the file is no attack"
    assert is_one_sentence(refusal_of(thief), "thief.mov")


@needs_ffmpeg
def test_a_playlist_is_not_followed_to_another_file(tmp_path, is_one_sentence):
    soundfile.write(tmp_path / "secret.wav", np.full(44_100, 0.5), 44_100)
    for start in (b"#EXTM3U\n", b"\x00\x00\x00\x1cftypM4A \n#EXTM3U\n", b"ffconcat version 1.0\n"):
        path = tmp_path / "list.m4a"
        path.write_bytes(start + b"#EXTINF:1,\nfile secret.wav\nfile://" + os.fsencode(tmp_path) + b"/secret.wav\n")
        assert is_one_sentence(refusal_of(path), "list.m4a")


@needs_ffmpeg
def test_codecs_that_m4a_does_not_use_are_refused(tmp_path, is_one_sentence):
    encoded(np.random.default_rng(0).uniform(-0.5, 0.5, 22_050), tmp_path / "odd.mov", "-c:a", "adpcm_ima_qt")
    assert is_one_sentence(refusal_of(tmp_path / "odd.mov"), "odd.mov")


def test_what_a_converter_prints_is_not_taken_for_an_answer(converter, song, drums_wav):
    noise = 'for i in $(seq 2000); do echo \'{"refused": "noise"}\'; echo noise >&2; done'
    converter(f"{noise}; cat {drums_wav} > $target; {noise}")
    with new_decoder(SMALL) as decoder:
        for _ in range(3):
            assert load_clip(song, settings=SMALL, decoder=decoder).seconds == 0.5


@pytest.mark.parametrize(
    "script",
    [
        "exit 1",
        "exit 0",
        "kill -SEGV $$",
        "echo text > $target",
        "rm -f $target",
        "head -c 3000000 /dev/urandom > $target",
    ],
)
def test_a_converter_that_fails_gives_a_sentence(converter, song, script, is_one_sentence):
    converter(script)
    assert is_one_sentence(refusal_of(song), "song.m4a")


ANSWERS = '[ "$1" == -version ] && echo "ffmpeg version 7" && exit\n'


@pytest.mark.parametrize("script", ["exec sleep 60", "sleep 60", "exit 1", "exit 0", "echo nonsense", "yes nonsense"])
def test_a_broken_converter_is_not_blamed_on_the_file(converter, song, drums_wav, script, is_one_sentence):
    converter(script)
    with new_decoder(SMALL) as decoder:
        load_clip(drums_wav, settings=SMALL, decoder=decoder)
        process = decoder._process
        with pytest.raises(AudioError) as refusal:
            load_clip(song, settings=SMALL, decoder=decoder)
        assert is_one_sentence(refusal.value, "song.m4a", "M4A", "converter does not work", "WAV or FLAC")
        assert load_clip(drums_wav, settings=SMALL, decoder=decoder).seconds == 0.5
        assert decoder._process is process


@pytest.mark.parametrize("content", [b"\x7fELF" + bytes(100), b"text\n", b"", b"#!/no/such/shell\n"])
def test_a_converter_that_is_not_a_program_is_not_blamed_on_the_file(
    converter, song, tmp_path, content, is_one_sentence
):
    converter("")
    (tmp_path / "bin" / "ffmpeg").write_bytes(content)
    assert is_one_sentence(refusal_of(song), "song.m4a", "converter does not work")


def test_a_converter_without_execute_permission_counts_as_missing(
    converter, song, tmp_path, monkeypatch, is_one_sentence
):
    converter("")
    (tmp_path / "bin" / "ffmpeg").chmod(0o644)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert is_one_sentence(refusal_of(song), "song.m4a", "cannot be read here")


@pytest.mark.parametrize(
    ("script", "words"), [("exit 1", "damaged"), ("exec sleep 60", "broke off"), ("exit 0", "damaged")]
)
def test_a_file_that_a_working_converter_cannot_read_is_blamed(converter, song, script, words, is_one_sentence):
    converter(ANSWERS + script)
    assert is_one_sentence(refusal_of(song), "song.m4a", words)


def test_a_disk_that_is_full_is_not_blamed_on_the_sound(converter, song, full_disk, is_one_sentence):
    converter(ANSWERS + "cat /dev/zero > $target 2>/dev/null; exit 1")
    assert is_one_sentence(refusal_of(song), "song.m4a", "no room for temporary files")


def test_without_a_folder_for_temporary_files_the_file_is_not_blamed(song, tmp_path, monkeypatch, is_one_sentence):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(AudioError) as refusal:
        load_clip(song, settings=SMALL)
    assert is_one_sentence(refusal.value, "song.m4a", "no room for temporary files")


def test_a_converter_that_cannot_be_run_gives_a_sentence(converter, song, tmp_path, is_one_sentence):
    converter("")
    (tmp_path / "bin" / "ffmpeg").write_bytes(b"\x7fELF" + bytes(100))
    assert is_one_sentence(refusal_of(song), "song.m4a")


def test_a_process_ends_a_converter_that_hangs_and_goes_on(converter, song, drums_wav):
    converter("exec sleep 60")
    with new_decoder(Settings(decoding_seconds=2)) as decoder:
        load_clip(drums_wav, decoder=decoder)
        process = decoder._process
        with pytest.raises(AudioError):
            load_clip(song, decoder=decoder)
        load_clip(drums_wav, decoder=decoder)
        assert decoder._process is process


@needs_linux
def test_a_converter_cannot_fill_the_disk(converter, song, tmp_path, is_one_sentence):
    converter(f"cat /dev/zero > $target; stat -Lc %s $target > {tmp_path}/written")
    assert is_one_sentence(refusal_of(song), "song.m4a")
    assert int((tmp_path / "written").read_text()) < SMALL.decoded_bytes + 4 * MIB


def test_a_converter_sees_no_secrets_and_no_other_open_files(converter, song, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    converter(f"env > {tmp_path}/known; ls /proc/$$/fd > {tmp_path}/open")
    refusal_of(song)
    with pytest.raises(AudioError):
        load_clip(song, settings=SMALL)
    assert "secret" not in (tmp_path / "known").read_text()
    assert len((tmp_path / "open").read_text().split()) <= 7


def test_a_converter_leaves_no_file_behind(converter, song, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    impatient = Settings(decoding_seconds=1)
    for script in ("echo some > $target; exit 0", "exit 1", "echo some > $target; sleep 30"):
        converter(script)
        refusal_of(song, impatient)
    assert not list((tmp_path / "temporary").iterdir())


@pytest.fixture(scope="module")
def drums_wav(examples, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "drums.wav"
    soundfile.write(path, load_clip(examples / "clips" / "loop_amen.flac").waveform[:22_050], 44_100)
    return path
