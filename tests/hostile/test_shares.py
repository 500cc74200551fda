"""One stranger's requests never use more than one stranger's share; the attacks here are small.

``python -m tests.hostile.round`` sends the same attacks at full size, and measures a visitor's waiting times.
"""

import hashlib
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.hostile import attacks
from tests.hostile.attacks import write_codecs
from tests.hostile.stage import EDITS, at_once, fair, visits
from tests.hostile.strangers import (
    answered,
    closing,
    disk_bytes,
    half_upload,
    is_one_refused,
    long_text,
    memory_bytes,
    processor_seconds,
    write_sound,
)
from tests.space.visiting import TidySpace
from tests.waiting import PATIENCE, in_one_round, until

MIB = 2**20


@pytest.fixture(scope="module")
def disk_space(start_space):
    return start_space(disk_bytes=200 * MIB, upload_bytes=100 * MIB, visit_disk_bytes=24 * MIB)


@pytest.fixture(scope="module")
def memory_space(start_space):
    return start_space(TidySpace, memory_bytes=32 * MIB, visit_memory_bytes=24 * MIB)


@pytest.fixture(scope="module")
def queue_space(start_space):
    return start_space(TidySpace, visits=20, waiting_trainings=4, visit_absent_seconds=3, training_absent_seconds=1)


# Uploads and disk.


def test_uploads_that_are_only_announced_take_no_room_and_one_address_has_a_few(
    disk_space, new_stranger, addresses, six_clips
):
    stranger = addresses.new()
    slow = [half_upload(disk_space.url, address=stranger, announced=90 * MIB) for _ in range(40)]
    with closing(slow):
        visits(new_stranger(disk_space), six_clips)
        lines = answered(slow, PATIENCE, is_one_refused)
        assert is_one_refused(lines)
        assert not [line for line in lines if line and " 429 " not in line], set(lines)


def test_a_stranger_over_a_limit_reads_a_sentence_with_a_time(disk_space, new_stranger, addresses, is_one_sentence):
    stranger = new_stranger(disk_space, address=addresses.new())
    theirs = [f"Cookie: distill={stranger.cookie}"]
    slow = [half_upload(disk_space.url, address=stranger.address, announced=MIB, headers=theirs) for _ in range(40)]
    with closing(slow):
        answered(slow, PATIENCE, is_one_refused)
        refused = stranger.http.post("/gradio_api/upload", files=[("files", ("a.wav", b"RIFF"))])
        assert refused.status_code == 429
        assert is_one_sentence(refused.text)
        assert "second" in refused.text or "minute" in refused.text
        assert int(refused.headers["retry-after"]) > 0


def test_a_visitors_ceiling_holds_when_much_is_sent_at_once(disk_space, new_stranger, tmp_path):
    visitor = new_stranger(disk_space)
    (tmp_path / "four.wav").write_bytes(b"RIFF" + bytes(4 * MIB))
    answers = at_once(lambda number: visitor.upload(tmp_path / "four.wav"), 12)
    assert 1 <= len([answer for answer in answers if isinstance(answer, list)]) <= 6
    own = disk_space.folder / "files" / hashlib.sha256(visitor.cookie.encode()).hexdigest()[:32]
    assert 0 < disk_bytes(own) <= 24 * MIB


def test_files_made_from_an_upload_count_for_its_sender(disk_space, new_stranger, tmp_path):
    visitor = new_stranger(disk_space)
    before = disk_bytes(disk_space.folder)
    sets = [
        [write_sound(tmp_path / f"{name}{n}.flac", seconds, n) for n in range(6)]
        for name, seconds in (("a", 7), ("b", 14))
    ]
    assert sum(path.stat().st_size for clips in sets for path in clips) < 3 * MIB
    visitor.call("add_clips", visitor.upload(*sets[0]))
    visitor.join("train", 2, 8, 0.25, 5, True)
    until(lambda: disk_bytes(disk_space.folder / "jobs") > 0)
    visitor.stop()
    with suppress(AssertionError):  # it may be refused, or what was there before may go
        visitor.call("add_clips", visitor.upload(*sets[1]))
    assert disk_bytes(disk_space.folder) - before <= 24 * MIB


def test_files_are_counted_as_they_come_and_go_and_never_walked_in_a_request(space, new_stranger):
    """A call for the use of the disk costs the same with three thousand more files in the folder."""
    visitor, calls = new_stranger(space), 50

    def spent():
        before = processor_seconds(space)
        for _ in range(calls):
            visitor.http.get("/health")
        return processor_seconds(space) - before

    owner = hashlib.sha256(visitor.cookie.encode()).hexdigest()[:32]
    folder = space.folder / "files" / owner / "0123456789abcdef"

    def cost_nothing():
        few = spent()
        for number in range(3000):
            (folder / str(number)).mkdir(parents=True)
            (folder / str(number) / "a.wav").write_bytes(b"abc")
        many = spent()
        shutil.rmtree(folder)
        assert many < 3 * max(few, 0.05), (few, many)

    visitor.open_page()
    spent()
    in_one_round(cost_nothing)


