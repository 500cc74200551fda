"""The calls in Gradio's queue: the visitor who made each call, their number, and whether a client still waits for them.

This module adds three things to Gradio. In Gradio itself, anybody who knows the name of a call may use it, an answer is
kept until a client fetches it, and a call goes on when its sender has gone.
"""

import asyncio
import contextlib
import logging
import math
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from distill.errors import GateError
from distill.server.askers import Asker
from distill.settings import Settings

FETCH_SECONDS, FETCH_BY_HAND_SECONDS = 10, 60
"""Seconds that a call goes on, and its answer is kept, while no client listens for it: for a call of a page, and for a
call without a page, as scripts and people with ``curl`` make."""
UNREAD_SECONDS = 60
"""Seconds that an answer is kept while a client listens for it and does not read it."""
NAME = re.compile(r"[\w-]{1,64}", re.ASCII)
NO_CALL = "There is no such call here; the page's footer lists those that there are."
ODD_CALL = "This call sends something else than it should; the page's footer tells what it takes."

logger = logging.getLogger(__name__)


@dataclass
class Call:
    """A call in Gradio's queue.

    Attributes
    ----------
    name : str
        ``Asker.name`` of the visitor who made the call.
    address : str
        Network address that the call came from.
    page : str
        Page that the call belongs to; a call without a page has its own event id here.
    since : float
        Clock time at which the queue accepted the call, in seconds.
    patience : float
        Seconds that the call goes on while no client listens.
    answered : float
        Clock time at which the answer was seen to be ready, in seconds; infinite before.
    """

    name: str
    address: str
    page: str
    since: float
    patience: float = FETCH_SECONDS
    answered: float = math.inf


