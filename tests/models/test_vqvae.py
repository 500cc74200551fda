"""The RVQ-VAE keeps the shape of its input, applies the commitment weight once, and never learns from padding."""

import inspect
import math
import re
from dataclasses import asdict, fields

import pytest
import torch
import torch.nn.functional as F

from distill.errors import ConfigError
from distill.models import ConvVQVAE, QuantizerWrapper, VQDecoder, VQEncoder, vqvae
from distill.models.losses import vqvae_loss
from distill.training.config import ModelSettings, VQVAEConfig


@pytest.mark.parametrize(("time_stride", "most"), [(16, 200), (8, 60), (4, 60)])
def test_the_reconstruction_has_the_shape_of_the_input_from_one_frame_on(small_model, time_stride, most):
    model = small_model(time_stride=time_stride)
    with torch.no_grad():
        for frames in range(1, most + 1):
            mel = torch.randn(1, 1, 128, frames)
            recon, indices, commit_loss = model(mel)
            assert recon.shape == mel.shape
            assert indices.shape == (1, 8 * math.ceil(frames / time_stride), 3)
            assert indices.dtype == torch.int64
            assert commit_loss.shape == ()


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_a_batch_has_one_code_for_each_cell_and_level(small_model, levels):
    model = small_model(num_quantizers=levels)
    recon, indices, _ = model(torch.randn(3, 1, 128, 50))
    assert recon.shape == (3, 1, 128, 50)
    assert indices.shape == (3, 8 * 4, levels)
    assert 0 <= indices.min() <= indices.max() < 16