def test_the_disk_bytes_of_health_grow_and_shrink_with_the_files(space, new_stranger, tmp_path):
    visitor = new_stranger(space)
    (tmp_path / "one.wav").write_bytes(b"RIFF" + bytes(MIB))
    before = space.health()["disk_bytes"]
    visitor.upload(tmp_path / "one.wav")
    assert space.health()["disk_bytes"] - before >= MIB
    visitor.http.post("/leave", json={})
    until(lambda: space.health()["disk_bytes"] - before < MIB)


# Decoding, and edits of long clips.


def test_a_file_that_is_named_many_times_is_read_once(space, new_stranger, tmp_path):
    visitor = new_stranger(space)
    path = write_sound(tmp_path / "named.flac", 60)

    def spent(times):
        (file,) = visitor.upload(path)
        before = processor_seconds(space)
        with suppress(AssertionError):  # the server may refuse a file that is named twice
            visitor.call("add_clips", [file] * times)
        return processor_seconds(space) - before

    spent(1)

    def costs_as_much_as_once():
        once, often = spent(1), spent(60)
        assert often < 5 * max(once, 0.1), (once, often)

    in_one_round(costs_as_much_as_once)


def test_long_jobs_do_not_stand_before_a_short_one(space, new_stranger, addresses, six_clips, tmp_path):
    address, visitor = addresses.new(), new_stranger(space)
    strangers = [new_stranger(space, address=address) for _ in range(4)]
    paths = [write_sound(tmp_path / f"{number}.flac", 60, number) for number in range(12)]
    named = [stranger.upload(*paths) for stranger in strangers]
    with ThreadPoolExecutor(4) as aside:
        long = [aside.submit(*each) for each in zip([s.call for s in strangers], ["add_clips"] * 4, named, strict=True)]
        before = processor_seconds(space)
        until(lambda: processor_seconds(space) - before > 0.2)  # they are being read
        listed = visitor.call("add_clips", visitor.upload(*six_clips))[0]
        over = [each.done() and each.exception() is None for each in long]
        assert "secret-5" in listed
        assert sum(over) < 2, over


def test_the_memory_of_an_edit_does_not_follow_the_clip(space, new_stranger, codec):
    """A clip of one minute itself keeps two sounds in memory, the original and the edited one, 11 MB each."""
    stranger = new_stranger(space)
    stranger.open_text(long_text(codec, 60))
    stranger.paint(code=1)  # from here on there are two sounds of it
    last = stranger.shape[2] - 1
    region = {"levels": [0, 0], "rows": [0, 7], "columns": [0, last]}

    def takes_little():
        with open(f"/proc/{space.process.pid}/clear_refs", "w") as file:
            file.write("5")  # what was the most memory so far is forgotten
        before = memory_bytes(space, "VmHWM")
        for asked in (
            {"kind": "set", **region, "code": 5}, {"kind": "undo"},
            {"kind": "paint", "level": 0, "cells": [[0, 0], [0, last]], "code": 9},
        ):  # fmt: skip
            stranger.post("component_server", stranger.serving("edit", **asked))
        assert memory_bytes(space, "VmHWM") - before < 150 * MIB

    in_one_round(takes_little)


def test_an_answer_is_no_larger_than_what_was_asked_for(space, new_stranger, codec):
    """The answer to an edit at both ends of a clip has only both ends."""
    stranger = new_stranger(space)
    stranger.open_text(long_text(codec, 30))
    ends = [0, stranger.shape[2] - 1]

    def size(*columns):
        asked = {"kind": "paint", "level": 0, "cells": [[row, column] for column in columns for row in range(8)]}
        code = 1 + len(columns) + (columns[0] > 0)
        answer = stranger.post("component_server", stranger.serving("edit", **asked, code=code))
        assert "error" not in answer.json()
        return len(answer.content)

    assert size(*ends) < 2 * (size(ends[0]) + size(ends[1]))


def test_requests_for_a_clip_that_is_being_edited_hold_up_nobody_else(space, new_stage, new_stranger):
    """Edits of a cell are more than the edits of a whole clip meanwhile: they do not wait for the end of one each."""
    send = attacks.a_clip_asked_for_and_hung_up(new_stage(space, seconds=60))
    fair(space, send, new_stranger, connections=2, most=EDITS - 2)


