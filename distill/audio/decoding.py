"""Decode a sound file: in this process, or, if the file is untrusted, in a process that runs this module.

Such a process runs this module by its path. Of the package, the module imports only :mod:`distill.formats` and
:mod:`distill.system`, so that the process starts in a third of a second.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from distill import system
from distill.formats.reading import Block, Losses, UnreadableError, read_blocks

LIMITS = ("clip_seconds", "decoded_bytes", "decoding_seconds", "lowest_sample_rate", "highest_sample_rate", "channels")
"""Names of the settings that bound the decoding of a file."""
BLOCK_SAMPLES = 1 << 18
INFINITE = 1e30
"""Magnitude from which a sample counts as infinite: after mixing and resampling, it could exceed float32."""
OPEN_FILES = 64
NICENESS = 10
"""Scheduling priority: after edits, for which a person waits, and before trainings."""
STOPPED = "{name} could not be decoded: the decoder broke off at it; please export it again as WAV or FLAC."


class DecodingError(ValueError):
    """A file is refused; the message says why in one sentence.

    Parameters
    ----------
    may_pass : bool
        Whether the reason is not the file's content, so that the same file may be decoded later.
    """

    def __init__(self, message: str, *, may_pass: bool = False) -> None:
        super().__init__(message)
        self.may_pass = may_pass


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
    lost_packets : int
        Pieces of the sound that could not be decoded although good ones follow.
    announced_seconds : float
        Length that the file's header announces for a sound that ends earlier; 0 for any other sound.
    """

    sample_rate: int
    num_frames: int
    loudest: float
    peak: float
    lost_packets: int = 0
    announced_seconds: float = 0.0


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
        A sound file of any kind in :data:`distill.formats.reading.DEMUXERS`, or a film with sound.
    sample_rate : int
        Sample rate of the result, in Hz.
    limits : mapping
        Limits by the names in :data:`LIMITS`, as in :class:`distill.settings.Settings`.
    name : str, optional
        Name of the file in an error message; the last part of ``path`` by default.

    Raises
    ------
    DecodingError
        If the file is of none of these kinds, nothing of it can be read, or it exceeds a limit.
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
    losses = Losses()
    with open(path, "rb", buffering=0) as file:
        try:
            mixed = _mix(read_blocks(file, losses, most_channels=limits["channels"]), limits, name)
            return _resample(mixed, sample_rate, take, losses, name)
        except UnreadableError as error:
            raise DecodingError(f"{name} {error}") from error


@dataclass(frozen=True)
class _Mixed:
    """Some samples mixed to mono, at the file's own rate, and the largest magnitude in any of their channels."""

    mono: np.ndarray
    sample_rate: int
    peak: float


def _mix(blocks: Iterator[Block], limits: Mapping[str, int], name: str) -> Iterator[_Mixed]:
    """Mix blocks to mono, many small ones at a time, and refuse a sound that exceeds a limit."""
    seconds, num_bytes, waiting, count = 0.0, 0, list[Block](), 0
    for block in blocks:
        rate, (frames, channels) = block.sample_rate, block.samples.shape
        if waiting and (rate, channels) != (waiting[0].sample_rate, waiting[0].samples.shape[1]):
            yield _mixed(waiting, name)
            waiting, count = [], 0
        seconds, num_bytes = seconds + frames / max(1, rate), num_bytes + block.samples.nbytes
        _check(rate, channels, seconds, num_bytes, limits, name)
        waiting.append(block)
        count += block.samples.size
        if count >= BLOCK_SAMPLES:
            yield _mixed(waiting, name)
            waiting, count = [], 0
    if waiting:
        yield _mixed(waiting, name)


def _mixed(blocks: list[Block], name: str) -> _Mixed:
    samples = np.concatenate([block.samples for block in blocks])
    peak = magnitude(samples) if len(samples) else 0.0
    if not peak < INFINITE:
        raise DecodingError(f"{name} holds samples that are not numbers (NaN or infinite); please export it again.")
    return _Mixed(samples.mean(axis=1), blocks[0].sample_rate, peak)


