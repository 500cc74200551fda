"""Codecs from the Hugging Face Hub that links name: fetched for strangers, a few at a time, and not kept on disk."""

import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from distill.codec import Codec
from distill.errors import FullError
from distill.hub import CODEC_FILE, fetch
from distill.server.codecs import Codecs
from distill.server.storage import Storage
from distill.settings import Settings

AT_ONCE = 2
"""Maximum number of codecs that are fetched at the same time."""
WAITING = 8
"""Maximum number of codecs that are fetched or wait for it."""
MOST_NAMES = 256
"""Maximum number of repositories that are remembered as those of codecs."""


@dataclass(eq=False)
class HubCodecs:
    """Codecs that everybody can have from the Hub. It is safe for threads.

    No token is sent: the server's own would open private repositories to strangers.

    Parameters
    ----------
    storage : Storage
        Has the folder of the downloads, each of which is deleted once its codec is in memory.
    codecs : Codecs
        Shares equal codecs in memory.
    settings : Settings
        Limits; ``codec_bytes`` bounds a download.
    """

    storage: Storage
    codecs: Codecs
    settings: Settings
    _names: OrderedDict[str, str] = field(default_factory=OrderedDict)
    _fetched: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "hub"))

    def fetch(self, repository: str, address: str = "") -> "Future[Codec]":
        """Begin to fetch a codec, in a thread of its own, because the Hub may answer late.

        Parameters
        ----------
        repository : str
            Its name, "user/name".
        address : str
            Network address of who asks; it has one codec fetched at a time.

        Returns
        -------
        Future
            The codec; or a HubError if the Hub does not give it to everybody, or a CodecFileError if it is no codec.

        Raises
        ------
        FullError
            If another one is being fetched for this address, or too many for others.
        """
        with self._lock:
            if address in self._fetched or len(self._fetched) >= WAITING:
                raise FullError("Other codecs are being fetched from the Hub now; please try again in a minute.")
            self._fetched.add(address)
        future = self._threads.submit(self._load, repository)
        future.add_done_callback(lambda _: self._end(address))
        return future

    def name(self, codec: Codec, repository: str) -> None:
        """Note that everybody can have a codec from a repository."""
        with self._lock:
            self._names[codec.sound_id] = repository
            self._names.move_to_end(codec.sound_id)
            while len(self._names) > MOST_NAMES:
                self._names.popitem(last=False)

    def name_of(self, codec: Codec) -> str:
        """The repository from which everybody can have a codec, as far as it is known; else ""."""
        return self._names.get(codec.sound_id, "")

    @property
    def is_busy(self) -> bool:
        """Whether a codec is being fetched or waits for it."""
        return bool(self._fetched)

    def close(self) -> None:
        """Begin no further download."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _load(self, repository: str) -> Codec:
        with self.storage.unpacking() as folder:
            limit = self.settings.codec_bytes
            path = fetch(repository, CODEC_FILE, most_bytes=limit, token=False, cache_dir=folder)
            codec = self.codecs.load(path, settings=self.settings)
        self.name(codec, repository)
        return codec

    def _end(self, address: str) -> None:
        with self._lock:
            self._fetched.discard(address)
