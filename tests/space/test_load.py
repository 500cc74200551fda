"""Many visitors edit and listen at once, with and without a training beside them: no edit is lost, no answer is wrong.

``pytest -m slow tests/space/test_load.py -s`` runs 32 visitors for two minutes each way and prints their waiting times.
"""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import numpy as np
import pytest

from tests.space.visiting import samples, unpacked
from tests.waiting import PATIENCE

PAUSE = 2.0
"""Mean seconds between two actions of a visitor, as of a person at work."""


class Player:
    """A visitor who edits the grid, and keeps a copy of the codes that it should have."""

    def __init__(self, visitor, seed):
        self.visitor, self.random = visitor, random.Random(seed)
        self.grids, self.waited = [visitor.indices], {"edit": [], "undo": [], "listen": [], "audition": []}

    def play(self, until):
        while time.monotonic() < until:
            time.sleep(self.random.uniform(0, 2 * PAUSE))
            action = self.random.choices(["edit", "undo", "listen", "audition"], [10, 2, 1, 2])[0]
            began = time.monotonic()
            getattr(self, action)()
            self.waited[action].append(time.monotonic() - began)

    def edit(self):
        (levels, rows, columns), before = self.visitor.shape, self.grids[-1]
        level, row, column = (self.random.randrange(size) for size in (levels, rows, columns))
        code = (
            before[level, row, column] + self.random.randrange(1, self.visitor.codebook_size)
        ) % self.visitor.codebook_size
        after = before.copy()
        after[level, row, column] = code
        answer = self.visitor.serve(
            "edit", kind="paint", level=level, cells=[[row, column]], code=int(code), id=str(self.random.random())
        )
        position = np.ravel_multi_index((level, row, column), before.shape)
        assert (answer["positions"], answer["codes"]) == ([position], [code])
        self.grids.append(after)
        self.heard(answer)

    def undo(self):
        answer = self.visitor.serve("edit", kind="undo", id=str(self.random.random()))
        if len(self.grids) == 1:
            assert answer["positions"] == []
            return
        undone, now = self.grids.pop(), self.grids[-1]
        changed = np.flatnonzero(undone != now)
        assert answer["positions"] == changed.tolist()
        assert answer["codes"] == now.flat[changed].tolist()
        assert answer["edits"] == len(self.grids) - 1
        self.heard(answer)

    def heard(self, answer):
        self.last = answer["start"], samples(answer["flac"])

    def listen(self):
        answer = self.visitor.serve("sound", track="edited", piece=0)
        assert len(samples(answer["flac"])) > 0

    def audition(self):
        answer = self.visitor.serve("audition", level=self.random.randrange(3), code=self.random.randrange(64))
        assert len(samples(answer["flac"])) == 3 * 16 * 512

    def check(self):
        """Check that the server has the painted grid, that its sound has the last edit, and that reverting works."""
        assert np.array_equal(unpacked(self.visitor.serve("edit", kind="look")["indices"]), self.grids[-1].ravel())
        if hasattr(self, "last"):
            start, expected = self.last
            assert np.array_equal(self.visitor.edited_sound()[start : start + len(expected)], expected)
        answer = self.visitor.serve("edit", kind="reset")
        assert answer["edits"] == len(self.grids) - (len(self.grids) == 1)
        assert np.array_equal(unpacked(self.visitor.serve("edit", kind="look")["indices"]), self.grids[0].ravel())


def hold(space, new_visitor, count, seconds):
    """Run ``count`` visitors for so many seconds; returns their waiting times in seconds, by kind of action."""
    visitors = [new_visitor(space) for _ in range(count)]
    with ThreadPoolExecutor(count) as together:
        list(together.map(lambda visitor: visitor.open_page(), visitors))
        players = [Player(visitor, seed) for seed, visitor in enumerate(visitors)]
        until = time.monotonic() + seconds
        list(together.map(lambda player: player.play(until), players))
        list(together.map(Player.check, players))
    return {kind: np.concatenate([player.waited[kind] for player in players]) for kind in players[0].waited}


def tell(what, waited):
    for kind, seconds in waited.items():
        if len(seconds):
            median, most = np.percentile(seconds, [50, 95]) * 1000
            print(f"{what}, {kind}: {len(seconds)}, median {median:.0f} ms, 95th percentile {most:.0f} ms")


def begin_training(space, new_visitor, examples, minutes):
    """Begin a training of one more visitor; returns the list to which the lines of its progress are appended."""
    visitor, said, began = new_visitor(space), [], threading.Event()
    visitor.call("add_clips", visitor.upload(*sorted((examples / "clips").glob("*.flac"))))

    def train():
        with suppress(httpx.TransportError):  # the server ends before the training does
            for live in visitor.stream("train", 3, 32, 0.25, minutes, True):
                said.append(live[0])
                if "s left" in live[0]:
                    began.set()

    threading.Thread(target=train, daemon=True).start()
    assert began.wait(PATIENCE)
    return said


def run(new_space, new_visitor, examples, count, seconds):
    space = new_space()
    tell(f"{count} visitors", hold(space, new_visitor, count, seconds))
    said = begin_training(space, new_visitor, examples, minutes=max(0.3, seconds / 60 + 0.5))
    tell(f"{count} visitors and a training", hold(space, new_visitor, count, seconds))
    assert "s left" in said[-1]  # the training ran all the time
    entries, _ = space.log()
    assert not [entry for entry in entries if entry["level"] in ("error", "warning")]
    print(f"memory of the server: {space.health()['memory_bytes'] / 2**20:.0f} MB")


def test_a_few_visitors_lose_no_edit_beside_a_training(new_space, new_visitor, examples):
    run(new_space, new_visitor, examples, count=6, seconds=5)


@pytest.mark.slow
def test_32_visitors_for_two_minutes_lose_no_edit_beside_a_training(new_space, new_visitor, examples):
    run(new_space, new_visitor, examples, count=32, seconds=120)
