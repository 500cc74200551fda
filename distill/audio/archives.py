"""Unpack zip archives of sound files, one file at a time and within limits: an attacker may have made the archive."""

import contextlib
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from distill import system
from distill.errors import AudioError, FullError, PassingError
from distill.formats.kinds import ARCHIVE, COMPANION, HEAD_BYTES, Kind, kind_of
from distill.settings import DEFAULTS, MIB, Settings

SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
LONGEST_ENTRY_BYTES = 1024
"""Largest average size of an entry in an archive's directory, in bytes; a usual name takes some tens of bytes."""
RATIO_FREE_BYTES = MIB
"""Unpacked bytes up to which a member may have any compression ratio: a second of silence packs very well."""
PIECE_BYTES = 1 << 16
LONGEST_NAME_BYTES = 240
UTF8_FLAG, UNICODE_PATH = 0x800, 0x7075
COMPANIONS = (".ds_store", "thumbs.db", "desktop.ini")
"""Names of files, in small letters, that systems put into folders by themselves."""
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DAMAGE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, NotImplementedError)


class MemberError(AudioError):
    """A member of an archive is left out.

    Parameters
    ----------
    name : str
        Name of the member.
    message : str
        The reason, in one sentence.
    is_sound : bool
        Whether the member is a sound, or may be one; False if its content is of another kind.
    is_companion : bool
        Whether the member is a file that macOS puts beside others.
    num_bytes : int
        Bytes that were unpacked, and bytes that a damaged member would have unpacked.
    """

    def __init__(
        self, name: str, message: str, *, is_sound: bool = True, is_companion: bool = False, num_bytes: int = 0
    ) -> None:
        super().__init__(message)
        self.name, self.is_sound, self.is_companion, self.num_bytes = name, is_sound, is_companion, num_bytes


@dataclass
class Room:
    """The amount that may still be unpacked, and the entries that may still be looked at.

    Attributes
    ----------
    num_bytes : int
        Bytes left. A damaged member reduces them too, because they bound the work of unpacking.
    num_entries : int
        Entries left: members of any kind, and folders.
    """

    num_bytes: int
    num_entries: int

    @classmethod
    def of(cls, settings: Settings) -> "Room":
        """The room of one upload, for all its archives together."""
        return cls(settings.zip_bytes, settings.upload_zip_members)


class _Member(NamedTuple):
    """A member of an archive with its path, which is worked out once."""

    info: zipfile.ZipInfo
    parts: tuple[str, ...]
    name: str


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
) -> Iterator[Path | MemberError]:
    """Write the sounds of a zip archive into a folder, one file each time the caller asks for the next.

    The first bytes of a member decide whether it is a sound, not its name.

    Parameters
    ----------
    path : path-like
        The archive.
    folder : path-like
        An existing, empty folder. Each member gets a sub-folder of its own, so that equal names do not collide. The
        caller may delete a file before it asks for the next one.
    settings : Settings
        Limits; ``upload_file_bytes``, ``upload_zip_members`` and those whose names begin with ``zip_`` are read.
    room : Room, optional
        The room that several archives share; by default that of an upload, for this archive alone.
    take : callable, optional
        Called with the size of a member in bytes before it is unpacked, and with the negative size when the caller
        asks for the next one. An error that ``take`` raises ends the unpacking.

    Yields
    ------
    Path or MemberError
        A file that was unpacked, or an error that says in one sentence why a member is left out.

    Raises
    ------
    AudioError
        If the file is not a zip archive that can be opened, holds no sound files, or has too many members; also
        before the first member for which there is no room.
    FullError
        If the folder cannot be written, for instance because the disk is full.
    """
    name, room, has_sound = printable(Path(path).name), room or Room.of(settings), False
    try:
        _check_entries(room, name, settings)
        _check_directory(path, name, settings)
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > settings.zip_members:
                raise AudioError(f"{name} holds more than {settings.zip_members} files; please split it.")
            for number, info in enumerate(archive.infolist()):
                _check_entries(room, name, settings)
                room.num_entries -= 1
                if info.filename.endswith("/"):
                    continue
                member = _member(info)
                target = Path(folder) / str(number) / member.name
                try:
                    _check_member(member, name, room, settings)
                    _check_content(archive, member, name)
                    has_sound = True
                except MemberError as error:
                    has_sound = has_sound or error.is_sound
                    room.num_bytes -= error.num_bytes
                    yield error
                    continue
                room.num_bytes -= info.file_size
                take(info.file_size)
                try:
                    _unpack(archive, member, target, name)
                except MemberError as error:
                    yield error
                else:
                    yield target
                take(-info.file_size)
            if not has_sound:
                raise AudioError(f"{name} holds no sound files.")
    except _DAMAGE as error:
        kind = PassingError if isinstance(error, OSError) else AudioError
        raise kind(f"{name} is not a zip archive that can be opened.") from error


def _check_entries(room: Room, name: str, settings: Settings) -> None:
    """Raise an AudioError if no more entries may be looked at."""
    if room.num_entries <= 0:
        raise AudioError(
            f"{name} was not read to its end: {settings.upload_zip_members} files in archives are the most at once."
        )


