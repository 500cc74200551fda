"""The sound of an edited clip. Only the frames that an edit changes are decoded again, in part on demand."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from distill.audio import HOP_LENGTH
from distill.audio.vocoder import BLOCK_FRAMES, BLOCK_SAMPLES
from distill.codec import Codec
from distill.codec.pieces import Patch
from distill.codes import CodeGrid, History
from distill.codes.faders import heard_columns
from distill.editing.track import Track

Span = slice
"""A range of samples or of frames: the first, and the one after the last."""
STEP_FRAMES = BLOCK_FRAMES // 2
"""Frames that are decoded at a time on demand: half a piece, so that other visitors wait less for their turns."""
ORIGINAL, STALE, FRESH = range(3)
"""States of a frame: its sound is that of the reconstruction, is not decoded yet, or is at hand."""


@dataclass(frozen=True, eq=False)
class Change:
    """Change of the sound by one step in the history.

    Attributes
    ----------
    patch : Patch or None
        The sound where the change begins, at most 12 s; None if it is not decoded yet or nothing changed.
    stale : list of (int, int)
        Other ranges that changed or must be decoded: the first sample, and the one after the last.
    """

    patch: Patch | None
    stale: list[tuple[int, int]]


class EditedSound:
    """The sound of a history's current grid. The caller holds the lock of the work.

    A frame sounds the same whenever it is decoded, because its sound depends on nothing but the grid. So no sound is
    kept for undo, and frames around which all codes are the original ones are those of the reconstruction.

    Parameters
    ----------
    codec : Codec
    history : History
    reconstruction : callable
        Returns the sound of the grid before any edit.
    """

    def __init__(self, codec: Codec, history: History, reconstruction: Callable[[], Track]) -> None:
        self.version = 0
        self._codec, self._history, self._reconstruction = codec, history, reconstruction
        self._num_frames = history.original.num_frames
        self._untold: list[Span] = []  # spans of frames to decode that no answer has reported yet
        self._clear()

    @property
    def num_bytes(self) -> int:
        """Bytes of memory that the decoded frames take."""
        return int(self._written.sum()) * HOP_LENGTH * self._waveform.itemsize

    def release(self) -> None:
        """Free all samples that can be decoded again."""
        self._clear()
        self._untold = _runs(self._states == STALE)

    def follow(self, before: CodeGrid, *, heard: bool = True) -> Change:
        """Follow a step of the history from the grid ``before`` to its current grid.

        The sound is decoded at once where the change begins, at most 12 s, unless ``heard`` is False.
        """
        self.version += 1
        changed = self._heard(before)
        self._states[changed] = np.where(self._heard(self._history.original)[changed], STALE, ORIGINAL)
        runs = _runs(changed)
        now = self._answered_now(runs) if runs and heard else None
        if now:
            for run in _runs(~self._ready(now)):
                self._decode(slice(now.start + run.start, now.start + run.stop))
        told, self._untold = self._untold, []
        stale = _samples(_without([*runs, *told], now))
        return Change(Patch(now.start * HOP_LENGTH, self._read(now)) if now else None, stale)

    def steps(self, span: Span) -> int:
        """Approximate number of steps until the samples of a span are decoded."""
        return sum(-(-(run.stop - run.start) // STEP_FRAMES) for run in _runs(~self._ready(_frames(span))))

    def step(self, span: Span) -> bool:
        """Decode some missing frames of a span; return whether any were missing."""
        frames = _frames(span)
        missing = _runs(~self._ready(frames))
        if not missing:
            return False
        first, last = frames.start + missing[0].start, frames.start + missing[0].stop
        track = self._reconstruction()
        is_next = track.ready + BLOCK_SAMPLES > first * HOP_LENGTH
        if self._states[first] == ORIGINAL and is_next:
            track.decode(track.ready + 1)
        else:
            self._decode(slice(first, min(last, first + STEP_FRAMES)))
        return True

    def read(self, span: Span) -> np.ndarray:
        """The samples of a span that is completely decoded; read-only."""
        frames = _frames(span)
        if (self._states[frames] == ORIGINAL).all():
            return self._reconstruction().samples(span.start, span.stop)
        start = frames.start * HOP_LENGTH
        return self._read(frames)[span.start - start : span.stop - start]

    def _clear(self) -> None:
        # Zeros take no memory until they are overwritten.
        self._waveform = np.zeros(self._num_frames * HOP_LENGTH, dtype=np.float32)
        self._written = np.zeros(self._num_frames, dtype=bool)
        self._states = np.where(self._heard(self._history.original), STALE, ORIGINAL).astype(np.uint8)

    def _heard(self, before: CodeGrid) -> np.ndarray:
        """For each frame, whether it sounds different in another grid than in the current one: bool [frames]."""
        heard = np.zeros(self._num_frames, dtype=bool)
        for columns in _runs(heard_columns(before, self._history.grid)):
            heard[self._codec.heard_frames(before, columns)] = True
        return heard

    def _ready(self, frames: Span) -> np.ndarray:
        """For each frame of a span, whether its sound is at hand: bool [frames]."""
        states = self._states[frames]
        decoded = np.arange(frames.start, frames.stop) < self._reconstruction().ready // HOP_LENGTH
        return (states == FRESH) | ((states == ORIGINAL) & decoded)

    def _answered_now(self, runs: list[Span]) -> Span:
        """The frames to answer with: the first run, and those after it that one piece can hold without more to decode
        between them."""
        now = slice(runs[0].start, min(runs[0].stop, runs[0].start + BLOCK_FRAMES))
        for run in runs[1:]:
            between = slice(now.stop, run.start)
            if run.stop - now.start > BLOCK_FRAMES or not self._ready(between).all():
                break
            now = slice(now.start, run.stop)
        return now

    def _decode(self, frames: Span) -> None:
        """Decode the sound of some frames."""
        samples = self._codec.decode_frames(self._history.grid, frames)
        self._waveform[frames.start * HOP_LENGTH : frames.stop * HOP_LENGTH] = samples
        self._states[frames] = FRESH
        self._written[frames] = True

    def _read(self, frames: Span) -> np.ndarray:
        samples = self._waveform[frames.start * HOP_LENGTH : frames.stop * HOP_LENGTH].copy()
        for run in _runs(self._states[frames] == ORIGINAL):
            start, stop = run.start * HOP_LENGTH, run.stop * HOP_LENGTH
            origin = frames.start * HOP_LENGTH
            samples[start:stop] = self._reconstruction().samples(origin + start, origin + stop)
        return samples


def _frames(span: Span) -> Span:
    """The frames that a span of samples lies in."""
    return slice(span.start // HOP_LENGTH, -(-span.stop // HOP_LENGTH))


def _runs(chosen: np.ndarray) -> list[Span]:
    """Runs of the places [n] that are True."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
    return [slice(int(first), int(last)) for first, last in ends.reshape(-1, 2)]


def _without(spans: Iterable[Span], taken: Span | None) -> Iterator[Span]:
    """The spans without what lies in another span."""
    for span in spans:
        first, last = (taken.start, taken.stop) if taken else (span.stop, span.stop)
        if span.start < min(span.stop, first):
            yield slice(span.start, min(span.stop, first))
        if max(span.start, last) < span.stop:
            yield slice(max(span.start, last), span.stop)


def _samples(spans: Iterable[Span]) -> list[tuple[int, int]]:
    """Sorted spans of frames as pairs of samples; spans that overlap or touch are joined."""
    joined: list[tuple[int, int]] = []
    for span in sorted(spans, key=lambda span: span.start):
        start, stop = span.start * HOP_LENGTH, span.stop * HOP_LENGTH
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], stop))
        else:
            joined.append((start, stop))
    return joined
