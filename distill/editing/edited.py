"""The sound of an edited clip. Only the samples that an edit changes are decoded again, in part on demand."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from distill.audio import HOP_LENGTH, SAMPLE_RATE
from distill.audio.vocoder import BLOCK_FRAMES, BLOCK_SAMPLES, num_blocks
from distill.codec.codec import JOIN_FADE_SAMPLES, Codec
from distill.codec.pieces import HALF_WINDOW, JOIN_CONTEXT_FRAMES, Patch
from distill.codes import CodeGrid, History
from distill.codes.grid import FRAMES_PER_COLUMN
from distill.editing.track import Track

Span = slice
"""A range of samples: the first, and the one after the last."""
KEPT_SAMPLES = 120 * SAMPLE_RATE
"""Maximum number of replaced samples kept for undo, per clip. Older edits are undone by decoding."""
STEP_COLUMNS = 30
"""Columns in a piece that is mended later: half a piece, so that other visitors wait less for their turns."""
BLOCKS_WAITED_FOR = 2
"""Maximum number of unedited pieces that are decoded before an edit is answered."""


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


@dataclass(eq=False)
class _Before:
    """The sound before a step: the replaced samples in the order of their replacement, and the columns that were stale
    (None if no column was stale)."""

    stale: np.ndarray | None
    patches: list[Patch] = field(default_factory=list)

    @property
    def num_samples(self) -> int:
        return sum(len(patch.waveform) for patch in self.patches) + (0 if self.stale is None else len(self.stale))


class EditedSound:
    """The sound of a history's current grid. The caller holds the lock of the work.

    Pieces that no edit touched are those of the reconstruction. Changed columns whose sound is not decoded yet are
    *stale*: they are mended when a piece that they reach into is requested. So a piece that was delivered stays valid
    until the next edit.

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
        self._num_frames, self._columns = history.original.num_frames, history.original.columns
        self._touched: dict[int, np.ndarray] = {}  # pieces that may differ from the reconstruction
        self._stale = np.zeros(self._columns, dtype=bool)
        self._untold: list[Span] = []  # stale spans that no answer has reported yet
        self._done: list[_Before | None] = []  # samples for undo; None where undo must decode
        self._undone: list[_Before | None] = []

    @property
    def num_bytes(self) -> int:
        """Bytes of memory that the edited sound and the samples for undo take."""
        patches = [patch for before in [*self._done, *self._undone] if before for patch in before.patches]
        arrays = [*list(self._touched.values()), *(patch.waveform for patch in patches)]
        return sum({id(array): array.nbytes for array in arrays}.values())

    def release(self) -> None:
        """Free all samples that can be decoded again."""
        self._touched = {}
        self._done, self._undone = [None] * len(self._done), [None] * len(self._undone)
        self._stale = _changed(self._history.original, self._history.grid)
        self._untold = self._spans(self._stale)

    def do(self, before: CodeGrid, *, heard: bool = True) -> Change:
        """Change of the sound by a new edit of the grid ``before``; the history already has the edit."""
        self._undone.clear()
        return self._follow(before, None, self._done, heard)

    def undo(self, before: CodeGrid) -> Change:
        """Change of the sound after the history undid an edit; the grid was ``before``."""
        return self._follow(before, self._done.pop(), self._undone)

    def redo(self, before: CodeGrid) -> Change:
        """Change of the sound after the history redid an edit; the grid was ``before``."""
        return self._follow(before, self._undone.pop(), self._done)

    def steps(self, span: Span) -> int:
        """Approximate number of steps until the samples of a span are decoded."""
        missing = self._number(span.stop - 1) + 1 - self._pieces_ready
        stale = sum(-(-(run.stop - run.start) // STEP_COLUMNS) for run in self._runs(self._stale_near(span)))
        return max(0, missing) + stale

    def step(self, span: Span) -> bool:
        """Decode one missing piece of a span; return whether any was missing."""
        if self._pieces_ready <= self._number(span.stop - 1):
            self._reconstruction().decode(self._reconstruction().ready + 1)
            return True
        for run in self._runs(self._stale_near(span)):
            self._mend(slice(run.start, min(run.stop, run.start + STEP_COLUMNS)))
            return True
        return False

    def read(self, span: Span) -> np.ndarray:
        """The samples of a span that is completely decoded; read-only."""
        numbers = range(self._number(span.start), self._number(span.stop - 1) + 1)
        if not any(number in self._touched for number in numbers):
            return self._reconstruction().samples(span.start, span.stop)
        return np.concatenate([part for _, _, part in self._parts(span)])

    def _follow(self, grid: CodeGrid, kept: _Before | None, there: list[_Before | None], heard: bool = True) -> Change:
        """Change the sound from ``grid`` to the history's current grid; append the way back to ``there``."""
        self.version += 1
        stale_before = self._stale.copy()
        back = _Before(stale_before.copy() if stale_before.any() else None)
        there.append(back)
        if self._history.grid == self._history.original:
            fresh = self._restore(back)
        elif kept is not None:
            fresh = self._bring_back(kept, back)
        else:
            changed = _changed(grid, self._history.grid)
            self._stale |= changed
            fresh = self._mend_first(changed) if heard else []
            stale_before &= ~changed  # these are to be reported again
        del self._done[: -max(1, len(self._history.labels))]  # the history forgets its oldest edits too
        self._forget()
        stale = self._spans(self._stale & ~stale_before)
        told, self._untold = self._untold, []
        return self._told(fresh, [*stale, *told])

    def _told(self, fresh: list[Span], stale: list[Span]) -> Change:
        """The first of the ``fresh`` spans as sound; all other spans as stale."""
        first: list[Span] = []
        for span in fresh:
            begin = first[0].start if first else span.start
            if span.stop - begin <= BLOCK_SAMPLES:
                first.append(span)
            elif not first:
                first.append(slice(begin, begin + BLOCK_SAMPLES))
                stale.append(slice(begin + BLOCK_SAMPLES, span.stop))
            else:
                stale.append(span)
        if not first:
            return Change(None, _merged(stale))
        whole = slice(first[0].start, first[-1].stop)
        return Change(Patch(whole.start, self.read(whole).copy()), _merged(stale))

    def _restore(self, before: _Before) -> list[Span]:
        """Restore the original's samples, because the grid has the original's codes."""
        track, fresh = self._reconstruction(), []
        for number, piece in sorted(self._touched.items()):
            start = number * BLOCK_SAMPLES
            changed = np.flatnonzero(piece != track.samples(start, start + len(piece)))
            if len(changed):
                fresh.append(slice(start + int(changed[0]), start + int(changed[-1]) + 1))
            before.patches.append(Patch(start, piece))
        self._touched = {}
        self._stale[:] = False
        return _joined(fresh)

    def _bring_back(self, kept: _Before, before: _Before) -> list[Span]:
        """Put the kept samples back."""
        for patch in reversed(kept.patches):
            before.patches.append(self._write(patch))
        self._stale[:] = False if kept.stale is None else kept.stale
        return _joined(patch.span for patch in kept.patches)

    def _mend_first(self, changed: np.ndarray) -> list[Span]:
        """Mend the first changed columns, as many as fit into one answer."""
        most = (BLOCK_FRAMES - sum(self._codec.reach) - -(-2 * HALF_WINDOW // HOP_LENGTH)) // FRAMES_PER_COLUMN
        now: list[slice] = []
        for run in self._runs(changed):
            begin = self._samples(now[0] if now else run).start
            if self._samples(run).stop - begin <= BLOCK_SAMPLES:
                now.append(run)
                continue
            if not now:
                now.append(slice(run.start, run.start + most))
            break
        window = self._codec.region(self._history.grid, now[-1]).window
        if self._number(window.stop - 1) + 1 - self._pieces_ready > BLOCKS_WAITED_FOR:
            return []
        return _joined([self._mend(run) for run in now])

    def _mend(self, columns: slice) -> Span:
        """Decode the sound of some columns; return the span of the samples that changed."""
        grid, original = self._history.grid, self._history.original
        region = self._codec.region(grid, columns)
        track = self._reconstruction()
        track.decode(self._piece(self._number(region.window.stop - 1)).stop)
        around = slice(max(0, columns.start - 2), columns.stop + 2)
        if np.array_equal(grid.indices[:, :, around], original.indices[:, :, around]):
            span = slice(region.start, region.stop)
            sound = _faded(self.read(span), track.samples(span.start, span.stop), region.start > 0)
        else:
            sound = self._codec.mend(grid, region, self.read(region.window)).waveform
        replaced = self._write(Patch(region.start, sound))
        for steps in (self._done, self._undone):
            if steps and (before := steps[-1]):
                before.patches.append(replaced)
        self._forget()
        self._stale[columns] = False
        return replaced.span

    def _write(self, patch: Patch) -> Patch:
        """Write samples into the sound; return the samples that they replaced."""
        replaced = Patch(patch.start, self.read(patch.span).copy())
        done = 0
        for number, inner, part in self._parts(patch.span):
            if number not in self._touched:
                piece = self._piece(number)
                self._touched[number] = self._reconstruction().samples(piece.start, piece.stop).copy()
            self._touched[number][inner] = patch.waveform[done : done + len(part)]
            done += len(part)
        return replaced

    def _forget(self) -> None:
        """Drop the oldest replaced samples beyond the limit of memory."""
        for steps in (self._done, self._undone):
            left = KEPT_SAMPLES
            for number in range(len(steps) - 1, -1, -1):
                before = steps[number]
                if before is None:
                    break
                left -= before.num_samples
                if left < 0:
                    steps[number] = None

    def _parts(self, span: Span) -> Iterator[tuple[int, slice, np.ndarray]]:
        """The parts of a span by piece: the piece's number, the slice within the piece, and its samples."""
        for number in range(self._number(span.start), self._number(span.stop - 1) + 1):
            piece = self._piece(number)
            start, stop = max(span.start, piece.start), min(span.stop, piece.stop)
            inner = slice(start - piece.start, stop - piece.start)
            touched = self._touched.get(number)
            yield number, inner, self._reconstruction().samples(start, stop) if touched is None else touched[inner]

    def _piece(self, number: int) -> Span:
        whole = self._num_frames * HOP_LENGTH
        last = number == num_blocks(self._num_frames) - 1
        return slice(number * BLOCK_SAMPLES, whole if last else (number + 1) * BLOCK_SAMPLES)

    def _number(self, sample: int) -> int:
        return min(sample // BLOCK_SAMPLES, num_blocks(self._num_frames) - 1)

    @property
    def _pieces_ready(self) -> int:
        track = self._reconstruction()
        return num_blocks(self._num_frames) if track.is_whole else track.ready // BLOCK_SAMPLES

    def _stale_near(self, span: Span) -> np.ndarray:
        """The stale columns whose sound reaches into a span."""
        before, after = self._codec.reach
        column, margin = FRAMES_PER_COLUMN * HOP_LENGTH, HALF_WINDOW
        first = max(0, (span.start - after * HOP_LENGTH - margin) // column)
        last = -(-(span.stop + before * HOP_LENGTH + margin) // column)
        near = np.zeros_like(self._stale)
        near[first:last] = self._stale[first:last]
        return near

    def _samples(self, columns: slice) -> Span:
        region = self._codec.region(self._history.grid, columns)
        return slice(region.start, region.stop)

    def _runs(self, columns: np.ndarray) -> list[slice]:
        """Runs of the columns that are True; runs with overlapping surroundings are joined."""
        gap = (sum(self._codec.reach) + 2 * JOIN_CONTEXT_FRAMES) // FRAMES_PER_COLUMN
        found = np.flatnonzero(columns)
        if not len(found):
            return []
        runs = np.split(found, np.flatnonzero(np.diff(found) > gap + 1) + 1)
        return [slice(int(run[0]), int(run[-1]) + 1) for run in runs]

    def _spans(self, columns: np.ndarray) -> list[Span]:
        return [self._samples(run) for run in self._runs(columns)]


def _changed(before: CodeGrid, after: CodeGrid) -> np.ndarray:
    """For each column, whether any of its codes differs: bool [columns]."""
    return (before.indices != after.indices).any(axis=(0, 1))


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Sorted spans; spans that overlap or touch are joined."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if joined and span.start <= joined[-1].stop:
            joined[-1] = slice(joined[-1].start, max(joined[-1].stop, span.stop))
        else:
            joined.append(span)
    return joined


def _merged(spans: Iterable[Span]) -> list[tuple[int, int]]:
    return [(span.start, span.stop) for span in _joined(spans)]


def _faded(old: np.ndarray, new: np.ndarray, at_start: bool) -> np.ndarray:
    """The new sound, cross-faded with the old sound at the end, and at the start if ``at_start`` is True."""
    faded, ramp = new.copy(), np.linspace(0, 1, min(JOIN_FADE_SAMPLES, len(new) // 2), dtype=np.float32)
    ends = ([slice(0, len(ramp))] if at_start else []) + [slice(len(new) - len(ramp), len(new))]
    for end, share in zip(ends, ([ramp] if at_start else []) + [ramp[::-1]], strict=True):
        faded[end] = old[end] + share * (new[end] - old[end])
    return faded
