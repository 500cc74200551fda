"""Edits, tested on random grids: an edit changes no other cell, no shape and no input, and has its defined result."""

import inspect
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.codes import CodeGrid, History, edits
from tests.codes.strategies import (
    EDITS,
    GRIDS,
    another_clip,
    clear_codes,
    index_of,
    move_codes,
    paint_codes,
    paste_codes,
    play_codes,
    random_codes,
    regions,
    repeat_codes,
    repeat_codes_on_a_beat,
    replace_codes,
    reverse_codes,
    set_codes,
    shift_codes,
    similar_codes,
    swap_between,
    whole_codebooks,
    width_of,
)

ANY_EDIT = pytest.mark.parametrize("name", EDITS)


def test_every_public_edit_has_a_strategy_here():
    public = {name for name in edits.__all__ if inspect.isfunction(getattr(edits, name))}
    snaps = {"snap_blend", "snap_slide"}
    no_edits = snaps | {"copy_codes", "nearest_codes", "changed_columns", "heard_columns", "solo_codes", "to_slice"}
    assert {name.split()[0] for name in EDITS} == public - no_edits


@ANY_EDIT
@given(data=st.data())
def test_an_edit_changes_only_its_cells_and_never_its_input(name, data):
    edit = data.draw(EDITS[name])
    before = edit.grid.indices.copy()
    after = edit()
    assert np.array_equal(edit.grid.indices, before)
    assert after.indices.shape == before.shape
    assert after.num_frames == edit.grid.num_frames
    assert (after.model_id, after.codebook_size) == (edit.grid.model_id, edit.grid.codebook_size)
    assert np.array_equal(after.indices[~edit.cells], before[~edit.cells])
    is_of_codes = edit.function is not edits.mix_codes
    same = np.full(before.shape, True) if is_of_codes else ~edit.cells
    assert np.array_equal(after.faders[same], edit.grid.faders[same])
    assert is_of_codes or np.array_equal(after.indices, before)


@ANY_EDIT
@given(data=st.data())
def test_an_edit_can_be_undone_and_redone(name, data):
    edit = data.draw(EDITS[name])
    history, after = History(edit.grid), edit()
    assert history.do(name, after) == (after != edit.grid)
    assert history.undo() == edit.grid
    assert history.redo() == after


@ANY_EDIT
@given(data=st.data())
def test_levels_rows_and_columns_of_an_edit_default_to_all(name, data):
    edit = data.draw(EDITS[name])
    parameters = inspect.signature(getattr(edits, name.split()[0])).parameters.values()
    optional = [p.name for p in parameters if p.default == slice(None)]
    without = {key: value for key, value in edit.arguments.items() if key not in optional}
    assert edit.function(edit.grid, **without) == edit(**dict.fromkeys(optional, slice(None)))


@given(edit=set_codes())
def test_setting_codes_fills_the_region(edit):
    assert (edit().indices[edit.cells] == edit.arguments["code"]).all()


@given(edit=paint_codes())
def test_painting_cells_equals_setting_them_one_by_one(edit):
    level, code = edit.arguments["level"], edit.arguments["code"]
    one_by_one = edit.grid
    for row, column in edit.arguments["cells"]:
        one_by_one = edits.set_codes(one_by_one, level=level, rows=row, columns=column, code=code)
    assert edit() == one_by_one == edit(cells=np.array(edit.arguments["cells"]))


@given(grid=GRIDS, data=st.data())
def test_a_copy_holds_the_codes_of_the_region_and_shares_no_memory_with_the_grid(grid, data):
    region = data.draw(regions(grid))
    codes = edits.copy_codes(grid, **region)
    assert np.array_equal(codes, grid.indices[index_of(grid, region)])
    codes[:] = -1
    assert grid.indices.min() >= 0


@given(grid=GRIDS, data=st.data())
def test_a_copy_has_all_levels_by_default(grid, data):
    region = data.draw(regions(grid)) | {"levels": slice(None)}
    without_levels = {"rows": region["rows"], "columns": region["columns"]}
    assert np.array_equal(edits.copy_codes(grid, **without_levels), edits.copy_codes(grid, **region))


@given(grid=GRIDS, data=st.data())
def test_pasting_a_copy_in_its_own_place_changes_nothing(grid, data):
    region = data.draw(regions(grid))
    level, row, column = (span.start for span in index_of(grid, region))
    codes = edits.copy_codes(grid, **region)
    assert edits.paste_codes(grid, codes, level=level, row=row, column=column) == grid


