"""A fair scheduler of visitors' work: the work of the address that computed least lately goes first.

The order follows the seconds of computing that each address and each visitor has used, as in fair queueing (Demers,
Keshav & Shenker, "Analysis and Simulation of a Fair Queueing Algorithm", 1989), except that the counts decay with time.
Addresses count before visitors, because anybody can get a new cookie at no cost. Long work pauses between its pieces to
let other work go first.
"""

import asyncio
import contextlib
import contextvars
import math
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from distill import system
from distill.errors import FullError
from distill.server.askers import Asker
from distill.settings import Settings

T = TypeVar("T")

HALF_LIFE_SECONDS = 20.0
"""Half-life of the counts of computing seconds."""
LIGHT_SECONDS = 3.0
"""Computing seconds above which an address's threads get a lower priority and fewer places."""
STARTED, ADDRESS_STARTED = 40, 12
"""Maximum number of long works that have begun and not ended, in total and of one address. Each holds a thread and
memory."""
ABSENT_SECONDS = 15.0
"""Seconds without a request after which an address no longer counts as present."""
LOWER_PRIORITY = 10
"""Niceness of a thread with a lower priority: the Linux kernel gives it about a tenth of a normal thread's time."""
MOST_REMEMBERED = 10_000
"""Number of counts above which those near 0 are deleted."""
LONG_SECONDS = 0.5
"""Seconds that are added to a visitor's count for work that is not brief, so that between visitors who used equally
little, brief work goes first."""
BUSY = "The server has too much to do for you now; please try again in a minute."

_current: contextvars.ContextVar["_Turn | None"] = contextvars.ContextVar("turn", default=None)


class CrowdedError(FullError):
    """Raised when work is refused because too much other work waits."""


class Dropped(Exception):  # noqa: N818, it is no error
    """Raised inside work to stop it, when no client waits for its result any more."""


@dataclass(eq=False)
class _Turn:
    """One visitor's work, which waits, computes or is paused.

    Attributes
    ----------
    asker : Asker
        Sender of the request.
    keys : frozenset of str
        Names of the objects that the work uses alone.
    number : int
        Serial number, which orders equal turns.
    start : callable
        Takes the turn, and begins its work in a thread.
    refuse : callable
        Ends the work with an error before it begins.
    is_started, is_dropped, is_brief : bool
        Whether the work has begun, must stop, and takes only a moment.
    since : float
        Clock time in seconds at which the work was queued, or since which its computing is not counted yet.
    go_on : threading.Event
        Set when paused work may continue.
    is_aside : bool
        Whether the work waits for something else than its turn, and holds no place.
    """

    asker: Asker
    keys: frozenset[str]
    number: int
    start: Callable[["_Turn"], object]
    refuse: Callable[[Exception], object]
    is_started: bool = False
    is_dropped: bool = False
    since: float = 0.0
    is_brief: bool = False
    go_on: threading.Event = field(default_factory=threading.Event)
    is_aside: bool = False


