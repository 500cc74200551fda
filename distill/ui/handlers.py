"""How a handler is wired: it is given the page that calls, and a failure reaches that page as one sentence."""

import asyncio
import functools
import html
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Generic, NoReturn, TypeVar

import gradio as gr
import orjson
from starlette.responses import Response

from distill.editing.work import Work
from distill.errors import FullError, GoneError
from distill.server.askers import Asker
from distill.server.faults import sentence
from distill.server.server import Server
from distill.server.turns import CrowdedError, Dropped, Turns
from distill.server.visit import Page

Tab = TypeVar("Tab")
Answer = dict[Any, Any]
"""What a handler answers with: new values of components."""
WATCHING = 0.3
"""Seconds between two looks at something that goes on, for each second of computing used lately."""


@dataclass(frozen=True)
class Call(Generic[Tab]):
    """What a handler is given beside its inputs.

    Attributes
    ----------
    page : Page
        The page that calls.
    server : Server
    tab : Tab
        The components that the handler may fill.
    """

    page: Page
    server: Server
    tab: Tab

    @property
    def pause(self) -> Callable[..., None]:
        """Lets other visitors go first; long work calls it between its steps."""
        return self.server.turns.pause

    def work(self, shown: str | None) -> Work:
        """The clip that the page shows.

        Parameters
        ----------
        shown : str or None
            The name of that clip. A script gives None, for the clip that it opened last. A page gives "" until it has
            heard which clip is its own: it shows the example that all share.

        Raises
        ------
        GoneError
            If that clip is no longer open on the server.
        """
        if shown is None:
            return self.page.work
        visitors = self.server.visitors
        return visitors.work(self.page.owner, shown) if shown else self.server.examples.first


def handler(server: Server, tab: Tab, *, every: float = 0.0) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for handlers ``f(call, *inputs)``, plain or generators, to be wired as ``f(*inputs)``.

    A handler answers with ``{component: value}``; components that it leaves out stay as they are. It computes when it
    is its visitor's turn. A generator takes a turn for each of its steps, ``every`` so many seconds; a step that yields
    None has nothing to say. Where a handler reports progress, it gives way to others. Errors of the package are shown
    as they are; any other is logged once, with a reference that the page shows.
    """
    turns = server.turns

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(asker: Asker) -> Call[Tab]:
            return Call(server.visitors.page(asker.owner, asker.page, asker.address), server, tab)

        async def steps(request: gr.Request, *inputs: Any) -> AsyncIterator[Any]:
            try:
                asker = asker_of(request)
                made = await turns.take(asker, lambda: call(asker), is_brief=True)
                steps = function(made, *_pausing(inputs, turns))
                while (step := await _next(turns, asker, steps, is_watched=bool(every))) is not steps:
                    if step is not None:
                        yield step
                    # Whoever watches much at a time sees less often how it goes.
                    await asyncio.sleep(every and max(every, WATCHING * turns.spent(asker.address)))
            except Exception as error:
                _show(error)

        async def once(request: gr.Request, *inputs: Any) -> Any:
            try:
                asker = asker_of(request)
                return await turns.take(asker, lambda: function(call(asker), *_pausing(inputs, turns)))
            except Exception as error:
                _show(error)

        return _as_gradio_reads_it(steps if inspect.isgeneratorfunction(function) else once, function)

    return decorate


def _as_gradio_reads_it(wrapped: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapped handler under its own name, with the parameters by which Gradio knows what to pass.

    They are the request in place of the call, then the inputs.
    """
    _, *rest = inspect.signature(function).parameters.values()
    request = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=gr.Request)
    functools.update_wrapper(wrapped, function)
    del wrapped.__wrapped__  # type: ignore[attr-defined]
    returned = inspect.signature(function).return_annotation
    wrapped.__signature__ = inspect.Signature([request, *rest], return_annotation=returned)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in (request, *rest)}
    wrapped.__annotations__["return"] = returned
    return wrapped


async def _next(turns: Turns, asker: Asker, steps: Iterator[Any], *, is_watched: bool) -> Any:
    """The next step, or the steps themselves at their end; while too much waits, what is watched has nothing to say."""
    try:
        return await turns.take(asker, lambda: next(steps, steps))
    except CrowdedError:
        if is_watched:
            return None
        raise


def server_function(server: Server, name: str, function: Callable[[Server, Asker, Any], dict[str, Any]]) -> Any:
    """What a component's script calls as ``server.name(request)``.

    The function computes when it is its visitor's turn; calls about one clip are answered one after another. A failure
    is a sentence for the page, not a broken call.
    """

    async def wrapped(sent: Any, request: gr.Request) -> Response:
        asker = asker_of(request)
        work = sent.get("work") if isinstance(sent, dict) else None
        try:
            return await server.turns.take(
                asker,
                lambda: _json(answer(lambda: function(server, asker, sent))),
                keys={f"{asker.visitor} {work}"} if isinstance(work, str) else (),
                is_brief=True,
            )
        except FullError as error:
            return _json({"error": str(error)})

    wrapped.__name__ = name
    return wrapped


def asker_of(request: gr.Request) -> Asker:
    """Who makes a call, as the gate has found out.

    Raises
    ------
    gradio.Error
        If the call names no page.
    """
    asker: Asker = request.state.asker
    page = asker.page or getattr(request, "session_hash", None)
    if not page:
        raise gr.Error("This call needs a session: use gradio_client, or the page.", print_exception=False)
    return replace(asker, page=page)


def _pausing(inputs: tuple[Any, ...], turns: Turns) -> Iterator[Any]:
    """The inputs of a handler, where it reports progress with a progress that also gives way to others."""
    for value in inputs:
        yield _Pausing(value, turns) if isinstance(value, gr.Progress) else value


class _Pausing:
    def __init__(self, progress: gr.Progress, turns: Turns) -> None:
        self._progress, self._turns = progress, turns

    def __call__(self, *shown: Any, **options: Any) -> None:
        self._progress(*shown, **options)
        self._turns.pause()


def _json(value: dict[str, Any]) -> Response:
    """Made here, in a thread: FastAPI would make it where all answers are sent from."""
    return Response(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


def answer(function: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a component's server function answers: a failure is a sentence for the page, not a broken call."""
    try:
        return function()
    except Dropped:
        raise
    except GoneError as error:
        return {"error": str(error), "gone": True}
    except Exception as error:
        return {"error": sentence(error)}


def _show(error: Exception) -> NoReturn:
    if isinstance(error, gr.Error):
        raise error
    raise gr.Error(html.escape(sentence(error)), print_exception=False) from None
