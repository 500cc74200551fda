"""A library keeps codecs for whoever has its key, within limits, and loses nothing when a disk or a server fails."""

import errno
import json
import os
import threading
from dataclasses import replace

import pytest

from distill.errors import FullError, LibraryError, StartupError
from distill.library import Label, Library, library, new_key, place, read_key, read_title
from distill.library.keys import folder_name
from distill.settings import Settings

DAY = 24 * 3600.0


def names(there, key):
    return [kept.name for kept in there.kept(key)]


def refusal(function, *arguments):
    with pytest.raises((LibraryError, FullError)) as error:
        function(*arguments)
    words = str(error.value)
    assert words.endswith(".")
    assert "\n" not in words
    return words


def files(there):
    return sorted(path.name for path in there.folder.rglob("*") if path.is_file())


def test_a_kept_codec_is_listed_opened_renamed_and_deleted_by_whoever_has_the_key(there, key, file, tmp_path, clock):
    kept = there.keep(key, file, Label("kitchen  drums ", "c52599", 3, 17, clock.now))
    assert there.kept(key) == [kept]
    assert (kept.name, kept.label.levels, kept.label.clips, kept.num_bytes) == ("kitchen drums", 3, 17, 1000)
    assert there.fetch(key, kept.id, tmp_path / "out") == kept
    assert (tmp_path / "out").read_bytes() == file.read_bytes()
    there.rename(key, kept.id, "hall")
    assert there.kept(key)[0].label == replace(kept.label, name="hall")
    there.delete(key, kept.id)
    assert there.kept(key) == []
    assert files(there) == [place.MARK]


def test_the_folder_has_a_hash_of_the_key_and_never_the_key(there, key, file):
    there.keep(key, file, Label("drums"))
    everything = [str(path) for path in there.folder.rglob("*")]
    everything += [path.read_text("latin1") for path in there.folder.rglob("*") if path.is_file()]
    assert folder_name(key) in "".join(everything)
    assert key not in "".join(everything)


def test_another_key_sees_nothing_and_what_is_no_key_is_told(there, key, file):
    kept = there.keep(key, file, Label("drums"))
    other = new_key()
    assert there.kept(other) == []
    assert "no codec in this library" in refusal(there.delete, other, kept.id)
    assert "no codec in this library" in refusal(there.fetch, other, kept.id, file)
    for no_key in ("", key[:-1], key + "a", folder_name(key), "../" + key, "é" * 43, "http://[", "a" * 10_000):
        assert "no link to a library" in refusal(there.kept, no_key)
    for no_id in ("", "../" + kept.id, kept.id.upper() + "0", f"{kept.id}.json"):
        assert "no longer in the library" in refusal(there.delete, key, no_id)
    assert names(there, key) == ["drums"]


@pytest.mark.parametrize(
    "name", ["<b>bold</b>", "../../etc/passwd", "CON.", "a\\b:c*?", "🥁 drums 👩\u200d🎤", "مكتبة", "d" * 60]
)
def test_a_name_may_look_like_anything_because_it_is_never_a_path(there, key, file, name):
    there.keep(key, file, Label(name))
    assert names(there, key) == [name]
    assert not [path for path in there.folder.parent.rglob("*") if path.suffix == ".distill" and len(path.stem) != 16]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "1 to 60"),
        (" \n\t", "1 to 60"),
        ("\u200d", "1 to 60"),
        ("d" * 61, "61 characters"),
        ("d" * 10**6, "1000000 characters"),
        ("drums\u202egpj", "invisible"),
        ("drums\x00", "invisible"),
        ("\ud800x", "invisible"),
    ],
)
def test_a_name_that_cannot_be_shown_is_refused_and_nothing_is_kept(there, key, file, name, words):
    assert words in refusal(there.keep, key, file, Label(name))
    assert there.kept(key) == []


