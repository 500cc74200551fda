"""A training from a prepared set learns the same as one from memory, and holds no more than it needs at a time."""

import json
from dataclasses import replace

import pytest
import torch

from distill import system
from distill.codec.making import codec_of
from distill.errors import TrainingError
from distill.scale.sets import OURS, PreparedSet, write_index
from distill.scale.shards import ClipRow, FileRows, write_shard
from distill.training import dataset
from distill.training.dataset import CropSampler, MelClip
from distill.training.trainer import Trainer


def trained(clips, config) -> Trainer:
    trainer = Trainer(clips, config, device="cpu")
    list(trainer.run())
    return trainer


@pytest.mark.parametrize("whole_frames", [dataset.WHOLE_FRAMES, 100])
def test_a_training_from_a_disk_makes_the_same_codec_bit_for_bit(
    prepared, mel_clips, quick_config, monkeypatch, whole_frames
):
    monkeypatch.setattr(dataset, "WHOLE_FRAMES", whole_frames)
    memory, disk = (trained(clips, quick_config) for clips in (mel_clips, prepared))
    networks = [(trainer.model, trainer.vocoder.network) for trainer in (memory, disk)]
    for one, other in zip(*networks, strict=True):
        assert {name: value.numpy().tobytes() for name, value in one.state_dict().items()} == {
            name: value.numpy().tobytes() for name, value in other.state_dict().items()
        }
    assert memory.best == replace(disk.best, seconds=memory.best.seconds)
    assert codec_of(memory).info.grids == codec_of(disk).info.grids
    assert all(map(torch.equal, memory.sampler.statistics, disk.sampler.statistics))


def test_a_sample_of_a_large_set_has_about_its_statistics(mel_clips, monkeypatch):
    mean, std = CropSampler(mel_clips, crop_frames=32, seed=0).statistics
    monkeypatch.setattr(dataset, "WHOLE_FRAMES", 100)
    samples = [CropSampler(mel_clips, crop_frames=32, seed=seed).statistics for seed in (0, 1)]
    assert torch.equal(samples[0][0], samples[1][0])
    assert (samples[0][0] - mean).abs().max() < 0.15
    assert (samples[0][1] - std).abs().max() < 0.15
    assert not torch.equal(samples[0][0], mean)


def test_the_memory_of_a_training_does_not_grow_with_the_set(tmp_path, quick_config, monkeypatch):
    """150 MB of clips are trained on in less than a third of that, once a small set has warmed all up."""
    monkeypatch.setattr(dataset, "WHOLE_FRAMES", 1_000)
    frames, rows, clips = 1_000, list[ClipRow](), list[MelClip]()
    for number in range(10):
        mel = torch.full((128, frames), -3.0 - 0.1 * number)
        clips.append(MelClip(f"{number}", mel, waveform=torch.full((frames * 512,), 0.01).half()))
        rows.append(ClipRow(f"{number}", frames, frames * 512))
    for shard in range(10):
        write_shard(tmp_path / f"shard-{shard}.safetensors", [FileRows(f"{shard}", 1, 1, tuple(rows))], clips)
    del clips
    places = [(shard, frames * number, row) for shard in range(10) for number, row in enumerate(rows)]
    (tmp_path / "set.json").write_text(json.dumps(OURS))
    write_index(tmp_path, [f"shard-{shard}.safetensors" for shard in range(10)], places)
    large = PreparedSet.open(tmp_path)
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert size > 150e6
    config = replace(quick_config, epochs=10**6, minutes=3.0, validations=1)

    def most_bytes(clips) -> int:
        trainer, most = Trainer(clips, config, device="cpu", clock=iter(range(0, 10**6, 15)).__next__), 0
        for _ in trainer.run():
            most = max(most, system.resident_bytes() or 0)
        assert trainer.steps > 5
        return most

    small = most_bytes(large[:6])
    assert most_bytes(large) - small < size / 3


def test_clips_are_read_in_part_and_by_their_place(prepared, mel_clips):
    clip, other = prepared[-1], mel_clips[-1]
    assert (clip.name, clip.num_frames) == (other.name, other.num_frames)
    assert torch.equal(clip.mel_between(3, 9), other.log_mel[:, 3:9])
    assert torch.equal(clip.mel_between(clip.num_frames - 2, 10**6), other.log_mel[:, -2:])
    assert torch.equal(clip.sound_between(1, 3), other.waveform[512 : 3 * 512])
    assert [each.name for each in prepared[1:3]] == [each.name for each in mel_clips[1:3]]
    with pytest.raises(IndexError):
        prepared[len(prepared)]


def test_what_is_no_set_or_a_damaged_one_is_refused(tmp_path, is_one_sentence):
    with pytest.raises(TrainingError) as refusal:
        PreparedSet.open(tmp_path)
    assert is_one_sentence(refusal.value, tmp_path.name, "is no prepared set")
    for strange in ({"version": 2}, {"hop_length": 256}):
        (tmp_path / "set.json").write_text(json.dumps(OURS | strange))
        with pytest.raises(TrainingError) as refusal:
            PreparedSet.open(tmp_path)
        assert is_one_sentence(refusal.value, tmp_path.name, "is no set of this version of Distill")
    (tmp_path / "set.json").write_text(json.dumps(OURS))
    (tmp_path / "index.safetensors").write_bytes(b"nothing of a set")
    with pytest.raises(TrainingError) as refusal:
        PreparedSet.open(tmp_path)
    assert is_one_sentence(refusal.value, "index", "is damaged")
