"""The settings depend on the number of clips, and a setting out of its range is refused."""

import dataclasses

import pytest

from distill.codes.grid import column_seconds
from distill.models import ConvVQVAE
from distill.training.config import VQVAEConfig, get_adaptive_vqvae_config, time_stride_reason


@pytest.mark.parametrize(
    ("file_count", "codebook_size", "decay"),
    [
        (1, 64, 0.8),
        (5, 64, 0.8),
        (20, 64, 0.8),
        (21, 128, 0.9),
        (100, 128, 0.9),
        (101, 256, 0.95),
        (500, 256, 0.95),
    ],
)
def test_more_clips_get_more_codes_and_slower_averages(file_count, codebook_size, decay):
    config = get_adaptive_vqvae_config(file_count)
    assert (config.codebook_size, config.decay) == (codebook_size, decay)
    assert config.threshold_ema_dead_code == 2
    assert config.commitment_weight == 0.25
    assert ConvVQVAE.from_config(config).codebook_size == codebook_size


@pytest.mark.parametrize(
    ("seconds", "time_stride"),
    [
        ([], 16),
        ([5.0] * 17, 16),
        ([0.56], 16),
        ([0.55], 8),
        ([0.3] * 12, 8),
        ([0.25] * 12, 4),
        ([0.01], 4),
        ([0.2, 0.2, 600.0], 4),
        ([0.2, 600.0, 600.0], 16),
    ],
)
def test_short_clips_get_shorter_columns(seconds, time_stride):
    config = get_adaptive_vqvae_config(max(1, len(seconds)), seconds)
    assert config.time_stride == time_stride
    assert config == dataclasses.replace(get_adaptive_vqvae_config(max(1, len(seconds))), time_stride=time_stride)
    if seconds:
        length = sorted(seconds)[len(seconds) // 2]
        assert length >= 3 * column_seconds(time_stride) or time_stride == 4
        reason = time_stride_reason(seconds)
        assert f"columns of {1000 * column_seconds(time_stride):.0f} ms, because" in reason


@pytest.mark.parametrize("file_count", [0, -1, -500])
def test_a_number_of_clips_that_is_not_positive_is_refused(file_count):
    with pytest.raises(ValueError, match=f"file_count must be at least 1, got {file_count}"):
        get_adaptive_vqvae_config(file_count)


@pytest.mark.parametrize(
    "setting",
    [
        {"num_quantizers": 1},
        {"num_quantizers": 5},
        {"codebook_dim": 0},
        {"codebook_size": 1},
        {"decay": 1.5},
        {"commitment_weight": -0.1},
        {"dropout": 1.0},
        {"learning_rate": float("nan")},
        {"batch_size": 0},
        {"epochs": 0},
        {"minutes": 0},
        {"minutes": float("inf")},
        {"seed": -1},
    ],
)
def test_a_setting_out_of_its_range_is_refused_by_name(setting):
    (name,) = setting
    with pytest.raises(ValueError, match=rf"{name}.* must be from"):
        VQVAEConfig(**setting)


def test_a_config_is_a_value():
    assert VQVAEConfig() == VQVAEConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        VQVAEConfig().epochs = 3
