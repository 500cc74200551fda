"""Absent visitors never delay present ones; turns are short while others wait; each address has a limited share."""

import logging
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.errors import TrainingError
from distill.jobs import queue
from distill.jobs.queue import Standing
from distill.settings import Settings
from tests.jobs.puppets import order, wait_for_a_step, wait_until
from tests.waiting import PATIENCE

BUSY = Settings(busy_training_minutes=2)


def names(standings):
    return [one.id for one in standings]


def test_trainings_with_an_open_page_go_first_then_the_queue_number_counts():
    waiting = [Standing("a", 1, here=False), Standing("b", 4), Standing("c", 3, here=False), Standing("d", 2)]
    assert names(queue.in_order(waiting)) == ["d", "b", "a", "c"]


def test_a_turn_is_what_was_asked_for_divided_by_all_who_want_one_but_two_minutes_at_least():
    assert queue.turn_limit(900, 0, BUSY) == float("inf")
    assert queue.turn_limit(900, 1, BUSY) == 450
    assert queue.turn_limit(900, 20, BUSY) == 120


def test_a_turn_is_over_only_while_others_wait_and_not_just_before_the_end():
    runs = Standing("a", 1, running=True, asked_seconds=900, left_seconds=400, turn_seconds=500)
    waits = Standing("b", 2)
    assert queue.yielding([runs], BUSY) == []
    assert queue.yielding([runs, waits], BUSY) == [runs]
    assert queue.yielding([replace(runs, turn_seconds=449), waits], BUSY) == []
    assert queue.yielding([replace(runs, left_seconds=9), waits], BUSY) == []
    assert queue.yielding([replace(runs, leaving=True), waits], BUSY) == []
    assert queue.yielding([runs, replace(waits, here=False)], BUSY) == []


def test_a_training_without_an_open_page_gives_way_only_to_one_with_an_open_page():
    runs, waits = Standing("a", 1, running=True, here=False), Standing("b", 2)
    assert queue.yielding([runs, waits], BUSY) == [runs]
    assert queue.yielding([runs, replace(waits, here=False)], BUSY) == []
    assert queue.yielding([runs], BUSY) == []


def test_no_more_trainings_give_way_than_wait():
    settings = replace(BUSY, trainings=3)
    running = [Standing(name, place, running=True, here=False) for place, name in enumerate("abc")]
    assert names(queue.yielding([*running, Standing("d", 9)], settings)) == ["c"]
    assert queue.yielding([*running[:2], Standing("d", 9)], settings) == []


def test_the_displaced_training_has_no_open_page_and_its_address_has_the_most():
    waiting = [
        Standing("here", 1, address="x"),
        Standing("long", 2, here=False, gone_seconds=900, address="y"),
        Standing("x1", 3, here=False, gone_seconds=20, address="x"),
        Standing("x2", 4, here=False, gone_seconds=20, address="x"),
        Standing("unknown", 5, here=False, gone_seconds=950),
    ]
    assert queue.displaced(waiting).id == "x2"
    assert queue.displaced(waiting, "y").id == "long"
    assert queue.displaced(waiting, "z") is None
    assert queue.displaced(waiting[:1]) is None


def simulate(target, standings, settings):
    """The second at which a training begins in a simulation of the rules, second by second."""
    state, now = {one.id: one for one in standings}, 0
    while True:
        for one in queue.yielding(list(state.values()), settings):
            last = max(other.queue_number for other in state.values())
            state[one.id] = replace(one, running=False, queue_number=last + 1, turn_seconds=0.0)
        running = [one for one in state.values() if one.running]
        for one in queue.in_order(list(state.values()))[: settings.trainings - len(running)]:
            if one.id == target.id:
                return now
            state[one.id] = replace(one, running=True)
        now += 1
        for one in [one for one in state.values() if one.running]:
            left = one.left_seconds - 1
            state[one.id] = replace(one, left_seconds=left, turn_seconds=one.turn_seconds + 1)
            if left <= 0:
                del state[one.id]


minutes = st.sampled_from([12, 60, 300, 900])


