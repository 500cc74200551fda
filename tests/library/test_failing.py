"""A disk that fails for a moment, a link in the folder or another server at work costs nobody a codec or a file."""

import errno
import os

import pytest

from distill.errors import StartupError
from distill.library import Label, Library, library, new_key, place
from distill.library.keys import folder_name
from distill.settings import Settings
from tests.library.test_library import DAY, names, refusal


@pytest.fixture
def fail(monkeypatch):
    """A function that makes another one fail once its path has a certain end."""

    def fail(module, name, end=""):
        real = getattr(module, name)

        def function(path, *arguments, **options):
            if str(path).endswith(end):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(path, *arguments, **options)

        monkeypatch.setattr(module, name, function)

    return fail


LEFT = ("old.part", "old.json", "notes.opened", "3333333333333333.txt", "part")


def write_old(folder, left):
    for name in left:
        (folder / name).write_text("a stranger's")
        os.utime(folder / name, (0, 0))


def test_nothing_is_deleted_or_kept_behind_a_link_that_looks_like_a_library(there, key, file, tmp_path):
    there.keep(new_key(), file, Label("drums"))
    home = tmp_path / "home"
    home.mkdir()
    left = {*LEFT, "3333333333333333.json", "3333333333333333.distill.0123abcd.part"}
    write_old(home, left)
    (there.folder / folder_name(key)).symlink_to(home)
    there.expire(1e9)
    assert {path.name for path in home.iterdir()} == left
    assert "a link or a file" in refusal(there.keep, key, file, Label("drums"))
    assert {path.name for path in home.iterdir()} == left


def test_only_what_a_write_may_leave_is_swept_from_a_library(there, key, file, clock):
    there.keep(key, file, Label("drums"))
    folder = there.folder / folder_name(key)
    write_old(folder, (*LEFT, "3333333333333333.json", "3333333333333333.distill.0123abcd.part"))
    there.expire(clock.now)
    assert {path.name for path in folder.iterdir() if not path.name.startswith(there.kept(key)[0].id)} == set(LEFT)


@pytest.mark.parametrize("end", [".json", ".opened"])
def test_a_date_that_cannot_be_read_for_a_moment_deletes_nothing(there, key, file, clock, fail, monkeypatch, end):
    kept = there.keep(key, file, Label("drums"))
    clock.now += 80 * DAY
    there.note_opened(key, kept.id)
    clock.now += 80 * DAY
    fail(os, "open", end)
    assert len(there.kept(key)) == 1
    there.expire(clock.now)
    monkeypatch.undo()
    assert names(there, key) == ["drums"]


def test_a_codec_without_a_date_is_kept_as_if_it_was_opened_when_that_was_seen(there, key, file, clock):
    kept = there.keep(key, file, Label("drums"))
    folder = there.folder / folder_name(key)
    (folder / f"{kept.id}.json").unlink()
    os.utime(folder / f"{kept.id}.distill", (0, 0))
    for days in (0, 89):
        clock.now += days * DAY
        there.expire(clock.now)
        assert names(there, key) == [f"codec {kept.id[:6]}"]
    clock.now += 2 * DAY
    there.expire(clock.now)
    assert not folder.exists()


def test_a_count_that_fails_leaves_the_limits_as_they_were(open_library, key, file, clock, fail, monkeypatch):
    there = open_library(libraries_codecs=1)
    there.keep(key, file, Label("drums"))
    for module, name in ((os, "listdir"), (library, "all_in")):
        fail(module, name)
        there.expire(clock.now)
        monkeypatch.undo()
        assert "has room for" in refusal(there.keep, new_key(), file, Label("drums"))
    fail(os, "listdir")
    other = open_library(libraries_codecs=1)
    assert "cannot be reached" in refusal(other.keep, new_key(), file, Label("drums"))
    monkeypatch.undo()
    assert "has room for" in refusal(other.keep, new_key(), file, Label("drums"))


def test_what_comes_and_goes_during_a_count_is_counted(open_library, key, file, clock, monkeypatch):
    there, later, sweep = open_library(libraries_codecs=2), new_key(), library.sweep
    there.keep(key, file, Label("drums"))

    def keep_meanwhile(*arguments):
        sweep(*arguments)
        there.keep(later, file, Label("bells"))

    monkeypatch.setattr(library, "sweep", keep_meanwhile)
    there.expire(clock.now)
    monkeypatch.undo()
    assert "has room for" in refusal(there.keep, key, file, Label("hall"))
    there.delete(later, there.kept(later)[0].id)
    there.keep(key, file, Label("hall"))


def test_a_library_that_another_server_empties_meanwhile_is_made_again(there, key, file, monkeypatch):
    write = library.write_whole

    def write_late(path, pieces):
        monkeypatch.undo()
        path.parent.rmdir()
        write(path, pieces)

    monkeypatch.setattr(library, "write_whole", write_late)
    there.keep(key, file, Label("drums"))
    assert names(there, key) == ["drums"]


def test_a_codec_that_is_too_large_is_told_as_that(there, open_library, key, file, tmp_path):
    kept = there.keep(key, file, Label("drums"))
    assert "damaged or too large" in refusal(open_library(codec_bytes=10).fetch, key, kept.id, tmp_path / "out")
    assert names(there, key) == ["drums"]


def test_two_servers_may_begin_in_one_empty_folder_at_once(tmp_path, key, file):
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / f"{place.MARK}.0123abcd.part").touch()  # what the other one writes, or left when it was killed
    there = Library(folder, Settings())
    there.keep(key, file, Label("drums"))
    assert names(there, key) == ["drums"]


def test_a_folder_is_not_made_where_its_disk_is_not_mounted(tmp_path):
    with pytest.raises(StartupError, match="No such file"):
        Library(tmp_path / "unmounted" / "library", Settings())
    assert not list(tmp_path.iterdir())
