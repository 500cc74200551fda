"""Health of the codebooks: how well each level uses its codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from distill.codes.levels import level_names

LOW_UTILIZATION = 0.30
"""Share of used codes below which a level gets a warning."""


@dataclass(frozen=True)
class LevelHealth:
    """The use of the codebook of one level on some sound.

    Attributes
    ----------
    utilization : float
        Share of the codes that occur at least once, 0 to 1.
    perplexity : float
        Exponential of the entropy of the codes, from 1 to the size of the codebook: the number of equally frequent
        codes with the same entropy.
    dead_codes : int
        Number of codes that never occur.
    """

    utilization: Annotated[float, Field(ge=0, le=1)]
    perplexity: Annotated[float, Field(ge=0)]
    dead_codes: Annotated[int, Field(ge=0)]


def codebook_health(counts: np.ndarray) -> list[LevelHealth]:
    """Compute the health of each level from the counts of its codes.

    Parameters
    ----------
    counts : ndarray of int [levels, codebook_size]
        Number of times that each code occurs.
    """
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    entropy = -(share * np.log(np.where(share > 0, share, 1))).sum(axis=1)
    used = (counts > 0).sum(axis=1)
    return [
        LevelHealth(int(u) / counts.shape[1], float(np.exp(h)), counts.shape[1] - int(u))
        for u, h in zip(used, entropy, strict=True)
    ]


def health_warnings(levels: Sequence[LevelHealth]) -> list[str]:
    """Write one sentence for each level that uses less than 30 % of its codes."""
    return [
        f"{name} uses only {level.utilization:.1%} of its codes: train longer, add more varied clips, "
        "or use fewer levels."
        for name, level in zip(level_names(len(levels)), levels, strict=True)
        if level.utilization < LOW_UTILIZATION
    ]
