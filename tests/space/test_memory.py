"""After many visits the server takes no more memory than after a few, and keeps nothing of these visits.

``pytest -m slow tests/space/test_memory.py -s`` makes 200 visits and prints the memory before and after.
"""

import time

import pytest

from distill.audio import load_clip
from tests.waiting import until


def visit(new_visitor, space, clip):
    """Open the page, upload a sound, listen, edit, export, and leave."""
    visitor = new_visitor(space)
    visitor.open_page()
    visitor.call("explore", visitor.upload(clip)[0])
    visitor.call("explore_decode")
    visitor.call("set_codes", 0, 0, 7, 0, 3, 9)
    visitor.call("export")
    visitor.close()


def when_all_are_gone(space):
    """Memory in MB and files on disk in bytes, once every visit has ended."""
    until(lambda: space.health()["visitors"] == 0)
    time.sleep(1)  # tidying up goes on
    health = space.health()
    return health["memory_bytes"] / 2**20, health["disk_bytes"]


def run(new_space, new_visitor, examples, first, then):
    space = new_space(visit_absent_seconds=5)
    clips = sorted((examples / "clips").glob("*.flac"))
    clips = [clip for clip in clips if load_clip(clip).seconds < 6]
    for number in range(first):
        visit(new_visitor, space, clips[number % len(clips)])
    before, disk_before = when_all_are_gone(space)
    for number in range(then):
        visit(new_visitor, space, clips[number % len(clips)])
    after, disk_after = when_all_are_gone(space)
    print(f"after {first} visits {before:.0f} MB, after {then} more {after:.0f} MB ({after / before - 1:+.1%})")
    return before, after, disk_before, disk_after


def test_twenty_visits_leave_no_more_memory_taken_than_ten(new_space, new_visitor, examples):
    before, after, _, _ = run(new_space, new_visitor, examples, 10, 10)
    assert after < 1.1 * before


@pytest.mark.slow
def test_200_visits_leave_no_more_memory_taken_than_twenty(new_space, new_visitor, examples):
    before, after, _, _ = run(new_space, new_visitor, examples, 20, 180)
    assert after < 1.1 * before
