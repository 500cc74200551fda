"""Content decides what is a sound: in folders, in archives and by themselves; what is passed over is told."""

import errno
import io
import os
import zipfile
from pathlib import Path

import pytest
import soundfile

from distill.audio import Clip, Refusal, read_clips
from distill.settings import Settings
from tests.audio.sounds import needs_linux, tone, written

NAMES = ("KICK.AIF", "a.wave", "b.bwf", "c.mp4", "noending", "d.WAV", "e.Flac", "f.txt", "ä ö.wav", "g.mp3.part")
COMPANION = b"\0\5\x16\7" + bytes(78)


def sound(number: int = 0) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(2000 + number), 44_100, format="WAV")
    return buffer.getvalue()


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def clips_of(results: list[Clip | Refusal]) -> list[str]:
    return [item.name for item in results if isinstance(item, Clip)]


def reasons_of(results: list[Clip | Refusal]) -> list[str]:
    return [item.reason for item in results if isinstance(item, Refusal)]


@pytest.fixture
def kit(tmp_path) -> Path:
    folder = tmp_path / "kit"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        (folder / name).write_bytes(sound(number))
    return folder


def test_sounds_of_any_name_are_read_alike_alone_in_a_folder_and_in_a_zip(kit, tmp_path):
    alone = list(read_clips(sorted(kit.iterdir())))
    archive = zipped(tmp_path / "kit.zip", {f"kit/{path.name}": path.read_bytes() for path in sorted(kit.iterdir())})
    assert (
        clips_of(alone) == clips_of(list(read_clips([kit]))) == clips_of(list(read_clips([archive]))) == sorted(NAMES)
    )


def test_a_folder_of_a_mac_gives_all_its_sounds_and_one_sentence(tmp_path, is_one_sentence):
    for number in range(350):
        (tmp_path / f"{number}.wav").write_bytes(sound(number))
        (tmp_path / f"._{number}.wav").write_bytes(COMPANION)
    (tmp_path / ".DS_Store").write_bytes(b"\0\0\0\1Bud1" + bytes(90))
    results = list(read_clips([tmp_path]))
    assert len(clips_of(results)) == 350
    (reason,) = reasons_of(results)
    assert is_one_sentence(reason, "351 companion files")


def test_a_zip_of_a_mac_gives_all_its_sounds_and_one_sentence(tmp_path, is_one_sentence):
    members = {f"kit/{number}.wav": sound(number) for number in range(5)}
    members |= {f"__MACOSX/kit/._{number}.wav": COMPANION for number in range(5)} | {"kit/._x.wav": COMPANION}
    members |= {"kit/.DS_Store": b"\0\0\0\1Bud1" + bytes(90)}
    results = list(read_clips([zipped(tmp_path / "kit.zip", members)]))
    assert len(clips_of(results)) == 5
    (reason,) = reasons_of(results)
    assert is_one_sentence(reason, "7 companion files")


def test_companions_that_were_dropped_with_the_sounds_are_told_in_one_sentence(tmp_path, is_one_sentence):
    for number in range(3):
        (tmp_path / f"{number}.wav").write_bytes(sound(number))
        (tmp_path / f"._{number}.wav").write_bytes(COMPANION)
    results = list(read_clips(sorted(tmp_path.iterdir())))
    assert len(clips_of(results)) == 3
    assert is_one_sentence(*reasons_of(results), "3 companion files")


def test_a_sound_whose_name_is_that_of_a_companion_is_a_sound(tmp_path):
    (tmp_path / "._kick.wav").write_bytes(sound())
    archive = zipped(tmp_path / "kit.zip", {"._snare.wav": sound(1)})
    assert clips_of(list(read_clips([tmp_path / "._kick.wav", archive]))) == ["._kick.wav", "._snare.wav"]


def test_all_that_is_passed_over_is_named_with_its_reason(tmp_path, is_one_sentence):
    others = {"notes.txt": b"Dear diary", "cover.png": b"\x89PNG\r\n" + bytes(50), "x.mid": b"MThd" + bytes(50)}
    members = others | {f"{number}": sound(number) for number in range(3)}
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, content in members.items():
        (folder / name).write_bytes(content)
    for path, place in ((folder, ""), (zipped(tmp_path / "kit.zip", members), "kit.zip")):
        results = list(read_clips([path]))
        assert len(clips_of(results)) == 3
        assert {item.name for item in results if isinstance(item, Refusal)} == set(others)
        for reason, words in zip(sorted(reasons_of(results)), ("picture", "text", "MIDI"), strict=True):
            assert is_one_sentence(reason, words, place)


def test_many_files_that_are_no_sound_are_told_together_and_cost_no_sound_its_place(tmp_path, is_one_sentence):
    members = {f"a{number}.txt": b"Dear diary" for number in range(100)} | {
        f"b{number}": sound(number) for number in range(9)
    }
    results = list(read_clips([zipped(tmp_path / "kit.zip", members)], settings=Settings(upload_files=9)))
    assert len(clips_of(results)) == 9
    assert len(reasons_of(results)) == 21
    assert is_one_sentence(reasons_of(results)[-1], "kit.zip", "80 more files")


def test_each_of_two_archives_of_one_name_has_its_own_files_named(tmp_path, is_one_sentence):
    archives = []
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        members = {f"{place}{number}.txt": b"Dear diary" for number in range(15)}
        archives.append(zipped(tmp_path / place / "kit.zip", members | {"kick.wav": sound(len(archives))}))
    reasons = reasons_of(list(read_clips(archives)))
    assert len(reasons) == 30
    assert all("text" in reason for reason in reasons)


