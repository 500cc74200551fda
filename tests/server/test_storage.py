"""The disk has limits for each visitor, for each address and in total; bytes are counted, and no folder is walked."""

import errno
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from distill.errors import FullError
from distill.server import storage as storage_module
from distill.server.clip_set import ClipSet
from distill.server.storage import ENTRY_BYTES, Storage, new_anyone
from distill.settings import Settings

SIZE = 2**20  # bytes; large compared with the bytes that a folder itself counts for


@pytest.fixture
def settings(tmp_path):
    return Settings(
        folder=tmp_path / "data", disk_bytes=10 * SIZE, visit_disk_bytes=6 * SIZE, address_disk_bytes=8 * SIZE
    )


@pytest.fixture
def storage(settings):
    storage = Storage(settings)
    yield storage
    storage.close()


def fill(storage, owner, size, **options):
    with storage.filling(owner, **options) as folder:
        (folder / "file").write_bytes(bytes(size))
    return folder / "file"


def received(storage, *sizes):
    """Files as Gradio leaves them, each in a folder with the hash of its content as its name."""
    paths = []
    for size in sizes:
        path = storage.files / os.urandom(32).hex() / "a.wav"
        path.parent.mkdir()
        path.write_bytes(bytes(size))
        paths.append(str(path))
    return paths


def upload(storage, owner, *sizes):
    with storage.arriving(owner) as arrival:
        arrival.take(sum(sizes))
        return [Path(path) for path in storage.move_upload(received(storage, *sizes), arrival.owner, arrival)]


def on_disk(*folders):
    """The bytes that the ledger should count for these folders."""
    found = {entry.stat().st_ino: entry for folder in folders for entry in [folder, *folder.rglob("*")]}
    return sum(ENTRY_BYTES + (entry.stat().st_size if entry.is_file() else 0) for entry in found.values())


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


def test_visitors_at_one_address_cannot_fill_the_disk_for_those_at_another(storage, is_one_sentence):
    for number in range(7):
        fill(storage, f"cookie{number}", SIZE, address="192.0.2.1")
    with pytest.raises(FullError, match="network address") as refusal:
        fill(storage, "another cookie", SIZE, address="192.0.2.1")
    assert is_one_sentence(refusal.value)
    fill(storage, "elsewhere", SIZE, address="192.0.2.2")


def test_a_visitor_at_a_new_address_brings_their_bytes_along(storage):
    fill(storage, "one", 5 * SIZE, address="192.0.2.1")
    storage.require_room("one", address="192.0.2.2")
    storage.require_room("other", 4 * SIZE, address="192.0.2.1")
    with pytest.raises(FullError, match="network address"):
        storage.require_room("other", 4 * SIZE, address="192.0.2.2")


def test_deleted_files_make_room(storage):
    fill(storage, "one", 5 * SIZE)
    fill(storage, "other", 4 * SIZE)
    storage.sweep({"other"}, time.time() + 61)
    storage.require_room("third", 5 * SIZE)


def test_the_count_equals_the_bytes_on_the_disk(storage):
    exported = fill(storage, "one", 1000)
    with storage.filling_set("one") as (clips, _):
        (clips / "clips.f32").write_bytes(bytes(3000))
    sent = upload(storage, "one", 10, 20, 30)
    again = fill(storage, "one", 500, name="codec")
    units = [exported.parent, clips, sent[0].parents[1], again.parent]
    assert storage.own_bytes("one") == storage.used_bytes == on_disk(*units)
    fill(storage, "one", 700, name="codec")
    assert storage.own_bytes("one") == on_disk(*units)
    storage.remove(clips, "one")
    storage.discard(sent[1])
    storage.sweep({"one"}, time.time() + 61)
    assert storage.own_bytes("one") == on_disk(exported.parent, sent[0].parents[1], again.parent)


def test_the_used_bytes_are_known_without_walking_the_disk(storage, monkeypatch):
    paths = upload(storage, "one", *[3] * 200)
    monkeypatch.setattr(storage_module.os, "scandir", None)
    assert storage.used_bytes == storage.own_bytes("one") > 200 * ENTRY_BYTES
    storage.require_room("one", 10)
    with storage.arriving("one") as arrival:
        arrival.take(10)
    assert all(path.exists() for path in paths)


def test_a_folder_that_is_too_large_in_the_end_is_deleted_and_one_announced_too_large_is_not_begun(storage):
    with pytest.raises(FullError), storage.filling("one") as folder:
        (folder / "file").write_bytes(bytes(7 * SIZE))
    assert not folder.exists()
    with pytest.raises(FullError), storage.filling("one", 7 * SIZE):
        pytest.fail("it was begun")
    with pytest.raises(IsADirectoryError), storage.filling("one", SIZE) as folder:
        folder.write_bytes(b"")
    assert not folder.exists()
    assert storage.used_bytes == 0


