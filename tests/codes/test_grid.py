"""A grid is an immutable value, and its line of text restores it."""

import base64
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.codes import CodeGrid
from distill.codes.grid import TIME_STRIDES
from distill.errors import GridError
from distill.settings import Settings
from tests.codes.strategies import a_grid


def test_a_grid_says_how_many_levels_rows_and_columns_it_has():
    grid = a_grid()
    assert (grid.levels, grid.rows, grid.columns) == (2, 8, 3)
    assert grid.indices.dtype == np.int64


def test_a_grid_cannot_be_changed_in_place():
    grid = a_grid()
    with pytest.raises(ValueError, match="read-only"):
        grid.indices[0, 0, 0] = 1
    with pytest.raises(AttributeError):
        grid.num_frames = 5


def test_a_grid_keeps_its_codes_when_the_array_it_was_made_from_changes():
    codes = np.zeros((2, 8, 3), dtype=np.int64)
    grid = a_grid(indices=codes)
    codes[:] = 9
    assert not grid.indices.any()
    assert codes.flags.writeable


def test_grids_are_equal_by_value():
    assert a_grid() == a_grid()
    assert hash(a_grid()) == hash(a_grid())
    assert a_grid() == a_grid(indices=a_grid().indices.astype(np.uint8))
    assert len({a_grid(), a_grid()}) == 1
    other_codes = a_grid().indices.copy()
    other_codes[1, 7, 2] += 1
    for other in (
        a_grid(indices=other_codes),
        a_grid(num_frames=44),
        a_grid(num_samples=45 * 512 - 1),
        a_grid(model_id="another"),
        a_grid(codebook_size=65),
        a_grid(num_frames=12, time_stride=4),
        a_grid(indices=np.zeros((2, 8, 3), dtype=int)),
    ):
        assert a_grid() != other
    assert a_grid() != "a grid"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"indices": np.full((2, 8, 3), -1)}, "Code -1 is out of range"),
        ({"indices": np.full((2, 8, 3), 64)}, "Code 64 is out of range: this codec has codes 0 to 63"),
        ({"indices": np.full((2, 8, 3), 2**64 - 1, dtype=np.uint64)}, "out of range"),
        ({"indices": np.zeros((2, 8, 3))}, "whole numbers"),
        ({"indices": np.zeros((2, 8, 3), dtype=object)}, "whole numbers"),
        ({"indices": np.zeros((8, 3), dtype=int)}, "three dimensions"),
        ({"indices": np.zeros((2, 8, 0), dtype=int)}, "three dimensions"),
        ({"num_frames": 32}, "3 columns do not fit a clip of 32 frames"),
        ({"num_frames": 49}, "3 columns do not fit a clip of 49 frames"),
        ({"num_frames": 0}, "do not fit"),
        ({"num_samples": 44 * 512}, "22528 samples do not fit a clip of 45 frames"),
        ({"num_samples": 45 * 512 + 1}, "do not fit"),
        ({"num_samples": -1}, "do not fit"),
        ({"time_stride": 8}, "3 columns of 8 frames do not fit a clip of 45 frames"),
        ({"time_stride": 5}, "A column of a grid spans 16, 8 or 4 frames, not 5"),
        ({"time_stride": 0}, "not 0"),
        ({"time_stride": -16}, "not -16"),
        ({"codebook_size": 0}, "codebook size"),
        ({"codebook_size": 10**6}, "codebook size"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(changes, message):
    with pytest.raises(GridError, match=message):
        a_grid(**changes)


@given(data=st.data())
def test_a_grid_is_restored_from_its_text(data):
    levels, columns = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 40))
    size = data.draw(st.sampled_from([1, 2, 64, 100, 256, 65_536]))
    indices = np.random.default_rng(data.draw(st.integers(0, 99))).integers(size, size=(levels, 8, columns))
    stride, missing = data.draw(st.sampled_from(TIME_STRIDES)), data.draw(st.integers(0, 511))
    num_frames = columns * stride - data.draw(st.integers(0, stride - 1))
    grid = CodeGrid(indices, num_frames, "0123456789ab", size, num_frames * 512 - missing, stride)
    text = grid.to_text()
    assert CodeGrid.from_text(text) == grid
    assert CodeGrid.from_text("\n " + text[:20] + " \n" + text[20:]) == grid
    assert text.isascii()
    assert not any(letter.isspace() for letter in text)


def test_the_text_of_a_clip_that_ends_within_a_frame_holds_its_samples():
    grid = a_grid(num_samples=23_000)
    assert grid.to_text().startswith("distill2.0123456789ab.64.23000.2.8.")
    assert CodeGrid.from_text(grid.to_text()).num_samples == 23_000
    assert a_grid().to_text().startswith("distill1.0123456789ab.64.45.2.8.")
    assert CodeGrid.from_text(a_grid().to_text()).num_samples == 45 * 512