def _resample(
    blocks: Iterator[_Mixed], sample_rate: int, take: Callable[[np.ndarray], object], losses: Losses, name: str
) -> Facts:
    """Give the blocks to ``take`` at another rate. A file may change its rate; its facts are in its first rate."""
    first = rate = num_frames = given = 0
    changes, loudest, peak = 0, 0.0, 0.0
    resampler: Any = None

    def give(samples: np.ndarray, *, last: bool = False) -> None:
        nonlocal given
        resampled = resampler.resample_chunk(samples, last=last)
        given += len(resampled)
        take(resampled.view(np.uint8))

    nothing = np.zeros(0, np.float32)
    for block in blocks:
        if block.sample_rate != rate:
            if resampler:
                give(nothing, last=True)
            changes += bool(rate)
            rate = block.sample_rate
            first = first or rate
            resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32")
        if not len(block.mono):
            continue
        num_frames += len(block.mono)
        peak, loudest = max(peak, block.peak), max(loudest, magnitude(block.mono))
        give(block.mono)
    if not num_frames:
        raise DecodingError(f"{name} is too short: it has a header but no samples, where sound starts at 12 ms.")
    give(nothing, last=True)
    num_frames = round(given * first / sample_rate) if changes else num_frames
    return Facts(first, num_frames, loudest, peak, losses.packets, losses.announced)


def magnitude(samples: np.ndarray) -> float:
    """The largest magnitude of the samples; NaN if a sample is NaN."""
    return max(float(samples.max()), -float(samples.min()))


def _check(
    sample_rate: int, channels: int, seconds: float, num_bytes: int, limits: Mapping[str, int], name: str
) -> None:
    """Raise a DecodingError if a sound exceeds a limit; ``num_bytes`` is the size of its samples as float32."""
    lowest, highest = limits["lowest_sample_rate"], limits["highest_sample_rate"]
    if not lowest <= sample_rate <= highest:
        raise DecodingError(f"{name} has a sample rate of {sample_rate} Hz; from {lowest} to {highest} Hz can be used.")
    if channels > limits["channels"]:
        raise DecodingError(f"{name} has {channels} channels; up to {limits['channels']} can be used.")
    if seconds > limits["clip_seconds"] + 0.1 / sample_rate:
        raise DecodingError(f"{name} lasts more than {limits['clip_seconds'] / 60:g} minutes; please cut it.")
    if num_bytes > limits["decoded_bytes"]:
        megabytes = limits["decoded_bytes"] / 2**20
        raise DecodingError(
            f"{name} would take more than {megabytes:g} MB decoded; please cut it, or export it with fewer channels."
        )


def bare_environment() -> dict[str, str]:
    """The only environment variables of a process that decodes; the other variables of a server may hold secrets."""
    kept = {name: os.environ[name] for name in system.VARIABLES if name in os.environ}
    return kept | {"PATH": os.environ.get("PATH", os.defpath), "OPENBLAS_NUM_THREADS": "1"}


def bounds_of_the_process(memory_bytes: int) -> dict[str, int]:
    """The limits of a process that decodes: memory, files (it writes none) and core dumps."""
    return {"RLIMIT_AS": memory_bytes, "RLIMIT_FSIZE": 0, "RLIMIT_NOFILE": OPEN_FILES, "RLIMIT_CORE": 0}


def _bound_this_process(memory_bytes: int) -> None:
    """Limit this process, as far as the system can: its bounds, privileges and priority; it also ends with its parent.

    The system's own notice of the parent's end is not used: it comes when the thread that started this process ends,
    although other threads may use the process.
    """
    system.bound_process(bounds_of_the_process(memory_bytes))
    system.lower_priority(NICENESS)
    system.forbid_new_privileges()
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """End this process, and all processes that it started, as soon as the other end of its stdin is closed."""
    system.wait_for_hang_up(sys.stdin.fileno())
    system.end_at_once()


def main() -> None:
    """Answer requests from stdin, one line of JSON each.

    An answer is a line with a number of bytes and then that many bytes of samples, any number of times; its last line
    holds the :class:`Facts` or the reason for a refusal.
    """
    _bound_this_process(int(sys.argv[1]))
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
            answer(refused=f"{name} could not be opened.", may_pass=True)
        except MemoryError:
            reason = f"{name} takes more memory to decode than there is; please export it again as WAV or FLAC."
            answer(refused=reason, may_pass=True)
        out.flush()


if __name__ == "__main__":
    main()
