"""Drags of a slider: many moves, one step of the history."""

import numpy as np

from distill.editing.calls import perform
from distill.editing.work import Work

REGION = {"levels": [0, 2], "rows": [1, 3], "columns": [2, 4]}
ONE_LEVEL = REGION | {"levels": [1, 1]}


def test_the_drag_of_a_slider_is_one_step_and_each_move_begins_from_the_codes_before_it(work):
    perform(work, {"kind": "set", "code": 5} | ONE_LEVEL, None)
    before, asked = work.history.grid, {"kind": "slide", "gesture": "drag"} | REGION
    for loudness in (0.2, 1, 0.4):
        answer = perform(work, asked | {"loudness": loudness}, None)
        assert answer["since"] == 1
        assert 0 <= answer["off"] < 1
    assert [label.split(": ")[1] for label in work.history.labels] == ["set to code 5", "40 % louder"]
    alone = Work.opened(work.codec, "", before)
    perform(alone, asked | {"loudness": 0.4, "gesture": ""}, None)
    assert alone.history.grid.indices.tolist() == work.history.grid.indices.tolist()
    assert np.array_equal(work.edited, work.codec.decode(work.history.grid))
    assert perform(work, asked | {"loudness": 0}, None)["edits"] == 1
    assert work.history.grid == before
    assert np.array_equal(work.edited, work.codec.decode(before))


def test_a_region_can_be_slid_again_from_where_it_began_after_other_edits(work):
    original = work.history.grid
    perform(work, {"kind": "slide", "brightness": 1} | REGION, None)
    perform(work, {"kind": "set", "code": 5} | ONE_LEVEL | {"columns": [8, 9]}, None)
    perform(work, {"kind": "slide", "brightness": 0, "since": 0} | REGION, None)
    assert np.array_equal(work.history.grid.indices[:, 1:4, 2:5], original.indices[:, 1:4, 2:5])
    assert (work.history.grid.indices[1, 1:4, 8:10] == 5).all()


def test_a_swap_is_a_step_of_its_own_in_both_clips_whatever_gesture_it_names(work, codec, drone):
    second = Work.begin(codec, drone)
    before = work.history.grid, second.history.grid
    for _ in range(2):
        perform(work, {"kind": "swap", "second": second.secret, "gesture": "drag"} | REGION, lambda secret: second)
    assert (work.history.grid, second.history.grid) == before
    assert len(work.history.labels) == len(second.history.labels) == 2
