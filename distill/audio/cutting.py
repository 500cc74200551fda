"""Cut long recordings into pieces: before each onset, or where they are silent."""

from bisect import bisect
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, get_args

import numpy as np

from distill.audio.clips import Clip
from distill.audio.compiled import load_librosa
from distill.audio.logmel import HOP_LENGTH, SAMPLE_RATE, LogMel
from distill.audio.names import without_suffix
from distill.errors import AudioError

By = Literal["onsets", "silence"]
"""Ways to find cuts."""
SHORTEST_SECONDS = 0.1
"""Length of the shortest piece that is found. A sixteenth at 150 beats a minute has this length."""
QUIETEST_DB = 60
"""Decibels below the peak of a recording at which it counts as silent, whatever is asked for."""
ATTACK_BLOCK, LEVEL_BLOCK = 64, 256
"""Samples in a block of the search for an attack (1.5 ms), and for silence (6 ms)."""
LEAD_SECONDS, TAIL_SECONDS = 0.01, 0.06
"""Seconds that a piece keeps before its sound and after it, when silence is cut off."""
HIT_SECONDS = 0.02
"""Length of a sound below which it is a click of the recording."""
CROSSING_SAMPLES = 88
"""Samples (2 ms) within which a cut goes back to a zero crossing, so that a piece does not begin with a click."""
LONGEST_TAIL_SECONDS = 0.1
"""Silence at the end of a piece that is not cut off."""


class Piece(NamedTuple):
    """A part of a recording, in samples at 44 100 Hz: from ``start`` up to, but not including, ``stop``.

    Examples
    --------
    >>> Piece(22_050, 44_100)
    Piece(start=22050, stop=44100)
    """

    start: int
    stop: int


def cut_at_onsets(
    waveform: np.ndarray,
    *,
    fineness: float = 0.5,
    shortest_seconds: float = SHORTEST_SECONDS,
    log_mel: np.ndarray | None = None,
) -> list[Piece]:
    """Cut a recording before each onset, which is the beginning of a sound: a hit, a note, a syllable.

    ``librosa`` finds the onsets in the log-mel, and the steepest rise of the waveform near each one places its cut.

    Parameters
    ----------
    waveform : ndarray of float32 [samples]
        Amplitude at 44 100 Hz.
    fineness : float
        How soft an onset may be, 0 to 1: at 0 only the strongest count, at 1 nearly all.
    shortest_seconds : float
        Shortest distance of two cuts, in seconds.
    log_mel : ndarray [128, frames], optional
        Natural-log mel magnitudes of the waveform, if they are known.

    Returns
    -------
    list of Piece
        In order, without overlaps. Silence at the beginning of the recording and at the end of a piece is left out. A
        recording without an onset is one piece; a silent one has none.

    Raises
    ------
    AudioError
        If ``fineness`` is not in 0 to 1, or ``shortest_seconds`` is negative.

    Examples
    --------
    >>> hits = np.zeros(66_150, dtype=np.float32)
    >>> hits[[11_025, 33_075]] = 1.0
    >>> hits = np.convolve(hits, np.exp(-np.arange(4_000) / 500) * np.sin(np.arange(4_000)))
    >>> [round(piece.start / 44_100, 2) for piece in cut_at_onsets(hits)]
    [0.25, 0.75]
    """
    _check(fineness, shortest_seconds)
    loud = _loud_blocks(waveform, QUIETEST_DB)
    if not loud.any():
        return []
    shortest = max(HOP_LENGTH, round(shortest_seconds * SAMPLE_RATE))
    ends = [0, len(waveform)]
    for frame in _onset_frames(waveform, log_mel, fineness):  # of two that are too close, the stronger one stays
        cut = _before_attack(waveform, frame * HOP_LENGTH)
        place = bisect(ends, cut)
        if place < len(ends) and min(cut - ends[place - 1], ends[place] - cut) >= shortest:
            ends.insert(place, cut)
    pieces = [_without_silence(Piece(*ends[at : at + 2]), loud, is_first=at == 0) for at in range(len(ends) - 1)]
    return [piece for piece in pieces if piece.stop - piece.start >= HOP_LENGTH]


