"""Attacks of sounds: how fast they rise in each octave band, and how much is heard before them."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, hilbert, sosfiltfilt

from distill.audio import SAMPLE_RATE
from distill.audio.compiled import load_librosa

CENTRES = (125, 250, 500, 1000, 2000, 4000, 8000)
"""Centres of the octave bands in Hz."""
BEFORE, AFTER = int(0.05 * SAMPLE_RATE), int(0.08 * SAMPLE_RATE)
"""Samples before and after an onset in which its attack is looked for."""
QUIET_SAMPLES = int(0.02 * SAMPLE_RATE)
"""Samples before the start of an attack whose energy is measured (20 ms)."""
SMOOTH_SAMPLES = int(0.001 * SAMPLE_RATE)
LOUD_ENOUGH = 0.003
"""Smallest peak of an envelope that counts as an attack (-50 dB of full scale)."""
STEEP_ENOUGH = 10.0
"""Smallest ratio of an attack's peak to the envelope before it (20 dB)."""
SLOWEST = 0.02
"""Largest rise of an original's attack in seconds."""
FLOOR = 1e-5
"""Amplitude below which nothing counts, relative to the peak (-100 dB)."""


@dataclass(frozen=True)
class Attacks:
    """Differences between the attacks of a sound and those of the original.

    Attributes
    ----------
    count : int
        Number of attacks: onsets times the octave bands in which they are steep.
    slower_ms : float
        Median of the rise (from 10 to 90 % of the peak of the envelope) less that of the original, in milliseconds.
    earlier_db : float
        Mean level in the 20 ms before the attack, relative to its peak, less that of the original, in dB.
    """

    count: int
    slower_ms: float
    earlier_db: float


def compare_attacks(pairs: list[tuple[np.ndarray, np.ndarray]]) -> Attacks | None:
    """Compare the attacks of sounds with those of their originals.

    Parameters
    ----------
    pairs : list of (ndarray [samples], ndarray [samples])
        Originals, and sounds of the same length, at 44 100 Hz.

    Returns
    -------
    Attacks or None
        None if no original has a steep attack.

    Examples
    --------
    >>> click = np.zeros(44_100, dtype=np.float32)
    >>> click[22_050:] = np.exp(-np.arange(22_050) / 2000) * np.sin(np.arange(22_050) / 7)
    >>> late = np.convolve(click, np.hanning(400) / 200, "same").astype(np.float32)
    >>> compare_attacks([(click, click)]).slower_ms, compare_attacks([(click, late)]).slower_ms > 2
    (0.0, True)
    """
    slower, earlier = [], []
    for original, heard in pairs:
        padded = [np.pad(sound.astype(np.float64), BEFORE + QUIET_SAMPLES) for sound in (original, heard)]
        onsets = load_librosa().onset.onset_detect(y=padded[0], sr=SAMPLE_RATE, hop_length=128, units="samples")
        for centre in CENTRES:
            band = butter(2, [centre / 2**0.5, centre * 2**0.5], "bandpass", fs=SAMPLE_RATE, output="sos")
            envelopes = [_envelope(sosfiltfilt(band, sound)) for sound in padded]
            for onset in onsets:
                theirs = _attack(envelopes[0], onset)
                if theirs is None or theirs[0] > SLOWEST or theirs[2] * STEEP_ENOUGH > 1:
                    continue
                rise, before = _heard_attack(envelopes[1], onset, theirs[1])
                slower.append((rise - theirs[0]) * 1000)
                earlier.append(20 * np.log10(before / theirs[2]))
    return Attacks(len(slower), float(np.median(slower)), float(np.mean(earlier))) if slower else None


def _envelope(sound: np.ndarray) -> np.ndarray:
    return np.convolve(np.abs(hilbert(sound)), np.ones(SMOOTH_SAMPLES) / SMOOTH_SAMPLES, mode="same")


def _window(envelope: np.ndarray, onset: int) -> tuple[int, np.ndarray]:
    """Return the first sample of the window around an onset, and the envelope in it."""
    start = max(QUIET_SAMPLES, onset - BEFORE)
    return start, envelope[start : onset + AFTER]


def _attack(envelope: np.ndarray, onset: int) -> tuple[float, int, float] | None:
    """Measure the attack of an original at an onset; None if there is none.

    Returns
    -------
    rise : float
        Seconds from 10 to 90 % of the peak.
    begin : int
        Sample at 10 % of the peak.
    before : float
        Root mean square of the envelope in the 20 ms before, relative to the peak.
    """
    start, window = _window(envelope, onset)
    if not len(window) or window.max() < LOUD_ENOUGH:
        return None
    rise, ten = _rise(window)
    if ten == 0:
        return None
    return rise, start + ten, _level_before(envelope, start + ten, window.max())


def _heard_attack(envelope: np.ndarray, onset: int, begin: int) -> tuple[float, float]:
    """Measure the rise and the level before an attack that begins at a sample in the original.

    An attack that is not there any more rises over all of the window.
    """
    _, window = _window(envelope, onset)
    peak = max(float(window.max()), 1e-9)
    return _rise(window)[0], _level_before(envelope, begin, peak)


def _rise(window: np.ndarray) -> tuple[float, int]:
    """Return the seconds from 10 to 90 % of the peak, and the place of the former; 0 if the window never is below."""
    peak = int(window.argmax())
    rising = window[: peak + 1] / max(window[peak], 1e-9)
    ninety = int(np.argmax(rising >= 0.9))
    low = np.flatnonzero(rising[: ninety + 1] < 0.1)
    if not len(low):
        return len(window) / SAMPLE_RATE, 0
    return (ninety - int(low[-1])) / SAMPLE_RATE, int(low[-1])


def _level_before(envelope: np.ndarray, begin: int, peak: float) -> float:
    quiet = envelope[begin - QUIET_SAMPLES : begin] / peak
    return max(FLOOR, float(np.sqrt(np.mean(quiet**2))))