@pytest.mark.parametrize(("time_stride", "columns"), [(8, 6), (4, 12)])
def test_the_text_of_a_grid_with_shorter_columns_holds_its_time_stride(time_stride, columns):
    indices = np.arange(2 * 8 * columns).reshape(2, 8, columns) % 64
    grid = a_grid(indices=indices, num_samples=23_000, time_stride=time_stride)
    assert grid.to_text().startswith(f"distill3.0123456789ab.64.23000.{time_stride}.2.8.")
    assert CodeGrid.from_text(grid.to_text()) == grid


@pytest.mark.parametrize(
    ("time_stride", "told"),
    [
        ("5", "16, 8 or 4 frames, not 5"),
        ("2", "not 2"),
        ("0", None),
        ("-4", None),
        ("1e1", None),
        ("9" * 5000, None),
        ("8.8", None),
    ],
)
def test_a_text_with_an_absurd_time_stride_is_refused_in_a_sentence(time_stride, told, is_one_sentence):
    *_, levels, rows, body = a_grid().to_text().split(".")
    with pytest.raises(GridError, match=told) as refusal:
        CodeGrid.from_text(".".join(["distill3", "m", "64", "23000", time_stride, levels, rows, body]))
    assert is_one_sentence(refusal.value)


@pytest.mark.parametrize("name", ["distill1", "distill2", "distill3"])
def test_a_text_with_a_number_too_many_or_too_few_is_refused(name, is_one_sentence):
    numbers = ["64", "45", "16", "2", "8"] if name != "distill3" else ["64", "45", "2", "8"]
    with pytest.raises(GridError) as refusal:
        CodeGrid.from_text(".".join([name, "m", *numbers, a_grid().to_text().split(".")[-1]]))
    assert is_one_sentence(refusal.value)


@pytest.mark.parametrize("length", ["0", "-5", "16384", "24577", "1e3", "9" * 5000])  # 2 columns, 4 columns
def test_a_text_whose_samples_do_not_fit_its_codes_is_refused(length, is_one_sentence):
    *_, levels, rows, body = a_grid().to_text().split(".")
    with pytest.raises(GridError) as refusal:
        CodeGrid.from_text(".".join(["distill2", "m", "64", length, levels, rows, body]))
    assert is_one_sentence(refusal.value)


def test_a_text_over_a_limit_is_refused_in_a_sentence(is_one_sentence):
    with pytest.raises(GridError, match="up to 2 columns") as refusal:
        CodeGrid.from_text(a_grid().to_text(), settings=Settings(grid_columns=2))
    assert is_one_sentence(refusal.value)


def test_the_text_of_a_ten_second_clip_fits_a_link():
    indices = np.random.default_rng(0).integers(64, size=(3, 8, 54))
    assert len(CodeGrid(indices, 862, "0123456789ab", 64).to_text()) < 2000


TEXT_CHANGES = [
    "cut",
    "empty",
    "word",
    "flip",
    "huge",
    "long",
    "negative",
    "bomb",
    "other",
    "digits",
    "size",
    "name",
    "dots",
    "much",
]


@pytest.mark.parametrize("change", TEXT_CHANGES)
def test_a_text_that_is_no_grid_is_refused_in_a_sentence(change, is_one_sentence):
    text = a_grid().to_text()
    *header, body = text.split(".")
    bomb = base64.urlsafe_b64encode(zlib.compress(bytes(10_000_000))).decode()
    texts = {
        "cut": text[:-12],
        "empty": "",
        "word": "a sentence. with. dots. and more. of. them. here",
        "flip": ".".join([*header, body[::-1]]),
        "huge": ".".join(["distill1", "m", "64", "999999999999", "4", "8", body]),
        "long": CodeGrid(np.zeros((1, 8, 4000), dtype=int), 64_000, "m", 64).to_text(),
        "negative": ".".join(["distill1", "m", "64", "45", "-2", "-8", body]),
        "bomb": ".".join([*header, bomb]),
        "other": text.replace("distill1", "distill9"),
        "digits": ".".join(["distill1", "m", "64", "9" * 5000, "4", "8", body]),
        "size": ".".join(["distill1", "m", "1" + "0" * 300, "45", "2", "8", body]),
        "name": ".".join(["distill1", "<b>", *header[2:], body]),
        "dots": "." * 1_000_000,
        "much": text + " " * Settings().grid_bytes,
    }
    with pytest.raises(GridError) as refusal:
        CodeGrid.from_text(texts[change])
    assert is_one_sentence(refusal.value)
