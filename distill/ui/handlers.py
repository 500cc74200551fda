"""How a handler is wired: it gets its visitor's session, and what goes wrong reaches the page as one sentence."""

import functools
import html
import inspect
import logging
import uuid
from collections.abc import Callable
from typing import Any, NoReturn

import gradio as gr

from distill.errors import DistillError
from distill.ui.session import Examples, Session

logger = logging.getLogger(__name__)


def handler(examples: Examples) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for handlers ``f(session, *inputs)``, plain or generators.

    The wired event needs the session's ``gr.State`` as first input and first output; a first-time visitor's session is
    made on the way in. Errors of the package are shown as they are; any other is logged once with a reference.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def start(session: Session | None) -> Session:
            return session or Session(examples.first.fresh())

        def bundle(session: Session, outputs: Any) -> tuple[Any, ...]:
            return session, *(outputs if isinstance(outputs, tuple) else (outputs,))

        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def wrapped(session: Session | None, *inputs: Any, **named: Any) -> Any:
                session = start(session)
                try:
                    for outputs in function(session, *inputs, **named):
                        yield bundle(session, outputs)
                except Exception as error:
                    _show(error)

        else:

            @functools.wraps(function)
            def wrapped(session: Session | None, *inputs: Any, **named: Any) -> Any:
                session = start(session)
                try:
                    with session.lock:
                        return bundle(session, function(session, *inputs, **named))
                except Exception as error:
                    _show(error)

        return wrapped

    return decorate


def _show(error: Exception) -> NoReturn:
    if isinstance(error, gr.Error):
        raise error
    if isinstance(error, DistillError):
        raise gr.Error(html.escape(str(error)), print_exception=False) from None
    reference = uuid.uuid4().hex[:8]
    logger.exception("A handler failed (reference %s).", reference, exc_info=error)
    raise gr.Error(
        f"Something broke on our side; nothing of yours is lost (reference {reference}).", print_exception=False
    ) from None
