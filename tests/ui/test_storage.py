"""The disk has a ceiling, for each visitor and for all; what nobody owns is deleted; a folder serves one server."""

import os
import time
from dataclasses import replace

import pytest

from distill.errors import FullError, StartupError
from distill.settings import Settings
from distill.ui.storage import Storage, new_anyone

SIZE = 2**20  # so much that what a folder takes besides is a trifle


@pytest.fixture
def settings(tmp_path):
    return Settings(folder=tmp_path / "data", disk_bytes=10 * SIZE, visit_disk_bytes=6 * SIZE)


@pytest.fixture
def storage(settings):
    storage = Storage(settings)
    yield storage
    storage.close()


def fill(storage, owner, size):
    path = storage.new_folder(owner) / "file"
    path.write_bytes(bytes(size))
    return path


def test_a_visitor_has_a_ceiling_and_so_have_all_together(storage, is_one_sentence):
    fill(storage, "one", 5 * SIZE)
    storage.require_room("one", SIZE // 2)
    with pytest.raises(FullError, match="each visitor has") as refusal:
        storage.require_room("one", SIZE)
    assert is_one_sentence(refusal.value)
    fill(storage, "other", 4 * SIZE)
    storage.require_room("third", SIZE // 2)
    with pytest.raises(FullError, match="no room") as refusal:
        storage.require_room("third", SIZE)
    assert is_one_sentence(refusal.value)


def test_what_is_deleted_makes_room(storage):
    fill(storage, "one", 5 * SIZE)
    fill(storage, "other", 4 * SIZE)
    storage.sweep({"other"}, time.time() + 61)
    storage.require_room("third", 5 * SIZE)


def test_only_files_of_those_who_are_gone_are_swept_and_none_that_are_on_their_way(storage):
    page = fill(storage, "page", 10)
    storage.publish()
    here, gone, clips = fill(storage, "here", 10), fill(storage, "gone", 10), storage.new_set("gone")
    half = storage.files / "tmphalf"
    half.touch()
    now = time.time()
    storage.sweep({"here"}, now)
    assert all(path.exists() for path in (page, here, gone, clips, half))
    storage.sweep({"here"}, now + 61)
    assert page.exists()
    assert here.exists()
    assert half.exists()
    assert not gone.exists()
    assert not clips.exists()
    storage.sweep({"here"}, now + 301)
    assert not half.exists()


def test_what_is_nobodys_in_particular_is_kept_as_long_as_a_visitor_may_be_away(storage, settings):
    path, now = fill(storage, new_anyone(), 10), time.time()
    storage.sweep(set(), now + settings.visit_absent_seconds - 1)
    assert path.exists()
    storage.sweep(set(), now + settings.visit_absent_seconds + 60)
    assert not path.exists()


def test_a_folder_that_others_may_write_to_is_not_used(settings, is_one_sentence):
    settings.folder.mkdir()
    settings.folder.chmod(0o777)
    with pytest.raises(StartupError, match="Others may write") as refusal:
        Storage(settings)
    assert is_one_sentence(refusal.value, "DISTILL_FOLDER")


def test_two_names_of_one_file_are_counted_once(storage):
    path = fill(storage, "one", 4 * SIZE)
    before = storage.used_bytes
    os.link(path, path.with_name("again"))
    assert storage.used_bytes == before


def test_a_multitude_of_empty_files_is_not_nothing(storage):
    folder = storage.new_folder("one")
    for number in range(1000):
        (folder / str(number)).touch()
    assert storage.used_bytes > 4_000_000


def test_a_restart_keeps_trainings_and_nothing_else(settings):
    storage = Storage(settings)
    old, job = fill(storage, "one", 10), storage.jobs / "job"
    job.mkdir()
    storage.close()
    again = Storage(settings)
    assert job.exists()
    assert not old.exists()
    again.close()


def test_two_servers_do_not_share_a_folder(storage, settings, is_one_sentence):
    with pytest.raises(StartupError, match="Another Distill") as refusal:
        Storage(settings)
    assert is_one_sentence(refusal.value, "DISTILL_FOLDER")


def test_a_folder_that_cannot_be_made_stops_the_start_in_a_sentence(settings, tmp_path, is_one_sentence):
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match="cannot write") as refusal:
        Storage(replace(settings, folder=tmp_path / "file" / "data"))
    assert is_one_sentence(refusal.value, "DISTILL_FOLDER")
