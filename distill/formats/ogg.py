"""The sounds of an Ogg file, which may hold several, one after another."""

import re
from collections.abc import Iterator
from typing import IO

from distill.formats import kinds
from distill.formats.window import Part, read_at

SEARCHED_BYTES = 1 << 20
LONGEST_PAGE_BYTES = 27 + 255 + 255 * 255
MAX_STREAMS = 64
FIRST_PAGE = re.compile(rb"OggS\0[\x02\x06]")
"""Start of the first page of a stream in an Ogg file; a stream that is only one page long is marked as last too."""
LAST, FIRST = 4, 2
"""Marks of a stream's pages."""
LEAST_REST_BYTES = 64
"""Bytes behind a page from which they count as lost sound, if the page is not marked as last."""


def chained(file: IO[bytes], start: int, stop: int) -> Iterator[Part]:
    """Yield the sounds of a chained Ogg file, such as a recorded web radio: each begins with pages marked as first."""
    began, first_pages_end = start, start
    for at in _first_pages(file, start, stop):
        if at > first_pages_end:
            yield _sound(file, began, at)
            began = at
        first_pages_end = at + _page_bytes(read_at(file, at, 27 + 255))
    yield _sound(file, began, stop)


def _sound(file: IO[bytes], start: int, stop: int) -> Part:
    """A sound in Ogg; the length of a Vorbis sound is in its last page."""
    begin = max(start, stop - 2 * LONGEST_PAGE_BYTES)
    tail = read_at(file, begin, stop - begin)
    at = tail.rfind(b"OggS\0")
    is_cut = at < 0 or _is_cut(tail[at:])
    serial = _vorbis_serial(file, start, stop)
    while serial and at >= 0:
        page = tail[at : at + 27]
        if page[14:18] == serial and page[6:14] != b"\xff" * 8:
            return Part(kinds.OGG, start, stop, num_frames=int.from_bytes(page[6:14], "little"), is_cut=is_cut)
        at = tail.rfind(b"OggS\0", 0, at)
    return Part(kinds.OGG, start, stop, is_cut=is_cut)


def _is_cut(page: bytes) -> bool:
    """Whether a sound misses its end, by its last page and the bytes behind that."""
    rest = len(page) - _page_bytes(page)
    return rest < 0 or (rest >= LEAST_REST_BYTES and not page[5] & LAST)


def _page_bytes(page: bytes) -> int:
    """Length of a page, by its first bytes."""
    if len(page) < 27:
        return 27
    lengths = page[27 : 27 + page[26]]
    return 27 + page[26] + sum(lengths)


def _vorbis_serial(file: IO[bytes], start: int, stop: int) -> bytes:
    """The number of the first stream of Vorbis; no bytes if there is none."""
    at = start
    for _ in range(MAX_STREAMS):
        page = read_at(file, at, 27 + 255 + 7)
        if at >= stop or len(page) < 28 or page[:5] != b"OggS\0" or not page[5] & FIRST:
            break
        if page[27 + page[26] :][:7] == b"\x01vorbis":
            return page[14:18]
        at += _page_bytes(page)
    return b""


def _first_pages(file: IO[bytes], start: int, stop: int) -> Iterator[int]:
    for block in range(start, stop, SEARCHED_BYTES):
        content = read_at(file, block, SEARCHED_BYTES + 27)
        for found in FIRST_PAGE.finditer(content):
            if found.start() < SEARCHED_BYTES and len(content) >= found.start() + 27:
                yield block + found.start()
