"""Schedule of the learning rate during a training."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class WarmupCosine:
    """Linear warm-up (Goyal et al., "Accurate, Large Minibatch SGD", 2017) times a half cosine that falls to 0
    (Loshchilov & Hutter, "SGDR", 2017, eq. 5, without restarts).

    The learning rate depends on the finished share of the training. Torch's schedulers depend on the number of steps,
    which a training with a time limit does not know in advance. So this schedule has no state to save.

    Attributes
    ----------
    peak : float
        Learning rate that the warm-up approaches, before the factor of the cosine.
    warmup : float
        Share of the training over which the rate rises from a tenth of the peak, 0 to 1.
    """

    peak: float
    warmup: float

    def __call__(self, fraction: float) -> float:
        """Compute the learning rate at a finished share of the training, 0 to 1."""
        warm = min(1.0, (fraction + 0.1 * self.warmup) / self.warmup) if self.warmup else 1.0
        return self.peak * warm * 0.5 * (1 + math.cos(math.pi * fraction))
