"""Real trainings in separate processes survive the loss of a process or server, and report a lack of memory.

Their workers run at normal priority, except in the tests of the priority.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from distill.jobs.worker import COMMAND
from distill.settings import MIB, Settings
from tests import eager
from tests.jobs.puppets import wait_for_a_step, wait_until
from tests.waiting import PATIENCE, until

OFTEN = Settings(checkpoint_seconds=1)


@pytest.fixture
def open_trainer(open_runner):
    """Opens a runner with workers that train."""

    def build(settings: Settings = OFTEN):
        return open_runner(settings, command=eager.COMMAND)

    return build


@pytest.fixture(scope="session")
def short(minute):
    """Settings of a training of about five seconds."""
    return replace(minute, minutes=0.08, validations=4)


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_dead(pid: int) -> None:
    until(lambda: not is_alive(pid))


def gives_way(pid: int) -> bool:
    """Whether every thread of a process has the lowest priority."""
    threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    policies = {(os.getpriority(os.PRIO_PROCESS, thread), os.sched_getscheduler(thread)) for thread in threads}
    return policies == {(19, os.SCHED_IDLE)}


def test_a_job_runs_at_the_lowest_priority(open_runner, submit, minute):
    job = submit(open_runner(command=COMMAND), config=minute)
    worker = wait_until(job, lambda _: job.worker) and job.worker
    until(lambda: gives_way(worker.pid))
    job.delete()


def test_all_threads_of_a_worker_have_the_lowest_priority_earlier_and_later_ones(repository):
    program = """
import threading
from distill import system
begun, over = [threading.Event() for _ in range(2)], threading.Event()
def wait(event):
    event.set()
    over.wait()
threading.Thread(target=wait, args=begun[:1], daemon=True).start()
begun[0].wait()
system.lower_priority_of_all_threads()
threading.Thread(target=wait, args=begun[1:], daemon=True).start()
begun[1].wait()
print("given", flush=True)
input()
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=repository) as process:
        assert process.stdout.readline() == b"given\n"
        assert len(os.listdir(f"/proc/{process.pid}/task")) >= 3
        assert gives_way(process.pid)
        process.kill()


def test_a_job_runs_to_its_end_and_hands_over_the_best_codec(open_trainer, submit, quick_config):
    job = submit(open_trainer(), config=replace(quick_config, minutes=15.0))
    worker = wait_until(job, lambda _: job.worker) and job.worker
    status = job.wait(PATIENCE)
    assert (status.state, status.error, status.note) == ("finished", "", "")
    assert status.progress.fraction == 1
    assert (status.validation.step, status.progress.step) == (12, 12)
    assert [point.step for point in status.curves.validations] == [4, 8, 12]
    codec = job.best_codec()
    assert (codec.num_levels, codec.info.provenance.steps) == (3, 12)
    assert len(codec.decode(codec.encode(job.first_clip.waveform, 44_100))) >= len(job.first_clip.waveform) - 512
    assert not is_alive(worker.pid)


def test_a_training_whose_process_is_killed_goes_on_from_its_checkpoint_and_finishes(open_trainer, submit, short):
    job = submit(open_trainer(), config=short)
    worker = wait_until(job, lambda _: job.worker) and job.worker
    before = wait_until(job, lambda status: status.validation)
    os.kill(worker.pid, signal.SIGKILL)
    status = wait_until(job, lambda status: "went on" in status.note)
    assert status.state == "running"
    status = job.wait(PATIENCE)
    assert (status.state, status.error) == ("finished", "")
    assert status.progress.step > before.validation.step
    assert status.progress.seconds > before.validation.seconds
    assert "interrupted and went on" in status.note
    points = status.curves.validations
    assert points[0] == before.curves.validations[0]
    assert [point.step for point in points] == sorted({point.step for point in points})
    assert job.best_codec().info.provenance.steps == status.progress.step


def names(command_line: Path, job_id: str) -> bool:
    """Whether a process's command line names a job."""
    try:
        return job_id in command_line.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


SERVER = """
import sys, time
from pathlib import Path
from distill.jobs import JobRunner
from distill.settings import Settings
from tests.eager import train_eagerly
train_eagerly()
runner = JobRunner(Path(sys.argv[1]), Settings(checkpoint_seconds=1))
[job] = runner.jobs_of("anna")
while True:
    print(job.worker.pid if job.worker and job.status().validation else 0, flush=True)
    time.sleep(0.05)
"""


def test_when_the_server_is_killed_its_worker_ends_and_the_next_server_goes_on(
    open_trainer, make_folder, root, short, repository
):
    folder = make_folder(config=short)
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(root)], stdout=subprocess.PIPE, cwd=repository)
    pid = next(pid for line in server.stdout if (pid := int(line)))
    server.kill()
    server.communicate()
    wait_until_dead(pid)
    left = folder.read_record()
    assert left.state == "running"
    assert left.validation is not None

    [job] = open_trainer().jobs_of("anna")
    status = job.wait(PATIENCE)
    assert (status.state, status.error) == ("finished", "")
    assert "went on" in status.note
    assert status.curves.validations[0] == left.curves.validations[0]
    assert status.progress.step > left.validation.step
    assert job.best_codec().num_levels == 3


