"""Secrets by which a page names what is its own."""

import secrets


def is_same(secret: str, given: object) -> bool:
    """Whether a value that a client sent is a secret; the time that this takes tells nothing of the secret."""
    return isinstance(given, str) and given.isascii() and secrets.compare_digest(secret, given)
