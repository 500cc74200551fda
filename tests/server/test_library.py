"""Strangers keep and open codecs one or two at a time, each by the key alone, within a share of the server."""

import contextlib
import json
import shutil
from types import SimpleNamespace

import pytest

from distill.errors import CodecFileError, FullError, GateError, LibraryError, StartupError
from distill.library import Library, new_key
from distill.library.keys import folder_name
from distill.server import library as of_the_server
from distill.server.library import LibraryDoor
from distill.server.server import Server
from distill.server.storage import Storage
from distill.settings import Settings


@pytest.fixture
def door_with(tmp_path):
    """A function that makes a door with limits of the settings; all doors have one storage and one folder."""
    folders = {"folder": tmp_path / "data", "library_folder": tmp_path / "bucket"}
    made = Storage(Settings(**folders))
    turns = SimpleNamespace(aside=contextlib.nullcontext)

    def door_with(**limits):
        settings = Settings(**({"visit_library_rate": 1000, "address_library_rate": 1000} | folders | limits))
        return LibraryDoor.of(settings, made, turns)

    door_with.storage, door_with.folder = made, tmp_path / "bucket"
    yield door_with
    made.close()


def visitor(owner, address="1.1.1.1"):
    return SimpleNamespace(owner=owner, address=address, is_without_cookie=False)


def test_what_is_kept_is_the_file_that_is_saved_and_nothing_is_left_with_the_visitor(door_with, other_codec, tmp_path):
    door, storage, one = door_with(), door_with.storage, visitor("one")
    other_codec.save(tmp_path / "saved.distill")
    key, kept = door.keep(one, "", other_codec, "drums")
    with door.fetched(visitor("two", "2.2.2.2"), key, kept.id) as (_, path):
        assert path.read_bytes() == (tmp_path / "saved.distill").read_bytes()
        assert storage.is_owned(str(path), "two")
        assert not storage.is_owned(str(path), "one")
    assert not list(storage.files.rglob("*.distill"))
    assert storage.own_bytes("one") == storage.own_bytes("two") == 0
    label = (door_with.folder / folder_name(key) / f"{kept.id}.json").read_text()
    assert set(json.loads(label)) == {"name", "model_id", "levels", "clips", "kept"}


def test_nothing_is_left_of_a_codec_that_could_not_be_kept_or_opened(door_with, other_codec, monkeypatch):
    door, storage, one = door_with(), door_with.storage, visitor("one")
    key, kept = door.keep(one, "", other_codec, "drums")
    with pytest.raises(LibraryError, match="already"):
        door.keep(one, key, other_codec, "drums")
    with (
        pytest.raises(LibraryError, match=r"“drums” cannot be opened.*stays in the library"),
        door.fetched(one, key, kept.id),
    ):
        raise CodecFileError("codec.distill is damaged.")
    assert [each.name for each in door.kept(one, key)] == ["drums"]
    assert not list(storage.files.rglob("*.distill"))
    assert storage.own_bytes("one") == 0


def test_a_codec_is_kept_for_longer_only_once_it_was_opened(door_with, other_codec):
    door, one = door_with(), visitor("one")
    key, kept = door.keep(one, "", other_codec, "drums")
    opened = door_with.folder / folder_name(key) / f"{kept.id}.opened"
    with contextlib.suppress(ValueError), door.fetched(one, key, kept.id):
        raise ValueError
    assert not opened.exists()
    with door.fetched(one, key, kept.id):
        pass
    assert opened.exists()


def test_a_visitor_makes_a_few_calls_in_ten_seconds_so_nobody_tries_keys(door_with):
    door = door_with(visit_library_rate=3, address_library_rate=4)
    for _ in range(3):
        assert door.kept(visitor("one"), new_key()) == []
    for call in (
        lambda: door.kept(visitor("one"), new_key()),
        lambda: door.delete(visitor("one"), new_key(), "0" * 16),
        lambda: door.rename(visitor("one"), new_key(), "0" * 16, "name"),
        lambda: door.fetched(visitor("one"), new_key(), "0" * 16).__enter__(),
    ):
        with pytest.raises(GateError, match="try again in"):
            call()
    assert door.kept(visitor("two", "2.2.2.2"), new_key()) == []


