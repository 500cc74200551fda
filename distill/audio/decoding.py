"""Decoding a sound file, here or, for the files of strangers, in a process of its own.

What decodes is written in C and reads what an attacker wrote. A process that crashes, hangs or eats memory there hurts
nobody, and holds nothing worth stealing. So that it starts in a third of a second, this module imports nothing of the
package and runs by its path.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import soundfile

FORMATS = frozenset({"WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF"})
BLOCK_SAMPLES = 1 << 18
LIMITS = ("clip_seconds", "decoded_bytes", "lowest_sample_rate", "highest_sample_rate", "channels")
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
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
    name = name or Path(path).name
    with open(path, "rb", buffering=0) as file:
        start = file.read(12)
        file.seek(0)
        if start[4:8] == b"ftyp":
            with _converted(path, limits, name) as wav:
                return _read(wav, limits, name)
        return _read(file, limits, name)


def _read(file: IO[bytes], limits: Mapping[str, int], name: str) -> Sound:
    """What libsndfile finds in a file, block by block: what its header says of its length is not believed."""
    try:
        # By its descriptor: a name could tell libsndfile what to take the content for.
        with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
            if sound.format not in FORMATS:
                raise DecodingError(UNREADABLE.format(name=name))
            _check(sound.samplerate, sound.channels, sound.frames, limits, name)
            peak, total, blocks = 0.0, 0, []
            for block in sound.blocks(max(1, BLOCK_SAMPLES // sound.channels), dtype="float32", always_2d=True):
                total += len(block)
                _check(sound.samplerate, sound.channels, total, limits, name)
                if not np.isfinite(block).all():
                    raise DecodingError(
                        f"{name} holds samples that are not numbers (NaN or infinite); please export it again."
                    )
                peak = max(peak, float(np.abs(block).max(initial=0)))
                with np.errstate(over="ignore"):
                    blocks.append(block.mean(axis=1, dtype=np.float64).astype(np.float32))
            return Sound(np.concatenate([np.zeros(0, np.float32), *blocks]), sound.samplerate, peak)
    except (soundfile.SoundFileError, RuntimeError, OSError, TypeError) as error:
        raise DecodingError(UNREADABLE.format(name=name)) from error


def _check(sample_rate: int, channels: int, frames: int, limits: Mapping[str, int], name: str) -> None:
    lowest, highest = limits["lowest_sample_rate"], limits["highest_sample_rate"]
    if not lowest <= sample_rate <= highest:
        raise DecodingError(f"{name} has a sample rate of {sample_rate} Hz; from {lowest} to {highest} Hz can be used.")
    if channels > limits["channels"]:
        raise DecodingError(f"{name} has {channels} channels; up to {limits['channels']} can be used.")
    if frames > limits["clip_seconds"] * sample_rate:
        minutes, most = frames / sample_rate / 60, limits["clip_seconds"] / 60
        raise DecodingError(
            f"{name} lasts {minutes:.1f} minutes or more; clips of up to {most:g} minutes work, so please cut it."
        )
    if frames * channels * 4 > limits["decoded_bytes"]:
        megabytes = limits["decoded_bytes"] // 2**20
        raise DecodingError(
            f"{name} would take more than {megabytes} MB decoded; please cut it, or export it with fewer channels."
        )


@contextlib.contextmanager
def _converted(path: str | os.PathLike[str], limits: Mapping[str, int], name: str) -> Any:
    """An M4A file as WAV, by ffmpeg, which gets to see this one file and no network."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise DecodingError(f"{name} is an M4A file, which cannot be read here; please export it as WAV or FLAC.")
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "converted.wav"
        given = ["-protocol_whitelist", "file", "-f", "mov", "-i", f"file:{os.path.abspath(path)}"]
        bounds = ["-t", str(limits["clip_seconds"] + 1), "-fs", str(limits["decoded_bytes"])]
        taken = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-c:a", "pcm_f32le"]
        command = [ffmpeg, "-v", "quiet", "-nostdin", "-threads", "1", *given, *bounds, *taken, "-f", "wav", str(wav)]
        if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode or not wav.exists():
            raise DecodingError(UNREADABLE.format(name=name))
        with wav.open("rb", buffering=0) as file:
            yield file


class Decoder:
    """A process that decodes files one after another; begun with the first, and anew after one that broke it.

    Parameters
    ----------
    limits : mapping
        What :data:`LIMITS` names.
    seconds : float
        How long one file may take.
    memory_bytes : int
        The address space that the process may take.
    command : sequence of str, optional
        What to run instead of this module.
    """

    def __init__(
        self, limits: Mapping[str, int], *, seconds: float, memory_bytes: int, command: list[str] | None = None
    ) -> None:
        self._limits, self._seconds = {key: limits[key] for key in LIMITS}, seconds
        self._command = command or [sys.executable, "-I", __file__, str(memory_bytes), str(limits["decoded_bytes"])]
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def decode(self, path: str | os.PathLike[str]) -> Sound:
        """What :func:`decode` finds in a file.

        Raises
        ------
        DecodingError
            Also if the process ended or hung while it decoded.
        """
        name = Path(path).name
        request = {"path": os.path.abspath(path), "name": name, "limits": self._limits}
        try:
            process = self._running()
            assert process.stdin
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            deadline = time.monotonic() + self._seconds
            answer = json.loads(self._receive(deadline, None))
            if "refused" in answer:
                raise DecodingError(str(answer["refused"]))
            samples = np.frombuffer(self._receive(deadline, int(answer["bytes"])), np.float32)
            return Sound(samples, int(answer["sample_rate"]), float(answer["peak"]))
        except (OSError, EOFError, KeyError, TypeError, json.JSONDecodeError) as error:
            self._end()
            raise DecodingError(STOPPED.format(name=name)) from error

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._folder = tempfile.TemporaryDirectory()
            environment = {"PATH": os.environ.get("PATH", ""), "TMPDIR": self._folder.name, "OPENBLAS_NUM_THREADS": "1"}
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
                env=environment, cwd=self._folder.name, start_new_session=True,
            )  # fmt: skip
        return self._process

    def _receive(self, deadline: float, count: int | None) -> bytes:
        """That many bytes of what the process says, or a line; EOFError if it ends, TimeoutError if it is late."""
        assert self._process
        assert self._process.stdout
        received, descriptor = bytearray(), self._process.stdout.fileno()
        most = count if count is not None else 1 << 16
        while len(received) < most and not (count is None and received.endswith(b"\n")):
            if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError
            piece = os.read(descriptor, 1 if count is None else most - len(received))
            if not piece:
                raise EOFError
            received += piece
        return bytes(received)

    def _end(self) -> None:
        """Kill the process, with what it may have started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    assert pipe
                    pipe.close()
            self._process = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def _bound_this_process(memory_bytes: int, file_bytes: int) -> None:
    """Give up what a decoder does not need: memory, files, core dumps, new privileges, a life after its parent's."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Answer requests, a line of JSON each, with a line of JSON and samples."""
    _bound_this_process(int(sys.argv[1]), int(sys.argv[2]))
    for line in sys.stdin:
        request = json.loads(line)
        sound: Sound | None = None
        answer: dict[str, Any]
        try:
            sound = decode(request["path"], request["limits"], name=request["name"])
            answer = {
                "bytes": sound.samples.nbytes,
                "sample_rate": sound.sample_rate,
                "peak": sound.peak,
            }
        except DecodingError as error:
            answer = {"refused": str(error)}
        except MemoryError:
            answer = {"refused": f"{request['name']} takes more memory to decode than there is; please cut it."}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        if sound is not None:
            sys.stdout.buffer.write(sound.samples.data)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
