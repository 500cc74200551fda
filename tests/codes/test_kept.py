"""The codes of many clips in a codec's file."""

import base64
import zlib

import numpy as np
import pytest

from distill.codes.kept import MOST_COLUMNS, KeptGrids


def grids():
    random = np.random.default_rng(0)
    return [random.integers(64, size=(3, 8, columns)) for columns in (1, 7, 30)]


def test_kept_codes_come_back_as_they_were():
    kept = KeptGrids.of(grids())
    assert kept.columns == (1, 7, 30)
    for mine, theirs in zip(kept.unpack(levels=3, codebook_size=64), grids(), strict=True):
        assert np.array_equal(mine, theirs)


def packed(content):
    return base64.b64encode(zlib.compress(content)).decode()


@pytest.mark.parametrize(
    ("columns", "codes"),
    [
        ((1,), "not base64 !"),
        ((1,), base64.b64encode(b"no stream").decode()),
        ((1,), packed(bytes(47))),
        ((1,), packed(bytes(49))),
        ((2,), packed(bytes(48))),
        ((1,), packed(bytes(100_000_000))),
        ((1,), packed(bytes(46) + b"\xff\xff")),
        ((MOST_COLUMNS, 1), packed(bytes(48 * (MOST_COLUMNS + 1)))),
    ],
)
def test_codes_that_do_not_fit_the_codec_are_refused_without_much_memory(columns, codes):
    with pytest.raises(ValueError):  # the readers of files turn any into a sentence
        KeptGrids(columns, codes).unpack(levels=3, codebook_size=64)
