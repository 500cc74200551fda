"""Hundreds of damaged and forged files, and thousands on demand: each gives clips or refusals.

``pytest -m slow tests/audio/test_fuzzing.py -s`` runs the thousands and prints the numbers of clips and refusals.
"""

import binascii
import io
import struct
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill.audio import SAMPLE_RATE, Clip, Refusal, load_clip, new_decoder, read_clips
from distill.settings import MIB, Settings
from tests.audio.sounds import written

SETTINGS = Settings()
LONGEST_CASE_SECONDS = 3 * SETTINGS.decoding_seconds
GROWTH_BYTES = 512 * MIB
"""Maximum growth of this process while it reads one file: more than a resampled clip of ten minutes takes."""
SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".m4a", ".webm", ".wma", ".zip", ".txt", "")
NUMBERS = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    999,
    0x7FFF,
    0x8000,
    0xFFFF,
    44_100,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    2**63 - 1,
)
WRITTEN = (
    ("wav 16", "WAV", "PCM_16"),
    ("wav 24", "WAV", "PCM_24"),
    ("wav float", "WAV", "FLOAT"),
    ("wav adpcm", "WAV", "IMA_ADPCM"),
    ("wavex", "WAVEX", "PCM_16"),
    ("rf64", "RF64", "PCM_16"),
    ("flac", "FLAC", "PCM_16"),
    ("vorbis", "OGG", "VORBIS"),
    ("opus", "OGG", "OPUS"),
    ("mp3", "MP3", "MPEG_LAYER_III"),
    ("aiff", "AIFF", "PCM_16"),
    ("aiff float", "AIFF", "FLOAT"),
    ("au", "AU", "PCM_16"),
    ("w64", "W64", "PCM_16"),
    ("nist", "NIST", "PCM_16"),
    ("alaw", "WAV", "ALAW"),
)
CODED = (
    ("m4a", "mp4", "aac", SAMPLE_RATE),
    ("alac", "ipod", "alac", SAMPLE_RATE),
    ("aac", "adts", "aac", SAMPLE_RATE),
    ("opus mp4", "mp4", "libopus", 48_000),
    ("flac mp4", "mp4", "flac", SAMPLE_RATE),
    ("webm", "webm", "libopus", 48_000),
    ("mka", "matroska", "flac", SAMPLE_RATE),
    ("caf", "caf", "alac", SAMPLE_RATE),
    ("ogg flac", "ogg", "flac", SAMPLE_RATE),
    ("wavpack", "wv", "wavpack", SAMPLE_RATE),
    ("avi", "avi", "pcm_s16le", SAMPLE_RATE),
    ("wma", "asf", "wmav2", SAMPLE_RATE),
    ("avi aac", "avi", "aac", SAMPLE_RATE),
    ("mov", "mov", "pcm_s24le", SAMPLE_RATE),
    ("mp2", "mp2", "mp2", SAMPLE_RATE),
    ("eac3", "mp4", "eac3", 48_000),
    ("amr", "amr", "libopencore_amrnb", 8_000),
)
"""Kinds that PyAV writes: container, codec and sample rate."""


@pytest.fixture(scope="module")
def sounds(examples, tmp_path_factory) -> dict[str, bytes]:
    """A quarter of a second of drums in stereo, in every format, and archives of some of these files."""
    drums = load_clip(examples / "clips" / "loop_amen.flac").waveform[:11_025]
    stereo = np.stack([drums, drums[::-1]], axis=1)
    sounds = {}
    for kind, file_format, subtype in WRITTEN:
        buffer = io.BytesIO()
        rate = 48_000 if kind == "opus" else SAMPLE_RATE
        soundfile.write(buffer, stereo, rate, format=file_format, subtype=subtype)
        sounds[kind] = timeless(bytearray(buffer.getvalue()))
    path = tmp_path_factory.mktemp("coded") / "sound"
    for kind, container, codec, rate in CODED:
        sound = drums if kind == "amr" else stereo
        content = written(path, sound, container, codec, rate, fflags="+bitexact").read_bytes()
        sounds[kind] = timeless(bytearray(content))
    for kind, method in (("zip", zipfile.ZIP_DEFLATED), ("zip stored", zipfile.ZIP_STORED)):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            for number, name in enumerate(("wav 16", "flac", "vorbis")):
                archive.writestr(zipfile.ZipInfo(f"kit/{number}.wav"), sounds[name], method)
        sounds[kind] = buffer.getvalue()
    return sounds