def test_a_taken_name_is_refused_also_for_a_renaming(there, key, file):
    there.keep(key, file, Label("Drums"))
    other = there.keep(key, file, Label("bells"))
    assert "“drums” in this library already" in refusal(there.keep, key, file, Label("drums"))
    assert "already" in refusal(there.rename, key, other.id, "ＤＲＵＭＳ")
    there.rename(key, other.id, "Bells")  # its own name is free for it
    assert sorted(names(there, key)) == ["Bells", "Drums"]


def test_a_codec_is_deleted_so_many_days_after_it_was_last_opened(open_library, key, file, clock):
    there = open_library(library_days=10)
    one, two = (there.keep(key, file, Label(name, kept=clock.now)) for name in ("one", "two"))
    clock.now += 9 * DAY
    there.note_opened(key, one.id)
    there.rename(key, one.id, "first")
    clock.now += 9 * DAY
    assert names(there, key) == ["first"]  # also before anybody tidies up
    assert "not opened for too long" in refusal(there.fetch, key, two.id, file)
    there.expire(clock.now)
    assert {name for name in files(there) if two.id in name} == set()
    clock.now += 2 * DAY
    there.expire(clock.now)
    assert files(there) == [place.MARK]
    assert "not opened for 10 days" in there.empty_words()


def test_each_library_and_all_together_have_limits(open_library, file):
    there, one, two = open_library(library_codecs=2, libraries_codecs=3), new_key(), new_key()
    kept = there.keep(one, file, Label("a"))
    there.keep(one, file, Label("b"))
    assert "no more have room" in refusal(there.keep, one, file, Label("c"))
    there.keep(two, file, Label("a"))
    assert "has room for" in refusal(there.keep, two, file, Label("b"))
    assert "has room for" in refusal(open_library(libraries_codecs=3).keep, two, file, Label("b"))  # another server
    there.delete(one, kept.id)
    there.keep(two, file, Label("b"))
    assert "more than its" in refusal(open_library(library_bytes=2500).keep, two, file, Label("c"))
    assert "has room for" in refusal(open_library(libraries_bytes=3500).keep, one, file, Label("d"))
    assert sorted(names(there, one) + names(there, two)) == ["a", "b", "b"]


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EIO, "cannot be reached")])
def test_a_disk_that_fails_is_told_and_leaves_what_was_there(there, key, file, monkeypatch, number, words):
    kept = there.keep(key, file, Label("drums"))
    before = files(there)

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(place, "_sync", fail)
    assert words in refusal(there.keep, key, file, Label("bells"))
    assert words in refusal(there.rename, key, kept.id, "bells")
    there.note_opened(key, kept.id)
    assert files(there) == before
    assert names(there, key) == ["drums"]
    monkeypatch.undo()
    there.keep(key, file, Label("bells"))  # the failure does not count


def test_a_folder_that_vanishes_is_told_and_nothing_is_written_where_it_was(there, key, file):
    kept = there.keep(key, file, Label("drums"))
    away = there.folder.rename(there.folder.with_name("unmounted"))
    there.folder.mkdir()  # what a mount leaves
    calls = [(there.kept, key), (there.keep, key, file, Label("b")), (there.rename, key, kept.id, "b")]
    for call in (*calls, (there.delete, key, kept.id), (there.fetch, key, kept.id, file.with_name("out"))):
        assert "cannot be reached now" in refusal(*call)
    there.note_opened(key, kept.id)
    there.expire(1e10)
    assert list(there.folder.iterdir()) == []
    there.folder.rmdir()
    away.rename(there.folder)
    assert names(there, key) == ["drums"]


def test_a_damaged_or_missing_label_hides_no_codec(there, key, file, tmp_path):
    kept = there.keep(key, file, Label("drums"))
    label = there.folder / folder_name(key) / f"{kept.id}.json"
    for content in (b"", b"{", b"[]", b"\xff", json.dumps({"name": "x" * 5000}).encode(), b'{"name": 1}', b" " * 9999):
        label.write_bytes(content)
        assert names(there, key) == [f"codec {kept.id[:6]}"]
    (label.with_suffix(".opened")).write_bytes(b"nan")
    label.unlink()
    assert names(there, key) == [f"codec {kept.id[:6]}"]
    there.fetch(key, kept.id, tmp_path / "out")
    there.rename(key, kept.id, "drums")
    assert names(there, key) == ["drums"]


