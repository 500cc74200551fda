"""The codec on real sound: encoding, decoding, evaluation, and its files."""

import dataclasses
import gc
import weakref

import numpy as np
import pytest
import torch

from distill.audio import HOP_LENGTH, SAMPLE_RATE, Clip, load_clip
from distill.codec import Codec
from distill.codec.evaluation import evaluate
from distill.codes import CodeGrid
from distill.errors import AudioError, CodecFileError, ConfigError, GridError
from distill.models import ConvVAE, mel_l1, save_model
from distill.training.codec_info import FrontEnd
from tests.models.rewriting import rewrite


@pytest.fixture(scope="module")
def other_codec(other_codec_path) -> Codec:
    return Codec.load(other_codec_path)


@pytest.mark.parametrize("num_samples", [512, 513, 16 * 512, 16 * 512 + 1, 100_000])
def test_a_grid_has_8_rows_and_a_column_for_every_16_frames_or_part_of_them(codec, num_samples):
    noise = np.random.default_rng(0).uniform(-1, 1, num_samples).astype(np.float32)
    grid = codec.encode(noise, SAMPLE_RATE)
    assert grid.num_frames == -(-num_samples // 512)
    assert grid.indices.shape == (3, 8, -(-grid.num_frames // 16))
    assert (grid.model_id, grid.codebook_size) == (codec.model_id, 64)
    assert len(codec.decode(grid)) == grid.num_samples == num_samples


def test_a_real_clip_is_decoded_to_its_own_length(drums, grid, decoded):
    assert decoded.dtype == np.float32
    assert len(decoded) == len(drums.waveform) < grid.num_frames * HOP_LENGTH


def test_a_sound_of_another_rate_is_decoded_to_its_length_at_44_100_hz(codec):
    noise = np.random.default_rng(0).uniform(-1, 1, 16_000).astype(np.float32)
    assert len(codec.decode(codec.encode(noise, 16_000))) == 44_100


def test_the_reconstruction_is_nearer_to_its_clip_than_to_another_sound(codec, drums, drone, grid):
    recon = codec.decode_mel(grid)
    original = codec.log_mel_of(drums)
    another = codec.log_mel_of(drone)[:, : original.shape[1]]
    assert (recon - original).abs().mean() < 0.8
    assert (recon - original).abs().mean() < 0.4 * (recon - another).abs().mean()


def test_encoding_and_decoding_give_the_same_every_time(codec, codec_path, drums, grid, decoded):
    again = Codec.load(codec_path)
    assert codec.encode(drums.waveform, SAMPLE_RATE) == grid
    assert again.encode(drums.waveform, SAMPLE_RATE) == grid
    assert np.array_equal(again.decode(grid), decoded)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float64])
def test_every_type_of_sample_gives_the_same_grid(codec, drums, dtype):
    sixteen_bits = np.round(drums.waveform * 32_767) / 32_768
    expected = codec.encode(sixteen_bits.astype(np.float32), SAMPLE_RATE)
    scale = -float(np.iinfo(dtype).min) if np.issubdtype(dtype, np.integer) else 1
    assert codec.encode((sixteen_bits * scale).astype(dtype), SAMPLE_RATE) == expected


def test_unsigned_samples_are_centred(codec, drums):
    samples = np.round(drums.waveform * 127) + 128
    expected = codec.encode(((samples - 128) / 128).astype(np.float32), SAMPLE_RATE)
    assert codec.encode(samples.astype(np.uint8), SAMPLE_RATE) == expected


def test_stereo_is_encoded_as_the_mean_of_its_channels(codec, drums, grid):
    assert codec.encode(np.stack([drums.waveform] * 2, axis=1), SAMPLE_RATE) == grid
    sides = np.stack([drums.waveform * 1.5, drums.waveform * 0.5], axis=1)
    assert codec.encode(sides, SAMPLE_RATE) == grid


def test_a_waveform_at_another_rate_is_resampled(codec, drums, grid):
    half = codec.encode(drums.waveform[::2].copy(), SAMPLE_RATE // 2)
    assert half.indices.shape == grid.indices.shape


@pytest.mark.parametrize(
    ("waveform", "sample_rate"),
    [
        (np.zeros(0), 44_100),
        (np.zeros(44_100), 44_100),
        (np.ones(511), 44_100),
        (np.full(44_100, np.nan), 44_100),
        (np.full(44_100, np.inf), 44_100),
        (np.ones((2, 3, 4)), 44_100),
        (np.ones(44_100), 0),
    ],
    ids=["empty", "silent", "short", "NaN", "infinite", "three dimensions", "no rate"],
)
def test_a_waveform_that_cannot_be_encoded_is_refused_in_one_sentence(codec, waveform, sample_rate, is_one_sentence):
    with pytest.raises(AudioError) as refusal:
        codec.encode(waveform, sample_rate)
    assert is_one_sentence(refusal.value, "clip")


def test_each_level_brings_the_reconstruction_closer_to_the_sound(codec, examples):
    for name in ("loop_amen", "loop_industrial", "loop_perc2", "loop_electric"):
        original = codec.log_mel_of(load_clip(examples / "clips" / f"{name}.flac"))
        grid = codec.encode_mel(original)
        errors = [(codec.decode_mel(grid, levels=n) - original).abs().mean().item() for n in (1, 2, 3)]
        assert errors[0] > errors[1] > errors[2], name


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_decoding_some_levels_adds_up_their_codes_and_no_others(codec, grid, levels):
    codebooks = codec.model.quantizer.codebooks
    cells = sum(codebooks[level][torch.from_numpy(grid.indices[level].copy())] for level in range(levels))
    with torch.no_grad():
        expected = codec.model.decode(cells.permute(2, 0, 1)[None], grid.num_frames)[0, 0]
    assert torch.allclose(codec.decode_mel(grid, levels=levels), expected, atol=1e-4)


def test_fewer_levels_sound_different_and_all_levels_are_the_default(codec, grid, decoded):
    clips = [codec.decode(grid, levels=n) for n in (1, 2, 3)]
    assert np.array_equal(clips[2], decoded)
    assert not np.allclose(clips[0], clips[1], atol=1e-3)
    assert not np.allclose(clips[1], clips[2], atol=1e-3)


def test_decoding_a_long_clip_reports_progress(codec):
    shares = []
    grid = CodeGrid(np.zeros((3, 8, 150), dtype=int), 150 * 16, codec.model_id, 64)
    clip = codec.decode(grid, progress=shares.append)
    assert len(clip) == 150 * 16 * 512
    assert len(shares) > 1
    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize("levels", [-1, 0, 4])
def test_a_number_of_levels_that_the_codec_does_not_have_is_refused(codec, grid, levels):
    with pytest.raises(GridError, match=f"levels must be from 1 to 3, got {levels}"):
        codec.decode(grid, levels=levels)


def test_a_grid_of_another_codec_is_refused_everywhere(codec, other_codec, grid, decoded):
    for use in (
        other_codec.check,
        other_codec.decode,
        other_codec.decode_mel,
        lambda grid: other_codec.decode_region(grid, columns=slice(0, 1)),
    ):
        with pytest.raises(GridError, match="made by another codec"):
            use(grid)
    for change in ({"codebook_size": 128}, {"model_id": other_codec.model_id}):
        with pytest.raises(GridError, match="made by another codec"):
            codec.decode(dataclasses.replace(grid, **change))
    with pytest.raises(GridError, match="made by another codec"):
        codec.decode(grid.with_indices(grid.indices[:2]))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_code_by_itself_can_be_heard(codec, level):
    sounds = [codec.audition(level, code) for code in (0, 21, 42, 63)]
    for sound in sounds:
        assert sound.dtype == np.float32
        assert 0.3 < len(sound) / SAMPLE_RATE < 1
    assert max(np.abs(sound).max() for sound in sounds) > 1e-3  # one of the codes may be silence
    assert not np.allclose(sounds[0], sounds[1], atol=1e-4)


def test_usage_counts_every_cell_once(codec, grid):
    usage = codec.usage(grid)
    assert usage.shape == (3, 64)
    assert usage.sum(axis=1).tolist() == [8 * grid.columns] * 3
    assert usage[1, grid.indices[1, 2, 3]] == (grid.indices[1] == grid.indices[1, 2, 3]).sum()


def test_short_clips_are_measured_by_their_own_columns_and_lengths(codec):
    noise = np.random.default_rng(0).uniform(-1, 1, (20, 2646)).astype(np.float32)
    result = evaluate(codec, [Clip("60 ms", clip) for clip in noise])
    assert result.sound_seconds == pytest.approx(20 * 0.06)
    assert result.bitrate_bps == pytest.approx(144 / 0.06)


def test_the_bitrate_is_the_bits_of_a_column_times_columns_per_second(codec):
    assert codec.bitrate_bps == pytest.approx(44_100 / (512 * 16) * 8 * 3 * 6)


def test_an_evaluation_measures_the_error_of_a_codec_on_clips(codec, drums, grid, decoded):
    half = Clip("half", drums.waveform[: 512 * 100])
    result = evaluate(codec, [drums, half])
    assert result.clips == 2
    seconds = (len(drums.waveform) + len(half.waveform)) / 44_100
    assert result.sound_seconds == pytest.approx(seconds)
    assert result.bitrate_bps == pytest.approx((grid.columns + 7) * 8 * 3 * 6 / seconds)
    assert result.encode_rtf > 0
    assert result.decode_rtf > 0
    assert len(result.levels) == 3
    alone = evaluate(codec, [drums])
    original = codec.log_mel_of(drums)
    heard = codec.log_mel(torch.from_numpy(decoded)[None])[0, 0]
    assert alone.mel_l1 == pytest.approx(mel_l1(codec.decode_mel(grid), original).item(), rel=1e-5)
    assert alone.mel_l1_audio == pytest.approx(mel_l1(heard, original).item(), rel=1e-5)
    for level, counts in zip(alone.levels, codec.usage(grid), strict=True):
        assert level.utilization == (counts > 0).mean()
        assert level.dead_codes == (counts == 0).sum()
        assert 1 <= level.perplexity <= 64


def test_evaluating_no_clips_is_refused(codec):
    with pytest.raises(AudioError, match="no clip"):
        evaluate(codec, [])


def test_a_saved_codec_is_the_same_codec(codec, drums, grid, decoded, tmp_path):
    codec.save(tmp_path / "copy.distill")
    copy = Codec.load(tmp_path / "copy.distill")
    assert copy.model_id == codec.model_id
    assert copy.describe() == codec.describe()
    assert copy.training_health == codec.training_health
    assert copy.encode(drums.waveform, SAMPLE_RATE) == grid
    assert np.array_equal(copy.decode(grid), decoded)


def test_a_codec_carries_its_front_end_statistics_and_health_and_no_clip_names(codec_path, examples, codec):
    assert codec.info.front_end == FrontEnd(sample_rate=44_100, n_fft=2048, hop_length=512, n_mels=128)
    assert len(codec.info.statistics.mel_mean) == len(codec.info.statistics.mel_std) == 128
    assert len(codec.training_health) == 3
    assert codec.info.provenance.clips == len(list((examples / "clips").glob("*.flac")))
    content = codec_path.read_bytes()
    assert not [path.stem for path in (examples / "clips").iterdir() if path.stem.encode() in content]


@pytest.mark.parametrize(
    "nonsense",
    [
        {"levels": "abc"},
        {"levels": [{}]},
        {"levels": 3},
        {"levels": [{"utilization": 1, "perplexity": 1, "dead_codes": 0}]},
        {"provenance": {"clips": 5, "sound_seconds": 1, "training_seconds": 1, "steps": 1}},
        {"provenance": {"clips": "many"}},
        {"provenance": []},
        {"front_end": {"hop_length": 256}},
        {"curves": {"steps": [{"seconds": "soon"}]}},
        {"curves": 7},
    ],
)
def test_a_file_with_invalid_notes_is_refused_by_name(small_model, tmp_path, nonsense, is_one_sentence):
    save_model(small_model(), tmp_path / "odd.distill")
    rewrite(tmp_path / "odd.distill", header=nonsense)
    with pytest.raises(CodecFileError) as refusal:
        Codec.load(tmp_path / "odd.distill")
    assert is_one_sentence(refusal.value, "odd.distill")


def test_two_codecs_have_different_ids(codec, other_codec):
    assert len(codec.model_id) == 12
    assert codec.model_id != other_codec.model_id


def test_the_continuous_baseline_is_refused_as_a_codec(tmp_path, is_one_sentence):
    save_model(ConvVAE(latent_dim=2), tmp_path / "baseline.distill")
    with pytest.raises(CodecFileError, match="no codes") as refusal:
        Codec.load(tmp_path / "baseline.distill")
    assert is_one_sentence(refusal.value, "baseline.distill")


def test_a_vocoder_of_another_name_is_refused(codec_path):
    with pytest.raises(ConfigError, match="no vocoder named"):
        Codec.load(codec_path, vocoder="wavenet")


def test_the_example_codec_has_a_small_error_on_the_example_clips(codec, examples):
    clips = [load_clip(examples / "clips" / f"{name}.flac") for name in ("loop_amen", "loop_industrial", "loop_perc1")]
    result = evaluate(codec, clips)
    assert result.mel_l1 < 0.7
    assert result.mel_l1_audio < 0.8


@pytest.mark.parametrize(("level", "code"), [(-1, 0), (3, 0), (0, -1), (0, 64)])
def test_a_code_that_the_codec_does_not_have_cannot_be_auditioned(codec, level, code):
    with pytest.raises(GridError, match="not level"):
        codec.audition(level, code)


def test_a_codec_that_nobody_uses_any_more_is_gone_at_once(examples):
    codec = Codec.load(examples / "models" / "loops.distill")
    left = weakref.ref(codec)
    gc.disable()  # a circle of references would wait for it, and keep megabytes of weights until then
    try:
        del codec
        assert left() is None
    finally:
        gc.enable()
