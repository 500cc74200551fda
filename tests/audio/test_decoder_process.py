"""A process that decodes may crash, hang, give false answers or lose its server: only the file at hand is lost."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill.audio import Clip, Refusal, decoding, load_clip, new_decoder, read_clips
from distill.audio.decoder import Decoder
from distill.settings import DEFAULTS, MIB, Settings
from tests.audio.sounds import IMPATIENT, in_a_hurry, needs_linux, refusal_of, tone
from tests.waiting import PATIENCE, until


def test_a_process_that_decodes_imports_little_of_the_package(tmp_path):
    program = f"import runpy, sys; runpy.run_path({decoding.__file__!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    known = set(done.stdout.split())
    assert not {"torch", "scipy", "librosa", "gradio", "distill.audio"} & known
    rooms = {name for name in known if name.startswith("distill.") and name.count(".") == 1}
    assert rooms == {"distill.formats", "distill.system"}


def test_a_process_that_decodes_knows_none_of_the_servers_secrets(drums_wav, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    tell = "import json, os, sys; sys.stdin.readline(); print(json.dumps({'refused': ' '.join(os.environ)}))"
    with Decoder(asdict(DEFAULTS), memory_bytes=MIB, command=[sys.executable, "-I", "-c", tell]) as decoder:
        known = set(refusal_of(drums_wav, decoder).split())
    assert {"PATH", "OPENBLAS_NUM_THREADS"} <= known
    assert known <= {"PATH", "OPENBLAS_NUM_THREADS", "LC_CTYPE"}


@needs_linux
def test_a_process_that_decodes_limits_its_memory_its_files_and_its_privileges(drums_wav):
    with new_decoder(Settings(decoding_memory_bytes=700 * MIB)) as decoder:
        load_clip(drums_wav, decoder=decoder)
        folder = Path(f"/proc/{decoder._process.pid}")
        limits = {line[:26].strip(): line[26:].split()[:2] for line in (folder / "limits").read_text().splitlines()}
        assert limits["Max address space"] == [str(700 * MIB)] * 2
        assert limits["Max core file size"] == ["0", "0"]
        assert limits["Max file size"] == ["0", "0"]
        assert int(limits["Max open files"][1]) <= 64
        assert "NoNewPrivs:\t1" in (folder / "status").read_text()
        assert os.getpgid(decoder._process.pid) == decoder._process.pid != os.getpgid(0)


def while_stopped(decoder: Decoder, path: Path, then: Callable[[int], object]) -> str:
    """Stop the process of a decoder, ask it for a file, do something to the process, and return the refusal."""
    assert decoder._process
    process, answers = decoder._process.pid, []
    os.kill(process, signal.SIGSTOP)
    until(lambda: Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "T")  # or it reads on
    thread = threading.Thread(target=lambda: answers.append(refusal_of(path, decoder)))
    thread.start()
    until(lambda: any(fcntl.ioctl(decoder._process.stdin, termios.FIONREAD, bytes(4))))  # it has been asked
    then(process)
    thread.join(PATIENCE)
    return answers[0]


def test_a_crash_costs_only_the_file_that_caused_it(drums_wav, is_one_sentence):
    with new_decoder() as decoder:
        load_clip(drums_wav, decoder=decoder)
        reason = while_stopped(decoder, drums_wav, lambda process: os.kill(process, signal.SIGKILL))
        assert is_one_sentence(reason, "drums.wav", "WAV or FLAC")
        assert load_clip(drums_wav, decoder=decoder).seconds == 0.5


def test_a_hang_costs_only_the_file_that_caused_it(drums_wav, is_one_sentence):
    with new_decoder() as decoder:
        load_clip(drums_wav, decoder=decoder)
        with in_a_hurry(decoder):
            reason = while_stopped(decoder, drums_wav, lambda _: None)
        assert is_one_sentence(reason, "drums.wav", "WAV or FLAC")
        assert load_clip(drums_wav, decoder=decoder).seconds == 0.5


def faulty(statement: str) -> list[str]:
    """Command of a process that decodes files, but runs ``statement`` for a file named bad.wav."""
    program = f"""
import os, runpy, sys, time
sys.argv = {[decoding.__file__, str(700 * MIB)]!r}
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
    """Command of a process that answers each request with the same lines."""
    said = b"".join(lines)
    program = f"import sys\nfor _ in sys.stdin: sys.stdout.buffer.write({said!r}); sys.stdout.buffer.flush()"
    return [sys.executable, "-I", "-c", program]


def facts(**changes: float) -> bytes:
    told = {"sample_rate": 44_100, "num_frames": 1000, "loudest": 0.5, "peak": 0.5} | changes
    return json.dumps(told).encode() + b"\n"


SAMPLES = b'{"bytes": 4000}\n' + np.full(1000, 0.5, np.float32).tobytes()


def test_a_true_answer_is_accepted(drums_wav):
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
        [sys.executable, "-c", "import time; time.sleep(600)"],
        [sys.executable, "-c", "import os; os.abort()"],
        ["/nowhere/to/be/found"],
    ],
    ids=lambda command: command[-1][-60:],
)
def test_false_answers_of_a_process_are_refused(drums_wav, command, is_one_sentence):
    with Decoder(asdict(IMPATIENT), memory_bytes=MIB, command=command) as decoder:
        for _ in range(2):
            assert is_one_sentence(refusal_of(drums_wav, decoder), "drums.wav")


def is_gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True


@needs_linux
def test_a_process_that_decodes_dies_with_the_server(tmp_path, repository, drums_wav):
    begun = tmp_path / "begun"
    hanging = faulty(f"os.mkdir({str(begun)!r}); time.sleep(600)")
    song = shutil.copy(drums_wav, tmp_path / "bad.wav")
    program = f"""
import threading
from dataclasses import asdict
from distill.audio import load_clip
from distill.audio.decoder import Decoder
from distill.settings import DEFAULTS
decoder = Decoder(asdict(DEFAULTS), memory_bytes=1, command={hanging!r})
threading.Thread(target=lambda: load_clip({str(song)!r}, decoder=decoder)).start()
while decoder._process is None:
    pass
print(decoder._process.pid, flush=True)
"""
    server = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=repository)
    process = int(server.stdout.readline())
    until(begun.exists)
    server.kill()
    server.wait()
    server.stdout.close()
    until(lambda: is_gone(process))


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
        thread.join(PATIENCE)
    assert found == {length: length for length in lengths}


def test_a_process_ends_with_the_with_block(drums_wav):
    with new_decoder() as decoder:
        load_clip(drums_wav, decoder=decoder)
        process = decoder._process
    assert process.poll() is not None
