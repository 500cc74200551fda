"""The atlas of a codec: the sound, the order and the colours of its codes."""

import numpy as np
import pytest
import torch

from distill.codec.atlas import CodebookAtlas, code_palette, similarity_order


def test_the_atlas_holds_the_log_mel_of_each_code_by_itself(codec):
    atlas = codec.atlas
    assert atlas.log_mels.shape == (codec.num_levels, codec.codebook_size, 128, 16)
    indices = torch.full((codec.num_levels, 8, 3), -1)
    indices[1] = 17
    alone = codec.grid_decoder.columns(indices)[:, 16:32]
    assert np.allclose(atlas.log_mels[1, 17], alone.numpy(), atol=1e-4)


def test_the_order_holds_every_code_once(codec):
    for order in codec.atlas.order:
        assert np.array_equal(np.sort(order), np.arange(codec.codebook_size))


def test_neighbours_in_the_order_are_more_alike_than_codes_at_random(codec):
    for log_mels, order in zip(codec.atlas.log_mels, codec.atlas.order, strict=True):
        ordered = log_mels[order].reshape(len(order), -1)
        beside = np.linalg.norm(np.diff(ordered, axis=0), axis=1).mean()
        shuffled = ordered[np.random.default_rng(0).permutation(len(order))]
        assert beside < 0.7 * np.linalg.norm(np.diff(shuffled, axis=0), axis=1).mean()


def test_points_on_a_line_are_sorted():
    places = np.random.default_rng(1).permutation(40)
    order = similarity_order(places[:, None].astype(float))
    assert np.array_equal(places[order], np.arange(40)) or np.array_equal(places[order], np.arange(40)[::-1])


@pytest.mark.parametrize("size", [2, 64, 128, 256])
def test_a_palette_has_one_stable_distinct_colour_for_each_code(size):
    random = np.random.default_rng(size)
    order, loudness = random.permutation(size), random.normal(size=size)
    palette = code_palette(order, loudness)
    assert palette.shape == (size, 3)
    assert palette.dtype == np.uint8
    assert np.array_equal(palette, code_palette(order.copy(), loudness.copy()))
    assert len(np.unique(palette, axis=0)) == size


def test_louder_codes_are_lighter():
    loudness = np.random.default_rng(0).normal(size=64)
    value = code_palette(np.arange(64), loudness).max(axis=1)
    assert np.array_equal(np.argsort(value, kind="stable"), np.argsort(loudness, kind="stable"))


def test_neighbouring_codes_have_similar_hues():
    from matplotlib.colors import rgb_to_hsv

    order = np.random.default_rng(0).permutation(64)
    hue = rgb_to_hsv(code_palette(order, np.zeros(64))[order] / 255)[:, 0]
    steps = np.abs(np.diff(hue))
    assert np.minimum(steps, 1 - steps).max() < 0.03


def test_any_shape_of_codec_has_an_atlas(small_model):
    atlas = CodebookAtlas.of(small_model(num_quantizers=4, codebook_size=32))
    assert atlas.colours.shape == (4, 32, 3)
    assert len(np.unique(atlas.colours[0], axis=0)) == 32
