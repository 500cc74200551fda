"""The latent maps of crops, stored or computed anew."""

import torch

from distill.training import dataset
from distill.training.dataset import CropSampler
from distill.training.latents import Latents


def test_the_latent_map_of_a_crop_of_a_large_set_is_that_of_its_clip(mel_clips, codec, monkeypatch):
    sampler = CropSampler(mel_clips, crop_frames=32, seed=0)
    positions = sampler.positions(60, align=16)
    stored = Latents(codec.model).crops(sampler, positions)
    monkeypatch.setattr(dataset, "WHOLE_FRAMES", 100)
    anew = Latents(codec.model).crops(sampler, positions)
    assert stored[0].shape == anew[0].shape
    torch.testing.assert_close(stored[0], anew[0], rtol=1e-4, atol=1e-4)
    assert all(map(torch.equal, stored[1:], anew[1:]))
