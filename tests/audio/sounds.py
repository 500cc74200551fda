"""Helpers that the tests of decoding share."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from distill.audio import load_clip
from distill.audio.decoder import Decoder
from distill.errors import AudioError
from distill.settings import DEFAULTS, Settings

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="there is no ffmpeg to write M4A with")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel by /proc")
IMPATIENT = Settings(decoding_seconds=1)


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
