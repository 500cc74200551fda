"""Packs the sound and the codes of a clip for the page."""

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import soundfile

from distill.audio import SAMPLE_RATE
from distill.audio.vocoder import BLOCK_SAMPLES
from distill.codes import CodeGrid

HISTORY_SHOWN = 100


def piece_answer(waveform: np.ndarray, pieces: int, gain_db: float | None) -> dict[str, Any]:
    """A piece of a track: its sound, the number of pieces, and the gain to the loudness of the original, if known."""
    return {"flac": flac_base64(waveform), "pieces": pieces, "gain_db": gain_db}


def flac_base64(waveform: np.ndarray, progress: Callable[[float], object] | None = None) -> str:
    """A waveform as a 16-bit FLAC file in base64, clipped at full scale. ``progress`` is called with the share that is
    done, 0 to 1, every 12 s of sound."""
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", SAMPLE_RATE, 1, "PCM_16", format="FLAC") as sound:
        for start in range(0, len(waveform), BLOCK_SAMPLES):
            part = waveform[start : start + BLOCK_SAMPLES]
            sound.write(np.clip(part, -1, 1))
            if progress:
                progress((start + len(part)) / len(waveform))
    return base64.b64encode(buffer.getvalue()).decode()


def whole(grid: CodeGrid) -> dict[str, str | None]:
    """The codes and the mix of a grid, packed; the mix is None if it changes nothing."""
    return {"indices": pack(grid.indices), "mix": None if grid.mix is None else pack(grid.mix)}


def pack(indices: np.ndarray) -> str:
    """Codes or faders packed for the page: 16-bit little-endian integers in base64."""
    return base64.b64encode(indices.astype("<u2").tobytes()).decode()
