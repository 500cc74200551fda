"""What one visitor owns, and who is here."""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from distill.audio import Clip, load_clip
from distill.codec import Codec
from distill.codes import CodeGrid, History
from distill.codes.edits import changed_columns
from distill.errors import TrainingError
from distill.jobs import TrainingJob
from distill.plots import code_palette
from distill.training.dataset import MelClip

KEPT_WORKS = 8
IDLE_SECONDS = 3 * 3600


@dataclass(frozen=True)
class _Splice:
    """Samples that an edit replaced, so that undo brings back the very sound that was there."""

    start: int
    before: np.ndarray
    after: np.ndarray


class Work:
    """A clip in a codec: its grid with the history of edits, and the sound of both.

    Parameters
    ----------
    codec : Codec
    clip : Clip
        The original.
    grid : CodeGrid
        Its codes.
    reconstruction : ndarray of float32 [num_frames * 512]
        The sound of those codes.
    """

    def __init__(self, codec: Codec, clip: Clip, grid: CodeGrid, reconstruction: np.ndarray) -> None:
        self.codec, self.clip, self.history = codec, clip, History(grid)
        self.reconstruction = self.edited = reconstruction
        self._done: list[_Splice] = []
        self._undone: list[_Splice] = []

    @classmethod
    def begin(cls, codec: Codec, clip: Clip, progress: Callable[[float], object] | None = None) -> "Work":
        """Encode a clip and decode it again."""
        grid = codec.encode_mel(codec.log_mel_of(clip))
        return cls(codec, clip, grid, codec.decode(grid, progress=progress))

    @cached_property
    def colours(self) -> list[np.ndarray]:
        """A colour for each code of each level, as arrays of bytes [codebook_size, 3]."""
        return [code_palette(codebook.numpy()) for codebook in self.codec.model.quantizer.codebooks]

    def do(self, label: str, grid: CodeGrid) -> np.ndarray:
        """Make an edit and return the sound of what it changed, empty if that is nothing."""
        before = self.history.grid
        if not self.history.do(label, grid):
            return np.zeros(0, dtype=np.float32)
        if grid == self.history.original:
            start, after = 0, self.reconstruction
        else:
            columns = changed_columns(before, grid)
            assert columns is not None
            patch = self.codec.decode_region(grid, columns=columns, previous=self.edited)
            start, after = patch.start, patch.waveform
        self._done.append(_Splice(start, self.edited[start : start + len(after)], after))
        self._undone.clear()
        return self._put(start, after)

    def undo(self) -> np.ndarray:
        """Take the last edit back and return the sound of what that changed."""
        self.history.undo()
        if not self._done:
            return np.zeros(0, dtype=np.float32)
        splice = self._done.pop()
        self._undone.append(splice)
        return self._put(splice.start, splice.before)

    def redo(self) -> np.ndarray:
        """Make the edit that was taken back last again and return the sound of what that changed."""
        self.history.redo()
        if not self._undone:
            return np.zeros(0, dtype=np.float32)
        splice = self._undone.pop()
        self._done.append(splice)
        return self._put(splice.start, splice.after)

    def _put(self, start: int, waveform: np.ndarray) -> np.ndarray:
        self.edited = self.edited.copy()
        self.edited[start : start + len(waveform)] = waveform
        return waveform


@dataclass(frozen=True)
class Run:
    """A training, and the start of its first clip, to listen to how it comes along."""

    job: TrainingJob
    probe: Clip
    first: Clip


@dataclass
class Session:
    """One visitor's clips, codec, edits and training."""

    work: Work
    clips: list[MelClip] = field(default_factory=list)
    first_clip: Clip | None = None
    run: Run | None = None
    seen: float = 0.0
    sequence: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    works: dict[tuple[str, str, str], Work] = field(default_factory=dict)

    @property
    def codec(self) -> Codec:
        return self.work.codec

    def open(self, codec: Codec, clip: Clip, progress: Callable[[float], object] | None = None) -> None:
        """Turn to a clip in a codec, with the edits that were made of it earlier in this visit."""
        self.turn_to(self.works.get(_key(codec, clip)) or Work.begin(codec, clip, progress))

    def turn_to(self, work: Work) -> None:
        """Make a work the current one, and remember it among the latest."""
        key = _key(work.codec, work.clip)
        self.works.pop(key, None)
        self.works[key] = self.work = work
        while len(self.works) > KEPT_WORKS:
            self.works.pop(next(iter(self.works)))

    def require_run(self) -> Run:
        """The visitor's training.

        Raises
        ------
        TrainingError
            If there is none.
        """
        if self.run is None:
            raise TrainingError("There is no training yet: drop some clips and press Train.")
        return self.run


def _key(codec: Codec, clip: Clip) -> tuple[str, str, str]:
    return codec.model_id, clip.name, hashlib.sha256(clip.waveform.tobytes()).hexdigest()


@dataclass(frozen=True)
class Examples:
    """The clips and the codec that every visitor starts with; shared, and never changed."""

    codec: Codec
    clips: Sequence[Path]

    @classmethod
    def load(cls, folder: Path) -> "Examples":
        """Read them from a folder with ``clips/`` and ``models/loops.distill``."""
        return cls(Codec.load(folder / "models" / "loops.distill"), sorted((folder / "clips").glob("*.flac")))

    @cached_property
    def first(self) -> Work:
        """The clip that is open when the page opens."""
        return Work.begin(self.codec, load_clip(next(p for p in self.clips if p.stem == "loop_breakbeat")))

    def new_session(self) -> Session:
        """A session with the first clip open and a history of its own."""
        first = self.first
        session = Session(first)
        session.turn_to(Work(first.codec, first.clip, first.history.original, first.reconstruction))
        return session


class Visitors:
    """The sessions of all who are here, each found by the secret that Gradio gives its page.

    Parameters
    ----------
    examples : Examples
        What a new session starts with.
    clock : callable
        Seconds that only ever grow.
    """

    def __init__(self, examples: Examples, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.examples, self._clock = examples, clock
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def session(self, secret: str) -> Session:
        """The session of that page, begun if it is new; sessions unused for three hours end."""
        with self._lock:
            now = self._clock()
            for other in [key for key, session in self._sessions.items() if now - session.seen > IDLE_SECONDS]:
                self._end(self._sessions.pop(other))
            if secret not in self._sessions:
                self._sessions[secret] = self.examples.new_session()
            self._sessions[secret].seen = now
            return self._sessions[secret]

    def leave(self, secret: str) -> None:
        """The page was closed: its session is dropped and its training stopped."""
        with self._lock:
            session = self._sessions.pop(secret, None)
        if session is not None:
            self._end(session)

    @staticmethod
    def _end(session: Session) -> None:
        if session.run is not None:
            session.run.job.stop()