@given(st.lists(st.tuples(minutes, st.booleans()), min_size=2, max_size=8), st.data())
def test_the_estimated_wait_is_the_wait_in_a_simulation_of_the_rules(asked, data):
    standings = [
        Standing(str(place), place, here=here, asked_seconds=seconds, left_seconds=seconds)
        for place, (seconds, here) in enumerate(asked)
    ]
    first = queue.in_order(standings)[0]
    standings = [replace(one, running=one.id == first.id) for one in standings]
    target = data.draw(st.sampled_from([one for one in standings if not one.running]))
    ahead, told = queue.estimate(target, standings, BUSY)
    assert ahead == 1 + names(queue.in_order(standings)).index(target.id)
    took = simulate(target, standings, BUSY)
    assert told == pytest.approx(took, rel=0.35, abs=60)


@pytest.fixture
def here():
    """The owners with an open page."""
    return {"anna", "ben", "carl", "dora"}


@pytest.fixture
def now():
    return [1_000_000.0]


@pytest.fixture
def open_watched(open_runner, here, now):
    """Opens a runner with a given set of open pages and a clock that stands still."""

    def build(settings=BUSY):
        runner = open_runner(settings, clock=lambda: now[0])
        runner.is_here = here.__contains__
        return runner

    return build


@pytest.fixture
def long(minute):
    return replace(minute, minutes=15.0)


def leave(runner, here, now, *owners):
    """Close pages for longer than a reload takes."""
    here -= set(owners)
    now[0] += BUSY.training_absent_seconds + 1
    runner.expire(now[0])


def test_a_training_whose_page_was_closed_gives_way_at_once_and_goes_on_when_nobody_waits(
    open_watched, submit, here, now, long, is_one_sentence
):
    runner = open_watched()
    anna = submit(runner, "anna", long)
    order(anna, "step 90 900")
    wait_for_a_step(anna)
    anna.folder.checkpoint.touch()
    leave(runner, here, now, "anna")
    assert anna.status().state == "running"
    ben = submit(runner, "ben", long)
    wait_until(ben, lambda status: status.state == "running")
    status = anna.status()
    assert (status.state, status.ahead, status.progress.step) == ("waiting", 1, 90)
    assert is_one_sentence(status.note, "nobody had this page open", "after 1.5 of its 15 minutes")
    order(ben, "finish")
    ben.wait(PATIENCE)
    status = wait_until(anna, lambda status: status.state == "running" and status.note == "")
    assert status.progress.step == 90
    assert anna.record.restarts == 0


def test_a_page_that_is_reloaded_loses_nothing(open_watched, submit, here, now, long):
    runner = open_watched()
    anna, ben = submit(runner, "anna", long), submit(runner, "ben", long)
    here.discard("anna")
    now[0] += BUSY.training_absent_seconds - 1
    runner.expire(now[0])
    here.add("anna")
    now[0] += 10
    runner.expire(now[0])
    assert (anna.wish, anna.status().state, ben.status().state) == ("", "running", "waiting")


def test_while_others_wait_a_long_training_gives_way_after_its_turn_and_comes_again(
    open_watched, submit, long, minute, is_one_sentence
):
    runner = open_watched()
    anna, ben = submit(runner, "anna", long), submit(runner, "ben", minute)
    order(anna, "step 449 900")
    wait_for_a_step(anna)
    assert (anna.wish, ben.status().wait_seconds) == ("", 1)
    anna.folder.checkpoint.touch()
    order(anna, "step 450 900")
    wait_until(ben, lambda status: status.state == "running")
    assert is_one_sentence(anna.status().note, "Others wait", "after 7.5 of its 15 minutes")
    order(ben, "step 59 60")
    wait_for_a_step(ben)
    order(ben, "finish")
    wait_until(anna, lambda status: status.state == "running")
    order(anna, "step 800 900")  # nobody waits, so no turn ends
    wait_until(anna, lambda status: status.progress.step == 800)
    assert (anna.wish, anna.status().state) == ("", "running")
    order(anna, "step 380 900")
    wait_until(anna, lambda status: status.progress.step == 380)
    carl = submit(runner, "carl", minute)
    assert carl.status().wait_seconds == 100  # the turn began at 30 s: 350 s of it are over, not 380 s
    order(anna, "finish")
    assert anna.wait(PATIENCE).state == "finished"


