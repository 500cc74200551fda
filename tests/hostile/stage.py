"""The setting of an attack, the threads that send it, and checks of what a visitor notices."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from distill.codec import Codec
from tests.hostile.strangers import Stranger, processor_seconds, write_sound
from tests.space.visiting import Space
from tests.waiting import in_one_round, until

EDITS = 5
PER_EDIT = 8
"""Calls of one stranger that the server may answer for each edit of another visitor: two that compute when the edit
comes, two that follow them, and as many again."""
DEARER = 12
"""Maximum ratio of the server's processor time until an edit is answered to the processor time of a lone edit."""
IN_ORDER = {"most": 4 * EDITS, "dearer": 60}
"""Limits of :func:`fair` where one work computes at a time, so that others' work goes on between two edits. In the
order of their arrival, twice as many calls are answered before the edits, and five times as much is computed."""

Send = Callable[[], bool]


@dataclass
class Stage:
    """The setting of an attack: server, address and size.

    Parameters
    ----------
    url : str
        URL of the server.
    address : str
        Loopback address that the stranger sends from.
    folder : Path
        Folder for the files that are sent.
    codec : Codec
        Codec with which the page opens.
    seconds : float
        Length of the clips that are sent or opened, in seconds.
    """

    url: str
    address: str
    folder: Path
    codec: Codec
    seconds: float = 600.0
    strangers: list[Stranger] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    _own: threading.local = field(default_factory=threading.local)

    def come(self) -> Stranger:
        """Make a new visit of the stranger, with another cookie."""
        self.strangers.append(Stranger(self.url, self.address))
        return self.strangers[-1]

    def mine(self) -> Stranger:
        """The stranger's visit for this thread; two calls at once on one page would read the same stream."""
        if not hasattr(self._own, "stranger"):
            self._own.stranger = self.come()
        return self._own.stranger

    def sound(self, name: str, seconds: float | None = None, seed: int = 0) -> Path:
        """Write a small file that decodes to ``seconds`` of sound, and return its path."""
        return write_sound(self.folder / name, seconds or self.seconds, seed)

    def close(self) -> None:
        self.stop.set()
        for stranger in self.strangers:
            stranger.close()


class Crowd:
    """A context in which ``count`` threads send again and again; counts the served and the refused calls."""

    def __init__(self, send: Send, count: int) -> None:
        self._send, self._count, self._lock, self._over = send, count, threading.Lock(), threading.Event()
        self.served = self.refused = 0

    def __enter__(self) -> "Crowd":
        self._threads = [threading.Thread(target=self._go_on, daemon=True) for _ in range(self._count)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        ends = time.monotonic() + 1
        for thread in self._threads:  # a thread that still waits for an answer then is left running
            thread.join(max(0.0, ends - time.monotonic()))

    def _go_on(self) -> None:
        while not self._over.is_set():
            try:
                done = self._send()
            except (httpx.HTTPError, OSError, AssertionError, ValueError, RuntimeError):
                done = False
            with self._lock:
                self.served, self.refused = self.served + done, self.refused + (not done)
            if not done:
                self._over.wait(0.05)

    def is_at_it(self, space: Space, calls: int = 5) -> bool:
        """Whether some calls were answered, or wait on the server for their turn."""
        return self.served + self.refused >= calls or space.health()["works_waiting"] >= calls


def at_once(send: Callable[[int], object], count: int) -> list[object]:
    """Send ``count`` calls at the same time, and return their answers or exceptions."""

    def guarded(number: int) -> object:
        try:
            return send(number)
        except (httpx.HTTPError, AssertionError) as error:
            return error

    with ThreadPoolExecutor(count) as together:
        return list(together.map(guarded, range(count)))


def fair(space, send, new_stranger, connections=40, most=EDITS * PER_EDIT, dearer=DEARER):
    """A visitor's edits are answered in turn with what one stranger asks for, however much that is.

    Until the edits are answered, at most ``most`` calls of the stranger are, and the server spends at most ``dearer``
    times the processor time of as many lone edits.
    """
    visitor = new_stranger(space)
    visitor.open_page()

    def edits():
        """Make some edits, and measure the server's processor time until they are answered."""
        before = processor_seconds(space)
        for _ in range(EDITS):
            assert "codes" in visitor.paint()
        return processor_seconds(space) - before

    until(lambda: not space.health()["works_waiting"])  # of an attack before
    edits()
    quiet = min(edits(), edits())
    with Crowd(send, connections) as crowd:
        until(lambda: crowd.is_at_it(space))

        def are_answered_in_turn():
            before = crowd.served
            beside = edits()
            served = crowd.served - before
            assert served <= most, served
            assert beside <= dearer * max(quiet, 0.02 * EDITS), (quiet, beside)

        in_one_round(are_answered_in_turn, rounds=3)


def visits(visitor, clips):
    """Check that a visitor can open the page, edit and upload."""
    visitor.open_page()
    visitor.paint(code=3)
    visitor.call("explore_example", "loop_perc1")
    listed = visitor.call("add_clips", visitor.upload(*clips))[0]
    assert all(clip.stem in listed for clip in clips)
    visitor.open_clip(clips[0])
