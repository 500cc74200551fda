"""All libraries in one folder: what is kept in each, for how long, and how much of it there may be."""

import contextlib
import os
import re
import secrets
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from distill.errors import FullError, LibraryError
from distill.library.keys import folder_name, read_key
from distill.library.label import MOST_BYTES, Label
from distill.library.names import is_same_title, read_title
from distill.library.place import UNFINISHED, claim_place, is_there, pieces_of, spoken, write_whole
from distill.settings import MIB, Settings

CODEC, LABEL, OPENED = ".distill", ".json", ".opened"
"""Ends of the names of a kept codec's files: the codec, its label, and when it was last opened. Whoever
gives a name writes the label alone, and whoever opens the codec the last alone: neither takes back the other's work."""
ID, FOLDER = re.compile(r"[0-9a-f]{16}"), re.compile(r"[0-9a-f]{64}")
DAY = 24 * 3600
NUM_LOCKS = 64
EMPTY = (
    "There is no codec in this library: the link is not complete, or all that was kept was deleted or not opened for "
    "{days} days."
)


@dataclass(frozen=True)
class Kept:
    """A codec in a library.

    Attributes
    ----------
    id : str
        16 hexadecimal digits.
    label : Label
        Its name and facts.
    num_bytes : int
        Size of its file.
    until : float
        When it will be deleted unless it is opened before, in seconds since 1970.
    """

    id: str
    label: Label
    num_bytes: int
    until: float

    @property
    def name(self) -> str:
        return self.label.name


