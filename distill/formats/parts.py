"""Where the sound of a file begins and ends, by what is there: a size that a header announces may be false.

A recorder that crashed leaves a size of 0, a stream one of 2**32 - 1, and a download that broke off a size beyond the
end of the file.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from distill.formats import kinds
from distill.formats.kinds import HEAD_BYTES, Kind, kind_of, tag_bytes
from distill.formats.ogg import chained
from distill.formats.window import FARTHEST, Part, read_at

MAX_TAGS, MAX_CHUNKS = 16, 512
MAX_HEADER_BYTES = 1 << 20
"""Bytes of a chunk that is copied into a header."""
COUNTED = frozenset((1, 3, 6, 7))
"""Codings of a WAV whose length follows from the bytes that are there: their “fact” is not asked."""
LEAST_SOUND_BYTES = 64
"""Bytes behind an announced end from which they count as sound, if they are nothing else."""
OPEN_SIZES = 0x7F000000
"""Sizes of 32 bits from this one on announce nothing: programs that write to a pipe cannot know the size."""
ID3V1_BYTES = 128
USUAL_CHUNKS = frozenset(name.encode().ljust(4) for name in (
    "LIST", "fact", "cue", "smpl", "inst", "bext", "iXML", "PEAK", "JUNK", "junk", "FLLR", "PAD", "id3", "ID3",
    "acid", "strc", "levl", "umid", "cart", "axml", "chna", "afsp", "DISP", "_PMX", "MARK", "INST", "COMT", "NAME",
    "AUTH", "ANNO", "(c)", "APPL", "MIDI", "CHAN", "basc", "trns", "cate", "RIFF", "RIFX", "RF64", "FORM", "pakt",
    "kuki", "chan", "desc", "info", "uuid", "free", "strg", "edct", "ovvw", "peak", "midi",
))  # fmt: skip
"""Names of chunks that stand before or behind the sound."""


def find_parts(file: IO[bytes]) -> Iterator[Part]:
    """Yield the sounds of a file, one after another; a file that is no sound has one part, whose kind says why."""
    stop = file.seek(0, os.SEEK_END)
    start = _behind_tags(file, 0, stop)
    head = read_at(file, start, HEAD_BYTES)
    kind = kind_of(head, is_whole=start + len(head) >= stop)
    if kind in (kinds.MP3, kinds.AAC):
        found = kinds.first_frame(head, is_whole=start + len(head) >= stop)
        kind, skipped = found or (kind, 0)
        counted = kinds.counted_samples(head[skipped:])
        yield Part(kind, start + skipped, _before_tags(file, start, stop), announced=counted)
    elif kind in (kinds.WAV, kinds.W64, kinds.AIFF):
        at = start
        while at < stop and kind_of(read_at(file, at, 24)) in (kinds.WAV, kinds.W64, kinds.AIFF):
            part, at = _chunked(file, kind, at, stop)
            yield part
    elif kind == kinds.CAF:
        yield _caf(file, start, stop)
    elif kind == kinds.AU:
        yield _au(file, start, stop)
    elif kind == kinds.OGG:
        yield from chained(file, start, stop)
    elif kind == kinds.MATROSKA:
        yield Part(kind, start, stop, is_cut=_segment_end(head) > stop - start)
    elif kind == kinds.FLAC:
        yield Part(kind, start, _before_tags(file, start, stop))
    else:
        endless = kind.demuxer == "nistsphere" and not _has_end(head)
        yield Part(kind, start, stop, share=0.0 if endless else 1.0)


def _has_end(head: bytes) -> bool:
    """Whether a header of NIST SPHERE has the line that ends it: FFmpeg would look for that line for ever."""
    lines = head.split(b"\n", 2)
    if len(lines) < 3 or not lines[1].strip().isdigit():
        return False
    return b"end_head" in [line.rstrip() for line in head[: int(lines[1][:16])].split(b"\n")]


def _behind_tags(file: IO[bytes], start: int, stop: int) -> int:
    """The position behind the tags (ID3v2, APEv2) and the zeros that a file begins with."""
    for _ in range(MAX_TAGS):
        head = read_at(file, start, HEAD_BYTES)
        length = tag_bytes(head) or (len(head) - len(head.lstrip(b"\0")) if start else 0)
        if not length or start + length >= stop:
            break
        start += length
    return start


def _before_tags(file: IO[bytes], start: int, stop: int) -> int:
    """The position before the tags (ID3v1, APEv2, Lyrics3) that a file ends with."""
    for _ in range(MAX_TAGS):
        tail = read_at(file, max(start, stop - ID3V1_BYTES), ID3V1_BYTES)
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
    """The form of a chunk's name and size in a family of files."""

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
    for _ in range(MAX_CHUNKS):
        head = read_at(file, at, width)
        if len(head) < width or at >= stop or not _is_name(head[:4]):
            return
        size = int.from_bytes(head[layout.name_bytes :], layout.byte_order)  # type: ignore[arg-type]
        size -= width if layout.counts_itself else 0
        yield _Chunk(head[: layout.name_bytes], at + width, size)
        end = at + width + max(0, size)
        at = end + -end % layout.multiple
        if at != end and not _is_name(read_at(file, at, 4)) and _is_name(read_at(file, end, 4)):
            at = end  # some programs write chunks of odd length without a byte of padding


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(32 <= byte < 127 for byte in name) and name.strip() != b""


