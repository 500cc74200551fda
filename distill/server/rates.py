"""Limits on requests, for each visitor and each address: how many in ten seconds, and how many at the same time."""

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
    """Maximum amount of one kind, such as calls or bytes, within ten seconds.

    Attributes
    ----------
    what : str
        Name of the kind.
    each : RateLimitItem
        Maximum amount of one visitor.
    address : RateLimitItem
        Maximum amount of all visitors behind one address.
    """

    what: str
    each: RateLimitItem
    address: RateLimitItem


class Places:
    """A limit on simultaneous requests, for each visitor and for all visitors behind one address.

    Parameters
    ----------
    each, address : int
        Maximum number of simultaneous requests of one visitor, and of one address.
    words : str
        Message of the error when there are more.
    """

    def __init__(self, each: int, address: int, words: str) -> None:
        self._each, self._address, self._words = each, address, words
        self._taken: Counter[str] = Counter()

    @contextlib.contextmanager
    def one(self, asker: Asker) -> Iterator[None]:
        """Count one request of an asker while the context lasts.

        Raises
        ------
        GateError
            With status 429, if the visitor or the address has the maximum number already.
        """
        names = {asker.name: self._each, f"all at {asker.address}": self._address}
        if any(self._taken[name] >= most for name, most in names.items()):
            raise GateError(self._words, 429)
        self._taken.update(names.keys())
        try:
            yield
        finally:
            self._taken.subtract(names.keys())
            self._taken = +self._taken  # drops the names with a count of 0


class Rates:
    """Counts of requests and bytes in the last ten seconds (the "sliding window counter" of the library ``limits``).

    Parameters
    ----------
    settings : Settings
        Limits; those whose names end with ``_rate`` are read, except ``upload_rate``.

    Attributes
    ----------
    files : Rate
        Requests for the page's own files.
    calls : Rate
        All other requests.
    bytes : Rate
        Bytes of the bodies of calls; uploads do not count.
    parts : Rate
        Uploaded files.
    pages : Rate
        Requests for which Gradio makes the page anew.
    programs : Rate
        Calls of programs.
    hub : Rate
        Codecs that are asked of the Hub, or published there.
    library : Rate
        Calls about libraries.
    """

    def __init__(self, settings: Settings) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self.files = self._rate("files", settings.visit_files_rate, settings.address_files_rate)
        self.calls = self._rate("calls", settings.visit_calls_rate, settings.address_calls_rate)
        self.bytes = self._rate("bytes", settings.visit_bytes_rate, settings.address_bytes_rate)
        self.parts = self._rate("parts", settings.visit_parts_rate, settings.address_parts_rate)
        self.pages = self._rate("pages", settings.address_pages_rate, settings.address_pages_rate)
        self.programs = self._rate("programs", settings.visit_programs_rate, settings.address_programs_rate)
        self.hub = self._rate("hub", settings.visit_hub_rate, settings.address_hub_rate)
        self.library = self._rate("library", settings.visit_library_rate, settings.address_library_rate)

    def spend(self, rate: Rate, asker: Asker, amount: int = 1) -> None:
        """Count an amount for an asker.

        Parameters
        ----------
        rate : Rate
            One of this object's attributes.
        asker : Asker
            Sender of the request.
        amount : int
            How much to count: requests, files or bytes, as the rate has it.

        Raises
        ------
        GateError
            With status 429, if the visitor or the address passes the maximum. The message has the seconds to wait.
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
