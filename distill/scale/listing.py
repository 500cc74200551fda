"""The sound files of a folder, by their paths below it."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from distill.audio.archives import printable
from distill.audio.finding import files_in
from distill.errors import AudioError
from distill.formats.kinds import COMPANION, DOCUMENT, HEAD_BYTES, LIST, MIDI, PAGE, PICTURE, TEXT, kind_of
from distill.scale.reading import Stamp, stamp

NO_CLIPS = (COMPANION, DOCUMENT, LIST, MIDI, PAGE, PICTURE, TEXT)
"""Kinds of files that lie beside sounds: no row of a table is about them."""


@dataclass(frozen=True)
class Listing:
    """The files of a folder.

    Attributes
    ----------
    folder : Path
        Absolute path.
    stamps : dict of str to (int, int)
        Size and time of the last change of each file, as :func:`~distill.scale.reading.stamp` gives them, by its path
        below the folder, with slashes, in the order of these paths; (0, 0) if it is not read.
    reasons : dict of str to str
        Why some of them are not read, such as a sub-folder that could not be opened.
    """

    folder: Path
    stamps: dict[str, Stamp]
    reasons: dict[str, str] = field(default_factory=dict)


def list_files(folder: Path, files: Iterable[Path] | None = None) -> Listing:
    """List all files of a folder and its sub-folders, or some of them; a link to a folder is followed once.

    Raises
    ------
    AudioError
        If the folder is missing or cannot be opened.

    Examples
    --------
    >>> listing = list_files(Path("examples"))
    >>> "clips/loop_amen.flac" in listing.stamps
    True
    """
    if not folder.is_dir():
        raise AudioError(f"{printable(folder.name)} does not exist or is no folder.")
    root = Path(os.path.abspath(folder))
    stamps, reasons = dict[str, Stamp](), dict[str, str]()
    for path, refusal in files_in(root) if files is None else ((Path(os.path.abspath(each)), None) for each in files):
        if refusal and path == root:
            raise AudioError(refusal.reason)
        name = path.relative_to(root).as_posix()
        if refusal:
            reasons[name] = refusal.reason
        stamps[name] = (None if refusal else stamp(path)) or (0, 0)
    return Listing(root, dict(sorted(stamps.items())), reasons)


def shown(name: str) -> str:
    """A file's name as text that a table can hold: a byte that is no UTF-8 is told by its number.

    Examples
    --------
    >>> print(shown("a/b\\udcff.wav"))
    a/b\\xff.wav
    """
    return os.fsencode(name).decode(errors="backslashreplace")


def without_others(listing: Listing, files: Iterable[str]) -> list[str]:
    """Leave out what is plainly no sound but lies beside sounds: texts, pictures, playlists, companion files.

    What seems to be a sound, or is of an unknown kind, stays: whoever decodes it says what is wrong with it.
    """
    return [name for name in files if _kind(listing.folder / name) not in NO_CLIPS]


def _kind(path: Path) -> object:
    if not os.path.isfile(path):
        return None
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return None
    return kind_of(head, is_whole=len(head) < HEAD_BYTES) if head else None
