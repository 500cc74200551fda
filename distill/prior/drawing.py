"""Drawing codes from a prior: the surest cells first, coarse levels before fine ones."""

from collections.abc import Callable
from typing import Any

import numpy as np

from distill.prior.model import Prior

STEPS = 6
"""Rounds in which the codes of a level are drawn. Each round sees the codes of the rounds before it."""
SEEN_COLUMNS = 32
"""Columns to each side of a part that are looked at while it is drawn."""
COOLEST = 0.01
"""Temperature below which the likeliest code is taken."""

Progress = Callable[[float], object]
"""Called with the share that is drawn, 0 to 1, every few tenths of a second."""


def tell_part(progress: Progress, number: int, count: int, share: float) -> None:
    """Tell the share of a whole of which one of ``count`` equal parts, the one of this number, is done so far."""
    progress((number + share) / count)


def draw(
    prior: Prior,
    codes: np.ndarray,
    free: np.ndarray,
    *,
    seed: int,
    temperature: float = 1.0,
    top_p: float = 1.0,
    steps: int = STEPS,
    progress: Progress | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw codes in some places of a grid; all others stay as they are.

    Chang et al., "MaskGIT: Masked generative image transformer", 2022, sec. 3.2: of all codes drawn in a round, the
    surest are kept, and the rest is drawn again.

    Parameters
    ----------
    prior : Prior
    codes : ndarray of int64 [levels, rows, columns]
    free : ndarray of bool [levels, rows, columns]
        The places to draw in.
    seed : int
        The same seed draws the same codes; at least 0.
    temperature : float
        From 0, the likeliest codes, over 1, as the prior has them, to wilder ones.
    top_p : float
        Only the likeliest codes that have this share of the probability together are drawn; above 0, up to 1.
    steps : int
        Rounds for each level, at least 1.
    progress : callable, optional
        Called after each round with the share of the rounds that are done.

    Returns
    -------
    codes : ndarray of int64 [levels, rows, columns]
    sureness : ndarray of float32 [levels, rows, columns]
        Probability that the prior gave each code that was drawn; 1 elsewhere.
    """
    random = np.random.default_rng(seed)
    drawn, sureness = np.where(free, -1, codes), np.ones(codes.shape, dtype=np.float32)
    for level in range(len(codes)):
        waiting = free[level].copy()
        total = int(waiting.sum())
        for step in range(steps):
            cells = np.argwhere(waiting)
            if not len(cells):
                break
            logs = prior.log_probabilities(drawn, level, waiting)
            noise = random.gumbel(size=logs.shape)
            picked = _sharpened(logs, temperature, top_p, noise).argmax(axis=1)
            sure = np.take_along_axis(logs, picked[:, None], axis=1)[:, 0]
            left = int(total * np.cos(np.pi / 2 * (step + 1) / steps)) if step < steps - 1 else 0
            lively = temperature * (1 - (step + 1) / steps) * random.gumbel(size=len(cells))
            kept = np.argsort(-(sure + lively), kind="stable")[: max(len(cells) - left, 1)]
            rows, columns = cells[kept].T
            drawn[level, rows, columns] = picked[kept]
            sureness[level, rows, columns] = np.exp(sure[kept])
            waiting[rows, columns] = False
            if progress:
                progress((level + (step + 1) / steps) / len(codes))
    return drawn, sureness


def draw_near(prior: Prior, codes: np.ndarray, free: np.ndarray, **asked: Any) -> tuple[np.ndarray, np.ndarray]:
    """Draw as :func:`draw` does, but look only 32 columns around, however long the clip is."""
    at = np.flatnonzero(free.any(axis=(0, 1)))
    near = slice(max(at[0] - SEEN_COLUMNS, 0), at[-1] + 1 + SEEN_COLUMNS)
    drawn, sureness = codes.copy(), np.ones(codes.shape, dtype=np.float32)
    drawn[..., near], sureness[..., near] = draw(prior, codes[..., near], free[..., near], **asked)
    return drawn, sureness


def least_sure(
    prior: Prior, codes: np.ndarray, free: np.ndarray, amount: float, progress: Progress | None = None
) -> np.ndarray:
    """Find the cells of a region in which the prior expects other codes most: bool [rows, columns].

    Parameters
    ----------
    prior : Prior
    codes : ndarray of int64 [levels, rows, columns]
    free : ndarray of bool [levels, rows, columns]
        The codes of the region.
    amount : float
        Share of the cells that are found, 0 to 1.
    progress : callable, optional
        Called with 0 after each step.
    """
    cells = free.any(axis=0)
    odd = np.add.outer(*(np.arange(size) for size in cells.shape)) % 2 == 1
    surprise = np.full(cells.shape, -np.inf)
    for half in (cells & odd, cells & ~odd):
        if half.any():
            surprise[half] = 0
            for level in np.flatnonzero(free.any(axis=(1, 2))):
                shown = np.where(half & free, -1, codes)
                shown[:level] = codes[:level]
                logs = prior.log_probabilities(shown, int(level), half)
                surprise[half] -= logs[np.arange(len(logs)), codes[level][half]]
                if progress:
                    progress(0.0)
    count = int(np.ceil(amount * cells.sum()))
    chosen = np.zeros(cells.size, dtype=bool)
    chosen[np.argsort(-surprise, axis=None, kind="stable")[:count]] = True
    return chosen.reshape(cells.shape) & cells


def _sharpened(logs: np.ndarray, temperature: float, top_p: float, noise: np.ndarray) -> np.ndarray:
    """Scores whose greatest is a code drawn at a temperature among the likeliest ones (Gumbel's trick)."""
    if temperature < COOLEST:
        return logs
    logs = logs / temperature
    if top_p < 1:
        order = np.argsort(-logs, axis=1)
        shares = np.take_along_axis(logs, order, axis=1).astype(np.float64)
        shares = np.exp(shares - shares[:, :1])
        shares /= shares.sum(axis=1, keepdims=True)
        beyond = np.cumsum(shares, axis=1) - shares >= top_p
        logs = logs.copy()
        np.put_along_axis(logs, order, np.where(beyond, -np.inf, np.take_along_axis(logs, order, axis=1)), axis=1)
    return logs + noise
