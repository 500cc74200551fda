"""Helpers that the tests of decoding share."""

import gc
import io
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from distill.audio import load_clip
from distill.audio.decoder import Decoder
from distill.errors import AudioError
from distill.settings import DEFAULTS, Settings

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel by /proc")
RATE = 44_100
IMPATIENT = Settings(decoding_seconds=1)


def open_files() -> set[str]:
    """Pipes and sound files that this process holds open, where the system tells. Each pipe has a number of its own.

    Servers of other tests, in threads of this process, may open and close sockets and files of their own at any time.
    """
    gc.collect()
    names = set()
    for path in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):
            names.add(os.readlink(path))
    return {name for name in names if name.startswith("pipe:") or name.endswith((".wav", ".zip"))}


@contextmanager
def in_a_hurry(decoder: Decoder, seconds: int = 1) -> Iterator[None]:
    """So many seconds for each file. They are for files that hang: what is to be read, and the start of a process, take
    longer than that on a busy machine."""
    usual = decoder._limits
    decoder._limits = usual | {"decoding_seconds": seconds}
    yield
    decoder._limits = usual


def refusal_of(path: Path, decoder: Decoder | None, settings: Settings = DEFAULTS) -> str:
    with pytest.raises(AudioError) as refusal:
        load_clip(path, settings=settings, decoder=decoder)
    return str(refusal.value)


def tone(num_samples: int = 22_050, channels: int = 1) -> np.ndarray:
    return np.tile(0.5 * np.sin(np.arange(num_samples) / 20)[:, None], channels)


def written(
    path: Path, samples: np.ndarray, container: str, codec: str, sample_rate: int = 44_100, **options: str
) -> Path:
    """Write a sound [samples] or [samples, channels] with an encoder that comes with PyAV; return its path."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    layout = {1: "mono", 2: "stereo", 6: "5.1", 7: "6.1", 8: "7.1", 16: "hexadecagonal"}.get(channels, f"{channels}C")
    with av.open(str(path), "w", format=container, container_options=options) as file:
        stream = file.add_stream(codec, rate=sample_rate, layout=layout, options={"strict": "-2", "flags": "+bitexact"})
        if codec.startswith("wma"):
            stream.codec_context.bit_rate = 96_000
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1).astype(np.float32), "flt", layout)
        frame.sample_rate, frame.pts = sample_rate, 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)
    return path


TWO_SECONDS = tone(2 * RATE)


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
