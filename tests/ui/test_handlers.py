"""A failure reaches the page as one sentence; an unexpected error is logged once, under the reference on the page."""

import asyncio
import errno
import json
import logging
import re
from types import SimpleNamespace

import gradio as gr
import pytest

from distill.errors import GoneError, GridError
from distill.logs import JsonLines
from distill.server.askers import Asker
from distill.ui import live
from distill.ui.handlers import Call, Last, answer, handler, sentence, show


def raising(error):
    def function():
        raise error

    return function


def test_the_packages_own_errors_are_shown_as_they_are_and_not_logged(caplog):
    assert answer(raising(GridError("Code 64 is out of range."))) == {"error": "Code 64 is out of range."}
    assert answer(raising(GoneError("It is gone."))) == {"error": "It is gone.", "gone": True}
    assert not caplog.records


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ZeroDivisionError("secret"), "nothing of yours is lost"),
        (OSError(errno.ENOSPC, "No space left", "/secret/place"), "disk is full"),
        (PermissionError(errno.EACCES, "denied", "/secret/place"), "nothing of yours is lost"),
        (MemoryError("secret"), "no memory"),
        (RecursionError("secret"), "nothing of yours is lost"),
    ],
)
def test_any_other_error_is_logged_once_by_the_reference_that_is_shown(caplog, is_one_sentence, error, words):
    told = answer(raising(error))["error"]
    assert is_one_sentence(told, words)
    assert "secret" not in told
    (record,) = caplog.records
    assert re.search(r"reference (\w{8})\)", told)[1] == record.reference
    assert record.exc_info[1] is error


def test_the_log_is_one_json_object_a_line(caplog):
    caplog.set_level(logging.INFO)
    logging.getLogger("distill.test").info("upload", extra={"files": 3})
    sentence(ZeroDivisionError("two\nlines"))
    upload, fault = (json.loads(JsonLines().format(record)) for record in caplog.records)
    assert (upload["message"], upload["files"], upload["level"]) == ("upload", 3, "info")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", upload["time"])
    assert "ZeroDivisionError: two\nlines" in fault["traceback"]
    assert "\n" not in JsonLines().format(caplog.records[1])


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ({"x-gradio-user": "app"}, "R&amp;B &lt;b&gt; isn&#x27;t there."),
        ({"x-gradio-user": "api"}, "R&B <b> isn't there."),
        ({"x-gradio-user": "mcp", "origin": "http://here"}, "R&B <b> isn't there."),
        ({}, "R&B <b> isn't there."),
        ({"origin": "http://here"}, "R&amp;B &lt;b&gt; isn&#x27;t there."),
        ({"x-gradio-user": "another"}, "R&amp;B &lt;b&gt; isn&#x27;t there."),
    ],
)
def test_a_sentence_is_escaped_only_for_the_page_which_shows_it_as_html(headers, shown):
    with pytest.raises(gr.Error) as told:
        show(GridError("R&B <b> isn't there."), SimpleNamespace(headers=headers))
    assert told.value.message == shown


@pytest.mark.parametrize(("is_script", "shown"), [(True, "R&B <b>.wav"), (False, "R&amp;B &lt;b&gt;.wav")])
def test_a_warning_is_escaped_only_for_the_page(monkeypatch, is_script, shown):
    shown_to = []
    monkeypatch.setattr(gr, "Warning", shown_to.append)
    Call(None, None, None, is_script).warn("R&B <b>.wav")
    assert shown_to == [shown]


async def test_a_watched_call_ends_with_its_last_answer_and_waits_only_before_others(monkeypatch):
    """Gradio ignores presses of a button until its call has ended, and the last answer of a training enables it."""
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    async def take(asker, work, **_):
        return work()

    monkeypatch.setattr(asyncio, "sleep", sleep)
    turns = SimpleNamespace(take=take, spent=lambda address: 0.0)
    server = SimpleNamespace(turns=turns, visitors=SimpleNamespace(page=lambda *_: None))
    request = SimpleNamespace(state=SimpleNamespace(asker=Asker("one", "1.1.1.1", "page")), headers={})

    def steps(call):
        yield {"progress": "half"}
        yield Last({"progress": "all"})
        raise AssertionError

    answers = [answer async for answer in handler(server, None, every=0.5)(steps)(request)]
    assert answers == [{"progress": "half"}, {"progress": "all"}]
    assert waits == [0.5]


def test_a_training_ends_with_its_last_answer(monkeypatch):
    states = iter([SimpleNamespace(active=active, validation=None) for active in (True, False)])
    job = SimpleNamespace(id="job", status=lambda: next(states))
    tab = SimpleNamespace(
        curves="curves", health="health", preview="preview", shown_training="id", progress="progress",
        able=lambda status: {},
    )  # fmt: skip
    server = SimpleNamespace(visitors=SimpleNamespace(touch=lambda page: None))
    monkeypatch.setattr(live.views, "training_progress", lambda status, id: f"{status.active}")
    answers = list(live.follow(server, SimpleNamespace(address=""), tab, job))
    assert [answer["progress"] for answer in answers] == ["True", "False"]
    assert [isinstance(answer, Last) for answer in answers] == [False, True]
