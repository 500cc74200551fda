"""Untrusted archives: good files are unpacked, and a hostile archive cannot fill the disk or write outside a folder."""

import contextlib
import io
import os
import stat
import struct
import tempfile
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill.audio import Clip, Refusal, read_clips
from distill.audio.archives import unpack_zip
from distill.errors import AudioError, FullError
from distill.settings import MIB, Settings
from tests.audio.sounds import open_files

LOCAL_HEADER, DIRECTORY_ENTRY, END_RECORD = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
FLAGS_AT, CRC_AT, PACKED_AT, SIZE_AT = 8, 16, 20, 24
"""Byte offsets of fields in an entry of the directory; in the header before a member, each is 2 bytes less."""


@pytest.fixture(scope="module")
def sound() -> bytes:
    """A tenth of a second of noise as WAV: 9 KB."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.random.default_rng(0).uniform(-0.5, 0.5, 4410), 44_100, format="WAV")
    return buffer.getvalue()


@pytest.fixture
def archive(tmp_path) -> Callable[..., Path]:
    """Return a function that packs members (a name or a ZipInfo, and content) and may change the archive's bytes."""

    def pack(
        members: Iterable[tuple[str | zipfile.ZipInfo, bytes]],
        *,
        name: str = "kit.zip",
        method: int = zipfile.ZIP_DEFLATED,
        change: Callable[[bytearray], object] = lambda content: None,
    ) -> Path:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as packed, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # two members of one name
            for member, content in members:
                packed.writestr(member, content, compress_type=method)
        content = bytearray(buffer.getvalue())
        change(content)
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return pack


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "deep" / "out").mkdir(parents=True)
    return tmp_path / "deep" / "out"


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """Folder for the temporary files of a test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path / "temporary"


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()]


def as_kind(name: str, kind: int) -> zipfile.ZipInfo:
    """A member with a file type of Unix, such as a link or a device."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    return info


def put(at: int, value: int, *, width: str = "<I", signature: bytes = DIRECTORY_ENTRY) -> Callable[[bytearray], object]:
    """Return a function that writes a number into the first record of a kind, ``at`` bytes from the record's start."""
    return lambda content: struct.pack_into(width, content, content.index(signature) + at, value)


def test_an_archive_in_an_archive_is_refused_by_name_and_never_opened(archive, sound, is_one_sentence):
    inner = archive([("kick.wav", sound)], name="inner.zip").read_bytes()
    seven = b"7z\xbc\xaf\x27\x1c"
    members = {"a.zip": inner, "b.wav": inner, "c.tar.gz": b"\x1f\x8b", "d": b"Rar!", "e.7z": seven, "f.wav": sound}
    results = list(read_clips([archive(members.items())]))
    assert [isinstance(result, Clip) for result in results] == [False] * 5 + [True]
    for result, name in zip(results[:5], members, strict=False):
        assert is_one_sentence(result.reason, name)
    assert all("archive in an archive" in results[number].reason for number in range(5))


def test_an_archive_nested_fifty_times_gives_one_refusal_and_its_own_clip(archive, sound):
    inner = archive([("kick.wav", sound)])
    for _ in range(50):
        inner.write_bytes(archive([("kit.zip", inner.read_bytes()), ("kit.wav", sound)], name="outer.zip").read_bytes())
    results = list(read_clips([inner]))
    assert [type(result) for result in results] == [Refusal, Clip]


@pytest.mark.parametrize(("method", "num_bytes"), [(zipfile.ZIP_DEFLATED, 60 * MIB), (zipfile.ZIP_STORED, 5 * MIB)])
def test_a_zip_bomb_is_refused_before_it_is_unpacked_and_the_rest_is_unpacked(
    archive, folder, sound, method, num_bytes
):
    kit = archive([("bomb.wav", bytes(num_bytes)), ("kick.wav", sound)], method=method)
    settings = Settings(upload_file_bytes=4 * MIB) if method == zipfile.ZIP_STORED else Settings()
    items = []
    for item in unpack_zip(kit, folder, settings=settings):
        items.append(item)
        assert sum(path.stat().st_size for path in files_in(folder)) <= len(sound)
    assert isinstance(items[0], AudioError)
    assert items[1].name == "kick.wav"


@pytest.mark.parametrize("claim", [0, 1, 100, MIB, 2**31, 2**32 - 1])
@pytest.mark.parametrize("at", [SIZE_AT, PACKED_AT])
def test_a_false_size_costs_only_its_member(archive, folder, sound, claim, at, is_one_sentence):
    def lie(content: bytearray) -> None:
        put(at, claim)(content)
        put(at - 2, claim, signature=LOCAL_HEADER)(content)

    members = [("liar.wav", sound * 500), ("kick.wav", sound)]
    results = list(unpack_zip(archive(members, change=lie), folder))
    assert is_one_sentence(results[0], "liar.wav", "kit.zip")
    assert [path.name for path in files_in(folder)] == ["kick.wav"]
    assert results[1].read_bytes() == sound