@given(edit=paste_codes())
def test_a_paste_puts_the_codes_in_place_and_drops_codes_beyond_the_edges(edit):
    codes, level = edit.arguments["codes"], edit.arguments["level"]
    row, column = edit.arguments["row"], edit.arguments["column"]
    height, width = min(codes.shape[1], edit.grid.rows - row), min(codes.shape[2], edit.grid.columns - column)
    there = edit().indices[level : level + len(codes), row : row + height, column : column + width]
    assert np.array_equal(there, codes[:, :height, :width])


@given(edit=paste_codes())
def test_a_paste_begins_at_level_0_by_default(edit):
    without_level = {name: value for name, value in edit.arguments.items() if name != "level"}
    assert edits.paste_codes(edit.grid, **without_level) == edit(level=0)


@given(edit=clear_codes())
def test_clearing_puts_the_quiet_code_of_its_level_and_row_into_each_cell(edit):
    quiet = np.broadcast_to(edit.arguments["quiet"][..., None], edit.cells.shape)
    assert np.array_equal(edit().indices[edit.cells], quiet[edit.cells])


@given(edit=move_codes())
def test_a_move_keeps_its_codes_and_leaves_silence_in_the_cells_it_left(edit):
    row, column, before = edit.arguments["row"], edit.arguments["column"], edit.grid.indices
    levels, rows, columns = index_of(edit.grid, edit.arguments)
    expected = before.copy()
    expected[levels, rows, columns] = edit.arguments["quiet"][levels, rows, None]
    for from_row in range(rows.start, rows.stop):
        for from_column in range(columns.start, columns.stop):
            to = row + from_row - rows.start, column + from_column - columns.start
            if to[0] < edit.grid.rows and to[1] < edit.grid.columns:
                expected[levels, *to] = before[levels, from_row, from_column]
    assert np.array_equal(edit().indices, expected)


@given(edit=move_codes())
def test_a_move_to_its_own_place_changes_nothing(edit):
    _, rows, columns = index_of(edit.grid, edit.arguments)
    assert edit(row=rows.start, column=columns.start) == edit.grid


@given(edit=repeat_codes())
def test_a_region_is_repeated_the_given_number_of_times_or_to_the_end_of_the_clip(edit):
    levels, rows, columns = index_of(edit.grid, edit.arguments)
    width, expected = width_of(columns), edit.grid.indices.copy()
    end = min(edit.grid.columns, columns.stop + edit.arguments["times"] * width)
    for column in range(columns.stop, end):
        expected[levels, rows, column] = expected[levels, rows, column - width]
    assert np.array_equal(edit().indices, expected)


@pytest.mark.parametrize(
    ("times", "codes"), [(0, "abcdefgh"), (1, "abcbcfgh"), (2, "abcbcbch"), (3, "abcbcbcb"), (10**30, "abcbcbcb")]
)
def test_the_end_of_the_clip_cuts_the_last_repeat(times, codes):
    before, expected = (np.array(list(text.encode()))[None, None] - ord("a") for text in ("abcdefgh", codes))
    grid = CodeGrid(before, 128, "0123456789ab", 8)
    after = edits.repeat_codes(grid, rows=0, columns=slice(1, 3), times=times)
    assert np.array_equal(after.indices, expected)


@given(edit=repeat_codes_on_a_beat())
def test_repeats_on_a_beat_start_at_the_nearest_columns_and_end_where_the_next_one_starts(edit):
    levels, rows, columns = index_of(edit.grid, edit.arguments)
    before, after = edit.grid.indices[levels, rows], edit().indices[levels, rows]
    times, period = edit.arguments["times"], edit.arguments["period"]
    starts = [columns.start + int(count * period + 0.5) for count in range(times + 2)]
    for first, following in pairwise(starts[1:]):
        width = min(width_of(columns), following - first, edit.grid.columns - first)
        if width > 0:
            assert np.array_equal(after[..., first : first + width], before[..., columns.start :][..., :width])
    if times == 0:
        assert edit() == edit.grid


@given(edit=play_codes())
def test_the_last_note_of_a_cell_is_the_one_that_is_heard(edit):
    last = {tuple(cell): code for *cell, code in edit.arguments["notes"]}
    assert all(edit().indices[cell] == code for cell, code in last.items())


@given(edit=reverse_codes())
def test_reversing_turns_a_region_around_and_reversing_twice_changes_nothing(edit):
    after, region = edit(), index_of(edit.grid, edit.arguments)
    assert np.array_equal(after.indices[region], edit.grid.indices[region][..., ::-1])
    assert edits.reverse_codes(after, **edit.arguments) == edit.grid


