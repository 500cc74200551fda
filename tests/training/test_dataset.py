"""The choice of held-out clips, and the random crops of the training clips."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from distill.audio import LogMel
from distill.errors import TrainingError
from distill.training.dataset import CropSampler, MelClip, check_clip_count, split_held_out, to_mel_clip


def numbered_clips(count: int, frames: int = 20) -> list[MelClip]:
    """Make clips; all values of a clip are the number of the clip."""
    return [MelClip(f"{number}.wav", torch.full((128, frames), float(number))) for number in range(count)]


def ramp(frames: int) -> MelClip:
    """Make a clip in which each value is the number of its frame."""
    return MelClip("ramp.wav", torch.arange(float(frames)).expand(128, frames))


@pytest.mark.parametrize(
    ("clips", "held_out"), [(1, 0), (5, 0), (20, 0), (21, 2), (50, 5), (100, 10), (200, 20), (500, 20)]
)
def test_from_21_clips_on_a_tenth_is_held_out_and_20_at_most(clips, held_out):
    training, rest = split_held_out(numbered_clips(clips, 1), seed=0)
    assert len(rest) == held_out
    assert len(training) == clips - held_out
    assert sorted(int(clip.log_mel[0, 0]) for clip in training + rest) == list(range(clips))


def test_clips_that_are_left_out_do_not_count_towards_the_held_out_ones():
    clips = [replace(clip, weight=int(number >= 79)) for number, clip in enumerate(numbered_clips(100, 1))]
    training, rest = split_held_out(clips, seed=0)
    assert (len(training), len(rest)) == (19, 2)
    assert split_held_out(clips[:99], seed=0)[1] == []


def test_the_seed_decides_which_clips_are_held_out():
    clips = numbered_clips(60, 1)
    names = [[clip.name for clip in split_held_out(clips, seed)[1]] for seed in (0, 0, 1)]
    assert names[0] == names[1] != names[2]


def test_crops_have_the_given_length_and_come_from_the_clips():
    sampler = CropSampler(numbered_clips(3, 50), crop_frames=32, seed=0)
    mel, mask = sampler.sample(40)
    assert mel.shape == (40, 1, 128, 32)
    assert mask.shape == (40, 1, 1, 32)
    assert mask.min() == 1
    assert set(mel.unique().tolist()) == {0.0, 1.0, 2.0}


def test_crops_reach_the_first_and_the_last_frame_of_a_clip():
    mel, _ = CropSampler([ramp(200)], crop_frames=32, seed=0).sample(400)
    starts = mel[:, 0, 0, 0]
    assert (starts == 0).float().mean() > 0.04
    assert (starts == 200 - 32).float().mean() > 0.04
    assert torch.equal(mel[7, 0, 5], torch.arange(32.0) + starts[7])
    seen = torch.bincount(mel[:, 0, 0].long().flatten(), minlength=200)
    assert seen.min() > 0.3 * seen.float().mean()


def test_every_frame_of_sound_is_equally_likely_in_every_clip():
    clips = [MelClip("short", torch.zeros(128, 100)), MelClip("long", torch.ones(128, 300))]
    mel, _ = CropSampler(clips, crop_frames=16, seed=0).sample(2000)
    assert mel[:, 0, 0, 0].mean().item() == pytest.approx(0.75, abs=0.04)


def test_a_clip_shorter_than_a_crop_is_followed_by_silence_that_is_masked():
    mel, mask = CropSampler([ramp(10)], crop_frames=32, seed=0).sample(3)
    for row in range(3):
        assert torch.equal(mel[row, 0, 0, :10], torch.arange(10.0))
        assert (mel[row, ..., 10:] == LogMel.floor).all()
        assert mask[row].flatten().tolist() == [1] * 10 + [0] * 22


@pytest.mark.parametrize("frames", [10, 32, 33, 47, 48, 200])
def test_aligned_crops_begin_with_a_column_and_reach_both_ends(frames):
    sampler = CropSampler([ramp(frames)], crop_frames=32, seed=0)
    positions = sampler.positions(300, align=16)
    starts = {start for _, start in positions}
    columns = -(-frames // 16)
    assert starts == set(range(0, max(1, (columns - 2) * 16 + 1), 16))
    mel, mask = sampler.crops(positions)
    assert mel.shape == (300, 1, 128, 32)
    assert {int(value) for value in mel[mask.expand_as(mel) > 0].unique()} == set(range(frames))
    assert (mel[mask.expand_as(mel) == 0] == LogMel.floor).all()


def test_half_of_the_crops_get_another_gain_and_none_falls_below_the_floor():
    clips = [MelClip("tone", torch.full((128, 40), -2.0)), MelClip("hush", torch.full((128, 40), LogMel.floor + 0.1))]
    mel, _ = CropSampler(clips, crop_frames=16, seed=0, gain_db=12.0).sample(2000)
    gains = mel[:, 0, 0, 0] - torch.where(mel[:, 0, 0, 0] > -6, -2.0, LogMel.floor + 0.1)
    tone = mel[:, 0, 0, 0] > -6
    assert (gains[tone] == 0).float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert gains[tone].abs().max().item() == pytest.approx(12 / 8.686, abs=0.05)
    assert mel.min() >= LogMel.floor


def test_the_seed_decides_the_crops():
    crops = [CropSampler([ramp(500)], crop_frames=16, seed=seed).sample(20)[0] for seed in (0, 0, 1)]
    assert torch.equal(crops[0], crops[1])
    assert not torch.equal(crops[0], crops[2])


def test_the_statistics_are_the_mean_and_standard_deviation_of_each_band(mel_clips):
    mean, std = CropSampler(mel_clips, crop_frames=256, seed=0).statistics
    sound = np.concatenate([clip.log_mel.numpy() for clip in mel_clips], axis=1).astype(np.float64)
    assert np.allclose(mean, sound.mean(axis=1), atol=1e-4)
    assert np.allclose(std, np.maximum(sound.std(axis=1), 0.5), atol=1e-4)


def test_a_constant_band_has_the_smallest_standard_deviation():
    _, std = CropSampler(numbered_clips(1), crop_frames=16, seed=0).statistics
    assert (std == 0.5).all()


def test_a_clip_becomes_a_mel_clip_with_its_name_and_log_mel(drums):
    clip = to_mel_clip(drums, LogMel())
    assert clip.name == "loop_perc1.flac"
    assert clip.log_mel.shape == (128, clip.num_frames)
    assert clip.num_frames == -(-len(drums.waveform) // 512)


@pytest.mark.parametrize("count", [0, 1, 4])
def test_fewer_than_five_clips_are_refused_with_their_number(count):
    with pytest.raises(TrainingError, match=f"at least 5 clips .* has {count}"):
        check_clip_count(count)


def test_five_clips_are_enough():
    check_clip_count(5)


def test_a_clip_is_drawn_as_often_as_its_weight_says():
    clips = [replace(clip, weight=weight) for clip, weight in zip(numbered_clips(3, 50), (1, 4, 2), strict=True)]
    positions = CropSampler(clips, crop_frames=16, seed=0).positions(7_000)
    shares = np.bincount([clip for clip, _ in positions]) / 1_000
    assert shares == pytest.approx([1, 4, 2], abs=0.02)
    starts = [start for clip, start in positions if clip == 1]
    assert (min(starts), max(starts)) == (0, 34)  # all of the clip, and nothing beyond it


def test_a_clip_of_weight_0_is_in_no_part_and_one_of_a_higher_weight_is_never_held_out():
    clips = numbered_clips(60, 1)
    clips[:3] = [replace(clip, weight=0) for clip in clips[:3]]
    clips[3:30] = [replace(clip, weight=2) for clip in clips[3:30]]
    for seed in range(5):
        training, held_out = split_held_out(clips, seed)
        assert len(held_out) == 6
        assert min(int(clip.log_mel[0, 0]) for clip in held_out) >= 30
        assert len(training) + len(held_out) == 57
