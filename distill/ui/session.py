"""What one visitor owns, and who is here."""

import contextlib
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from starlette.requests import cookie_parser

from distill.audio import Clip, load_clip, new_decoder
from distill.codec import Codec
from distill.errors import FullError, GoneError
from distill.settings import DEFAULTS, Settings
from distill.ui.clip_set import ClipSet
from distill.ui.storage import ANYONE
from distill.ui.work import Work

COOKIE = "distill"
FIRST_CLIP = "loop_breakbeat"


@dataclass
class Visit:
    """What one visitor has here, whichever page shows it: reloaded pages, and several in one browser, share it."""

    owner: str
    last: Work
    shared: Codec | None = None
    settings: Settings = DEFAULTS
    make_room: Callable[[], object] = lambda: None
    clips: ClipSet | None = None
    taken: set[str] = field(default_factory=set)  # the trainings whose codec was turned to
    pages: dict[str, "Session"] = field(default_factory=dict)
    works: dict[tuple[str, str, str], Work] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def num_bytes(self) -> int:
        """Of memory, but for the example codec, which all share."""
        works = list(self.works.values())
        codecs = {work.codec for work in works if work.codec is not self.shared}
        return sum(work.num_bytes for work in works) + sum(codec.num_bytes for codec in codecs)

    @property
    def is_new(self) -> bool:
        """Whether nothing was done yet."""
        return len(self.works) == 1 and not self.is_edited

    @property
    def is_edited(self) -> bool:
        return any(work.is_edited for work in list(self.works.values()))

    def find(self, codec: Codec, clip: Clip) -> Work | None:
        """The clip in the codec, with its edits, if it was opened earlier in this visit."""
        return self.works.get(_key(codec, clip))

    def keep(self, work: Work) -> Work:
        """Remember a work among the latest, and return it."""
        with self.lock:
            place = work.key
            self.works.pop(place, None)
            self.works[place] = work
            work.used = max((page.seen for page in self.pages.values()), default=0.0)
            others = {key: kept for key, kept in self.works.items() if kept is not work and not self._shows(kept)}
            while len(self.works) > self.settings.visit_works and others:  # first those that are only looked at
                key = next((key for key, other in others.items() if not other.is_edited), next(iter(others)))
                del self.works[key], others[key]
            for other in others.values():
                if self.num_bytes > self.settings.visit_memory_bytes:
                    other.release()
        return work

    def _shows(self, work: Work) -> bool:
        return any(page.work is work for page in list(self.pages.values()))