def test_a_visitor_moves_two_codecs_at_a_time(door_with, other_codec, monkeypatch):
    door, one, refused = door_with(), visitor("one"), []
    key, kept = door.keep(one, "", other_codec, "drums")
    fetch = Library.fetch

    def fetch_while_others_do(library, *arguments):
        monkeypatch.setattr(Library, "fetch", fetch)
        with door.fetched(one, key, kept.id):
            pass
        monkeypatch.setattr(Library, "fetch", refuse_a_third)
        with door.fetched(one, key, kept.id):
            pass
        return fetch(library, *arguments)

    def refuse_a_third(library, *arguments):
        with pytest.raises(GateError, match="on its way"):
            door.keep(one, key, other_codec, "bells")
        refused.append(door.keep(visitor("two"), key, other_codec, "bells"))
        return fetch(library, *arguments)

    monkeypatch.setattr(Library, "fetch", fetch_while_others_do)
    with door.fetched(one, key, kept.id):
        pass
    assert refused


def test_an_address_keeps_so_many_bytes_in_a_day(door_with, other_codec, other_codec_path):
    door = door_with(address_library_bytes=int(1.5 * other_codec_path.stat().st_size))
    door.keep(visitor("one"), "", other_codec, "drums")
    with pytest.raises(FullError, match="in a day"):
        door.keep(visitor("two"), "", other_codec, "drums")
    door.keep(visitor("three", "3.3.3.3"), "", other_codec, "drums")


def test_two_codecs_at_once_do_not_pass_what_an_address_keeps_in_a_day(
    door_with, other_codec, other_codec_path, monkeypatch
):
    door = door_with(address_library_bytes=int(1.5 * other_codec_path.stat().st_size))
    keep = Library.keep

    def keep_while_another_does(library, *arguments):
        monkeypatch.undo()
        with pytest.raises(FullError, match="in a day"):
            door.keep(visitor("two"), "", other_codec, "drums")
        return keep(library, *arguments)

    monkeypatch.setattr(Library, "keep", keep_while_another_does)
    key, _ = door.keep(visitor("one"), "", other_codec, "drums")
    assert len(door.kept(visitor("one"), key)) == 1


def test_all_visitors_together_wait_for_the_disk_in_bounded_numbers(door_with, other_codec, monkeypatch):
    monkeypatch.setattr(of_the_server, "ALL_AT_ONCE", 1)
    door, one, two = door_with(), visitor("one"), visitor("two", "2.2.2.2")
    key, kept = door.keep(one, "", other_codec, "drums")
    with door.fetched(one, key, kept.id):
        for call in (
            lambda: door.kept(two, key),
            lambda: door.keep(two, key, other_codec, "bells"),
            lambda: door.fetched(two, key, kept.id).__enter__(),
            lambda: door.rename(two, key, kept.id, "bells"),
            lambda: door.delete(two, key, kept.id),
        ):
            with pytest.raises(FullError, match="Too many visitors wait"):
                call()
    assert [each.name for each in door.kept(two, key)] == ["drums"]


def test_a_folder_that_is_named_and_new_is_warned_of_once(door_with, caplog):
    door_with()
    assert "No codecs were kept in the folder that DISTILL_LIBRARY_FOLDER names before" in caplog.text
    caplog.clear()
    door_with()
    door_with(library_folder=None)
    assert not caplog.text


def test_a_server_starts_only_with_a_folder_for_libraries_that_is_its_own(tmp_path, examples):
    (tmp_path / "bucket").mkdir()
    (tmp_path / "bucket" / "photo.jpg").touch()
    settings = Settings(folder=tmp_path / "data", library_folder=tmp_path / "bucket")
    with pytest.raises(StartupError, match="the folder that DISTILL_LIBRARY_FOLDER names"):
        Server.start(settings, examples)
    shutil.rmtree(tmp_path / "bucket")
    server = Server.start(settings, examples)  # the first start has released the folder for files
    try:
        assert server.library is not None
        assert (tmp_path / "bucket" / "distill-library").exists()
    finally:
        server.close()
