"""A hostile sound file costs only itself: it is read within bounds, in a process that may crash, hang or lie."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill.audio import SAMPLE_RATE, Clip, Refusal, decoding, load_clip, new_decoder, read_clips
from distill.audio.decoder import Decoder
from distill.errors import AudioError
from distill.settings import DEFAULTS, MIB, Settings

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="there is no ffmpeg to write M4A with")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel by /proc")
IMPATIENT = Settings(decoding_seconds=1)


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with new_decoder() as decoder:
        yield decoder


@pytest.fixture(scope="module")
def drums_wav(examples, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "drums.wav"
    soundfile.write(path, load_clip(examples / "clips" / "loop_amen.flac").waveform[:22_050], SAMPLE_RATE)
    return path


def encoded(samples: np.ndarray, file_format: str, subtype: str | None = None, sample_rate: int = SAMPLE_RATE) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, sample_rate, format=file_format, subtype=subtype)
    return buffer.getvalue()


def tone(num_samples: int = 22_050, channels: int = 1) -> np.ndarray:
    return np.tile(0.5 * np.sin(np.arange(num_samples) / 20)[:, None], channels)


def with_number(content: bytes, position: int, number: int, width: int = 4) -> bytes:
    """A file with another little-endian number at a position."""
    return content[:position] + number.to_bytes(width, "little") + content[position + width :]


def refusal_of(path: Path, decoder: Decoder | None, settings: Settings = DEFAULTS) -> str:
    with pytest.raises(AudioError) as refusal:
        load_clip(path, settings=settings, decoder=decoder)
    return str(refusal.value)


def in_m4a(wav: Path, target: Path, *options: str) -> Path:
    command = ["ffmpeg", "-v", "error", "-y", "-i", wav, *options, target]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return target


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
def test_the_process_finds_what_decoding_in_place_finds(tmp_path, decoder, file_format, subtype, sample_rate, channels):
    path = tmp_path / "tone.any"
    path.write_bytes(encoded(tone(channels=channels), file_format, subtype, sample_rate))
    assert np.array_equal(load_clip(path, decoder=decoder).waveform, load_clip(path).waveform)


def test_an_example_comes_through_the_process_whole(examples, decoder):
    for path in sorted((examples / "clips").glob("*.flac"))[:5]:
        assert np.array_equal(load_clip(path, decoder=decoder).waveform, load_clip(path).waveform)


@pytest.mark.parametrize("name", ["🥁 drum.wav", "-i.wav", "a'b\"c.flac", "..wav", "concat:a|b.m4a"])
def test_a_strange_name_is_only_a_name_to_the_process(tmp_path, decoder, drums_wav, name):
    shutil.copy(drums_wav, tmp_path / name)
    assert load_clip(tmp_path / name, decoder=decoder).name == name


@needs_linux
def test_a_name_that_cannot_be_shown_is_shown_without_what_cannot(tmp_path, decoder, drums_wav):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/kick\xff\n.wav"))
    shutil.copy(drums_wav, path)
    assert load_clip(path, decoder=decoder).name == "kick\ufffd\ufffd.wav"


@needs_ffmpeg
@pytest.mark.parametrize("options", [("-c:a", "aac"), ("-c:a", "alac"), ("-c:a", "aac", "-movflags", "+faststart")])
@pytest.mark.parametrize("in_process", [True, False])
def test_m4a_is_read_whatever_its_name(tmp_path, decoder, drums_wav, options, in_process):
    path = in_m4a(drums_wav, tmp_path / "drums.m4a", *options).rename(tmp_path / "drums.mp3")
    clip, drums = load_clip(path, decoder=decoder if in_process else None), load_clip(drums_wav)
    assert clip.seconds == pytest.approx(drums.seconds, abs=0.1)
    assert np.abs(clip.waveform).max() == pytest.approx(np.abs(drums.waveform).max(), rel=0.2)


@needs_ffmpeg
def test_bare_aac_and_the_sound_of_a_film_are_read_and_its_picture_is_not(tmp_path, decoder, drums_wav):
    aac = in_m4a(drums_wav, tmp_path / "drums.aac")
    film = in_m4a(drums_wav, tmp_path / "film.mp4", "-f", "lavfi", "-i", "testsrc=d=1:s=64x64", "-c:v", "mpeg4")
    for path in (aac, film):
        assert load_clip(path, decoder=decoder).seconds == pytest.approx(0.5, abs=0.1)


@needs_ffmpeg
def test_an_m4a_over_the_limits_is_refused_not_shortened(tmp_path, is_one_sentence):
    soundfile.write(tmp_path / "long.wav", tone(12 * 8000), 8000)
    path = in_m4a(tmp_path / "long.wav", tmp_path / "long.m4a", "-ac", "2")
    with new_decoder(Settings(clip_seconds=9)) as decoder:
        assert "0.15 minutes" in refusal_of(path, decoder)
    small = Settings(decoded_bytes=MIB // 2)
    with new_decoder(small) as decoder:
        assert is_one_sentence(refusal_of(path, decoder), "long.m4a", "0.5 MB")


@pytest.mark.parametrize("in_process", [True, False])
def test_without_ffmpeg_an_m4a_is_refused_with_what_to_do(tmp_path, monkeypatch, is_one_sentence, in_process):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "song.wav").write_bytes(b"\x00\x00\x00\x1cftypM4A " + bytes(100))
    with new_decoder() as decoder:
        reason = refusal_of(tmp_path / "song.wav", decoder if in_process else None)
    assert is_one_sentence(reason, "song.wav", "M4A", "WAV or FLAC")


@pytest.mark.parametrize("file_format", ["AU", "CAF", "W64", "VOC", "IRCAM", "NIST", "SVX", "AVR", "MAT5", "PVF"])
def test_other_formats_that_libsndfile_knows_are_not_let_near_it(tmp_path, monkeypatch, file_format, is_one_sentence):
    (tmp_path / "tone.wav").write_bytes(encoded(tone(), file_format, "PCM_16"))
    monkeypatch.setattr(soundfile, "SoundFile", None)
    assert is_one_sentence(refusal_of(tmp_path / "tone.wav", None), "tone.wav")


@pytest.mark.parametrize("claimed", [0, 1000, 22_050 * 2, 2**36 - 1])
def test_the_length_that_a_flac_header_claims_is_not_believed(tmp_path, decoder, claimed):
    content = bytearray(encoded(tone(), "FLAC"))
    content[21] = content[21] & 0xF0 | claimed >> 32
    content[22:26] = (claimed & 0xFFFFFFFF).to_bytes(4, "big")
    (tmp_path / "tone.flac").write_bytes(content)
    assert len(load_clip(tmp_path / "tone.flac", decoder=decoder).waveform) == (1000 if claimed == 1000 else 22_050)


@pytest.mark.parametrize("claimed", [10**9, 2**32 - 1])
def test_gigabytes_that_a_wav_header_claims_are_not_believed(tmp_path, decoder, claimed):
    content = encoded(tone(), "WAV")
    (tmp_path / "tone.wav").write_bytes(with_number(content, content.index(b"data") + 4, claimed))
    assert len(load_clip(tmp_path / "tone.wav", decoder=decoder).waveform) == 22_050


@pytest.mark.parametrize("sample_rate", [1, 999, 384_001, 2**31 - 1])
def test_a_sample_rate_that_no_sound_has_is_refused(tmp_path, decoder, sample_rate, is_one_sentence):
    (tmp_path / "tone.wav").write_bytes(with_number(encoded(tone(), "WAV"), 24, sample_rate))
    reason = refusal_of(tmp_path / "tone.wav", decoder)
    assert is_one_sentence(reason, "tone.wav", f"{sample_rate} Hz", "1000", "384000")


@pytest.mark.parametrize("channels", [33, 1024])
def test_channels_by_the_dozen_are_refused(tmp_path, decoder, channels, is_one_sentence):
    (tmp_path / "choir.wav").write_bytes(with_number(encoded(tone(), "WAV"), 22, channels, 2))
    assert is_one_sentence(refusal_of(tmp_path / "choir.wav", decoder), "choir.wav", f"{channels} channels")


def test_samples_of_many_channels_are_counted_all(tmp_path, decoder, is_one_sentence):
    soundfile.write(tmp_path / "choir.flac", np.zeros((3 * MIB // 8, 8)), 8000)
    with new_decoder(Settings(decoded_bytes=8 * MIB)) as modest:
        assert is_one_sentence(refusal_of(tmp_path / "choir.flac", modest), "choir.flac", "8 MB", "channels")


@pytest.mark.parametrize("level", [1e30, 3e38])
def test_what_is_louder_than_float32_can_sum_is_refused(tmp_path, decoder, level):
    wave = np.full((22_050, 32), level, np.float32)
    soundfile.write(tmp_path / "loud.wav", wave, 44_100, subtype="FLOAT")
    assert "not numbers" in refusal_of(tmp_path / "loud.wav", decoder)


def test_a_clip_of_absurd_level_comes_in_at_full_scale(tmp_path, decoder):
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
        start = time.monotonic()
        assert is_one_sentence(refusal_of(path, decoder), "hour.flac", "10 minutes")
        assert time.monotonic() - start < 10
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


def kilobytes(decoder: Decoder, field: str) -> int:
    assert decoder._process
    status = Path(f"/proc/{decoder._process.pid}/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0])


def test_a_process_that_decodes_imports_nothing_of_the_package(tmp_path):
    program = f"import runpy, sys; runpy.run_path({decoding.__file__!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert not {"distill", "torch", "scipy", "librosa", "gradio"} & set(done.stdout.split())


def test_a_process_that_decodes_knows_none_of_the_servers_secrets(drums_wav, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    tell = "import json, os, sys; sys.stdin.readline(); print(json.dumps({'refused': ' '.join(os.environ)}))"
    with Decoder(asdict(DEFAULTS), memory_bytes=MIB, command=[sys.executable, "-I", "-c", tell]) as decoder:
        known = set(refusal_of(drums_wav, decoder).split())
    assert {"PATH", "TMPDIR", "OPENBLAS_NUM_THREADS"} <= known
    assert known <= {"PATH", "TMPDIR", "OPENBLAS_NUM_THREADS", "LC_CTYPE"}


@needs_linux
def test_a_process_that_decodes_bounds_itself(drums_wav):
    with new_decoder(Settings(decoding_memory_bytes=700 * MIB)) as decoder:
        load_clip(drums_wav, decoder=decoder)
        folder = Path(f"/proc/{decoder._process.pid}")
        limits = {line[:26].strip(): line[26:].split()[:2] for line in (folder / "limits").read_text().splitlines()}
        assert limits["Max address space"] == [str(700 * MIB)] * 2
        assert limits["Max core file size"] == ["0", "0"]
        assert int(limits["Max file size"][1]) < DEFAULTS.decoded_bytes + 10 * MIB
        assert int(limits["Max open files"][1]) <= 64
        assert "NoNewPrivs:\t1" in (folder / "status").read_text()
        assert os.getpgid(decoder._process.pid) == decoder._process.pid != os.getpgid(0)


def while_stopped(decoder: Decoder, path: Path, then: Callable[[int], object]) -> str:
    """What the decoder says of a file if its process is stopped and something is done to it meanwhile."""
    assert decoder._process
    process, answers = decoder._process.pid, []
    os.kill(process, signal.SIGSTOP)
    thread = threading.Thread(target=lambda: answers.append(refusal_of(path, decoder)))
    thread.start()
    time.sleep(0.2)
    then(process)
    thread.join(10)
    return answers[0]


def test_a_crash_costs_only_the_file_that_caused_it(drums_wav, is_one_sentence):
    with new_decoder() as decoder:
        load_clip(drums_wav, decoder=decoder)
        reason = while_stopped(decoder, drums_wav, lambda process: os.kill(process, signal.SIGKILL))
        assert is_one_sentence(reason, "drums.wav", "WAV or FLAC")
        assert load_clip(drums_wav, decoder=decoder).seconds == 0.5


def test_a_hang_costs_only_the_file_that_caused_it(drums_wav, is_one_sentence):
    with new_decoder(IMPATIENT) as decoder:
        load_clip(drums_wav, decoder=decoder)
        start = time.monotonic()
        reason = while_stopped(decoder, drums_wav, lambda _: None)
        assert time.monotonic() - start < 10
        assert is_one_sentence(reason, "drums.wav", "WAV or FLAC")
        assert load_clip(drums_wav, decoder=decoder).seconds == 0.5


def faulty(statement: str) -> list[str]:
    """The command of a process that decodes, but does something else when the file is called bad.wav."""
    program = f"""
