"""Where the sound of a file begins and ends, by what is there: a size that a header announces may be false.

A recorder that crashed leaves a size of 0, a stream one of 2**32 - 1, and a download that broke off a size beyond the
end of the file.
"""

import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from distill.formats import kinds
from distill.formats.kinds import HEAD_BYTES, Kind, kind_of, tag_bytes

MOST_TAGS, MOST_CHUNKS = 16, 512
LEAST_SOUND_BYTES = 64
"""Bytes behind an announced end from which they count as sound, if they are nothing else."""
OPEN_SIZES = 0x7F000000
"""Sizes of 32 bits from this one on announce nothing: programs that write to a pipe cannot know the size."""
FARTHEST = 1 << 62
"""Positions from this one on are in no file, and cannot be sought."""
ID3V1_BYTES = 128
SEARCHED_BYTES = 1 << 20
LONGEST_PAGE_BYTES = 27 + 255 + 255 * 255
FIRST_PAGE = re.compile(rb"OggS\0[\x02\x06]")
"""Start of the first page of a stream in an Ogg file; a stream that is only one page long is marked as last too."""
USUAL_CHUNKS = frozenset(name.encode().ljust(4) for name in (
    "LIST", "fact", "cue", "smpl", "inst", "bext", "iXML", "PEAK", "JUNK", "junk", "FLLR", "PAD", "id3", "ID3",
    "acid", "strc", "levl", "umid", "cart", "axml", "chna", "afsp", "DISP", "_PMX", "MARK", "INST", "COMT", "NAME",
    "AUTH", "ANNO", "(c)", "APPL", "MIDI", "CHAN", "basc", "trns", "cate", "RIFF", "RIFX", "RF64", "FORM", "pakt",
    "kuki", "chan", "desc", "info", "uuid", "free", "strg", "edct", "ovvw", "peak", "midi",
))  # fmt: skip
"""Names of chunks that stand before or behind the sound."""


@dataclass(frozen=True)
class Part:
    """A sound in a file; a file may hold several, one after another.

    Attributes
    ----------
    kind : Kind
        The sound's format.
    start, stop : int
        First byte of the sound in the file, and the first byte after the sound.
    prefix : bytes
        A header with true sizes, to be read before the bytes of the file; empty if the file's own header is read.
    share : float
        The bytes of sound that are there, as a share of those that are announced; 1 if none are missing.
    num_frames : int
        Length in samples per channel without the padding of the last packet; 0 if it is not told.
    channels : int
        Number of channels, as the header tells it; 0 if it was not looked for.
    announced : int
        Length in samples per channel with all padding, as the header tells it; 0 if it was not looked for.
    is_cut : bool
        Whether the file ends in the middle of what it began, so that some of its sound is missing.
    """

    kind: Kind
    start: int
    stop: int
    prefix: bytes = b""
    share: float = 1.0
    num_frames: int = 0
    channels: int = 0
    announced: int = 0
    is_cut: bool = False


