"""The kind of a file, by its first bytes: a kind of sound, or the reason why the file is no sound."""

import itertools
import re
from dataclasses import dataclass

HEAD_BYTES = 1 << 17
"""First bytes of a file that decide what it is. MP3 frames may begin only after some garbage."""
CHAIN_FRAMES = 4
"""MP3 or AAC frames in a row that are no accident."""
MAX_STARTS = 1000
"""Positions at which a frame of MP3 or AAC is looked for; random bytes of that length have some sixty."""
FRAME_START = re.compile(rb"\xff[\xe2-\xff]")
"""First two bytes of a frame of MP3 or AAC."""
MPEG_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
MPEG_KILOBITS = {
    (True, 3): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 1): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 3): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 1): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Bit rates by (is MPEG 1, layer bits); the layer bits are 3 for layer I, 1 for layer III."""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes
    ----------
    demuxer : str
        FFmpeg's name of the format, or "" if the file is no sound.
    name : str
        Name of the format, as people know it; "" if the file is no sound.
    reason : str
        The second half of a sentence that begins with the file's name and says why the file is no sound; else "".
    """

    demuxer: str
    name: str = ""
    reason: str = ""


def _no_sound(reason: str) -> Kind:
    return Kind("", reason=f"could not be read as sound: {reason}")


WAV, W64, AIFF, CAF = Kind("wav", "WAV"), Kind("w64", "W64"), Kind("aiff", "AIFF"), Kind("caf", "CAF")
FLAC, OGG, MP3, AAC = Kind("flac", "FLAC"), Kind("ogg", "OGG"), Kind("mp3", "MP3"), Kind("aac", "AAC")
MP4, MATROSKA, WMA = Kind("mov", "MP4 or MOV"), Kind("matroska", "Matroska or WebM"), Kind("asf", "WMA")
AU = Kind("au", "AU")
W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
PICTURE = _no_sound("it is a picture.")
ARCHIVE = _no_sound("it is an archive; please unpack it first.")
PROGRAM = _no_sound("it is a program.")
MIDI = _no_sound("it is MIDI, which holds notes but no sound; please render it to WAV or FLAC.")
TEXT = _no_sound("it is text.")
PAGE = _no_sound("it is a web page or another kind of marked-up text.")
LIST = _no_sound("it is a playlist, which names sounds but holds none.")
POINTER = _no_sound("it is a pointer of Git LFS; “git lfs pull” fetches the sound itself.")
COMPANION = _no_sound("it is a companion file of macOS, which holds no sound.")
DATA = _no_sound("it holds data of another program.")
ZEROS = _no_sound("it holds nothing but zeros; please copy or record it again.")
DATABASE = _no_sound("it is a database.")
DOCUMENT = _no_sound("it is a document.")
UNKNOWN = _no_sound(
    "its content is of no kind that Distill knows (WAV, AIFF, FLAC, MP3, OGG, M4A, WebM, CAF, WMA and some more)."
)
UNREAD = "it is {}, which Distill does not read; please export it as WAV or FLAC."
STARTS = {
    b"fLaC": FLAC,
    b"OggS": OGG,
    b"caff": CAF,
    b".snd": AU,
    b"wvpk": Kind("wv", "WavPack"),
    b"#!AMR": Kind("amr", "AMR"),
    b"NIST_1A": Kind("nistsphere", "NIST SPHERE"),
    b"\x1a\x45\xdf\xa3": MATROSKA,
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": WMA,
    W64_RIFF: W64,
    b"MThd": MIDI,
    b"PK\x03\x04": ARCHIVE,
    b"PK\x05\x06": ARCHIVE,
    b"Rar!": ARCHIVE,
    b"7z\xbc\xaf\x27\x1c": ARCHIVE,
    b"\x1f\x8b": ARCHIVE,
    b"BZh": ARCHIVE,
    b"\xfd7zXZ": ARCHIVE,
    b"\x28\xb5\x2f\xfd": ARCHIVE,
    b"\x89PNG": PICTURE,
    b"\xff\xd8\xff": PICTURE,
    b"GIF8": PICTURE,
    b"II*\0": PICTURE,
    b"MM\0*": PICTURE,
    b"8BPS": PICTURE,
    b"%PDF": DOCUMENT,
    b"\xd0\xcf\x11\xe0": DOCUMENT,
    b"\x7fELF": PROGRAM,
    b"MZ": PROGRAM,
    b"\xcf\xfa\xed\xfe": PROGRAM,
    b"\xca\xfe\xba\xbe": PROGRAM,
    b"\0\x05\x16\x07": COMPANION,
    b"\0\x05\x16\0": COMPANION,
    b"\0\0\0\x01Bud1": COMPANION,
    b"SQLite format 3": DATABASE,
    b"\x93NUMPY": DATA,
    b"\x89HDF": DATA,
    b"MAC ": _no_sound(UNREAD.format("Monkey's Audio")),
    b"TTA1": _no_sound(UNREAD.format("True Audio")),
    b"MPCK": _no_sound(UNREAD.format("Musepack")),
    b"MP+": _no_sound(UNREAD.format("Musepack")),
    b".RMF": _no_sound(UNREAD.format("RealAudio")),
    b"DSD ": _no_sound(UNREAD.format("DSD")),
    b"FRM8": _no_sound(UNREAD.format("DSD")),
    b".ra\xfd": _no_sound(UNREAD.format("RealAudio")),
    b"Creative Voice File": _no_sound(UNREAD.format("a Creative Voice file")),
    b"#EXTM3U": LIST,
    b"[playlist]": LIST,
    b"ffconcat": LIST,
    b"version https://git-lfs": POINTER,
}
"""Kinds by the first bytes of a file."""
FORMS = {
    (b"RIFF", b"WAVE"): WAV,
    (b"RIFX", b"WAVE"): WAV,
    (b"RF64", b"WAVE"): WAV,
    (b"BW64", b"WAVE"): WAV,
    (b"FORM", b"AIFF"): AIFF,
    (b"FORM", b"AIFC"): AIFF,
    (b"RIFF", b"AVI "): Kind("avi", "AVI"),
    (b"RIFF", b"RMID"): MIDI,
    (b"RIFF", b"WEBP"): PICTURE,
    (b"RIFF", b"sfbk"): _no_sound("it is a SoundFont, a set of instruments; please render it to WAV or FLAC."),
    (b"FORM", b"8SVX"): _no_sound(UNREAD.format("8SVX")),
}
"""Kinds by the first four bytes and by the four bytes at 8."""
OFFICE = (b"[Content_Types].xml", b"mimetype", b"META-INF/", b"_rels/.rels")
"""Names with which a zip archive begins that is a document or a program."""
BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"moof", b"styp")
"""Boxes that a file of MP4 or QuickTime may begin with."""
LONG_BOXES = (b"mdat", b"moov", b"moof")
"""Boxes that may be longer than 16 MB."""
PICTURE_BRANDS = (b"heic", b"heix", b"mif1", b"avif", b"crx ")
"""Brands of MP4 whose files are pictures."""
LETTERS_ONLY = frozenset((b"%PDF", b"Rar!", b"BZh"))
"""Short marks that no text begins with, although a file of that kind may begin like a text."""


