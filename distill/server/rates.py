"""How often one may ask: shares of the server's attention, by address and by visitor."""

import contextlib
import math
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from distill.errors import GateError
from distill.server.askers import Asker
from distill.settings import Settings

WINDOW_SECONDS = 10


@dataclass(frozen=True)
class Rate:
    """How much of something may come within ten seconds.

    Attributes
    ----------
    what : str
        Names the count.
    each : RateLimitItem
        Of one visitor.
    address : RateLimitItem
        Of all visitors behind one address.
    """

    what: str
    each: RateLimitItem
    address: RateLimitItem


class Places:
    """Counts what goes on at the same time, of each visitor and of all behind one address.

    Parameters
    ----------
    each, address : int
        How much there may be.
    words : str
        What whoever has as much is told.
    """

    def __init__(self, each: int, address: int, words: str) -> None:
        self._each, self._address, self._words = each, address, words
        self._taken: Counter[str] = Counter()

    @contextlib.contextmanager
    def one(self, asker: Asker) -> Iterator[None]:
        """Take a place while the context lasts; a GateError with status 429, if there is none."""
        names = {asker.name: self._each, f"all at {asker.address}": self._address}
        if any(self._taken[name] >= most for name, most in names.items()):
            raise GateError(self._words, 429)
        self._taken.update(names.keys())
        try:
            yield
        finally:
            self._taken.subtract(names.keys())
            self._taken = +self._taken  # without those that have none


class Rates:
    """Counts what came in the last ten seconds, by the library ``limits`` ("sliding window counter").

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self.files = self._rate("files", settings.visit_files_rate, settings.address_files_rate)
        self.calls = self._rate("calls", settings.visit_calls_rate, settings.address_calls_rate)
        self.bytes = self._rate("bytes", settings.visit_bytes_rate, settings.address_bytes_rate)
        self.parts = self._rate("parts", settings.visit_parts_rate, settings.address_parts_rate)
        self.pages = self._rate("pages", settings.address_pages_rate, settings.address_pages_rate)

    def spend(self, rate: Rate, asker: Asker, amount: int = 1) -> None:
        """Count what an asker sends.

        Raises
        ------
        GateError
            With status 429, if that is more than their share; it says when to ask again.
        """
        for limit, name in ((rate.address, asker.address), (rate.each, asker.owner)):
            if name and not self._limiter.hit(limit, rate.what, name, cost=amount):
                reset = self._limiter.get_window_stats(limit, rate.what, name).reset_time
                seconds = max(1, math.ceil(reset - time.time()))
                raise GateError(
                    f"This is more than one can ask for at once; please try again in {min(seconds, WINDOW_SECONDS)} "
                    "seconds.",
                    429,
                )

    @staticmethod
    def _rate(what: str, each: int, address: int) -> Rate:
        return Rate(
            what,
            RateLimitItemPerSecond(each, WINDOW_SECONDS, namespace="visitor"),
            RateLimitItemPerSecond(address, WINDOW_SECONDS, namespace="address"),
        )
