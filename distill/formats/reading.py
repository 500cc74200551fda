"""The samples of a sound file, block by block, by FFmpeg's libraries: only by the decoders in the lists below.

FFmpeg reads the file alone, through a :class:`~distill.formats.window.Window`: it gets no name, opens nothing, and is
told the format.
"""

import contextlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import av
import numpy as np
from av.codec.context import Flags2
from av.stream import Discard

from distill.formats import kinds
from distill.formats.kinds import Kind
from distill.formats.parts import find_parts
from distill.formats.window import Part, Window

CODECS = frozenset((
    "aac", "alac", "flac", "mp1", "mp1float", "mp2", "mp2float", "mp3float", "opus", "vorbis", "speex", "wavpack",
    "wmav1", "wmav2", "wmapro", "wmalossless", "amrnb", "amrwb", "ac3", "eac3", "adpcm_ima_qt",
    "adpcm_ima_wav", "adpcm_ms", "gsm", "gsm_ms", "pcm_alaw", "pcm_mulaw", "pcm_s8", "pcm_u8", "pcm_s16be",
    "pcm_s16le", "pcm_s24be", "pcm_s24le", "pcm_s32be", "pcm_s32le", "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le",
))  # fmt: skip
"""FFmpeg's decoders that may run."""
DEMUXERS = frozenset((
    "wav", "aiff", "caf", "au", "flac", "ogg", "mp3", "aac", "mov", "matroska", "asf", "wv", "amr", "nistsphere",
    "avi",
))  # fmt: skip
"""FFmpeg's readers of formats that may run, also within another: AVI would have subtitles looked for in all formats."""
OPTIONS = {
    "codec_whitelist": ",".join(sorted(CODECS)),
    "protocol_whitelist": "none",
    "format_whitelist": ",".join(sorted(DEMUXERS)),
    "max_streams": "64",
    "enable_drefs": "0",
    "ignore_editlist": "0",
    "max_probe_packets": "1",  # else PCM would be searched for other codings, twenty times as long as it is read
}
BUFFER_BYTES = 1 << 16
MAX_PARTS = 10_000
"""Sounds of one file that are read, if many are joined; the rest counts as lost, so that a file takes bounded time."""
PLANES = 8
"""Channels of a frame whose planes PyAV can count."""
PADDED_FRAMES = 4096
"""Samples of padding that an encoder adds at the end, at the most; a coder of AAC with SBR has frames of 2048."""
CUT_HERE = ((kinds.CAF, "alac"), (kinds.OGG, "vorbis"))
"""Sounds whose padding FFmpeg must not cut. The last packet of ALAC knows its length, and would be cut twice; where
Vorbis begins with a short block, FFmpeg counts samples that are never given, and would cut as many at the end."""
COARSE_SECONDS = 0.002
"""Units of time in which an MP4 file may tell its length: the length of its packets is finer."""
ESTIMATED = ("mp3", "aac", "ogg", "amr", "wav", "au", "aiff")
"""Formats whose length FFmpeg estimates, or knows from the size of the file."""
LOST_SECONDS, LOST_SHARE = 0.05, 0.01
"""A sound that ends earlier than its header says by more than both counts as cut short. Where bytes are counted, the
share alone decides."""
UNREAD_BYTES = 1024
"""Bytes behind an error that count as lost sound, if they are more than that share of the file too."""
LOST_SECONDS_OF = {"mp3": 0.2, "asf": 0.25}
"""Larger bounds where the header counts padding that is not heard."""
SEAMS = {"mp3": 8, "aac": 8}
"""Failures that are no losses: tags between two sounds that were joined, and frames that begin before a cut."""
TYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
SCALES = {"u8": 2.0**-7, "s16": 2.0**-15, "s32": 2.0**-31, "s64": 2.0**-63}
LOCKED = ("drms", "enca", "aavd")
"""Tags of sound that only the program of its seller can play."""

av.logging.set_level(None)


class UnreadableError(ValueError):
    """A file holds no sound that can be read; the message is a sentence that begins with the file's name."""


@dataclass(frozen=True)
class Block:
    """Some samples of a sound.

    Attributes
    ----------
    samples : ndarray of float32 [samples, channels]
    sample_rate : int
        In Hz; it may change within a file.
    """

    samples: np.ndarray
    sample_rate: int


@dataclass
class Losses:
    """The parts of a file's sound that could not be read.

    Attributes
    ----------
    packets : int
        Pieces of the sound that could not be decoded although good ones follow.
    announced : float
        Length in seconds that the file's header announces for a sound that ends earlier; 0 for any other sound.
    """

    packets: int = 0
    announced: float = 0.0


