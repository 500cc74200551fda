"""An edit refuses an invalid argument with one sentence that names the fault and the value."""

from typing import Any

import numpy as np
import pytest

from distill.codes import CodeGrid, edits
from distill.errors import GridError


def a_grid(
    levels: int = 3, rows: int = 8, columns: int = 5, model_id: str = "abc", size: int = 64, stride: int = 16
) -> CodeGrid:
    codes = np.zeros((levels, rows, columns), dtype=int)
    return CodeGrid(codes, stride * columns, model_id, size, time_stride=stride)


GRID, CODEBOOKS = a_grid(), np.random.default_rng(0).normal(size=(3, 64, 2))
REGION = {"levels": slice(0, 2), "rows": slice(0, 2), "columns": slice(0, 2)}
REGION_OF_A_LEVEL = {"level": 0, "rows": slice(0, 2), "columns": slice(0, 2)}
QUIET = np.ones((3, 8), dtype=int)
VALID: dict[str, dict[str, Any]] = {
    "set_codes": REGION_OF_A_LEVEL | {"code": 1},
    "paint_codes": {"level": 0, "cells": [(0, 0), (7, 4)], "code": 1},
    "copy_codes": REGION,
    "paste_codes": {"codes": np.ones((2, 1, 1), dtype=int), "row": 7, "column": 4, "level": 1},
    "clear_codes": REGION | {"quiet": QUIET},
    "move_codes": REGION | {"row": 7, "column": 4, "quiet": QUIET},
    "repeat_codes": REGION | {"times": 1, "period": 2.5},
    "play_codes": {"notes": [(0, 0, 0, 1), (2, 7, 4, 63)]},
    "reverse_codes": REGION,
    "shift_codes": REGION | {"by_rows": 1, "by_columns": -1},
    "swap_codes": REGION | {"other": a_grid(columns=3), "other_column": 2},
    "blend_codes": REGION | {"other": a_grid(columns=3), "other_column": 2, "amount": 0.5, "codebooks": CODEBOOKS},
    "similar_codes": REGION_OF_A_LEVEL | {"codebook": CODEBOOKS[0], "rank": 63},
    "random_codes": REGION_OF_A_LEVEL | {"codebook": CODEBOOKS[0], "among": 63, "seed": 0},
    "replace_codes": REGION_OF_A_LEVEL | {"code": 0, "replacement": 63},
}
HALF = np.full((3, 8), 0.5)
BAD: dict[str, list[tuple[Any, str]]] = {
    "level": [
        (3, "Level 3 is not in this grid: it has levels 0 to 2"),
        (-1, "Level -1 is not in this grid"),
        (0.5, "Level 0.5 is not in this grid"),
        (None, "Level None is not in this grid"),
        (slice(0, 1), "Level slice(0, 1, None) is not in this grid"),
    ],
    "levels": [
        (3, "Level 3 is not in this grid: it has levels 0 to 2"),
        (slice(1, 4), "Levels 1 to 3 are not in this grid: it has levels 0 to 2"),
        (slice(2, 2), "Levels 2 to 1 are not"),
    ],
    "rows": [
        (8, "Row 8 is not in this grid: it has rows 0 to 7"),
        (-1, "Row -1 is not in this grid"),
        (slice(6, 9), "Rows 6 to 8 are not in this grid: it has rows 0 to 7"),
        (slice(0, 1.5), "Rows must be a run of whole numbers, got slice(0, 1.5, None)"),
        ("all", "Row all is not in this grid"),
    ],
    "columns": [
        (5, "Column 5 is not in this grid: it has columns 0 to 4"),
        (slice(4, 6), "Columns 4 to 5 are not in this grid: it has columns 0 to 4"),
        (slice(-2, 2), "Columns -2 to 1 are not"),
        (slice(-1, None), "Columns -1 to 4 are not"),
        (slice(3, 3), "Columns 3 to 2 are not"),
        (slice(3, 1), "Columns 3 to 0 are not"),
        (slice(0, 4, 2), "Columns must be a run of whole numbers, got slice(0, 4, 2)"),
        (slice("a", None), "Columns must be a run of whole numbers, got slice('a', None, None)"),
    ],
    "row": [
        (8, "Row 8 is not in this grid"),
        (-1, "Row -1 is not in this grid"),
        (slice(0, 1), "Row slice"),
    ],
    "column": [(5, "Column 5 is not in this grid"), (-1, "Column -1 is not in this grid"), (0.5, "Column 0.5 is not")],
    "other_column": [
        (3, "Column 3 is not in the other clip: it has columns 0 to 2"),
        (-1, "Column -1 is not in the other clip"),
    ],
    "code": [
        (64, "Code 64 is out of range: this codec has codes 0 to 63"),
        (-1, "Code -1 is out of range"),
        (1.5, "Code 1.5 is out of range"),
        (None, "Code None is out of range"),
    ],
    "replacement": [(64, "Code 64 is out of range: this codec has codes 0 to 63"), (-1, "Code -1 is out of range")],
    "cells": [
        ([], "The cells must be whole numbers [cells, 2 coordinates], got float64 [0]"),
        (np.zeros((0, 2), dtype=int), "got int64 [0, 2]"),
        ([(0, 0), (8, 0)], "Row 8 is not in this grid: it has rows 0 to 7"),
        ([(-1, 0), (0, 0)], "Row -1 is not in this grid"),
        ([(0, 5)], "Column 5 is not in this grid: it has columns 0 to 4"),
        ([(0, -1), (0, 0)], "Column -1 is not in this grid"),
        ([(0, 0, 0)], "The cells must be whole numbers [cells, 2 coordinates], got int64 [1, 3]"),
        ([(0, 0), (0,)], "The cells must be whole numbers [cells, 2 coordinates], got lists of unequal lengths"),
        ([(0.5, 0)], "got float64 [1, 2]"),
        ([("a", "b")], "got <U1 [1, 2]"),
        ([(10**30, 0)], "got object [1, 2]"),
        (3, "got int64 []"),
    ],
    "period": [
        (-1, "period must be 0 or at least 1 column"),
        (0.5, "period must be 0 or at least 1 column"),
        (float("nan"), "period must be 0 or at least 1 column"),
        (float("inf"), "period must be 0 or at least 1 column"),
    ],
    "notes": [
        ([], "The notes must be whole numbers [notes, 4 numbers], got float64 [0]"),
        ([(0, 0, 0)], "The notes must be whole numbers [notes, 4 numbers], got int64 [1, 3]"),
        ([(3, 0, 0, 0)], "Level 3 is not in this grid: it has levels 0 to 2"),
        ([(0, 0, 0, 0), (0, -1, 0, 0)], "Row -1 is not in this grid"),
        ([(0, 0, 5, 0)], "Column 5 is not in this grid: it has columns 0 to 4"),
        ([(0, 0, 0, 64)], "Code 64 is out of range: this codec has codes 0 to 63"),
    ],
    "codes": [
        (np.zeros((3, 1, 1), dtype=int), "Copied codes of 3 levels do not fit at level 1 of 3"),
        (
            np.zeros((2, 1), dtype=int),
            "The copied codes must be whole numbers [levels, rows, columns], got",
        ),
        (np.zeros((2, 0, 1), dtype=int), "got int64 [2, 0, 1]"),
        (np.zeros((2, 1, 1)), "got float64 [2, 1, 1]"),
        (np.full((2, 1, 1), 64), "Code 64 is out of range: this codec has codes 0 to 63"),
        (np.full((2, 1, 1), -1), "Code -1 is out of range"),
        (np.array([[[0, 64]], [[0, 64]]]), "Code 64 is out of range"),
        (np.array([[[0, -1]], [[0, -1]]]), "Code -1 is out of range"),
    ],
    "quiet": [
        (QUIET[:2], "The quiet codes must be whole numbers [3 levels, 8 rows], got int64 [2, 8]"),
        (QUIET[:, :7], "got int64 [3, 7]"),
        (QUIET[..., None], "got int64 [3, 8, 1]"),
        (HALF, "The quiet codes must be whole numbers [3 levels, 8 rows], got float64 [3, 8]"),
        (QUIET * 64, "Code 64 is out of range"),
        (-QUIET, "Code -1 is out of range"),
        (None, "got object []"),
    ],
    "times": [(-1, "times must be a whole number of at least 0, got -1"), (1.5, "times must be"), (None, "got None")],
    "by_rows": [(0.5, "by_rows must be a whole number, got 0.5"), (None, "by_rows must be a whole number, got None")],
    "by_columns": [(0.5, "by_columns must be a whole number, got 0.5")],
    "other": [
        (a_grid(model_id="xyz"), "The other clip is of another codec: model id xyz, not abc"),
        (a_grid(size=65), "The other clip is of another codec: codebook size 65, not 64"),
        (a_grid(levels=2), "The other clip is of another codec: levels 2, not 3"),
        (a_grid(rows=7), "The other clip is of another codec: rows 7, not 8"),
        (a_grid(stride=4), "The other clip is of another codec: time stride 4, not 16"),
    ],
    "amount": [
        (float("nan"), "The amount of a blend must be from 0 to 1, got nan"),
        (-0.1, "got -0.1"),
        (1.1, "got 1.1"),
        (np.float32("inf"), "got inf"),
        ("half", "got half"),
        (None, "got None"),
    ],
    "codebooks": [
        (CODEBOOKS[0], "The codebooks must be numbers [3 levels, 64 codes, dimensions], got float64 [64, 2]"),
        (CODEBOOKS[:2], "got float64 [2, 64, 2]"),
        (CODEBOOKS[:, :63], "got float64 [3, 63, 2]"),
        (CODEBOOKS[..., :0], "got float64 [3, 64, 0]"),
        (CODEBOOKS.astype(str), "The codebooks must be numbers"),
        (np.where(CODEBOOKS.max() == CODEBOOKS, np.nan, CODEBOOKS), "The codebooks must be finite numbers, got nan"),
        (np.where(CODEBOOKS.max() == CODEBOOKS, np.inf, CODEBOOKS), "The codebooks must be finite numbers, got inf"),
    ],
    "codebook": [
        (CODEBOOKS, "The codebook must be numbers [64 codes, dimensions], got float64 [3, 64, 2]"),
        (CODEBOOKS[0, :63], "got float64 [63, 2]"),
        (CODEBOOKS[0] * np.nan, "The codebook must be finite numbers, got nan"),
    ],
    "rank": [(-1, "rank must be a whole number from 0 to 63, got -1"), (64, "got 64"), (0.5, "got 0.5")],
    "among": [(0, "among must be a whole number from 1 to 63, got 0"), (64, "got 64"), (0.5, "got 0.5")],
    "seed": [(-1, "seed must be a whole number of at least 0, got -1"), (0.5, "got 0.5"), (None, "got None")],
}
CASES = [
    pytest.param(name, argument, value, message, id=f"{name}-{argument}-{message}")
    for name, arguments in VALID.items()
    for argument in arguments
    for value, message in BAD[argument]
]