def kind_of(head: bytes, *, is_whole: bool = False) -> Kind:
    """The kind of a file.

    Parameters
    ----------
    head : bytes
        The file's first bytes, up to :data:`HEAD_BYTES`.
    is_whole : bool
        Whether ``head`` is the whole file.

    Examples
    --------
    >>> kind_of(b"fLaC").name
    'FLAC'
    >>> kind_of(b"Dear diary, today I recorded a frog.", is_whole=True).reason
    'could not be read as sound: it is text.'
    """
    if not head.strip(b"\0"):
        return ZEROS
    if kind := FORMS.get((head[:4], head[8:12])):
        return kind
    if head[:4] == b"PK\x03\x04" and any(mark in head[30:120] for mark in OFFICE):
        return DOCUMENT
    text = _text(head)
    if _begins_with_box(head) and not text:
        return PICTURE if head[4:8] == b"ftyp" and head[8:12] in PICTURE_BRANDS else MP4
    for start, kind in STARTS.items():
        if head.startswith(start):
            is_word = len(start) <= 4 and start.isascii() and start not in LETTERS_ONLY
            return text if text and is_word else kind
    if tag_bytes(head):
        return MP3  # what follows the tag decides; :func:`~distill.formats.parts.find_parts` looks there
    if found := first_frame(head, is_whole=is_whole):
        return found[0]
    if head[257:262] == b"ustar":
        return ARCHIVE
    return text or (PICTURE if head.startswith(b"BM") else UNKNOWN)