def test_a_damaged_member_costs_only_itself(archive, folder, sound, is_one_sentence):
    damage = put(CRC_AT, 123)
    first, second = unpack_zip(archive([("a.wav", sound), ("b.wav", sound)], change=damage), folder)
    assert is_one_sentence(first, "a.wav", "damaged")
    assert second.read_bytes() == sound


def test_overlapping_members_stay_within_the_limit_of_unpacked_bytes(folder, sound, tmp_path):
    """A thousand entries name one packed member, as in a zip bomb of 10 MB that unpacks to terabytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("kick.wav", sound * 50)
    whole, count = buffer.getvalue(), 1000
    start, end = whole.index(DIRECTORY_ENTRY), whole.index(END_RECORD)
    directory = whole[start:end] * count
    record = struct.pack("<4s4H2LH", END_RECORD, 0, 0, count, count, len(directory), start, 0)
    (tmp_path / "overlap.zip").write_bytes(whole[:start] + directory + record)
    num_bytes = 0
    for item in unpack_zip(tmp_path / "overlap.zip", folder, settings=Settings(zip_bytes=4 * MIB)):
        if isinstance(item, Path):
            num_bytes += item.stat().st_size
            item.unlink()
    assert num_bytes <= 4 * MIB


def test_a_damaged_member_counts_towards_the_limit_of_unpacked_bytes(archive, folder, sound):
    def damage(content: bytearray) -> None:
        at = -1
        while (at := content.find(DIRECTORY_ENTRY, at + 1)) >= 0:
            struct.pack_into("<I", content, at + CRC_AT, 123)

    damaged = archive([(f"{number}.wav", sound * 10) for number in range(8)], change=damage)
    reasons = [str(item) for item in unpack_zip(damaged, folder, settings=Settings(zip_bytes=len(sound) * 35))]
    assert ["damaged" in reason for reason in reasons] == [True] * 3 + [False] * 5
    assert not files_in(folder)


@pytest.mark.parametrize("name", ["", "kick.wav", "d/"])
def test_a_hundred_thousand_empty_members_are_refused_in_one_sentence(archive, folder, name, is_one_sentence):
    many = archive([("kick.wav", b"")] * 3)
    whole = many.read_bytes()
    start = whole.index(DIRECTORY_ENTRY)
    entry = bytearray(whole[start : whole.index(DIRECTORY_ENTRY, start + 1)])[:46] + name.encode()
    struct.pack_into("<H", entry, 28, len(name))
    for claimed in (100_000 % 65_536, 1, 0xFFFF):
        record = struct.pack("<4s4H2LH", END_RECORD, 0, 0, claimed, claimed, 100_000 * len(entry), start, 0)
        many.write_bytes(whole[:start] + bytes(entry) * 100_000 + record)
        tracemalloc.start()
        with pytest.raises(AudioError) as refusal:
            list(unpack_zip(many, folder))
        assert tracemalloc.get_traced_memory()[1] < 40 * MIB
        tracemalloc.stop()
        assert is_one_sentence(refusal.value, "kit.zip", "2000")


def test_an_archive_with_one_member_too_many_is_refused(archive, folder, sound):
    settings = Settings(zip_members=20)
    assert len(list(unpack_zip(archive([("a.wav", sound)] * 20), folder, settings=settings))) == 20
    with pytest.raises(AudioError, match="more than 20 files"):
        list(unpack_zip(archive([("a.wav", sound)] * 21), folder, settings=settings))


@pytest.mark.parametrize(("at", "width"), [(8, "<H"), (10, "<H"), (12, "<I"), (16, "<I"), (4, "<H"), (20, "<H")])
@pytest.mark.parametrize("claim", [0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_false_end_record_gives_the_clip_or_a_refusal(archive, sound, at, width, claim, is_one_sentence):
    value = claim & (0xFFFF if width == "<H" else 0xFFFFFFFF)
    lying = archive([("kick.wav", sound)], change=put(at, value, width=width, signature=END_RECORD))
    (result,) = read_clips([lying])
    assert isinstance(result, Clip) or is_one_sentence(result.reason, "kit.zip")


@pytest.mark.parametrize("claim", [2**63 - 1, 2**63, 2**64 - 1, 0, 1])
@pytest.mark.parametrize("field", [0, 1, 2])
def test_false_64_bit_sizes_give_the_clip_or_a_refusal(archive, sound, claim, field, is_one_sentence):
    """The extra field holds a member's sizes and position; zipfile reads them if the usual fields are all ones."""

    def lie(content: bytearray) -> None:
        start = content.index(DIRECTORY_ENTRY)
        values = [len(sound), len(sound), 0]
        values[field] = claim
        extra = struct.pack("<HHQQQ", 1, 24, *values)
        struct.pack_into("<II", content, start + PACKED_AT, 0xFFFFFFFF, 0xFFFFFFFF)
        struct.pack_into("<H", content, start + 30, len(extra))
        struct.pack_into("<I", content, start + 42, 0xFFFFFFFF)
        end = content.index(END_RECORD)
        struct.pack_into("<I", content, end + 12, end - start + len(extra))
        content[end:end] = extra

    lying = archive([("kick.wav", sound)], method=zipfile.ZIP_STORED, change=lie)
    (result,) = read_clips([lying])
    assert isinstance(result, Clip) or is_one_sentence(result.reason, "kit.zip")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_only_plain_files_are_created(archive, folder, sound, kind, is_one_sentence):
    members = [(as_kind("link.wav", kind), b"/etc/passwd"), (as_kind("kick.wav", stat.S_IFREG), sound)]
    refusal, kick = unpack_zip(archive(members), folder)
    assert is_one_sentence(refusal, "link.wav", "kit.zip")
    assert files_in(folder) == [kick]
    assert stat.S_ISREG(kick.lstat().st_mode)


