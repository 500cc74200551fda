"""Helpers that the tests of decoding share."""

import shutil
import sys
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


def refusal_of(path: Path, decoder: Decoder | None, settings: Settings = DEFAULTS) -> str:
    with pytest.raises(AudioError) as refusal:
        load_clip(path, settings=settings, decoder=decoder)
    return str(refusal.value)


def tone(num_samples: int = 22_050, channels: int = 1) -> np.ndarray:
    return np.tile(0.5 * np.sin(np.arange(num_samples) / 20)[:, None], channels)
