"""The Muon optimizer, for the weights of convolutions."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
SMALLEST_SIDE = 16
"""Smallest number of input and output channels of a weight that Muon trains. AdamW trains the other weights."""


class Muon(torch.optim.Optimizer):
    """Optimizer that makes its momentum orthogonal by Newton-Schulz iterations before each step.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024, for the iteration; Liu et al., "Muon
    is Scalable for LLM Training", 2025, eq. 4, for the scale of the step, which allows the learning rate of AdamW. On
    the models of this package, Muon needs about half the steps of AdamW.

    ``torch.optim.Muon`` accepts only matrices and computes in bfloat16, which is a hundred times slower on processors
    without bfloat16 hardware. This class accepts convolutions, and computes in float32 on the small Gram matrix.

    Parameters
    ----------
    params : iterable of Tensor, or of dicts
        Weights of two or more dimensions. ``output_dim`` of a group is the dimension of the output channels: 0 (the
        default) for a convolution, 1 for a transposed convolution.
    lr : float
        Learning rate.
    momentum : float
        Decay of the momentum, 0 to 1.
    weight_decay : float
        Decoupled weight decay, as in AdamW.
    iterations : int
        Number of Newton-Schulz iterations. With three instead of five, small singular values stay smaller, but the
        training is as good and takes less time.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        *,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        iterations: int = 3,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "weight_decay": weight_decay,
                "iterations": iterations,
                "output_dim": 0,
            },
        )

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(weight)
                average = state["momentum"]
                average.lerp_(weight.grad, 1 - group["momentum"])
                ahead = weight.grad.lerp(average, group["momentum"]).movedim(group["output_dim"], 0)
                matrix = ahead.flatten(1)
                update = orthogonalize(matrix, group["iterations"]).view(ahead.shape).movedim(0, group["output_dim"])
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(update, alpha=-group["lr"] * 0.2 * max(matrix.shape) ** 0.5)


def orthogonalize(matrix: Tensor, iterations: int) -> Tensor:
    """Return a matrix with the same singular vectors, whose singular values are nearer to 1.

    Let X be the matrix, scaled to norm 1, and G = X X^T. An iteration replaces X by P X with P = a + b G + c G^2, and G
    by P G P. So all iterations run on the smaller matrix G, and X is multiplied only once at the end.

    Parameters
    ----------
    matrix : Tensor [m, n]
    iterations : int
        Number of iterations, at least 1.

    Returns
    -------
    Tensor [m, n]
    """
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / wide.norm().clamp(min=1e-7)
    a, b, c = NEWTON_SCHULZ
    gram = wide @ wide.T
    product: Tensor | None = None
    for iteration in range(iterations):
        polynomial = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        polynomial.diagonal().add_(a)
        product = polynomial if product is None else polynomial @ product
        if iteration < iterations - 1:
            gram = polynomial @ gram @ polynomial
    assert product is not None
    result = product @ wide
    return result if matrix.shape[0] <= matrix.shape[1] else result.T


def make_optimizers(model: nn.Module, *, lr: float, weight_decay: float) -> list[torch.optim.Optimizer]:
    """Make the optimizers: Muon for wide convolutions, AdamW for all other parameters.

    AdamW trains the norms, the biases and the outermost layers.
    """
    groups: dict[int, list[Tensor]] = {0: [], 1: []}
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and min(module.weight.shape[:2]) >= SMALLEST_SIDE:
            groups[int(isinstance(module, nn.ConvTranspose2d))].append(module.weight)
    chosen = {id(weight) for weights in groups.values() for weight in weights}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in chosen]
    muon = [{"params": weights, "output_dim": dim} for dim, weights in groups.items() if weights]
    adamw = torch.optim.AdamW(rest, lr=lr, weight_decay=weight_decay, fused=True)
    return [adamw, Muon(muon, lr=lr, weight_decay=weight_decay)] if muon else [adamw]


def load_optimizer_state(optimizer: torch.optim.Optimizer, saved: dict[int, dict[str, Tensor]]) -> None:
    """Restore the running averages of an optimizer. Its parameter groups and their settings stay as they are.

    Parameters
    ----------
    optimizer : Optimizer
        Optimizer to change in place.
    saved : dict
        ``state`` of the ``state_dict`` of an optimizer of the same parameters: for the number of each parameter, its
        tensors by name.
    """
    optimizer.load_state_dict(optimizer.state_dict() | {"state": saved})
    # The fused AdamW ignores strides, so averages need the memory format of their parameters (channels last).
    for parameter, averages in optimizer.state.items():
        for name, average in averages.items():
            if average.shape == parameter.shape:
                averages[name] = torch.empty_like(parameter).copy_(average)
