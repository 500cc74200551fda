"""The pace of a training: how many threads it computes with, and what counts as its time."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

MEASURED_STEPS = 4
"""Number of steps whose median is the duration of a step."""
SOONEST, LATEST = 16, 256
"""Fewest and most steps from one comparison to the next."""
FASTER = 0.95
"""Another number of threads is taken if its steps last at most this share of the present ones."""
HOPELESS = 1.5
"""A comparison ends at once after a step that lasts this many times as long as the present ones."""
BUSIEST = 2.0
"""Largest number of seconds of wall time that count as one second of a training on a shared computer."""


def shared_clock(
    clock: Callable[[], float] = time.monotonic, processor_clock: Callable[[], float] = time.thread_time
) -> Callable[[], float]:
    """Make a clock for trainings on a computer that others use as well.

    The clock measures the processor time of the calling thread. So a training loses nothing while others compute. The
    clock runs at least half as fast as wall time, so that every training ends.

    Parameters
    ----------
    clock, processor_clock : callable
        Clocks in seconds: of wall time, and of the calling thread's processor time.

    Examples
    --------
    >>> times = iter([100.0, 110.0])
    >>> shared = shared_clock(lambda: next(times), lambda: 3.0)
    >>> shared()  # 10 s of wall time later, 3 s of them on a processor
    5.0
    """
    began, worked = clock(), processor_clock()
    return lambda: max(processor_clock() - worked, (clock() - began) / BUSIEST)


def training_clock() -> Callable[[], float]:
    """Make a clock for the time of a training: a :func:`shared_clock`, or wall time where a GPU does the work."""
    return time.monotonic if torch.cuda.is_available() else shared_clock()


class ThreadChoice:
    """Choice between one thread and as many threads as there are processors, by the measured duration of steps.

    All threads wait for the slowest one many times in each step. So if another process uses one of two processors, two
    threads are several times slower than one; if none does, they are faster. From time to time some steps run with the
    other number of threads, and the faster number is kept. Each comparison that changes nothing doubles the number of
    steps until the next one. At the end of a ``with`` block, ``most`` threads are set again.

    Parameters
    ----------
    most : int
        Largest number of threads. With 1 there is nothing to choose.
    clock : callable
        Clock of wall time in seconds.
    set_threads : callable
        Function that sets the number of threads.

    Attributes
    ----------
    threads : int
        Number of threads that is known to be the faster one.

    Examples
    --------
    >>> with ThreadChoice(1) as choice:
    ...     with choice.step():
    ...         pass
    >>> choice.threads
    1
    """

    def __init__(
        self,
        most: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        set_threads: Callable[[int], object] = torch.set_num_threads,
    ) -> None:
        self.threads, self._other, self._most = most, 1, most
        self._clock, self._set_threads = clock, set_threads
        self._present: list[float] = []
        self._compared: list[float] = []
        self._until_next, self._interval = SOONEST, SOONEST

    def __enter__(self) -> "ThreadChoice":
        return self

    def __exit__(self, *_: object) -> None:
        if self._most > 1:
            self._set_threads(self._most)

    @contextmanager
    def step(self) -> Iterator[None]:
        """Run one step with the number of threads that is due, and measure it; after it, the faster number is set."""
        if self.threads == self._other:
            yield
            return
        compares = self._until_next <= 0 and len(self._present) == MEASURED_STEPS
        self._set_threads(self._other if compares else self.threads)
        began = self._clock()
        yield
        self._until_next -= 1
        seconds = self._clock() - began
        if compares:
            self._compared.append(seconds)
            self._decide()
            self._set_threads(self.threads)
        else:
            self._present = [*self._present, seconds][-MEASURED_STEPS:]

    def _decide(self) -> None:
        present = statistics.median(self._present)
        is_hopeless = self._compared[-1] > HOPELESS * present and len(self._compared) > 1
        if len(self._compared) < MEASURED_STEPS and not is_hopeless:
            return
        if statistics.median(self._compared) <= FASTER * present and not is_hopeless:
            self.threads, self._other = self._other, self.threads
            self._interval = SOONEST
            self._present = self._compared
        else:
            self._interval = min(2 * self._interval, LATEST)
        self._compared, self._until_next = [], self._interval
