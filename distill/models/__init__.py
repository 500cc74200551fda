"""The RVQ-VAE, the continuous baseline, their losses and their files. Independent of sound files and of the page."""

from distill.models.losses import (
    compute_kl_divergence,
    get_kl_weight,
    mel_l1,
    multi_scale_mel_loss,
    vae_loss,
    vqvae_loss,
)
from distill.models.persistence import load_model, save_model
from distill.models.vae import ConvDecoder, ConvEncoder, ConvVAE
from distill.models.vqvae import ConvVQVAE, QuantizerWrapper, VQDecoder, VQEncoder
from distill.training.config import VQVAEConfig, get_adaptive_vqvae_config

__all__ = [
    "ConvDecoder",
    "ConvEncoder",
    "ConvVAE",
    "ConvVQVAE",
    "QuantizerWrapper",
    "VQDecoder",
    "VQEncoder",
    "VQVAEConfig",
    "compute_kl_divergence",
    "get_adaptive_vqvae_config",
    "get_kl_weight",
    "load_model",
    "mel_l1",
    "multi_scale_mel_loss",
    "save_model",
    "vae_loss",
    "vqvae_loss",
]
