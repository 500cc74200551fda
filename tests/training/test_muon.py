"""Muon: steps with similar singular values, for convolutions as matrices from their inputs to their outputs."""

import pytest
import torch
from torch import nn

from distill.models import ConvVQVAE
from distill.training.muon import Muon, make_optimizers, orthogonalize


def spread(matrix: torch.Tensor) -> float:
    """Compute the ratio of the largest to the smallest singular value."""
    values = torch.linalg.svdvals(matrix)
    return (values[0] / values[-1]).item()


@pytest.mark.parametrize("shape", [(32, 32), (24, 96), (96, 24)])
def test_singular_values_come_nearer_to_one_and_singular_vectors_stay(shape):
    left, _, right = torch.linalg.svd(torch.randn(shape, generator=torch.Generator().manual_seed(0)), False)
    values = torch.logspace(0, -2, min(shape))
    result = orthogonalize(left * values @ right, 5)
    assert result.shape == shape
    assert spread(result) < 3 < spread(left * values @ right)
    inner = left.T @ result @ right.T
    assert (inner - inner.diagonal().diag()).abs().max() < 1e-3


def test_a_zero_matrix_stays_zero():
    assert torch.equal(orthogonalize(torch.zeros(4, 6), 3), torch.zeros(4, 6))


@pytest.mark.parametrize(("layer", "dim"), [(nn.Conv2d(16, 32, 3), 0), (nn.ConvTranspose2d(16, 32, 3), 1)])
def test_a_step_of_a_convolution_has_similar_singular_values(layer, dim):
    before = layer.weight.detach().clone()
    generator = torch.Generator().manual_seed(0)
    strong, weak = (torch.randn(layer.weight.shape, generator=generator) for _ in range(2))
    layer.weight.grad = strong[:1] + 0.01 * weak
    Muon([{"params": [layer.weight], "output_dim": dim}], lr=0.1, iterations=5).step()
    step = (layer.weight.detach() - before).movedim(dim, 0).flatten(1)
    assert spread(step) < 5
    assert (step * layer.weight.grad.movedim(dim, 0).flatten(1)).sum() < 0


def test_weight_decay_shrinks_a_weight_and_a_weight_without_gradient_stays():
    used, unused = nn.Parameter(torch.ones(16, 16)), nn.Parameter(torch.ones(16, 16))
    used.grad = torch.zeros(16, 16)
    Muon([used, unused], lr=0.1, weight_decay=0.5).step()
    assert torch.allclose(used, torch.full((16, 16), 0.95))
    assert torch.equal(unused, torch.ones(16, 16))


def test_muon_trains_the_wide_convolutions_and_adamw_all_other_parameters():
    model = ConvVQVAE(codebook_dim=32)
    adamw, muon = make_optimizers(model, lr=1e-3, weight_decay=0.0)
    taken = [p for optimizer in (adamw, muon) for group in optimizer.param_groups for p in group["params"]]
    assert {id(p) for p in taken} == {id(p) for p in model.parameters()}
    assert len(taken) == len(list(model.parameters()))
    assert isinstance(muon, Muon)
    assert all(p.ndim == 4 and min(p.shape[:2]) >= 16 for group in muon.param_groups for p in group["params"])
    assert model.encoder.stages[0].weight.shape[1] == 1  # the outermost layer has one input
    assert any(p is model.encoder.stages[0].weight for group in adamw.param_groups for p in group["params"])


def test_adamw_alone_trains_a_model_without_wide_convolutions():
    assert len(make_optimizers(nn.Conv2d(1, 4, 3), lr=1e-3, weight_decay=0.0)) == 1
