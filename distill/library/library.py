"""All libraries in one folder: what is kept in each, for how long, and how much of it there may be."""

import contextlib
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from distill.errors import FullError, LibraryError
from distill.library.folder import CODEC, DAY, LABEL, OPENED, Kept, all_in, is_folder, sweep
from distill.library.keys import folder_name, read_key
from distill.library.label import Label
from distill.library.names import is_same_title, read_title
from distill.library.place import VANISHED, claim_place, is_there, pieces_of, spoken, write_whole
from distill.library.total import Total
from distill.settings import MIB, Settings

FOLDER = re.compile(r"[0-9a-f]{64}")
NUM_LOCKS = 64
EMPTY = (
    "There is no codec in this library: none was kept yet, the link is not complete, or all that was kept was deleted "
    "or not opened for {days} days."
)


class Library:
    """The libraries in a folder, each of which is opened by its key. It is safe for threads.

    Servers that share the folder do not lock it: each file is written as a whole under a name that no other server
    chooses. What all of them hold together may pass a limit by as much as they write at the same moment.

    Parameters
    ----------
    folder : Path
        Folder of all libraries; it is made if it is not there, in a folder that must be there.
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
        self._total, self._counting = Total(), threading.Lock()

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
        self._require_counted()
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
            with self._counted(folder, num_bytes):
                name = secrets.token_hex(8)
                try:  # the label first, so that no list lacks the name
                    self._write(folder / f"{name}{LABEL}", lambda: [label.to_json()])
                    self._write(folder / f"{name}{CODEC}", lambda: pieces_of(file, settings.codec_bytes))
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
                self._delete(folder, kept)
                self._tidy_away(folder)

    def expire(self, now: float) -> None:
        """Delete what was not opened for too long, and what broken-off writes left a day ago; count the rest.

        Nothing is deleted for a date that cannot be read. A codec without a date counts as opened now.

        Parameters
        ----------
        now : float
            Time in seconds since 1970.
        """
        with self._counting:
            self._expire(now)

    def _expire(self, now: float) -> None:
        if not is_there(self.folder):
            return
        try:
            names = [name for name in os.listdir(self.folder) if FOLDER.fullmatch(name)]
        except OSError:
            return
        self._total.begin(names)
        is_whole = True
        for folder in (self.folder / name for name in names):
            try:
                with self._locked(folder):
                    self._total.found(folder.name, self._expire_in(folder, now))
            except FileNotFoundError:  # another server has deleted it
                self._total.found(folder.name, (0, 0))
            except OSError:
                is_whole = False
        if is_there(self.folder):
            self._total.finish(is_whole=is_whole)

    def _expire_in(self, folder: Path, now: float) -> tuple[int, int]:
        """Tidy up one library; return the number of codecs that are left, and their bytes."""
        if not is_folder(folder):
            return 0, 0
        left = []
        for each in all_in(folder, now, self._settings.library_days):
            if each.until < now:
                self._delete(folder, each)
                continue
            left.append(each.num_bytes)
            if not each.label.kept and each.until >= now + self._settings.library_days * DAY:
                with contextlib.suppress(OSError):
                    write_whole(folder / f"{each.id}{OPENED}", [f"{now:.0f}".encode()])
        sweep(folder, now)
        self._tidy_away(folder)
        return len(left), sum(left)

    def _require_counted(self) -> None:
        if self._total.is_known:
            return
        with self._counting:
            if not self._total.is_known:
                self._expire(self._clock())
        if not self._total.is_known:
            raise LibraryError(VANISHED)

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

    def _kept(self, folder: Path) -> list[Kept]:
        """The codecs in a library's folder that are kept still."""
        now = self._clock()
        listed = [each for each in all_in(folder, now, self._settings.library_days) if each.until >= now]
        return sorted(listed, key=lambda each: (-each.label.kept, each.id))

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
    def _counted(self, folder: Path, num_bytes: int) -> Iterator[None]:
        """Count a codec that is being kept; it no longer counts if that fails."""
        most = self._settings.libraries_codecs, self._settings.libraries_bytes
        if not self._total.change(folder.name, (1, num_bytes), most):
            raise FullError(
                "The server keeps as many codecs as it has room for; “Save codec” gives this one as a file."
            )
        try:
            yield
        except BaseException:
            self._total.change(folder.name, (-1, -num_bytes))
            raise

    def _write(self, path: Path, pieces: Callable[[], Iterable[bytes]]) -> None:
        """Write a file into a library's folder, which is made; once more if another server deletes it meanwhile."""
        for is_last in (False, True):
            try:
                with contextlib.suppress(FileExistsError):  # a link that leads nowhere, too
                    path.parent.mkdir(mode=0o700)
                if not is_folder(path.parent):
                    raise LibraryError("Where this library should be is a link or a file, so nothing is kept there.")
                write_whole(path, pieces())
                return
            except FileNotFoundError:
                if is_last:
                    raise

    def _delete(self, folder: Path, kept: Kept) -> None:
        for end in (CODEC, LABEL, OPENED):
            (folder / f"{kept.id}{end}").unlink(missing_ok=True)
        self._total.change(folder.name, (-1, -kept.num_bytes))

    def _tidy_away(self, folder: Path) -> None:
        """Delete the folder of a library in which there is nothing more."""
        with contextlib.suppress(OSError):
            folder.rmdir()