def test_links_pipes_and_strangers_in_the_folder_are_not_followed(there, key, file, tmp_path):
    kept = there.keep(key, file, Label("drums"))
    folder, secret = there.folder / folder_name(key), tmp_path / "secret"
    secret.write_text("secret")
    (folder / "0000000000000000.distill").symlink_to(secret)
    os.mkfifo(folder / "1111111111111111.distill")
    (folder / "other.distill").write_text("other")
    other = new_key()
    (there.folder / folder_name(other)).symlink_to(folder)
    assert names(there, key) == ["drums"]
    assert there.kept(other) == []
    there.delete(key, kept.id)
    there.expire(1e10)
    assert secret.read_text() == "secret"


def test_what_broken_off_writes_left_goes_after_a_day_and_no_earlier(there, key, file, clock):
    kept = there.keep(key, file, Label("drums", kept=clock.now))
    folder = there.folder / folder_name(key)
    left = [folder / f"{kept.id}.distill.0123abcd.part", folder / "2222222222222222.json"]
    for path in left:
        path.write_text("{}")
        os.utime(path, (clock.now, clock.now))
    there.expire(clock.now + DAY / 2)
    assert all(path.exists() for path in left)
    there.expire(clock.now + 2 * DAY)
    assert not any(path.exists() for path in left)
    assert names(there, key) == ["drums"]


def test_a_name_is_taken_back_by_nobody_who_opens_the_codec_meanwhile(open_library, key, file, clock):
    one, other = open_library(), open_library()
    kept = one.keep(key, file, Label("drums", kept=clock.now))
    clock.now += DAY
    one.rename(key, kept.id, "bells")
    other.note_opened(key, kept.id)
    assert names(one, key) == names(other, key) == ["bells"]
    assert one.kept(key)[0].until == kept.until + DAY


def test_servers_that_share_a_folder_neither_lose_nor_tear_a_codec(open_library, file, tmp_path, monkeypatch):
    """Two servers keep and delete in one library at once, while readers fetch: each file is whole or gone."""
    monkeypatch.setattr(place, "PIECE_BYTES", 20_000)  # so that a codec is written in many parts
    file.write_bytes(file.read_bytes() * 400)
    servers, key, content, torn = [open_library(), open_library()], new_key(), file.read_bytes(), []

    def work(number: int) -> None:
        there, out = servers[number % 2], tmp_path / f"out {number}"
        for turn in range(8):
            kept = there.keep(key, file, Label(f"{number} {turn}"))
            for each in there.kept(key):
                try:
                    there.fetch(key, each.id, out)
                except LibraryError:  # deleted meanwhile
                    continue
                if out.read_bytes() != content:
                    torn.append(each.name)
            if turn % 2:
                there.delete(key, kept.id)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not torn
    assert sorted(names(servers[0], key)) == sorted(f"{number} {turn}" for number in range(4) for turn in (0, 2, 4, 6))
    assert not [name for name in files(servers[0]) if name.endswith(".part")]


def test_a_folder_with_something_else_in_it_is_refused_and_stays_as_it_is(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    with pytest.raises(StartupError, match="did not make what lies in"):
        Library(tmp_path, Settings())
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match="cannot write"):
        Library(tmp_path / "file", Settings())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "photo.jpg"]


def test_a_key_is_read_from_its_link_and_begins_with_a_letter_or_a_digit():
    keys = {new_key() for _ in range(300)}
    assert len(keys) == 300
    for key in keys:
        assert key[0].isalnum()
        for link in (f"?__theme=dark&library={key}", f"#library={key}", f"?__theme=dark#library={key}"):
            assert read_key(f" https://ada-distill.hf.space/{link}\n") == key
    assert read_title("e\u0301") == "é"
    assert library.EMPTY.count("{days}") == 1