@pytest.mark.parametrize("name", ["long_grids_edited_at_once", "both_ends_of_a_long_grid"])
def test_long_edits_leave_a_visitor_their_turn(space, new_stage, new_stranger, name):
    fair(space, getattr(attacks, name)(new_stage(space)), new_stranger, connections=8)


# Memory.


def test_codecs_count_in_memory(memory_space, new_stranger, addresses, tmp_path):
    address, paths = addresses.new(), write_codecs(tmp_path, 16, size=8, dim=512)

    def load(number):
        stranger = new_stranger(memory_space, address=address)
        stranger.call("load_codec", stranger.upload(paths[number])[0])

    for number in range(4):  # what is made once for good is there by then
        load(number)
    before, refused = memory_bytes(memory_space), 0
    for number in range(4, 16):
        try:
            load(number)
        except AssertionError:
            refused += 1
    assert sum(path.stat().st_size for path in paths[4:]) > 60 * MIB
    if not refused:  # the server keeps 32 MiB; the C library gives freed memory back when the server tidies up
        until(lambda: memory_bytes(memory_space) - before < 40 * MIB, patience=60)


def test_the_memory_for_clips_is_shared(memory_space, new_stranger, addresses, six_clips, tmp_path):
    address = addresses.new()
    path = write_sound(tmp_path / "long.flac", 60)
    for _ in range(5):
        with suppress(AssertionError):  # the server may tell this stranger that there is no more memory
            new_stranger(memory_space, address=address).open_clip(path)
    visits(new_stranger(memory_space), six_clips)


def test_equal_codecs_are_one_in_memory(start_space, new_stranger, tmp_path):
    """As many codecs that differ, loaded in the same way, take more: of the order of what their files hold."""
    space, (one, *others) = start_space(TidySpace), write_codecs(tmp_path, 7, size=256, dim=512)

    def bytes_after(paths):
        """The least in six rounds of tidying up, in which the server gives back what is free."""
        for path in paths:
            stranger = new_stranger(space)
            stranger.call("load_codec", stranger.upload(path)[0])
        return min((time.sleep(TidySpace.TIDY_SECONDS), memory_bytes(space))[1] for _ in range(6))

    before, equal, different = bytes_after([one]), bytes_after([one] * len(others)), bytes_after(others)
    held = sum(path.stat().st_size for path in others)
    assert (different - equal) - (equal - before) > held / 2, (before, equal, different)


# The queues.


def test_answers_that_nobody_fetches_go_with_their_page(queue_space, new_stage, new_stranger, six_clips):
    send = attacks.answers_that_nobody_fetches(new_stage(queue_space, seconds=30))
    before = memory_bytes(queue_space)
    taken = [send() for _ in range(40)]
    assert any(taken)
    visitor = new_stranger(queue_space)
    visitor.open_page()
    until(lambda: memory_bytes(queue_space) - before < 25 * MIB)


def test_a_full_queue_of_one_stranger_is_full_for_nobody_else(queue_space, new_stage, new_stranger, six_clips):
    send = attacks.texts_that_nobody_fetches(new_stage(queue_space))
    taken = at_once(lambda number: send(), 60)
    visits(new_stranger(queue_space), six_clips)
    assert not all(taken)  # each stranger has only a share of the queue


def test_the_trainings_of_one_stranger_do_not_fill_the_queue(queue_space, new_stage, new_stranger, six_clips):
    send = attacks.trainings_that_nobody_waits_for(new_stage(queue_space))
    for _ in range(5):
        with suppress(AssertionError):
            send()
    visitor = new_stranger(queue_space)

    def is_begun():
        """Refused until those whose pages were closed a moment ago count as gone."""
        visitor.reload()
        with suppress(AssertionError):
            visitor.call("add_clips", visitor.upload(*six_clips))
            return "data-training" in next(iter(visitor.stream("train", 2, 8, 0.25, 0.1, True)))[0]

    until(is_begun)
    assert queue_space.health()["trainings"]["waiting"] <= 4


@pytest.mark.slow
def test_a_training_whose_page_is_open_does_not_wait_for_those_of_closed_pages(
    start_space, new_stage, new_stranger, six_clips
):
    space = start_space(visit_absent_seconds=5)
    send = attacks.trainings_that_nobody_waits_for(new_stage(space))
    for _ in range(21):
        with suppress(AssertionError):
            send()
    visitor = new_stranger(space)
    visitor.call("add_clips", visitor.upload(*six_clips))
    told, began = [], time.monotonic()
    for live in visitor.stream("train", 2, 8, 0.25, 0.2, True):
        told.append(live[0])
        assert time.monotonic() - began < 1200
    assert "Finished" in told[-1]
