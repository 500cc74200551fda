"""Tempo and beat of a clip, found by librosa from its onsets."""

from dataclasses import dataclass

import numpy as np

from distill.audio.compiled import load_librosa
from distill.audio.logmel import SAMPLE_RATE

HEARD_SECONDS = 60
"""Length of the beginning of a clip from which its beat is found."""
HOP, WINDOW = 256, 1024
"""Samples between two values of the onsets' strength, and samples of the window of each."""
SLOWEST, FASTEST = 70.0, 180.0
"""Bounds of a tempo that is found, in beats per minute."""
MIN_BEATS, FAINT = 2, 0.003
LOOPS, FAVOUR = (4, 8, 16, 32), 1.35
"""Numbers of beats that loops mostly have, and how much more an onset on the lines of such a beat counts."""
AT_START, START_VALUES = 1.2, 4
"""How much more the first beat of a loop counts if it is among the first values of the onsets' strength."""
MIDDLE = 120.0
"""The likeliest tempo in beats per minute."""


@dataclass(frozen=True)
class Beat:
    """A steady beat.

    Attributes
    ----------
    tempo : float
        Beats per minute.
    offset : float
        Seconds from the start of the clip to its first beat, at least 0 and less than a beat.
    """

    tempo: float
    offset: float

    @property
    def seconds(self) -> float:
        """Seconds from one beat to the next."""
        return 60 / self.tempo


def find_beat(waveform: np.ndarray, seconds: float | None = None) -> Beat | None:
    """Find the beat of a clip, which is taken to be steady.

    librosa gives the strength of the onsets and a first tempo. Of the beats near that tempo, and of those that fit 4,
    8, 16 or 32 times into the clip, as loops are made, the one is chosen whose lines fall on the strongest onsets.

    Parameters
    ----------
    waveform : ndarray of float32 [samples]
        Amplitude at 44 100 Hz. The first 60 s are heard.
    seconds : float, optional
        Length of the whole clip, if the waveform is only its beginning.

    Returns
    -------
    Beat or None
        None if the clip is too short for two beats, or nothing in it begins.

    Examples
    --------
    >>> clicks = np.zeros(4 * 44_100, dtype=np.float32)
    >>> clicks[4_410::22_050] = 1  # two clicks a second, the first after 0.1 s
    >>> beat = find_beat(clicks)
    >>> round(beat.tempo), round(beat.offset, 1)
    (120, 0.1)
    """
    heard = waveform[: HEARD_SECONDS * SAMPLE_RATE]
    if len(heard) < MIN_BEATS * SAMPLE_RATE * 60 / FASTEST or np.abs(heard).max() < FAINT:
        return None
    librosa, rate = load_librosa(), SAMPLE_RATE / HOP
    mel = librosa.feature.melspectrogram(y=heard, sr=SAMPLE_RATE, n_fft=WINDOW, hop_length=HOP, n_mels=64)
    onsets = librosa.onset.onset_strength(S=librosa.power_to_db(mel), sr=SAMPLE_RATE, hop_length=HOP, n_fft=WINDOW)
    onsets = np.concatenate([onsets[1:2], onsets[1:]])  # the first value compares the sound with nothing
    if mel[:, 0].sum() > 0.01 * mel.sum(axis=0).max():
        onsets[0] = onsets.max()  # the clip begins with a sound
    if onsets.max() < 0.5:
        return None
    first = float(librosa.feature.tempo(onset_envelope=onsets, sr=SAMPLE_RATE, hop_length=HOP)[0])
    while first < SLOWEST:
        first *= 2
    while first >= FASTEST:
        first /= 2
    if len(heard) / SAMPLE_RATE < MIN_BEATS * 60 / first:
        return None
    return _fitted(onsets, rate, first, seconds or len(waveform) / SAMPLE_RATE)


def _fitted(onsets: np.ndarray, rate: float, first: float, seconds: float) -> Beat:
    """The beat near a first tempo whose lines fall on the strongest onsets; ``rate`` is values per second."""
    loops = [60 * beats / seconds for beats in LOOPS]
    tempos = [(tempo, FAVOUR) for tempo in loops if SLOWEST <= tempo < FASTEST]
    tempos += [(tempo, 1.0) for tempo in first * np.linspace(0.95, 1.05, 101)]
    found = []
    for tempo, favour in tempos:
        strength, line = _phase(onsets, rate * 60 / tempo, AT_START if favour > 1 else 1.0)
        likely = np.exp(-0.5 * np.log2(tempo / MIDDLE) ** 2)
        found.append((favour * likely * strength, line, tempo))
    _, line, tempo = max(found)
    return Beat(float(tempo), float(line / rate % (60 / tempo)))


def _phase(onsets: np.ndarray, period: float, at_start: float) -> tuple[float, float]:
    """How strong the onsets are on the lines of a beat at best, and where its first line is; both in values.

    A first line at the start of the clip counts ``at_start`` times as much.
    """
    firsts = np.arange(0, period, 0.5)
    lines = firsts[:, None] + period * np.arange(np.ceil(len(onsets) / period))
    on_lines = np.nanmean(np.interp(lines, np.arange(len(onsets)), onsets, right=np.nan), axis=1)
    on_lines[:START_VALUES] *= at_start
    best = int(on_lines.argmax())
    return float(on_lines[best]), float(firsts[best])
