"""How loud a sound is, as people hear it."""

import numpy as np
import torch
from torchaudio.functional import loudness as bs1770

from distill.audio.logmel import SAMPLE_RATE

SHORTEST = int(0.4 * SAMPLE_RATE)
"""One gating block: shorter sounds are filled up with silence, so compare only sounds of about one length."""
LARGEST_GAIN_DB = 12.0
HEADROOM = 0.5
"""torchaudio's filters clip at full scale, which the standard's first filter exceeds."""


def loudness_lufs(waveform: np.ndarray) -> float | None:
    """Integrated loudness after ITU-R BS.1770-4, in LUFS; None for silence.

    Parameters
    ----------
    waveform : ndarray of float32 [samples]
        Amplitude in [-1, 1] at 44 100 Hz.
    """
    padded = np.pad(waveform, (0, max(0, SHORTEST - len(waveform)))).astype(np.float32)
    measured = float(bs1770(torch.from_numpy(padded)[None] * HEADROOM, SAMPLE_RATE)) - 20 * np.log10(HEADROOM)
    return float(measured) if np.isfinite(measured) else None


def matching_gain_db(waveform: np.ndarray, reference: np.ndarray) -> float:
    """Decibels that make a waveform as loud as another, within +-12; 0 if either is silent."""
    own, wanted = loudness_lufs(waveform), loudness_lufs(reference)
    return (
        float(np.clip(wanted - own, -LARGEST_GAIN_DB, LARGEST_GAIN_DB))
        if own is not None and wanted is not None
        else 0.0
    )
