"""Takes of an open clip, as a page asks for them."""

import base64
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from distill.editing.calls import perform
from distill.editing.values import LARGEST
from distill.editing.vamping import takes
from distill.errors import GridError

REGION = {"levels": [0, 2], "rows": [1, 6], "columns": [4, 7]}


@pytest.mark.parametrize(
    "more", [{"tool": "vary", "amount": 0.5}, {"tool": "fill"}, {"tool": "continue", "side": "left"}]
)
def test_the_edit_with_the_seed_of_a_take_makes_it(work, more):
    before = work.history.grid
    answer = takes(work, REGION | more | {"seed": 7, "count": 2})
    assert work.history.grid == before
    assert answer["shape"] == [3, 6, 4]
    assert [take["seed"] for take in answer["takes"]] == [7, 8]
    chosen = answer["takes"][1]
    fields = {name: value for name, value in more.items() if name != "tool"}
    perform(work, REGION | fields | {"kind": more["tool"], "seed": chosen["seed"]}, None)
    codes = np.frombuffer(base64.b64decode(chosen["codes"]), "<u2").reshape(answer["shape"])
    assert np.array_equal(work.history.grid.indices[:, 1:7, 4:8], codes)
    assert work.history.grid != before
    assert 0 < chosen["sure"] <= 1
    assert chosen["copied"].endswith(".")


@pytest.mark.parametrize(
    "wrong",
    [
        {"tool": "paint"}, {"tool": None}, {"count": 0}, {"count": 9}, {"count": 1e9}, {"seed": -1}, {"amount": 2},
        {"columns": [0, 128]}, {"columns": [0, 2**31 - 1]}, {"columns": [5, 4]}, {"columns": [14, 14]},
        {"rows": [0, 8]}, {"levels": [-1, 0]}, {"temperature": 1e9}, {"top_p": 0}, {"side": "up"}, {"loop": 1},
        {"cells": []}, {"seed": LARGEST}, {"seed": LARGEST - 3},
    ],
)  # fmt: skip
def test_what_no_take_can_be_drawn_of_is_refused_in_a_sentence(work, wrong, is_one_sentence):
    with pytest.raises(GridError) as refusal:
        takes(work, REGION | {"tool": "vary"} | wrong)
    assert is_one_sentence(refusal.value)


def test_the_last_seed_of_some_takes_makes_an_edit(work):
    answer = takes(work, REGION | {"tool": "vary", "seed": LARGEST - 2, "count": 2})
    seed = answer["takes"][1]["seed"]
    assert perform(work, REGION | {"kind": "vary", "seed": seed}, None)["edits"] == 1


def is_free(work):
    """Whether another thread may use a clip."""
    with ThreadPoolExecutor(1) as thread:
        free = thread.submit(work.lock.acquire, blocking=False).result()
        if free:
            thread.submit(work.lock.release).result()
        return free


@pytest.mark.parametrize("tool", ["vary", "fill", "continue"])
def test_drawing_lets_others_go_first_and_leaves_the_clip_to_them(work, tool):
    more = {"amount": 0.5} if tool == "vary" else {}
    shares = []
    takes(work, REGION | more | {"tool": tool, "count": 2}, shares.append)
    assert len(shares) > 10
    assert shares[-1] == 1
    frees = []
    perform(work, REGION | more | {"kind": tool}, None, progress=lambda share: frees.append(is_free(work)))
    assert len(frees) > 5
    assert all(frees)


def test_an_edit_that_another_one_overtook_is_drawn_of_the_grid_as_it_is_now(work):
    """The other one comes while the codes are drawn, as from another page."""
    others = iter([{"kind": "clear", **REGION, "columns": [0, 13]}])

    def overtake(share):
        for other in others:
            perform(work, other, None)

    perform(work, REGION | {"kind": "fill", "seed": 5}, None, progress=overtake)
    drawn = work.history.grid
    perform(work, {"kind": "undo"}, None)
    perform(work, REGION | {"kind": "fill", "seed": 5}, None)
    assert work.history.grid == drawn
