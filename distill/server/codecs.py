"""The codecs that visitors load, shared in memory between visitors who load the same file."""

import hashlib
import os
from weakref import WeakValueDictionary

from distill.codec import Codec
from distill.settings import DEFAULTS, Settings


class Codecs:
    """A cache of codecs, keyed by the SHA-256 of their files. It is safe for threads.

    The references are weak: a codec leaves the cache when no visitor uses it any more.
    """

    def __init__(self) -> None:
        self._codecs: WeakValueDictionary[bytes, Codec] = WeakValueDictionary()

    def load(self, path: str | os.PathLike[str], *, settings: Settings = DEFAULTS) -> Codec:
        """Load a codec from a file, or give the equal codec that is in use already.

        Raises
        ------
        CodecFileError
            If the file is missing, damaged or larger than the settings allow.
        """
        try:
            if os.path.getsize(path) > settings.codec_bytes:
                return Codec.load(path, settings=settings)  # raises the CodecFileError
            with open(path, "rb") as file:
                content = hashlib.file_digest(file, "sha256").digest()
        except OSError:
            return Codec.load(path, settings=settings)  # raises a CodecFileError with the reason
        codec = self._codecs.get(content)
        if codec is None:  # another thread may load the same file now: setdefault gives both the same object
            codec = self._codecs.setdefault(content, Codec.load(path, settings=settings))
        return codec