def timeless(content: bytearray) -> bytes:
    """Content of a file without the parts that differ each time: the time in a PEAK chunk, the serial number in Ogg."""
    if (peak := content.find(b"PEAK")) >= 0:
        content[peak + 12 : peak + 16] = bytes(4)
    for page in range(len(content) if content[:4] == b"OggS" else 0):
        if content[page : page + 4] == b"OggS":
            content[page + 14 : page + 18] = bytes(4)
    return bytes(with_checksums(content))


def cases(sounds: dict[str, bytes], num_cases: int, seed: int) -> Iterator[tuple[str, str, bytes]]:
    """Yield kinds, names and contents of files: every kind in turn, damaged in one to three ways."""
    rng = np.random.default_rng(seed)
    harms = (flipped, overwritten, cut, spliced, forged, forged, lengthened, doubled)
    kinds = list(sounds)
    for number in range(num_cases):
        kind = kinds[number % len(kinds)]
        content = bytearray(sounds[kind])
        for _ in range(rng.integers(1, 4)):
            content = harms[rng.integers(len(harms))](content, rng, sounds[kinds[rng.integers(len(kinds))]])
        if content[:4] == b"OggS" and rng.random() < 0.8:
            content = with_checksums(content)
        suffix = SUFFIXES[rng.integers(len(SUFFIXES))]
        yield kind, f"case-{number}{suffix}", bytes(content)


def position(content: bytearray, rng: np.random.Generator) -> int:
    """Position to damage: in half of all cases near the start or the end, where headers and directories are."""
    whole, near = max(1, len(content)), int(rng.integers(200))
    return int(rng.choice([near % whole, -1 - near % whole, rng.integers(whole), rng.integers(whole)])) % whole


def flipped(content: bytearray, rng: np.random.Generator, _: bytes) -> bytearray:
    for _each in range(rng.integers(1, 20) if content else 0):
        content[position(content, rng)] ^= 1 << int(rng.integers(8))
    return content


def overwritten(content: bytearray, rng: np.random.Generator, _: bytes) -> bytearray:
    start, length = position(content, rng), int(rng.integers(1, 400))
    content[start : start + length] = rng.bytes(length) if rng.random() < 0.5 else bytes(length)
    return content


def cut(content: bytearray, rng: np.random.Generator, _: bytes) -> bytearray:
    start = position(content, rng)
    return content[:start] if rng.random() < 0.7 else content[start:]


def spliced(content: bytearray, rng: np.random.Generator, other: bytes) -> bytearray:
    start, length = int(rng.integers(len(other))), int(rng.integers(1, 3000))
    here = position(content, rng)
    content[here : here + int(rng.integers(2)) * length] = other[start : start + length]
    return content


def forged(content: bytearray, rng: np.random.Generator, _: bytes) -> bytearray:
    """Write a number such as a size, a count, a rate or a flag at a random position, in either byte order."""
    number, width = NUMBERS[rng.integers(len(NUMBERS))], int(rng.choice([1, 2, 4, 8]))
    start = position(content, rng) & (~1 if rng.random() < 0.7 else ~0)
    content[start : start + width] = (number % 256**width).to_bytes(width, str(rng.choice(["big", "little"])))
    return content


def lengthened(content: bytearray, rng: np.random.Generator, other: bytes) -> bytearray:
    return content + (other if rng.random() < 0.5 else rng.bytes(int(rng.integers(1, 5000))))


def doubled(content: bytearray, rng: np.random.Generator, _: bytes) -> bytearray:
    start, length = position(content, rng), int(rng.integers(1, 2000))
    return content[: start + length] + content[start:]


def with_checksums(content: bytearray) -> bytearray:
    """An Ogg file with corrected checksums, so that a decoder reads the damaged parts."""
    start = 0
    while (start := content.find(b"OggS", start)) >= 0 and len(content) >= start + 27:
        lengths = content[start + 27 : start + 27 + content[start + 26]]
        end = start + 27 + len(lengths) + sum(lengths)
        content[start + 22 : start + 26] = bytes(4)
        content[start + 22 : start + 26] = struct.pack("<I", ogg_checksum(content[start:end]))
        start += 4
    return content


