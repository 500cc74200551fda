"""The blend of two clips, compared with plain loops and with what it must give at its ends."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from distill.codes import CodeGrid, edits
from tests.codes.strategies import QUARTERS, blend_codes, index_of


@given(edit=blend_codes())
def test_a_blend_with_amount_0_changes_nothing(edit):
    assert edit(amount=0) == edit(amount=0.0) == edit.grid


@given(edit=blend_codes())
def test_a_blend_of_all_levels_with_amount_1_takes_the_codes_of_the_other_clip(edit):
    arguments = edit.arguments | {"levels": slice(None)}
    regions_only = {name: arguments[name] for name in ("levels", "rows", "columns", "other_column")}
    swapped, _ = edits.swap_codes(edit.grid, arguments["other"], **regions_only)
    assert edit(amount=1, levels=slice(None)) == swapped


@given(edit=blend_codes())
def test_a_blend_of_a_clip_with_itself_changes_nothing(edit):
    columns = index_of(edit.grid, edit.arguments)[2]
    assert edit(other=edit.grid, other_column=columns.start) == edit.grid


def blended_cell(
    codebooks: np.ndarray, ours: np.ndarray, theirs: np.ndarray, levels: slice, amount: float
) -> list[int]:
    """Blend the codes [levels] of one cell with plain loops, as a reference."""
    books = [book.astype(float) for book in codebooks]
    changed = range(len(books))[levels]
    wanted = np.zeros(codebooks.shape[2])
    for level, book in enumerate(books):
        kept = book[ours[level]] if level not in changed else 0
        wanted += (1 - amount) * book[ours[level]] + amount * book[theirs[level]] - kept
    greedy, rest = [], wanted
    for level in changed:
        distances = [float(((rest - entry) ** 2).sum()) for entry in books[level]]
        greedy.append(distances.index(min(distances)))
        rest = rest - books[level][greedy[-1]]

    def miss(codes: list[int]) -> float:
        return float(
            ((wanted - sum(books[level][code] for level, code in zip(changed, codes, strict=True))) ** 2).sum()
        )

    return min([ours[levels].tolist(), theirs[levels].tolist(), greedy], key=miss)


@given(edit=blend_codes(QUARTERS))
def test_a_blend_quantizes_the_mixed_vector_on_the_levels_of_the_region(edit):
    arguments, after = edit.arguments, edit()
    levels, _, columns = index_of(edit.grid, arguments)
    for row, column in np.argwhere(edit.cells.any(axis=0)):
        ours = edit.grid.indices[:, row, column]
        theirs = arguments["other"].indices[:, row, column - columns.start + arguments["other_column"]]
        expected = blended_cell(arguments["codebooks"], ours, theirs, levels, arguments["amount"])
        assert after.indices[levels, row, column].tolist() == expected


def blend_of_a_cell(codebooks: list[list[float]], theirs: tuple[int, int], **arguments: Any) -> list[int]:
    """Blend a cell of codes (0, 0) with a cell of other codes; each codebook entry is one number."""
    ours, other = (CodeGrid(np.array(codes).reshape(2, 1, 1), 16, "0123456789ab", 3) for codes in ((0, 0), theirs))
    arguments |= {"rows": 0, "columns": 0, "other_column": 0, "codebooks": np.array(codebooks)[..., None]}
    return edits.blend_codes(ours, other, **arguments).indices.ravel().tolist()


@pytest.mark.parametrize(
    ("amount", "levels", "codes"),
    [
        (0.5, slice(None), [1, 1]),  # 3 is 4 - 1
        (0.5, 0, [1, 0]),  # 3 is nearer to 4 than to 0
        (0.5, 1, [0, 2]),  # 3 is nearer to 2 than to 0
        (0.1, slice(None), [0, 0]),
        (0.9, slice(None), [1, 2]),  # 5.4 is nearer to 4 + 2 than to 4 + 0
        (1, 0, [1, 0]),
    ],
)
def test_a_blend_finds_the_codes_nearest_to_the_mixed_vector(amount, levels, codes):
    assert blend_of_a_cell([[0, 4, 100], [0, -1, 2]], (1, 2), amount=amount, levels=levels) == codes


def test_a_blend_keeps_the_codes_of_a_clip_that_are_nearer_than_the_greedy_search():
    near_theirs = blend_of_a_cell([[0, 3, 100], [0, 6, 100]], (0, 1), amount=0.9)
    assert near_theirs == [0, 1]  # the target is 5.4: the codes of the other clip give 0 + 6, the greedy search 3 + 0
    near_ours = blend_of_a_cell([[0, 3, 100], [2, 7, 100]], (1, 2), amount=0.002)
    assert near_ours == [0, 0]  # the target is 2.2: the codes of this clip give 0 + 2, the greedy search 3 + 2
