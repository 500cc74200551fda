"""Names that people give to the codecs that they keep."""

import unicodedata

from distill.errors import LibraryError

MOST_CHARACTERS = 60
JOINERS = "\u200c\u200d"
"""Invisible characters that belong to letters and emoji."""


def read_title(text: str) -> str:
    """Read the name of a codec, as a person types it. Spaces around it, and all but one between words, are left out.

    A name is shown as text, and is never a path or a file's name. So it may look like either, or like HTML.

    Raises
    ------
    LibraryError
        If it is empty, has more than 60 characters, or has invisible characters, for example those that turn the
        direction of the text around it.

    Examples
    --------
    >>> read_title("  kitchen   drums ")
    'kitchen drums'
    >>> read_title(" ")
    Traceback (most recent call last):
    distill.errors.LibraryError: Give the codec a name of 1 to 60 characters.
    """
    if len(text) > 100 * MOST_CHARACTERS:  # the work below grows with the length
        raise LibraryError(_too_long(text))
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not any(unicodedata.category(letter)[0] in "LNPS" for letter in name):
        raise LibraryError(f"Give the codec a name of 1 to {MOST_CHARACTERS} characters.")
    if len(name) > MOST_CHARACTERS:
        raise LibraryError(_too_long(name))
    if any(unicodedata.category(letter)[0] == "C" and letter not in JOINERS for letter in name):
        raise LibraryError("This name has invisible characters in it; please type it by hand.")
    return name


def is_same_title(one: str, other: str) -> bool:
    """Whether two names look the same but for capital letters.

    Examples
    --------
    >>> is_same_title("Drums", "drums")
    True
    """
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _too_long(name: str) -> str:
    return f"This name has {len(name)} characters, and a name may have {MOST_CHARACTERS}."
