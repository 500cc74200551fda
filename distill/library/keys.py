"""The key of a library: an unguessable text that is all that opens it."""

import hashlib
import re
import secrets
from urllib.parse import parse_qs, urlsplit

from distill.errors import LibraryError

KEY = re.compile(r"[A-Za-z0-9_-]{43}")
"""256 random bits in URL-safe base64."""
NAME = "library"
"""Name of the key in a link: behind “#”, which a browser sends to nobody, or in its query."""
LONGEST = 4_096
"""Maximum characters of a key or a link that is read."""


def new_key() -> str:
    """Make a new random key: 43 characters for 256 bits.

    Examples
    --------
    >>> new_key() != new_key()
    True
    """
    while not (key := secrets.token_urlsafe(32))[0].isalnum():  # a command line would take "-" for an option
        pass
    return key


def read_key(text: str) -> str:
    """Read a key as a person pastes it: by itself, or in the link that opens its library.

    Raises
    ------
    LibraryError
        If the text is neither.

    Examples
    --------
    >>> key = new_key()
    >>> read_key(f"https://ada-distill.hf.space/#library={key}") == read_key(key) == key
    True
    >>> read_key("my library")
    Traceback (most recent call last):
    distill.errors.LibraryError: This is no link to a library: its end is “#library=” and 43 letters and digits.
    """
    given = text.strip()[:LONGEST]
    try:
        link = urlsplit(given)
        [given] = parse_qs(f"{link.query}&{link.fragment}", max_num_fields=20).get(NAME, [given])
    except ValueError:
        given = ""
    if not KEY.fullmatch(given):
        raise LibraryError("This is no link to a library: its end is “#library=” and 43 letters and digits.")
    return given


def folder_name(key: str) -> str:
    """The name of a library's folder: the SHA-256 of its key, as 64 hexadecimal digits.

    The key itself is stored nowhere, and its hash is looked up as a whole, so that the time of an answer tells nothing.

    Examples
    --------
    >>> len(folder_name(new_key()))
    64
    """
    return hashlib.sha256(key.encode()).hexdigest()
