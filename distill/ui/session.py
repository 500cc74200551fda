"""What one visitor owns, and who is here."""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from distill.audio import Clip, load_clip
from distill.codec import Codec
from distill.errors import GoneError, TrainingError
from distill.jobs import TrainingJob
from distill.training.dataset import MelClip
from distill.ui.work import Work

KEPT_WORKS = 8
FIRST_CLIP = "loop_breakbeat"
IDLE_SECONDS = 3 * 3600
ABSENT_SECONDS = 10 * 60
"""How long a visit is kept whose page was closed, or lost its connection: it may come back."""


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
    examples: Sequence[str] = ()
    seen: float = 0.0
    left: float | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    works: dict[tuple[str, str, str], Work] = field(default_factory=dict)

    @property
    def codec(self) -> Codec:
        return self.work.codec

    def open(self, codec: Codec, path: Path, *, example: str | None = None) -> None:
        """Turn to the clip of a file in a codec, with the edits that were made of it earlier in this visit."""
        clip = load_clip(path)
        work = self.find(codec, clip) or Work.begin(codec, clip, file_bytes=path.stat().st_size)
        work.example = example
        self.turn_to(work)

    def turn_to_clip(self, codec: Codec, clip: Clip) -> None:
        """Turn to a clip that is at hand, in a codec."""
        self.turn_to(self.find(codec, clip) or Work.begin(codec, clip))

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The clips there are to turn to, each with its name and what it is asked for by: examples, then the visitor's
        own, the latest last."""
        own = [(f"{work.clip.name} (yours)", work.secret) for work in self.works.values() if not work.example]
        return [(name, name) for name in self.examples] + own

    def find(self, codec: Codec, clip: Clip) -> Work | None:
        """The clip in the codec, with its edits, if it was opened earlier in this visit."""
        return self.works.get(_key(codec, clip))

    def turn_to(self, work: Work) -> None:
        """Make a work the current one."""
        self.work = self.keep(work)

    def keep(self, work: Work) -> Work:
        """Remember a work among the latest, and return it."""
        key = _key(work.codec, work.clip)
        self.works.pop(key, None)
        self.works[key] = work
        while len(self.works) > KEPT_WORKS:  # first those that are only looked at
            others = [key for key, kept in self.works.items() if kept not in (self.work, work)]
            self.works.pop(next((key for key in others if not self.works[key].is_edited), others[0]))
        return work

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
        path = next(path for path in self.clips if path.stem == FIRST_CLIP)
        work = Work.begin(self.codec, load_clip(path), file_bytes=path.stat().st_size)
        work.example = FIRST_CLIP
        return work

    def new_session(self) -> Session:
        """A session with the first clip open and a history of its own."""
        first = self.first
        session = Session(first, examples=[path.stem for path in self.clips])
        session.turn_to(first.fresh())
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
        """The session of that page, begun if it is new; sessions that are unused or left for long end."""
        with self._lock:
            now = self._clock()
            for other in [key for key, session in self._sessions.items() if _is_over(session, now)]:
                self._end(self._sessions.pop(other))
            if secret not in self._sessions:
                self._sessions[secret] = self.examples.new_session()
            session = self._sessions[secret]
            session.seen, session.left = now, None
            return session

    def work(self, secret: object) -> Work:
        """The clip of that secret, to look at and listen to: a visitor's own, or the example.

        Raises
        ------
        GoneError
            If nobody here has it: the server was started anew, or the visit is long over.
        """
        return self.examples.first if _same(self.examples.first.secret, secret) else self.own_work(secret)

    def own_work(self, secret: object) -> Work:
        """A visitor's own clip of that secret, to change; errors as :meth:`work`."""
        with self._lock:
            for session in self._sessions.values():
                for work in list(session.works.values()):
                    if _same(work.secret, secret):
                        session.seen, session.left = self._clock(), None
                        return work
        raise GoneError("This clip is no longer open on the server; please reload the page.")

    def leave(self, secret: str) -> None:
        """The page was closed, or lost its connection: its training stops, and what it had is kept for ten minutes."""
        with self._lock:
            session = self._sessions.get(secret)
            if session is not None:
                session.left = self._clock()
                self._end(session)

    @staticmethod
    def _end(session: Session) -> None:
        if session.run is not None:
            session.run.job.stop()


def _is_over(session: Session, now: float) -> bool:
    left = session.left is not None and now - session.left > ABSENT_SECONDS
    return left or now - session.seen > IDLE_SECONDS


def _same(secret: str, given: object) -> bool:
    return isinstance(given, str) and secrets.compare_digest(secret.encode(), given.encode())
