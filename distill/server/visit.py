"""What one visitor owns, and what each page of it shows."""

import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from distill.audio import Clip, load_clip, new_decoder
from distill.codec import Codec
from distill.editing.work import Work
from distill.errors import GoneError
from distill.server.clip_set import ClipSet
from distill.settings import DEFAULTS, Settings


@dataclass
class Visit:
    """What one visitor has here, whichever page shows it: reloaded pages, and several in one browser, share it."""

    owner: str
    last: Work
    shared: Codec | None = None
    settings: Settings = DEFAULTS
    make_room: Callable[["Visit"], object] = lambda visit: None
    begin: Callable[[], Work] | None = None
    address: str = ""
    clips: ClipSet | None = None
    taken: set[str] = field(default_factory=set)  # the trainings whose codec a page turned to
    pages: dict[str, "Page"] = field(default_factory=dict)
    works: dict[tuple[str, str, str], Work] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def num_bytes(self) -> int:
        """Of memory, but for the example codec, which all share."""
        works = list(self.works.values())
        codecs = {work.codec for work in works if work.codec is not self.shared}
        return sum(work.num_bytes for work in works) + sum(codec.num_bytes for codec in codecs)

    def shrink(self, ceiling: int, *, also_shown: bool = False) -> None:
        """Forget what is missed least until all of this fits under a ceiling: first what can be made again, then clips
        that no page shows and nothing was done to, and where that is not enough, those that are shown.
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
        """Whether nothing was done yet."""
        return len(self.works) == 1 and not self.is_edited

    @property
    def is_edited(self) -> bool:
        return any(work.is_edited for work in list(self.works.values()))

    def find(self, codec: Codec, clip: Clip) -> Work | None:
        """The clip in the codec, with its edits, if it was opened earlier in this visit."""
        return self.works.get(Work.key_of(codec, clip.name, clip.waveform))

    def keep(self, work: Work) -> Work:
        """Remember a work among the latest, and return it."""
        with self.lock:
            self.works.pop(work.key, None)
            self.works[work.key] = work
            work.used = max((page.seen for page in self.pages.values()), default=0.0)
            others = {key: kept for key, kept in self.works.items() if kept is not work and not self._shows(kept)}
            while len(self.works) > self.settings.visit_works and others:  # first those that are only looked at
                key = next((key for key, other in others.items() if not other.is_edited), next(iter(others)))
                del self.works[key], others[key]
            for other in others.values():
                if self.num_bytes > self.settings.visit_memory_bytes:
                    other.release()
        return work

    def _forget(self, work: Work) -> None:
        """Let a clip go; a page that shows it is told so when it next asks for it."""
        self.works = {key: kept for key, kept in self.works.items() if kept is not work}
        left = next(reversed(self.works.values()), None) or (self.begin() if self.begin else work)
        for page in list(self.pages.values()):
            page.work = left if page.work is work else page.work
        self.last = left if self.last is work else self.last

    def _shows(self, work: Work) -> bool:
        return any(page.work is work for page in list(self.pages.values()))


@dataclass(eq=False)
class Page:
    """What a visitor's page shows: the clip at work, and the clips to train on."""

    visit: Visit
    work: Work
    examples: Sequence[str] = ()
    clips: ClipSet | None = None
    taken: set[str] = field(default_factory=set)  # the trainings whose codec this page need not turn to any more
    seen: float = 0.0
    beats: int = 0  # connections that the page holds to say that it is here

    @property
    def owner(self) -> str:
        return self.visit.owner

    @property
    def address(self) -> str:
        """Where the visitor's latest request came from; "" if that is not known."""
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
            The secret of that set. None for a script, which means the one that it dropped last; "" for no clips.

        Raises
        ------
        GoneError
            If the set is no longer on the server.
        """
        if shown is None:
            return self.clips
        if not shown:
            return None
        for page in (self, *self.visit.pages.values()):
            if page.clips is not None and secrets.compare_digest(page.clips.secret, shown):
                return page.clips
        raise GoneError("The clips that this page lists are no longer on the server; please drop them again.")

    def set_clips(self, clips: ClipSet | None) -> None:
        """The clips to train on, here and on pages that are opened later."""
        before, self.clips, self.visit.clips = self.clips, clips, clips
        if before is not None and all(page.clips is not before for page in self.visit.pages.values()):
            before.delete()

    def open(
        self, codec: Codec, path: Path, *, example: str | None = None, pause: Callable[..., object] = lambda *_: None
    ) -> None:
        """Turn to the clip of a file in a codec, with the edits that were made of it earlier in this visit."""
        self.turn_to(self.read(codec, path, example=example, pause=pause))

    def read(
        self, codec: Codec, path: Path, *, example: str | None = None, pause: Callable[..., object] = lambda *_: None
    ) -> Work:
        """The clip of a file in a codec, as it was left earlier in this visit, or new.

        A stranger's file is decoded where it can do no harm.

        Parameters
        ----------
        codec : Codec
        path : Path
        example : str, optional
            The name of the example clip that the file is; without it, the file is a stranger's.
        pause : callable
            Called between pieces of some seconds of sound.

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
        """Turn to a clip that is at hand, in a codec; ``pause`` as in :meth:`read`."""
        self.turn_to(self.visit.find(codec, clip) or Work.begin(codec, clip, progress=pause))

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The clips there are to turn to, each with its name and what it is asked for by: examples, then the visitor's
        own, the latest last."""
        own = [(f"{work.name} (yours)", work.secret) for work in self.visit.works.values() if not work.example]
        return [(name, name) for name in self.examples] + own

    def turn_to(self, work: Work) -> None:
        """Make a work the current one."""
        self.work = self.visit.last = self.visit.keep(work)

    def take(self, training: str) -> None:
        """Remember that the codec of a training was turned to, here and on pages that are opened from now on."""
        self.taken.add(training)
        self.visit.taken.add(training)

    def take_again(self, training: str) -> None:
        """Let every page turn to the codec of a training once more, because it goes on."""
        for taken in (self.visit.taken, *(page.taken for page in self.visit.pages.values())):
            taken.discard(training)