def _sound_bytes(
    file: IO[bytes], layout: _Layout, chunk: _Chunk, stop: int, open_sizes: int = FARTHEST
) -> tuple[int, float]:
    """The true bytes of a chunk of sound, and the share of the announced ones that is there. Sizes from ``open_sizes``
    on announce nothing."""
    there, announced = max(0, stop - chunk.start), chunk.size
    is_open = announced < 0 or announced >= open_sizes
    if is_open or announced > there:
        return there, 1.0 if is_open else there / announced
    end = chunk.start + announced
    rest = read_at(file, end, LEAST_SOUND_BYTES)
    is_tag = any(rest.startswith(tag) for tag in (b"TAG", b"ID3", b"APETAGEX", b"LYRICS"))
    is_padding = announced > 0 and _is_zero(file, end, stop)
    if len(rest) < LEAST_SOUND_BYTES or is_tag or is_padding:
        return announced, 1.0
    starts = {end, end + -end % layout.multiple}
    return (announced if any(_reaches(file, layout, at, stop) for at in starts) else there), 1.0


def _is_zero(file: IO[bytes], start: int, stop: int) -> bool:
    return not any(read_at(file, at, HEAD_BYTES).strip(b"\0") for at in range(start, stop, HEAD_BYTES))


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
    magic = read_at(file, start, 4)
    layout = {b"RIFX": RIFX, b"FORM": FORM, b"riff": SONY}.get(magic, RIFF)
    format_name = b"COMM" if layout is FORM else b"fmt "
    described, long_size, sound, behind, num_frames = b"", None, None, stop, 0
    for chunk in _chunks(file, layout, start + layout.header_bytes, stop):
        if sound is not None and chunk.name in (b"RIFF", b"RIFX", b"RF64", b"FORM"):
            behind = chunk.start - 8
            break
        if chunk.name[:4] == b"ds64" and layout is RIFF:
            long_size = int.from_bytes(read_at(file, chunk.start + 8, 8), "little")
        elif chunk.name[:4] == b"fact" and chunk.size >= 4:
            num_frames = int.from_bytes(read_at(file, chunk.start, 4), "big" if layout is RIFX else "little")
        elif chunk.name[:4] == format_name and not described:
            described = read_at(file, chunk.start, min(max(0, chunk.size), HEAD_BYTES))
        elif chunk.name == layout.data and sound is None:
            open_sizes = OPEN_SIZES if layout.size_bytes == 4 else FARTHEST
            if chunk.size == 0xFFFFFFFF and long_size is not None:
                chunk, open_sizes = _Chunk(chunk.name, chunk.start, long_size), FARTHEST
            num_bytes, share = _sound_bytes(file, layout, chunk, stop, open_sizes)
            sound = Part(kind, chunk.start, chunk.start + num_bytes, b"", share)
            if chunk.start + num_bytes >= stop:
                break
    if sound is None or not described:
        return Part(kind, start, stop, share=0.0), stop
    prefix = _header(layout, described, sound, file, start)
    told = described[:2] if layout is FORM else described[2:4]
    channels = int.from_bytes(told, "little" if layout in (RIFF, SONY) else "big")
    shown = kinds.AIFF if layout is FORM else kinds.WAV
    tag = int.from_bytes(described[:2], "big" if layout is RIFX else "little")
    if tag == 0xFFFE:
        tag = int.from_bytes(described[24:26], "big" if layout is RIFX else "little")
    num_frames = 0 if tag in COUNTED else num_frames
    return Part(shown, sound.start, sound.stop, prefix, sound.share, num_frames, channels), behind


def _header(layout: _Layout, described: bytes, sound: Part, file: IO[bytes], start: int) -> bytes:
    """A header of WAV or AIFF with true sizes, as it stands before the sound."""
    order = "little" if layout in (RIFF, SONY) else "big"

    def number(value: int) -> bytes:
        return min(value, 0xFFFFFFFF).to_bytes(4, order)  # type: ignore[arg-type]

    num_bytes = sound.stop - sound.start
    described += bytes(len(described) % 2)
    if layout is FORM:
        name, form, title = b"COMM", b"FORM", read_at(file, start + 8, 4)
    else:
        name, form, title = b"fmt ", b"RIFX" if layout is RIFX else b"RIFF", b"WAVE"
    inside = title + name + number(len(described)) + described + layout.data[:4] + number(num_bytes)
    return form + number(len(inside) + num_bytes) + inside


def _au(file: IO[bytes], start: int, stop: int) -> Part:
    """The sound of an AU file: all that stands behind its header."""
    header = read_at(file, start, 24)
    sound = start + max(24, int.from_bytes(header[4:8], "big"))
    announced, there = int.from_bytes(header[8:12], "big"), stop - sound
    if len(header) < 24 or there <= 0:
        return Part(kinds.AU, start, stop, share=0.0)
    share = min(1.0, there / announced) if 0 < announced < OPEN_SIZES else 1.0
    prefix = header[:4] + (24).to_bytes(4, "big") + b"\xff" * 4 + header[12:]
    return Part(kinds.AU, sound, stop, prefix, share)


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


def _caf(file: IO[bytes], start: int, stop: int) -> Part:
    """The sound of a CAF file; the size of its data is replaced by "until the end" if it is false."""
    prefix = read_at(file, start, APPLE.header_bytes)
    for chunk in _chunks(file, APPLE, start + APPLE.header_bytes, stop):
        if chunk.name in (b"desc", b"kuki", b"pakt", b"chan") and 0 <= chunk.size <= MAX_HEADER_BYTES:
            prefix += chunk.name + chunk.size.to_bytes(8, "big") + read_at(file, chunk.start, chunk.size)
        if chunk.name != APPLE.data:
            continue
        size = chunk.size if chunk.size < 1 << 63 else -1
        num_bytes, share = _sound_bytes(file, APPLE, _Chunk(chunk.name, chunk.start, size), stop)
        if num_bytes == size:
            break
        return Part(kinds.CAF, chunk.start, stop, prefix + chunk.name + b"\xff" * 8, share)
    return Part(kinds.CAF, start, stop)