def cut_at_silence(
    waveform: np.ndarray,
    *,
    below_db: float = 40.0,
    gap_seconds: float = 0.25,
    shortest_seconds: float = SHORTEST_SECONDS,
) -> list[Piece]:
    """Cut a recording where it is silent, and leave the silence out.

    Parameters
    ----------
    waveform : ndarray of float32 [samples]
        Amplitude at 44 100 Hz.
    below_db : float
        Decibels below the recording's peak at which it counts as silent, 1 to 60.
    gap_seconds : float
        Shortest silence at which it is cut, in seconds.
    shortest_seconds : float
        Shortest piece in seconds; a shorter sound keeps some of the silence after it.

    Returns
    -------
    list of Piece
        In order, without overlaps; none of a silent recording.

    Raises
    ------
    AudioError
        If a value is out of its range.

    Examples
    --------
    >>> tone = np.sin(np.arange(88_200) / 10).astype(np.float32)
    >>> tone[30_000:60_000] = 0
    >>> [(round(start / 44_100, 2), round(stop / 44_100, 2)) for start, stop in cut_at_silence(tone)]
    [(0.0, 0.74), (1.35, 2.0)]
    """
    _check(0.5, shortest_seconds)
    if not 1 <= below_db <= QUIETEST_DB:
        raise AudioError(f"below_db must be 1 to {QUIETEST_DB}, got {below_db}.")
    loud = np.flatnonzero(_loud_blocks(waveform, below_db))
    if not len(loud):
        return []
    gaps = np.flatnonzero(np.diff(loud) > max(1.0, gap_seconds * SAMPLE_RATE / LEVEL_BLOCK))
    starts, stops = loud[[0, *(gaps + 1)]] * LEVEL_BLOCK, (loud[[*gaps, -1]] + 1) * LEVEL_BLOCK
    runs = [(start, stop) for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]
    runs = [run for run in runs if run[1] - run[0] >= HIT_SECONDS * SAMPLE_RATE] or runs[:1]
    pieces: list[Piece] = []
    for number, (start, stop) in enumerate(runs):
        before = pieces[-1].stop if pieces else 0
        after = runs[number + 1][0] if number + 1 < len(runs) else len(waveform)
        begin = max(before, start - round(LEAD_SECONDS * SAMPLE_RATE))
        end = max(stop + round(TAIL_SECONDS * SAMPLE_RATE), begin + round(shortest_seconds * SAMPLE_RATE))
        pieces.append(Piece(begin, min(end, after, len(waveform))))
    return [piece for piece in pieces if piece.stop - piece.start >= HOP_LENGTH]


def find_cuts(waveform: np.ndarray, by: By, fineness: float = 0.5, *, log_mel: np.ndarray | None = None) -> list[Piece]:
    """Cut a recording by one of the ways, with one measure of how many pieces are wanted.

    Parameters
    ----------
    waveform : ndarray of float32 [samples]
        Amplitude at 44 100 Hz.
    by : {"onsets", "silence"}
    fineness : float
        0 for few pieces, 1 for many; 0.5 gives the defaults of :func:`cut_at_onsets` and :func:`cut_at_silence`.
    log_mel : ndarray [128, frames], optional
        Natural-log mel magnitudes of the waveform, if they are known.

    Returns
    -------
    list of Piece

    Raises
    ------
    AudioError
        If there is no such way, or ``fineness`` is not in 0 to 1.
    """
    _check(fineness, 0)
    if by not in get_args(By):
        raise AudioError(f"There is no way to cut named {by!r:.40}; there are {' and '.join(get_args(By))}.")
    if by == "onsets":
        return cut_at_onsets(waveform, fineness=fineness, log_mel=log_mel)
    return cut_at_silence(waveform, below_db=QUIETEST_DB - 40 * fineness, gap_seconds=0.05 + 0.4 * (1 - fineness))


def cut_clip(clip: Clip, pieces: list[Piece]) -> list[Clip]:
    """The pieces of a recording as clips, numbered in their names; a single piece keeps the name.

    Examples
    --------
    >>> [piece.name for piece in cut_clip(Clip("take.wav", np.zeros(3_000)), [Piece(0, 1_000), Piece(2_000, 3_000)])]
    ['take 1.wav', 'take 2.wav']
    """
    stem = without_suffix(clip.name)
    suffix = clip.name[len(stem) :]
    digits = len(str(len(pieces)))
    names = [f"{stem} {number + 1:0{digits}}{suffix}" for number in range(len(pieces))]
    names = names if len(names) > 1 else [clip.name]
    return [Clip(name, clip.waveform[start:stop]) for name, (start, stop) in zip(names, pieces, strict=False)]


def cut_clips(clips: Iterable[Clip], by: By | None) -> Iterator[Clip]:
    """The pieces of recordings, or the recordings themselves where there is no way to cut."""
    for clip in clips:
        yield from cut_clip(clip, find_cuts(clip.waveform, by)) if by else [clip]