class Calls:
    """The calls of one Gradio app: checks them, counts them, and ends those that no client waits for.

    Parameters
    ----------
    blocks : gradio.Blocks
        The app; it need not be launched yet.
    settings : Settings
        Limits; ``visit_calls`` and ``address_calls`` are read.
    clock : callable
        Gives the time in seconds, from a monotonic clock.
    """

    def __init__(self, blocks: gr.Blocks, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._blocks, self._settings, self._clock = blocks, settings, clock
        self._calls: dict[str, Call] = {}
        self._listeners: dict[str, int] = {}
        self._unheard: dict[str, float] = {}  # clock time since which no client listens, by page
        self._joining: Counter[str] = Counter()
        self._abandoned: deque[str] = deque()

    def check_join(self, sent: Any, api_name: str | None = None, *, by_name: bool = False) -> dict[str, Any]:
        """Check the body of a call, and keep the fields that Gradio may see.

        Parameters
        ----------
        sent : object
            The parsed JSON of an untrusted body.
        api_name : str, optional
            Name of the handler, if the URL of the request has it. By default the body has its number.
        by_name : bool
            Whether the body is an object with the inputs under their parameters' names.

        Returns
        -------
        dict
            The body, without unknown fields unless ``by_name``.

        Raises
        ------
        GateError
            If there is no such handler, or the body is not that of a call.
        """
        if not isinstance(sent, dict) or not (by_name or isinstance(sent.get("data"), list)):
            raise GateError(ODD_CALL, 400)
        trigger = None if by_name else sent.get("trigger_id")
        if api_name is None:
            function = self._blocks.fns.get(_whole(sent.get("fn_index")))
            page_of(sent)
        else:
            function = next((fn for fn in self._blocks.fns.values() if fn.api_name == api_name), None)
        if function is None or function.fn is None or (api_name and function.api_visibility == "private"):
            raise GateError(NO_CALL, 404)
        if not by_name and len(sent["data"]) > len(function.inputs):
            raise GateError(ODD_CALL, 400)
        if trigger is not None and _whole(trigger) not in {*self._blocks.blocks, self._blocks._id}:
            raise GateError(ODD_CALL, 400)
        if by_name:
            return sent
        if sent.get("event_id") is not None and not is_name(sent["event_id"]):
            raise GateError(ODD_CALL, 400)
        kept = {
            key: sent[key] for key in ("data", "session_hash", "fn_index", "trigger_id", "event_data") if key in sent
        }
        if kept.get("session_hash") is not None:
            page_of(kept)
        return kept

    def check_function(self, sent: Any) -> dict[str, Any]:
        """Check the body of a call of a component's server function, and keep the fields that Gradio may see.

        Raises
        ------
        GateError
            If there is no such function, or the body is not that of a call.
        """
        if not isinstance(sent, dict) or "data" not in sent:
            raise GateError(ODD_CALL, 400)
        page_of(sent)
        block, name = self._blocks.blocks.get(_whole(sent.get("component_id"))), sent.get("fn_name")
        is_method = isinstance(name, str) and name.isidentifier() and not name.startswith("_")
        if block is None or not is_method or not getattr(getattr(block, str(name), None), "_is_server_fn", False):
            raise GateError(NO_CALL, 404)
        return {key: sent[key] for key in ("data", "component_id", "fn_name", "session_hash")}

    @contextlib.contextmanager
    def joining(self, asker: Asker) -> Iterator[None]:
        """Count a call while Gradio puts it into its queue.

        Raises
        ------
        GateError
            With status 429, if this visitor or this address has the maximum number of calls. Calls under way count, and
            calls whose answers were not fetched.
        """
        each = sum(call.name == asker.name for call in self._calls.values()) + self._joining[asker.name]
        place = f"address {asker.address}"
        address = sum(call.address == asker.address for call in self._calls.values()) + self._joining[place]
        if each >= self._settings.visit_calls or address >= self._settings.address_calls:
            raise GateError("Your earlier calls are still being answered; please try again in some seconds.", 429)
        names = (asker.name, place, f"page {asker.page}")
        self._joining.update(names)
        try:
            yield
        finally:
            self._joining.subtract(names)
            self._joining = +self._joining

    def begin(self, event: str, page: str, asker: Asker) -> None:
        """Note who made a call that Gradio's queue accepted; a call without a page gets a page of its own.

        Parameters
        ----------
        event : str
            Gradio's name for the call.
        page : str
            Page that made the call; "" for a call without a page.
        asker : Asker
            Who made the call.
        """
        patience = FETCH_SECONDS if page else FETCH_BY_HAND_SECONDS
        self._calls[event] = Call(asker.name, asker.address, page or event, self._clock(), patience)
        if not self._listeners.get(page or event):
            self._unheard.setdefault(page or event, self._clock())

    def is_anothers(self, page: str, asker: Asker) -> bool:
        """Whether ``page`` is the name of a call without a page that another asker made."""
        call = self._calls.get(page)
        return call is not None and call.name != asker.name

    def check_event(self, event: object, asker: Asker) -> Call:
        """Find a call by its event id, for the asker who made it.

        Raises
        ------
        GateError
            With status 404, if there is no such call, or another asker made it. The error does not tell which.
        """
        call = self._calls.get(event) if isinstance(event, str) else None
        if call is None or call.name != asker.name:
            raise GateError("There is no such call under way; please make it again.", 404)
        return call

    def is_new(self, page: str) -> bool:
        """Whether Gradio keeps no state for a page yet; False for ""."""
        return bool(page) and page not in self._blocks.state_holder

    def prepare(self, page: str) -> None:
        """Let Gradio make its state for a page, which takes some hundredths of a second."""
        self._blocks.state_holder[page]

    def listen(self, page: str) -> None:
        """Note that a client opened a stream of a page's answers."""
        self._listeners[page] = self._listeners.get(page, 0) + 1
        self._unheard.pop(page, None)

    def leave(self, page: str) -> None:
        """Note that a stream of a page's answers has ended."""
        self._listeners[page] -= 1
        if not self._listeners[page]:
            del self._listeners[page]
            self._unheard[page] = self._clock()

    def is_known(self, page: str) -> bool:
        """Whether Gradio keeps messages for a page, now or later."""
        return page in self._blocks._queue.pending_messages_per_session

    async def tidy(self) -> None:
        """End calls without a listener for longer than their patience, and delete answers that nobody fetched."""
        now = self._clock()
        for event, call in list(self._calls.items()):
            if self._is_over(event, call, now):
                del self._calls[event]
            elif now - max(call.since, self._unheard.get(call.page, now)) >= call.patience:
                await self._end(event)
            elif now - call.answered >= UNREAD_SECONDS:
                await self.forget(call.page)
        while self._abandoned:
            page = self._abandoned.popleft()
            if not self._listeners.get(page):
                await self.forget(page)
        for page in [page for page, since in self._unheard.items() if now - since >= FETCH_SECONDS]:
            if not self._is_busy(page):
                await self.forget(page)

    def _is_busy(self, page: str) -> bool:
        """Whether a page has calls, or one that Gradio is putting into its queue."""
        return bool(self._joining[f"page {page}"]) or any(call.page == page for call in self._calls.values())

    def _is_over(self, event: str, call: Call, now: float) -> bool:
        """Whether a call was answered and its answer fetched; notes when the answer was first seen."""
        queue = self._blocks._queue
        if event in queue.event_ids_to_events:
            return False
        call.answered = min(call.answered, now)
        return event not in queue.pending_event_ids_session.get(call.page, ())

    def abandon(self, page: str) -> None:
        """Have a page forgotten at the next :meth:`tidy`, unless a client listens for it. Any thread may call this."""
        self._abandoned.append(page)

    async def forget(self, page: str) -> None:
        """End a page's calls and delete its answers."""
        for event in [event for event, call in self._calls.items() if call.page == page]:
            await self._end(event)
        self._unheard.pop(page, None)
        self._blocks._queue.pending_messages_per_session.pop(page, None)
        self._blocks._queue.pending_event_ids_session.pop(page, None)

    async def _end(self, event: str) -> None:
        queue = self._blocks._queue
        self._calls.pop(event, None)
        await queue.clean_events(event_id=event)
        for task in [task for task in queue._asyncio_tasks if task.get_name().endswith(f"<gradio-sep>{event}")]:
            task.cancel()

    async def keep_tidy(self, seconds: float = 2.0) -> None:
        """Call :meth:`tidy` again and again, every so many seconds, for ever."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.tidy()
            except Exception:
                logger.exception("Tidying up calls failed.")


def page_of(sent: dict[str, Any]) -> str:
    """Read the name of the page from the body of a call.

    Raises
    ------
    GateError
        If the body names no page, or not by a valid name.
    """
    page = sent.get("session_hash")
    if not is_name(page):
        raise GateError(ODD_CALL, 400)
    return str(page)


def is_name(value: object) -> bool:
    """Whether a value has the form of a page's or a call's name."""
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def _whole(value: object) -> int:
    """The value itself if it is an int; -1, which is no valid number of a handler or component, for anything else."""
    return value if type(value) is int else -1
