"""The name of a repository, as a person writes or pastes it."""

import re
from urllib.parse import unquote

from distill.errors import HubError

ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/", re.IGNORECASE)
"""How the address of a page of the Hub begins."""
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
REVISION = re.compile(r"\w[\w./-]{0,99}", re.ASCII)
LONGEST = 400
"""Maximum characters of a name or an address."""


def read_name(text: str) -> tuple[str, str | None]:
    """Read the name of a repository, and its revision if one is named.

    Parameters
    ----------
    text : str
        "user/name", "user/name@revision", either with "hf://" before it, or the address of a page of the Hub.

    Returns
    -------
    repository : str
        "user/name".
    revision : str or None
        A branch, a tag or a commit.

    Raises
    ------
    HubError
        If it is none of these.

    Examples
    --------
    >>> read_name("ada/loops@v2")
    ('ada/loops', 'v2')
    >>> read_name("https://huggingface.co/ada/loops/tree/main")
    ('ada/loops', 'main')
    """
    given = text.strip()
    if len(given) > LONGEST:
        raise _no_name(given)
    address = ADDRESS.match(given)
    if address:
        path = re.split(r"[?#]", given[address.end() :])[0].strip("/")
        user, name, *rest = [*(unquote(part) for part in path.split("/")), ""]
        named, revision = f"{user}/{name}", rest[1] if len(rest) > 2 and rest[0] in ("tree", "blob", "resolve") else ""
    else:
        named, at, revision = given.removeprefix("hf://").partition("@")
        user, _, name = named.partition("/")
        if at and not revision:
            raise _no_name(given)
    if not (NAME.fullmatch(user) and NAME.fullmatch(name)) or (address and user in ("datasets", "spaces")):
        raise _no_name(given)
    if revision and (not REVISION.fullmatch(revision) or ".." in revision):
        raise HubError(f"“{revision:.100}” is no name of a revision: a branch, a tag or a commit.")
    return named, revision or None


def _no_name(given: str) -> HubError:
    return HubError(f"“{given:.100}” is no name of a repository on the Hub: write user/name, or user/name@revision.")