def read_blocks(file: IO[bytes], losses: Losses, *, most_channels: int) -> Iterator[Block]:
    """Yield the samples of a file, and count in ``losses`` what could not be read.

    Parameters
    ----------
    file : binary file
        To read and seek in, without a buffer.
    losses : Losses
        Complete when the last block has been given.
    most_channels : int
        Sounds of more channels give one empty block, whose shape tells the number of channels, and no more.

    Raises
    ------
    UnreadableError
        If the file is no sound, or none of its sound can be read.
    """
    is_read, reason = False, None
    for number, part in enumerate(find_parts(file)):
        if not part.kind.demuxer:
            raise UnreadableError(part.kind.reason)
        if number == MAX_PARTS:
            losses.packets += 1
            break
        try:
            for block in _read_part(file, part, losses, most_channels):
                is_read = True
                yield block
        except UnreadableError as error:
            losses.packets += 1
            reason = reason or error
    if reason and not is_read:
        raise reason


def _read_part(file: IO[bytes], part: Part, losses: Losses, most_channels: int) -> Iterator[Block]:
    if part.share == 0.0:
        raise UnreadableError(f"begins like {part.kind.name}, but ends before any sound: it is damaged or cut short.")
    try:
        container = av.open(
            Window(file, part), format=part.kind.demuxer, container_options=OPTIONS, buffer_size=BUFFER_BYTES,
            metadata_errors="replace", io_open=_open_nothing,
        )  # fmt: skip
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise UnreadableError(_why_not_opened(file, part)) from error
    with container:
        stream = _stream_of(container, part.kind)
        for other in container.streams:
            if other.index != stream.index:
                other.discard = Discard.all  # else their parsers would run
        yield from _decoded(container, stream, part, losses, most_channels)


def _open_nothing(url: str, flags: int, options: dict[str, str]) -> Any:
    raise PermissionError("a sound file may not open other files")


def _why_not_opened(file: IO[bytes], part: Part) -> str:
    if part.kind.demuxer == "mov" and not _has_index(file, part):
        return (
            "was cut short: it ends before the table that says where its sound is (“moov”), as after a recording or a "
            "download that was interrupted."
        )
    return f"begins like {part.kind.name}, but could not be read as that: it is damaged or cut short."


def _has_index(file: IO[bytes], part: Part) -> bool:
    """Whether a file of MP4 or QuickTime has the box that says where its sound is."""
    at = part.start
    for _ in range(1000):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return False
        if head[4:8] in (b"moov", b"moof"):
            return True
        size = int.from_bytes(head[:4], "big")
        size = int.from_bytes(head[8:16], "big") if size == 1 else size
        if size < 8 or size > part.stop - at:
            return False
        at += size
    return False


def _stream_of(container: Any, kind: Kind) -> Any:
    """The first stream of sound that may be decoded."""
    sounds = [stream for stream in container.streams if stream.type == "audio"]
    if not sounds:
        picture = any(stream.type == "video" for stream in container.streams)
        raise UnreadableError("has a picture but no sound." if picture else f"is {kind.name} without any sound in it.")
    for stream in sounds:
        if _codec_of(stream) in CODECS and _tag_of(stream) not in LOCKED:
            return stream
    if any(_tag_of(stream) in LOCKED for stream in sounds):
        raise UnreadableError("is locked by its seller (DRM), so only the seller's program can play it.")
    codec = _codec_of(sounds[0]) or "unknown"
    raise UnreadableError(
        f"holds sound in a coding that Distill does not read ({codec}); please export it as WAV or FLAC."
    )


def _codec_of(stream: Any) -> str:
    return stream.codec_context.name if stream.codec_context is not None else ""


def _tag_of(stream: Any) -> str:
    """The tag of a stream's coding; "" for the tags that are no letters, as AVI and WAV have them."""
    try:
        return stream.codec_context.codec_tag if stream.codec_context is not None else ""
    except UnicodeDecodeError:
        return ""


def _decoded(container: Any, stream: Any, part: Part, losses: Losses, most_channels: int) -> Iterator[Block]:
    """Yield the samples of a stream. Errors are counted; what comes after them is read all the same."""
    context = stream.codec_context
    if (channels := max(context.channels, part.channels)) > most_channels:
        yield Block(np.zeros((0, channels), np.float32), context.sample_rate)
        return
    context.thread_count = 1
    if (part.kind, context.name) in CUT_HERE:
        context.flags2 |= Flags2.skip_manual
    tail, samples_of, packets, last = _Tail(), _Converter(), _Packets(container, stream), None
    num_frames = rate = failed = lost = 0
    for packet in packets:
        last = packet if packet.pts is not None and packet.duration and not packet.is_discard else last
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, ValueError):
            failed += 1
            continue
        for frame in frames:
            lost, failed = lost + failed, 0
            num_frames, rate = num_frames + frame.samples, frame.sample_rate
            yield from tail.add(Block(samples_of(frame), rate))
    yield from tail.without_padding(num_frames, _told_frames(container, stream, part, last, rate))
    if not num_frames and failed:
        raise UnreadableError(f"is damaged: it begins like {part.kind.name}, but none of its sound could be decoded.")
    losses.packets += lost if lost > SEAMS.get(part.kind.demuxer, 0) else 0
    seconds = num_frames / rate if rate else 0.0
    announced = _announced(stream, part, seconds, rate)
    least = 0.0 if part.share < 1.0 else LOST_SECONDS_OF.get(part.kind.demuxer, LOST_SECONDS)
    if announced - seconds > max(least, LOST_SHARE * announced):
        losses.announced += announced
    elif part.is_cut or packets.are_cut(len(part.prefix) + part.stop - part.start):
        losses.packets += 1


