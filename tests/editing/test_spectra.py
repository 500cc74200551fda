"""The spectrograms that the page draws are those of the clip and of its layers."""

import base64
import zlib

import numpy as np
import pytest

from distill.editing.spectra import spectra
from distill.errors import GridError
from distill.plots import MAX_DRAWN_FRAMES, NEPERS_TO_DB


def unpacked(answer, mel):
    levels = np.frombuffer(zlib.decompress(base64.b64decode(answer["mels"][mel])), np.uint8)
    return answer["low_db"] + answer["step_db"] * levels.reshape(128, answer["columns"])


def test_a_part_has_the_levels_of_the_original_and_of_each_layer(work, codec):
    answer = spectra(work, {"first": 5, "last": 25})
    assert (answer["first"], answer["stride"], answer["columns"]) == (5, 1, 20)
    assert len(answer["mels"]) == 1 + codec.num_levels
    for mel, log_mel in enumerate([work.original, *(layer.log_mel for layer in work.layers)]):
        difference = unpacked(answer, mel) - np.clip(log_mel[:, 5:25] * NEPERS_TO_DB, -100, 27.5)
        assert np.abs(difference).max() <= answer["step_db"] / 2 + 1e-4
    assert answer["top_db"] == pytest.approx(work.original.max() * NEPERS_TO_DB)


def test_many_frames_come_as_the_loudest_of_some(work):
    long = np.tile(work.original, (1, 1 + 2 * MAX_DRAWN_FRAMES // work.original.shape[1]))
    layers = work.layers
    work.draw = lambda progress=None: (long, layers)
    answer = spectra(work, {"first": 0, "last": long.shape[1]})
    stride, columns = answer["stride"], answer["columns"]
    assert stride == 3
    assert columns == -(-long.shape[1] // 3) <= MAX_DRAWN_FRAMES
    loudest = long[:, : 3 * (columns - 1)].reshape(128, -1, 3).max(axis=2) * NEPERS_TO_DB
    assert np.abs(unpacked(answer, 0)[:, :-1] - loudest).max() <= 0.26


def test_frames_after_the_end_are_left_out_and_an_empty_part_is_refused(work):
    frames = work.original.shape[1]
    assert spectra(work, {"first": frames - 3, "last": 10**6})["columns"] == 3
    for first, last in ((frames, frames + 5), (9, 9), (9, 3), (-5, 0)):
        with pytest.raises(GridError, match="whose end comes after its start"):
            spectra(work, {"first": first, "last": last})
    with pytest.raises(GridError, match="whole number"):
        spectra(work, {"first": 0.5, "last": 9})
