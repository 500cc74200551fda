"""Decode a sound file: in this process, or, if the file is untrusted, in a process that runs this module.

Such a process runs this module by its path. The module imports nothing of the package, so that the process starts in a
third of a second.
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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import soundfile
import soxr

FORMATS = frozenset({"WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF"})
LIMITS = ("clip_seconds", "decoded_bytes", "decoding_seconds", "lowest_sample_rate", "highest_sample_rate", "channels")
"""Names of the settings that bound the decoding of a file."""
BLOCK_SAMPLES = 1 << 18
INFINITE = 1e30
"""Magnitude from which a sample counts as infinite: after mixing and resampling, it could exceed float32."""
DEMUXERS = {"M4A": "mov", "AAC": "aac"}
CODECS = "aac,alac,mp3float"
SPARE_BYTES = 1 << 20
CONVERTING_SHARE = 0.7
"""Share of ``decoding_seconds`` for the converter. It must end before this process: a killed process reaps nothing."""
ASKING_SHARE = 0.15
"""Share of ``decoding_seconds`` in which a converter that failed must print its version."""
VERSION = b"ffmpeg version"
OPEN_FILES = 64
NICENESS = 10
"""Scheduling priority: after edits, for which a person waits, and before trainings."""
PR_SET_NO_NEW_PRIVS = 38
UNREADABLE = (
    "{name} could not be read as sound: it is damaged, cut short, or not a WAV, FLAC, OGG, MP3, AIFF or M4A file."
)
NOT_NOW = (
    "{name} is an {kind} file, which cannot be read on this server now, because its converter does not work; "
    "please export it as WAV or FLAC."
)
NO_ROOM = (
    "{name} cannot be converted now, because there is no room for temporary files; "
    "please try again later, or export it as WAV or FLAC."
)
STOPPED = "{name} could not be decoded: the decoder broke off at it; please export it again as WAV or FLAC."


class DecodingError(ValueError):
    """A file is refused; the message says why in one sentence."""


@dataclass(frozen=True)
class Facts:
    """Properties of a sound file.

    Attributes
    ----------
    sample_rate : int
        Sample rate of the file, in Hz.
    num_frames : int
        Length in samples per channel, at ``sample_rate``.
    loudest : float
        Largest magnitude after all channels are mixed to mono.
    peak : float
        Largest magnitude in any channel.
    """

    sample_rate: int
    num_frames: int
    loudest: float
    peak: float


@dataclass(frozen=True, eq=False)
class Sound:
    """A decoded file.

    Attributes
    ----------
    samples : ndarray of float32 [samples]
        All channels mixed to mono, at the requested sample rate.
    facts : Facts
        Properties of the file.
    """

    samples: np.ndarray
    facts: Facts


def decode(
    path: str | os.PathLike[str], sample_rate: int, limits: Mapping[str, int], *, name: str | None = None
) -> Sound:
    """Decode a file; the content decides the format, not the name.

    Parameters
    ----------
    path : path-like
        WAV, FLAC, OGG (Vorbis, Opus), MP3 or AIFF, and M4A or AAC if ``ffmpeg`` is installed.
    sample_rate : int
        Sample rate of the result, in Hz.
    limits : mapping
        Limits by the names in :data:`LIMITS`, as in :class:`distill.settings.Settings`.
    name : str, optional
        Name of the file in an error message; the last part of ``path`` by default.

    Raises
    ------
    DecodingError
        If the file has none of these formats, is damaged, or exceeds a limit.
    OSError
        If the file cannot be opened.
    """
    samples = bytearray()
    facts = decode_blocks(path, sample_rate, limits, samples.extend, name=name or Path(path).name)
    return Sound(np.frombuffer(samples, np.float32), facts)


def decode_blocks(
    path: str | os.PathLike[str],
    sample_rate: int,
    limits: Mapping[str, int],
    take: Callable[[np.ndarray], object],
    *,
    name: str,
) -> Facts:
    """Decode a file as :func:`decode` does; ``take`` gets the float32 samples block by block, as arrays of bytes."""
    with open(path, "rb", buffering=0) as file:  # libsndfile starts at the position of the descriptor
        kind = _kind(file.read(12))
        file.seek(0)
        if kind in DEMUXERS:
            with _converted(file, kind, limits, name) as wav:
                return _read(wav, sample_rate, limits, take, name)
        if kind not in FORMATS:
            raise DecodingError(UNREADABLE.format(name=name))
        return _read(file, sample_rate, limits, take, name)


def _kind(start: bytes) -> str | None:
    """The format that a file's first 12 bytes announce, or None.

    libsndfile reads many more formats, and most of its past faults were in those.
    """
    if start[:4] in (b"RIFF", b"RIFX", b"RF64") and start[8:] == b"WAVE":
        return "WAV"
    if start[:4] == b"FORM" and start[8:] in (b"AIFF", b"AIFC"):
        return "AIFF"
    if start[4:8] == b"ftyp":
        return "M4A"
    if start[:3] == b"ID3":
        return "MP3"
    if start[:1] == b"\xff" and start[1:2] >= b"\xe0":  # sync bits of a frame; its layer bits are 0 in AAC
        return "MP3" if start[1] & 0b110 else "AAC"
    return {b"fLaC": "FLAC", b"OggS": "OGG"}.get(start[:4])


def _read(
    file: IO[bytes], sample_rate: int, limits: Mapping[str, int], take: Callable[[np.ndarray], object], name: str
) -> Facts:
    """Read a file with libsndfile, block by block; the length in the file's header is not trusted."""
    try:
        # Opened by descriptor, because libsndfile may derive a format from a name.
        with soundfile.SoundFile(file.fileno(), closefd=False) as sound:
            if sound.format not in FORMATS:
                raise DecodingError(UNREADABLE.format(name=name))
            rate, channels = sound.samplerate, sound.channels
            _check(rate, channels, 0, limits, name)
            sound._info.seekable = 0  # otherwise soundfile seeks after each read, and fails if the header has no length
            resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32")
            num_frames, loudest, peak, mono = 0, 0.0, 0.0, np.zeros(0, np.float32)
            while len(block := sound.read(BLOCK_SAMPLES // channels, dtype="float32", always_2d=True)):
                num_frames += len(block)
                _check(rate, channels, num_frames, limits, name)
                if not magnitude(block) < INFINITE:
                    raise DecodingError(
                        f"{name} holds samples that are not numbers (NaN or infinite); please export it again."
                    )
                mono = block.mean(axis=1)
                peak, loudest = max(peak, magnitude(block)), max(loudest, magnitude(mono))
                take(resampler.resample_chunk(mono).view(np.uint8))
            take(resampler.resample_chunk(mono[:0], last=True).view(np.uint8))
            return Facts(rate, num_frames, loudest, peak)
    except soundfile.SoundFileError as error:
        raise DecodingError(UNREADABLE.format(name=name)) from error


def magnitude(samples: np.ndarray) -> float:
    """The largest magnitude of the samples; NaN if a sample is NaN."""
    return max(float(samples.max()), -float(samples.min()))


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
    """Convert an M4A or AAC file to WAV with ffmpeg, which sees only this file and no network.

    A file that exceeds a limit is cut a little above the limit, so that it is refused and not shortened.
    """
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise DecodingError(f"{name} is an {kind} file, which cannot be read here; please export it as WAV or FLAC.")
    with _temporary_file(name) as wav:
        given = ["-protocol_whitelist", "file", "-codec_whitelist", CODECS, "-f", DEMUXERS[kind]]
        given += ["-i", f"file:/dev/fd/{file.fileno()}"]
        taken = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-c:a", "pcm_f32le", "-f", "wav"]
        bounds = ["-t", str(limits["clip_seconds"] + 1), "-fs", str(limits["decoded_bytes"] + SPARE_BYTES)]
        command = [ffmpeg, "-v", "quiet", "-nostdin", "-y", "-threads", "1", *given, *taken, *bounds]
        try:
            done = subprocess.run(
                [*command, f"file:/dev/fd/{wav.fileno()}"], pass_fds=(file.fileno(), wav.fileno()),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=bare_environment(),
                timeout=limits["decoding_seconds"] * CONVERTING_SHARE, check=False,
            )  # fmt: skip
            reason = UNREADABLE if done.returncode or not os.fstat(wav.fileno()).st_size else ""
        except subprocess.TimeoutExpired:
            reason = STOPPED
        except OSError:
            reason = NOT_NOW
        if reason:
            disk = os.fstatvfs(wav.fileno())
            if disk.f_bavail * disk.f_frsize < SPARE_BYTES:
                reason = NO_ROOM
            elif not _is_ffmpeg(ffmpeg, limits["decoding_seconds"] * ASKING_SHARE):
                reason = NOT_NOW
            raise DecodingError(reason.format(name=name, kind=kind))
        wav.seek(0)
        yield wav


def _temporary_file(name: str) -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError as error:
        raise DecodingError(NO_ROOM.format(name=name)) from error


def _is_ffmpeg(program: str, seconds: float) -> bool:
    """Whether a program says within ``seconds`` that it is ffmpeg. If so, the file made the conversion fail."""
    deadline, said = time.monotonic() + seconds, b""
    try:
        process = subprocess.Popen(
            [program, "-version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=bare_environment(), bufsize=0,
        )  # fmt: skip
    except OSError:
        return False
    assert process.stdout
    with process.stdout as answer:
        poll = select.poll()
        poll.register(answer, select.POLLIN)
        while VERSION.startswith(said) and said != VERSION:
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000) or not (piece := answer.read(len(VERSION) - len(said))):
                break
            said += piece
    process.kill()
    process.wait()
    return said == VERSION


def bare_environment() -> dict[str, str]:
    """The only environment variables of a process that decodes; the other variables of a server may hold secrets."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "TMPDIR": tempfile.gettempdir(),
        "OPENBLAS_NUM_THREADS": "1",
    }


def _bound_this_process(memory_bytes: int, file_bytes: int) -> None:
    """Limit this process: memory, files, core dumps, privileges and priority; it also ends with its parent."""
    import resource  # missing on Windows, where a file can still be decoded in place

    bounds = {"RLIMIT_AS": memory_bytes, "RLIMIT_FSIZE": file_bytes, "RLIMIT_NOFILE": OPEN_FILES, "RLIMIT_CORE": 0}
    for bound, most in bounds.items():
        hard = resource.getrlimit(getattr(resource, bound))[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(getattr(resource, bound), (value, value))
    os.nice(NICENESS)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    threading.Thread(target=_die_with_the_parent, daemon=True).start()


def _die_with_the_parent() -> None:
    """Kill this process and all processes that it started as soon as the other end of its stdin is closed.

    PR_SET_PDEATHSIG would kill this process when the thread that started it ends, although other threads may use it.
    """
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)  # with no events, poll reports only a closed pipe
    poll.poll()
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Answer requests from stdin, one line of JSON each.

    An answer is a line with a number of bytes and then that many bytes of samples, any number of times; its last line
    holds the :class:`Facts` or the reason for a refusal.
    """
    _bound_this_process(int(sys.argv[1]), int(sys.argv[2]))
    out = sys.stdout.buffer

    def answer(**values: Any) -> None:
        out.write(json.dumps(values).encode() + b"\n")

    def take(samples: np.ndarray) -> None:
        answer(bytes=samples.nbytes)
        out.write(samples.data)

    for line in sys.stdin:
        request = json.loads(line)
        name = request["name"]
        try:
            facts = decode_blocks(request["path"], request["sample_rate"], request["limits"], take, name=name)
            answer(**asdict(facts))
        except DecodingError as error:
            answer(refused=str(error))
        except OSError:
            answer(refused=f"{name} could not be opened.")
        except MemoryError:
            answer(refused=f"{name} takes more memory to decode than there is; please export it again as WAV or FLAC.")
        out.flush()


if __name__ == "__main__":
    main()
