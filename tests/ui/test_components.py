"""The values that the page gets for each clip, and those that it gets once for each codec."""

import base64
import io
import json

import numpy as np
from matplotlib.image import imread

from distill.editing.work import Work
from distill.ui.components import codebook_value, codec_pictures, grid_value


def size_of(value):
    return len(json.dumps(value))


def test_the_values_of_a_clip_hold_no_picture_of_its_codec(codec, drums):
    work = Work.begin(codec, drums)
    usage = codec.usage(work.history.grid)
    grid = grid_value(
        work.secret, work.name, work.history.grid, work.history.original, work.original, usage, [], can_redo=False
    )
    book = codebook_value(work.secret, codec.model_id, usage, codec.training_usage)
    assert grid["model_id"] == book["model_id"] == codec.model_id
    assert size_of({**grid, "spectrogram": ""}) < 4_000
    assert size_of(grid) < 100_000
    assert size_of(book) < 4_000
    assert "data:image" not in json.dumps({**grid, "spectrogram": ""}) + json.dumps(book)


def test_the_canvas_gets_the_length_of_the_columns_and_a_spectrogram_as_long(fine_codec, drums):
    work = Work.begin(fine_codec, drums)
    original = work.history.original
    value = grid_value("w", "n", original, original, work.original, fine_codec.usage(original), [], can_redo=False)
    assert value["time_stride"] == fine_codec.time_stride
    assert value["column_seconds"] == fine_codec.column_seconds
    assert value["columns"] == original.columns == -(-original.num_frames // fine_codec.time_stride)
    picture = imread(io.BytesIO(base64.b64decode(value["spectrogram"].partition(",")[2])))
    assert picture.shape[:2] == (128, original.columns * fine_codec.time_stride)
    sprite = imread(io.BytesIO(base64.b64decode(codec_pictures(fine_codec.atlas)["sprites"][0].partition(",")[2])))
    assert sprite.shape[:2] == (64, 16 * fine_codec.codebook_size)


def test_the_pictures_of_a_codec_are_made_once(codec):
    pictures = codec_pictures(codec.atlas)
    assert codec_pictures(codec.atlas) is pictures
    assert [len(pictures[name]) for name in ("sprites", "colours", "order")] == [codec.num_levels] * 3
    assert all(sprite.startswith("data:image/png;base64,") for sprite in pictures["sprites"])
    assert all(len(colours) == codec.codebook_size for colours in pictures["colours"])
    assert np.array_equal(pictures["order"], codec.atlas.order)
