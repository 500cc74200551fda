"""Find sounds by their content: in files, folders and archives, with the reasons why other files are none."""

import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from distill.audio.archives import Room, is_companion, is_zip, printable, unpack_zip
from distill.errors import AudioError, PassingError
from distill.formats.kinds import COMPANION, DOCUMENT, HEAD_BYTES, Kind, kind_of
from distill.settings import Settings

NAMED_FILES, NAMED_IN_ALL = 20, 200
"""Files that are named one by one if they are no sound: of one folder or archive, and of all together."""


@dataclass(frozen=True)
class Refusal:
    """A file that was left out, and the reason in one sentence; whether the reason may pass."""

    name: str
    reason: str
    may_pass: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class PassedOver(Refusal):
    """A file beside sounds that is no sound itself.

    Attributes
    ----------
    beside : Path
        The folder or archive that holds the file.
    is_companion : bool
        Whether macOS or Windows puts such files beside others.
    """

    beside: Path
    is_companion: bool


class Untold:
    """Files that are no sound and are not named one by one: only their numbers and the name of one are kept."""

    def __init__(self) -> None:
        self._named: Counter[Path] = Counter()
        self._more: Counter[Path] = Counter()
        self._companions, self._companion = 0, ""

    def add(self, item: PassedOver) -> bool:
        """Count a file; return False if it is to be named by itself, as one of the first."""
        if item.is_companion:
            self._companions, self._companion = self._companions + 1, self._companion or item.name
        elif self._named[item.beside] < NAMED_FILES and self._named.total() < NAMED_IN_ALL:
            self._named[item.beside] += 1
            return False
        else:
            self._more[item.beside] += 1
        return True

    def told(self) -> Iterator[Refusal]:
        """Yield a refusal for each folder or archive, and one for all companions together."""
        for beside, count in self._more.items():
            place, more = printable(beside.name), " more" if self._named[beside] else ""
            files = "file that is no sound was" if count == 1 else "files that are no sound were"
            yield Refusal(place, f"In {place}, {count}{more} {files} passed over.")
        if self._companions:
            files = "companion file" if self._companions == 1 else "companion files"
            were = "was" if self._companions == 1 else "were"
            yield Refusal(
                self._companion,
                f"{self._companions} {files} of macOS or Windows, which hold no sound, {were} passed over, such as "
                f"{self._companion}.",
            )


def find_sounds(
    paths: Iterable[str | os.PathLike[str]],
    unpacked: Path,
    settings: Settings,
    take: Callable[[int], object],
    *,
    once: bool,
) -> Iterator[Path | Refusal]:
    """Yield the files that are sounds, in order, and why others are none; parameters as in
    :func:`~distill.audio.clips.read_clips`.

    A file that is named directly is yielded whatever it is, so that decoding says what is wrong with it.

    Parameters
    ----------
    unpacked : Path
        Folder in which archives are unpacked, one file at a time; a file is gone when the next one is asked for.
    """
    room, earlier, archives = Room.of(settings), set[Path](), itertools.count()
    for path in map(Path, paths):
        if once and path in earlier:
            yield Refusal(printable(path.name), f"{printable(path.name)} was left out: it is named twice.")
            continue
        earlier.add(path)
        is_folder = os.path.isdir(path)
        for file, refusal in files_in(path) if is_folder else [(path, None)]:
            if refusal:
                yield refusal
                continue
            kind = _kind_of(file)
            if kind not in (None, DOCUMENT) and is_zip(file):
                folder = unpacked / str(next(archives))
                folder.mkdir()
                yield from _find_in_zip(file, folder, settings, room, take)
            elif kind is None or kind.demuxer or not (is_folder or kind is COMPANION):
                yield file
            else:
                name = printable(file.name)
                yield PassedOver(name, f"{name} {kind.reason}", path.resolve(), is_companion(name, kind))


def _find_in_zip(
    path: Path, folder: Path, settings: Settings, room: Room, take: Callable[[int], object]
) -> Iterator[Path | Refusal]:
    archive = printable(path.name)
    try:
        for item in unpack_zip(path, folder, settings=settings, room=room, take=take):
            if isinstance(item, Path):
                yield item
                item.unlink()
            elif item.is_sound:
                yield Refusal(item.name, str(item))
            else:
                yield PassedOver(item.name, str(item), path, item.is_companion)
    except AudioError as error:
        yield Refusal(archive, str(error), may_pass=isinstance(error, PassingError))


def files_in(folder: Path) -> Iterator[tuple[Path, Refusal | None]]:
    """Yield the paths in a folder and its sub-folders, in their order, each with the reason why it is not read if it is
    no file. A link to a folder is followed, but no folder is searched twice."""
    found, searched, closed = list[Path](), set[str](), set[Path]()
    for root, folders, files in os.walk(
        folder, onerror=lambda error: closed.add(Path(error.filename)), followlinks=True
    ):
        if (real := os.path.realpath(root)) in searched:
            folders.clear()
            continue
        searched.add(real)
        found += [Path(root, name) for name in files]
    for path in sorted([*found, *closed]):
        reason = ""
        if path in closed:
            reason = "is a folder that could not be opened."
        elif os.path.isfile(path):
            pass
        elif os.path.exists(path):
            reason = "is not a file, but a pipe, a socket or a device."
        elif os.path.islink(path):
            reason = "is a link to a file that is not there."
        else:
            reason = "could not be opened."
        name = printable(path.name)
        yield path, Refusal(name, f"{name} {reason}") if reason else None


def _kind_of(path: Path) -> Kind | None:
    """Kind of a file by its content; None if it is no plain file, cannot be read, or is empty."""
    if not os.path.isfile(path):  # a pipe would be waited for
        return None
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except (OSError, ValueError):
        return None
    return kind_of(head, is_whole=len(head) < HEAD_BYTES) if head else None
