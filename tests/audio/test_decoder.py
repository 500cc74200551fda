"""The server's side of decoding: processes are cleaned up, and all files of an upload share one time limit."""

import os
import select
import signal
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from distill.audio import Clip, Refusal, load_clip, new_decoder, read_clips
from distill.audio.decoder import Decoder
from distill.errors import AudioError, FullError
from distill.settings import DEFAULTS, MIB, Settings
from tests.audio.sounds import IMPATIENT, needs_linux, open_files
from tests.waiting import PATIENCE, until_ended


@pytest.fixture(scope="module")
def noise(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "noise.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 4410), 44_100)
    return path


@pytest.fixture
def text(tmp_path) -> Path:
    (tmp_path / "text.wav").write_text("no sound")
    return tmp_path / "text.wav"


@pytest.fixture
def decoder_that() -> Callable[..., Decoder]:
    """Return a function that makes a decoder whose process runs another program."""

    def build(program: str, limits: Settings = DEFAULTS, **settings: float) -> Decoder:
        command = [sys.executable, "-I", "-c", f"import json, os, sys, time\n{program}"]
        return Decoder(asdict(limits), memory_bytes=MIB, command=command, **settings)

    return build


def children() -> set[int]:
    """Numbers of the processes that this process started and has not reaped."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(path.parent.name))
        except (OSError, IndexError):
            continue
    return found


@needs_linux
def test_no_process_and_no_open_file_is_left_after_an_end_a_crash_or_a_hang(noise, decoder_that):
    processes, files = children(), open_files()
    for program in ("sys.stdin.readline(); os.abort()", "os._exit(0)", "time.sleep(600)", "print('{}', flush=True)"):
        with decoder_that(program, IMPATIENT) as decoder, pytest.raises(AudioError):
            load_clip(noise, decoder=decoder)
    with new_decoder() as decoder:
        for _ in range(3):
            load_clip(noise, decoder=decoder)
            os.kill(decoder._process.pid, signal.SIGKILL)
            until_ended(decoder._process.pid)
    assert children() <= processes
    assert open_files() <= files


@needs_linux
def test_a_process_closes_the_files_that_it_read(noise, text, tmp_path):
    (tmp_path / "empty.flac").write_bytes(b"fLaC")
    (tmp_path / "page.ogg").write_bytes(b"OggS" + bytes(100))
    (tmp_path / "long.wav").write_bytes(noise.read_bytes())
    with new_decoder() as decoder:
        load_clip(noise, decoder=decoder)
        folder = Path(f"/proc/{decoder._process.pid}/fd")
        before = len(list(folder.iterdir()))
        for _ in range(30):
            results = [*read_clips([noise, text, *sorted(tmp_path.iterdir())], decoder=decoder)]
        assert [type(item) for item in results] == [Clip, Refusal, Refusal, Clip, Refusal, Refusal]
        assert len(list(folder.iterdir())) == before


def test_a_process_that_died_between_two_files_costs_neither(noise):
    with new_decoder() as decoder:
        for _ in range(3):
            assert load_clip(noise, decoder=decoder).seconds == 0.1
            decoder._process.kill()
            until_ended(decoder._process.pid)


def test_a_process_that_closed_its_stdin_gives_a_refusal(noise, decoder_that, is_one_sentence):
    with decoder_that("os.close(0); time.sleep(600)", IMPATIENT) as decoder:
        with pytest.raises(AudioError) as refusal:
            load_clip(noise, decoder=decoder)
        assert is_one_sentence(refusal.value, "noise.wav")


def test_unrequested_output_is_not_taken_for_the_answer_to_the_next_file(noise, decoder_that):
    answer = "print(json.dumps({'refused': f'{number} {os.getpid()}'}), flush=True)"
    program = f"for number, line in enumerate(sys.stdin):\n  {answer}\n  {answer}"
    answers = []
    with decoder_that(program) as decoder:
        for _ in range(4):
            with pytest.raises(AudioError) as refusal:
                load_clip(noise, decoder=decoder)
            answers.append(str(refusal.value))
            assert select.select([decoder._process.stdout], [], [], PATIENCE)[0]
    assert [answer.split()[0] for answer in answers] == ["0"] * 4
    assert len(set(answers)) == 4


def test_an_interrupt_while_a_file_is_decoded_does_not_affect_the_next_file(noise, monkeypatch):
    with new_decoder() as decoder:
        load_clip(noise, decoder=decoder)
        with monkeypatch.context() as patch:
            patch.setattr("distill.audio.decoder.os.read", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                load_clip(noise, decoder=decoder)
        assert decoder._process is None
        assert load_clip(noise, decoder=decoder).seconds == 0.1


def test_files_after_the_time_limit_of_an_upload_are_left_out_at_once(noise, decoder_that, is_one_sentence):
    slow = "for line in sys.stdin: time.sleep(0.3); print(json.dumps({'refused': 'Slow.'}), flush=True)"
    with decoder_that(slow, seconds_in_all=1) as decoder:
        reasons = [item.reason for item in read_clips([noise] * 200, decoder=decoder)]
    assert reasons[0] == "Slow."
    assert len(reasons) == 200
    assert is_one_sentence(reasons[-1], "noise.wav", "minutes to decode")
    assert len([reason for reason in reasons if reason == "Slow."]) <= 4


def test_files_that_hang_take_no_longer_than_the_time_limit_of_an_upload(noise, tmp_path):
    begun = tmp_path / "begun"
    patient = Settings(decoding_seconds=1, upload_decoding_seconds=2)
    with new_decoder(patient) as decoder:
        decoder._command = ["sh", "-c", f"echo >> {begun}; exec sleep 600"]
        results = list(read_clips([noise] * 100, settings=patient, decoder=decoder))
    assert len(results) == 100
    assert all(isinstance(item, Refusal) for item in results)
    assert len(begun.read_bytes()) <= 2, "a process was begun when the time was over"


def test_a_decoder_without_files_starts_no_process():
    with new_decoder() as decoder:
        assert decoder._process is None


@needs_linux
def test_a_process_has_a_lower_priority_than_edits(noise):
    with new_decoder() as decoder:
        load_clip(noise, decoder=decoder)
        assert os.getpriority(os.PRIO_PROCESS, decoder._process.pid) >= os.getpriority(os.PRIO_PROCESS, 0) + 10


@pytest.fixture(scope="module")
def minute(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "minute.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.1, 0.1, 60 * 8000), 8000)
    return path


def test_a_long_file_is_read_in_pieces_with_pauses_for_other_work(minute):
    with new_decoder() as decoder:
        pieces = []
        clip = load_clip(minute, decoder=decoder, tick=lambda: pieces.append(None))
        assert len(pieces) > 1
        assert np.array_equal(clip.waveform, load_clip(minute, decoder=decoder).waveform)


def test_pauses_do_not_count_as_decoding_time(minute, noise, monkeypatch):
    gone_first = []

    def let_others_go_first():
        gone_first.append(1000.0)

    monkeypatch.setattr(
        "distill.audio.decoder.time", SimpleNamespace(monotonic=lambda: time.monotonic() + sum(gone_first))
    )
    with new_decoder() as decoder:
        assert load_clip(minute, decoder=decoder, tick=let_others_go_first).seconds == 60
        assert sum(gone_first) > DEFAULTS.upload_decoding_seconds + DEFAULTS.decoding_seconds
        assert load_clip(noise, decoder=decoder).seconds == 0.1


def test_an_error_in_a_pause_is_raised_and_does_not_affect_the_next_file(minute, noise):
    def leave():
        raise FullError("There is no room.")

    with new_decoder() as decoder:
        with pytest.raises(FullError, match="no room"):
            load_clip(minute, decoder=decoder, tick=leave)
        assert load_clip(noise, decoder=decoder).seconds == 0.1


COUNTING = "for number, line in enumerate(sys.stdin): print(json.dumps({'refused': f'{number}'}), flush=True)"


def test_one_upload_that_is_named_600_times_is_read_once(noise, decoder_that, is_one_sentence):
    with decoder_that(COUNTING) as decoder:
        reasons = [item.reason for item in read_clips([noise] * 600, decoder=decoder, once=True)]
    assert reasons[0] == "0"
    assert len(reasons) == 600
    assert all(is_one_sentence(reason, "noise.wav", "named twice") for reason in reasons[1:])


def test_a_sound_that_is_sent_under_several_names_is_read_once(noise, tmp_path, decoder_that, is_one_sentence):
    with zipfile.ZipFile(tmp_path / "kit.zip", "w") as kit:
        kit.write(noise, "in-the-kit.wav")
    (tmp_path / "again.wav").write_bytes(noise.read_bytes())
    (tmp_path / "other.wav").write_bytes(noise.read_bytes() + b"\0")
    paths = [noise, *(tmp_path / name for name in ("again.wav", "kit.zip", "other.wav"))]
    with decoder_that(COUNTING) as decoder:
        first, again, kit, other = (item.reason for item in read_clips(paths, decoder=decoder, once=True))
    assert (first, other) == ("0", "1")
    assert is_one_sentence(again, "again.wav", "the same file as noise.wav")
    assert is_one_sentence(kit, "in-the-kit.wav", "the same file as noise.wav")


def test_no_file_is_decoded_after_the_set_is_full(minute):
    with new_decoder() as decoder:
        pieces = []
        settings = Settings(set_seconds=60)
        results = read_clips([minute] * 3, settings=settings, decoder=decoder, tick=pieces.append)
        assert [type(item) for item in results] == [Clip, Refusal, Refusal]
    assert set(pieces) == {0}