import os, runpy, sys
sys.argv = {[decoding.__file__, str(700 * MIB), str(MIB)]!r}
module = runpy.run_path(sys.argv[0])
decode_blocks = module["decode_blocks"]
def decode_or_fail(path, *arguments, **settings):
    if path.endswith("bad.wav"):
        {statement}
    return decode_blocks(path, *arguments, **settings)
module["main"].__globals__["decode_blocks"] = decode_or_fail
module["main"]()
"""
    return [sys.executable, "-I", "-c", program]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("os.abort()", "broke off"),
        ("os._exit(0)", "broke off"),
        ("raise KeyError", "broke off"),
        ("bytearray(800 * 2**20)", "memory"),
        ("os.dup2(os.open('/dev/zero', 0), 1)", "broke off"),
    ],
)
def test_files_before_and_after_one_that_breaks_the_process_are_read(tmp_path, drums_wav, statement, reason):
    bad = shutil.copy(drums_wav, tmp_path / "bad.wav")
    with Decoder(asdict(DEFAULTS), memory_bytes=MIB, command=faulty(statement)) as decoder:
        results = list(read_clips([drums_wav, bad, drums_wav, bad, bad, drums_wav], decoder=decoder))
    assert [type(item) for item in results] == [Clip, Refusal, Clip, Refusal, Refusal, Clip]
    assert all(reason in results[number].reason for number in (1, 3, 4))


def lying(*lines: bytes) -> list[str]:
    """The command of a process that reads requests and says these lines to each."""
    said = b"".join(lines)
    program = f"import sys\nfor _ in sys.stdin: sys.stdout.buffer.write({said!r}); sys.stdout.buffer.flush()"
    return [sys.executable, "-I", "-c", program]


def facts(**changes: float) -> bytes:
    told = {"sample_rate": 44_100, "num_frames": 1000, "loudest": 0.5, "peak": 0.5} | changes
    return json.dumps(told).encode() + b"\n"


SAMPLES = b'{"bytes": 4000}\n' + np.full(1000, 0.5, np.float32).tobytes()


def test_an_honest_answer_is_believed(drums_wav):
    with Decoder(asdict(DEFAULTS), memory_bytes=MIB, command=lying(SAMPLES, facts())) as decoder:
        assert len(load_clip(drums_wav, decoder=decoder).waveform) == 1000


@pytest.mark.parametrize(
    "command",
    [
        lying(b"no JSON\n"),
        lying(b"[]\n"),
        lying(b"[" * 4000 + b"\n"),
        lying(b"x" * 100_000),
        lying(b'{"bytes": 1000000000000}\n'),
        lying(b'{"bytes": -8}\n' * 1000),
        lying(b'{"bytes": 0}\n' * 1000),
        lying(b'{"bytes": "8"}\n'),
        lying(b'{"bytes": 3}\nabc', facts()),
        lying(SAMPLES, b"{}\n"),
        lying(SAMPLES, facts(more=1)),
        lying(SAMPLES, facts(sample_rate=0)),
        lying(SAMPLES, facts(sample_rate=float("nan"))),
        lying(SAMPLES, facts(num_frames=10**9)),
        lying(SAMPLES, facts(loudest="loud")),
        lying(SAMPLES, facts(peak=float("inf"))),
        lying(facts()),
        lying(b'{"bytes": 4000}\n' + np.full(1000, np.nan, np.float32).tobytes(), facts()),
        [sys.executable, "-c", "import time; time.sleep(60)"],
        [sys.executable, "-c", "import os; os.abort()"],
        ["/nowhere/to/be/found"],
    ],
    ids=lambda command: command[-1][-60:],
)
def test_what_a_process_that_was_taken_over_says_is_not_believed(drums_wav, command, is_one_sentence):
    with Decoder(asdict(IMPATIENT), memory_bytes=MIB, command=command) as decoder:
        for _ in range(2):
            assert is_one_sentence(refusal_of(drums_wav, decoder), "drums.wav")


def hanging_ffmpeg(folder: Path) -> tuple[Path, Path]:
    """A program by the name of ffmpeg that hangs, and the file that will hold its process's number; an M4A file."""
    told = folder / "told"
    (folder / "ffmpeg").write_text(f"#!/bin/sh\necho $$ > {told}\nexec sleep 60\n")
    (folder / "ffmpeg").chmod(0o755)
    (folder / "song.m4a").write_bytes(b"\x00\x00\x00\x1cftypM4A " + bytes(100))
    return told, folder / "song.m4a"


