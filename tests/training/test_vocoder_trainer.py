"""The vocoder learns the sound of the clips, from what the codec decodes, at the end of a training."""

from dataclasses import replace

import pytest
import torch

from distill.audio import HOP_LENGTH, Clip, LogMel
from distill.models.vocoder import VocoderNetwork
from distill.training.base import base_vocoder
from distill.training.dataset import CropSampler, MelClip, to_mel_clip
from distill.training.trainer import Trainer
from distill.training.vocoder_trainer import EDGE_FRAMES, VocoderTrainer, short_crops


@pytest.fixture
def trained(mel_clips, quick_config):
    def train(**settings):
        trainer = Trainer(mel_clips, replace(quick_config, epochs=3, **settings), device="cpu")
        list(trainer.run())
        return trainer

    return train


def changed(network):
    base = base_vocoder().state_dict()
    return any(not torch.equal(tensor, base[name]) for name, tensor in network.state_dict().items())


def test_a_training_refines_the_vocoder_of_the_base_model(trained):
    network = trained(vocoder_share=0.5).vocoder_network()
    assert changed(network)
    assert not network.training
    assert all(torch.equal(weight, weight.half().float()) for weight in network.parameters())  # as they are saved


@pytest.mark.parametrize("settings", [{"vocoder_share": 0.0}, {"from_base": False}, {"refinement": 0.0}])
def test_a_training_without_a_refinement_leaves_the_vocoder_as_it_is(trained, settings):
    assert trained(**settings).vocoder_network() is None


def test_clips_without_their_sound_train_a_codec_with_the_vocoder_of_the_base_model(mel_clips, quick_config):
    silent = [MelClip(clip.name, clip.log_mel, clip.num_samples) for clip in mel_clips]
    trainer = Trainer(silent, replace(quick_config, epochs=2), device="cpu")
    list(trainer.run())
    assert trainer.vocoder_network() is None
    assert trainer.best is not None


def test_the_network_learns_the_sound_of_a_clip(drums):
    torch.manual_seed(0)
    clip = to_mel_clip(Clip("drums", drums.waveform), LogMel())
    sampler = CropSampler([clip], crop_frames=32, seed=0)
    trainer = VocoderTrainer(VocoderNetwork(channels=32, hidden=64, blocks=2), learning_rate=3e-3)
    positions = sampler.positions(4)
    mel, mask = sampler.crops(positions)
    crops = short_crops(sampler, positions, mel, mel, mask)
    losses = [trainer.step(*crops, fraction=step / 40) for step in range(40)]
    assert trainer.steps == 40
    assert losses[-1] < 0.8 * losses[0]


def test_a_kit_of_short_hits_and_one_longer_clip_trains_a_vocoder(drums, quick_config):
    log_mel = LogMel()
    lengths = [6000] * 8 + [20_000]
    clips = [to_mel_clip(Clip(f"{n}", drums.waveform[:length]), log_mel) for n, length in enumerate(lengths)]
    trainer = Trainer(clips, replace(quick_config, epochs=8, crop_frames=128, vocoder_share=0.9), device="cpu")
    list(trainer.run())
    assert trainer.sampler.crop_frames == 16
    assert trainer.vocoder.steps > 4


def test_short_crops_are_of_the_sound_that_their_log_mels_stand_for(mel_clips):
    sampler = CropSampler(mel_clips, crop_frames=32, seed=0)
    positions = sampler.positions(12)
    mel, mask = sampler.crops(positions)
    log_mels, waveforms, first_frames = short_crops(sampler, positions, mel, mel, mask)
    assert waveforms.shape == (12, log_mels.shape[2] * HOP_LENGTH)
    heard = LogMel()(waveforms)[:, 0]
    inside = slice(EDGE_FRAMES, -EDGE_FRAMES)
    within = [
        start >= 2 and start + log_mels.shape[2] < mel_clips[clip].num_frames - 2
        for start, (clip, _) in zip(first_frames.tolist(), positions, strict=True)
    ]
    assert sum(within) >= 3
    for ours, theirs, is_within in zip(heard, log_mels, within, strict=True):
        if is_within:
            assert (ours[:, inside] - theirs[:, inside]).abs().mean() < 0.02


def test_the_start_of_a_clip_is_heard_after_silence(drums):
    clip = to_mel_clip(Clip("hit", drums.waveform[:4000]), LogMel())
    sampler = CropSampler([clip], crop_frames=16, seed=0)
    mel, mask = sampler.crops([(0, 0)])
    starts = set()
    while -EDGE_FRAMES not in starts:
        log_mels, waveforms, first_frames = short_crops(sampler, [(0, 0)], mel, mel, mask)
        starts |= set(first_frames.tolist())
    assert starts <= {-2, -1, 0}
    assert (waveforms[0, : EDGE_FRAMES * HOP_LENGTH] == 0).all()
    assert (log_mels[0, :, :EDGE_FRAMES] == LogMel.floor).all()
    kept = waveforms[0, EDGE_FRAMES * HOP_LENGTH :][:4000]
    assert (kept - torch.from_numpy(drums.waveform[:4000])).abs().max() < 1e-3
    assert (log_mels[0, :, EDGE_FRAMES + clip.num_frames :] == LogMel.floor).all()
