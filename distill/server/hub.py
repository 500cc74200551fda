"""Strangers' codecs from the Hugging Face Hub and to it: one at a time for each, bounded, and shared with nobody."""

import contextlib
import hashlib
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from distill.codec import Codec
from distill.errors import FullError, HubError
from distill.hub import CODEC_FILE, ON_A_PAGE, HubFile, download, publish, read_name
from distill.server.askers import Asker
from distill.server.rates import Places, Rates
from distill.server.storage import Storage
from distill.server.turns import Turns
from distill.server.visit import Page
from distill.settings import Settings

TOKEN = re.compile(r"[\w.~+/=-]{8,4096}", re.ASCII)
NO_TOKEN = "Paste a token of yours that may write: make one at https://huggingface.co/settings/tokens."
MOST_NAMES = 256
"""Maximum number of repositories that are remembered as those of codecs."""
LOOK_SECONDS = 0.2
"""Seconds between two looks whether a codec has arrived on the Hub."""


@dataclass(frozen=True)
class Publication:
    """What would go out to the Hub.

    Attributes
    ----------
    repository : str
        "user/name".
    files : tuple of HubFile
    is_private : bool
        Whether only its owner may read the repository.
    """

    repository: str
    files: tuple[HubFile, ...]
    is_private: bool

    @property
    def fingerprint(self) -> str:
        """A hash of all that goes out, and of where it goes and to whom: 64 hexadecimal digits."""
        told = hashlib.sha256(f"{self.repository} {self.is_private}".encode())
        for file in self.files:
            told.update(f" {file.path} {hashlib.sha256(file.content).hexdigest()}".encode())
        return told.hexdigest()


class HubDoor:
    """The server's way to the Hugging Face Hub.

    Visitors wait for the Hub without a place among those who compute. Nothing that one of them fetches is kept for
    another, and the server's own token, if it has one, is never sent.

    Parameters
    ----------
    settings : Settings
        Limits; those with ``hub`` in their names and ``codec_bytes`` are read.
    storage : Storage
        Where a codec lies until it is opened.
    turns : Turns
        Scheduler of the visitors' work.
    """

    def __init__(self, settings: Settings, storage: Storage, turns: Turns) -> None:
        self._settings, self._storage, self._turns, self._rates = settings, storage, turns, Rates(settings)
        self._places = Places(
            settings.visit_hub_transfers, settings.address_hub_transfers,
            "Another codec is on its way from the Hub or to it; please try again when it is there.",
        )  # fmt: skip
        self._lock, self._num_transfers = threading.Lock(), 0
        self._names = OrderedDict[str, str]()
        logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)  # its messages name repositories, so visitors

    @contextlib.contextmanager
    def fetched(
        self, page: Page, text: str, report: Callable[[float], object] = lambda share: None
    ) -> Iterator[tuple[str, Path]]:
        """Download the codec of a repository, and delete it at the end of the context.

        Parameters
        ----------
        page : Page
            The page that asks.
        text : str
            Name of the repository, from a stranger; see :func:`distill.hub.read_name`.
        report : callable
            Called with the share that has come, 0 to 1; what it raises ends the download.

        Yields
        ------
        name : str
            "user/name", or "user/name@revision".
        path : Path
            The file, not yet checked.

        Raises
        ------
        HubError
            If the codec cannot be had.
        FullError, GateError
            If a limit is passed.
        """
        self._require_open()
        repository, revision = read_name(text)
        settings, folder = self._settings, None
        try:
            with (
                self._one(_asker(page)),
                self._storage.filling(page.owner, settings.codec_bytes, address=page.address) as folder,
                self._turns.aside(),
            ):
                download(
                    repository, CODEC_FILE, folder / CODEC_FILE, most_bytes=settings.codec_bytes,
                    most_seconds=settings.hub_seconds, revision=revision, report=report,
                )  # fmt: skip
            yield f"{repository}@{revision}" if revision else repository, folder / CODEC_FILE
        finally:
            if folder is not None:
                self._storage.remove(folder, page.owner)

    def note(self, codec: Codec, repository: str) -> None:
        """Note that everybody can have a codec from a repository."""
        with self._lock:
            self._names[codec.sound_id] = repository
            self._names.move_to_end(codec.sound_id)
            while len(self._names) > MOST_NAMES:
                self._names.popitem(last=False)

    def name_of(self, codec: Codec) -> str:
        """The repository from which everybody can have a codec, as far as it is known; else ""."""
        return self._names.get(codec.sound_id, "")

    def publish(self, page: Page, publication: Publication, token: str, pause: Callable[[], object]) -> str:
        """Publish with the token of a visitor, which is kept no longer than that takes.

        Parameters
        ----------
        page : Page
            The page that asks.
        publication : Publication
        token : str
            From a stranger.
        pause : callable
            Called while the Hub is waited for; what it raises ends the wait, and the files may still arrive.

        Returns
        -------
        str
            Address of the commit on the Hub.

        Raises
        ------
        HubError
            If the token is none, or may not write there; the name is taken; or the Hub cannot be reached, refuses the
            files or takes too long.
        FullError, GateError
            If a limit is passed.
        """
        self._require_open()
        given = token.strip()
        if not TOKEN.fullmatch(given):
            raise HubError(NO_TOKEN)
        taken = contextlib.ExitStack()
        taken.enter_context(self._one(_asker(page)))
        sending = _Sending(publication, given, taken.close)
        try:
            sending.start()
        except RuntimeError:
            taken.close()
            raise FullError("The server has too much to do now; please try again in a minute.") from None
        with self._turns.aside():
            return sending.wait(self._settings.hub_seconds, pause)

    def _require_open(self) -> None:
        if not self._settings.hub:
            raise HubError("Whoever runs this server has switched the Hub off; open the codec as a file.")

    @contextlib.contextmanager
    def _one(self, asker: Asker) -> Iterator[None]:
        """Count one transfer while the context lasts."""
        with contextlib.ExitStack() as stack:
            with self._lock:
                self._rates.spend(self._rates.hub, asker)
                if self._num_transfers >= self._settings.hub_transfers:
                    raise FullError("Many codecs are on their way from the Hub; please try again in a minute.")
                stack.enter_context(self._places.one(asker))
                self._num_transfers += 1
            try:
                yield
            finally:
                with self._lock:
                    self._num_transfers -= 1
                    stack.close()


