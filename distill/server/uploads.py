"""Uploads: counted while they arrive, and moved to a folder that only their visitor can read."""

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
"""Seconds after the end of an upload for which its page may still ask for its progress."""
logger = logging.getLogger(__name__)


class Uploads:
    """Receiver of uploads, which lets Gradio parse the forms.

    Parameters
    ----------
    app : callable
        Gradio's ASGI application.
    storage : Storage
        Folder to which the files are moved.
    settings : Settings
        Limits; ``visit_uploads``, ``address_uploads``, ``upload_bytes``, ``upload_file_bytes`` and ``upload_files`` are
        read.
    """

    def __init__(self, app: App, storage: Storage, settings: Settings) -> None:
        self._app, self._storage, self._settings = app, storage, settings
        self._places = Places(
            settings.visit_uploads, settings.address_uploads,
            "Your other uploads are still on their way; please try again in some seconds.",
        )  # fmt: skip
        self._named: Counter[str] = Counter()

    async def take(self, scope: Scope, flow: Receive, asker: Asker) -> list[str]:
        """Receive one upload, and move its files to their visitor's folder.

        Parameters
        ----------
        scope : dict
            ASGI scope of the request.
        flow : callable
            ASGI ``receive`` of the request.
        asker : Asker
            Sender of the request.

        Returns
        -------
        list of str
            Paths of the files, by which the visitor's calls name them.

        Raises
        ------
        GateError
            If the upload is too large, too slow or not a valid form, the disk has no room for it, or too many uploads
            are under way.
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
        except (TypeError, ValueError, KeyError, HTTPException):  # raised by Gradio for an invalid form
            raise GateError("This upload could not be read; please try again.", 400) from None

    async def wait_for(self, scope: Scope) -> None:
        """Wait until the upload that a request for progress names is under way.

        Raises
        ------
        GateError
            With status 404, if the upload has not begun after three seconds.
        """
        name = _name_of(scope)
        for _ in range(30):
            if name and name in self._named:
                return
            await asyncio.sleep(0.1)
        raise GateError("There is no such upload under way.", 404)

    @contextlib.contextmanager
    def _tracked(self, scope: Scope) -> Iterator[None]:
        """Allow requests for an upload's progress while it is under way, and then delete the name that Gradio keeps."""
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
        """Read the paths of Gradio's copies from its answer; raise a GateError if Gradio refused the upload."""
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
    """The name that the page gave an upload, in the query; "" if it has none."""
    return QueryParams(scope.get("query_string", b"")).get("upload_id", "")
