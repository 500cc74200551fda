"""How well each level uses its codebook."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from distill.codes.levels import level_names

LOW_UTILIZATION = 0.30


@dataclass(frozen=True)
class LevelHealth:
    """How one level used its codebook on some sound.

    Attributes
    ----------
    utilization : float
        Share of entries used at least once, 0 to 1.
    perplexity : float
        Number of entries that, used equally often, would carry as much information; 1 to the codebook's size.
    dead_codes : int
        Entries never used.
    """

    utilization: Annotated[float, Field(ge=0, le=1)]
    perplexity: Annotated[float, Field(ge=0)]
    dead_codes: Annotated[int, Field(ge=0)]


def codebook_health(counts: np.ndarray) -> list[LevelHealth]:
    """Health of each level from how often each of its entries was used.

    Parameters
    ----------
    counts : ndarray of int [levels, codebook_size]
    """
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    entropy = -(share * np.log(np.where(share > 0, share, 1))).sum(axis=1)
    used = (counts > 0).sum(axis=1)
    return [
        LevelHealth(int(u) / counts.shape[1], float(np.exp(h)), counts.shape[1] - int(u))
        for u, h in zip(used, entropy, strict=True)
    ]


def health_warnings(levels: Sequence[LevelHealth]) -> list[str]:
    """One sentence for each level that uses less than 30 % of its codebook."""
    return [
        f"{name} uses only {level.utilization:.1%} of its codes: train longer, add more varied clips, "
        "or use fewer levels."
        for name, level in zip(level_names(len(levels)), levels, strict=True)
        if level.utilization < LOW_UTILIZATION
    ]
