"""Unpack zip archives of sound files, one file at a time and within limits: an attacker may have made the archive."""

import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from distill.errors import AudioError, FullError
from distill.settings import DEFAULTS, MIB, Settings

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".m4a", ".mp4", ".aac")
ARCHIVE_SUFFIXES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
LONGEST_ENTRY_BYTES = 1024
"""Largest average size of an entry in an archive's directory, in bytes; a usual name takes some tens of bytes."""
RATIO_FREE_BYTES = MIB
"""Unpacked bytes up to which a member may have any compression ratio: a second of silence packs very well."""
PIECE_BYTES = 1 << 16
LONGEST_NAME_BYTES = 240
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DAMAGE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, NotImplementedError)


@dataclass
class Room:
    """The amount that may still be unpacked.

    Attributes
    ----------
    num_bytes : int
        Bytes left. A damaged member reduces them too, because they bound the work of unpacking.
    """

    num_bytes: int


def is_zip(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins like a zip archive, whatever its name."""
    try:
        with open(path, "rb") as file:
            return file.read(4) in SIGNATURES
    except (OSError, ValueError):
        return False


def unpack_zip(
    path: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    settings: Settings = DEFAULTS,
    room: Room | None = None,
    take: Callable[[int], object] = lambda num_bytes: None,
) -> Iterator[Path | AudioError]:
    """Write the sound files of a zip archive into a folder, one file each time the caller asks for the next.

    Parameters
    ----------
    path : path-like
        The archive. A member is skipped if its name ends neither like a sound file nor like an archive.
    folder : path-like
        An existing, empty folder. Each member gets a sub-folder of its own, so that equal names do not collide. The
        caller may delete a file before it asks for the next one.
    settings : Settings
        Limits; ``upload_file_bytes`` and those whose names begin with ``zip_`` are read.
    room : Room, optional
        Bytes that several archives may unpack together; by default ``settings.zip_bytes`` for this archive alone.
    take : callable, optional
        Called with the size of a member in bytes before it is unpacked, and with the negative size when the caller
        asks for the next one. An error that ``take`` raises ends the unpacking.

    Yields
    ------
    Path or AudioError
        A file that was unpacked, or an error that says in one sentence why a member is left out.

    Raises
    ------
    AudioError
        If the file is not a zip archive that can be opened, holds no sound files, or has too many members.
    FullError
        If the folder cannot be written, for instance because the disk is full.
    """
    name, room = printable(Path(path).name), room or Room(settings.zip_bytes)
    try:
        _check_directory(path, name, settings)
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > settings.zip_members:
                raise AudioError(f"{name} holds more than {settings.zip_members} files; please split it.")
            members = [m for m in archive.infolist() if not m.filename.endswith("/")]
            members = [m for m in members if not _bare_name(m).startswith("._")]
            members = [m for m in members if _bare_name(m).lower().endswith((*AUDIO_SUFFIXES, *ARCHIVE_SUFFIXES))]
            if not members:
                raise AudioError(f"{name} holds no sound files.")
            for number, member in enumerate(members):
                target = Path(folder) / str(number) / _bare_name(member)
                try:
                    _check_member(member, name, room, settings)
                except AudioError as error:
                    yield error
                    continue
                room.num_bytes -= member.file_size
                take(member.file_size)
                try:
                    _unpack(archive, member, target, name)
                except AudioError as error:
                    yield error
                else:
                    yield target
                take(-member.file_size)
    except _DAMAGE as error:
        raise AudioError(f"{name} is not a zip archive that can be opened.") from error


def _check_directory(path: str | os.PathLike[str], name: str, settings: Settings) -> None:
    """Raise an AudioError if an archive's directory is too large for the members allowed: zipfile reads it whole."""
    with open(path, "rb") as file:
        # zipfile itself reads the end record with this function; another parser might find another size.
        record = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    if record and record[zipfile._ECD_SIZE] > settings.zip_members * LONGEST_ENTRY_BYTES:  # type: ignore[attr-defined]
        raise AudioError(f"{name} holds more than {settings.zip_members} files; please split it.")


def _check_member(member: zipfile.ZipInfo, archive: str, room: Room, settings: Settings) -> None:
    """Raise an AudioError, before a member is unpacked, unless the member is a plain file within the limits."""
    name, parts = _bare_name(member), PurePosixPath(member.filename.replace("\\", "/")).parts
    if name.lower().endswith(ARCHIVE_SUFFIXES):
        raise AudioError(f"{name} in {archive} is an archive in an archive; please unpack it first.")
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        raise AudioError(f"{name} in {archive} is a link, not a file; please pack the sound itself.")
    if member.flag_bits & 1:
        raise AudioError(f"{name} in {archive} has a password; please pack it without one.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # zipfile cannot bound the others
        raise AudioError(f"{name} in {archive} is packed in an unusual way; please make a plain zip.")
    if len(parts) > settings.zip_path_parts:
        raise AudioError(
            f"{name} in {archive} lies in more than {settings.zip_path_parts - 1} folders; please move it."
        )
    if member.file_size > settings.upload_file_bytes:
        raise AudioError(f"{name} in {archive} is larger than {settings.upload_file_bytes / MIB:g} MB; please cut it.")
    if member.file_size > max(RATIO_FREE_BYTES, settings.zip_ratio * member.compress_size):
        raise AudioError(f"{name} in {archive} unpacks to far more than sound would; it is left out.")
    if member.file_size > room.num_bytes:
        raise AudioError(
            f"{name} in {archive} was left out: with it, more than {settings.zip_bytes / MIB:g} MB would be unpacked."
        )


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, archive_name: str) -> None:
    """Write a member into a folder of its own; after an error, no part of the file stays there."""
    try:
        target.parent.mkdir()
        with target.open("wb") as destination:
            for piece in _pieces(archive, member, f"{target.name} in {archive_name}"):
                destination.write(piece)
    except AudioError:
        target.unlink(missing_ok=True)
        raise
    except OSError as error:
        target.unlink(missing_ok=True)
        raise FullError(
            f"{target.name} in {archive_name} cannot be unpacked now, because the disk is full or cannot be written; "
            "please try again later."
        ) from error


def _pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """Yield the content of a member; raise an AudioError if the content is longer than the archive says."""
    left = member.file_size
    try:
        with archive.open(member) as source:
            while piece := source.read(PIECE_BYTES):
                left -= len(piece)
                if left < 0:
                    raise zipfile.BadZipFile("a member larger than it says")
                yield piece
    except _DAMAGE as error:
        raise AudioError(f"{name} is damaged; please pack it again.") from error


def printable(name: str) -> str:
    """A file name for people to read: control characters, line breaks and lone surrogates are replaced."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", name)


def _bare_name(member: zipfile.ZipInfo) -> str:
    """The name of a member without folders. A long name loses its start, to fit any file system; the suffix stays."""
    name = printable(PurePosixPath(member.filename.replace("\\", "/")).name)
    return name.encode()[-LONGEST_NAME_BYTES:].decode(errors="ignore")
