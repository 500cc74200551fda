"""Many small calls use only their sender's turns; the tests count calls and check their order."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hostile import attacks
from tests.hostile.stage import IN_ORDER, Crowd, at_once, fair, visits
from tests.hostile.strangers import CALLS, memory_bytes, processor_seconds
from tests.waiting import PATIENCE, in_one_round

MIB = 2**20


@pytest.mark.parametrize("name", ["brackets", "many_cells", "auditions", "example_clips", "pictures", "tiny_files"])
def test_a_visitor_has_every_other_turn_beside_one_stranger(space, new_stage, new_stranger, name):
    fair(space, getattr(attacks, name)(new_stage(space)), new_stranger)


@pytest.mark.parametrize("name", ["example_clips", "pictures"])
def test_the_order_alone_gives_a_visitor_every_other_turn(narrow_space, new_stage, new_stranger, name):
    """In the order of their arrival, each edit would wait for about forty calls of the stranger."""
    fair(narrow_space, getattr(attacks, name)(new_stage(narrow_space)), new_stranger, **IN_ORDER)


def test_the_page_is_made_once_for_all(space, new_stranger):
    """To serve it costs about as much as to serve some words, packed or not."""
    visitor, calls = new_stranger(space), 15

    def spent(path, coding):
        before = processor_seconds(space)
        for _ in range(calls):
            assert visitor.http.get(path, headers={"Accept-Encoding": coding}).status_code == 200
        return processor_seconds(space) - before

    def costs_no_more_than_words(coding):
        words, page = spent("/health", coding), spent("/", coding)
        assert page < 3 * max(words, calls * 0.004), (coding, words, page)

    for coding in ("identity", "br", "gzip"):
        spent("/", coding)
        in_one_round(lambda coding=coding: costs_no_more_than_words(coding))


def test_brackets_take_no_memory(space, new_stage):
    send = attacks.brackets(new_stage(space))
    send()
    before = memory_bytes(space, "VmHWM")
    at_once(lambda number: send(), 30)
    assert memory_bytes(space, "VmHWM") - before < 200 * MIB


def test_headers_that_never_end_hold_up_nobody(space, new_stage, new_stranger, six_clips):
    stage = new_stage(space)
    send = attacks.headers_that_never_end(stage)
    with Crowd(send, 50):
        visits(new_stranger(space), six_clips)
        stage.stop.set()


# Ordinary visitors who share an address.


def test_thirty_gentle_visitors_from_one_address_lose_nothing(space, new_stranger, addresses, six_clips):
    address, together = addresses.new(), 30
    ready = threading.Barrier(together)

    def work(number):
        visitor = new_stranger(space, address=address)
        visitor.open_page()
        ready.wait(PATIENCE)
        for edit in range(1, 4):
            time.sleep(0.2 * ((number * 7 + edit) % 10))
            code = (int(visitor.indices[0, 0, edit]) + edit) % visitor.codebook_size
            answer = visitor.serve("edit", kind="paint", level=0, cells=[[0, edit]], code=code, id=f"{number}-{edit}")
            assert answer["edits"] == edit
            assert answer["codes"] == [code]
            visitor.serve("audition", **CALLS["audition"])
        if number < 6:
            listed = visitor.call("add_clips", visitor.upload(*six_clips))[0]
            assert "secret-5" in listed
        assert visitor.http.get("/").status_code == 200
        return True

    with ThreadPoolExecutor(together) as pool:
        assert all(pool.map(work, range(together)))
