"""Whose turn it is to compute: whoever has used the processors least lately goes first.

A visitor costs the server time, and a cookie costs a visitor nothing. So work is counted by the seconds that it really
took, for its visitor and for the address behind which that visitor is, and it waits in an order that follows these
counts, as in fair queueing (Demers, Keshav & Shenker, "Analysis and Simulation of a Fair Queueing Algorithm", 1989),
but with counts that fade. Long work gives way between its pieces.
"""

import asyncio
import contextlib
import contextvars
import math
import os
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, TypeVar

from distill.errors import FullError
from distill.server.askers import Asker
from distill.settings import Settings

T = TypeVar("T")

HALF_LIFE_SECONDS = 20.0
"""After so long, half of what somebody used is forgotten."""
LIGHT_SECONDS = 3.0
"""Whoever has used more than this lately computes with a lower priority."""
STARTED, ADDRESS_STARTED = 40, 12
"""Long works that have begun and not ended, of all and of one address: each holds a thread, and memory."""
ABSENT_SECONDS = 15.0
"""Whoever has asked for nothing for so long is not about any more."""
LOWER_PRIORITY = 10
"""A niceness: the kernel gives such a thread a tenth of what it gives another."""
MOST_REMEMBERED = 10_000
LONG_SECONDS = 0.5
"""What work that is not brief is thought to cost beforehand: of two who used as little, the brief one goes first."""
BUSY = "The server has too much to do for you now; please try again in a minute."

_current: contextvars.ContextVar["_Turn | None"] = contextvars.ContextVar("turn", default=None)


class CrowdedError(FullError):
    """Work was not begun, because too much waits."""


class Dropped(Exception):  # noqa: N818, it is no error
    """Raised in work whose result nobody waits for any more."""


@dataclass(eq=False)
class _Turn:
    """Somebody's work: waiting, computing, or having given way."""

    asker: Asker
    keys: frozenset[str]
    number: int
    start: Callable[[], object]
    refuse: Callable[[Exception], object]
    is_started: bool = False
    is_dropped: bool = False
    since: float = 0.0
    is_brief: bool = False
    go_on: threading.Event = field(default_factory=threading.Event)


