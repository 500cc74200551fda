"""The mix of a grid: its faders, mutes and solos, and its files."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.codes import CodeGrid, edits
from distill.errors import GridError
from tests.codes.strategies import GRIDS, a_grid, index_of, regions

MIX = np.arange(2 * 8 * 3).reshape(2, 8, 3) + 128 * (np.arange(3) == 1)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_a_mix_survives_files_and_text(tmp_path, suffix):
    grid = a_grid(mix=MIX)
    grid.save(tmp_path / f"grid{suffix}")
    loaded = CodeGrid.load(tmp_path / f"grid{suffix}")
    assert np.array_equal(loaded.mix, MIX)
    assert loaded == grid != a_grid()
    assert CodeGrid.from_text(grid.to_text()) == grid


def test_a_grid_without_a_mix_is_written_as_it_always_was(tmp_path):
    grid = a_grid(mix=np.full((2, 8, 3), 50))
    assert grid == a_grid()
    assert "mix" not in grid.to_dict()
    assert grid.to_text().startswith("distill1.")
    grid.save(tmp_path / "grid.npz")
    with np.load(tmp_path / "grid.npz") as arrays:
        assert "mix" not in arrays.files


@pytest.mark.parametrize("mix", [MIX[:1], MIX + 60, MIX - 1, MIX.astype(float), MIX[..., :2], np.full((2, 8, 3), 300)])
def test_a_file_with_a_mix_that_does_not_fit_is_refused_by_name(tmp_path, mix, is_one_sentence):
    for path in (tmp_path / "grid.npz", tmp_path / "grid.json"):
        given = a_grid().to_dict() | {"mix": mix.tolist()}
        if path.suffix == ".npz":
            np.savez(path, **given)
        else:
            path.write_text(json.dumps(given))
        with pytest.raises(GridError) as refusal:
            CodeGrid.load(path)
        assert is_one_sentence(refusal.value, path.name)
    with pytest.raises(GridError):
        CodeGrid.from_text(a_grid(mix=MIX).to_text()[:-8])


@given(grid=GRIDS, data=st.data())
def test_a_mute_keeps_the_faders_and_a_solo_mutes_all_but_the_region(grid, data):
    region = data.draw(regions(grid))
    muted = edits.mix_codes(grid, **region, mute=True)
    assert not muted.gains[index_of(grid, region)].any()
    heard = edits.mix_codes(muted, **region, mute=False)
    assert np.array_equal(heard.faders % 128, grid.faders % 128)
    alone = edits.solo_codes(grid, **region)
    is_in = np.zeros(grid.indices.shape, dtype=bool)
    is_in[index_of(grid, region)] = True
    assert not alone.gains[~is_in].any()
    assert np.array_equal(alone.gains[is_in], grid.gains[is_in])


@pytest.mark.parametrize(
    "arguments", [{}, {"gain": 1.6}, {"gain": -0.1}, {"gain": float("nan")}, {"rows": 9, "gain": 1}]
)
def test_a_mix_that_cannot_be_is_refused_in_a_sentence(arguments, is_one_sentence):
    with pytest.raises(GridError) as refusal:
        edits.mix_codes(a_grid(), **arguments)
    assert is_one_sentence(refusal.value)
