"""Strangers' libraries of codecs: a few calls at a time for each, bounded, and opened by their keys alone."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from limits import RateLimitItemPerDay
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from distill.codec import Codec
from distill.errors import CodecFileError, FullError, LibraryError
from distill.library import Kept, Library, label_of, new_key, read_key, read_title
from distill.library.place import is_there
from distill.server.askers import Asker
from distill.server.rates import Places, Rates
from distill.server.storage import Storage
from distill.server.turns import Turns
from distill.server.visit import Page
from distill.settings import MIB, Settings, variable

AT_ONCE, ADDRESS_AT_ONCE = 2, 16
"""Maximum number of codecs that come from libraries or go there at the same time, of one visitor and of one address."""
ALL_AT_ONCE = 32
"""Maximum number of all visitors' calls at the same time; each holds a thread, for as long as the disk takes."""
TIDY_SECONDS = 3600
"""Seconds between two looks for codecs that are kept no longer."""
FILE = "codec.distill"
logger = logging.getLogger(__name__)


class LibraryDoor:
    """The visitors' way to their libraries.

    The server stores no key. Whoever waits for the disk, which may be a bucket on the network, holds no place among
    those who compute. A codec that comes from a library is checked as one that a visitor uploads.

    Parameters
    ----------
    library : Library
    settings : Settings
        Limits; those with ``library`` in their names are read.
    storage : Storage
        Where a codec lies until it is kept or opened.
    turns : Turns
        Scheduler of the visitors' work.
    """

    def __init__(self, library: Library, settings: Settings, storage: Storage, turns: Turns) -> None:
        self._library, self._settings, self._storage, self._turns = library, settings, storage, turns
        self._rates, self._lock = Rates(settings), threading.Lock()
        self._places = Places(
            AT_ONCE,
            ADDRESS_AT_ONCE,
            "Another codec is on its way to or from a library; please try again in a moment.",
        )
        self._all = threading.BoundedSemaphore(ALL_AT_ONCE)
        self._day = RateLimitItemPerDay(settings.address_library_bytes, namespace="address")
        self._kept_today = SlidingWindowCounterRateLimiter(MemoryStorage())

    @classmethod
    def of(cls, settings: Settings, storage: Storage, turns: Turns) -> "LibraryDoor | None":
        """The way to the libraries in the folder that the settings name; None if they name none. The log has a warning
        if the named folder is new, because it may be where a bucket should be mounted.

        Raises
        ------
        StartupError
            If the folder has other files, or cannot be written.
        """
        if settings.library_place is None:
            return None
        where = f"the folder that {variable('library_folder')} names"
        if settings.library_folder is None:
            where = f"“library” in the folder that {variable('folder')} names"
        is_new = not is_there(settings.library_place)
        library = Library(settings.library_place, settings, where=where)
        if is_new and settings.library_folder is not None:
            logger.warning("No codecs were kept in %s before. If there should be some, is its disk mounted?", where)
        return cls(library, settings, storage, turns)

    def kept(self, page: Page, key: str) -> list[Kept]:
        """The codecs in a library; errors as of :meth:`distill.library.Library.kept`, or a GateError for too many
        calls."""
        with self._call(page), self._turns.aside():
            return self._library.kept(key)

    def keep(self, page: Page, key: str, codec: Codec, name: str) -> tuple[str, Kept]:
        """Keep a codec, as "Save codec" writes it.

        Parameters
        ----------
        page : Page
            The page that asks.
        key : str
            Key of the library; "" for a new one.
        codec : Codec
        name : str
            From a stranger.

        Returns
        -------
        key : str
            Key of the library.
        kept : Kept

        Raises
        ------
        LibraryError
            If the key is none, the name cannot be used or is taken, or the folder cannot be reached.
        FullError, GateError
            If a limit is passed. The bytes that an address tries to keep in a day count, also where it fails.
        """
        key, name, folder = read_key(key) if key else new_key(), read_title(name), None
        try:
            with (
                self._call(page, moves_codec=True),
                self._storage.filling(page.owner, codec.num_bytes, address=page.address) as folder,
            ):
                codec.save(folder / FILE)
                num_bytes = (folder / FILE).stat().st_size
                self._spend_share(page.address, num_bytes)
                with self._turns.aside():
                    kept = self._library.keep(key, folder / FILE, label_of(codec, name))
            return key, kept
        finally:
            if folder is not None:
                self._storage.remove(folder, page.owner)

    @contextlib.contextmanager
    def fetched(self, page: Page, key: str, id: str) -> Iterator[tuple[Kept, Path]]:
        """Copy the file of a kept codec for the context, in which it is loaded; then it is kept for as long again.

        Yields
        ------
        kept : Kept
        path : Path
            The file, not yet checked.

        Raises
        ------
        LibraryError
            If there is no such codec, it is damaged, or the folder cannot be reached.
        FullError, GateError
            If a limit is passed.
        """
        with self._place():  # until it is noted as opened, so that this never lacks a place
            folder = None
            try:
                with (
                    self._counted(page, moves_codec=True),
                    self._storage.filling(page.owner, self._settings.codec_bytes, address=page.address) as folder,
                    self._turns.aside(),
                ):
                    kept = self._library.fetch(key, id, folder / FILE)
                try:
                    yield kept, folder / FILE
                except CodecFileError as error:
                    raise LibraryError(
                        f"“{kept.name}” cannot be opened, because its file is damaged or not of this version of "
                        "Distill; it stays in the library until you delete it."
                    ) from error
                with self._turns.aside():
                    self._library.note_opened(key, id)
            finally:
                if folder is not None:
                    self._storage.remove(folder, page.owner)

    def rename(self, page: Page, key: str, id: str, name: str) -> None:
        """Rename a kept codec; errors as of :meth:`distill.library.Library.rename`, or a GateError for too many
        calls."""
        with self._call(page), self._turns.aside():
            self._library.rename(key, id, name)

    def delete(self, page: Page, key: str, id: str) -> None:
        """Delete a kept codec; errors as of :meth:`distill.library.Library.delete`, or a GateError for too many
        calls."""
        with self._call(page), self._turns.aside():
            self._library.delete(key, id)

    def words(self) -> str:
        """How long and how much is kept, in two sentences."""
        return self._library.words()

    def empty_words(self) -> str:
        """Why there may be nothing in a library, in one sentence."""
        return self._library.empty_words()

    def keep_tidy(self) -> None:
        """Delete what is kept no longer, now and every hour, for ever."""
        while True:
            try:
                self._library.expire(time.time())
            except Exception:
                logger.exception("Tidying up the libraries failed.")
            time.sleep(TIDY_SECONDS)

    @contextlib.contextmanager
    def _call(self, page: Page, *, moves_codec: bool = False) -> Iterator[None]:
        """Hold a place and count a call, as :meth:`_counted` does."""
        with self._place(), self._counted(page, moves_codec=moves_codec):
            yield

    @contextlib.contextmanager
    def _counted(self, page: Page, *, moves_codec: bool = False) -> Iterator[None]:
        """Count a call, and while the context lasts the codec that is moved, if one is."""
        asker = Asker("" if page.is_without_cookie else page.owner, page.address)
        with contextlib.ExitStack() as stack:
            with self._lock:
                self._rates.spend(self._rates.library, asker)
                if moves_codec:
                    stack.enter_context(self._places.one(asker))
            try:
                yield
            finally:
                with self._lock:
                    stack.close()

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        """Hold one of the places of all calls while the context lasts."""
        if not self._all.acquire(blocking=False):
            raise FullError("Too many visitors wait for the folder of kept codecs now; please try again in a minute.")
        try:
            yield
        finally:
            self._all.release()

    def _spend_share(self, address: str, num_bytes: int) -> None:
        if not self._kept_today.hit(self._day, address, cost=num_bytes):
            most = self._settings.address_library_bytes / MIB
            raise FullError(
                f"Visitors at your network address have kept the {most:.4g} MB that one address may keep in a day; "
                "“Save codec” gives this one as a file."
            )