def test_many_archives_with_many_files_that_are_no_sound_give_one_sentence_each_in_the_end(tmp_path, is_one_sentence):
    members = {f"{number}.txt": b"Dear diary" for number in range(30)}
    archives = [zipped(tmp_path / f"{number}.zip", members | {"kick.wav": sound()}) for number in range(40)]
    results = list(read_clips(archives))
    assert len(clips_of(results)) == 40
    assert len(reasons_of(results)) == 200 + 40
    assert is_one_sentence(reasons_of(results)[-1], "39.zip", "30 files")
    assert is_one_sentence(reasons_of(results)[200], "0.zip", "10 more files")


def test_archives_and_links_in_a_folder_are_followed_and_no_folder_twice(tmp_path):
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    for each in (folder, elsewhere):
        each.mkdir()
    (elsewhere / "snare.wav").write_bytes(sound(1))
    zipped(folder / "kit.zip", {"kick.wav": sound()})
    (folder / "linked").symlink_to(elsewhere)
    (folder / "loop").symlink_to(folder)
    (folder / "lost.wav").symlink_to(tmp_path / "nowhere")
    results = list(read_clips([folder]))
    assert clips_of(results) == ["kick.wav", "snare.wav"]
    (reason,) = reasons_of(results)
    assert "lost.wav" in reason


def test_an_archive_without_sound_says_so_and_an_empty_folder_gives_nothing(tmp_path, is_one_sentence):
    (tmp_path / "empty").mkdir()
    (reason,) = reasons_of(list(read_clips([tmp_path / "empty", zipped(tmp_path / "none.zip", {})])))
    assert is_one_sentence(reason, "none.zip", "no sound")


def test_a_damaged_sound_in_a_zip_is_still_tried(tmp_path):
    results = list(read_clips([zipped(tmp_path / "kit.zip", {"cut": sound()[:3000], "gone.wav": sound()[:20]})]))
    assert "cut short" in results[0].note
    assert "cut short" in results[1].reason


def raw_named(path: Path, name: bytes, *, extra: bytes = b"", utf8: bool = False) -> Path:
    """A zip whose one sound has a name of any bytes."""
    stand_in = "x" * len(name)
    info = zipfile.ZipInfo(stand_in)
    info.extra = extra
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, sound())
    content = bytearray(path.read_bytes().replace(stand_in.encode(), name))
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(signature) + at + 1] |= 8 * utf8
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("raw", "utf8", "name"),
    [
        ("Größe.wav".encode(), False, "Größe.wav"),
        ("Gro\u0308ße.wav".encode(), False, "Größe.wav"),
        ("太鼓 🥁.wav".encode(), False, "太鼓 🥁.wav"),
        ("太鼓 🥁.wav".encode(), True, "太鼓 🥁.wav"),
        ("Größe.wav".encode("cp437"), False, "Größe.wav"),
        ("señor.wav".encode("cp437"), False, "señor.wav"),
        (b"plain.wav", False, "plain.wav"),
    ],
)
def test_names_in_a_zip_come_out_right(tmp_path, raw, utf8, name):
    assert clips_of(list(read_clips([raw_named(tmp_path / "kit.zip", raw, utf8=utf8)]))) == [name]


def test_a_name_in_the_extra_field_for_unicode_comes_out_right(tmp_path):
    name = "Größe 太鼓.wav".encode()
    extra = (0x7075).to_bytes(2, "little") + (5 + len(name)).to_bytes(2, "little") + b"\1\0\0\0\0" + name
    assert clips_of(list(read_clips([raw_named(tmp_path / "kit.zip", b"Gr\x94\xe1e ??.wav", extra=extra)]))) == [
        "Größe 太鼓.wav"
    ]


def test_a_name_in_the_extra_field_may_come_after_many_other_fields_and_be_no_name_of_a_file(tmp_path):
    for name, shown in ((b"last.wav", "last.wav"), (b"..", "sound"), (b"a/..", "sound"), (b"/", "sound")):
        field = (0x7075).to_bytes(2, "little") + (5 + len(name)).to_bytes(2, "little") + b"\1\0\0\0\0" + name
        extra = b"\x34\x12\0\0" * 15_000 + field
        assert clips_of(list(read_clips([raw_named(tmp_path / "kit.zip", b"first.wav", extra=extra)]))) == [shown]


def test_a_film_with_sound_in_a_zip_is_a_sound(tmp_path):
    film = written(tmp_path / "film", tone(), "mov", "pcm_s16le").read_bytes()
    assert clips_of(list(read_clips([zipped(tmp_path / "kit.zip", {"film.mov": film})]))) == ["film.mov"]


@needs_linux
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path, is_one_sentence):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "kick.wav").write_bytes(sound())
    results = list(read_clips([tmp_path]))
    assert clips_of(results) == ["kick.wav"]
    assert is_one_sentence(*reasons_of(results), "pipe.wav", "not a file")
    assert is_one_sentence(*reasons_of(list(read_clips([tmp_path / "pipe.wav"]))), "pipe.wav", "not a file")


@needs_linux
def test_a_folder_that_cannot_be_opened_is_named_and_the_others_are_searched(tmp_path, monkeypatch, is_one_sentence):
    for name in ("closed", "open"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kick.wav").write_bytes(sound())
    scan = os.scandir

    def scandir(path="."):
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    results = list(read_clips([tmp_path]))
    assert clips_of(results) == ["kick.wav"]
    assert is_one_sentence(*reasons_of(results), "closed", "folder")
