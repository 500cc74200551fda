"""The order and the limits of visitors' work, with a clock that the tests set."""

import asyncio
import gc
import os
import threading
import weakref

import pytest

from distill.errors import FullError
from distill.server.askers import Asker
from distill.server.turns import ADDRESS_STARTED, HALF_LIFE_SECONDS, LIGHT_SECONDS, LOWER_PRIORITY, Turns
from distill.settings import Settings
from tests.waiting import PATIENCE, until

ONE, OTHER = Asker("one", "1.1.1.1"), Asker("other", "2.2.2.2")


def turns_of(clock, **limits):
    return Turns(Settings(**({"computing": 2} | limits)), clock=clock)


class Work:
    """Work that tells when it has begun, and ends when the test lets it."""

    def __init__(self, done, name, seconds=0.0, clock=None):
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.done, self.name, self.seconds, self.clock = done, name, seconds, clock

    def __call__(self):
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        if self.clock:
            self.clock.now += self.seconds
        self.done.append(self.name)
        return self.name


async def begun(work):
    assert await asyncio.to_thread(work.begun.wait, PATIENCE)


async def settled():
    for _ in range(5):
        await asyncio.sleep(0.01)


async def test_results_are_returned_and_errors_are_raised(clock):
    turns = turns_of(clock)
    assert await turns.take(ONE, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await turns.take(ONE, lambda: 1 / 0)
    assert await turns.take(ONE, lambda: 8) == 8


async def test_one_address_never_takes_all_places(clock):
    turns, done = turns_of(clock), []
    mine = [Work(done, f"mine {number}") for number in range(3)]
    tasks = [asyncio.create_task(turns.take(ONE, work)) for work in mine]
    await begun(mine[0])
    assert await asyncio.wait_for(turns.take(OTHER, lambda: "at once"), PATIENCE) == "at once"
    assert not mine[1].begun.is_set()
    for work in mine:
        work.go_on.set()
    await asyncio.gather(*tasks)
    assert done == ["mine 0", "mine 1", "mine 2"]


async def test_whoever_used_least_goes_first(clock):
    turns, done = turns_of(clock, computing=1), []
    first = Work(done, "long", seconds=5.0, clock=clock)
    tasks = [asyncio.create_task(turns.take(ONE, first))]
    await begun(first)
    later = [(ONE, "mine"), (Asker("two", "1.1.1.1"), "of my address"), (OTHER, "another's")]
    tasks += [asyncio.create_task(turns.take(asker, lambda name=name: done.append(name))) for asker, name in later]
    await settled()
    first.go_on.set()
    await asyncio.gather(*tasks)
    assert done == ["long", "another's", "of my address", "mine"]


async def test_used_seconds_are_forgotten_with_time(clock):
    turns = turns_of(clock)

    def work():
        clock.now += 8.0

    await turns.take(ONE, work)
    assert turns.spent("one") == turns.spent("1.1.1.1") == 8.0
    clock.now += HALF_LIFE_SECONDS
    assert turns.spent("one") == pytest.approx(4.0)


async def test_long_work_gives_way_between_its_pieces(clock):
    turns, done, piece = turns_of(clock, computing=1), [], Work([], "")

    def long():
        for number in range(3):
            clock.now += 1.0
            done.append(f"piece {number}")
            if number == 0:
                piece()
            turns.pause()
        return "whole"

    whole = asyncio.create_task(turns.take(ONE, long))
    await begun(piece)
    edit = asyncio.create_task(turns.take(OTHER, lambda: done.append("edit")))
    await settled()
    piece.go_on.set()
    assert await whole == "whole"
    await edit
    assert done == ["piece 0", "edit", "piece 1", "piece 2"]


async def test_works_with_the_same_key_run_one_after_another_and_hold_no_place_while_they_wait(clock):
    turns, done = turns_of(clock, computing=3), []
    first = Work(done, "first")
    tasks = [asyncio.create_task(turns.take(ONE, first, keys=["clip"]))]
    await begun(first)
    threads = threading.active_count()
    waiting = [asyncio.create_task(turns.take(ONE, lambda: done.append("same"), keys=["clip"])) for _ in range(20)]
    await settled()
    assert threading.active_count() == threads
    await turns.take(ONE, lambda: done.append("else"), keys=["other clip"])
    first.go_on.set()
    await asyncio.gather(*tasks, *waiting)
    assert done == ["else", "first", *["same"] * 20]


async def test_cancelled_work_is_dropped_before_it_begins_or_at_its_next_pause(clock):
    turns, done, piece = turns_of(clock, computing=1), [], Work([], "")

    def long():
        piece()
        turns.pause()
        done.append("went on")

    whole = asyncio.create_task(turns.take(ONE, long))
    await begun(piece)
    waiting = asyncio.create_task(turns.take(ONE, lambda: done.append("began")))
    await settled()
    for task in (waiting, whole):
        task.cancel()
    await settled()
    assert turns.num_waiting == 0
    piece.go_on.set()
    assert await turns.take(OTHER, lambda: "free") == "free"
    assert done == []


@pytest.mark.parametrize(
    ("limits", "askers"),
    [
        ({"visit_turns": 3}, [ONE] * 4),
        ({"address_turns": 3}, [Asker(str(number), "1.1.1.1") for number in range(4)]),
        ({"turns": 3}, [Asker(str(number), f"1.1.1.{number}") for number in range(4)]),
    ],
)
async def test_too_many_that_wait_are_told_when_to_come_back(clock, limits, askers, is_one_sentence):
    turns, first = turns_of(clock, computing=1, **limits), Work([], "")
    tasks = [asyncio.create_task(turns.take(OTHER, first))]
    await begun(first)
    tasks += [asyncio.create_task(turns.take(asker, lambda: None)) for asker in askers[:3]]
    await settled()
    with pytest.raises(FullError) as told:
        await turns.take(askers[3], lambda: None)
    assert is_one_sentence(told.value, "seconds")
    first.go_on.set()
    await asyncio.gather(*tasks)


async def test_work_that_waits_too_long_is_refused(clock, is_one_sentence):
    turns, first = turns_of(clock, computing=1, turn_seconds=1), Work([], "")
    task = asyncio.create_task(turns.take(OTHER, first))
    await begun(first)
    clock.now = 30.0
    waiting = asyncio.create_task(turns.take(ONE, lambda: None))
    await settled()
    clock.now = 55.0
    assert turns.longest_wait == 25.0
    with pytest.raises(FullError) as told:
        await waiting
    assert is_one_sentence(told.value)
    first.go_on.set()
    await task


async def test_whoever_uses_much_computes_with_a_lower_priority(clock):
    turns = turns_of(clock)

    def niceness():
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    usual = await turns.take(ONE, niceness)

    def work():
        clock.now += LIGHT_SECONDS + 1

    await turns.take(ONE, work)
    assert await turns.take(ONE, niceness) == max(usual, LOWER_PRIORITY)
    assert await turns.take(OTHER, niceness) == usual


async def test_one_address_has_begun_no_more_than_a_few_works_however_many_cookies_it_has(clock):
    turns, begun_at, all_there, go_on = turns_of(clock, computing=2), [], threading.Event(), threading.Event()

    def long(number):
        begun_at.append(number)
        assert all_there.wait(PATIENCE)
        for _ in range(50):
            clock.now += 0.1
            turns.pause()
        assert go_on.wait(PATIENCE)

    tasks = [
        asyncio.create_task(turns.take(Asker(str(number), "1.1.1.1"), lambda number=number: long(number)))
        for number in range(20)
    ]
    await settled()
    all_there.set()
    while len(begun_at) < ADDRESS_STARTED:
        await asyncio.sleep(0.01)
    await settled()
    assert len(begun_at) == ADDRESS_STARTED
    assert await asyncio.wait_for(turns.take(OTHER, lambda: "at once"), PATIENCE) == "at once"
    go_on.set()
    await asyncio.gather(*tasks)
    assert sorted(begun_at) == list(range(20))


async def test_an_address_that_used_much_has_one_place_while_others_are_present(clock):
    turns, done = turns_of(clock, computing=3), []

    def much():
        clock.now += LIGHT_SECONDS + 1

    await turns.take(ONE, much)
    await turns.take(OTHER, lambda: None)
    works = [Work(done, str(number)) for number in range(2)]
    tasks = [asyncio.create_task(turns.take(ONE, work)) for work in works]
    await begun(works[0])
    await settled()
    assert not works[1].begun.is_set()
    for work in works:
        work.go_on.set()
    await asyncio.gather(*tasks)


async def test_paused_work_whose_turn_does_not_come_again_ends_with_a_sentence(clock, is_one_sentence):
    turns, piece, short = turns_of(clock, computing=1, turn_seconds=1), Work([], ""), Work([], "")

    def long():
        piece()
        clock.now += 5
        turns.pause()

    whole = asyncio.create_task(turns.take(ONE, long))
    await begun(piece)
    other = asyncio.create_task(turns.take(OTHER, short))
    await settled()
    piece.go_on.set()
    await begun(short)
    with pytest.raises(FullError) as told:
        await whole
    assert is_one_sentence(told.value)
    short.go_on.set()
    await other
    assert await turns.take(ONE, lambda: "free") == "free"


async def test_between_visitors_who_used_equally_little_brief_work_goes_first(clock):
    turns, done, first = turns_of(clock, computing=1), [], Work([], "")
    tasks = [asyncio.create_task(turns.take(OTHER, first))]
    await begun(first)
    for number in range(3):
        asker = Asker(str(number), "1.1.1.1")
        tasks.append(asyncio.create_task(turns.take(asker, lambda: done.append("long"))))
    tasks.append(asyncio.create_task(turns.take(Asker("late", "1.1.1.1"), lambda: done.append("brief"), is_brief=True)))
    await settled()
    first.go_on.set()
    await asyncio.gather(*tasks)
    assert done == ["brief", "long", "long", "long"]


async def test_the_order_does_not_change_while_the_clock_runs(clock):
    class Running:
        now = 0.0

        def __call__(self):
            self.now += 0.001
            return self.now

    turns, done, first = turns_of(Running(), computing=1), [], Work([], "")

    def much():
        turns._clock.now += 2

    await turns.take(Asker("early", "1.1.1.1"), much)
    tasks = [asyncio.create_task(turns.take(OTHER, first))]
    await begun(first)
    for number in range(5):
        asker = Asker(str(number), "1.1.1.1")
        tasks.append(asyncio.create_task(turns.take(asker, lambda number=number: done.append(number))))
    await settled()
    first.go_on.set()
    await asyncio.gather(*tasks)
    assert done == [0, 1, 2, 3, 4]


class Held:
    """Something of a visitor that work uses."""


async def use(turns, held, *, fails):
    """Let work use something; an error is told, and forgotten."""

    def work():
        if fails:
            raise ValueError("no")
        return held

    try:
        return (await turns.take(ONE, work)) is held
    except ValueError:
        return True


@pytest.mark.parametrize("fails", [False, True])
async def test_what_work_has_used_is_freed_at_once_whether_it_succeeds_or_fails(clock, fails):
    turns, held = turns_of(clock), Held()
    left = weakref.ref(held)
    gc.disable()  # a circle of references would wait for it
    try:
        assert await use(turns, held, fails=fails)
        del held
        await settled()
        assert left() is None
    finally:
        gc.enable()


async def test_work_that_waits_for_the_network_leaves_its_place_to_others_and_comes_back(clock):
    turns, done = turns_of(clock, computing=1), []
    arrived, other = threading.Event(), Work(done, "other")

    def fetching():
        with turns.aside():
            turns.pause()  # it may ask whether a client still waits
            assert arrived.wait(PATIENCE)
        done.append("fetched")
        turns.pause()
        return "opened"

    fetched = asyncio.create_task(turns.take(ONE, fetching))
    computing = asyncio.create_task(turns.take(OTHER, other))
    await begun(other)  # there is one place alone
    arrived.set()
    await settled()
    assert done == []  # and it is taken now
    other.go_on.set()
    assert await asyncio.wait_for(fetched, PATIENCE) == "opened"
    await computing
    assert done == ["other", "fetched"]


async def test_work_that_waits_for_the_network_ends_when_nobody_waits_for_it(clock):
    turns, began, ended = turns_of(clock), threading.Event(), threading.Event()

    def fetching():
        try:
            with turns.aside():
                began.set()
                until(turns.pause)
        finally:
            ended.set()

    task = asyncio.create_task(turns.take(ONE, fetching))
    assert await asyncio.to_thread(began.wait, PATIENCE)
    task.cancel()
    assert await asyncio.to_thread(ended.wait, PATIENCE)
    assert await asyncio.wait_for(turns.take(ONE, lambda: "free"), PATIENCE) == "free"


async def test_a_failure_beside_its_turn_is_raised_and_frees_the_place(clock):
    turns = turns_of(clock, computing=1)

    def failing():
        with turns.aside():
            raise FullError("no network")

    with pytest.raises(FullError, match="no network"):
        await turns.take(ONE, failing)
    assert await asyncio.wait_for(turns.take(ONE, lambda: "free"), PATIENCE) == "free"
