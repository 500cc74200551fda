"""All visits, and the pages of each."""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import soundfile

from distill.audio import load_clip
from distill.codec import Codec
from distill.editing.work import Work
from distill.errors import FullError, GoneError
from distill.server.askers import owner_of_page
from distill.server.secret import is_same
from distill.server.visit import Page, Visit
from distill.settings import DEFAULTS, Settings

FIRST_CLIP = "loop_breakbeat"
MOMENT_SECONDS = 5
"""Seconds after a request during which a page counts as open; its heartbeat connection opens within that time."""


@dataclass(frozen=True)
class Examples:
    """The example clips and the example codec. All visitors share them, and they never change."""

    codec: Codec
    clips: Sequence[Path]
    pictures: dict[str, str] = field(default_factory=dict)
    """Pictures for the strip by the names of the clips, in base64, of those that were asked for."""

    @classmethod
    def load(cls, folder: Path) -> "Examples":
        """Load the examples from a folder with ``clips/`` and ``models/loops.distill``."""
        return cls(Codec.load(folder / "models" / "loops.distill"), sorted((folder / "clips").glob("*.flac")))

    @cached_property
    def first(self) -> Work:
        """The clip that a new page shows."""
        path = next(path for path in self.clips if path.stem == FIRST_CLIP)
        work = Work.begin(self.codec, load_clip(path), file_bytes=path.stat().st_size)
        work.example = FIRST_CLIP
        return work

    @property
    def names(self) -> list[str]:
        return [path.stem for path in self.clips]

    @cached_property
    def seconds(self) -> dict[str, float]:
        """Length of each clip in seconds, by its name."""
        return {path.stem: soundfile.info(path).duration for path in self.clips}


