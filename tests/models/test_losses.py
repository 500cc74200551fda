"""The losses, each compared with the same computation by hand."""

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from distill.models import (
    compute_kl_divergence,
    get_kl_weight,
    mel_l1,
    multi_scale_mel_loss,
    vae_loss,
    vqvae_loss,
)


def halve(picture: np.ndarray) -> np.ndarray:
    """Average blocks of 2 by 2; an odd last row or column is left out."""
    height, width = picture.shape[-2] // 2, picture.shape[-1] // 2
    blocks = picture[..., : height * 2, : width * 2].reshape(*picture.shape[:-2], height, 2, width, 2)
    return blocks.mean(axis=(-3, -1))


def a_pair(frames: int, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(frames)
    shape = (batch, 1, 128, frames)
    return torch.randn(shape, generator=generator) * 2 - 5, torch.randn(shape, generator=generator) * 2 - 5


@pytest.mark.parametrize("frames", [4, 16, 37, 128])
def test_the_mel_loss_is_the_mean_absolute_difference_at_full_half_and_quarter_resolution(frames):
    recon, mel = a_pair(frames)
    differences, a, b = [], recon.double().numpy(), mel.double().numpy()
    for _ in range(3):
        differences.append(np.abs(a - b).mean())
        a, b = halve(a), halve(b)
    assert multi_scale_mel_loss(recon, mel).item() == pytest.approx(np.mean(differences), rel=1e-5)


@pytest.mark.parametrize(("frames", "scales"), [(1, 1), (2, 2), (3, 2), (4, 3)])
def test_a_clip_of_a_few_frames_is_compared_at_the_scales_that_it_has(frames, scales):
    mel = torch.zeros(1, 1, 128, frames)
    assert multi_scale_mel_loss(mel + 1, mel).item() == pytest.approx(1.0)
    alternating = torch.ones(1, 1, 128, frames)
    alternating[:, :, ::2] = -1
    assert multi_scale_mel_loss(alternating, mel).item() == pytest.approx(1 / scales)


def test_only_a_perfect_reconstruction_has_a_loss_of_0():
    recon, mel = a_pair(20)
    assert multi_scale_mel_loss(mel, mel) == 0
    assert multi_scale_mel_loss(recon, mel) > 0


@pytest.mark.parametrize("sound_frames", [1, 5, 16, 31])
def test_values_in_padding_change_neither_the_loss_nor_its_gradient(sound_frames):
    mask = torch.ones(2, 1, 1, 32)
    mask[1, ..., sound_frames:] = 0

    def loss_and_gradient(padding: float) -> tuple[torch.Tensor, torch.Tensor]:
        recon, mel = a_pair(32)
        recon = torch.where(mask > 0, recon, padding).requires_grad_()
        mel = torch.where(mask > 0, mel, -padding)
        total, _, _ = vqvae_loss(recon, mel, torch.tensor(0.5), mask=mask)
        total.backward()
        return total.detach(), recon.grad

    near, far = loss_and_gradient(0.0), loss_and_gradient(8.0)
    assert far[0].item() == pytest.approx(near[0].item(), rel=1e-5)
    assert torch.allclose(near[1], far[1], atol=1e-9)
    assert not far[1][1, ..., sound_frames:].any()
    assert far[1][1, ..., :sound_frames].any()


def test_a_mask_of_ones_equals_no_mask():
    recon, mel = a_pair(24)
    ones = torch.ones(2, 1, 1, 24)
    assert multi_scale_mel_loss(recon, mel, ones).item() == pytest.approx(multi_scale_mel_loss(recon, mel).item())


def test_a_masked_mean_is_the_mean_over_the_sound():
    recon, mel = a_pair(10)
    mask = torch.ones(2, 1, 1, 10)
    mask[1, ..., 4:] = 0
    sound = torch.cat([recon[0] - mel[0], (recon[1] - mel[1])[..., :4]], dim=-1)
    assert mel_l1(recon, mel, mask).item() == pytest.approx(sound.abs().mean().item(), rel=1e-5)


def test_the_vqvae_loss_is_reconstruction_plus_weighted_commitment():
    recon, mel = a_pair(16)
    total, recon_loss, commit = vqvae_loss(recon, mel, torch.tensor(2.0), commitment_weight=0.25)
    assert recon_loss.item() == multi_scale_mel_loss(recon, mel).item()
    assert commit.item() == 0.5
    assert total.item() == pytest.approx(recon_loss.item() + 0.5)


def a_posterior() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    scale = torch.linspace(0.01, 2, 6).view(1, 6, 1, 1)
    mu = torch.randn(2, 6, 8, 3, generator=generator) * scale
    return mu, torch.randn(2, 6, 8, 3, generator=generator) * scale


def test_the_kl_divergence_is_that_of_torch_distributions():
    mu, logvar = a_posterior()
    expected = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)).mean()
    assert compute_kl_divergence(mu, logvar).item() == pytest.approx(expected.item(), rel=1e-5)
    assert compute_kl_divergence(torch.zeros(1, 4, 8, 2), torch.zeros(1, 4, 8, 2)) == 0


def test_free_bits_are_the_lower_limit_of_each_latent_channel():
    mu, logvar = a_posterior()
    per_channel = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)).mean(dim=(0, 2, 3))
    assert per_channel.min() < 0.5 < per_channel.max()
    expected = per_channel.clamp(min=0.5).mean()
    assert compute_kl_divergence(mu, logvar, free_bits=0.5).item() == pytest.approx(expected.item(), rel=1e-5)


def test_channels_below_the_free_bits_have_no_gradient():
    mu, logvar = a_posterior()
    mu.requires_grad_()
    compute_kl_divergence(mu, logvar, free_bits=0.5).backward()
    pushed = mu.grad.abs().amax(dim=(0, 2, 3)) > 0
    per_channel = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)).mean(dim=(0, 2, 3))
    assert torch.equal(pushed, per_channel > 0.5)


def test_the_baselines_loss_is_squared_plus_absolute_error_plus_weighted_kl():
    recon, mel = a_pair(16)
    mu, logvar = a_posterior()
    total, recon_loss, kl = vae_loss(recon, mel, mu, logvar, kl_weight=0.1, free_bits=0.05)
    difference = (recon - mel).double().numpy()
    assert recon_loss.item() == pytest.approx((difference**2).mean() + np.abs(difference).mean(), rel=1e-5)
    assert kl.item() == compute_kl_divergence(mu, logvar, 0.05).item()
    assert total.item() == pytest.approx(recon_loss.item() + 0.1 * kl.item(), rel=1e-6)


def test_the_kl_weight_rises_linearly_and_then_stays():
    weights = [get_kl_weight(epoch, 4, 0.2) for epoch in range(7)]
    assert weights == pytest.approx([0, 0.05, 0.1, 0.15, 0.2, 0.2, 0.2])
    assert get_kl_weight(0, 0, 0.2) == 0.2
    assert get_kl_weight(2, 4) == 0.5


@pytest.mark.parametrize(("epoch", "warmup"), [(-1, 4), (1, -4)])
def test_a_negative_epoch_is_refused(epoch, warmup):
    with pytest.raises(ValueError, match="must not be negative"):
        get_kl_weight(epoch, warmup)
