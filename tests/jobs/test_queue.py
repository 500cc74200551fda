"""Trainings wait in their order, can be stopped and continued, and belong to their owners alone."""

from dataclasses import replace

import pytest

from distill.errors import TrainingError
from distill.settings import Settings
from tests.jobs.puppets import order, puppet, wait_for_a_step, wait_until
from tests.waiting import PATIENCE


def test_later_jobs_wait_and_know_how_many_are_ahead_and_about_how_long(open_runner, submit):
    runner = open_runner()
    anna, ben, carl = (submit(runner, owner) for owner in ("anna", "ben", "carl"))
    assert (anna.status().state, anna.status().ahead, anna.status().wait_seconds) == ("running", 0, 0)
    assert (ben.status().state, ben.status().ahead) == ("waiting", 1)
    assert (carl.status().state, carl.status().ahead) == ("waiting", 2)
    assert 60 <= ben.status().wait_seconds < 90 < 120 <= carl.status().wait_seconds < 180
    assert runner.status() == {"running": 1, "waiting": 2}
    order(anna, "step 50")
    wait_for_a_step(anna)
    assert ben.status().wait_seconds == 10
    order(anna, "finish")
    assert anna.wait(PATIENCE).state == "finished"
    wait_until(ben, lambda status: status.state == "running")
    assert (carl.status().state, carl.status().ahead) == ("waiting", 1)
    order(ben, "finish")
    assert ben.wait(PATIENCE).state == "finished"
    order(carl, "finish")
    assert carl.wait(PATIENCE).state == "finished"
    assert runner.status() == {"running": 0, "waiting": 0}


def test_as_many_jobs_run_at_once_as_the_settings_say(open_runner, submit):
    runner = open_runner(Settings(trainings=2))
    jobs = [submit(runner, owner) for owner in ("anna", "ben", "carl")]
    assert [job.status().state for job in jobs] == ["running", "running", "waiting"]
    assert jobs[2].status().ahead == 2
    assert 60 <= jobs[2].status().wait_seconds < 90
    for job in jobs:
        order(job, "finish")
    assert [job.wait(PATIENCE).state for job in jobs] == ["finished"] * 3


def test_a_waiting_job_that_is_stopped_gives_up_its_place_and_can_queue_again(open_runner, submit):
    runner = open_runner()
    anna, ben, carl = (submit(runner, owner) for owner in ("anna", "ben", "carl"))
    ben.stop()
    assert ben.status().state == "stopped"
    assert carl.status().ahead == 1
    ben.resume()
    assert (ben.status().state, ben.status().ahead) == ("waiting", 2)
    for job in (anna, carl, ben):
        order(job, "finish")
        assert job.wait(PATIENCE).state == "finished"


@pytest.mark.parametrize("manner", ["obedient", "deaf"])
def test_a_running_job_stops_and_the_next_one_runs(open_runner, submit, manner):
    runner = open_runner(command=puppet(manner))
    anna, ben = submit(runner, "anna"), submit(runner, "ben")
    anna.stop()  # at the moment when its process starts
    assert anna.wait(PATIENCE).state == "stopped"
    assert anna.status().note == ""
    wait_until(ben, lambda status: status.state == "running")
    anna.resume()
    assert anna.status().ahead == 1


def test_waiting_for_a_running_job_returns_its_status_when_the_time_is_over(open_runner, submit):
    job = submit(open_runner())
    assert job.wait(0.01).state == "running"
    assert job.wait(0.01).active


def test_only_a_job_that_was_stopped_can_be_resumed(open_runner, submit):
    job = submit(open_runner())
    for _ in range(2):
        with pytest.raises(TrainingError, match="Only a training that was stopped"):
            job.resume()
        order(job, "finish")
        job.wait(PATIENCE)


def test_a_training_that_is_too_long_or_has_no_end_is_refused(open_runner, submit, minute, is_one_sentence):
    runner = open_runner()
    for minutes, named in ((15.1, "15.1 minutes"), (None, "any time")):
        with pytest.raises(TrainingError) as refusal:
            submit(runner, config=replace(minute, minutes=minutes))
        assert is_one_sentence(refusal.value, "15 minutes", named)
    assert runner.jobs_of("anna") == []


def test_an_owner_has_one_active_training(open_runner, submit, is_one_sentence):
    runner = open_runner()
    first_job = submit(runner)
    with pytest.raises(TrainingError) as refusal:
        submit(runner)
    assert is_one_sentence(refusal.value, "You have a training")
    first_job.stop()
    first_job.wait(PATIENCE)
    second_job = submit(runner)
    with pytest.raises(TrainingError, match="You have a training"):
        first_job.resume()
    assert runner.jobs_of("anna") == [first_job, second_job]


def test_when_too_many_wait_the_next_is_refused(open_runner, submit, is_one_sentence):
    runner = open_runner(Settings(waiting_trainings=2))
    for owner in ("anna", "ben", "carl"):
        submit(runner, owner)
    with pytest.raises(TrainingError) as refusal:
        submit(runner, "dora")
    assert is_one_sentence(refusal.value, "queue is full", "2 waiting")
    assert runner.jobs_of("dora") == []


def test_nobody_gets_the_trainings_of_another(open_runner, submit):
    runner = open_runner()
    anna, ben = submit(runner, "anna"), submit(runner, "ben")
    assert (runner.jobs_of("anna"), runner.jobs_of("ben"), runner.jobs_of("")) == ([anna], [ben], [])
    runner.close()
    again = open_runner()
    assert [job.id for job in again.jobs_of("anna")] == [anna.id]
    assert [job.id for job in again.jobs_of("ben")] == [ben.id]
    assert len({anna.id, ben.id}) == 2
    assert len(anna.id) == 32