def ogg_checksum(page: bytes) -> int:
    """CRC-32 as Ogg defines it: the CRC-32 of zip without reflection, and with no bits inverted at start and end."""
    reversed_bits = bytes(int(f"{byte:08b}"[::-1], 2) for byte in page)
    plain = binascii.crc32(reversed_bits, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{plain:032b}"[::-1], 2)


def memory_bytes(field: str, process: int | str = "self") -> int:
    """Memory of a process in bytes, from a field of ``/proc``; 0 if there is none."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)


def reset_peak() -> None:
    if Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")


def try_all(sounds: dict[str, bytes], num_cases: int, seed: int, folder: Path, is_one_sentence) -> Counter[str]:
    """Read every case with one decoder, check the clips and refusals, and count them."""
    counts: Counter[str] = Counter()
    slowest, grown, decoder_memory, decoder_space = 0.0, 0, 0, 0
    with new_decoder(SETTINGS) as decoder:
        for kind, name, content in cases(sounds, num_cases, seed):
            path = folder / name
            path.write_bytes(content)
            reset_peak()
            before, start = memory_bytes("VmRSS"), time.monotonic()
            results = list(read_clips([path], settings=SETTINGS, decoder=decoder))
            seconds = time.monotonic() - start
            path.unlink()
            assert results, name
            for item in results:
                if isinstance(item, Refusal):
                    assert is_one_sentence(item.reason), (name, item.reason)
                    assert folder.name not in item.reason
                else:
                    check_clip(item)
            assert seconds < LONGEST_CASE_SECONDS, (name, kind)
            slowest, grown = max(slowest, seconds), max(grown, memory_bytes("VmHWM") - before)
            process = decoder._process.pid if decoder._process else 0
            decoder_memory = max(decoder_memory, memory_bytes("VmHWM", process))
            decoder_space = max(decoder_space, memory_bytes("VmPeak", process))
            counts["cases"] += 1
            counts["clips"] += sum(isinstance(item, Clip) for item in results)
            counts["refusals"] += sum(isinstance(item, Refusal) for item in results)
            stops = [item for item in results if isinstance(item, Refusal) and "broke off" in item.reason]
            if stops:
                counts["stops"] += 1
                print(f"stopped the decoder: {name} ({kind}) after {seconds:.1f} s")
    assert decoder_space <= SETTINGS.decoding_memory_bytes
    assert grown < GROWTH_BYTES
    print(
        f"\n{counts['cases']} files of {len(sounds)} kinds: {counts['clips']} clips, {counts['refusals']} refusals; "
        f"{counts['stops']} crashed or hung the decoder; the slowest took {slowest:.2f} s; the decoder held up to "
        f"{decoder_memory / MIB:.0f} MB ({decoder_space / MIB:.0f} of addresses), this process {grown / MIB:.0f} more"
    )
    return counts


def check_clip(clip: Clip) -> None:
    assert clip.waveform.dtype == np.float32
    assert clip.waveform.ndim == 1
    assert 0 < clip.seconds <= SETTINGS.clip_seconds + 1 / 1000
    assert np.isfinite(clip.waveform).all()
    assert np.abs(clip.waveform).max() <= 1


def test_computed_ogg_checksums_equal_the_written_ones():
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(10_000), SAMPLE_RATE, format="OGG")
    assert with_checksums(bytearray(buffer.getvalue())) == buffer.getvalue()


def test_every_kind_of_file_is_read_before_it_is_damaged(sounds, tmp_path):
    with new_decoder(SETTINGS) as decoder:
        for kind, content in sounds.items():
            (tmp_path / "sound").write_bytes(content)
            results = list(read_clips([tmp_path / "sound"], settings=SETTINGS, decoder=decoder))
            assert all(isinstance(item, Clip) for item in results), (kind, results)
            assert len(results) == (3 if kind.startswith("zip") else 1)


def test_hundreds_of_hostile_files_give_clips_or_refusals(sounds, tmp_path, is_one_sentence):
    counts = try_all(sounds, 204, 0, tmp_path, is_one_sentence)
    assert counts["clips"] > 20
    assert counts["refusals"] > 50


@pytest.mark.slow
def test_thousands_of_hostile_files_give_clips_or_refusals(sounds, tmp_path, is_one_sentence):
    counts = try_all(sounds, 5000, 1, tmp_path, is_one_sentence)
    assert counts["cases"] >= 3000
