"""Decoding a sound file, here or, for the files of strangers, in a process of its own.

What decodes is written in C and reads what an attacker wrote. A process that crashes, hangs or eats memory there hurts
nobody, and holds nothing worth stealing. So that it starts in a third of a second, this module imports nothing of the
package and runs by its path.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import soundfile

FORMATS = frozenset({"WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF"})
LIMITS = ("clip_seconds", "decoded_bytes", "decoding_seconds", "lowest_sample_rate", "highest_sample_rate", "channels")
BLOCK_SAMPLES = 1 << 18
LONGEST_ANSWER = 1 << 12
DEMUXERS = {"M4A": "mov", "AAC": "aac"}
CODECS = "aac,alac,mp3float"
SPARE_BYTES = 1 << 20
OPEN_FILES = 64
PR_SET_NO_NEW_PRIVS = 38
UNREADABLE = (
    "{name} could not be read as sound: it is damaged, cut short, or not a WAV, FLAC, OGG, MP3, AIFF or M4A file."
)
STOPPED = "{name} could not be decoded: the decoder broke off at it; please export it again as WAV or FLAC."


class DecodingError(ValueError):
    """A file that is refused, in one sentence."""


@dataclass(frozen=True, eq=False)
class Sound:
    """What was in a file.

    Attributes
    ----------
    samples : ndarray of float32 [samples]
        All channels mixed to one.
    sample_rate : int
        In Hz.
    peak : float
        The largest magnitude in any channel.
    """

    samples: np.ndarray
    sample_rate: int
    peak: float


def decode(path: str | os.PathLike[str], limits: Mapping[str, int], *, name: str | None = None) -> Sound:
    """Decode a file; the content decides the format, not the name.

    Parameters
    ----------
    path : path-like
        WAV, FLAC, OGG (Vorbis, Opus), MP3 or AIFF, and M4A where there is ``ffmpeg``.
    limits : mapping
        What :data:`LIMITS` names, as in :class:`distill.settings.Settings`.
    name : str, optional
        What to call the file in an error.

    Raises
    ------
    DecodingError
        If it is not such a file, or more than the limits allow.
    """
    samples = bytearray()
    sample_rate, peak = decode_blocks(path, limits, samples.extend, name=name or Path(path).name)
    return Sound(np.frombuffer(samples, np.float32), sample_rate, peak)


def decode_blocks(
    path: str | os.PathLike[str], limits: Mapping[str, int], take: Callable[[memoryview], object], *, name: str
) -> tuple[int, float]:
    """Decode a file as :func:`decode` does, and hand on its samples as they come.

    Returns
    -------
    tuple of int and float
        The sample rate in Hz, and the largest magnitude in any channel.
    """
    with open(path, "rb", buffering=0) as file:  # libsndfile begins where its descriptor stands
        kind = _kind(file.read(12))
        file.seek(0)
        if kind in DEMUXERS:
            with _converted(file, kind, limits, name) as wav:
                return _read(wav, limits, take, name)
        if kind not in FORMATS:
            raise DecodingError(UNREADABLE.format(name=name))
        return _read(file, limits, take, name)


def _kind(start: bytes) -> str | None:
    """What a file begins like: libsndfile knows many more formats, and most of its past faults lie in those."""
    if start[:4] in (b"RIFF", b"RIFX", b"RF64") and start[8:] == b"WAVE":
        return "WAV"
    if start[:4] == b"FORM" and start[8:] in (b"AIFF", b"AIFC"):
        return "AIFF"
    if start[4:8] == b"ftyp":
        return "M4A"
    if start[:3] == b"ID3":
        return "MP3"
    if start[:1] == b"\xff" and start[1:2] >= b"\xe0":  # the sync bits of a frame; then its layer, 0 in AAC
        return "MP3" if start[1] & 0b110 else "AAC"
    return {b"fLaC": "FLAC", b"OggS": "OGG"}.get(start[:4])


def _read(
    file: IO[bytes], limits: Mapping[str, int], take: Callable[[memoryview], object], name: str
) -> tuple[int, float]:
    """What libsndfile finds in a file, block by block: what its header says of its length is not believed."""
    try:
        # By its descriptor: a name could tell libsndfile what to take the content for.
        with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
            if sound.format not in FORMATS:
                raise DecodingError(UNREADABLE.format(name=name))
            _check(sound.samplerate, sound.channels, 0, limits, name)
            sound._info.seekable = 0  # else soundfile seeks after each read, which fails where the header has no length
            total, peak = 0, 0.0
            while len(block := sound.read(BLOCK_SAMPLES // sound.channels, dtype="float32", always_2d=True)):
                total += len(block)
                _check(sound.samplerate, sound.channels, total, limits, name)
                peak = max(peak, float(block.max()), -float(block.min()))
                if not np.isfinite(block).all():
                    raise DecodingError(
                        f"{name} holds samples that are not numbers (NaN or infinite); please export it again."
                    )
                mono = block.mean(axis=1, dtype=np.float64).astype(np.float32)  # float32 could overflow in the sum
                take(memoryview(mono).cast("B"))
            return sound.samplerate, peak
    except soundfile.SoundFileError as error:
        raise DecodingError(UNREADABLE.format(name=name)) from error


def _check(sample_rate: int, channels: int, frames: int, limits: Mapping[str, int], name: str) -> None:
    lowest, highest = limits["lowest_sample_rate"], limits["highest_sample_rate"]
    if not lowest <= sample_rate <= highest:
        raise DecodingError(f"{name} has a sample rate of {sample_rate} Hz; from {lowest} to {highest} Hz can be used.")
    if channels > limits["channels"]:
        raise DecodingError(f"{name} has {channels} channels; up to {limits['channels']} can be used.")
    if frames > limits["clip_seconds"] * sample_rate:
        raise DecodingError(f"{name} lasts more than {limits['clip_seconds'] / 60:g} minutes; please cut it.")
    if frames * channels * 4 > limits["decoded_bytes"]:
        megabytes = limits["decoded_bytes"] / 2**20
        raise DecodingError(
            f"{name} would take more than {megabytes:g} MB decoded; please cut it, or export it with fewer channels."
        )


@contextlib.contextmanager
def _converted(file: IO[bytes], kind: str, limits: Mapping[str, int], name: str) -> Iterator[IO[bytes]]:
    """An M4A or AAC file as WAV, by ffmpeg, which gets to see this one file and no network.

    A file that is too much comes out a little over the limits, to be refused for that.
    """
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise DecodingError(f"{name} is an {kind} file, which cannot be read here; please export it as WAV or FLAC.")
    with tempfile.TemporaryFile(buffering=0) as wav:
        given = ["-protocol_whitelist", "file", "-codec_whitelist", CODECS, "-f", DEMUXERS[kind]]
        given += ["-i", f"file:/dev/fd/{file.fileno()}"]
        taken = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-c:a", "pcm_f32le", "-f", "wav"]
        bounds = ["-t", str(limits["clip_seconds"] + 1), "-fs", str(limits["decoded_bytes"] + SPARE_BYTES)]
        command = [ffmpeg, "-v", "quiet", "-nostdin", "-y", "-threads", "1", *given, *taken, *bounds]
        try:
            done = subprocess.run(
                [*command, f"file:/dev/fd/{wav.fileno()}"], pass_fds=(file.fileno(), wav.fileno()), env=_environment(),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                timeout=limits["decoding_seconds"], check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise DecodingError(STOPPED.format(name=name)) from error
        if done.returncode or not os.fstat(wav.fileno()).st_size:
            raise DecodingError(UNREADABLE.format(name=name))
        wav.seek(0)
        yield wav


def _environment() -> dict[str, str]:
    """What a process that decodes gets to know of this one's environment, where a server has its secrets."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "TMPDIR": tempfile.gettempdir(),
        "OPENBLAS_NUM_THREADS": "1",
    }


