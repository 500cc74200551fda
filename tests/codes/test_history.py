"""Undo and redo, tested on random sequences of edits against a plain list of all grids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.codes import CodeGrid, History, edits
from distill.codes import history as history_module
from distill.errors import GridError

GRIDS = st.from_type(CodeGrid)


def an_edit(grid: CodeGrid, data: st.DataObject) -> CodeGrid:
    """Set one random cell of the grid to a random code."""
    return edits.set_codes(
        grid,
        level=data.draw(st.integers(0, grid.levels - 1)),
        rows=data.draw(st.integers(0, grid.rows - 1)),
        columns=data.draw(st.integers(0, grid.columns - 1)),
        code=data.draw(st.integers(0, grid.codebook_size - 1)),
    )


@given(grid=GRIDS, data=st.data())
def test_undo_restores_the_grid_before_an_edit_and_redo_the_grid_after_it(grid, data):
    history, edited = History(grid), an_edit(grid, data)
    did = history.do("Set a code", edited)
    assert did == (edited != grid)
    assert history.grid == edited
    assert history.undo() == grid
    assert history.redo() == edited
    assert history.original == grid


@given(grid=GRIDS, data=st.data(), steps=st.lists(st.sampled_from(["do", "do", "do", "undo", "redo"]), max_size=20))
def test_any_sequence_of_do_undo_and_redo_gives_the_grids_of_a_plain_list(grid, data, steps):
    history, grids, place = History(grid), [grid], 0
    for number, step in enumerate(steps):
        if step == "do":
            edited = an_edit(history.grid, data)
            if history.do(f"edit {number}", edited):
                grids, place = [*grids[: place + 1], edited], place + 1
        elif step == "undo":
            place = max(0, place - 1)
            assert history.undo() == grids[place]
        else:
            place = min(len(grids) - 1, place + 1)
            assert history.redo() == grids[place]
        assert history.grid == grids[place]
        assert history.can_undo == (place > 0)
        assert history.can_redo == (place < len(grids) - 1)
        assert len(history.labels) == place
    while history.can_undo:
        history.undo()
    assert history.grid == grid
    while history.can_redo:
        history.redo()
    assert history.grid == grids[-1]


@pytest.fixture
def grid() -> CodeGrid:
    return CodeGrid(np.zeros((2, 8, 5), dtype=int), 80, "0123456789ab", 64)


def test_the_labels_name_the_edits_oldest_first(grid):
    history = History(grid)
    history.do("Paint", edits.set_codes(history.grid, level=0, rows=0, columns=0, code=1))
    history.do("Paste", edits.set_codes(history.grid, level=0, rows=1, columns=0, code=2))
    assert history.labels == ["Paint", "Paste"]
    history.undo()
    assert history.labels == ["Paint"]
    history.redo()
    assert history.labels == ["Paint", "Paste"]


def test_an_edit_that_changes_nothing_is_not_stored_and_redo_stays_possible(grid):
    history = History(grid)
    history.do("Paint", edits.set_codes(grid, level=0, rows=0, columns=0, code=1))
    history.undo()
    assert not history.do("Nothing", grid)
    assert not history.can_undo
    assert history.can_redo


def test_after_a_new_edit_nothing_can_be_redone(grid):
    history = History(grid)
    history.do("Paint", edits.set_codes(grid, level=0, rows=0, columns=0, code=1))
    history.undo()
    history.do("Paint", edits.set_codes(grid, level=1, rows=0, columns=0, code=2))
    assert not history.can_redo
    assert history.undo() == grid


def test_undo_and_redo_without_edits_do_nothing(grid):
    history = History(grid)
    assert history.undo() == grid
    assert history.redo() == grid


@pytest.mark.parametrize(
    "other",
    [
        CodeGrid(np.zeros((2, 8, 6), dtype=int), 96, "0123456789ab", 64),
        CodeGrid(np.zeros((3, 8, 5), dtype=int), 80, "0123456789ab", 64),
        CodeGrid(np.zeros((2, 8, 5), dtype=int), 79, "0123456789ab", 64),
        CodeGrid(np.zeros((2, 8, 5), dtype=int), 80, "another codec", 64),
        CodeGrid(np.zeros((2, 8, 5), dtype=int), 80, "0123456789ab", 65),
        CodeGrid(np.zeros((2, 8, 5), dtype=int), 40, "0123456789ab", 64, time_stride=8),
    ],
)
def test_a_grid_of_another_clip_or_codec_is_refused_as_an_edit(grid, other):
    history = History(grid)
    with pytest.raises(GridError, match="not an edit of this clip"):
        history.do("Swap", other)
    assert history.grid == grid
    assert not history.can_undo


def test_over_the_memory_limit_only_the_oldest_edits_can_no_longer_be_undone(grid, monkeypatch):
    monkeypatch.setattr(history_module, "KEPT_BYTES", 20_000)
    history, grids = History(grid), [grid]
    for number in range(300):
        edited = edits.set_codes(history.grid, level=0, rows=0, columns=0, code=number % 2 + (number % 2 == 0) * 2)
        if history.do(f"edit {number}", edited):
            grids.append(edited)
        assert history.num_bytes <= 20_000 + 2 * grid.indices.nbytes
    kept = len(history.labels)
    assert 50 < kept < 150
    for expected in reversed(grids[-kept - 1 : -1]):
        assert history.undo() == expected
    assert not history.can_undo
    assert history.redo() == grids[-kept]
    assert history.original == grid