@given(edit=shift_codes())
def test_a_shift_moves_each_cell_up_and_to_the_right_and_wraps_within_the_region(edit):
    levels, rows, columns = index_of(edit.grid, edit.arguments)
    expected = edit.grid.indices.copy()
    for row in range(width_of(rows)):
        for column in range(width_of(columns)):
            to_row = rows.start + (row + edit.arguments["by_rows"]) % width_of(rows)
            to_column = columns.start + (column + edit.arguments["by_columns"]) % width_of(columns)
            expected[levels, to_row, to_column] = edit.grid.indices[levels, rows.start + row, columns.start + column]
    assert np.array_equal(edit().indices, expected)


@given(edit=shift_codes())
def test_a_shift_and_its_inverse_change_nothing_and_neither_does_a_shift_by_0(edit):
    back = {name: -edit.arguments[name] for name in ("by_rows", "by_columns")}
    assert edits.shift_codes(edit(), **(edit.arguments | back)) == edit.grid
    still = {name: value for name, value in edit.arguments.items() if name not in back}
    assert edits.shift_codes(edit.grid, **still) == edit.grid


@given(data=st.data(), grid=GRIDS)
def test_a_swap_exchanges_the_regions_and_swapping_twice_changes_nothing(data, grid):
    other = another_clip(data.draw, grid)
    arguments, here, there = swap_between(data.draw, grid, other)
    new_grid, new_other = edits.swap_codes(grid, other, **arguments)
    assert np.array_equal(new_grid.indices[here], other.indices[there])
    assert np.array_equal(new_other.indices[there], grid.indices[here])
    assert edits.swap_codes(new_grid, new_other, **arguments) == (grid, other)


@given(data=st.data(), grid=GRIDS)
def test_the_nearest_codes_are_all_other_codes_sorted_by_distance_and_then_by_number(data, grid):
    codebook = whole_codebooks(data.draw, grid)[0]
    code, count = data.draw(st.integers(0, len(codebook) - 1)), data.draw(st.integers(1, len(codebook) - 1))
    others = [other for other in range(len(codebook)) if other != code]
    by_distance = sorted(others, key=lambda other: (((codebook[other] - codebook[code]) ** 2).sum(), other))
    assert edits.nearest_codes(codebook, code, count).tolist() == by_distance[:count]


@given(edit=similar_codes())
def test_each_code_of_a_region_is_replaced_by_its_neighbour_of_the_given_rank(edit):
    codebook, rank = edit.arguments["codebook"], edit.arguments["rank"]
    for before, after in zip(edit.grid.indices[edit.cells], edit().indices[edit.cells], strict=True):
        ranked = [before, *edits.nearest_codes(codebook, before, len(codebook) - 1)]
        assert after == ranked[rank]
    assert edit(rank=0) == edit.grid


@given(edit=random_codes())
def test_each_random_code_is_one_of_the_nearest_and_the_same_for_the_same_seed(edit):
    codebook, among, after = edit.arguments["codebook"], edit.arguments["among"], edit()
    for old, new in zip(edit.grid.indices[edit.cells], after.indices[edit.cells], strict=True):
        assert new in edits.nearest_codes(codebook, old, among)
    assert edit() == after
    nearest = {name: value for name, value in edit.arguments.items() if name not in ("among", "seed")}
    assert edit(among=1) == edits.similar_codes(edit.grid, **nearest, rank=1)


def test_random_codes_differ_from_cell_to_cell_and_from_seed_to_seed():
    grid = CodeGrid(np.zeros((1, 8, 10), dtype=int), 160, "0123456789ab", 16)
    arguments = {"level": 0, "rows": slice(None), "columns": slice(None), "codebook": np.arange(16.0)[:, None]}
    first, second = (edits.random_codes(grid, **arguments, among=4, seed=seed) for seed in (1, 2))
    assert set(first.indices.ravel()) == set(second.indices.ravel()) == {1, 2, 3, 4}
    assert first != second


@given(edit=replace_codes())
def test_a_replaced_code_is_gone_from_the_region_and_only_that_code(edit):
    code, replacement = edit.arguments["code"], edit.arguments["replacement"]
    assert (edit().indices[edit.cells] == replacement).all()
    region = index_of(edit.grid, edit.arguments)
    if replacement != code:
        assert code not in edit().indices[region]


@given(grid=GRIDS, data=st.data())
def test_changed_columns_are_the_smallest_run_that_holds_every_difference(grid, data):
    assert edits.changed_columns(grid, grid) is None
    after = edits.reverse_codes(grid, **data.draw(regions(grid)))
    changed = edits.changed_columns(grid, after)
    differs = (grid.indices != after.indices).any(axis=(0, 1))
    if changed is None:
        assert not differs.any()
    else:
        assert differs[changed.start]
        assert differs[changed.stop - 1]
        assert not differs[: changed.start].any()
        assert not differs[changed.stop :].any()