@pytest.mark.parametrize("name", VALID)
def test_the_call_with_valid_arguments_is_accepted(name):
    getattr(edits, name)(GRID, **VALID[name])


@pytest.mark.parametrize(("name", "argument", "value", "message"), CASES)
def test_an_edit_with_one_bad_argument_is_refused_in_one_sentence(name, argument, value, message, is_one_sentence):
    with pytest.raises(GridError) as refusal:
        getattr(edits, name)(GRID, **(VALID[name] | {argument: value}))
    assert is_one_sentence(refusal.value, message)


@pytest.mark.parametrize("amount", [0, 1])
def test_a_blend_that_needs_no_codebooks_still_refuses_bad_ones(amount):
    with pytest.raises(GridError, match="finite"):
        edits.blend_codes(GRID, GRID, rows=0, columns=0, amount=amount, codebooks=CODEBOOKS * np.nan, other_column=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"code": 64}, "Code 64 is out of range: this codec has codes 0 to 63"),
        ({"code": -1}, "Code -1 is out of range"),
        ({"count": 0}, "count must be a whole number from 1 to 63, got 0"),
        ({"count": -1}, "got -1"),
        ({"count": 64}, "got 64"),
        ({"count": 1.5}, "got 1.5"),
        ({"codebook": CODEBOOKS}, "The codebook must be numbers [codes, dimensions], got float64 [3, 64, 2]"),
        ({"codebook": np.zeros((0, 2))}, "got float64 [0, 2]"),
        ({"codebook": CODEBOOKS[0] * np.inf}, "The codebook must be finite numbers"),
    ],
)
def test_a_request_for_impossible_neighbours_is_refused(changes, message, is_one_sentence):
    with pytest.raises(GridError) as refusal:
        edits.nearest_codes(**({"codebook": CODEBOOKS[0], "code": 0, "count": 1} | changes))
    assert is_one_sentence(refusal.value, message)


def test_comparing_grids_of_different_shapes_is_refused(is_one_sentence):
    with pytest.raises(GridError) as refusal:
        edits.changed_columns(GRID, a_grid(columns=6))
    assert is_one_sentence(refusal.value, "different shapes")
