"""Grids side by side: nothing of them is changed, and each begins with a column of its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.codes import CodeGrid
from distill.codes.grid import SAMPLES_PER_FRAME, TIME_STRIDES
from distill.codes.laying import lay_out
from distill.errors import GridError


def made(num_samples, time_stride=16, seed=0, **changes):
    num_frames = -(-num_samples // SAMPLES_PER_FRAME)
    columns = -(-num_frames // time_stride)
    indices = np.random.default_rng(seed).integers(0, 64, (3, 8, columns))
    return CodeGrid(
        **(
            {
                "indices": indices,
                "num_frames": num_frames,
                "model_id": "0a1b",
                "codebook_size": 64,
                "num_samples": num_samples,
                "time_stride": time_stride,
            }
            | changes
        )
    )


@given(st.lists(st.integers(1, 60_000), min_size=1, max_size=6), st.sampled_from(TIME_STRIDES))
def test_each_grid_is_found_again_in_its_columns(lengths, time_stride):
    grids = [made(length, time_stride, seed) for seed, length in enumerate(lengths)]
    pattern, column = lay_out(grids), 0
    for grid in grids:
        assert np.array_equal(pattern.indices[:, :, column : column + grid.columns], grid.indices)
        column += grid.columns
    assert pattern.columns == column
    before = (column - grids[-1].columns) * time_stride * SAMPLES_PER_FRAME
    assert pattern.num_samples == before + grids[-1].num_samples
    assert CodeGrid.from_text(pattern.to_text()) == pattern


@given(st.lists(st.integers(1, 30_000), min_size=3, max_size=3))
def test_it_does_not_matter_which_are_laid_out_first(lengths):
    first, second, third = (made(length, seed=seed) for seed, length in enumerate(lengths))
    all_at_once = lay_out([first, second, third])
    assert all_at_once == lay_out([first, lay_out([second, third])])
    assert lay_out([first]) == first


def test_each_grid_keeps_its_mix():
    first, second = made(20_000), made(30_000, seed=1)
    faders = np.full(first.indices.shape, 25)
    pattern = lay_out([first.with_mix(faders), second])
    assert np.array_equal(pattern.mix[:, :, : first.columns], faders)
    assert (pattern.mix[:, :, first.columns :] == second.faders).all()
    assert lay_out([first, second]).mix is None


@pytest.mark.parametrize("changes", [{"model_id": "ffff"}, {"codebook_size": 65}])
def test_grids_of_another_codec_are_refused(changes):
    with pytest.raises(GridError, match="same codec"):
        lay_out([made(9_000), made(9_000, **changes)])
    with pytest.raises(GridError, match="same codec"):
        lay_out([made(9_000), made(9_000, time_stride=8)])
    with pytest.raises(GridError, match="nothing to lay out"):
        lay_out([])