def envelope(waveform: np.ndarray, block: int = 128) -> np.ndarray:
    """The lowest and the highest sample of each block, for a drawing.

    Returns
    -------
    ndarray of int8 [blocks, 2]
        From -127 to 127, where 127 is the waveform's largest magnitude.
    """
    padded = np.pad(waveform, (0, -len(waveform) % block)).reshape(-1, block)
    peak = float(np.abs(waveform).max(initial=0)) or 1.0
    return np.round(127 / peak * np.stack([padded.min(axis=1), padded.max(axis=1)], axis=1)).astype(np.int8)


def _check(fineness: float, shortest_seconds: float) -> None:
    if not 0 <= fineness <= 1:
        raise AudioError(f"fineness must be 0 to 1, got {fineness}.")
    if not shortest_seconds >= 0:
        raise AudioError(f"shortest_seconds must not be negative, got {shortest_seconds}.")


def _loud_blocks(waveform: np.ndarray, below_db: float) -> np.ndarray:
    """For each block of ``LEVEL_BLOCK`` samples, whether it has a sample at most so far below the peak."""
    magnitude = np.abs(np.pad(waveform, (0, -len(waveform) % LEVEL_BLOCK))).reshape(-1, LEVEL_BLOCK).max(axis=1)
    return (magnitude > 0) & (magnitude >= magnitude.max(initial=0) * 10 ** (-below_db / 20))


def _onset_frames(waveform: np.ndarray, log_mel: np.ndarray | None, fineness: float) -> list[int]:
    """The frames of onsets, the strongest first."""
    import torch

    if log_mel is None:
        sound = torch.from_numpy(np.ascontiguousarray(waveform, dtype=np.float32))
        log_mel = torch.cat(list(LogMel().pieces(sound)), dim=1).numpy()
    decibels = 20 / np.log(10) * log_mel
    heard = np.maximum(decibels, decibels.max() - QUIETEST_DB)
    quiet = np.full((len(heard), 1), heard.min(), dtype=heard.dtype)  # a sound may begin at once
    librosa = load_librosa()
    strength = librosa.onset.onset_strength(
        S=np.concatenate([quiet, heard], axis=1), sr=SAMPLE_RATE, hop_length=HOP_LENGTH, center=False
    )[1:]
    found = librosa.onset.onset_detect(
        onset_envelope=strength, sr=SAMPLE_RATE, hop_length=HOP_LENGTH, units="frames",
        delta=0.07 * 2 ** (6 * (0.5 - fineness)),
    )  # fmt: skip
    return found[np.argsort(-strength[found], kind="stable")].tolist()


def _before_attack(waveform: np.ndarray, near: int) -> int:
    """The sample before the steepest rise within three frames, at a zero crossing if one is close."""
    first = max(0, near - 3 * HOP_LENGTH)
    part = waveform[first : near + 3 * HOP_LENGTH]
    blocks = np.abs(part[: len(part) - len(part) % ATTACK_BLOCK]).reshape(-1, ATTACK_BLOCK).max(axis=1)
    if len(blocks) < 9:
        return first
    level = np.log(np.maximum(blocks, 1e-3 * blocks.max() + 1e-9))
    sums = np.cumsum(np.concatenate([[0.0], level]))
    before, after = sums[4:-4] - sums[:-8], sums[8:] - sums[4:-4]  # of four blocks each
    cut = first + (4 + int(np.argmax(after - before))) * ATTACK_BLOCK
    last = waveform[max(0, cut - CROSSING_SAMPLES) : cut]
    crossings = np.flatnonzero(np.signbit(last[1:]) != np.signbit(last[:-1]))
    return cut - (len(last) - 1 - int(crossings[-1])) if len(crossings) else cut


def _without_silence(piece: Piece, loud: np.ndarray, *, is_first: bool) -> Piece:
    """A piece without silence at its end, the first also without silence at its beginning; empty if it is silent."""
    start, stop = piece
    first = start // LEVEL_BLOCK
    here = np.flatnonzero(loud[first : -(-stop // LEVEL_BLOCK)])
    begins, ends = ((first + here[[0, -1]] + (0, 1)) * LEVEL_BLOCK).tolist() if len(here) else (stop, stop)
    is_rise = is_first and stop < (len(loud) - 1) * LEVEL_BLOCK and ends - begins < HIT_SECONDS * SAMPLE_RATE
    if len(here) == 0 or is_rise:  # the rise to the first attack, with nothing else before it
        return Piece(start, start)
    if stop - ends > LONGEST_TAIL_SECONDS * SAMPLE_RATE:
        stop = ends + round(TAIL_SECONDS * SAMPLE_RATE)
    if is_first and begins - start > LONGEST_TAIL_SECONDS * SAMPLE_RATE:
        start = begins - round(LEAD_SECONDS * SAMPLE_RATE)
    return Piece(start, stop)