@pytest.mark.parametrize("memory_bytes", [1, 64 * MIB])
def test_with_too_little_memory_a_training_says_so(open_trainer, submit, short, memory_bytes, is_one_sentence):
    job = submit(open_trainer(Settings(training_memory_bytes=memory_bytes)), config=short)
    status = job.wait(PATIENCE)
    assert status.state == "failed"
    assert is_one_sentence(status.error, "memory", "fewer or shorter clips")


@pytest.mark.slow
def test_a_training_is_stopped_while_it_runs_and_while_it_starts_and_goes_on(open_trainer, submit, minute):
    job = submit(open_trainer(), config=minute)
    wait_for_a_step(job)
    job.stop()
    stopped = job.wait(PATIENCE)
    assert stopped.state == "stopped"
    assert stopped.validation.step == stopped.progress.step
    assert job.best_codec().num_levels == 3
    for pause in (0.0, 0.3, 1.0, 2.0):  # at every stage of a start
        job.resume()
        time.sleep(pause)
        job.stop()
        assert job.wait(PATIENCE).state == "stopped"
    job.resume()
    status = wait_for_a_step(job, after=stopped.progress.step + 3)
    assert status.note == ""
    assert status.curves.validations[0] == stopped.curves.validations[0]


@pytest.mark.slow
def test_a_server_that_ends_in_order_loses_no_step(open_trainer, submit, minute):
    runner = open_trainer(Settings())
    job = submit(runner, config=minute)
    wait_for_a_step(job, after=3)
    worker = job.worker
    runner.close()
    assert not is_alive(worker.pid)
    before = job.status()
    assert before.state == "waiting"
    [job] = open_trainer().jobs_of("anna")
    status = wait_for_a_step(job, after=before.progress.step)
    assert status.progress.step <= before.progress.step + 10
    assert "went on" in status.note


@pytest.mark.slow
def test_a_training_outlives_one_kill_after_another(open_trainer, submit, minute):
    """The worker is killed at its start, between checkpoints and in a validation; each run gets further."""
    job = submit(
        open_trainer(Settings(checkpoint_seconds=1, training_restarts=20)), config=replace(minute, minutes=0.4)
    )
    reached = 0.0
    for pause in (0.2, 1.5, 4.0, 4.5, 5.0, 5.5, 4.7, 6.3):
        worker = wait_until(job, lambda status: job.worker or not status.active) and job.worker
        if worker is None:
            break
        time.sleep(pause)
        os.kill(worker.pid, signal.SIGKILL)
        wait_until(job, lambda status, worker=worker: job.worker not in (None, worker) or not status.active)
        if job.status().validation:
            assert job.best_codec().num_levels == 3
            assert job.status().validation.seconds >= reached
            reached = job.status().validation.seconds
    status = job.wait(PATIENCE)
    assert (status.state, status.progress.fraction) == ("finished", 1)


@pytest.mark.slow
def test_however_soon_a_server_is_killed_no_worker_is_left_and_the_training_comes_to_its_end(
    open_trainer, make_folder, root, short, repository
):
    folder = make_folder(config=short)
    program = SERVER.replace("checkpoint_seconds=1", "checkpoint_seconds=1, training_restarts=20")
    for pause in (0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0):
        server = subprocess.Popen([sys.executable, "-c", program, str(root)], stdout=subprocess.PIPE, cwd=repository)
        time.sleep(pause)
        server.kill()
        server.communicate()
        for pid in [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if names(path, folder.id)]:
            wait_until_dead(pid)
    [job] = open_trainer(Settings(training_restarts=20)).jobs_of("anna")
    assert job.wait(PATIENCE).state == "finished"
    assert job.best_codec().num_levels == 3


@pytest.mark.slow
def test_two_workers_never_train_one_job(make_folder, short, repository):
    folder = make_folder(config=short)
    with folder.lock(lambda: True):
        worker = subprocess.Popen([*eager.COMMAND, str(folder.path)], stdout=subprocess.PIPE, cwd=repository)
        assert not select.select([worker.stdout], [], [], 10)[0]
        assert is_alive(worker.pid)
    events = [json.loads(line)["event"] for line in worker.stdout]
    assert (events[0], events[-1]) == ("begun", "finished")
    assert worker.wait(PATIENCE) == 0


@pytest.mark.slow
def test_a_fault_of_ours_reaches_the_log_of_the_server_under_the_visitors_reference(root, repository, is_one_sentence):
    done = subprocess.run([*COMMAND, str(root / "no folder")], capture_output=True, cwd=repository, check=True)
    event, logged = json.loads(done.stdout), json.loads(done.stderr)
    assert event["event"] == "failed"
    assert is_one_sentence(event["error"], event["reference"])
    assert event["reference"] in logged["message"]
    assert "FileNotFoundError" in logged["traceback"]