class Turns:
    """A scheduler that runs visitors' work in threads, a few works at the same time.

    Parameters
    ----------
    settings : Settings
        Limits; ``computing``, ``turns``, ``visit_turns``, ``address_turns`` and ``turn_seconds`` are read.
    clock : callable
        Gives the time in seconds, from a monotonic clock.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._waiting: list[_Turn] = []
        self._computing: list[_Turn] = []
        self._paused: list[_Turn] = []
        self._seen: dict[str, float] = {}  # clock time of the last request, by address
        self._spent: dict[str, tuple[float, float]] = {}  # computing seconds, and the clock time of their last count
        self._number = 0

    async def take(
        self, asker: Asker, work: Callable[[], T], *, keys: Collection[str] = (), is_brief: bool = False
    ) -> T:
        """Run work in a thread, once it is this asker's turn.

        Waiting work holds no thread. If the calling task is cancelled, waiting work is dropped, and work that has begun
        stops at its next :meth:`pause`.

        Parameters
        ----------
        asker : Asker
            Sender of the request.
        work : callable
            The work. It must call :meth:`pause` every few tenths of a second.
        keys : collection of str
            Names of the objects that the work uses, such as a clip. Two works with a common key never run together.
        is_brief : bool
            Whether the work takes only a moment. Brief work does not count towards the limits on begun works.

        Returns
        -------
        object
            The result of ``work``; an exception that ``work`` raises is raised here.

        Raises
        ------
        CrowdedError
            If this visitor, this address or the server has too many waiting works, or the work has waited for
            ``turn_seconds`` of the settings.
        """
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        start = partial(self._begin, contextvars.copy_context(), work, outcome, loop)
        refuse = partial(_refuse, outcome, loop)
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
            del outcome, start, refuse, turn, late  # an error holds this frame: what holds the error must not be in it

    def pause(self, *_: object) -> None:
        """Let work of visitors who used less go first. Work calls this between its pieces, without holding a lock.

        Outside of work that :meth:`take` runs, this returns at once.

        Raises
        ------
        Dropped
            If no client waits for the work's result any more.
        FullError
            If the work's turn does not come again within ``turn_seconds`` of the settings.
        """
        turn = _current.get()
        if turn is None:
            return
        with self._lock:
            if turn.is_dropped:
                raise Dropped
            if turn.is_aside:
                return
            self._charge(turn)
            if not self._waiting and not self._paused:
                return
            self._computing.remove(turn)
        self._come_again(turn)

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Let other work compute while this work waits for something else, such as the network; errors as in
        :meth:`pause`, which may be called meanwhile to learn whether a client still waits."""
        turn = _current.get()
        if turn is None:
            yield
            return
        with self._lock:
            self._charge(turn)
            self._computing.remove(turn)
            turn.is_aside = True
        self._grant()
        try:
            yield
        finally:
            turn.is_aside = False
            self._come_again(turn)

    def _come_again(self, turn: _Turn) -> None:
        """Wait until a turn that has no place may go on."""
        with self._lock:
            turn.go_on.clear()
            self._paused.append(turn)
        self._grant()
        if not turn.go_on.wait(self._settings.turn_seconds) and self._is_given_up(turn):
            raise FullError(BUSY)
        _give_way_if(self.spent(turn.asker.address) > LIGHT_SECONDS)
        if turn.is_dropped:
            raise Dropped

    def spent(self, name: str) -> float:
        """Decayed count of the seconds of computing that a visitor or an address has used."""
        seconds, when = self._spent.get(name, (0.0, 0.0))
        return seconds * 0.5 ** ((self._clock() - when) / HALF_LIFE_SECONDS)

    @property
    def num_waiting(self) -> int:
        """Number of works that wait to begin."""
        return len(self._waiting)

    @property
    def longest_wait(self) -> float:
        """Seconds that the oldest waiting work has waited; 0 if none waits."""
        with self._lock:
            return max((self._clock() - turn.since for turn in self._waiting), default=0.0)

    def _see(self, address: str) -> None:
        """Note a request of an address, and forget the addresses that are no longer present."""
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
        """All waiting and paused turns, in the order in which they may compute."""
        turns = [*self._waiting, *self._paused]
        # Each count is read only once: it decays with every reading of the clock, and equal counts would differ.
        spent = {name: self.spent(name) for turn in turns for name in (turn.asker.address, turn.asker.visitor)}

        def order(turn: _Turn) -> tuple[float, float, int]:
            handicap = 0.0 if turn.is_brief else LONG_SECONDS
            return spent[turn.asker.address], spent[turn.asker.visitor] + handicap, turn.number

        return sorted(turns, key=order)

    def _grant(self) -> None:
        """Let the next turns compute, until all places are taken."""
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
        """Begin a turn's work in a thread; refuse the work if the system has no thread for it."""
        try:
            turn.start(turn)
        except RuntimeError:
            self._computing.remove(turn)
            turn.refuse(FullError("The server has too much to do now; please try again in a minute."))

    def _may_begin(self, turn: _Turn) -> bool:
        """Whether a turn may compute now.

        If there are several places, one address never takes the last one, so that another address can begin at once.
        An address that used more than ``LIGHT_SECONDS`` has only one place while other addresses are present.
        """
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

    def _begin(
        self,
        context: contextvars.Context,
        work: Callable[[], T],
        outcome: "asyncio.Future[T]",
        loop: asyncio.AbstractEventLoop,
        turn: _Turn,
    ) -> None:
        """Run a turn's work in a thread of its own."""
        threading.Thread(target=context.run, args=(self._compute, turn, work, outcome, loop), daemon=True).start()

    def _compute(
        self, turn: _Turn, work: Callable[[], T], outcome: "asyncio.Future[T]", loop: asyncio.AbstractEventLoop
    ) -> None:
        """Run work and pass its result to the event loop; runs in the work's own thread."""
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
        with contextlib.suppress(RuntimeError):  # the event loop has ended, so that no task waits
            loop.call_soon_threadsafe(_settle, outcome, result, error)
        _current.set(None)  # the turn holds this context
        del turn, work, outcome, result, error  # as in :meth:`take`

    def _charge(self, turn: _Turn) -> None:
        """Add the seconds since the last count to the counts of the turn's visitor and address."""
        now = self._clock()
        seconds, turn.since = now - turn.since, now
        for name in {turn.asker.visitor, turn.asker.address}:
            self._spent[name] = (self.spent(name) + seconds, now)
        if len(self._spent) > MOST_REMEMBERED:
            self._spent = {name: spent for name, spent in self._spent.items() if self.spent(name) > 0.01}

    def _give_up(self, turn: _Turn, outcome: "asyncio.Future[T]") -> None:
        """Refuse work that has waited too long, unless it has begun."""
        with self._lock:
            if turn not in self._waiting:
                return
            self._waiting.remove(turn)
        if not outcome.done():
            outcome.set_exception(CrowdedError(BUSY))

    def _is_given_up(self, turn: _Turn) -> bool:
        """Whether a turn is still paused, so that its work must end; removes it from the paused turns."""
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


def _refuse(outcome: "asyncio.Future[Any]", loop: asyncio.AbstractEventLoop, error: Exception) -> None:
    loop.call_soon_threadsafe(_settle, outcome, None, error)


def _settle(outcome: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if outcome.done():  # cancelled, or refused after waiting too long
        return
    if error is None:
        outcome.set_result(result)
    elif isinstance(error, StopIteration):  # a future cannot hold a StopIteration
        outcome.set_exception(RuntimeError("a step of a generator ended it"))
    else:
        outcome.set_exception(error)


def _give_way_if(is_heavy: bool) -> None:
    """Lower the priority of this thread if ``is_heavy``; it stays low, because the thread ends with its work."""
    if is_heavy:
        system.lower_priority_of_thread(threading.get_native_id(), LOWER_PRIORITY)