class Library:
    """The libraries in a folder, each of which is opened by its key. It is safe for threads.

    Servers that share the folder do not lock it: each file is written as a whole under a name that no other server
    chooses. What all of them hold together may pass a limit by as much as they write at the same moment.

    Parameters
    ----------
    folder : Path
        Folder of all libraries; it is made if it is not there.
    settings : Settings
        Limits; those with ``library`` or ``libraries`` in their names and ``codec_bytes`` are read.
    where : str
        Name of the folder in messages of errors.
    clock : callable
        Gives the time in seconds since 1970.

    Raises
    ------
    StartupError
        If the folder has other files, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from distill.library import new_key
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     library, key = Library(Path(folder) / "library", Settings(), clock=lambda: 0.0), new_key()
    ...     kept = library.keep(key, Path("examples/models/loops.distill"), Label("loops", clips=17))
    ...     [each.name for each in library.kept(key)]
    ['loops']
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        where: str = "the folder of libraries",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder, self._settings, self._clock = claim_place(folder, where), settings, clock
        self._locks = [threading.RLock() for _ in range(NUM_LOCKS)]
        self._lock, self._count = threading.Lock(), (0, 0)
        self._is_counted = False

    def kept(self, key: str) -> list[Kept]:
        """The codecs in a library, those that were kept last first; none if there is no such library.

        Raises
        ------
        LibraryError
            If the key is none, or the folder cannot be reached.
        """
        with spoken(self.folder):
            return self._kept(self._folder(key))

    def keep(self, key: str, file: Path, label: Label) -> Kept:
        """Keep a copy of a codec's file in a library, which is made if it is not there. The label's time becomes now.

        Raises
        ------
        LibraryError
            If the name cannot be used or is taken, or the folder cannot be reached.
        FullError
            If a limit would be passed, or the disk is full.
        """
        label, folder = replace(label, name=read_title(label.name), kept=self._clock()), self._folder(key)
        settings = self._settings
        if not self._is_counted:
            self.expire(self._clock())
        with self._locked(folder), spoken(self.folder):
            there, num_bytes = self._kept(folder), file.stat().st_size
            self._require_free(there, label.name)
            if len(there) >= settings.library_codecs:
                raise FullError(
                    f"There are {len(there)} codecs in this library, and no more have room; please delete one first."
                )
            if sum(each.num_bytes for each in there) + num_bytes > settings.library_bytes:
                raise FullError(
                    f"This library would take more than its {settings.library_bytes / MIB:.4g} MB; please delete a "
                    "codec first."
                )
            with self._counted(num_bytes):
                name = secrets.token_hex(8)
                try:
                    self._write(folder / f"{name}{LABEL}", [label.to_json()])  # first, so that no list lacks the name
                    self._write(folder / f"{name}{CODEC}", pieces_of(file, settings.codec_bytes))
                except BaseException:
                    with contextlib.suppress(OSError):
                        (folder / f"{name}{LABEL}").unlink(missing_ok=True)
                    self._tidy_away(folder)
                    raise
        return Kept(name, label, num_bytes, self._clock() + settings.library_days * DAY)

    def fetch(self, key: str, id: str, target: Path) -> Kept:
        """Copy the file of a kept codec to ``target``; it is not checked. :meth:`note_opened` keeps it for longer.

        Raises
        ------
        LibraryError
            If there is no such codec in the library, or the folder cannot be reached.
        OSError
            If ``target`` cannot be written.
        """
        folder = self._folder(key)
        kept = self._find(folder, id)
        pieces = pieces_of(folder / f"{id}{CODEC}", self._settings.codec_bytes)
        with open(target, "wb") as file:
            while True:
                with spoken(self.folder):
                    piece = next(pieces, b"")
                if not piece:
                    return kept
                file.write(piece)

    def note_opened(self, key: str, id: str) -> None:
        """Note that a codec was opened now: from now on, it is kept for as long again. Nothing is noted on a disk that
        is full or can only be read."""
        folder = self._folder(key)
        with contextlib.suppress(LibraryError, FullError), spoken(self.folder):
            if (folder / f"{id}{CODEC}").exists():
                write_whole(folder / f"{id}{OPENED}", [f"{self._clock():.0f}".encode()])

    def rename(self, key: str, id: str, name: str) -> None:
        """Give a kept codec another name.

        Raises
        ------
        LibraryError
            If there is no such codec, the name cannot be used or is taken, or the folder cannot be reached.
        FullError
            If the disk is full.
        """
        name, folder = read_title(name), self._folder(key)
        with self._locked(folder):
            kept = self._find(folder, id)
            with spoken(self.folder):
                self._require_free([each for each in self._kept(folder) if each.id != id], name)
                write_whole(folder / f"{id}{LABEL}", [replace(kept.label, name=name).to_json()])

    def delete(self, key: str, id: str) -> None:
        """Delete a kept codec.

        Raises
        ------
        LibraryError
            If there is no such codec, or the folder cannot be reached.
        """
        folder = self._folder(key)
        with self._locked(folder):
            kept = self._find(folder, id)
            with spoken(self.folder):
                self._delete(folder, kept.id, kept.num_bytes)
                self._tidy_away(folder)

    def expire(self, now: float) -> None:
        """Delete what was not opened for too long, and what broken-off writes left a day ago; count the rest.

        Parameters
        ----------
        now : float
            Time in seconds since 1970.
        """
        if not is_there(self.folder):
            return
        count, num_bytes = 0, 0
        for folder in self._folders():
            with contextlib.suppress(OSError), self._locked(folder):
                for each in self._kept(folder, all_of_them=True):
                    if each.until < now:
                        self._delete(folder, each.id, 0)
                    else:
                        count, num_bytes = count + 1, num_bytes + each.num_bytes
                _sweep(folder, now)
                self._tidy_away(folder)
        with self._lock:
            self._count, self._is_counted = (count, num_bytes), True

    def words(self) -> str:
        """How long and how much is kept, in two sentences."""
        settings = self._settings
        return (
            f"A codec is kept for {settings.library_days} days after it was last opened. A library has room for "
            f"{settings.library_codecs} codecs and {settings.library_bytes / MIB:.4g} MB."
        )

    def empty_words(self) -> str:
        """Why there may be nothing in a library, in one sentence."""
        return EMPTY.format(days=self._settings.library_days)

    def _folder(self, key: str) -> Path:
        return self.folder / folder_name(read_key(key))

    def _locked(self, folder: Path) -> threading.RLock:
        return self._locks[int(folder.name[:4], 16) % NUM_LOCKS]

    def _folders(self) -> Iterator[Path]:
        with contextlib.suppress(OSError):
            for name in os.listdir(self.folder):
                if FOLDER.fullmatch(name):
                    yield self.folder / name

    def _kept(self, folder: Path, *, all_of_them: bool = False) -> list[Kept]:
        """The codecs in a library's folder, without those that are kept no longer unless ``all_of_them``."""
        sizes: dict[str, tuple[int, float]] = {}
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if not stat.S_ISDIR(folder.lstat().st_mode):
                return []
            for path in folder.iterdir():
                with contextlib.suppress(FileNotFoundError):  # another server deletes it now
                    status = path.lstat()
                    if path.suffix == CODEC and ID.fullmatch(path.stem) and stat.S_ISREG(status.st_mode):
                        sizes[path.stem] = status.st_size, status.st_mtime
        found = [self._read(folder, id, *size) for id, size in sizes.items()]
        now = self._clock()
        listed = [each for each in found if all_of_them or each.until >= now]
        return sorted(listed, key=lambda each: (-each.label.kept, each.id))

    def _read(self, folder: Path, id: str, num_bytes: int, changed: float) -> Kept:
        """A codec with its label; if that is missing or damaged, the codec has a name that is made of its id."""
        label, opened, soon = Label(f"codec {id[:6]}"), 0.0, self._clock() + DAY  # clocks of servers may differ
        with contextlib.suppress(OSError, ValueError):
            label = Label.from_json(b"".join(pieces_of(folder / f"{id}{LABEL}", MOST_BYTES)))
        with contextlib.suppress(OSError, ValueError):
            opened = float(b"".join(pieces_of(folder / f"{id}{OPENED}", 40)))
        if not 0 < label.kept <= soon:
            label = replace(label, kept=min(changed, soon))
        since = max(label.kept, opened if opened <= soon else 0.0)  # False for "nan", too
        return Kept(id, label, num_bytes, since + self._settings.library_days * DAY)

    def _find(self, folder: Path, id: str) -> Kept:
        with spoken(self.folder):
            there = self._kept(folder)
        for each in there:
            if each.id == id:
                return each
        raise LibraryError(
            "This codec is no longer in the library; it was deleted, or not opened for too long."
            if there
            else self.empty_words()
        )

    def _require_free(self, there: list[Kept], name: str) -> None:
        if any(is_same_title(each.name, name) for each in there):
            raise LibraryError(f"There is a codec “{name}” in this library already; please choose another name.")

    @contextlib.contextmanager
    def _counted(self, num_bytes: int) -> Iterator[None]:
        """Count a codec that is being kept; it no longer counts if that fails."""
        settings = self._settings
        with self._lock:
            count, all_bytes = self._count
            if count >= settings.libraries_codecs or all_bytes + num_bytes > settings.libraries_bytes:
                raise FullError(
                    "The server keeps as many codecs as it has room for; “Save codec” gives this one as a file."
                )
            self._count = count + 1, all_bytes + num_bytes
        try:
            yield
        except BaseException:
            self._uncount(num_bytes)
            raise

    def _uncount(self, num_bytes: int) -> None:
        with self._lock:
            self._count = max(0, self._count[0] - 1), max(0, self._count[1] - num_bytes)

    def _write(self, path: Path, pieces: Iterator[bytes] | list[bytes]) -> None:
        path.parent.mkdir(exist_ok=True, mode=0o700)
        write_whole(path, pieces)

    def _delete(self, folder: Path, id: str, num_bytes: int) -> None:
        for end in (CODEC, LABEL, OPENED):
            (folder / f"{id}{end}").unlink(missing_ok=True)
        self._uncount(num_bytes)

    def _tidy_away(self, folder: Path) -> None:
        """Delete the folder of a library in which there is nothing more."""
        with contextlib.suppress(OSError):
            folder.rmdir()


def _sweep(folder: Path, now: float) -> None:
    """Delete what is left of broken-off writes, and labels without a codec, once they are a day old."""
    for path in list(folder.iterdir()):
        is_orphan = path.suffix in (LABEL, OPENED) and not path.with_suffix(CODEC).exists()
        if path.suffix == UNFINISHED or is_orphan:
            with contextlib.suppress(OSError):
                if now - path.lstat().st_mtime > DAY:
                    path.unlink()