def _begins_with_box(head: bytes) -> bool:
    """Whether a file begins with a box of MP4 of a length that such a box may have."""
    size = int.from_bytes(head[:4], "big")
    return head[4:8] in BOXES and (size in (0, 1) or 8 <= size < (1 << 32 if head[4:8] in LONG_BOXES else 1 << 24))


def tag_bytes(head: bytes) -> int:
    """Length of the tag (ID3v2 or APEv2) that a file begins with; 0 if it begins with none."""
    if head[:3] == b"ID3" and len(head) >= 10 and max(head[6:10]) < 0x80:
        size = sum(byte << 7 * place for place, byte in enumerate(reversed(head[6:10])))
        return 10 + size + (10 if head[5] & 0x10 else 0)
    if head[:8] == b"APETAGEX" and len(head) >= 32:
        return int.from_bytes(head[12:16], "little") + 32
    return 0


def first_frame(head: bytes, *, is_whole: bool = False) -> tuple[Kind, int] | None:
    """The kind and the position of the first of several MP3 or AAC frames in a row; None if there are none."""
    for found in itertools.islice(FRAME_START.finditer(head), MAX_STARTS):
        for kind, frame_at in ((AAC, _adts_frame), (MP3, _mpeg_frame)):
            position, count, family = found.start(), 0, None
            while count < CHAIN_FRAMES and (frame := frame_at(head, position)) and family in (None, frame[1]):
                position, count, family = position + frame[0], count + 1, frame[1]
            is_short = is_whole and (
                position >= len(head) if count > 1 else (found.start(), position) == (0, len(head))
            )
            if count == CHAIN_FRAMES or is_short:
                return kind, found.start()
    return None


def counted_samples(head: bytes) -> int:
    """Length in samples per channel of an MP3, padding included, as the first frame counts it; 0 if it does not."""
    frame = _mpeg_frame(head, 0)
    if frame is None:
        return 0
    per_frame = 1152 if head[1] >> 3 & 3 == 3 else 576
    for mark in (b"Xing", b"Info"):
        at = head.find(mark, 0, 64)
        if at > 0 and int.from_bytes(head[at + 4 : at + 8], "big") & 1:
            return int.from_bytes(head[at + 8 : at + 12], "big") * per_frame
    return int.from_bytes(head[50:54], "big") * per_frame if head[36:40] == b"VBRI" else 0


def _mpeg_frame(head: bytes, at: int) -> tuple[int, bytes] | None:
    """Length of the frame of MPEG audio at a position, and what all frames of its stream share; None for no frame."""
    if len(head) < at + 4 or head[at] != 0xFF or head[at + 1] < 0xE0:
        return None
    version, layer = head[at + 1] >> 3 & 3, head[at + 1] >> 1 & 3
    bits, rate, padding = head[at + 2] >> 4, head[at + 2] >> 2 & 3, head[at + 2] >> 1 & 1
    if version == 1 or layer == 0 or bits in (0, 15) or rate == 3:
        return None
    hertz, bits_per_second = MPEG_RATES[version][rate], MPEG_KILOBITS[version == 3, layer][bits] * 1000
    if layer == 3:
        length = (12 * bits_per_second // hertz + padding) * 4
    else:
        length = (72 if layer == 1 and version != 3 else 144) * bits_per_second // hertz + padding
    return length, bytes([head[at + 1] & 0xFE, head[at + 2] & 0x0C])


def _adts_frame(head: bytes, at: int) -> tuple[int, bytes] | None:
    """Length of the AAC frame at a position, and what all frames of its stream share; None if there is no frame."""
    if len(head) < at + 7 or head[at] != 0xFF or head[at + 1] & 0xF6 != 0xF0 or head[at + 2] >> 2 & 0xF > 12:
        return None
    length = (head[at + 3] & 3) << 11 | head[at + 4] << 3 | head[at + 5] >> 5
    return (length, bytes([head[at + 1], head[at + 2] & 0xFC])) if length > 7 else None


def _text(head: bytes) -> Kind | None:
    """The kind of a file of characters; None if the bytes are not text."""
    start = head[:2048]
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = start.decode("utf-16", errors="replace")
    else:
        text = start.decode("utf-8", errors="ignore" if len(head) > len(start) else "replace")
        if len(text.encode()) < len(start) - 4:
            return None
    if "\N{REPLACEMENT CHARACTER}" in text or any(ord(letter) < 32 and letter not in "\t\n\r\f\x1b" for letter in text):
        return None
    return PAGE if text.lstrip("\ufeff \t\r\n").startswith("<") else TEXT
