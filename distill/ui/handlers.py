"""How a handler is wired: it gets its visitor's session, and what goes wrong reaches the page as one sentence."""

import errno
import functools
import html
import inspect
import logging
from collections.abc import Callable
from typing import Any, NoReturn

import gradio as gr

from distill.errors import DistillError, GoneError
from distill.logs import log_fault
from distill.ui.session import Session, Visitors, owner_of

logger = logging.getLogger(__name__)


def handler(visitors: Visitors) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for handlers ``f(session, *inputs)``, plain or generators, to be wired as ``f(*inputs)``.

    A plain handler holds its session's lock while it runs; a generator, which runs for long, takes it where it must.
    Errors of the package are shown as they are; any other is logged once, with a reference that the page shows.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):

            def wrapped(request: gr.Request, *inputs: Any) -> Any:
                try:
                    yield from function(_session(visitors, request), *inputs)
                except Exception as error:
                    _show(error)

        else:

            def wrapped(request: gr.Request, *inputs: Any) -> Any:
                try:
                    session = _session(visitors, request)
                    with session.lock:
                        return function(session, *inputs)
                except Exception as error:
                    _show(error)

        # Gradio reads the parameters to know what to pass: the request in place of the session, then the inputs.
        _, *rest = inspect.signature(function).parameters.values()
        request = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=gr.Request)
        functools.update_wrapper(wrapped, function)
        del wrapped.__wrapped__  # type: ignore[attr-defined]
        returned = inspect.signature(function).return_annotation
        wrapped.__signature__ = inspect.Signature([request, *rest], return_annotation=returned)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in (request, *rest)}
        wrapped.__annotations__["return"] = returned
        return wrapped

    return decorate


def _session(visitors: Visitors, request: gr.Request) -> Session:
    if not request.session_hash:
        raise gr.Error("This call needs a session: use gradio_client, or the page.", print_exception=False)
    return visitors.session(owner_of(request.headers.get("cookie", "")), request.session_hash)


def sentence(error: Exception) -> str:
    """What a visitor is told of an error: the package's own as they are; any other is logged once, with a reference."""
    if isinstance(error, DistillError):
        return str(error)
    reference = log_fault(logger, "A handler failed", error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"The server's disk is full; please try again in some minutes (reference {reference})."
    if isinstance(error, MemoryError):
        return f"The server has no memory for this now; please try again in some minutes (reference {reference})."
    return f"Something broke on our side; nothing of yours is lost (reference {reference})."


def answer(function: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a component's server function answers: a failure is a sentence for the page, not a broken call."""
    try:
        return function()
    except GoneError as error:
        return {"error": str(error), "gone": True}
    except Exception as error:
        return {"error": sentence(error)}


def _show(error: Exception) -> NoReturn:
    if isinstance(error, gr.Error):
        raise error
    raise gr.Error(html.escape(sentence(error)), print_exception=False) from None
