"""Edits of some cells of a region, and edits that take the place of the one before."""

import itertools

import numpy as np
import pytest

from distill.codes import CodeGrid, History, masks
from distill.errors import GridError


@pytest.fixture
def grid():
    codes = np.random.default_rng(0).integers(16, size=(2, 8, 12))
    return CodeGrid(codes, num_frames=192, model_id="0a1b", codebook_size=16)


CELLS = [(0, 1), (3, 4), (7, 11)]


def test_an_edit_of_some_cells_leaves_all_others(grid):
    edited = grid.with_indices((grid.indices + 1) % 16)
    kept = masks.keep_codes(grid, edited, cells=CELLS).indices
    changed = np.argwhere((kept != grid.indices).all(axis=0))
    assert [tuple(cell) for cell in changed.tolist()] == CELLS
    assert (kept != grid.indices).sum() == 2 * len(CELLS)


def test_cells_move_with_their_codes_and_leave_silence_and_what_leaves_the_grid_is_lost(grid):
    quiet = np.zeros((2, 8), dtype=int)
    moved = masks.move_cells(grid, cells=CELLS, by_rows=1, by_columns=2, levels=0, quiet=quiet).indices
    assert moved[0, 1, 3] == grid.indices[0, 0, 1]
    assert moved[0, 4, 6] == grid.indices[0, 3, 4]
    assert [moved[0, row, column] for row, column in CELLS] == [0, 0, 0]
    rest = np.ones((8, 12), dtype=bool)
    for row, column in [*CELLS, (1, 3), (4, 6)]:
        rest[row, column] = False
    np.testing.assert_array_equal(moved[0][rest], grid.indices[0][rest])
    np.testing.assert_array_equal(moved[1], grid.indices[1])


def test_moving_all_cells_of_a_rectangle_is_the_move_of_the_rectangle(grid):
    from distill.codes.edits import move_codes

    quiet = np.full((2, 8), 3)
    cells = [(row, column) for row in range(2, 5) for column in range(1, 4)]
    whole = move_codes(grid, rows=slice(2, 5), columns=slice(1, 4), row=3, column=2, quiet=quiet)
    assert masks.move_cells(grid, cells=cells, by_rows=1, by_columns=1, quiet=quiet) == whole


def test_repeating_all_cells_of_a_rectangle_is_the_repeat_of_the_rectangle(grid):
    from distill.codes.edits import repeat_codes

    cells = [(row, column) for row in range(2, 5) for column in range(1, 4)]
    for times, period in itertools.product((0, 1, 2, 1_000_000), (0, 1, 2.5, 4)):
        whole = repeat_codes(grid, rows=slice(2, 5), columns=slice(1, 4), times=times, period=period)
        assert masks.repeat_cells(grid, cells=cells, columns=slice(1, 4), times=times, period=period) == whole


def test_cells_outside_of_the_region_are_refused():
    with pytest.raises(GridError, match="row 4, column 2 is not in the region"):
        masks.check_cells([(3, 2), (4, 2)], slice(0, 4), slice(0, 4))


@pytest.mark.parametrize(
    "wrong",
    [{"times": -1}, {"times": 1.5}, {"period": 0.5}, {"period": -2}, {"period": float("nan")}, {"cells": [(0, 4)]},
     {"cells": [(8, 1)]}, {"levels": 9}],
)  # fmt: skip
def test_a_repeat_that_cannot_be_is_refused(grid, wrong):
    with pytest.raises(GridError):
        masks.repeat_cells(grid, **({"cells": [(0, 1)], "columns": slice(0, 4), "times": 1} | wrong))


def test_an_exchange_leaves_out_cells_before_the_second_clip_and_refuses_those_outside_of_the_first(grid):
    edited = grid.with_indices((grid.indices + 1) % grid.codebook_size)
    ours, theirs = masks.keep_both((grid, grid), (edited, edited), cells=[(0, 0), (1, 2)], by_columns=-1)
    assert np.argwhere(ours.indices[0] != grid.indices[0]).tolist() == [[0, 0], [1, 2]]
    assert np.argwhere(theirs.indices[0] != grid.indices[0]).tolist() == [[1, 1]]
    with pytest.raises(GridError):
        masks.keep_both((grid, grid), (edited, edited), cells=[(0, grid.columns)], by_columns=0)


def test_edits_of_one_gesture_are_one_step_of_the_history(grid):
    history = History(grid)
    history.do("before", grid.with_indices((grid.indices + 1) % 16))
    base = history.grid
    for step in (2, 3, 4):
        taken = history.take_back("drag")
        assert history.grid == base
        assert (taken is not None) == (step > 2)
        history.do(f"drag to {step}", grid.with_indices((base.indices + step) % 16), gesture="drag")
    assert history.labels == ["before", "drag to 4"]
    assert history.before_gesture("drag") == 1
    assert history.before_gesture("other") == 2
    assert history.undo() == base
    assert history.undo() == grid


def test_a_gesture_that_ends_where_it_began_leaves_no_step(grid):
    history = History(grid)
    history.do("drag", grid.with_indices((grid.indices + 1) % 16), gesture="drag")
    bytes_before = History(grid).num_bytes
    history.take_back("drag")
    assert not history.do("drag back", grid, gesture="drag")
    assert history.labels == []
    assert history.num_bytes == bytes_before


def test_an_edit_that_was_taken_back_can_be_restored(grid):
    history = History(grid)
    edited = grid.with_indices((grid.indices + 1) % 16)
    history.do("drag", edited, gesture="drag")
    history.restore(history.take_back("drag"))
    assert history.grid == edited
    assert history.labels == ["drag"]


def test_the_codes_of_each_moment_of_the_history_are_known(grid):
    history, grids = History(grid), [grid]
    for step in range(4):
        grids.append(grid.with_indices((grids[-1].indices + step + 1) % 16))
        history.do(str(step), grids[-1])
    assert [history.grid_after(edits) for edits in range(5)] == grids
    with pytest.raises(GridError, match="after 5 of them"):
        history.grid_after(5)


def test_edits_without_a_gesture_are_no_gesture(grid):
    history = History(grid)
    history.do("one", grid.with_indices((grid.indices + 1) % 16))
    assert history.before_gesture("") == 1
