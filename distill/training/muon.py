"""Muon: an optimizer whose steps turn all directions of a convolution's weight by the same amount."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
SMALLEST_SIDE = 16
"""A weight with fewer inputs or outputs than this is left to AdamW."""


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal by Newton-Schulz iterations before it is applied.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024, for the iteration; Liu et al., "Muon
    is Scalable for LLM Training", 2025, eq. 4, for the scale that lets it share AdamW's learning rate. It needs about
    half the steps of AdamW on this package's models.

    ``torch.optim.Muon`` takes matrices only and works in bfloat16, in which a processor without hardware for it is a
    hundred times slower. This one takes convolutions, and works in float32 on the small Gram matrix.

    Parameters
    ----------
    params : iterable of Tensor, or of dicts
        Weights of two or more dimensions. A group's ``output_dim`` is the dimension of a weight's outputs: 0 (the
        default) for a convolution, 1 for a transposed one.
    lr : float
    momentum : float
        0 to 1.
    weight_decay : float
        Decoupled, as AdamW's.
    iterations : int
        Of Newton-Schulz. Three leave small singular values smaller than five do, and train as well in less time.
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
        """Move every weight that has a gradient."""
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
    """A matrix of the same singular vectors whose singular values are nearer to 1.

    With X of norm 1 and G = X X^T, each iteration X <- (a + b G + c G^2) X changes G by the same polynomial, which
    commutes with it; so all iterations are done on G, and X is multiplied once.

    Parameters
    ----------
    matrix : Tensor [m, n]
    iterations : int
        At least 1.

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
    """Muon for the convolutions between wide maps, AdamW for all else (norms, biases, the outermost layers)."""
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
    """Give an optimizer the averages of another one of the same parameters; its groups stay as they are.

    Parameters
    ----------
    optimizer : Optimizer
    saved : dict
        The ``state`` of the other's ``state_dict``: tensors by name, of each parameter by its number.
    """
    optimizer.load_state_dict(optimizer.state_dict() | {"state": saved})
    # The fused AdamW walks memory, not positions: averages must lie in it as their parameters do (channels last).
    for parameter, averages in optimizer.state.items():
        for name, average in averages.items():
            if average.shape == parameter.shape:
                averages[name] = torch.empty_like(parameter).copy_(average)
