"""The bytes of trainings on disk are counted at every change, and files are kept in proportion to the training."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from distill.errors import StartupError, TrainingError
from distill.jobs import JobRunner
from distill.jobs.folder import JobFolder
from distill.jobs.notes import ELSEWHERE
from distill.settings import Settings
from tests.jobs.puppets import order, wait_for_a_step, wait_until
from tests.waiting import PATIENCE

ENTRY_BYTES = 4096


def on_disk(*folders):
    return sum(path.stat().st_size + ENTRY_BYTES for folder in folders for path in folder.iterdir())


@pytest.fixture
def now():
    return [time.time()]


@pytest.fixture
def open_timed(open_runner, now):
    """Opens a runner on a clock that does not advance."""
    return lambda settings=None, **options: open_runner(settings, clock=lambda: now[0], **options)


def forbid_looking(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("the disk was looked at")

    for name in ("scandir", "stat", "lstat", "listdir"):
        monkeypatch.setattr(os, name, fail)


def test_the_bytes_of_an_owner_are_known_without_a_look_at_the_disk(open_timed, submit, monkeypatch, codec_path):
    runner = open_timed()
    assert runner.num_bytes() == 0
    anna, ben = submit(runner, "anna"), submit(runner, "ben")
    with monkeypatch.context() as patch:
        forbid_looking(patch)
        assert runner.num_bytes("ben") > 3 * ENTRY_BYTES
        assert runner.num_bytes() == runner.num_bytes("anna") + runner.num_bytes("ben")
        assert runner.num_bytes("carl") == 0
    assert runner.num_bytes("ben") == on_disk(ben.folder.path)
    before = runner.num_bytes("anna")
    anna.folder.checkpoint.write_bytes(b"x" * 100_000)
    order(anna, "checkpoint")
    wait_until(anna, lambda _: runner.num_bytes("anna") > before + 100_000)
    anna.folder.best.write_bytes(codec_path.read_bytes())
    order(anna, "finish")
    anna.wait(PATIENCE)
    wait_until(anna, lambda _: runner.num_bytes("anna") == on_disk(anna.folder.path))
    assert not anna.folder.clips.exists()
    ben.delete()
    assert runner.num_bytes("ben") == 0


def test_bytes_and_status_are_told_while_folders_are_written_or_deleted(open_timed, submit):
    runner = open_timed()
    job = submit(runner, "anna")
    expected = runner.num_bytes("anna")
    with ThreadPoolExecutor(1) as thread, runner._changed:  # held while folders are written
        asked = thread.submit(lambda: (runner.num_bytes("anna"), runner.num_bytes(), runner.status()))
        assert asked.result(PATIENCE) == (expected, expected, {"running": 1, "waiting": 0})
    job.delete()


def test_folders_on_disk_are_measured_once_at_the_start(open_timed, make_folder, monkeypatch):
    folders = [make_folder(0, state="stopped", ended=time.time()), make_folder(1, owner="ben"), make_folder(2)]
    folders[2].record_path.write_text("damaged")
    runner = open_timed()
    with monkeypatch.context() as patch:
        forbid_looking(patch)
        anna, all_bytes = runner.num_bytes("anna"), runner.num_bytes()
    assert anna == on_disk(folders[0].path)
    assert all_bytes >= on_disk(folders[0].path, folders[2].path)
    assert all_bytes == anna + runner.num_bytes("ben") + on_disk(folders[2].path)


@pytest.mark.parametrize(("trained", "kept"), [(0, 600), (6, 600), (60, 1200), (900, 6000)])
def test_the_sound_of_a_training_is_kept_in_proportion_to_its_length(
    open_timed, submit, now, codec_path, trained, kept, minute, is_one_sentence
):
    runner = open_timed(Settings(training_kept_seconds=6000))
    job = submit(runner, config=replace(minute, minutes=15.0))
    if trained:
        order(job, f"step {trained} 900")
        wait_for_a_step(job)
    job.folder.best.write_bytes(codec_path.read_bytes())
    job.folder.checkpoint.touch()
    job.stop()
    job.wait(PATIENCE)
    assert runner.expire(now[0] + kept - 1) == 0
    assert job.folder.clips.exists()
    job.resume()
    job.stop()
    job.wait(PATIENCE)
    assert runner.expire(now[0] + 6000) == 0
    if kept < 6000:
        assert {path.name for path in job.folder.path.iterdir()} <= {"job.json", "best.distill", "environment"}
        assert runner.num_bytes("anna") == on_disk(job.folder.path)
        assert job.best_codec().num_levels == 3
        with pytest.raises(TrainingError) as refusal:
            job.resume()
        assert is_one_sentence(refusal.value, f"within {kept // 60} minutes")
    assert runner.expire(now[0] + 6001) == 1


def test_a_codec_in_the_spare_folder_is_used_there_and_moves_home_when_there_is_room(
    open_timed, submit, codec_path, monkeypatch, tmp_path, is_one_sentence
):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    runner = open_timed()
    job = submit(runner)
    wait_until(job, lambda _: job.worker)
    job.folder.spare.parent.mkdir(mode=0o700)
    job.folder.spare.write_bytes(codec_path.read_bytes())
    with monkeypatch.context() as patch:
        patch.setattr(JobFolder, "bring_home", lambda _: False)
        order(job, "finish")
        job.wait(PATIENCE)
        status = wait_until(job, lambda status: status.note == ELSEWHERE)
        assert is_one_sentence(status.note, "disk is full", "download")
    assert job.best_codec().num_levels == 3
    again = open_timed()  # a new runner finds it too
    [found] = again.jobs_of("anna")
    assert found.best_codec().num_levels == 3
    again.expire(time.time())
    assert found.folder.best.read_bytes() == codec_path.read_bytes()
    assert (found.status().note, list(temporary.iterdir())) == ("", [])


def test_a_record_that_could_not_be_written_is_written_later(open_timed, submit, now, monkeypatch):
    def fail(*_):
        raise OSError("full")

    runner = open_timed()
    job = submit(runner)
    with monkeypatch.context() as patch:
        patch.setattr(JobFolder, "write_record", fail)
        order(job, "finish")
        job.wait(PATIENCE)
    assert job.folder.read_record().state == "running"
    runner.expire(now[0])
    assert job.folder.read_record().state == "finished"


def test_no_training_of_a_visitor_who_leaves_stays_not_even_one_being_queued(
    open_timed, submit, root, monkeypatch, is_one_sentence
):
    runner = open_timed()
    job = submit(runner)
    create = JobFolder.create

    def leave_meanwhile(*arguments):
        folder = create(*arguments)
        runner.forget("ben")
        return folder

    monkeypatch.setattr(JobFolder, "create", leave_meanwhile)
    with pytest.raises(TrainingError) as refusal:
        submit(runner, "ben")
    assert is_one_sentence(refusal.value, "you have left")
    assert [path.name for path in root.iterdir()] == [job.id]
    runner.forget("anna")
    assert list(root.iterdir()) == []
    assert runner.status() == {"running": 0, "waiting": 0}


def test_an_interrupted_deletion_is_finished_at_the_next_start(open_timed, root):
    left, other = root / ("0" * 32 + ".gone"), root / "mine.gone"
    for folder in (left, other):
        folder.mkdir(parents=True)
        (folder / "clips.safetensors").touch()
    open_timed()
    assert list(root.iterdir()) == [other]


@pytest.mark.parametrize("put", [lambda path: path.touch(), os.mkfifo])
def test_a_place_for_trainings_that_is_no_folder_ends_the_start_in_a_sentence(root, put, is_one_sentence):
    put(root)
    with pytest.raises(StartupError) as refusal:
        JobRunner(root)
    assert is_one_sentence(refusal.value, "jobs", "no folder")


@pytest.mark.parametrize(
    "put", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda path: path.write_bytes(b"[" * 10**7)]
)
def test_a_folder_with_a_strange_record_is_passed_over_in_a_line_and_the_others_go_on(
    open_timed, make_folder, put, caplog
):
    strange, whole = make_folder(0), make_folder(1, owner="ben")
    strange.record_path.unlink()
    put(strange.record_path)
    runner = open_timed()
    assert [job.id for job in runner.jobs_of("ben")] == [whole.id]
    assert runner.jobs_of("anna") == []
    [line] = [entry for entry in caplog.records if entry.levelname == "WARNING"]
    assert (line.job, line.exc_info) == (strange.id[:6], None)
    runner.expire(time.time() + 10**6)
    assert not strange.path.exists()


def test_a_record_without_minutes_does_not_block_the_queue(open_timed, make_folder, submit, minute):
    make_folder(0, owner="ben", config=replace(minute, minutes=None))
    runner = open_timed()
    assert submit(runner).status().wait_seconds == 15 * 60 / 2  # half of ben's 15 minutes
    [ben] = runner.jobs_of("ben")
    assert ben.status().state == "running"


def test_a_training_whose_sound_was_deleted_cannot_be_continued_after_a_restart_either(
    open_timed, make_folder, now, is_one_sentence
):
    make_folder(0, state="stopped", ended=now[0])
    open_timed().expire(now[0] + 700)
    [job] = open_timed().jobs_of("anna")
    with pytest.raises(TrainingError) as refusal:
        job.resume()
    assert is_one_sentence(refusal.value, "within 10 minutes")
