"""The layers of a clip: its reconstruction from one level of codes, from two levels, and so on."""

import numpy as np
import pytest
import torch

from distill.codec import Codec
from distill.errors import GridError
from distill.models import mel_l1
from tests.codec.peeling import peeled


@pytest.fixture(scope="module")
def layers(codec, drums, grid):
    return peeled(codec, codec.log_mel_of(drums), grid)


def test_each_level_has_a_layer_with_its_name_and_bitrate(grid, layers):
    assert [layer.name for layer in layers] == ["Structure", "Timbre", "Detail"]
    assert [layer.levels for layer in layers] == [1, 2, 3]
    bits, seconds = grid.columns * 8 * 3 * 6, grid.num_samples / 44_100
    assert [layer.bitrate_bps for layer in layers] == pytest.approx([bits / seconds * n / 3 for n in (1, 2, 3)])


def test_a_layer_holds_the_decoded_log_mel_of_its_levels_and_its_error(codec, drums, grid, layers):
    original = codec.log_mel_of(drums)
    for layer in layers:
        decoded = codec.decode_mel(grid, levels=layer.levels)
        assert np.array_equal(layer.log_mel, decoded.numpy())
        assert layer.mel_l1 == pytest.approx(mel_l1(decoded, original).item())


def test_more_levels_have_a_smaller_error_on_a_training_clip(layers):
    errors = [layer.mel_l1 for layer in layers]
    assert errors == sorted(errors, reverse=True)


def test_all_shares_and_the_remaining_error_add_up_to_1(codec, drums, layers):
    original = codec.log_mel_of(drums)
    whole = mel_l1(codec.model.mel_mean[0, 0].expand_as(original), original).item()
    assert sum(layer.share for layer in layers) + layers[-1].mel_l1 / whole == pytest.approx(1)


def test_a_grid_of_another_codec_is_refused(other_codec_path, codec, drums, grid):
    with pytest.raises(GridError, match="another codec"):
        peeled(Codec.load(other_codec_path), codec.log_mel_of(drums), grid)


def test_a_clip_equal_to_the_average_sound_has_finite_shares(codec):
    average = codec.model.mel_mean[0, 0].expand(128, 16).contiguous()
    assert all(np.isfinite(layer.share) for layer in peeled(codec, average, codec.encode_mel(average)))


def test_codecs_of_two_and_four_levels_have_a_layer_for_each_level(small_model):
    for levels in (2, 4):
        codec = Codec(small_model(num_quantizers=levels))
        log_mel = torch.randn(128, 20)
        assert len(peeled(codec, log_mel, codec.encode_mel(log_mel))) == levels