def test_a_member_with_a_password_is_refused(archive, sound, is_one_sentence):
    def encrypted(content: bytearray) -> None:
        put(FLAGS_AT, 1, width="<H")(content)
        put(FLAGS_AT - 2, 1, width="<H", signature=LOCAL_HEADER)(content)

    locked, kick = read_clips([archive([("locked.wav", sound), ("kick.wav", sound)], change=encrypted)])
    assert is_one_sentence(locked.reason, "locked.wav", "password")
    assert isinstance(kick, Clip)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_bzip2_and_lzma_are_refused(archive, sound, method, is_one_sentence):
    (result,) = read_clips([archive([("kick.wav", sound)], method=method)])
    assert is_one_sentence(result.reason, "kick.wav", "plain zip")


@pytest.mark.parametrize(
    "name",
    [
        "a" * 5000 + ".wav",
        "🥁" * 300 + ".wav",
        "b\nc\r\x07d.wav",
        "\x1b[31mred.wav",
        "\u2028.wav",
        ".wav",
        "..wav",
        " .wav",
        "a:b.wav",
        "con.wav",
    ],
)
def test_a_strange_member_name_becomes_a_valid_file_name(archive, folder, sound, name):
    (path,) = unpack_zip(archive([(name, sound)]), folder)
    assert path.read_bytes() == sound
    assert path.parent.parent == folder
    assert path.name.isprintable()
    assert len(os.fsencode(path.name)) < 256
    assert name.encode()[-4:] == os.fsencode(path.name)[-4:]


@pytest.mark.parametrize("name", ["", ".", "..", "a/..", "a/.", "..\\\\..", "\\\\"])
def test_a_name_that_no_file_can_have_costs_neither_the_member_nor_the_others(archive, folder, sound, name):
    members = [(zipfile.ZipInfo(name), sound), ("kick.wav", sound)]
    first, second = (path.relative_to(folder) for path in unpack_zip(archive(members), folder))
    assert len(first.parts) == len(second.parts) == 2
    assert ".." not in first.parts
    assert second.name == "kick.wav"
    assert [item.name for item in read_clips([archive(members)])][1] == "kick.wav"


def test_a_member_in_too_many_folders_is_refused_by_name(archive, folder, sound, is_one_sentence):
    deep, flat = unpack_zip(archive([("d/" * 16 + "deep.wav", sound), ("d/" * 15 + "kick.wav", sound)]), folder)
    assert is_one_sentence(deep, "deep.wav", "15 folders")
    assert flat.parent.parent == folder


def test_the_content_decides_what_is_an_archive_not_the_name(archive, sound, tmp_path, is_one_sentence):
    for name in ("kit.wav", "kit", "kit.mp3"):
        (clip,) = read_clips([archive([("kick.wav", sound)], name=name)])
        assert (type(clip), clip.name) == (Clip, "kick.wav")
    (tmp_path / "sound.zip").write_bytes(sound)
    (clip,) = read_clips([tmp_path / "sound.zip"])
    assert (type(clip), clip.name) == (Clip, "sound.zip")
    (tmp_path / "text.zip").write_text("neither")
    (refusal,) = read_clips([tmp_path / "text.zip"])
    assert is_one_sentence(refusal.reason, "text.zip")


