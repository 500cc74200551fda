"""Wraps the handlers of events: each gets the calling page, and its failure is shown there as one sentence."""

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
"""The result of a handler: new values by component."""
CALLER, SCRIPTS = "x-gradio-user", ("api", "mcp")
"""Header by which Gradio tells its page from scripts, and its values for scripts."""
WATCHING = 0.3
"""Seconds between two updates of a watched training, per second of recent computing for the visitor's address."""


@dataclass(frozen=True)
class Call(Generic[Tab]):
    """The context of a call, which a handler gets before its inputs.

    Attributes
    ----------
    page : Page
        The calling page.
    server : Server
    tab : Tab
        The components that the handler may fill.
    is_script : bool
        Whether a script makes the call, which reads messages as text. The page shows them as HTML.
    """

    page: Page
    server: Server
    tab: Tab
    is_script: bool = False

    @property
    def pause(self) -> Callable[..., None]:
        """A function that lets other visitors go first; long work calls it between its steps."""
        return self.server.turns.pause

    def warn(self, message: str) -> None:
        """Show a message beside the answer."""
        gr.Warning(message if self.is_script else html.escape(message))

    def work(self, shown: str | None) -> Work:
        """The work that the page shows.

        Parameters
        ----------
        shown : str or None
            Secret of the work. A script sends None, for the work that it opened last. A page sends "" for the example,
            until the server has told it the secret of its own clip.

        Raises
        ------
        GoneError
            If the work is no longer on the server.
        """
        if shown is None:
            return self.page.work
        visitors = self.server.visitors
        return visitors.work(self.page.owner, shown) if shown else self.server.examples.first


class Last(dict[Any, Any]):
    """The answer after which a generator has nothing more to say: its call ends at once, without another turn."""


def handler(server: Server, tab: Tab, *, every: float = 0.0) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for handlers ``f(call, *inputs)``, plain or generators, to be wired as ``f(*inputs)``.

    A handler returns ``{component: value}``; other components stay as they are. It runs when its visitor's turn comes.
    A generator takes a turn for each step, at least ``every`` s apart; a step that yields None changes nothing. Each
    report of progress lets other visitors go first. Errors of the package are shown with their own message; any other
    error is logged once, and the page shows its reference.
    """
    turns = server.turns

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(asker: Asker, request: gr.Request) -> Call[Tab]:
            page = server.visitors.page(asker.owner, asker.page, asker.address)
            return Call(page, server, tab, is_script(request))

        async def steps(request: gr.Request, *inputs: Any) -> AsyncIterator[Any]:
            try:
                asker = asker_of(request)
                made = await turns.take(asker, lambda: call(asker, request), is_brief=True)
                steps = function(made, *_pausing(inputs, turns))
                while (step := await _next(turns, asker, steps, is_watched=bool(every))) is not steps:
                    if step is not None:
                        yield step
                    if isinstance(step, Last):  # until a call has ended, Gradio ignores presses of its button
                        return
                    # Visitors that watch much at a time get less frequent updates.
                    await asyncio.sleep(every and max(every, WATCHING * turns.spent(asker.address)))
            except Exception as error:
                show(error, request)

        async def once(request: gr.Request, *inputs: Any) -> Any:
            try:
                asker = asker_of(request)
                return await turns.take(asker, lambda: function(call(asker, request), *_pausing(inputs, turns)))
            except Exception as error:
                show(error, request)

        return _as_gradio_reads_it(steps if inspect.isgeneratorfunction(function) else once, function)

    return decorate


def _as_gradio_reads_it(wrapped: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the wrapped handler the name and the parameters from which Gradio derives its arguments.

    The parameters are the request, in place of the call, and the inputs.
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
    """The next step, or ``steps`` itself at the end; None for a watched step while the queue is too long."""
    try:
        return await turns.take(asker, lambda: next(steps, steps))
    except CrowdedError:
        if is_watched:
            return None
        raise


def server_function(server: Server, name: str, function: Callable[[Server, Asker, Any], dict[str, Any]]) -> Any:
    """The function that a component's script calls as ``server.name(request)``.

    It runs when its visitor's turn comes; calls about one clip are answered one after another. A failure becomes a
    sentence for the page instead of a broken call.
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
    """The visitor and the page that make a call, as the gate has determined.

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
    """The inputs of a handler; a progress bar among them also lets other visitors go first."""
    for value in inputs:
        yield _Pausing(value, turns) if isinstance(value, gr.Progress) else value


class _Pausing:
    def __init__(self, progress: gr.Progress, turns: Turns) -> None:
        self._progress, self._turns = progress, turns

    def __call__(self, *shown: Any, **options: Any) -> None:
        self._progress(*shown, **options)
        self._turns.pause()


def _json(value: dict[str, Any]) -> Response:
    """Encode a response in this thread, because FastAPI would encode it in the thread that sends all answers."""
    return Response(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


def answer(function: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The result of a component's server function; a failure becomes a sentence for the page."""
    try:
        return function()
    except Dropped:
        raise
    except GoneError as error:
        return {"error": str(error), "gone": True}
    except Exception as error:
        return {"error": sentence(error)}


def is_script(request: gr.Request) -> bool:
    """Whether a call says that a script makes it, or comes neither from Gradio nor from a browser, which would name the
    site that it shows."""
    caller = request.headers.get(CALLER, "")
    return caller in SCRIPTS or not (caller or request.headers.get("origin", ""))


def show(error: Exception, request: gr.Request) -> NoReturn:
    """Raise the error that Gradio sends to the caller; the page shows it as HTML, a script reads text."""
    if isinstance(error, gr.Error):
        raise error
    said = sentence(error)
    raise gr.Error(said if is_script(request) else html.escape(said), print_exception=False) from None