class _Sending(threading.Thread):
    """One publication under way; what it holds of the visitor's place is released at its end."""

    def __init__(self, publication: Publication, token: str, release: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._publication, self._token, self._release = publication, token, release
        self._address = ""
        self._error: BaseException | None = None

    def run(self) -> None:
        what, token, self._token = self._publication, self._token, ""
        try:
            from huggingface_hub.utils import disable_progress_bars

            disable_progress_bars()  # they would go to the server's log
            self._address = publish(
                what.repository, what.files, private=what.is_private, token=token, advice=ON_A_PAGE
            )  # fmt: skip
        except BaseException as error:
            self._error = error
        finally:
            self._release()

    def wait(self, most_seconds: float, pause: Callable[[], object]) -> str:
        """Wait for the end; return the address of the commit, or raise the error there was."""
        for _ in range(round(most_seconds / LOOK_SECONDS)):
            self.join(LOOK_SECONDS)
            if not self.is_alive():
                break
            pause()
        else:
            raise HubError(
                f"The Hub takes more than {most_seconds:.0f} seconds; before you publish again, look there whether "
                f"{self._publication.repository} has the codec."
            )
        if self._error is not None:
            raise self._error
        return self._address


def _asker(page: Page) -> Asker:
    return Asker("" if page.is_without_cookie else page.owner, page.address)


def files_to_publish(files: Sequence[HubFile], repository: str, *, is_private: bool) -> Publication:
    """The publication of files under a name from a stranger.

    Raises
    ------
    HubError
        If it is no name, or names a revision too.
    """
    named, revision = read_name(repository)
    if revision:
        raise HubError("A codec is published under the name of a repository alone: user/name.")
    return Publication(named, tuple(files), is_private)
