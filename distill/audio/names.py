"""Names of clips, and names of the files that are made of them."""

import re

from distill.audio.archives import UNPRINTABLE

SUFFIX = re.compile(r"(?<=.)\.([a-z]{2,5}|mp[234]|m4[abprv]|3gp|3g2|w64|rf64)$", re.IGNORECASE)
"""The end of a name that tells the kind of a file. "kick.01" and "take.v2" have none."""
MOST_BYTES = 160
"""Maximum bytes of a stem. A file system allows 255, and tempo, level and suffix follow the stem."""


def without_suffix(name: str) -> str:
    """The name of a file without the suffix that tells its kind.

    Examples
    --------
    >>> without_suffix("kick.01.wav"), without_suffix("kick.01 + snare"), without_suffix(".wav")
    ('kick.01', 'kick.01 + snare', '.wav')
    """
    return SUFFIX.sub("", name)


def file_stem(name: str, default: str = "clip") -> str:
    """How the names of the files begin that are made of a clip, or of whatever has this name.

    Parameters
    ----------
    name : str
        Name of a clip, or a title; it may hold any characters.
    default : str
        The stem if nothing is left of the name.

    Returns
    -------
    str
        At most 160 bytes in UTF-8, without the suffix of the name and without characters that mean something to a file
        system or a shell.

    Examples
    --------
    >>> file_stem("kick.01 + snare"), file_stem("../a <b>.wav"), file_stem("...")
    ('kick.01 + snare', 'a b', 'clip')
    """
    allowed = re.sub(r'[\\/:*?"<>|&;$`]', " ", UNPRINTABLE.sub(" ", without_suffix(name)))
    short = " ".join(allowed.split()).strip(" .").encode()[:MOST_BYTES].decode(errors="ignore")
    return short.rstrip(" .") or default
