"""The state of one visitor, and the state of each page that the visitor has open."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from distill.audio import Clip, load_clip, new_decoder
from distill.codec import Codec
from distill.editing.work import Work
from distill.errors import GoneError
from distill.prior import Memory
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
    learned: dict[str, Memory] = field(default_factory=dict)  # clips of the visitor that codecs draw from, by model
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def codecs(self) -> set[Codec]:
        """The codecs that the visit keeps in memory, without the example codec, which all visitors share."""
        held = [work.codec for work in list(self.works.values())]
        held += [page.before for page in list(self.pages.values()) if page.before]
        return {codec for codec in held if codec is not self.shared}

    @property
    def latest(self) -> list[Work]:
        """All works, those that were opened last first."""
        return list(reversed(list(self.works.values())))

    def before(self, codec: Codec) -> Codec | None:
        """The codec that was in use before this one, as far as clips in it are left."""
        return next((work.codec for work in self.latest if work.codec.sound_id != codec.sound_id), None)

    @property
    def own_bytes(self) -> int:
        """Bytes of memory that the visit takes without codecs, which several visits may share."""
        learned = sum(memory.num_bytes for memory in list(self.learned.values()))
        return learned + sum(work.num_bytes for work in list(self.works.values()))

    @property
    def num_bytes(self) -> int:
        """Bytes of memory that the visit takes, with its :attr:`codecs`."""
        return self.own_bytes + sum(codec.num_bytes for codec in self.codecs)

    def learned_by(self, codec: Codec) -> Memory | None:
        """The visitor's clips that a codec draws from; None for the grids in its file."""
        return self.learned.get(codec.model_id)

    def shrink(self, ceiling: int, *, also_shown: bool = False) -> None:
        """Free memory until the visit takes at most ``ceiling`` bytes.

        First the data goes that can be computed again, then what codecs learned of the visitor's clips, then clips
        without edits that no page shows; last, if ``also_shown``, all other clips.
        """
        with self.lock:
            works = sorted(self.works.values(), key=lambda work: work.used)
            for work in works:
                if self.num_bytes <= ceiling:
                    return
                work.release()
            if self.num_bytes > ceiling:
                self.learned.clear()
                for page in list(self.pages.values()):
                    page.before = None
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

    @property
    def next_recording(self) -> str:
        """A name for what the visitor records next. Browsers call every recording "audio.wav"."""
        names, number = {work.name for work in list(self.works.values())}, 1
        while (name := f"recording {number}") in names:
            number += 1
        return name

    def find(self, codec: Codec, clip: Clip) -> Work | None:
        """The work of a clip in a codec, with its edits, if this visit has it; else None."""
        return self.works.get(Work.key_of(codec, clip.name, clip.waveform))

    def had(self, work: Work) -> Work:
        """The work that this visit has of the same codes of the same clip, with its edits; else the given work.

        Clips that differ in their codes alone get different names, so that none takes the place of the other.
        """
        name, number = work.name, 1
        while (kept := self.works.get(work.key)) is not None:
            if kept.history.original == work.history.original:
                return kept
            number += 1
            work.rename(f"{name} ({number})")
        return work

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
        """Drop a work. A page that shows it gets a GoneError at its next request; no page has it as its second clip."""
        self.works = {key: kept for key, kept in self.works.items() if kept is not work}
        left = next(reversed(self.works.values()), None) or (self.begin() if self.begin else work)
        for page in list(self.pages.values()):
            page.work = left if page.work is work else page.work
            page.second = None if page.second is work else page.second
        self.last = left if self.last is work else self.last

    def _shows(self, work: Work) -> bool:
        """Whether a page has the work open, or as its second clip."""
        return any(work in (page.work, page.second) for page in list(self.pages.values()))


@dataclass(eq=False)
class Page:
    """The state of one page of a visitor: the open clip, a second clip beside it, and the clips to train on."""

    visit: Visit
    work: Work
    second: Work | None = None
    clips: ClipSet | None = None
    before: Codec | None = None  # the codec that this page had in use before that of ``work``, to compare both
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
        listed = [page.clips for page in (self, *list(self.visit.pages.values()))]
        kept = [each for each in listed if each] + [each.whole for each in listed if each and each.whole]
        for each in (before, before.whole) if before else ():
            if each is not None and each not in kept:
                each.delete()

    def open(
        self, codec: Codec, path: Path, *, example: str | None = None, pause: Callable[..., object] = lambda *_: None
    ) -> None:
        """Open the clip of a file in a codec, with its earlier edits from this visit; parameters as in :meth:`read`."""
        self.turn_to(self.read(codec, path, example=example, pause=pause))

    def read(
        self,
        codec: Codec,
        path: Path,
        *,
        example: str | None = None,
        name: str | None = None,
        pause: Callable[..., object] = lambda *_: None,
    ) -> Work:
        """The work of a file's clip in a codec, with its earlier edits from this visit, or a new work.

        A visitor's file is decoded in a separate process, because it may be malicious.

        Parameters
        ----------
        codec : Codec
        path : Path
        example : str, optional
            Name of the example clip, if the file is one. Without a name, the file is a visitor's own.
        name : str, optional
            What the clip is called; by default, the name of its file.
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
        clip = replace(clip, name=name or clip.name)
        work = self.visit.find(codec, clip)
        work = work or Work.begin(codec, clip, file_bytes=path.stat().st_size, progress=pause)
        work.example = example or work.example
        return work

    def turn_to_clip(self, codec: Codec, clip: Clip, pause: Callable[..., object] = lambda *_: None) -> None:
        """Open a clip that is in memory, in a codec; ``pause`` as in :meth:`read`."""
        self.turn_to(self.visit.find(codec, clip) or Work.begin(codec, clip, progress=pause))

    def turn_to(self, work: Work) -> None:
        """Make a work the open clip of this page, without a second clip."""
        if work.codec.sound_id != self.codec.sound_id:
            self.before = self.codec
        self.work = self.visit.last = self.visit.keep(work)
        self.second = None

    def turn_back(self, shown: Work, pause: Callable[..., object] = lambda *_: None) -> None:
        """Take the codec into use that was in use before, with the clip that was open in it last, or else the clip that
        the page shows; ``pause`` as in :meth:`read`.

        Raises
        ------
        FullError
            If the server has no memory for another clip.
        GoneError
            If no other codec was in use, or it had to make room.
        """
        codec = self.before
        if codec is None:
            raise GoneError("No other codec was in use here before, or it had to make room; please open its file.")
        in_it = (work for work in self.visit.latest if work.codec.sound_id == codec.sound_id)
        if work := next(in_it, None):
            return self.turn_to(work)
        self.visit.make_room(self.visit)
        return self.turn_to_clip(codec, shown.as_clip(pause), pause)

    def take(self, training: str) -> None:
        """Note that the codec of a training was opened, for this page and for pages that are opened later."""
        self.taken.add(training)
        self.visit.taken.add(training)

    def take_again(self, training: str) -> None:
        """Let every page open the codec of a training again, because the training goes on."""
        for taken in (self.visit.taken, *(page.taken for page in list(self.visit.pages.values()))):
            taken.discard(training)