@pytest.mark.parametrize("time_stride", [16, 8, 4])
def test_the_encoder_and_the_decoder_change_the_frequencies_by_16_and_the_time_by_the_stride(time_stride):
    latent = VQEncoder(codebook_dim=12, time_stride=time_stride)(torch.randn(2, 1, 128, 48))
    assert latent.shape == (2, 12, 8, 48 // time_stride)
    assert VQDecoder(codebook_dim=12, time_stride=time_stride)(latent).shape == (2, 1, 128, 48)


@pytest.mark.parametrize("time_stride", [0, 1, 2, 5, 12, 32, -16, 16.5, None])
def test_a_time_stride_other_than_16_8_or_4_is_refused_by_name(time_stride):
    with pytest.raises(ConfigError, match=f"time_stride must be 16, 8 or 4, got {time_stride}"):
        ConvVQVAE(time_stride=time_stride)


@pytest.mark.parametrize("time_stride", [16, 8, 4])
def test_a_column_affects_no_frames_beyond_the_next_columns(small_model, time_stride):
    model = small_model(time_stride=time_stride)
    latent = torch.zeros(1, 8, 8, 9)
    latent[..., 4] = torch.nan
    touched = model.decode(latent)[0, 0].isnan().any(dim=0).nonzero().flatten()
    assert touched.min() >= 3 * time_stride
    assert touched.max() < 6 * time_stride


@pytest.mark.parametrize("levels", [-1, 0, 1, 5, 7])
def test_fewer_than_two_or_more_than_four_levels_are_refused_by_name(levels):
    with pytest.raises(ValueError, match=rf"levels.* from 2 to 4, got {levels}"):
        ConvVQVAE(num_quantizers=levels)


@pytest.mark.parametrize("dim", [0, -8])
def test_a_codebook_without_dimensions_is_refused_by_name(dim):
    with pytest.raises(ValueError, match=rf"codebook_dim must be from 1 .*got {dim}"):
        ConvVQVAE(codebook_dim=dim)


def test_a_codebook_of_one_dimension_is_accepted():
    model = ConvVQVAE(codebook_dim=1, codebook_size=4, num_quantizers=2)
    assert model(torch.randn(1, 1, 128, 33))[0].shape == (1, 1, 128, 33)


def test_a_model_is_built_as_its_config_says():
    config = VQVAEConfig(codebook_dim=16, codebook_size=32, num_quantizers=4, decay=0.9, commitment_weight=0.5)
    settings = ConvVQVAE.from_config(config).settings
    assert asdict(settings).items() <= asdict(config).items()


def test_the_settings_are_the_arguments_of_the_constructor_in_their_order():
    arguments = list(inspect.signature(ConvVQVAE).parameters)
    assert arguments == [setting.name for setting in fields(ModelSettings)]
    values = (8, 16, 2, 0.9, 0.5, 1, 0.1, True, 4)
    assert asdict(ConvVQVAE(*values).settings) == dict(zip(arguments, values, strict=True))


def test_the_commitment_loss_of_the_model_is_unweighted():
    losses = []
    for weight in (0.25, 4.0):
        torch.manual_seed(3)
        model = ConvVQVAE(codebook_dim=8, codebook_size=16, commitment_weight=weight).train()
        losses.append(model(torch.randn(2, 1, 128, 64))[2])
    assert losses[0] > 0
    assert torch.equal(*losses)


def test_residual_vq_applies_a_weight_of_one_and_the_loss_function_applies_ours():
    model = ConvVQVAE(codebook_dim=8, codebook_size=16, commitment_weight=0.25)
    assert {layer.commitment_weight for layer in model.quantizer.rvq.layers} == {1.0}
    mel, commit_loss = torch.randn(1, 1, 128, 16), torch.tensor(3.0)
    for weight in (0.0, 0.25, 0.5, 2.0):
        total, recon_loss, commit = vqvae_loss(mel + 1, mel, commit_loss, commitment_weight=weight)
        assert commit.item() == pytest.approx(3.0 * weight)
        assert total.item() == pytest.approx(recon_loss.item() + 3.0 * weight)


def test_the_commitment_loss_is_the_summed_squared_distance_of_cells_from_their_codes():
    torch.manual_seed(0)
    quantizer = QuantizerWrapper(8, 16, 3, threshold_ema_dead_code=0)
    latent = torch.randn(2, 8, 8, 6)
    quantizer.train()(latent)
    codebooks = quantizer.codebooks.clone()
    _, indices, commit_loss = quantizer(latent)
    residual = latent.permute(0, 2, 3, 1).reshape(2, 48, 8)
    expected = 0.0
    for level in range(3):
        code = codebooks[level][indices[..., level]]
        expected += F.mse_loss(residual, code).item()
        residual = residual - code
    assert commit_loss.item() == pytest.approx(expected, rel=1e-4)


def test_the_rvq_vae_has_no_kl_term_free_bits_or_annealing():
    forbidden = re.compile(r"\bkl\b|kl_|_kl|kullback|free.?bits|anneal|logvar", re.IGNORECASE)
    assert not forbidden.search(inspect.getsource(vqvae))
    names = [*VQVAEConfig.__dataclass_fields__, *inspect.signature(ConvVQVAE).parameters]
    names += [*inspect.signature(vqvae_loss).parameters, *vars(ConvVQVAE())]
    assert not [name for name in names if forbidden.search(name)]


def test_the_first_batch_places_the_codes_by_k_means():
    torch.manual_seed(0)
    cells = torch.randn(8, 4) * 10
    quantizer = QuantizerWrapper(4, 8, 2, threshold_ema_dead_code=0).train()
    quantizer(cells.T.reshape(1, 4, 8, 1))
    codes = quantizer.codebooks[0]
    distances = torch.cdist(cells, codes).min(dim=1)
    assert distances.values.max() < 1e-4
    assert sorted(distances.indices.tolist()) == list(range(8))


def test_a_code_without_cells_is_moved_to_a_cell():
    def codes_after_the_sound_has_changed(threshold: int) -> torch.Tensor:
        torch.manual_seed(0)
        quantizer = QuantizerWrapper(4, 16, 2, decay=0.8, threshold_ema_dead_code=threshold).train()
        latent = torch.randn(4, 4, 8, 16)
        latent[..., :8] += 100
        quantizer(latent)
        for _ in range(30):
            quantizer(torch.randn(4, 4, 8, 16))
        return quantizer.codebooks[0].abs().amax(dim=1)

    assert codes_after_the_sound_has_changed(threshold=2).max() < 10
    assert codes_after_the_sound_has_changed(threshold=0).max() > 50


def test_a_model_in_eval_mode_does_not_learn(small_model):
    model = small_model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model(torch.randn(2, 1, 128, 40))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_columns_of_padding_change_no_code_and_add_nothing_to_the_loss():
    mask = torch.ones(3, 6, dtype=torch.bool)
    mask[1, 4:] = mask[2, 2:] = False

    def train(padding: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        torch.manual_seed(1)
        quantizer = QuantizerWrapper(8, 16, 3).train()
        latent = torch.randn(3, 8, 8, 6)
        latent = torch.where(mask[:, None, None], latent, padding).requires_grad_()
        for _ in range(4):
            _, indices, commit_loss = quantizer(latent, mask)
        commit_loss.backward()
        return quantizer.codebooks, indices, commit_loss, latent.grad

    silent, loud = train(0.0), train(1000.0)
    assert torch.equal(silent[0], loud[0])
    assert torch.equal(silent[1], loud[1])
    assert torch.equal(silent[2], loud[2])
    assert torch.equal(silent[3], loud[3])
    assert not silent[3].movedim(1, -1).transpose(1, 2)[~mask].any()


@pytest.mark.parametrize(("time_stride", "with_sound"), [(16, 2), (8, 3), (4, 5)])
def test_only_columns_that_are_all_padding_stay_out_of_the_grid(time_stride, with_sound):
    torch.manual_seed(0)
    model = ConvVQVAE(codebook_dim=8, codebook_size=16, time_stride=time_stride).train()
    mask = torch.ones(2, 1, 1, 48)
    mask[1, ..., 17:] = 0
    _, indices, _ = model(torch.randn(2, 1, 128, 48), mask)
    columns = indices.reshape(2, 8, 48 // time_stride, 3)
    assert (columns[0] >= 0).all()
    assert (columns[1, :, :with_sound] >= 0).all()
    assert (columns[1, :, with_sound:] == -1).all()


@pytest.mark.parametrize("time_stride", [16, 8, 4])
def test_the_codes_alone_rebuild_the_output_of_the_model(small_model, time_stride):
    model = small_model(time_stride=time_stride)
    mel = torch.randn(2, 1, 128, 45)
    with torch.no_grad():
        recon, indices, _ = model(mel)
        again = model.decode(model.codes_to_embeddings(indices), num_frames=45)
    assert torch.allclose(recon, again, atol=1e-5)


def test_a_code_of_minus_one_leaves_its_level_out(small_model):
    model = small_model()
    indices = torch.randint(16, (1, 8 * 2, 3), generator=torch.Generator().manual_seed(0))
    parts = []
    for level in range(3):
        alone = torch.full_like(indices, -1)
        alone[..., level] = indices[..., level]
        parts.append(model.codes_to_embeddings(alone))
    assert torch.allclose(sum(parts), model.codes_to_embeddings(indices), atol=1e-5)


def test_usage_counts_each_code_of_each_level_and_no_padding(small_model):
    indices = torch.tensor([[[0, 5, 15], [0, 6, -1], [3, 5, -1]]])
    counts = small_model().quantizer.usage(indices)
    assert counts.shape == (3, 16)
    assert [counts[0, 0], counts[0, 3], counts[1, 5], counts[1, 6], counts[2, 15]] == [2, 1, 2, 1, 1]
    assert counts.sum() == 7


def test_a_reconstruction_does_not_depend_on_the_rest_of_the_batch(small_model):
    model = small_model()
    mel = torch.randn(3, 1, 128, 40)
    with torch.no_grad():
        assert torch.equal(model(mel)[1][1], model(mel[1:2])[1][0])