class Decoder:
    """A process that decodes files one after another; begun with the first, and anew after one that broke it.

    Threads may share it: they wait for each other's file.

    Parameters
    ----------
    limits : mapping
        What :data:`LIMITS` names; ``decoding_seconds`` is how long the process may take for one file.
    memory_bytes : int
        The address space that the process may take.
    command : sequence of str, optional
        What to run instead of this module.
    """

    def __init__(self, limits: Mapping[str, int], *, memory_bytes: int, command: list[str] | None = None) -> None:
        self._limits = {key: limits[key] for key in LIMITS}
        file_bytes = limits["decoded_bytes"] + 2 * SPARE_BYTES
        self._command = command or [sys.executable, "-I", __file__, str(memory_bytes), str(file_bytes)]
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def decode(self, path: str | os.PathLike[str], *, name: str | None = None) -> Sound:
        """What :func:`decode` finds in a file.

        Raises
        ------
        DecodingError
            Also if the process ended or hung while it decoded.
        """
        name = name or Path(path).name
        request = {"path": os.path.abspath(path), "name": name, "limits": self._limits}
        with self._lock:
            try:
                answer = self._ask(json.dumps(request).encode() + b"\n")
            except (OSError, EOFError, LookupError, TypeError, ValueError) as error:
                self._end()
                raise DecodingError(STOPPED.format(name=name)) from error
        if isinstance(answer, str):
            raise DecodingError(answer)
        return answer

    def _ask(self, request: bytes) -> Sound | str:
        """What the process found, or why not; after an error it can no longer be talked to."""
        process, limits = self._running(), self._limits
        assert process.stdin
        assert process.stdout
        process.stdin.write(request)
        answers = _Answers(process.stdout.fileno(), time.monotonic() + limits["decoding_seconds"])
        samples = bytearray()
        while num_bytes := (answer := answers.line()).get("bytes", 0):
            if len(samples) + num_bytes > limits["decoded_bytes"]:
                raise ValueError("more samples than were allowed")
            answers.read_into(samples, num_bytes)
        if "refused" in answer:
            return str(answer["refused"])
        sound = Sound(np.frombuffer(samples, np.float32), int(answer["sample_rate"]), float(answer["peak"]))
        _check(sound.sample_rate, 1, len(sound.samples), limits, "")  # a process taken over by a file may say anything
        if not np.isfinite(sound.samples).all():
            raise ValueError("samples that are not numbers")
        return sound

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
                env=_environment(), cwd="/", start_new_session=True,
            )  # fmt: skip
        return self._process

    def _end(self) -> None:
        """Kill the process, with what it may have started."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()
        self._process = None


class _Answers:
    """What a process says, until a moment of the monotonic clock.

    Reading raises EOFError if it ends, TimeoutError if it is late.
    """

    def __init__(self, descriptor: int, deadline: float) -> None:
        self._descriptor, self._deadline = descriptor, deadline
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def line(self) -> dict[str, Any]:
        line = bytearray()
        while not line.endswith(b"\n"):
            if len(line) == LONGEST_ANSWER:
                raise ValueError("an answer that does not end")
            self.read_into(line, 1)
        return dict(json.loads(line))

    def read_into(self, received: bytearray, num_bytes: int) -> None:
        whole = len(received) + num_bytes
        while len(received) < whole:
            seconds = self._deadline - time.monotonic()
            if seconds <= 0 or not self._poll.poll(seconds * 1000):
                raise TimeoutError
            piece = os.read(self._descriptor, whole - len(received))
            if not piece:
                raise EOFError
            received += piece


def _bound_this_process(memory_bytes: int, file_bytes: int) -> None:
    """Give up what a decoder does not need: memory, files, core dumps, new privileges, a life after its parent's."""
    import resource  # not on every system on which one decodes in place

    bounds = {"RLIMIT_AS": memory_bytes, "RLIMIT_FSIZE": file_bytes, "RLIMIT_NOFILE": OPEN_FILES, "RLIMIT_CORE": 0}
    for bound, most in bounds.items():
        hard = resource.getrlimit(getattr(resource, bound))[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(getattr(resource, bound), (value, value))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    threading.Thread(target=_die_with_the_parent, daemon=True).start()


def _die_with_the_parent() -> None:
    """Kill this process and what it started when nobody can write to it any more.

    PR_SET_PDEATHSIG would kill it as soon as the thread that started it ends, while others may go on with it.
    """
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)  # it tells only that the other end was closed
    poll.poll()
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Answer requests, a line of JSON each: with lines that announce samples and samples, and a line that ends them."""
    _bound_this_process(int(sys.argv[1]), int(sys.argv[2]))
    out = sys.stdout.buffer

    def answer(**values: Any) -> None:
        out.write(json.dumps(values).encode() + b"\n")

    def take(samples: memoryview) -> None:
        answer(bytes=len(samples))
        out.write(samples)

    for line in sys.stdin:
        request = json.loads(line)
        name = request["name"]
        try:
            sample_rate, peak = decode_blocks(request["path"], request["limits"], take, name=name)
            answer(sample_rate=sample_rate, peak=peak)
        except DecodingError as error:
            answer(refused=str(error))
        except OSError:
            answer(refused=f"{name} could not be opened.")
        except MemoryError:
            answer(refused=f"{name} takes more memory to decode than there is; please export it again as WAV or FLAC.")
        out.flush()


if __name__ == "__main__":
    main()