class _Packets:
    """The packets of a stream, and an empty one at their end, which flushes the decoder; an error is an end too."""

    def __init__(self, container: Any, stream: Any) -> None:
        self._container, self._stream = container, stream
        self._end, self._is_broken = 0, False

    def __iter__(self) -> Iterator[Any]:
        try:
            for packet in self._container.demux(self._stream):
                if packet.pos is not None:
                    self._end = max(self._end, packet.pos + packet.size)
                yield packet
        except (av.error.FFmpegError, OSError):
            self._is_broken = True
            packet = av.Packet()
            packet.stream = self._stream
            yield packet

    def are_cut(self, num_bytes: int) -> bool:
        """Whether an error ended the packets although much of the file's ``num_bytes`` was still to come."""
        rest = num_bytes - self._end
        return self._is_broken and self._end > 0 and rest > max(UNREAD_BYTES, LOST_SHARE * num_bytes)


class _Tail:
    """Holds the last blocks back until it is known which of their samples only fill the last packet."""

    def __init__(self) -> None:
        self._blocks: deque[Block] = deque()
        self._num_frames = 0

    def add(self, block: Block) -> Iterator[Block]:
        """Take a block in; yield the blocks that are too far from the end to be padding."""
        self._blocks.append(block)
        self._num_frames += len(block.samples)
        while self._num_frames - len(self._blocks[0].samples) >= PADDED_FRAMES:
            self._num_frames -= len(self._blocks[0].samples)
            yield self._blocks.popleft()

    def without_padding(self, num_frames: int, told: int) -> Iterator[Block]:
        """Yield the blocks at the end. A file whose sound is far longer than it tells loses nothing."""
        padding = num_frames - told if 0 < told < num_frames <= told + PADDED_FRAMES else 0
        left = self._num_frames - padding
        for block in self._blocks:
            if left > 0:
                yield Block(block.samples[:left], block.sample_rate)
            left -= len(block.samples)


def _told_frames(container: Any, stream: Any, part: Part, last: Any, sample_rate: int) -> int:
    """Length in samples without padding, as a file tells it; 0 if it does not."""
    if part.kind.demuxer != "mov" or not stream.duration:
        return part.num_frames
    told = str(container.metadata.get("iTunSMPB", stream.metadata.get("iTunSMPB", ""))).split()
    if len(told) > 3 and len(told[3]) == 16:
        with contextlib.suppress(ValueError):
            return int(told[3], 16)
    seconds = float(stream.duration * stream.time_base)
    if last is not None:
        end = float((last.pts + last.duration) * stream.time_base)
        seconds = end if end < seconds + COARSE_SECONDS else seconds
    return round(seconds * sample_rate)


def _announced(stream: Any, part: Part, seconds: float, sample_rate: int) -> float:
    """Length in seconds that a file announces; 0 if it announces none."""
    if part.share < 1.0:
        return seconds / part.share
    if part.announced and sample_rate:
        return part.announced / sample_rate
    if part.kind.demuxer in ESTIMATED or not stream.duration:
        return 0.0
    return float(stream.duration * stream.time_base)


class _Converter:
    """Makes arrays of frames."""

    def __init__(self) -> None:
        self._packer: Any = None
        self._packed: tuple[str, str, int] | None = None

    def __call__(self, frame: Any) -> np.ndarray:
        """The samples of a frame as float32 [samples, channels]; full scale is 1."""
        kind, channels = frame.format.name, frame.layout.nb_channels
        if not frame.format.is_planar:
            return _scaled(frame.to_ndarray().reshape(-1, channels), kind)
        kind = kind.removesuffix("p")
        if channels > PLANES:
            return _scaled(self._interleaved(frame, kind).reshape(-1, channels), kind)
        # PyAV counts one plane too many where there are eight, so `to_ndarray` would read beyond them
        planes = [np.frombuffer(plane, TYPES[kind], frame.samples) for plane in frame.planes[:channels]]
        return _scaled(np.stack(planes, axis=1), kind)

    def _interleaved(self, frame: Any, kind: str) -> np.ndarray:
        """The samples of a frame of so many planes that PyAV would look for their end beyond their list."""
        described = (frame.format.name, frame.layout.name, frame.sample_rate)
        if described != self._packed:
            self._packed = described
            self._packer = av.AudioResampler(kind, frame.layout, frame.sample_rate)
        return np.concatenate([packed.to_ndarray().ravel() for packed in self._packer.resample(frame)])


def _scaled(samples: np.ndarray, kind: str) -> np.ndarray:
    if kind not in SCALES:
        return samples.astype(np.float32)
    samples = samples.astype(np.float32 if kind in ("u8", "s16") else np.float64)
    samples -= 128 if kind == "u8" else 0
    return (samples * SCALES[kind]).astype(np.float32)