@dataclass(eq=False)
class Session:
    """What a visitor's page shows: the clip at work, and the clips to train on."""

    visit: Visit
    work: Work
    examples: Sequence[str] = ()
    clips: ClipSet | None = None
    seen: float = 0.0
    beats: int = 0  # connections that the page holds to say that it is here

    @property
    def owner(self) -> str:
        return self.visit.owner

    @property
    def lock(self) -> threading.RLock:
        return self.visit.lock

    @property
    def codec(self) -> Codec:
        return self.work.codec

    def set_clips(self, clips: ClipSet | None) -> None:
        """The clips to train on, here and on pages that are opened later."""
        before, self.clips, self.visit.clips = self.clips, clips, clips
        if before is not None and all(page.clips is not before for page in self.visit.pages.values()):
            before.delete()

    def open(self, codec: Codec, path: Path, *, example: str | None = None) -> None:
        """Turn to the clip of a file in a codec, with the edits that were made of it earlier in this visit."""
        work = self.read(codec, path, is_example=example is not None)
        work.example = example
        self.turn_to(work)

    def read(self, codec: Codec, path: Path, *, is_example: bool = False) -> Work:
        """The clip of a file in a codec, as it was left earlier in this visit, or new; a stranger's file is decoded
        where it can do no harm.

        Raises
        ------
        FullError
            If the server has no memory for another clip.
        """
        self.visit.make_room()
        if is_example:
            clip = load_clip(path)
        else:
            with new_decoder(self.visit.settings) as decoder:
                clip = load_clip(path, settings=self.visit.settings, decoder=decoder)
        return self.visit.find(codec, clip) or Work.begin(codec, clip, file_bytes=path.stat().st_size)

    def turn_to_clip(self, codec: Codec, clip: Clip) -> None:
        """Turn to a clip that is at hand, in a codec."""
        self.turn_to(self.visit.find(codec, clip) or Work.begin(codec, clip))

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The clips there are to turn to, each with its name and what it is asked for by: examples, then the visitor's
        own, the latest last."""
        own = [(f"{work.name} (yours)", work.secret) for work in self.visit.works.values() if not work.example]
        return [(name, name) for name in self.examples] + own

    def turn_to(self, work: Work) -> None:
        """Make a work the current one."""
        self.work = self.visit.last = self.visit.keep(work)


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

    @property
    def names(self) -> list[str]:
        return [path.stem for path in self.clips]


class Visitors:
    """Who is here: each visit is found by its owner, each page by the secret that Gradio gives it.

    Parameters
    ----------
    examples : Examples
        What a new visit starts with.
    settings : Settings
        How many visits there may be, how long they last, and how much memory they may take.
    clock : callable
        Seconds that only ever grow.
    """

    def __init__(
        self, examples: Examples, settings: Settings = DEFAULTS, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.examples, self._settings, self._clock = examples, settings, clock
        self.forget_page: Callable[[str], object] = lambda page: None  # what else is to be done when a page is over
        self._lock = threading.Lock()
        self._visits: dict[str, Visit] = {}

    def session(self, owner: str, page: str) -> Session:
        """A visitor's page, begun if it is new, with the clip that this visitor looked at last.

        Parameters
        ----------
        owner : str
            Whom the cookie stands for; "" without a cookie, then the page is a visitor by itself.
        page : str
            Gradio's name for it.

        Raises
        ------
        FullError
            If there are as many visitors as there may be.
        """
        with self._lock:
            return self._session(owner, page)

    def _session(self, owner: str, page: str) -> Session:
        owner = owner or ANYONE + hashlib.sha256(page.encode()).hexdigest()[:32]
        self._end_those_over()
        visit = self._visits.get(owner) or self._begin(owner)
        if page not in visit.pages:
            while len(visit.pages) >= self._settings.visit_pages:
                self._end(visit, min(visit.pages, key=lambda name: (visit.pages[name].beats, visit.pages[name].seen)))
            visit.pages[page] = Session(visit, visit.last, self.examples.names, visit.clips)
        session = visit.pages[page]
        session.seen = self._clock()
        return session

    def has_place(self, owner: str) -> bool:
        """Whether a visitor is here already, or could be."""
        with self._lock:
            self._end_those_over()
            full = len(self._visits) >= self._settings.visits
            return owner in self._visits or not full or any(not _is_connected(visit) for visit in self._visits.values())

    def is_anothers(self, page: str, owner: str) -> bool:
        """Whether a page is that of another visitor; one without a cookie is anyone's who knows its name."""
        with self._lock:
            visits = list(self._visits.values())
        return any(page in visit.pages and visit.owner not in (owner, *_nobodys(visit)) for visit in visits)

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
            for visit in self._visits.values():
                for work in list(visit.works.values()):
                    if _same(work.secret, secret):
                        work.used = self._clock()
                        for page in visit.pages.values():
                            page.seen = work.used if page.work is work else page.seen
                        return work
        raise GoneError("This clip is no longer open on the server; please reload the page.")

    def touch(self, session: Session) -> None:
        """Something happens on a page, if only that it waits."""
        session.seen = self._clock()

    def come(self, owner: str, page: str) -> None:
        """A page holds a connection, to say that it is here; it begins if there is room for it."""
        with self._lock, contextlib.suppress(FullError):
            self._session(owner, page).beats += 1

    def leave(self, owner: str, page: str) -> None:
        """The page was closed, or lost its connection; what its visitor has here is kept for a while."""
        with self._lock:
            for visit in self._visits.values():
                if page in visit.pages and visit.owner in (owner, *_nobodys(visit)):
                    session = visit.pages[page]
                    session.beats, session.seen = max(0, session.beats - 1), self._clock()

    def make_room(self) -> None:
        """Raise a FullError if, with all forgotten that can be made again, there is no memory for another clip."""
        if self.tidy() > self._settings.memory_bytes:
            raise FullError("The server has no memory for another clip now; please try again in some minutes.")

    def tidy(self) -> int:
        """End the visits that are over, and forget the sounds that were not used for longest until the rest fits into
        memory; tells how many bytes of it are taken then."""
        with self._lock:
            self._end_those_over()
            visits = list(self._visits.values())
        works = sorted({work for visit in visits for work in list(visit.works.values())}, key=lambda work: work.used)
        total = sum(work.num_bytes for work in works)
        for work in works:
            if total <= self._settings.memory_bytes:
                break
            total -= work.release()
        return total

    @property
    def owners(self) -> set[str]:
        """Who is here."""
        with self._lock:
            return set(self._visits)

    def _begin(self, owner: str) -> Visit:
        if len(self._visits) >= self._settings.visits:
            self._make_place()
        visit = Visit(owner, self.examples.first.fresh(), self.examples.codec, self._settings, self.make_room)
        visit.keep(visit.last)
        self._visits[owner] = visit
        return visit

    def _make_place(self) -> None:
        """End the visit that is missed least, of those whose pages hold no connection."""
        gone = [visit for visit in self._visits.values() if not _is_connected(visit)]
        if not gone:
            raise FullError("Distill has as many visitors as it can hold; please come back in some minutes.")
        least = min(gone, key=lambda visit: (visit.is_edited, not visit.is_new, _last_seen(visit)))
        for page in list(least.pages):
            self._end(least, page)
        del self._visits[least.owner]

    def _end_those_over(self) -> None:
        now, settings = self._clock(), self._settings
        for owner, visit in list(self._visits.items()):
            for name, page in list(visit.pages.items()):
                kept_seconds = settings.visit_idle_seconds if page.beats else settings.visit_absent_seconds
                if now - page.seen > kept_seconds:
                    self._end(visit, name)
            if not visit.pages:
                del self._visits[owner]

    def _end(self, visit: Visit, page: str) -> None:
        del visit.pages[page]
        self.forget_page(page)


def owner_of(cookies: str) -> str:
    """Whom a ``Cookie`` header stands for, as 32 hexadecimal digits; "" without a cookie of ours.

    The cookie itself is the visitor's secret: it is kept nowhere on the server.
    """
    secret = cookie_parser(cookies).get(COOKIE, "")
    return hashlib.sha256(secret.encode()).hexdigest()[:32] if len(secret) >= 32 else ""


def _is_connected(visit: Visit) -> bool:
    return any(page.beats for page in visit.pages.values())


def _last_seen(visit: Visit) -> float:
    return max((page.seen for page in visit.pages.values()), default=0.0)


def _nobodys(visit: Visit) -> list[str]:
    return [visit.owner] if visit.owner.startswith(ANYONE) else []


def _same(secret: str, given: object) -> bool:
    return isinstance(given, str) and given.isascii() and secrets.compare_digest(secret, given)
