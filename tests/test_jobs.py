"""Trainings off the request thread: one at a time, in order, each stoppable, resumable, and honest when it fails."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from distill.errors import TrainingError
from distill.jobs import JobRunner, TrainingJob
from distill.training.trainer import Event, Finished, Trainer

PATIENCE = 60


class StubTrainer:
    """Runs until it is let go or stopped; then raises its error, if it has one."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.runs = error, 0
        self.started, self.let_go, self.stopped = threading.Event(), threading.Event(), False

    def stop(self) -> None:
        self.stopped = True
        self.let_go.set()

    def run(self) -> Iterator[Event]:
        self.runs, self.stopped = self.runs + 1, False
        self.started.set()
        assert self.let_go.wait(PATIENCE)
        if self.error:
            raise self.error
        yield Finished("stopped" if self.stopped else "epochs", 1, 1.0, 0.0, None)


def wait_for_a_step(job: TrainingJob, after: int = 0) -> int:
    """Wait until the job has taken a step after that one, and return its number."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status = job.wait(0.01)
        if status.progress and status.progress.step > after:
            return status.progress.step
    raise AssertionError("no step was taken")


@pytest.fixture
def long_trainer(mel_clips, quick_config) -> Trainer:
    return Trainer(mel_clips, replace(quick_config, epochs=100_000, batch_size=2), device="cpu")


def test_a_job_runs_to_its_end_and_hands_over_the_best_model(mel_clips, quick_config):
    job = JobRunner().submit(Trainer(mel_clips, replace(quick_config, epochs=1), device="cpu"))
    status = job.wait(PATIENCE)
    assert status.state == "finished"
    assert not status.active
    assert status.progress.fraction == 1
    assert status.validation == job.trainer.best
    assert status.error == ""
    assert job.best_model().num_levels == 3


def test_a_second_job_waits_for_the_first_and_knows_how_many_are_ahead():
    runner, trainers = JobRunner(), [StubTrainer() for _ in range(3)]
    first, second, third = map(runner.submit, trainers)
    assert trainers[0].started.wait(PATIENCE)
    assert (first.status().state, first.status().ahead) == ("running", 0)
    assert (second.status().state, second.status().ahead) == ("waiting", 1)
    assert (third.status().state, third.status().ahead) == ("waiting", 2)
    assert all(job.status().active for job in (first, second, third))
    assert not trainers[1].started.is_set()
    trainers[0].let_go.set()
    assert first.wait(PATIENCE).state == "finished"
    assert trainers[1].started.wait(PATIENCE)
    assert second.status().ahead == 0
    assert third.status().ahead == 1
    for trainer in trainers[1:]:
        trainer.let_go.set()
    assert third.wait(PATIENCE).state == "finished"


def test_two_workers_run_two_jobs_at_once():
    runner, trainers = JobRunner(workers=2), [StubTrainer() for _ in range(3)]
    jobs = [runner.submit(trainer) for trainer in trainers]
    assert trainers[0].started.wait(PATIENCE)
    assert trainers[1].started.wait(PATIENCE)
    assert jobs[2].status().ahead == 2
    for trainer in trainers:
        trainer.let_go.set()
    assert [job.wait(PATIENCE).state for job in jobs] == ["finished"] * 3


def test_a_waiting_job_that_is_stopped_gives_up_its_place_and_can_queue_again():
    runner, trainers = JobRunner(), [StubTrainer() for _ in range(3)]
    first, second, third = map(runner.submit, trainers)
    second.stop()
    assert second.status().state == "stopped"
    assert third.status().ahead == 1
    second.resume()
    assert (second.status().state, second.status().ahead) == ("waiting", 2)
    for trainer in trainers:
        trainer.let_go.set()
    assert [job.wait(PATIENCE).state for job in (first, second, third)] == ["finished"] * 3
    assert trainers[1].runs == 1


def test_a_running_job_stops_keeps_what_it_reached_and_goes_on_from_there(long_trainer):
    job = JobRunner().submit(long_trainer)
    wait_for_a_step(job)
    job.stop()
    status = job.wait(PATIENCE)
    assert status.state == "stopped"
    assert status.validation.step == status.progress.step == long_trainer.steps
    assert job.best_model().num_levels == 3
    job.resume()
    assert wait_for_a_step(job, after=status.progress.step) > status.progress.step
    job.stop()
    assert job.wait(PATIENCE).state == "stopped"


def test_a_job_stopped_before_its_first_step_does_not_run_on(long_trainer):
    about_to_begin, begin = threading.Event(), threading.Event()

    class SlowToBegin:
        stop = long_trainer.stop

        def run(self) -> Iterator[Event]:
            about_to_begin.set()
            assert begin.wait(PATIENCE)
            yield from long_trainer.run()

    job = JobRunner().submit(SlowToBegin())
    assert about_to_begin.wait(PATIENCE)
    job.stop()
    begin.set()
    status = job.wait(PATIENCE)
    long_trainer.stop()
    assert (status.state, status.progress.step) == ("stopped", 1)


def test_the_next_job_runs_after_one_was_stopped():
    runner, trainers = JobRunner(), [StubTrainer(), StubTrainer()]
    first, second = map(runner.submit, trainers)
    assert trainers[0].started.wait(PATIENCE)
    first.stop()
    assert first.wait(PATIENCE).state == "stopped"
    trainers[1].let_go.set()
    assert second.wait(PATIENCE).state == "finished"


def test_a_users_error_is_shown_as_it_is_and_the_next_job_still_runs():
    runner, trainers = JobRunner(), [StubTrainer(TrainingError("Nothing to train on.")), StubTrainer()]
    first, second = map(runner.submit, trainers)
    for trainer in trainers:
        trainer.let_go.set()
    status = first.wait(PATIENCE)
    assert (status.state, status.error) == ("failed", "Nothing to train on.")
    assert second.wait(PATIENCE).state == "finished"


def test_a_fault_of_ours_is_one_sentence_with_a_reference_that_the_log_has_too(caplog, is_one_sentence):
    trainer = StubTrainer(ZeroDivisionError("division by zero"))
    job = JobRunner().submit(trainer)
    trainer.let_go.set()
    status = job.wait(PATIENCE)
    assert status.state == "failed"
    assert is_one_sentence(status.error, "a fault of ours")
    assert "division" not in status.error
    reference = status.error.split("reference ")[1].rstrip(").")
    assert reference in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_only_a_stopped_job_can_be_resumed():
    trainer = StubTrainer()
    job = JobRunner().submit(trainer)
    with pytest.raises(TrainingError, match="Only a training that was stopped"):
        job.resume()
    trainer.let_go.set()
    job.wait(PATIENCE)
    with pytest.raises(TrainingError, match="Only a training that was stopped"):
        job.resume()


def test_waiting_for_a_job_that_runs_on_comes_back_with_where_it_stands():
    trainer = StubTrainer()
    job = JobRunner().submit(trainer)
    assert trainer.started.wait(PATIENCE)
    assert job.wait(0.01).state == "running"
    trainer.let_go.set()
    assert job.wait(PATIENCE).state == "finished"