class Window(io.RawIOBase):
    """The bytes of a :class:`Part`, to read and seek in."""

    def __init__(self, file: IO[bytes], part: Part) -> None:
        self._file, self._part, self._at = file, part, 0
        self.num_bytes = len(part.prefix) + max(0, part.stop - part.start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.num_bytes}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Read up to ``size`` bytes; fewer at the end of the header and at the end of the sound."""
        left = self.num_bytes - self._at
        size = left if size is None or size < 0 else min(size, left)
        if size <= 0:
            return b""
        prefix = self._part.prefix
        if self._at < len(prefix):
            content = prefix[self._at : self._at + size]
        else:
            self._file.seek(self._part.start + self._at - len(prefix))
            content = self._file.read(size)
        self._at += len(content)
        return content


def find_parts(file: IO[bytes]) -> Iterator[Part]:
    """Yield the sounds of a file, one after another; a file that is no sound has one part, whose kind says why."""
    stop = file.seek(0, os.SEEK_END)
    start = _behind_tags(file, 0, stop)
    head = _read(file, start, HEAD_BYTES)
    kind = kind_of(head, is_whole=start + len(head) >= stop)
    if kind in (kinds.MP3, kinds.AAC):
        found = kinds.first_frame(head, is_whole=start + len(head) >= stop)
        kind, skipped = found or (kind, 0)
        counted = kinds.counted_samples(head[skipped:])
        yield Part(kind, start + skipped, _before_tags(file, start, stop), announced=counted)
    elif kind in (kinds.WAV, kinds.W64, kinds.AIFF):
        at = start
        while at < stop and kind_of(_read(file, at, 24)) in (kinds.WAV, kinds.W64, kinds.AIFF):
            part, at = _chunked(file, kind, at, stop)
            yield part
    elif kind == kinds.CAF:
        yield _caf(file, start, stop)
    elif kind == kinds.AU:
        yield _au(file, start, stop)
    elif kind == kinds.OGG:
        yield from _chained(file, start, stop)
    elif kind == kinds.MATROSKA:
        yield Part(kind, start, stop, is_cut=_segment_end(head) > stop - start)
    elif kind == kinds.FLAC:
        yield Part(kind, start, _before_tags(file, start, stop))
    else:
        endless = kind.demuxer == "nistsphere" and b"end_head" not in head  # FFmpeg would look for the end for ever
        yield Part(kind, start, stop, share=0.0 if endless else 1.0)


def _read(file: IO[bytes], at: int, num_bytes: int) -> bytes:
    if not 0 <= at < FARTHEST:
        return b""
    file.seek(at)
    return file.read(num_bytes)


def _behind_tags(file: IO[bytes], start: int, stop: int) -> int:
    """The position behind the tags (ID3v2, APEv2) and the zeros that a file begins with."""
    for _ in range(MOST_TAGS):
        head = _read(file, start, HEAD_BYTES)
        length = tag_bytes(head) or (len(head) - len(head.lstrip(b"\0")) if start else 0)
        if not length or start + length >= stop:
            break
        start += length
    return start


def _before_tags(file: IO[bytes], start: int, stop: int) -> int:
    """The position before the tags (ID3v1, APEv2, Lyrics3) that a file ends with."""
    for _ in range(MOST_TAGS):
        tail = _read(file, max(start, stop - ID3V1_BYTES), ID3V1_BYTES)
        if tail[:3] == b"TAG" and len(tail) == ID3V1_BYTES:
            length = ID3V1_BYTES
        elif tail[-32:-24] == b"APETAGEX":
            length = int.from_bytes(tail[-20:-16], "little") + (32 if tail[-9] & 0x80 else 0)
        elif tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
            length = int(tail[-15:-9]) + 15
        else:
            break
        if not 0 < length < stop - start:
            break
        stop -= length
    return stop


@dataclass(frozen=True)
class _Layout:
    """How a family of files with chunks writes a chunk's name and size."""

    header_bytes: int
    name_bytes: int
    size_bytes: int
    byte_order: str
    multiple: int
    counts_itself: bool
    data: bytes


