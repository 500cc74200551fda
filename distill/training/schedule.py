"""How the learning rate, and the parts of the model that learn, change over a training."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class WarmupCosine:
    """A linear warm-up (Goyal et al., "Accurate, Large Minibatch SGD", 2017) times a half cosine that falls to nothing
    (Loshchilov & Hutter, "SGDR", 2017, eq. 5, without restarts).

    It is a function of the share of the training that is done, and not of the number of steps as torch's schedulers
    are: a training that is bounded by a clock does not know its number of steps. So it has no state to be saved.

    Attributes
    ----------
    peak : float
        Learning rate that the warm-up leads to.
    warmup : float
        Share of the training over which the rate rises, from a tenth; 0 to 1.
    """

    peak: float
    warmup: float

    def __call__(self, fraction: float) -> float:
        """The learning rate when a fraction of the training is done, 0 to 1."""
        warm = min(1.0, (fraction + 0.1 * self.warmup) / self.warmup) if self.warmup else 1.0
        return self.peak * warm * 0.5 * (1 + math.cos(math.pi * fraction))