def test_an_archive_without_a_start_or_an_end_is_refused_by_name(archive, sound, is_one_sentence):
    whole = archive([("kick.wav", sound)])
    content = whole.read_bytes()
    for part in (content[:-30], content[: len(content) // 2], content[:4], END_RECORD, END_RECORD + bytes(18)):
        whole.write_bytes(part)
        (result,) = read_clips([whole])
        assert is_one_sentence(result.reason, "kit.zip")


def test_only_one_member_is_on_the_disk_at_a_time_and_none_stays(archive, sound, temporary):
    kit = archive([(f"{number}.wav", sound) for number in range(5)])
    most = 0
    for _ in read_clips([kit, kit]):
        most = max(most, len(files_in(temporary)))
    assert most == 1
    assert not list(temporary.iterdir())


def test_nothing_is_left_on_the_disk_or_open_when_reading_is_broken_off(archive, sound, temporary):
    kit = archive([(f"{number}.wav", sound) for number in range(5)])
    open_before = open_files()
    with contextlib.closing(read_clips([kit])) as results:
        next(results)
    assert not list(temporary.iterdir())
    assert open_files() <= open_before


def test_the_archives_of_an_upload_share_the_limit_of_unpacked_bytes(archive, sound, is_one_sentence):
    first, second = (archive([(f"{name}.wav", sound)] * 3, name=f"{name}.zip") for name in "ab")
    results = list(read_clips([first, second], settings=Settings(zip_bytes=len(sound) * 5 + 10)))
    assert [type(result) for result in results] == [Clip] * 5 + [Refusal]
    assert is_one_sentence(results[-1].reason, "b.wav", "b.zip")


def test_one_refusal_stands_for_all_files_over_the_limit(archive, sound, is_one_sentence):
    kit = archive([(f"{number}.wav", sound) for number in range(30)])
    results = list(read_clips([kit, kit], settings=Settings(upload_files=12)))
    assert [type(result) for result in results] == [Clip] * 12 + [Refusal]
    assert is_one_sentence(results[-1].reason, "12.wav", "12 files")


def test_the_archives_of_an_upload_share_the_number_of_files_that_are_looked_at(archive, sound, is_one_sentence):
    texts = [(f"{number}.txt", b"Dear diary") for number in range(30)]
    kits = [archive([*texts, ("kick.wav", sound)], name=f"{name}.zip") for name in "abc"]
    results = list(read_clips(kits, settings=Settings(upload_zip_members=40)))
    assert [item.name for item in results if isinstance(item, Clip)] == ["kick.wav"]
    reasons = [item.reason for item in results if isinstance(item, Refusal) and "to its end" in item.reason]
    assert [is_one_sentence(reason, name, "40 files") for reason, name in zip(reasons, ["b.zip", "c.zip"], strict=True)]


def test_folders_in_archives_count_as_files_do(archive, sound):
    kit = archive([*((f"{number}/", b"") for number in range(30)), ("kick.wav", sound)])
    assert [type(item) for item in read_clips([kit], settings=Settings(upload_zip_members=30))] == [Refusal]
    assert [type(item) for item in read_clips([kit], settings=Settings(upload_zip_members=31))] == [Clip]


def test_a_disk_that_is_full_is_not_blamed_on_the_archive(archive, full_disk, sound, is_one_sentence):
    large = sound + np.random.default_rng(0).bytes(2 * MIB)
    kit = archive([("kick.wav", sound), ("large.wav", large)])
    results = read_clips([kit])
    assert isinstance(next(results), Clip)
    with pytest.raises(FullError) as refusal:
        next(results)
    assert is_one_sentence(refusal.value, "large.wav", "kit.zip", "disk is full")
    assert [path.name for path in full_disk.iterdir()] == ["other"]


def test_without_a_folder_for_temporary_files_the_error_says_so(archive, sound, tmp_path, monkeypatch, is_one_sentence):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(FullError) as refusal:
        list(read_clips([archive([("kick.wav", sound)])]))
    assert is_one_sentence(refusal.value, "temporary files")


def test_unpacked_bytes_are_counted_until_their_file_is_deleted(archive, sound, temporary):
    damaged = archive([("a.wav", sound), ("b.wav", sound)], name="damaged.zip", change=put(CRC_AT, 0))
    counted, most = [0], 0
    for _ in read_clips([archive([("a.wav", sound), ("b.wav", sound)]), damaged], take=counted.append):
        most = max(most, sum(counted))
        assert sum(counted) == sum(path.stat().st_size for path in files_in(temporary)) or not files_in(temporary)
    assert most == len(sound)
    assert sum(counted) == 0


def test_nothing_is_unpacked_if_there_is_no_room(archive, sound, temporary):
    def take(num_bytes):
        raise FullError("There is no room.")

    with pytest.raises(FullError, match="no room"):
        list(read_clips([archive([("a.wav", sound)])], take=take))
    assert not files_in(temporary)
