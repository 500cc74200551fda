"""Uploads: taken in as they come, counted while they do, and moved to where only their visitor can reach them."""

import asyncio
import contextlib
import json
import logging
from collections import Counter
from collections.abc import Iterator

from anyio import to_thread
from gradio.routes import file_upload_statuses
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from distill.errors import FullError, GateError
from distill.server.asgi import App, Message, Receive, Scope
from distill.server.askers import Asker
from distill.server.bodies import announced_bytes
from distill.server.rates import Places
from distill.server.storage import Storage
from distill.settings import MIB, Settings

FORGET_SECONDS = 5.0
"""How long after its end an upload's page may still ask how it came along."""
logger = logging.getLogger(__name__)


class Uploads:
    """Lets Gradio read what visitors send.

    Parameters
    ----------
    app : callable
        Gradio.
    storage : Storage
    settings : Settings
    """

    def __init__(self, app: App, storage: Storage, settings: Settings) -> None:
        self._app, self._storage, self._settings = app, storage, settings
        self._places = Places(
            settings.visit_uploads, settings.address_uploads,
            "Your other uploads are still on their way; please try again in some seconds.",
        )  # fmt: skip
        self._named: Counter[str] = Counter()

    async def take(self, scope: Scope, flow: Receive, asker: Asker) -> list[str]:
        """Take an upload in.

        Returns
        -------
        list of str
            Where its files lie now, for its visitor to name.

        Raises
        ------
        GateError
            If it is too large, too slow, or no upload; if there is no room for it, or too many are under way.
        """
        settings = self._settings
        if (announced_bytes(Headers(scope=scope)) or 0) > settings.upload_bytes + MIB:
            raise GateError(
                f"Together these files are larger than {settings.upload_bytes / MIB:.3g} MB; please drop fewer.", 413
            )
        try:
            with (
                self._places.one(asker),
                self._tracked(scope),
                self._storage.arriving(asker.owner, asker.address) as arrival,
            ):

                async def receive() -> Message:
                    message = await flow()
                    arrival.take(len(message.get("body", b"")))
                    return message

                answered: list[Message] = []

                async def keep(message: Message) -> None:
                    answered.append(message)

                await self._app(scope, receive, keep)
                paths = self._paths(answered)
                return await to_thread.run_sync(self._storage.move_upload, paths, arrival.owner, arrival)
        except FullError as error:
            raise GateError(str(error), 507) from None
        except ClientDisconnect:
            raise
        except (TypeError, ValueError, KeyError, HTTPException):  # a form that Gradio cannot read
            raise GateError("This upload could not be read; please try again.", 400) from None

    async def wait_for(self, scope: Scope) -> None:
        """Return once the upload is under way whose progress is asked for.

        Raises
        ------
        GateError
            With status 404, if it has not begun after three seconds.
        """
        name = _name_of(scope)
        for _ in range(30):
            if name and name in self._named:
                return
            await asyncio.sleep(0.1)
        raise GateError("There is no such upload under way.", 404)

    @contextlib.contextmanager
    def _tracked(self, scope: Scope) -> Iterator[None]:
        """Let an upload's progress be asked for while it is under way; Gradio would remember its name for ever."""
        name = _name_of(scope)
        self._named.update([name])
        try:
            yield
        finally:
            asyncio.get_running_loop().call_later(FORGET_SECONDS, self._forget, name)

    def _forget(self, name: str) -> None:
        self._named.subtract([name])
        self._named = +self._named
        if name not in self._named:
            file_upload_statuses._statuses.pop(name, None)
            file_upload_statuses._signals.pop(name, None)

    def _paths(self, answered: list[Message]) -> list[str]:
        """Where Gradio put the files."""
        settings = self._settings
        status = answered[0]["status"]
        if status != 200:
            most_mb = settings.upload_file_bytes / MIB
            told = f"One of these files is larger than {most_mb:.3g} MB; please cut it, or export it as FLAC."
            raise GateError(told if status == 413 else "This upload could not be read; please try again.", status)
        paths: list[str] = json.loads(b"".join(message.get("body", b"") for message in answered[1:]))
        if len(paths) > settings.upload_files:
            raise GateError(
                f"These are {len(paths)} files; please drop at most {settings.upload_files} at once, or a zip.", 413
            )
        logger.info("upload", extra={"files": len(paths)})
        return paths


def _name_of(scope: Scope) -> str:
    """What the page calls an upload; "" if it has no name."""
    return QueryParams(scope.get("query_string", b"")).get("upload_id", "")
