"""An account of the Hugging Face Hub that pays for machines: its token, and patience while the Hub is out of reach."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from distill import __version__
from distill.errors import HubError
from distill.hub.repository import TOKENS, spoken

T = TypeVar("T")

SILENT_SECONDS = 600.0
"""Seconds for which the Hub may be out of reach while a job runs."""
RETRY_SECONDS = 5.0
RIGHTS = "the rights to write repositories and to run jobs"
BILLING = "https://huggingface.co/settings/billing"


class Account:
    """The account of a token, and the Hub's client that acts for it.

    Parameters
    ----------
    token : str, optional
        A token that may write and run jobs; by default the one of ``HF_TOKEN`` or of ``hf auth login``.
    silent_seconds : float
        Seconds for which the Hub may be out of reach while a job runs.
    clock, sleep : callable
        A monotonic clock in seconds, and a function that waits a number of seconds.

    Raises
    ------
    HubError
        If there is no token, it may only read, or the Hub cannot be reached.
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        silent_seconds: float = SILENT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._silent_seconds, self._clock, self._sleep = silent_seconds, clock, sleep
        self._failing_since: float | None = None
        self.name = "your account"
        with self.plainly():
            from huggingface_hub import HfApi, get_token

            self.token = token or get_token()
            if not self.token:
                raise HubError(
                    f"A training elsewhere needs your own token, with {RIGHTS}; make one at {TOKENS} and give it by "
                    "“hf auth login” or HF_TOKEN."
                )
            self.api = HfApi(token=self.token, library_name="distill", library_version=__version__)
            known = self.api.whoami()
            role = ((known.get("auth") or {}).get("accessToken") or {}).get("role")
            if role == "read":
                raise self._no_rights()
            self.name = str(known["name"])

    @contextmanager
    def plainly(self) -> Iterator[None]:
        """Turn whatever the client raises into a HubError of one sentence."""
        with spoken("your/training"):
            from huggingface_hub.errors import HfHubHTTPError

            try:
                yield
            except HfHubHTTPError as error:
                status = error.response.status_code
                if status == 402:
                    said = f"{self.name} has no credit for Hugging Face Jobs, which are paid in advance"
                    raise HubError(f"{said}; add some at {BILLING}.") from error
                if status == 403:
                    raise self._no_rights() from error
                if status in (400, 409, 413, 422):
                    lines = (error.server_message or f"HTTP {status}").strip().splitlines()
                    raise HubError(f"The Hub refuses this: {lines[0][:200].rstrip('.')}.") from error
                raise

    def patiently(self, ask: Callable[[], T]) -> T:
        """Ask again for as long as the Hub may be out of reach.

        Raises
        ------
        HubError
            If it was for too long; any other error of the client as it is.
        """
        from huggingface_hub.errors import HTTPError

        self.heard()
        while True:
            try:
                return ask()
            except (OSError, HTTPError) as error:
                if not is_passing(error):
                    raise
                now = self._clock()
                since = self._failing_since = now if self._failing_since is None else self._failing_since
                if now - since >= self._silent_seconds:
                    minutes = self._silent_seconds / 60
                    raise HubError(f"The Hub could not be reached for {minutes:.0f} minutes.") from error
                self.wait()

    def heard(self) -> None:
        """Note that the Hub has just answered, in the middle of an answer."""
        self._failing_since = None

    def wait(self) -> None:
        """Wait a few seconds."""
        self._sleep(RETRY_SECONDS)

    def _no_rights(self) -> HubError:
        return HubError(f"Your token may not do this for {self.name}: it needs {RIGHTS}; make one at {TOKENS}.")


def is_passing(error: Exception) -> bool:
    """Whether an error is one of a bad moment: no connection, too many requests, a fault of the Hub.

    Examples
    --------
    >>> is_passing(FileNotFoundError("M.distill"))
    False
    """
    from huggingface_hub.errors import HTTPError, LocalEntryNotFoundError

    response: Any = getattr(error, "response", None)
    if response is None:
        return isinstance(error, HTTPError | LocalEntryNotFoundError)
    return response.status_code == 429 or response.status_code >= 500
