"""The state of one visitor, and the state of each page that the visitor has open."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from distill.audio import Clip, load_clip, new_decoder
from distill.codec import Codec
from distill.editing.work import Work
from distill.errors import GoneError
from distill.server.askers import ANYONE
from distill.server.clip_set import ClipSet
from distill.server.secret import is_same
from distill.settings import DEFAULTS, Settings


@dataclass
class Visit:
    """The state of one visitor. All pages of the visitor share it: reloaded pages, and several pages in one browser."""

    owner: str
    last: Work
    shared: Codec | None = None
    settings: Settings = DEFAULTS
    make_room: Callable[["Visit"], object] = lambda visit: None
    begin: Callable[[], Work] | None = None
    address: str = ""
    clips: ClipSet | None = None
    taken: set[str] = field(default_factory=set)  # trainings whose codec was opened on a page
    pages: dict[str, "Page"] = field(default_factory=dict)
    works: dict[tuple[str, str, str], Work] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def num_bytes(self) -> int:
        """Bytes of memory that the visit takes, without the example codec, which all visitors share."""
        works = list(self.works.values())
        codecs = {work.codec for work in works if work.codec is not self.shared}
        return sum(work.num_bytes for work in works) + sum(codec.num_bytes for codec in codecs)

    def shrink(self, ceiling: int, *, also_shown: bool = False) -> None:
        """Free memory until the visit takes at most ``ceiling`` bytes.

        First the data goes that can be computed again, then clips without edits that no page shows; last, if
        ``also_shown``, all other clips.
        """
        with self.lock:
            works = sorted(self.works.values(), key=lambda work: work.used)
            for work in works:
                if self.num_bytes <= ceiling:
                    return
                work.release()
            missed_least = [work for work in works if not self._shows(work) and not work.is_edited]
            if also_shown:
                missed_least += [work for work in works if work not in missed_least]
            for work in missed_least:
                if self.num_bytes <= ceiling:
                    return
                self._forget(work)

    @property
    def is_new(self) -> bool:
        """Whether the visitor has done nothing yet."""
        return len(self.works) == 1 and not self.is_edited

    @property
    def is_edited(self) -> bool:
        return any(work.is_edited for work in list(self.works.values()))

    def find(self, codec: Codec, clip: Clip) -> Work | None:
        """The work of a clip in a codec, with its edits, if this visit has it; else None."""
        return self.works.get(Work.key_of(codec, clip.name, clip.waveform))

    def keep(self, work: Work) -> Work:
        """Keep a work as the latest of this visit, and return it. Above the limit, others are dropped."""
        with self.lock:
            self.works.pop(work.key, None)
            self.works[work.key] = work
            work.used = max((page.seen for page in self.pages.values()), default=0.0)
            others = {key: kept for key, kept in self.works.items() if kept is not work and not self._shows(kept)}
            while len(self.works) > self.settings.visit_works and others:  # drop works without edits first
                key = next((key for key, other in others.items() if not other.is_edited), next(iter(others)))
                del self.works[key], others[key]
            for other in others.values():
                if self.num_bytes > self.settings.visit_memory_bytes:
                    other.release()
        return work

    def _forget(self, work: Work) -> None:
        """Drop a work. A page that shows it gets a GoneError at its next request."""
        self.works = {key: kept for key, kept in self.works.items() if kept is not work}
        left = next(reversed(self.works.values()), None) or (self.begin() if self.begin else work)
        for page in list(self.pages.values()):
            page.work = left if page.work is work else page.work
        self.last = left if self.last is work else self.last

    def _shows(self, work: Work) -> bool:
        return any(page.work is work for page in list(self.pages.values()))


@dataclass(eq=False)
class Page:
    """The state of one page of a visitor: the open clip, and the clips to train on."""

    visit: Visit
    work: Work
    examples: Sequence[str] = ()
    clips: ClipSet | None = None
    taken: set[str] = field(default_factory=set)  # trainings whose codec this page need not open again
    seen: float = 0.0
    beats: int = 0  # number of open heartbeat connections

    @property
    def owner(self) -> str:
        return self.visit.owner

    @property
    def is_without_cookie(self) -> bool:
        """Whether the browser keeps no cookie; then a reloaded page is another visitor."""
        return self.owner.startswith(ANYONE)

    @property
    def address(self) -> str:
        """Network address of the visitor's latest request; "" if it is not known."""
        return self.visit.address

    @property
    def lock(self) -> threading.RLock:
        return self.visit.lock

    @property
    def codec(self) -> Codec:
        return self.work.codec

    def find_clips(self, shown: str | None) -> ClipSet | None:
        """The clips to train on that a page lists.

        Parameters
        ----------
        shown : str or None
            Secret of the set of clips. A script sends None, for the set that it uploaded last; "" stands for no clips.

        Raises
        ------
        GoneError
            If the set is no longer on the server.
        """
        if shown is None:
            return self.clips
        if not shown:
            return None
        for page in (self, *list(self.visit.pages.values())):
            if page.clips is not None and is_same(page.clips.secret, shown):
                return page.clips
        raise GoneError("The clips that this page lists are no longer on the server; please drop them again.")

    def set_clips(self, clips: ClipSet | None) -> None:
        """Set the clips to train on, for this page and for pages that are opened later."""
        before, self.clips, self.visit.clips = self.clips, clips, clips
        if before is not None and all(page.clips is not before for page in list(self.visit.pages.values())):
            before.delete()

    def open(
        self, codec: Codec, path: Path, *, example: str | None = None, pause: Callable[..., object] = lambda *_: None
    ) -> None:
        """Open the clip of a file in a codec, with its earlier edits from this visit; parameters as in :meth:`read`."""
        self.turn_to(self.read(codec, path, example=example, pause=pause))

    def read(
        self, codec: Codec, path: Path, *, example: str | None = None, pause: Callable[..., object] = lambda *_: None
    ) -> Work:
        """The work of a file's clip in a codec, with its earlier edits from this visit, or a new work.

        A visitor's file is decoded in a separate process, because it may be malicious.

        Parameters
        ----------
        codec : Codec
        path : Path
        example : str, optional
            Name of the example clip, if the file is one. Without a name, the file is a visitor's own.
        pause : callable
            Called every few seconds of sound, so that other visitors can go first.

        Raises
        ------
        FullError
            If the server has no memory for another clip.
        """
        self.visit.make_room(self.visit)
        if example is not None:
            clip = load_clip(path, tick=pause)
        else:
            with new_decoder(self.visit.settings) as decoder:
                clip = load_clip(path, settings=self.visit.settings, decoder=decoder, tick=pause)
        work = self.visit.find(codec, clip)
        work = work or Work.begin(codec, clip, file_bytes=path.stat().st_size, progress=pause)
        work.example = example or work.example
        return work

    def turn_to_clip(self, codec: Codec, clip: Clip, pause: Callable[..., object] = lambda *_: None) -> None:
        """Open a clip that is in memory, in a codec; ``pause`` as in :meth:`read`."""
        self.turn_to(self.visit.find(codec, clip) or Work.begin(codec, clip, progress=pause))

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The clips that the visitor can open, as (label, value) pairs: the examples, then the visitor's own clips, the
        latest last. The value is an example's name or a work's secret."""
        own = [(f"{work.name} (yours)", work.secret) for work in self.visit.works.values() if not work.example]
        return [(name, name) for name in self.examples] + own

    def turn_to(self, work: Work) -> None:
        """Make a work the open clip of this page."""
        self.work = self.visit.last = self.visit.keep(work)

    def take(self, training: str) -> None:
        """Note that the codec of a training was opened, for this page and for pages that are opened later."""
        self.taken.add(training)
        self.visit.taken.add(training)

    def take_again(self, training: str) -> None:
        """Let every page open the codec of a training again, because the training goes on."""
        for taken in (self.visit.taken, *(page.taken for page in list(self.visit.pages.values()))):
            taken.discard(training)
