"""Laws of the edits, for any grid: shapes stay, other cells stay, the grid that was edited stays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.codes import CodeGrid, edits
from distill.errors import GridError

GRIDS = st.from_type(CodeGrid)


def spans(size: int) -> st.SearchStrategy[slice | int]:
    """Parts of ``range(size)``: as a slice, as an open slice, as one number."""
    inner = st.integers(0, size - 1).flatmap(
        lambda start: st.builds(slice, st.just(start), st.integers(start + 1, size))
    )
    return inner | st.just(slice(None)) | st.integers(0, size - 1)


def as_slice(span: slice | int) -> slice:
    return span if isinstance(span, slice) else slice(span, span + 1)


def is_untouched(before: CodeGrid, copy_of_before: np.ndarray, after: CodeGrid, cells: tuple[object, ...]) -> bool:
    """Whether the original is what it was, and the edited grid is the same but for the cells."""
    outside = np.ones(before.indices.shape, dtype=bool)
    outside[cells] = False
    return (
        np.array_equal(before.indices, copy_of_before)
        and after.indices.shape == before.indices.shape
        and (after.num_frames, after.model_id, after.codebook_size)
        == (before.num_frames, before.model_id, before.codebook_size)
        and np.array_equal(after.indices[outside], copy_of_before[outside])
    )


@given(grid=GRIDS, data=st.data())
def test_setting_codes_changes_its_region_of_one_level_only(grid, data):
    copy = grid.indices.copy()
    level, code = data.draw(st.integers(0, grid.levels - 1)), data.draw(st.integers(0, grid.codebook_size - 1))
    rows, columns = data.draw(spans(grid.rows)), data.draw(spans(grid.columns))
    after = edits.set_codes(grid, level=level, rows=rows, columns=columns, code=code)
    region = (level, as_slice(rows), as_slice(columns))
    assert is_untouched(grid, copy, after, region)
    assert (after.indices[region] == code).all()


@given(grid=GRIDS, data=st.data())
def test_pasting_what_was_copied_in_its_own_place_changes_nothing(grid, data):
    rows, columns = data.draw(spans(grid.rows)), data.draw(spans(grid.columns))
    codes = edits.copy_codes(grid, rows=rows, columns=columns)
    row, column = as_slice(rows).start or 0, as_slice(columns).start or 0
    assert edits.paste_codes(grid, codes, row=row, column=column) == grid


@given(grid=GRIDS, data=st.data())
def test_a_copy_is_the_region_on_all_levels_and_no_window_into_the_grid(grid, data):
    rows, columns = data.draw(spans(grid.rows)), data.draw(spans(grid.columns))
    codes = edits.copy_codes(grid, rows=rows, columns=columns)
    assert np.array_equal(codes, grid.indices[:, as_slice(rows), as_slice(columns)])
    codes[:] = -1
    assert grid.indices.min() >= 0


@given(grid=GRIDS, data=st.data())
def test_pasting_elsewhere_changes_only_the_cells_it_covers_and_drops_what_overhangs(grid, data):
    copy = grid.indices.copy()
    rows, columns = data.draw(spans(grid.rows)), data.draw(spans(grid.columns))
    row, column = data.draw(st.integers(0, grid.rows - 1)), data.draw(st.integers(0, grid.columns - 1))
    codes = edits.copy_codes(grid, rows=rows, columns=columns)
    after = edits.paste_codes(grid, codes, row=row, column=column)
    height, width = min(codes.shape[1], grid.rows - row), min(codes.shape[2], grid.columns - column)
    region = (slice(None), slice(row, row + height), slice(column, column + width))
    assert is_untouched(grid, copy, after, region)
    assert np.array_equal(after.indices[region], codes[:, :height, :width])


@given(grid=GRIDS, data=st.data())
def test_reversing_turns_a_region_around_and_twice_is_nothing(grid, data):
    copy = grid.indices.copy()
    rows, columns = data.draw(spans(grid.rows)), data.draw(spans(grid.columns))
    after = edits.reverse_columns(grid, rows=rows, columns=columns)
    region = (slice(None), as_slice(rows), as_slice(columns))
    assert is_untouched(grid, copy, after, region)
    assert np.array_equal(after.indices[region], copy[region][..., ::-1])
    assert edits.reverse_columns(after, rows=rows, columns=columns) == grid


@given(grid=GRIDS, data=st.data())
def test_changed_columns_are_the_smallest_run_that_holds_every_difference(grid, data):
    assert edits.changed_columns(grid, grid) is None
    rows, columns = data.draw(spans(grid.rows)), data.draw(spans(grid.columns))
    after = edits.reverse_columns(grid, rows=rows, columns=columns)
    changed = edits.changed_columns(grid, after)
    differs = (grid.indices != after.indices).any(axis=(0, 1))
    if changed is None:
        assert not differs.any()
    else:
        assert differs[changed.start]
        assert differs[changed.stop - 1]
        assert not differs[: changed.start].any()
        assert not differs[changed.stop :].any()


@pytest.fixture
def grid() -> CodeGrid:
    return CodeGrid(np.zeros((3, 8, 5), dtype=int), 80, "0123456789ab", 64)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"level": 3}, "Level 3 is not in this grid: it has levels 0 to 2"),
        ({"level": -1}, "Level -1 is not in this grid"),
        ({"rows": slice(6, 9)}, "Rows 6 to 8 are not in this grid: it has rows 0 to 7"),
        ({"rows": 8}, "Rows 8 to 8"),
        ({"rows": -1}, "Rows -1"),
        ({"columns": slice(4, 6)}, "Columns 4 to 5 are not in this grid"),
        ({"columns": slice(-2, 2)}, "Columns -2"),
        ({"columns": slice(3, 3)}, "Columns 3"),
        ({"columns": slice(3, 1)}, "Columns 3"),
        ({"columns": slice(0, 4, 2)}, "Columns 0"),
        ({"code": 64}, "Code 64 is out of range: this codec has codes 0 to 63"),
        ({"code": -1}, "Code -1 is out of range"),
    ],
)
def test_setting_codes_outside_the_grid_is_refused(grid, where, message):
    with pytest.raises(GridError, match=message):
        edits.set_codes(grid, **({"level": 0, "rows": 0, "columns": 0, "code": 1} | where))


@pytest.mark.parametrize("where", [{"rows": slice(0, 9)}, {"columns": slice(5, 6)}, {"columns": slice(-1, None)}])
def test_copying_and_reversing_outside_the_grid_is_refused(grid, where):
    region = {"rows": 0, "columns": 0} | where
    with pytest.raises(GridError, match="not in this grid"):
        edits.copy_codes(grid, **region)
    with pytest.raises(GridError, match="not in this grid"):
        edits.reverse_columns(grid, **region)


@pytest.mark.parametrize(("row", "column"), [(8, 0), (-1, 0), (0, 5), (0, -1)])
def test_pasting_outside_the_grid_is_refused(grid, row, column):
    with pytest.raises(GridError, match="not in this grid"):
        edits.paste_codes(grid, np.zeros((3, 1, 1), dtype=int), row=row, column=column)


@pytest.mark.parametrize(
    "codes",
    [np.zeros((2, 1, 1), dtype=int), np.zeros((3, 1), dtype=int), np.full((3, 1, 1), 64), np.full((3, 1, 1), -1)],
)
def test_pasting_codes_of_another_codec_is_refused(grid, codes):
    with pytest.raises(GridError):
        edits.paste_codes(grid, codes, row=0, column=0)


def test_comparing_grids_of_different_shapes_is_refused(grid):
    with pytest.raises(GridError, match="different shapes"):
        edits.changed_columns(grid, CodeGrid(np.zeros((3, 8, 6), dtype=int), 96, "0123456789ab", 64))
