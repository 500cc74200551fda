"""The continuous baseline keeps the shape of its input, and draws samples only in training mode."""

import math

import pytest
import torch

from distill.models import ConvDecoder, ConvEncoder, ConvVAE


@pytest.fixture(scope="module")
def vae() -> ConvVAE:
    torch.manual_seed(0)
    return ConvVAE(latent_dim=6).eval()


@pytest.mark.parametrize("frames", [1, 2, 15, 16, 17, 100, 187])
def test_the_reconstruction_has_the_shape_of_the_input(vae, frames):
    mel = torch.randn(2, 1, 128, frames)
    with torch.no_grad():
        recon, mu, logvar = vae(mel)
    assert recon.shape == mel.shape
    assert mu.shape == logvar.shape == (2, 6, 8, math.ceil(frames / 16))


def test_the_encoder_and_the_decoder_change_the_resolution_by_16():
    mu, logvar = ConvEncoder(5)(torch.randn(1, 1, 128, 32))
    assert mu.shape == logvar.shape == (1, 5, 8, 2)
    assert ConvDecoder(5)(mu).shape == (1, 1, 128, 32)


def test_the_baseline_is_deterministic_in_eval_mode_and_samples_in_training_mode(vae):
    mel = torch.randn(1, 1, 128, 32)
    with torch.no_grad():
        assert torch.equal(vae(mel)[0], vae(mel)[0])
        vae.train()
        torch.manual_seed(0)
        assert not torch.equal(vae(mel)[0], vae(mel)[0])
        vae.eval()


def test_the_baseline_shares_no_module_with_the_rvq_vae(small_model):
    modules = {type(module).__module__ for module in ConvVAE().modules()}
    assert "distill.models.vqvae" not in modules
    assert not any("vector_quantize" in module for module in modules)
    assert any("vector_quantize" in type(module).__module__ for module in small_model().modules())
