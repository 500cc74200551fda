"""The sound files of a folder, by their paths below it."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from distill.audio.archives import printable
from distill.errors import AudioError
from distill.formats.kinds import COMPANION, DOCUMENT, HEAD_BYTES, LIST, MIDI, PAGE, PICTURE, TEXT, kind_of

NO_CLIPS = (COMPANION, DOCUMENT, LIST, MIDI, PAGE, PICTURE, TEXT)
"""Kinds of files that lie beside sounds: no row of a table is about them."""


@dataclass(frozen=True)
class Listing:
    """The files of a folder.

    Attributes
    ----------
    folder : Path
        Absolute path.
    sizes : dict of str to int
        Bytes of each file by its path below the folder, with slashes, in the order of these paths. A file that cannot
        be opened has -1.
    """

    folder: Path
    sizes: dict[str, int]


def list_files(folder: Path, files: Iterable[Path] | None = None) -> Listing:
    """List all files of a folder and its sub-folders, or some of them; a link to a folder is followed once.

    Raises
    ------
    AudioError
        If the folder is missing or cannot be opened.

    Examples
    --------
    >>> listing = list_files(Path("examples"))
    >>> "clips/loop_amen.flac" in listing.sizes
    True
    """
    if not folder.is_dir():
        raise AudioError(f"{printable(folder.name)} does not exist or is no folder.")
    root = Path(os.path.abspath(folder))
    paths = _walk(root) if files is None else files
    names = {path.relative_to(root).as_posix(): path for path in paths}
    return Listing(root, {name: _size(names[name]) for name in sorted(names)})


def shown(name: str) -> str:
    """A file's name as text that a table can hold; bytes that are no UTF-8 are replaced.

    Examples
    --------
    >>> shown("a/b\\udcff.wav") == "a/b\N{REPLACEMENT CHARACTER}.wav"
    True
    """
    return os.fsencode(name).decode(errors="replace")


def without_others(listing: Listing, files: Iterable[str]) -> list[str]:
    """Leave out what is plainly no sound but lies beside sounds: texts, pictures, playlists, companion files.

    What seems to be a sound, or is of an unknown kind, stays: whoever decodes it says what is wrong with it.
    """
    return [name for name in files if _kind(listing.folder / name) not in NO_CLIPS]


def _walk(root: Path) -> list[Path]:
    found, searched = list[Path](), set[str]()

    def refuse(error: OSError) -> None:
        if Path(error.filename) == root:
            raise AudioError(f"{printable(root.name)} is a folder that could not be opened.") from error

    for place, folders, files in os.walk(root, onerror=refuse, followlinks=True):
        if (real := os.path.realpath(place)) in searched:
            folders.clear()
            continue
        searched.add(real)
        found += [Path(place, name) for name in files]
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _kind(path: Path) -> object:
    if not os.path.isfile(path):
        return None
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return None
    return kind_of(head, is_whole=len(head) < HEAD_BYTES) if head else None
