"""Perceived loudness of a sound, after ITU-R BS.1770-4."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torchaudio.functional import highpass_biquad, treble_biquad

from distill.audio.logmel import HOP_LENGTH, SAMPLE_RATE
from distill.errors import AudioError

SHORTEST = int(0.4 * SAMPLE_RATE)
"""Samples in one gating block. A shorter sound is padded with silence: compare only sounds of similar length."""
STEP = SHORTEST // 4
BLOCKS_AT_ONCE = 120
"""Gating blocks in 12 s. A long sound is measured in pieces of this length, so that memory does not grow with it."""
LEAD = SAMPLE_RATE
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
LARGEST_GAIN_DB = 12.0
LOUDEST = 4.0
"""Magnitude, 12 dB over full scale, up to which any sound is scaled down to full scale."""
BESIDE_A_PEAK = 10 ** (-50 / 20)
"""Magnitude, relative to a peak, below which sound is lost beside it."""
PEAK_SHARE = 0.01
"""Share of a sound up to which its samples near the peak are a damaged peak, and not the sound itself."""
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

    Examples
    --------
    >>> sine = np.sin(np.arange(SAMPLE_RATE) * (2 * np.pi * 997 / SAMPLE_RATE))  # 0 dB at 997 Hz is -3.01 LUFS
    >>> round(loudness_lufs(sine))
    -3
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

    Examples
    --------
    >>> sine = np.sin(np.arange(SAMPLE_RATE) / 10)
    >>> round(matching_gain_db(sine / 2, sine), 1)
    6.0
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


def within_full_scale(waveform: np.ndarray, name: str) -> np.ndarray:
    """Scale a waveform down to full scale if it is louder.

    Parameters
    ----------
    waveform : ndarray of float32 [samples]
        Finite amplitudes at 44 100 Hz; at least one sample.
    name : str
        Name of the sound in an error message.

    Raises
    ------
    AudioError
        If a short peak is so far over full scale that, scaled with it, the rest of the sound could not be heard.

    Examples
    --------
    >>> within_full_scale(np.array([1.0, -2.0]), "loud.wav").tolist()
    [0.5, -1.0]
    """
    magnitudes = np.abs(waveform)
    peak = float(magnitudes.max())
    if peak > LOUDEST:
        num_heard = np.count_nonzero(magnitudes >= BESIDE_A_PEAK * peak)
        if num_heard < max(HOP_LENGTH, PEAK_SHARE * len(waveform)) and num_heard < len(waveform) / 2:
            moment = magnitudes.argmax() / SAMPLE_RATE
            raise AudioError(
                f"{name} has a peak of {peak:.3g} times full scale at {moment:.2f} s, beside which the rest of it "
                "could not be heard; please cut that peak out, and export it again."
            )
    return waveform / max(1.0, peak)
