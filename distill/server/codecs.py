"""The codecs that visitors load, each held once however many of them load it."""

import hashlib
import os
from weakref import WeakValueDictionary

from distill.codec import Codec
from distill.settings import DEFAULTS, Settings


class Codecs:
    """Codecs by the content of their files, remembered for as long as somebody uses them; threads may share it."""

    def __init__(self) -> None:
        self._codecs: WeakValueDictionary[bytes, Codec] = WeakValueDictionary()

    def load(self, path: str | os.PathLike[str], *, settings: Settings = DEFAULTS) -> Codec:
        """The codec of a file; one that is in use already is given again, not read again.

        Raises
        ------
        CodecFileError
            If the file is missing, damaged or larger than the settings allow.
        """
        try:
            if os.path.getsize(path) > settings.codec_bytes:
                return Codec.load(path, settings=settings)  # which refuses it
            with open(path, "rb") as file:
                content = hashlib.file_digest(file, "sha256").digest()
        except OSError:
            return Codec.load(path, settings=settings)  # which says why it cannot
        codec = self._codecs.get(content)
        if codec is None:  # who loads the same file at this moment may be first: all get that one
            codec = self._codecs.setdefault(content, Codec.load(path, settings=settings))
        return codec
