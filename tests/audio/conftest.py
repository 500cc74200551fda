"""A process that decodes, and half a second of drums for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from distill.audio import SAMPLE_RATE, load_clip, new_decoder
from distill.audio.decoder import Decoder


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with new_decoder() as decoder:
        yield decoder


@pytest.fixture(scope="module")
def drums_wav(examples, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "drums.wav"
    soundfile.write(path, load_clip(examples / "clips" / "loop_amen.flac").waveform[:22_050], SAMPLE_RATE)
    return path
