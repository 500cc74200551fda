"""Trainings run in separate processes and survive faults of the process, the disk and the server."""

import errno
import json
import logging
import os
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from distill import system
from distill.errors import TrainingError
from distill.jobs import JobRunner
from distill.jobs.folder import JobFolder
from distill.settings import Settings
from tests.jobs.puppets import order, puppet, wait_for_a_step, wait_until
from tests.waiting import PATIENCE


@pytest.mark.parametrize("write", ["distill.jobs.folder.save_first", "distill.jobs.folder.JobFolder.write_record"])
def test_when_the_disk_is_full_a_training_is_refused_and_nothing_of_it_stays(
    open_runner, submit, root, monkeypatch, write, is_one_sentence
):
    def fail(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    runner = open_runner()
    with monkeypatch.context() as patch:
        patch.setattr(write, fail)
        with pytest.raises(TrainingError) as refusal:
            submit(runner)
    assert is_one_sentence(refusal.value, "disk is full")
    assert list(root.iterdir()) == []
    assert submit(runner).status().state == "running"


def test_a_training_goes_on_when_its_state_cannot_be_written(open_runner, submit, monkeypatch, caplog):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    job = submit(open_runner())
    monkeypatch.setattr(JobFolder, "write_record", fail)
    order(job, "finish")
    assert job.wait(PATIENCE).state == "finished"
    assert "could not be noted on disk" in caplog.text


def test_a_users_error_is_shown_as_it_is_and_the_next_job_still_runs(open_runner, submit):
    runner = open_runner()
    anna, ben = submit(runner, "anna"), submit(runner, "ben")
    order(anna, "fail")
    assert (anna.wait(PATIENCE).state, anna.status().error) == ("failed", "Nothing to train on.")
    order(ben, "finish")
    assert ben.wait(PATIENCE).state == "finished"
    anna.resume()
    assert (anna.status().active, anna.status().error) == (True, "")


def test_invalid_lines_of_a_worker_are_skipped(open_runner, submit):
    job = submit(open_runner())
    order(job, "babble")
    wait_until(job, lambda _: not (job.folder.path / "order").exists())
    order(job, "step 3")
    assert wait_for_a_step(job).progress.step == 3
    order(job, "finish")
    assert job.wait(PATIENCE).state == "finished"


def test_a_job_whose_process_dies_is_begun_again_from_its_checkpoint_with_a_note(open_runner, submit, is_one_sentence):
    job = submit(open_runner())
    order(job, "step 38")
    wait_for_a_step(job)
    job.folder.checkpoint.touch()
    order(job, "crash")
    status = wait_until(job, lambda status: "went on" in status.note)
    assert (status.state, status.progress.step) == ("running", 38)
    assert status.note == "The training was interrupted and went on from where it was 8 s before."
    assert is_one_sentence(status.note)
    order(job, "finish")
    assert job.wait(PATIENCE).state == "finished"


def test_a_job_whose_process_dies_before_a_checkpoint_begins_anew(open_runner, submit, is_one_sentence):
    job = submit(open_runner())
    order(job, "step 5")
    wait_for_a_step(job)
    order(job, "crash")
    status = wait_until(job, lambda status: "anew" in status.note)
    assert is_one_sentence(status.note)
    assert status.progress is None


@pytest.mark.parametrize("manner", ["crashing", "silent"])
@pytest.mark.parametrize("has_best", [False, True])
def test_a_job_that_is_lost_again_and_again_is_given_up_and_can_be_resumed(
    open_runner, submit, codec_path, manner, has_best, is_one_sentence
):
    runner = open_runner(Settings(training_restarts=1, training_silence_seconds=1), command=puppet(manner))
    job = submit(runner)
    if has_best:
        job.folder.best.write_bytes(codec_path.read_bytes())
    status = job.wait(PATIENCE)
    assert status.state == "failed"
    assert is_one_sentence(status.error, "2 times", "is kept" if has_best else "nothing could be kept")
    if has_best:
        assert job.best_codec().num_levels == 3
    job.resume()
    assert job.status().active


def test_a_worker_that_is_silent_for_want_of_processor_time_is_not_ended(open_runner, submit, monkeypatch):
    monkeypatch.setattr(system, "starved_seconds", lambda _: time.monotonic())
    job = submit(open_runner(Settings(training_silence_seconds=1)))
    order(job, "step 1")
    wait_for_a_step(job)
    time.sleep(2.5)
    assert (job.status().state, job.status().note) == ("running", "")


def test_a_job_that_runs_far_too_long_is_ended(open_runner, submit, minute, is_one_sentence):
    settings = Settings(training_silence_seconds=1, full_disk_seconds=1)
    runner = open_runner(settings, command=puppet("endless"))
    status = submit(runner, config=replace(minute, minutes=0.01)).wait(PATIENCE)
    assert status.state == "failed"
    assert is_one_sentence(status.error, "0.01 minutes", "ended")


def test_a_worker_that_cannot_be_started_fails_its_job_in_a_sentence(open_runner, submit, is_one_sentence):
    status = submit(open_runner(command=["/no/such/command"])).wait(PATIENCE)
    assert status.state == "failed"
    assert is_one_sentence(status.error, "could not be started")


def test_after_a_restart_the_queue_goes_on_in_its_order(open_runner, submit):
    runner = open_runner()
    anna, ben, carl, dora = (submit(runner, owner) for owner in ("anna", "ben", "carl", "dora"))
    ben.stop()
    ben.resume()
    dora.stop()
    order(anna, "step 20")
    wait_for_a_step(anna)
    anna.folder.checkpoint.touch()
    runner.close()
    assert [job.status().state for job in (anna, ben, carl, dora)] == ["waiting", "waiting", "waiting", "stopped"]
    with pytest.raises(TrainingError, match="about to restart"):
        submit(runner, "emil")

    runner = open_runner()
    anna, ben, carl, dora = (runner.jobs_of(owner)[0] for owner in ("anna", "ben", "carl", "dora"))
    assert (anna.status().state, anna.status().progress.step) == ("running", 20)
    assert (carl.status().ahead, ben.status().ahead, dora.status().state) == (1, 2, "stopped")
    assert "went on" in wait_until(anna, lambda status: status.note != "The training was interrupted.").note
    assert carl.status().note == ""
    for job in (anna, carl, ben):
        order(job, "finish")
        assert job.wait(PATIENCE).state == "finished"
    dora.resume()
    assert dora.status().state == "running"


def test_a_job_that_brings_the_server_down_is_given_up_at_last(open_runner, make_folder, is_one_sentence):
    make_folder(0, state="running", restarts=2)
    make_folder(1, owner="ben", state="running", restarts=3)
    runner = open_runner()
    assert runner.jobs_of("anna")[0].status().state == "running"
    status = runner.jobs_of("ben")[0].status()
    assert status.state == "failed"
    assert is_one_sentence(status.error, "4 times")


def test_a_damaged_folder_is_passed_over_and_logged_and_the_others_go_on(open_runner, make_folder, root, caplog):
    damaged, whole = make_folder(0), make_folder(1, owner="ben")
    damaged.record_path.write_text('{"owner": "anna"')
    (root / "a stranger's file").touch()
    runner = open_runner()
    assert runner.jobs_of("anna") == []
    assert [job.id for job in runner.jobs_of("ben")] == [whole.id]
    [logged] = [entry for entry in caplog.records if entry.levelno == logging.WARNING]
    assert logged.job == damaged.id[:6]


def test_jobs_are_forgotten_some_hours_after_they_ended(open_runner, submit, root):
    now = [time.time()]
    runner = open_runner(Settings(training_kept_seconds=100), clock=lambda: now[0])
    anna = submit(runner, "anna")
    order(anna, "finish")
    anna.wait(PATIENCE)
    now[0] += 60
    ben, carl = submit(runner, "ben"), submit(runner, "carl")
    ben.stop()
    ben.wait(PATIENCE)
    unfinished = root / f"{1:032x}"  # left behind by a training that could not be written
    unfinished.mkdir()
    os.utime(unfinished, (now[0], now[0]))
    assert runner.expire(now[0] + 39) == 0
    assert runner.expire(now[0] + 41) == 1
    assert runner.jobs_of("anna") == []
    assert not anna.folder.path.exists()
    with pytest.raises(TrainingError, match="no longer kept"):
        anna.resume()
    assert runner.expire(now[0] + 1000) == 2
    assert runner.jobs_of("ben") == []
    assert runner.jobs_of("carl") == [carl]
    assert [path.name for path in root.iterdir()] == [carl.id]


@pytest.mark.parametrize("state", ["running", "waiting", "stopped"])
def test_a_deleted_job_is_gone_and_so_is_its_process(open_runner, submit, root, state):
    runner = open_runner()
    if state == "waiting":
        submit(runner, "ben")
    job = submit(runner)
    if state == "stopped":
        job.stop()
        job.wait(PATIENCE)
    worker = wait_until(job, lambda _: job.worker or state != "running") and job.worker
    job.delete()
    assert runner.jobs_of("anna") == []
    assert not job.folder.path.exists()
    if worker:
        wait_until(job, lambda _: job.worker is None)
        with pytest.raises(ProcessLookupError):
            os.kill(worker.pid, 0)
    assert list(root.glob(f"*{job.id}*")) == []
    assert not job.status().active
    with pytest.raises(TrainingError, match="no longer kept"):
        job.resume()


def test_a_worker_is_given_nothing_of_the_servers_environment_that_could_be_a_secret(open_runner, submit, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    job = submit(open_runner())
    order(job, "step 1")
    wait_for_a_step(job)
    environment = json.loads((job.folder.path / "environment").read_text())
    allowed = {"PATH", "HOME", "TMPDIR", "PYTHONPATH", "LANG", "LC_CTYPE"}  # Python sets the last by itself
    assert {name for name in environment if not name.startswith("OMP_")} <= allowed
    assert (environment["OMP_NUM_THREADS"], environment["OMP_WAIT_POLICY"]) == ("1", "PASSIVE")


def test_neither_owners_nor_clips_are_ever_logged(open_runner, submit, mel_clips, first, caplog):
    caplog.set_level(logging.DEBUG)
    runner = open_runner(Settings(training_restarts=1))
    job = submit(runner, "secret-owner")
    for words in ("step 1", "crash", "crash"):
        wait_until(job, lambda status: not (job.folder.path / "order").exists() or not status.active)
        order(job, words)
    assert job.wait(PATIENCE).state == "failed"
    job.delete()
    told = [str(vars(entry)) for entry in caplog.records]
    assert len(told) >= 4
    assert all(entry.job == job.id[:6] for entry in caplog.records)
    for secret in ("secret-owner", first.name, job.id, *(clip.name for clip in mel_clips)):
        assert not any(secret in line for line in told)


def test_before_the_first_validation_there_is_no_codec_and_a_damaged_one_is_no_crash(
    open_runner, submit, is_one_sentence
):
    job = submit(open_runner())
    with pytest.raises(TrainingError, match="not come to its first validation"):
        job.best_codec()
    job.folder.best.write_bytes(b"damaged")
    with pytest.raises(TrainingError) as refusal:
        job.best_codec()
    assert is_one_sentence(refusal.value, "damaged")


def test_a_job_knows_its_clips_and_keeps_the_first(open_runner, submit, mel_clips, first):
    job = submit(open_runner())
    assert job.clip_names == tuple(clip.name for clip in mel_clips)
    assert job.record.clip_samples == tuple(clip.num_samples for clip in mel_clips)
    assert job.first_clip.name == first.name
    assert np.abs(job.first_clip.waveform - first.waveform).max() <= np.abs(first.waveform).max() / 65_000


def test_a_finished_job_keeps_its_codec_but_not_its_clips_and_checkpoint(open_runner, submit, codec_path):
    job = submit(open_runner())
    job.folder.best.write_bytes(codec_path.read_bytes())
    job.folder.checkpoint.touch()
    order(job, "finish")
    job.wait(PATIENCE)
    wait_until(job, lambda _: not job.folder.clips.exists())
    assert not job.folder.checkpoint.exists()
    assert job.best_codec().num_levels == 3
    assert isinstance(job.first_clip.waveform, np.ndarray)
    assert job.clip_names


def test_only_the_server_may_read_a_runners_folder(root):
    JobRunner(root / "deeper").close()
    assert (root / "deeper").stat().st_mode & 0o077 == 0


def test_a_worker_lowers_its_priority_before_heavy_imports(repository):
    program = (
        "import sys, distill.jobs.program; print(sorted({'torch', 'safetensors', 'soundfile'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=repository, check=True)
    assert done.stdout.strip() == "[]"