def test_a_set_is_refused_as_soon_as_it_passes_the_ceiling(storage, drone):
    read = []

    def clips():
        for number in range(100):
            read.append(number)
            yield drone

    with pytest.raises(FullError), storage.filling_set("one") as (folder, arrival):
        ClipSet(folder, clips(), take=arrival.take)
    assert len(read) < 30
    assert not folder.exists()
    assert storage.used_bytes == 0


def test_arriving_bytes_are_counted_and_none_are_reserved(storage):
    arrivals = [storage.arriving(f"slow{number}") for number in range(27)]
    for arrival in arrivals:
        arrival.__enter__().take(1)
    assert upload(storage, "one", 5 * SIZE)[0].exists()
    for arrival in arrivals:
        arrival.__exit__(None, None, None)


def test_the_ceiling_holds_when_twelve_uploads_come_at_once(storage):
    start, taken, refused = threading.Barrier(12), [], []

    def send():
        start.wait()
        try:
            with storage.arriving("one") as arrival:
                for _ in range(64):
                    arrival.take(SIZE // 32)
                taken.append(storage.move_upload(received(storage, 2 * SIZE), "one", arrival))
        except FullError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) + len(refused) == 12
    assert len(taken) <= 2
    assert storage.own_bytes("one") <= 6 * SIZE


def test_an_upload_is_not_counted_twice_when_it_has_come(storage):
    with storage.arriving("one") as arrival:
        arrival.take(4 * SIZE)
        assert storage.used_bytes == 4 * SIZE
        storage.move_upload(received(storage, 4 * SIZE), "one", arrival)
        assert storage.used_bytes == 4 * SIZE + 3 * ENTRY_BYTES
    assert storage.used_bytes == storage.own_bytes("one") == 4 * SIZE + 3 * ENTRY_BYTES


def test_an_upload_that_broke_off_counts_until_its_half_is_swept(storage):
    (storage.files / "tmphalf").write_bytes(bytes(SIZE))
    with storage.arriving("one") as arrival:
        arrival.take(SIZE)
    storage.sweep({"one"}, time.time() + 290)
    assert (storage.files / "tmphalf").exists()
    assert storage.own_bytes("one") == SIZE
    storage.sweep({"one"}, time.time() + 310)
    assert not (storage.files / "tmphalf").exists()
    assert storage.used_bytes == 0


def test_an_upload_that_was_read_counts_as_long_as_gradio_keeps_its_copy(storage):
    (path,) = upload(storage, "one", SIZE)
    storage.discard(path)
    assert not path.exists()
    assert storage.own_bytes("one") >= SIZE
    storage.sweep({"one"}, time.time() + 61)
    assert [path.name for path in storage.files.iterdir()] == ["one"]
    assert storage.own_bytes("one") == 0


def test_an_upload_of_a_visitor_without_a_cookie_has_a_ceiling_too(storage):
    with storage.arriving("", "192.0.2.1") as arrival:
        with pytest.raises(FullError, match="each visitor"):
            arrival.take(7 * SIZE)
        arrival.take(SIZE)
        (path,) = storage.move_upload(received(storage, SIZE), new_anyone(), arrival)
    assert storage.is_owned(path, "")
    assert storage.used_bytes == SIZE + 3 * ENTRY_BYTES
    fill(storage, "two", 5 * SIZE, address="192.0.2.1")
    with pytest.raises(FullError, match="network address"):
        storage.require_room("one", 3 * SIZE, address="192.0.2.1")


def test_trainings_count_by_the_numbers_that_the_job_runner_gives(storage):
    storage.derived = lambda owner: {None: 7 * SIZE, "one": 5 * SIZE}.get(owner, 0)
    assert (storage.used_bytes, storage.own_bytes("one"), storage.own_bytes("other")) == (7 * SIZE, 5 * SIZE, 0)
    with pytest.raises(FullError, match="each visitor"):
        storage.require_room("one", 2 * SIZE)
    with pytest.raises(FullError, match="no room"):
        storage.require_room("other", 4 * SIZE)


def test_a_visitor_who_leaves_takes_everything_along_at_once(storage):
    sent, exported, kept = upload(storage, "one", 10, 20), fill(storage, "one", 30), upload(storage, "other", 40)
    with storage.filling_set("one") as (clips, _):
        (clips / "clips.f32").write_bytes(bytes(50))
    storage.delete("one")
    assert not any(path.exists() for path in (*sent, exported, clips))
    assert storage.own_bytes("one") == 0
    assert storage.used_bytes == storage.own_bytes("other")
    lying = [path for path in storage.folder.rglob("*") if path.is_file() and path.parent != storage.folder]
    assert {path.stat().st_ino for path in lying} == {kept[0].stat().st_ino}


def test_on_a_disk_without_hard_links_uploads_are_copied_and_leave_with_their_visitor(storage, no_links):
    own, other = received(storage, 1000, 2000), received(storage, 3000)
    moved = storage.move_upload(own, "anna")
    assert [Path(path).stat().st_size for path in moved] == [1000, 2000]
    storage.delete("anna")
    assert not any(Path(path).exists() for path in (*moved, *own))
    assert Path(other[0]).exists()