def _check_directory(path: str | os.PathLike[str], name: str, settings: Settings) -> None:
    """Raise an AudioError if an archive's directory is too large for the members allowed: zipfile reads it whole."""
    with open(path, "rb") as file:
        # zipfile itself reads the end record with this function; another parser might find another size.
        record = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    if record and record[zipfile._ECD_SIZE] > settings.zip_members * LONGEST_ENTRY_BYTES:  # type: ignore[attr-defined]
        raise AudioError(f"{name} holds more than {settings.zip_members} files; please split it.")


def _check_member(member: _Member, archive: str, room: Room, settings: Settings) -> None:
    """Raise a MemberError, before a member is unpacked, unless the member is a plain file within the limits."""
    info, parts, name = member
    if "__MACOSX" in parts:
        raise MemberError(name, f"{name} in {archive} {COMPANION.reason}", is_sound=False, is_companion=True)
    reason = ""
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        reason = "is a link, not a file; please pack the sound itself."
    elif info.flag_bits & 1:
        reason = "has a password; please pack it without one."
    elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # zipfile cannot bound the others
        reason = "is packed in an unusual way; please make a plain zip."
    elif len(parts) > settings.zip_path_parts:
        reason = f"lies in more than {settings.zip_path_parts - 1} folders; please move it."
    elif info.file_size == 0:
        reason = "is empty: the file has no bytes in it."
    elif info.file_size > settings.upload_file_bytes:
        reason = f"is larger than {settings.upload_file_bytes / MIB:g} MB; please cut it."
    elif info.file_size > max(RATIO_FREE_BYTES, settings.zip_ratio * info.compress_size):
        reason = "unpacks to far more than sound would; it is left out."
    elif info.file_size > room.num_bytes:
        reason = f"was left out: with it, more than {settings.zip_bytes / MIB:g} MB would be unpacked."
    if reason:
        raise MemberError(name, f"{name} in {archive} {reason}")


def _check_content(archive: zipfile.ZipFile, member: _Member, archive_name: str) -> None:
    """Raise a MemberError unless a member's first bytes are those of a sound."""
    name, head = member.name, b""
    for piece in _pieces(archive, member, archive_name):
        head += piece
        if len(head) >= HEAD_BYTES:
            break
    kind = kind_of(head, is_whole=len(head) >= member.info.file_size)
    if kind.demuxer:
        return
    if kind is ARCHIVE:
        reason = f"{name} in {archive_name} is an archive in an archive; please unpack it first."
        raise MemberError(name, reason, num_bytes=len(head))
    reason, companion = f"{name} in {archive_name} {kind.reason}", is_companion(name, kind)
    raise MemberError(name, reason, is_sound=False, is_companion=companion, num_bytes=len(head))


def is_companion(name: str, kind: Kind) -> bool:
    """Whether a file that is no sound is one that macOS or Windows puts beside others."""
    return kind is COMPANION or name.startswith("._") or name.lower() in COMPANIONS


def _unpack(archive: zipfile.ZipFile, member: _Member, target: Path, archive_name: str) -> None:
    """Write a member into a folder of its own; after an error, no part of the file stays there."""
    try:
        target.parent.mkdir()
        with target.open("wb") as destination:
            for piece in _pieces(archive, member, archive_name):
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


def _pieces(archive: zipfile.ZipFile, member: _Member, archive_name: str) -> Iterator[bytes]:
    """Yield the content of a member; raise a MemberError if the content is longer than the archive says."""
    left = member.info.file_size
    try:
        with archive.open(member.info) as source:
            while piece := source.read(PIECE_BYTES):
                left -= len(piece)
                if left < 0:
                    raise zipfile.BadZipFile("a member larger than it says")
                yield piece
    except _DAMAGE as error:
        reason = f"{member.name} in {archive_name} is damaged; please pack it again."
        raise MemberError(member.name, reason, num_bytes=member.info.file_size) from error


def printable(name: str) -> str:
    """A file name for people to read: control characters, line breaks and lone surrogates are replaced."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", name)


def _member(info: zipfile.ZipInfo) -> _Member:
    """A member with its path, and with its name without folders, as a file of this system may be named."""
    path = PurePosixPath(_full_name(info))
    name = (
        printable(path.name).encode()[-LONGEST_NAME_BYTES:].decode(errors="ignore")
    )  # the suffix of a long name stays
    return _Member(info, path.parts, system.file_name(name))


def _full_name(member: zipfile.ZipInfo) -> str:
    """The path of a member. Names without a flag for UTF-8 are in code page 437, says the standard; macOS's Finder
    writes UTF-8 without the flag, which is next to never a name in code page 437."""
    name = member.filename
    if told := _unicode_path(member.extra):
        name = told
    elif not member.flag_bits & UTF8_FLAG:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name).replace("\\", "/")


def _unicode_path(extra: bytes) -> str:
    """The name in UTF-8 that some programs write into the extra field, beside a name in an older code; "" if none."""
    at = 0
    while at + 4 <= len(extra):
        field, length = struct.unpack_from("<HH", extra, at)
        if field == UNICODE_PATH and length > 5:
            return extra[at + 9 : at + 4 + length].decode(errors="ignore")
        at += 4 + length
    return ""
