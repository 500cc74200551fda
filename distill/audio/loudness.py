"""Perceived loudness of a sound, after ITU-R BS.1770-4."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torchaudio.functional import highpass_biquad, treble_biquad

from distill.audio.logmel import SAMPLE_RATE

SHORTEST = int(0.4 * SAMPLE_RATE)
"""Samples in one gating block. A shorter sound is padded with silence: compare only sounds of similar length."""
STEP = SHORTEST // 4
BLOCKS_AT_ONCE = 120
"""Gating blocks in 12 s. A long sound is measured in pieces of this length, so that memory does not grow with it."""
LEAD = SAMPLE_RATE
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
LARGEST_GAIN_DB = 12.0
HEADROOM = 0.5
"""Gain before the filters: torchaudio's filters clip at full scale, which the standard's first filter exceeds."""


def loudness_lufs(waveform: np.ndarray, progress: Callable[[float], object] | None = None) -> float | None:
    """Integrated loudness of a sound after ITU-R BS.1770-4, in LUFS; None for silence.

    Parameters
    ----------
    waveform : ndarray of float32 [samples]
        Amplitude in [-1, 1] at 44 100 Hz.
    progress : callable, optional
        Called with the share that is measured, 0 to 1, after every 12 s of sound.
    """
    missing = max(0, SHORTEST - len(waveform))
    padded = (np.pad(waveform, (0, missing)) if missing else waveform).astype(np.float32, copy=False)
    count = (len(padded) - SHORTEST) // STEP + 1
    energies = np.empty(count)
    for first in range(0, count, BLOCKS_AT_ONCE):
        last = min(first + BLOCKS_AT_ONCE, count)
        energies[first:last] = _energies(padded, first, last)
        if progress:
            progress(last / count)
    with np.errstate(divide="ignore"):
        heard = energies[_lufs(energies) > ABSOLUTE_GATE_LUFS]
        if not len(heard):
            return None
        heard = heard[_lufs(heard) > _lufs(heard.mean()) + RELATIVE_GATE_LU]
        return float(_lufs(heard.mean()))


def matching_gain_db(
    waveform: np.ndarray, reference: np.ndarray, progress: Callable[[float], object] | None = None
) -> float:
    """Gain in dB, in [-12, 12], that makes a waveform as loud as a reference; 0 if either is silent.

    Parameters
    ----------
    waveform, reference : ndarray of float32 [samples]
        Amplitude in [-1, 1] at 44 100 Hz.
    progress : callable, optional
        Called as in :func:`loudness_lufs`: first for the waveform, then again from the start for the reference.
    """
    own, wanted = (loudness_lufs(sound, progress) for sound in (waveform, reference))
    if own is None or wanted is None:
        return 0.0
    return float(np.clip(wanted - own, -LARGEST_GAIN_DB, LARGEST_GAIN_DB))


def _energies(waveform: np.ndarray, first: int, last: int) -> np.ndarray:
    """Mean squares of the K-weighted gating blocks from ``first`` to ``last``, exclusive."""
    start = first * STEP
    lead = min(start, LEAD)  # samples in which the filters settle
    heard = torch.from_numpy(waveform[start - lead : (last - 1) * STEP + SHORTEST]) * HEADROOM
    shelved = treble_biquad(heard, SAMPLE_RATE, 4.0, 1500.0, 1 / math.sqrt(2))
    weighted = highpass_biquad(shelved, SAMPLE_RATE, 38.0, 0.5)[lead:]
    return (weighted.square().unfold(-1, SHORTEST, STEP).mean(dim=-1).double() / HEADROOM**2).numpy()


def _lufs(energy: np.ndarray) -> np.ndarray:
    return -0.691 + 10 * np.log10(energy)