@pytest.fixture
def no_links(monkeypatch):
    def link(*names):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)


def test_a_visitor_who_leaves_deletes_nothing_that_arrives_for_another(storage):
    exported = fill(storage, "anna", 1000)
    (arriving,) = map(Path, received(storage, 1000))
    arriving = arriving.rename(arriving.with_name(exported.name))
    storage.delete("anna")
    assert arriving.exists()


def test_on_a_disk_without_hard_links_the_same_file_of_another_visitor_stays(storage, no_links):
    (path,) = received(storage, 1000)
    storage.move_upload([path], "anna")
    new = storage.files / "tmpnew"
    new.write_bytes(bytes(1000))
    os.utime(new, (1, 1))
    new.replace(path)  # as Gradio does when the same file comes again
    storage.delete("anna")
    (moved,) = storage.move_upload([path], "bert")
    storage.delete("bert")
    assert not any(Path(each).exists() for each in (path, moved))


def test_on_a_disk_without_hard_links_gradios_copies_count_as_long_as_they_stay(storage, no_links, is_one_sentence):
    with storage.arriving("one") as arrival:
        arrival.take(2 * SIZE)
        storage.move_upload(received(storage, 2 * SIZE), "one", arrival)
    assert storage.own_bytes("one") == 4 * SIZE + 4 * ENTRY_BYTES
    with pytest.raises(FullError) as refusal:
        storage.move_upload(received(storage, 2 * SIZE), "one")
    assert is_one_sentence(refusal.value)
    assert storage.own_bytes("one") == 4 * SIZE + 4 * ENTRY_BYTES
    storage.sweep({"one"}, time.time() + 61)
    assert storage.own_bytes("one") == 2 * SIZE + 3 * ENTRY_BYTES


def test_deleting_a_visitor_deletes_nothing_of_the_page_or_outside_the_folder(storage, tmp_path):
    page, own = fill(storage, "page", 10), tmp_path / "own"
    own.write_text("mine")
    storage.publish()
    for owner in ("page", "", ".", "..", "../..", str(tmp_path)):
        storage.delete(owner)
    assert page.exists()
    assert own.exists()
    assert storage.sets.exists()


def test_only_files_of_absent_visitors_are_swept_and_no_arriving_files(storage):
    page = fill(storage, "page", 10)
    storage.publish()
    here, gone = fill(storage, "here", 10), fill(storage, "gone", 10)
    with storage.filling_set("gone") as (clips, _):
        pass
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


def test_files_of_a_page_without_a_cookie_are_kept_as_long_as_a_visitor_may_be_away(storage, settings):
    path, now = fill(storage, new_anyone(), 10), time.time()
    storage.sweep(set(), now + settings.visit_absent_seconds - 1)
    assert path.exists()
    storage.sweep(set(), now + settings.visit_absent_seconds + 60)
    assert not path.exists()


def test_empty_files_count_too(storage):
    with storage.filling("one") as folder:
        for number in range(1000):
            (folder / str(number)).touch()
    assert storage.used_bytes > 4_000_000


def test_a_restart_keeps_trainings_and_counts_them_and_keeps_nothing_else(settings):
    storage = Storage(settings)
    old, job = fill(storage, "one", 10), storage.jobs / "job"
    job.mkdir()
    (job / "best.distill").write_bytes(bytes(SIZE))
    storage.close()
    again = Storage(settings)
    assert job.exists()
    assert again.used_bytes == SIZE + 2 * ENTRY_BYTES
    assert not old.exists()
    again.close()


def test_without_a_place_to_unpack_a_visitor_is_told_so(storage, is_one_sentence):
    storage.unpacked.rmdir()
    with pytest.raises(FullError) as refusal, storage.unpacking():
        pass
    assert is_one_sentence(refusal.value)


def test_the_files_that_every_page_shows_are_counted(storage):
    fill(storage, "page", 100)
    received(storage, 200)
    storage.publish()
    assert storage.used_bytes == on_disk(*(storage.files / "page").iterdir(), *storage.files.glob("?" * 64))
    assert len(storage.public) == 2


def test_an_upload_that_cannot_be_moved_leaves_no_folder_and_still_counts(storage):
    paths = [*received(storage, SIZE), str(storage.files / "not there")]
    with storage.arriving("one") as arrival:
        arrival.take(SIZE)
        with pytest.raises(FileNotFoundError):
            storage.move_upload(paths, "one", arrival)
    assert not list((storage.files / "one").iterdir())
    assert storage.own_bytes("one") == SIZE


def test_a_server_keeps_to_a_smaller_disk_limit(settings):
    storage = Storage(replace(settings, disk_bytes=SIZE))
    with pytest.raises(FullError, match="no room"):
        fill(storage, "one", 2 * SIZE)
    storage.close()