def is_gone(process: int) -> bool:
    """Whether a process has ended, or will have before long."""
    for _ in range(50):
        try:
            os.kill(process, 0)
            if Path(f"/proc/{process}/stat").read_text().split()[2] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.1)
    return False


def number_in(told: Path) -> int:
    for _ in range(100):
        if told.exists() and told.read_text().endswith("\n"):
            return int(told.read_text())
        time.sleep(0.05)
    raise AssertionError(f"{told.name} was not written")


@needs_linux
def test_a_conversion_that_hangs_is_ended(tmp_path, monkeypatch, is_one_sentence):
    told, song = hanging_ffmpeg(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with new_decoder(IMPATIENT) as decoder:
        assert is_one_sentence(refusal_of(song, decoder, IMPATIENT), "song.m4a", "WAV or FLAC")
        assert is_gone(number_in(told))
    assert is_one_sentence(refusal_of(song, None, IMPATIENT), "song.m4a", "WAV or FLAC")
    assert is_gone(number_in(told))


@needs_linux
def test_a_conversion_dies_with_the_process_that_began_it(tmp_path, monkeypatch):
    told, song = hanging_ffmpeg(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with new_decoder() as decoder:
        thread = threading.Thread(target=refusal_of, args=(song, decoder))
        thread.start()
        converter = number_in(told)
        os.kill(decoder._process.pid, signal.SIGKILL)
        thread.join(10)
        assert is_gone(converter)


@needs_linux
def test_a_process_that_decodes_dies_with_the_server(tmp_path, repository):
    told, song = hanging_ffmpeg(tmp_path)
    program = f"""
import threading
from distill.audio import load_clip, new_decoder
decoder = new_decoder()
threading.Thread(target=lambda: load_clip({str(song)!r}, decoder=decoder)).start()
while decoder._process is None:
    pass
print(decoder._process.pid, flush=True)
"""
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    server = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        cwd=repository,
        env=os.environ | {"PATH": path},
    )
    process, converter = int(server.stdout.readline()), number_in(told)
    server.kill()
    server.wait()
    server.stdout.close()
    assert is_gone(process)
    assert is_gone(converter)


def test_a_process_that_decodes_outlives_the_thread_that_began_it(drums_wav):
    with new_decoder() as decoder:
        thread = threading.Thread(target=load_clip, args=(drums_wav,), kwargs={"decoder": decoder})
        thread.start()
        thread.join()
        process = decoder._process
        time.sleep(0.2)
        assert load_clip(drums_wav, decoder=decoder).seconds == 0.5
        assert decoder._process is process


def test_threads_that_share_a_process_get_each_their_own_sound(tmp_path, decoder):
    lengths, found = list(range(1000, 1800, 50)), {}
    for length in lengths:
        soundfile.write(tmp_path / f"{length}.wav", tone(length), 44_100)

    def read(length: int) -> None:
        found[length] = len(load_clip(tmp_path / f"{length}.wav", decoder=decoder).waveform)

    threads = [threading.Thread(target=read, args=(length,)) for length in lengths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == {length: length for length in lengths}


def test_a_process_ends_with_its_with(drums_wav):
    with new_decoder() as decoder:
        load_clip(drums_wav, decoder=decoder)
        process = decoder._process
    assert process.poll() is not None
