"""Distill recognizes its folder by its own mark file, and changes nothing in any other folder."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from distill.errors import StartupError
from distill.server.claim import MARK
from distill.server.storage import Storage
from distill.settings import Settings

PARTS = ("files", "sets", "unpacked", "jobs")


@pytest.fixture
def settings(tmp_path):
    return Settings(folder=tmp_path / "data")


@pytest.fixture
def refusal_of(settings, is_one_sentence):
    """A function that starts in an unusable folder, checks that the folder stays unchanged, and returns the error."""

    def start(settings=settings):
        before = picture(settings.folder)
        with pytest.raises(StartupError) as refusal:
            Storage(settings)
        assert is_one_sentence(refusal.value, "DISTILL_FOLDER")
        assert picture(settings.folder) == before
        return str(refusal.value)

    return start


@pytest.fixture
def marked(settings):
    """The folder of a server that has ended, with its mark."""
    Storage(settings).close()
    return settings.folder


def picture(folder):
    """Inode, mode and content of everything in a folder, by relative path; two pictures differ after any change."""
    found = {}
    for path in sorted(folder.rglob("*")) if os.path.isdir(folder) else ():
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        found[str(path.relative_to(folder))] = (status.st_ino, status.st_mode, content)
    return found


@pytest.mark.parametrize(
    "names",
    [
        ["files/thesis.txt"],
        ["sets/one/clips.f32"],
        ["unpacked/a"],
        ["jobs/a"],
        [".hidden"],
        ["lock"],
        ["lock", "files/thesis.txt", "sets/a", "unpacked/a", "jobs/a"],
    ],
)
def test_a_folder_with_other_files_is_refused_and_left_unchanged(settings, refusal_of, names):
    for name in names:
        (settings.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (settings.folder / name).write_text("mine")
    assert "empty" in refusal_of()


def test_a_folder_of_an_earlier_server_is_claimed_again_and_other_files_in_it_stay(marked, settings):
    (marked / "notes.txt").write_text("mine")
    (marked / "files" / "old").write_text("a visitor's")
    storage = Storage(settings)
    assert (marked / "notes.txt").read_text() == "mine"
    assert not list(storage.files.iterdir())
    storage.close()


def test_an_empty_folder_and_the_root_of_a_new_file_system_are_taken(settings):
    (settings.folder / "lost+found").mkdir(parents=True)
    storage = Storage(settings)
    assert (settings.folder / MARK).is_file()
    assert (settings.folder / "lost+found").exists()
    storage.close()


@pytest.mark.parametrize("part", PARTS)
def test_a_link_in_the_place_of_a_folder_is_not_followed(marked, tmp_path, refusal_of, part):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "thesis.txt").write_text("mine")
    (marked / part).rmdir()
    (marked / part).symlink_to(elsewhere)
    (marked / "files" if part != "files" else marked / "sets").joinpath("old").write_text("not deleted either")
    assert "link" in refusal_of()
    assert (elsewhere / "thesis.txt").read_text() == "mine"


def test_a_link_among_visitors_files_is_deleted_and_its_target_is_not(marked, settings, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "thesis.txt").write_text("mine")
    (marked / "files" / "link").symlink_to(elsewhere)
    (marked / "files" / "one").mkdir()
    (marked / "files" / "one" / "link").symlink_to(elsewhere)
    Storage(settings).close()
    assert not list((marked / "files").iterdir())
    assert (elsewhere / "thesis.txt").exists()


@pytest.mark.parametrize("name", [*PARTS, "lock"])
@pytest.mark.parametrize("kind", ["file", "pipe", "dangling link"])
def test_something_else_in_the_place_of_a_part_is_refused(marked, refusal_of, name, kind):
    path = marked / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    if kind == "file" and name == "lock":
        path.mkdir()
    elif kind == "file":
        path.write_text("no folder")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("nowhere")
    assert name in refusal_of()


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "other content", "nothing in it", "a newer version"])
def test_a_mark_that_is_not_the_file_of_this_distill_is_refused(marked, tmp_path, refusal_of, kind):
    mark = marked / MARK
    content = mark.read_bytes()
    mark.unlink()
    if kind == "link":
        (tmp_path / "mark").write_bytes(content)
        mark.symlink_to(tmp_path / "mark")
    elif kind == "pipe":
        os.mkfifo(mark)
    elif kind == "folder":
        mark.mkdir()
    else:
        new = {"other content": b"mine", "nothing in it": b"", "a newer version": content.replace(b"1", b"2")}
        mark.write_bytes(new[kind])
    (marked / "files" / "thesis.txt").write_text("mine")
    assert MARK in refusal_of()


def test_a_folder_that_others_may_write_to_is_not_used(settings, refusal_of):
    settings.folder.mkdir()
    settings.folder.chmod(0o777)
    assert "Others may write" in refusal_of()


def test_two_servers_do_not_share_a_folder(settings, refusal_of):
    storage = Storage(settings)
    assert "Another Distill" in refusal_of()
    storage.close()


@pytest.mark.parametrize("name", ["file", "file/data", "circle", "circle/data", "a" * 300])
def test_a_folder_that_cannot_be_made_stops_the_start_in_a_sentence(settings, tmp_path, refusal_of, name):
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to("circle")
    assert "cannot write" in refusal_of(replace(settings, folder=tmp_path / name))


@pytest.fixture
def read_only():
    """A function that makes a folder read-only; root needs a read-only mount for that."""
    mounted = []

    def mount(folder: Path) -> None:
        if subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False).returncode:
            if os.geteuid() == 0:
                pytest.skip("root may write anywhere, and nothing can be mounted here")
            folder.chmod(0o500)
            return
        mounted.append(folder)
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("part", [*PARTS, "."])
def test_a_part_that_cannot_be_written_stops_the_start_before_anything_is_deleted(marked, refusal_of, read_only, part):
    for name in PARTS:
        (marked / name / "kept").write_text("kept")
    read_only(marked / part)
    assert "cannot write" in refusal_of()


def test_an_empty_folder_that_cannot_be_written_is_refused(settings, refusal_of, read_only):
    settings.folder.mkdir(mode=0o700)
    read_only(settings.folder)
    assert "cannot write" in refusal_of()


def test_a_leftover_that_cannot_be_deleted_stops_the_start(marked, settings, is_one_sentence):
    kept = marked / "files" / "kept"
    kept.mkdir()
    (kept / "a.wav").write_text("a visitor's")
    if subprocess.run(["chattr", "+i", kept], capture_output=True, check=False).returncode:
        pytest.skip("this file system has no files that cannot be deleted")
    try:
        with pytest.raises(StartupError, match="cannot empty") as refusal:
            Storage(settings)
        assert is_one_sentence(refusal.value, "DISTILL_FOLDER", "files")
    finally:
        subprocess.run(["chattr", "-i", kept], check=True)
    Storage(settings).close()
