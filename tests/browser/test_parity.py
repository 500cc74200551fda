"""The page's codec makes what torch makes: log-mels, sounds and codes, for every shape that a codec may have."""

import json

import numpy as np
import pytest

from distill.audio.clips import Clip
from distill.codec.page_file import page_file
from distill.models.persistence import save_model
from tests.browser.conftest import floats, random_grid, random_mix, write_grid, write_mix

SHAPES = {
    "the default": ((192, 576, 6, 2), {"codebook_dim": 32, "codebook_size": 64, "num_quantizers": 3}),
    "two levels, few codes": ((9, 17, 1, 0), {"codebook_dim": 3, "codebook_size": 5, "num_quantizers": 2}),
    "four levels, a stride of 8": (
        (16, 32, 2, 1),
        {"codebook_dim": 16, "codebook_size": 128, "num_quantizers": 4, "time_stride": 8},
    ),
    "many codes, a stride of 4": (
        (23, 41, 3, 3),
        {"codebook_dim": 33, "codebook_size": 256, "num_quantizers": 3, "time_stride": 4},
    ),
    "one channel": (
        (1, 1, 1, 4),
        {"codebook_dim": 1, "codebook_size": 2, "num_quantizers": 2, "time_stride": 8},
    ),
    "many blocks": ((12, 8, 16, 2), {"codebook_dim": 7, "codebook_size": 7, "num_quantizers": 4, "time_stride": 4}),
}


def noisy_clip(num_samples: int) -> np.ndarray:
    time = np.arange(num_samples) / 44_100
    noise = np.random.default_rng(1).normal(size=num_samples)
    return (0.4 * np.sin(2 * np.pi * 220 * time * (1 + time)) + 0.05 * noise).astype(np.float32)


def assert_sounds_equal(found: np.ndarray, expected: np.ndarray) -> None:
    """Equal to a thousandth of full scale, or of the peak where an untrained network is louder than that."""
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-3 * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("num_frames", "num_samples"), [(3, 600), (100, 45_678)])
def test_a_codec_of_any_shape_gives_what_torch_gives(tmp_path, node, random_codec, shape, num_frames, num_samples):
    vocoder, settings = SHAPES[shape]
    codec = random_codec(3, vocoder, **settings)
    save_model(codec.model, tmp_path / "codec.distill", vocoder=codec.network)
    grid, clip = random_grid(codec, num_frames), noisy_clip(num_samples)
    mixed = random_mix(grid)
    write_grid(tmp_path, grid)
    write_mix(tmp_path, codec, mixed)
    clip.tofile(tmp_path / "clip.f32")
    facts = node("parity.js", tmp_path)

    reach = codec.reach[0] + codec.vocoder.reach
    assert facts["reach"] == {"before": reach, "after": codec.reach[1] + codec.vocoder.reach}
    assert (facts["levels"], facts["size"], facts["dim"]) == codec.codebooks.shape
    for file, each, levels in (
        *(("mel.f32", grid, None), ("mel1.f32", grid, 1)),
        *(("mixed.f32", mixed, None), ("mixed1.f32", mixed, 1)),
    ):
        log_mel = codec.decode_mel(each, levels=levels).numpy().T
        assert np.abs(floats(tmp_path / file).reshape(log_mel.shape) - log_mel).max() < 1e-4
    assert_sounds_equal(floats(tmp_path / "sound.f32"), codec.synthesize(codec.decode_mel(grid)).numpy())
    assert_sounds_equal(
        floats(tmp_path / "audition.f32"), codec.audition(codec.num_levels - 1, codec.codebook_size - 1)
    )
    log_mel = codec.log_mel_of(Clip("clip", clip)).numpy().T
    assert np.abs(floats(tmp_path / "front_end.f32").reshape(log_mel.shape) - log_mel).max() < 1e-4
    encoded = codec.encode_clip(Clip("clip", clip))
    assert (facts["columns"], facts["frames"]) == (encoded.columns, encoded.num_frames)
    codes = np.fromfile(tmp_path / "encoded.u16", "<u2").reshape(encoded.indices.shape)
    assert np.array_equal(codes, encoded.indices)


def test_a_trained_codec_gives_what_torch_gives_from_a_file_for_the_page(tmp_path, node, codec, drums, grid, decoded):
    (tmp_path / "codec.distill").write_bytes(page_file(codec, encoder=True))
    write_grid(tmp_path, grid)
    mixed = random_mix(grid)
    write_mix(tmp_path, codec, mixed)
    drums.waveform.tofile(tmp_path / "clip.f32")
    node("parity.js", tmp_path)
    assert np.abs(floats(tmp_path / "sound.f32")[: len(decoded)] - decoded).max() < 1e-3
    log_mel = codec.decode_mel(mixed).numpy().T
    assert np.abs(codec.decode_mel(grid).numpy().T - log_mel).mean() > 0.3
    assert np.abs(floats(tmp_path / "mixed.f32").reshape(log_mel.shape) - log_mel).max() < 1e-3
    assert np.array_equal(np.fromfile(tmp_path / "encoded.u16", "<u2").reshape(grid.indices.shape), grid.indices)
    # Either Fourier transform leaves some noise in a quiet band beside a loud one.
    log_mel = codec.log_mel_of(drums).numpy().T
    found = floats(tmp_path / "front_end.f32").reshape(log_mel.shape)
    assert np.allclose(np.exp(found), np.exp(log_mel), rtol=1e-4, atol=3e-7)


@pytest.mark.parametrize("stride", [16, 8, 4])
def test_a_part_of_a_sound_has_the_bits_of_the_whole_after_any_edit(tmp_path, node, random_codec, stride):
    settings = {"codebook_dim": 4, "codebook_size": 16, "num_quantizers": 3, "time_stride": stride}
    codec = random_codec(0, (16, 32, 2, 2), **settings)
    codec.save(tmp_path / "codec.distill")
    write_grid(tmp_path, random_grid(codec, 333))
    assert node("regions.js", tmp_path) == []


def test_ten_minutes_are_decoded_where_one_listens(tmp_path, node, random_codec):
    settings = {"codebook_dim": 4, "codebook_size": 16, "num_quantizers": 3, "time_stride": 4}
    codec = random_codec(0, (16, 32, 2, 2), **settings)
    codec.save(tmp_path / "codec.distill")
    grid = random_grid(codec, 51_680)
    write_grid(tmp_path, grid)
    parts = [30_000, 0, 29_990, 51_660, 1_024, 10]
    (tmp_path / "parts.json").write_text(json.dumps(parts))
    node("ten_minutes.js", tmp_path)
    for first in parts:
        assert_sounds_equal(floats(tmp_path / f"{first}.f32"), codec.decode_frames(grid, slice(first, first + 20)))