def test_a_stop_by_the_visitor_overrides_a_stop_by_the_queue(open_watched, submit, long):
    runner = open_watched()
    anna, ben = submit(runner, "anna", long), submit(runner, "ben", long)
    order(anna, "step 500 900")
    wait_until(anna, lambda _: anna.wish == "yield" or anna.record.state == "waiting")
    anna.stop()
    assert anna.wait(PATIENCE).state == "stopped"
    wait_until(ben, lambda status: status.state == "running")


def test_a_queue_full_of_trainings_that_nobody_came_back_to_is_open_to_whoever_is_here(
    open_watched, submit, here, now, long, is_one_sentence
):
    runner = open_watched(replace(BUSY, waiting_trainings=3))
    bots = [f"bot{number}" for number in range(4)]
    here |= set(bots)
    jobs = [submit(runner, bot, long) for bot in bots]
    with pytest.raises(TrainingError) as refusal:
        submit(runner, "anna")
    assert is_one_sentence(refusal.value, "queue is full (3 waiting)", "in about 16 minutes")
    leave(runner, here, now, *bots)
    with pytest.raises(TrainingError, match="queue is full"):
        submit(runner, "a bot without a page")
    anna = submit(runner, "anna")
    wait_until(anna, lambda status: status.state == "running")
    wait_until(jobs[0], lambda status: status.state == "waiting")
    assert [job.status().state for job in jobs] == ["waiting", "waiting", "waiting", "stopped"]
    assert is_one_sentence(jobs[3].status().note, "queue was full", "for 10 minutes")
    for owner in ("ben", "carl", "dora"):
        submit(runner, owner)
    assert [job.status().state for job in jobs] == ["stopped"] * 4
    order(anna, "finish")
    anna.wait(PATIENCE)
    wait_until(anna, lambda _: runner.status() == {"running": 1, "waiting": 2})
    here.add("bot3")
    jobs[3].resume()
    assert (jobs[3].status().state, jobs[3].status().note) == ("waiting", "")


def test_an_address_has_a_share_of_the_queue_and_is_never_written_down(
    open_watched, submit_from, here, now, caplog, root, is_one_sentence
):
    caplog.set_level(logging.DEBUG)
    runner = open_watched(replace(BUSY, address_trainings=2))
    anna, ben = (submit_from(runner, owner, "203.0.113.9") for owner in ("anna", "ben"))
    with pytest.raises(TrainingError) as refusal:
        submit_from(runner, "carl", "203.0.113.9")
    assert is_one_sentence(refusal.value, "2 trainings from your network", "in about 2 minutes")
    submit_from(runner, "dora", "203.0.113.10")
    submit_from(runner, "carl", "")
    here.add("eve")
    leave(runner, here, now, "ben")
    eve = submit_from(runner, "eve", "203.0.113.9")
    assert (ben.status().state, eve.status().state) == ("stopped", "waiting")
    with pytest.raises(TrainingError, match="from your network"):
        ben.resume()
    order(anna, "finish")
    anna.wait(PATIENCE)
    ben.resume()
    written = [path.read_bytes() for path in root.rglob("*") if path.is_file()]
    assert written
    assert not any(b"203.0.113" in content for content in written)
    assert not any("203.0.113" in str(vars(entry)) for entry in caplog.records)


def test_trainings_taken_up_from_disk_count_for_no_address(open_watched, submit_from):
    settings = replace(BUSY, address_trainings=1)
    runner = open_watched(settings)
    submit_from(runner, "anna", "203.0.113.9")
    runner.close()
    runner = open_watched(settings)
    assert submit_from(runner, "ben", "203.0.113.9").status().state == "waiting"


@pytest.fixture
def submit_from(mel_clips, minute, first):
    """Queues a training of one minute for an owner at a network address."""
    return lambda runner, owner, address: runner.submit(owner, mel_clips, minute, first, address=address)