RIFF = _Layout(12, 4, 4, "little", 2, False, b"data")
RIFX = _Layout(12, 4, 4, "big", 2, False, b"data")
FORM = _Layout(12, 4, 4, "big", 2, False, b"SSND")
SONY = _Layout(40, 16, 8, "little", 8, True, b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a")
APPLE = _Layout(8, 4, 8, "big", 1, False, b"data")


@dataclass(frozen=True)
class _Chunk:
    name: bytes
    start: int
    size: int
    """Announced bytes of content."""


def _chunks(file: IO[bytes], layout: _Layout, at: int, stop: int) -> Iterator[_Chunk]:
    """Yield the chunks from a position on, as far as their names are names; a chunk's size may be false."""
    width = layout.name_bytes + layout.size_bytes
    for _ in range(MOST_CHUNKS):
        head = _read(file, at, width)
        if len(head) < width or at >= stop or not _is_name(head[:4]):
            return
        size = int.from_bytes(head[layout.name_bytes :], layout.byte_order)  # type: ignore[arg-type]
        size -= width if layout.counts_itself else 0
        yield _Chunk(head[: layout.name_bytes], at + width, size)
        end = at + width + max(0, size)
        at = end + -end % layout.multiple
        if at != end and not _is_name(_read(file, at, 4)) and _is_name(_read(file, end, 4)):
            at = end  # some programs write chunks of odd length without a byte of padding


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(32 <= byte < 127 for byte in name) and name.strip() != b""


def _sound_bytes(file: IO[bytes], layout: _Layout, chunk: _Chunk, stop: int) -> tuple[int, float]:
    """The true bytes of a chunk of sound, and the share of the announced ones that is there."""
    there, announced = max(0, stop - chunk.start), chunk.size
    is_open = announced < 0 or announced >= (OPEN_SIZES if layout.size_bytes == 4 else 1 << 62)
    if is_open or announced > there:
        return there, 1.0 if is_open else there / announced
    end = chunk.start + announced
    rest = _read(file, end, LEAST_SOUND_BYTES)
    is_tag = any(rest.startswith(tag) for tag in (b"TAG", b"ID3", b"APETAGEX", b"LYRICS"))
    is_padding = announced > 0 and _is_zero(file, end, stop)
    if len(rest) < LEAST_SOUND_BYTES or is_tag or is_padding:
        return announced, 1.0
    starts = {end, end + -end % layout.multiple}
    return (announced if any(_reaches(file, layout, at, stop) for at in starts) else there), 1.0


def _is_zero(file: IO[bytes], start: int, stop: int) -> bool:
    return not any(_read(file, at, HEAD_BYTES).strip(b"\0") for at in range(start, stop, HEAD_BYTES))


def _reaches(file: IO[bytes], layout: _Layout, at: int, stop: int) -> bool:
    """Whether chunks stand from a position on to the end of the file."""
    end = at
    for chunk in _chunks(file, layout, at, stop):
        if chunk.name[:4] in USUAL_CHUNKS:
            return True
        end = chunk.start + max(0, chunk.size)
    return stop - LEAST_SOUND_BYTES <= end <= stop + layout.multiple and end > at


def _chunked(file: IO[bytes], kind: Kind, start: int, stop: int) -> tuple[Part, int]:
    """The sound of a WAV, RF64, BW64, W64 or AIFF file, with a header of true sizes, and where another file may begin
    that was joined to it."""
    magic = _read(file, start, 4)
    layout = {b"RIFX": RIFX, b"FORM": FORM, b"riff": SONY}.get(magic, RIFF)
    format_name = b"COMM" if layout is FORM else b"fmt "
    described, long_size, sound, behind, num_frames = b"", None, None, stop, 0
    for chunk in _chunks(file, layout, start + layout.header_bytes, stop):
        if sound is not None and chunk.name in (b"RIFF", b"RIFX", b"RF64", b"FORM"):
            behind = chunk.start - 8
            break
        if chunk.name[:4] == b"ds64" and layout is RIFF:
            long_size = int.from_bytes(_read(file, chunk.start + 8, 8), "little")
        elif chunk.name[:4] == b"fact" and chunk.size >= 4:
            num_frames = int.from_bytes(_read(file, chunk.start, 4), "big" if layout is RIFX else "little")
        elif chunk.name[:4] == format_name and not described:
            described = _read(file, chunk.start, min(max(0, chunk.size), HEAD_BYTES))
        elif chunk.name == layout.data and sound is None:
            if chunk.size == 0xFFFFFFFF and long_size is not None:
                chunk = _Chunk(chunk.name, chunk.start, long_size)
            num_bytes, share = _sound_bytes(file, layout, chunk, stop)
            sound = Part(kind, chunk.start, chunk.start + num_bytes, b"", share)
            if chunk.start + num_bytes >= stop:
                break
    if sound is None or not described:
        return Part(kind, start, stop, share=0.0), stop
    prefix = _header(layout, described, sound, file, start)
    told = described[:2] if layout is FORM else described[2:4]
    channels = int.from_bytes(told, "little" if layout in (RIFF, SONY) else "big")
    shown = kinds.AIFF if layout is FORM else kinds.WAV
    return Part(shown, sound.start, sound.stop, prefix, sound.share, num_frames, channels), behind


def _header(layout: _Layout, described: bytes, sound: Part, file: IO[bytes], start: int) -> bytes:
    """A header of WAV or AIFF with true sizes, as it stands before the sound."""
    order = "little" if layout in (RIFF, SONY) else "big"

    def number(value: int) -> bytes:
        return min(value, 0xFFFFFFFF).to_bytes(4, order)  # type: ignore[arg-type]

    num_bytes = sound.stop - sound.start
    described += bytes(len(described) % 2)
    if layout is FORM:
        name, form, title = b"COMM", b"FORM", _read(file, start + 8, 4)
    else:
        name, form, title = b"fmt ", b"RIFX" if layout is RIFX else b"RIFF", b"WAVE"
    inside = title + name + number(len(described)) + described + layout.data[:4] + number(num_bytes)
    return form + number(len(inside) + num_bytes) + inside


def _au(file: IO[bytes], start: int, stop: int) -> Part:
    """The sound of an AU file: all that stands behind its header."""
    header = _read(file, start, 12)
    sound = start + max(24, int.from_bytes(header[4:8], "big"))
    announced, there = int.from_bytes(header[8:12], "big"), stop - sound
    if len(header) < 12 or there <= 0:
        return Part(kinds.AU, start, stop, share=0.0)
    share = min(1.0, there / announced) if 0 < announced < OPEN_SIZES else 1.0
    prefix = header[:8] + b"\xff" * 4 + _read(file, start + 12, min(sound - start, HEAD_BYTES) - 12)
    return Part(kinds.AU, sound, stop, prefix, share)


def _chained(file: IO[bytes], start: int, stop: int) -> Iterator[Part]:
    """Yield the sounds of a chained Ogg file, such as a recorded web radio: each begins with pages marked as first."""
    began, first_pages_end = start, start
    for at in _first_pages(file, start, stop):
        if at > first_pages_end:
            yield _ogg(file, began, at)
            began = at
        head = _read(file, at, 27 + 255)
        first_pages_end = at + 27 + head[26] + sum(head[27 : 27 + head[26]])
    yield _ogg(file, began, stop)


def _ogg(file: IO[bytes], start: int, stop: int) -> Part:
    """A sound in Ogg; the length of a Vorbis sound is in its last page."""
    first = _read(file, start, 27 + 255 + 7)
    is_vorbis = len(first) > 27 and first[27 + first[26] :][:7] == b"\x01vorbis"
    begin = max(start, stop - 2 * LONGEST_PAGE_BYTES)
    tail = _read(file, begin, stop - begin)
    at, is_cut = tail.rfind(b"OggS\0"), False
    if at >= 0:
        lengths = tail[at + 27 :][: tail[at + 26]] if len(tail) > at + 26 else b""
        is_cut = (
            len(tail) < at + 27 or len(lengths) < tail[at + 26] or at + 27 + len(lengths) + sum(lengths) > len(tail)
        )
    while is_vorbis and at >= 0:
        page = tail[at : at + 27]
        if page[14:18] == first[14:18] and page[6:14] != b"\xff" * 8:
            return Part(kinds.OGG, start, stop, num_frames=int.from_bytes(page[6:14], "little"), is_cut=is_cut)
        at = tail.rfind(b"OggS\0", 0, at)
    return Part(kinds.OGG, start, stop, is_cut=is_cut)


def _segment_end(head: bytes) -> int:
    """The end of a Matroska file, as its header tells it, from its start; 0 if the header does not tell."""
    after = 4 + _vint_bytes(head[4:5])
    segment = after + _vint(head[4:12])
    if head[segment : segment + 4] != b"\x18\x53\x80\x67":
        return 0
    width, size = _vint_bytes(head[segment + 4 : segment + 5]), _vint(head[segment + 4 : segment + 12])
    return segment + 4 + width + size if size < (1 << 7 * width) - 1 else 0


def _vint_bytes(first: bytes) -> int:
    """Width of a number in Matroska, from its first byte."""
    return 9 - first[0].bit_length() if first and first[0] else 8


def _vint(start: bytes) -> int:
    width = _vint_bytes(start[:1])
    return int.from_bytes(start[:width], "big") & (1 << 7 * width) - 1


def _first_pages(file: IO[bytes], start: int, stop: int) -> Iterator[int]:
    for block in range(start, stop, SEARCHED_BYTES):
        content = _read(file, block, SEARCHED_BYTES + 27)
        for found in FIRST_PAGE.finditer(content):
            if found.start() < SEARCHED_BYTES and len(content) >= found.start() + 27:
                yield block + found.start()


def _caf(file: IO[bytes], start: int, stop: int) -> Part:
    """The sound of a CAF file; the size of its data is replaced by "until the end" if it is false."""
    for chunk in _chunks(file, APPLE, start + APPLE.header_bytes, stop):
        if chunk.name != APPLE.data:
            continue
        size = chunk.size if chunk.size < 1 << 63 else -1
        num_bytes, share = _sound_bytes(file, APPLE, _Chunk(chunk.name, chunk.start, size), stop)
        if num_bytes == size:
            break
        prefix = _read(file, start, chunk.start - 8 - start) + b"\xff" * 8
        return Part(kinds.CAF, chunk.start, stop, prefix, share)
    return Part(kinds.CAF, start, stop)
