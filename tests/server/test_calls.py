"""Calls go on while a client listens for their answers; otherwise they end, and their answers are deleted."""

import gradio as gr
import pytest

from distill.server.askers import Asker
from distill.server.calls import FETCH_BY_HAND_SECONDS, FETCH_SECONDS, UNREAD_SECONDS, Calls
from distill.settings import Settings

ONE = Asker("one", "1.1.1.1", "page")


@pytest.fixture
def queue(blocks):
    return blocks._queue


@pytest.fixture
def blocks():
    with gr.Blocks() as blocks:
        gr.Button().click(lambda: 1, None, None, api_name="call")
    return blocks


@pytest.fixture
def calls(blocks, clock):
    return Calls(blocks, Settings(), clock)


def begin(calls, queue, event, page="page"):
    """Begin a call in the stand-in for Gradio's queue."""
    queue.event_ids_to_events[event] = object()
    queue.pending_event_ids_session.setdefault(page or event, set()).add(event)
    queue.pending_messages_per_session[page or event] = object()
    calls.begin(event, page, ONE)


def answer(queue, event):
    del queue.event_ids_to_events[event]


def fetch(queue, event, page="page"):
    queue.pending_event_ids_session[page].remove(event)


async def test_a_call_that_nobody_listens_for_is_ended_and_its_answer_forgotten(calls, queue, clock):
    begin(calls, queue, "call")
    clock.now += FETCH_SECONDS - 1
    await calls.tidy()
    assert calls.is_known("page")
    clock.now += 1
    await calls.tidy()
    await calls.tidy()
    assert not calls.is_known("page")
    assert calls._calls == {}


async def test_a_call_that_somebody_listens_for_goes_on_for_as_long_as_it_takes(calls, queue, clock):
    begin(calls, queue, "call")
    calls.listen("page")
    clock.now += 3600
    await calls.tidy()
    assert calls.check_event("call", ONE).page == "page"
    assert calls.is_known("page")


async def test_a_client_that_listens_again_in_time_loses_nothing(calls, queue, clock):
    begin(calls, queue, "call")
    calls.listen("page")
    clock.now += 100
    calls.leave("page")
    clock.now += FETCH_SECONDS - 1
    await calls.tidy()
    calls.listen("page")
    clock.now += 100
    await calls.tidy()
    assert calls.is_known("page")


async def test_a_call_that_joins_while_its_silent_page_is_tidied_up_keeps_its_answers(calls, queue, clock):
    begin(calls, queue, "first")
    calls.listen("page")
    answer(queue, "first")
    fetch(queue, "first")
    calls.leave("page")
    clock.now += FETCH_SECONDS
    with calls.joining(ONE):
        await calls.tidy()
        assert calls.is_known("page")
        begin(calls, queue, "second")
    calls.listen("page")
    await calls.tidy()
    assert calls.is_known("page")
    assert calls.check_event("second", ONE).page == "page"


async def test_a_new_call_is_not_ended_because_its_page_was_silent(calls, queue, clock):
    calls.listen("page")
    calls.leave("page")
    clock.now += FETCH_SECONDS - 1
    begin(calls, queue, "call")
    clock.now += 2
    await calls.tidy()
    assert calls.check_event("call", ONE)


async def test_by_hand_there_is_more_time_to_fetch_an_answer(calls, queue, clock):
    begin(calls, queue, "call", page="")
    answer(queue, "call")
    clock.now += FETCH_BY_HAND_SECONDS - 1
    await calls.tidy()
    assert calls.is_known("call")
    clock.now += 1
    await calls.tidy()
    await calls.tidy()
    assert not calls.is_known("call")


async def test_an_answer_that_a_listener_does_not_read_is_deleted_in_the_end(calls, queue, clock):
    begin(calls, queue, "call")
    calls.listen("page")
    answer(queue, "call")
    await calls.tidy()
    clock.now += UNREAD_SECONDS
    await calls.tidy()
    assert not calls.is_known("page")


async def test_a_fetched_answer_no_longer_counts(calls, queue, clock):
    begin(calls, queue, "call")
    calls.listen("page")
    answer(queue, "call")
    fetch(queue, "call")
    await calls.tidy()
    assert calls._calls == {}


async def test_a_page_that_is_over_is_forgotten_unless_somebody_listens(calls, queue, clock):
    begin(calls, queue, "call")
    begin(calls, queue, "other call", page="other page")
    calls.listen("other page")
    calls.abandon("page")
    calls.abandon("other page")
    await calls.tidy()
    assert not calls.is_known("page")
    assert calls.is_known("other page")