class Visitors:
    """All visits. A visit is found by its owner, a page by its session hash from Gradio.

    Parameters
    ----------
    examples : Examples
        The clips and the codec of a new visit.
    settings : Settings
        Limits on the number of visits, their duration and their memory.
    clock : callable
        A monotonic clock in seconds.
    """

    def __init__(
        self, examples: Examples, settings: Settings = DEFAULTS, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.examples, self._settings, self._clock = examples, settings, clock
        self.forget_page: Callable[[str], object] = lambda name: None  # called with the name of a page that has ended
        self._lock = threading.Lock()
        self._visits: dict[str, Visit] = {}

    def page(self, owner: str, name: str, address: str = "") -> Page:
        """The page of a visitor. A new page shows the clip that the visitor had open last.

        Parameters
        ----------
        owner : str
            Identifier from the visitor's cookie; "" without a cookie. Then the page is a visitor by itself.
        name : str
            Gradio's session hash of the page.
        address : str
            Network address of the request.

        Raises
        ------
        FullError
            If the number of visitors, in all or from that address, is at its limit.
        """
        with self._lock:
            return self._page(owner, name, address)

    def _page(self, owner: str, name: str, address: str) -> Page:
        owner = owner or owner_of_page(name)
        self._end_those_over()
        visit = self._visits.get(owner) or self._begin(owner, address)
        visit.address = address or visit.address
        if name not in visit.pages:
            while len(visit.pages) >= self._settings.visit_pages:
                self._end(visit, min(visit.pages, key=lambda each: (visit.pages[each].beats, visit.pages[each].seen)))
            before = visit.before(visit.last.codec)
            visit.pages[name] = Page(visit, visit.last, clips=visit.clips, before=before, taken=set(visit.taken))
        page = visit.pages[name]
        page.seen = self._clock()
        return page

    def has_place(self, owner: str, address: str = "") -> bool:
        """Whether a visitor has a visit or could begin one."""
        with self._lock:
            self._end_those_over()
            return owner in self._visits or (self._has_room(address) and self._has_room(None))

    def is_anothers(self, name: str, owner: str) -> bool:
        """Whether a page belongs to another visitor than ``owner``."""
        with self._lock:
            visits = list(self._visits.values())
        return any(name in visit.pages and visit.owner != (owner or owner_of_page(name)) for visit in visits)

    def is_here(self, owner: str) -> bool:
        """Whether a visitor has a page open now, or sent a request in the last seconds."""
        with self._lock:
            visit = self._visits.get(owner)
            return visit is not None and (_is_connected(visit) or self._clock() - _last_seen(visit) < MOMENT_SECONDS)

    def work(self, owner: str, secret: object) -> Work:
        """The work with a secret, for reading: the visitor's own or the example.

        Raises
        ------
        GoneError
            If the visitor has no such work: the server restarted, the visit ended, or the work is another visitor's.
        """
        first = self.examples.first
        return first if is_same(first.secret, secret) else self.own_work(owner, secret)

    def own_work(self, owner: str, secret: object) -> Work:
        """The visitor's own work with a secret, for editing; errors as in :meth:`work`."""
        with self._lock:
            visit = self._visits.get(owner)
            for work in list(visit.works.values()) if visit else ():
                if is_same(work.secret, secret):
                    work.used = self._clock()
                    for page in visit.pages.values() if visit else ():
                        page.seen = work.used if page.work is work else page.seen
                    return work
        raise GoneError("This clip is no longer open on the server; please reload the page.")

    def codec(self, owner: str, sound_id: str) -> Codec:
        """The codec with a :attr:`distill.codec.Codec.sound_id`: the example's, or one of the visitor's own clips.

        Raises
        ------
        GoneError
            If there is no such codec, or it is another visitor's.
        """
        if self.examples.codec.sound_id == sound_id:
            return self.examples.codec
        with self._lock:
            visit = self._visits.get(owner)
            for work in list(visit.works.values()) if visit else ():
                if work.codec.sound_id == sound_id:
                    return work.codec
        raise GoneError("This codec is not there, or not yours; please reload the page.")

    def touch(self, page: Page) -> None:
        """Note that a page is in use, also when it only waits."""
        page.seen = self._clock()

    def come(self, owner: str, name: str, address: str = "") -> None:
        """A page opened its heartbeat connection. The page begins if the server has room for it."""
        with self._lock, contextlib.suppress(FullError):
            self._page(owner, name, address).beats += 1

    def leave(self, owner: str, name: str) -> None:
        """A page closed or lost its heartbeat connection. The state of its visitor is kept for a while."""
        with self._lock:
            visit = self._visits.get(owner or owner_of_page(name))
            if visit and name in visit.pages:
                page = visit.pages[name]
                page.beats, page.seen = max(0, page.beats - 1), self._clock()

    def end(self, owner: str) -> None:
        """End a visit at once, with all its pages."""
        with self._lock:
            if visit := self._visits.pop(owner, None):
                for name in list(visit.pages):
                    self._end(visit, name)

    def make_room(self, visit: Visit) -> None:
        """Make room in memory for another clip of a visit; the address with the most memory gives way first.

        Raises
        ------
        FullError
            If the visitor, or all visitors from the same address, are at their limit of memory.
        """
        settings = self._settings
        visit.shrink(settings.visit_memory_bytes)
        if visit.num_bytes > settings.visit_memory_bytes:
            raise FullError("Your clips here take all the memory that one visitor has; please open shorter ones.")
        sizes = self._sizes()
        fair = settings.memory_bytes / max(2, len(sizes))
        own = sizes.get(visit.address, 0)
        if own > settings.address_memory_bytes or (sum(sizes.values()) > settings.memory_bytes and own > fair):
            raise FullError("The server has no memory for another clip now; please try again in some minutes.")
        self.tidy()

    def tidy(self) -> int:
        """End expired visits, and free memory until the rest is within the limit; return the bytes that are then taken.

        First the data goes that can be computed again, the longest unused first. Then clips go, from the addresses with
        the most memory.
        """
        with self._lock:
            self._end_those_over()
        ceiling, visits = self._settings.memory_bytes, self._all()
        total = sum(self._sizes().values())
        for work in sorted({work for visit in visits for work in visit.works.values()}, key=lambda work: work.used):
            if total <= ceiling:
                return total
            total -= work.release()
        for also_shown in (False, True):
            sizes = self._sizes()
            for visit in sorted(visits, key=lambda visit: (-sizes.get(visit.address, 0), -visit.num_bytes)):
                if total <= ceiling:
                    return total
                before, behind = visit.num_bytes, sum(each.address == visit.address for each in visits)
                fair = ceiling // max(2, len(sizes)) // behind
                visit.shrink(max(fair, before - total + ceiling), also_shown=also_shown)
                total -= before - visit.num_bytes
        return total

    def _all(self) -> list[Visit]:
        with self._lock:
            return list(self._visits.values())

    def _sizes(self) -> dict[str, int]:
        """Bytes of memory by address. A codec that several visits share counts for the first of them."""
        sizes: dict[str, int] = {}
        codecs: set[Codec] = set()
        for visit in self._all():
            new = visit.codecs - codecs
            codecs |= new
            size = visit.own_bytes + sum(codec.num_bytes for codec in new)
            sizes[visit.address] = sizes.get(visit.address, 0) + size
        return sizes

    @property
    def owners(self) -> set[str]:
        """The owners of all visits."""
        with self._lock:
            return set(self._visits)

    def _begin(self, owner: str, address: str) -> Visit:
        if self._is_full(address):
            self._make_place(address)
        if self._is_full(None):
            self._make_place(None)
        begin = self.examples.first.fresh
        visit = Visit(
            owner, begin(), self.examples.codec, self._settings, self.make_room, begin, address,
        )  # fmt: skip
        visit.keep(visit.last)
        self._visits[owner] = visit
        return visit

    def _behind(self, address: str | None) -> list[Visit]:
        """The visits from an address; None for all visits."""
        return [visit for visit in self._visits.values() if address in (None, visit.address)]

    def _is_full(self, address: str | None) -> bool:
        most = self._settings.visits if address is None else self._settings.address_visits
        return len(self._behind(address)) >= most

    def _has_room(self, address: str | None) -> bool:
        return not self._is_full(address) or any(not _is_connected(visit) for visit in self._behind(address))

    def _make_place(self, address: str | None) -> None:
        """End a visit without a heartbeat connection: unedited visits go first, then the longest unused."""
        gone = [visit for visit in self._behind(address) if not _is_connected(visit)]
        if not gone:
            raise FullError("Distill has as many visitors as it can hold; please come back in some minutes.")
        least = min(gone, key=lambda visit: (visit.is_edited, not visit.is_new, _last_seen(visit)))
        for name in list(least.pages):
            self._end(least, name)
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

    def _end(self, visit: Visit, name: str) -> None:
        del visit.pages[name]
        self.forget_page(name)


def _is_connected(visit: Visit) -> bool:
    return any(page.beats for page in visit.pages.values())


def _last_seen(visit: Visit) -> float:
    return max((page.seen for page in visit.pages.values()), default=0.0)