class Turns:
    """Gives out turns to compute.

    Parameters
    ----------
    settings : Settings
        How many compute at the same time, how many may wait, and for how long.
    clock : callable
        Seconds that only ever grow.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._waiting: list[_Turn] = []
        self._computing: list[_Turn] = []
        self._paused: list[_Turn] = []
        self._seen: dict[str, float] = {}  # when each address asked last
        self._spent: dict[str, tuple[float, float]] = {}  # seconds, and when they were counted
        self._number = 0

    async def take(
        self, asker: Asker, work: Callable[[], T], *, keys: Collection[str] = (), is_brief: bool = False
    ) -> T:
        """Do some work in a thread, once it is this asker's turn.

        While it waits it holds no thread. If the task is cancelled, work that waits is dropped, and work that has
        begun ends at its next :meth:`pause`.

        Parameters
        ----------
        asker : Asker
        work : callable
            In pieces of some tenths of a second: it calls :meth:`pause` between them.
        keys : collection of str
            What it works on: only one work at a time has a key.
        is_brief : bool
            Whether it is over in a moment: then it does not count among those of which only so many may have begun.

        Raises
        ------
        CrowdedError
            If too many wait, of this visitor, of this address or of all, or it would wait for too long.
        """
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        context = contextvars.copy_context()

        def start() -> None:
            threading.Thread(target=context.run, args=(self._compute, turn, work, outcome, loop), daemon=True).start()

        def refuse(error: Exception) -> None:
            loop.call_soon_threadsafe(_settle, outcome, None, error)

        with self._lock:
            self._require_room(asker)
            self._number += 1
            self._see(asker.address)
            turn = _Turn(asker, frozenset(keys), self._number, start, refuse, since=self._clock(), is_brief=is_brief)
            self._waiting.append(turn)
        self._grant()
        late = loop.call_later(self._settings.turn_seconds, self._give_up, turn, outcome)
        try:
            return await outcome
        except asyncio.CancelledError:
            self._drop(turn)
            raise
        finally:
            late.cancel()

    def pause(self, *_: object) -> None:
        """Let others go first who have used less; to be called in work between its pieces, with no lock held.

        Raises
        ------
        Dropped
            If nobody waits for the work's result any more.
        """
        turn = _current.get()
        if turn is None:
            return
        with self._lock:
            if turn.is_dropped:
                raise Dropped
            self._charge(turn)
            if not self._waiting and not self._paused:
                return
            turn.go_on.clear()
            self._computing.remove(turn)
            self._paused.append(turn)
        self._grant()
        if not turn.go_on.wait(self._settings.turn_seconds) and self._is_given_up(turn):
            raise FullError(BUSY)
        _give_way_if(self.spent(turn.asker.address) > LIGHT_SECONDS)
        if turn.is_dropped:
            raise Dropped

    def spent(self, name: str) -> float:
        """Seconds of computing that a visitor or an address has used lately."""
        seconds, when = self._spent.get(name, (0.0, 0.0))
        return seconds * 0.5 ** ((self._clock() - when) / HALF_LIFE_SECONDS)

    @property
    def num_waiting(self) -> int:
        """How much work waits."""
        return len(self._waiting)

    @property
    def longest_wait(self) -> float:
        """Seconds for which the work has waited that came first."""
        with self._lock:
            return max((self._clock() - turn.since for turn in self._waiting), default=0.0)

    def _see(self, address: str) -> None:
        """Note who is about, and who is not any more."""
        now = self._clock()
        self._seen = {name: when for name, when in self._seen.items() if now - when <= ABSENT_SECONDS}
        self._seen[address] = now

    def _require_room(self, asker: Asker) -> None:
        settings = self._settings
        each = sum(turn.asker.visitor == asker.visitor for turn in self._waiting)
        address = sum(turn.asker.address == asker.address for turn in self._waiting)
        if each >= settings.visit_turns or address >= settings.address_turns or len(self._waiting) >= settings.turns:
            seconds = max(1, math.ceil(self.spent(asker.address)))
            raise CrowdedError(
                f"The server is still at what you asked for before; please try again in {min(seconds, 60)} seconds."
            )

    def _in_order(self) -> list[_Turn]:
        """What waits or has given way, the next one first."""
        turns = [*self._waiting, *self._paused]
        # Counts fade while one looks at them: each is read once, or equal ones would differ.
        spent = {name: self.spent(name) for turn in turns for name in (turn.asker.address, turn.asker.visitor)}

        def order(turn: _Turn) -> tuple[float, float, int]:
            handicap = 0.0 if turn.is_brief else LONG_SECONDS
            return spent[turn.asker.address], spent[turn.asker.visitor] + handicap, turn.number

        return sorted(turns, key=order)

    def _grant(self) -> None:
        """Let those compute whose turn it is, as many as there may be."""
        with self._lock:
            if not self._waiting and not self._paused:
                return
            for turn in self._in_order():
                if len(self._computing) >= self._settings.computing:
                    return
                if not self._may_begin(turn):
                    continue
                (self._paused if turn.is_started else self._waiting).remove(turn)
                self._computing.append(turn)
                turn.since = self._clock()
                if turn.is_started:
                    turn.go_on.set()
                else:
                    turn.is_started = True
                    self._start(turn)

    def _start(self, turn: _Turn) -> None:
        """Begin to compute, if the system has a thread for it."""
        try:
            turn.start()
        except RuntimeError:
            self._computing.remove(turn)
            turn.refuse(FullError("The server has too much to do now; please try again in a minute."))

    def _may_begin(self, turn: _Turn) -> bool:
        """Whether there is a place for a turn: the last one is kept for whoever comes from another address, and who has
        used much lately has one place while there are others about."""
        address = turn.asker.address
        same = sum(other.asker.address == address for other in self._computing)
        is_alone = all(self._clock() - when > ABSENT_SECONDS for other, when in self._seen.items() if other != address)
        most = self._settings.computing - 1 if is_alone or self.spent(address) < LIGHT_SECONDS else 1
        if same >= max(1, most):
            return False
        if turn.is_started:
            return True
        started = [*self._computing, *self._paused]
        long = [other.asker.address for other in started if not other.is_brief]
        if not turn.is_brief and (len(long) >= STARTED or long.count(address) >= ADDRESS_STARTED):
            return False
        return not any(turn.keys & other.keys for other in started)

    def _compute(
        self, turn: _Turn, work: Callable[[], T], outcome: "asyncio.Future[T]", loop: asyncio.AbstractEventLoop
    ) -> None:
        """In a thread of its own."""
        _give_way_if(self.spent(turn.asker.address) > LIGHT_SECONDS)
        _current.set(turn)
        result: T | None = None
        error: BaseException | None = None
        try:
            result = work()
        except BaseException as caught:
            error = caught
        with self._lock:
            if turn in self._computing:
                self._charge(turn)
                self._computing.remove(turn)
        self._grant()
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it all who wait
            loop.call_soon_threadsafe(_settle, outcome, result, error)

    def _charge(self, turn: _Turn) -> None:
        """Count what was used since the last time."""
        now = self._clock()
        seconds, turn.since = now - turn.since, now
        for name in {turn.asker.visitor, turn.asker.address}:
            self._spent[name] = (self.spent(name) + seconds, now)
        if len(self._spent) > MOST_REMEMBERED:
            self._spent = {name: spent for name, spent in self._spent.items() if self.spent(name) > 0.01}

    def _give_up(self, turn: _Turn, outcome: "asyncio.Future[T]") -> None:
        """Tell who has waited too long, if the work has not begun."""
        with self._lock:
            if turn not in self._waiting:
                return
            self._waiting.remove(turn)
        if not outcome.done():
            outcome.set_exception(CrowdedError(BUSY))

    def _is_given_up(self, turn: _Turn) -> bool:
        """Whether work that has given way is to end because its turn does not come again."""
        with self._lock:
            if turn not in self._paused:
                return False
            self._paused.remove(turn)
            return True

    def _drop(self, turn: _Turn) -> None:
        with self._lock:
            turn.is_dropped = True
            if turn in self._waiting:
                self._waiting.remove(turn)
        self._grant()


def _settle(outcome: "asyncio.Future[T]", result: Any, error: BaseException | None) -> None:
    if outcome.done():  # nobody waits any more
        return
    if error is None:
        outcome.set_result(result)
    elif isinstance(error, StopIteration):  # which no future can hold
        outcome.set_exception(RuntimeError("a step of a generator ended it"))
    else:
        outcome.set_exception(error)


def _give_way_if(is_heavy: bool) -> None:
    """Lower the priority of this thread, for good: it ends with its work."""
    if is_heavy and hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWER_PRIORITY)
