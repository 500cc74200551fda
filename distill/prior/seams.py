"""Seams: the ends of what was drawn are drawn again some times, and what joins its surroundings best is kept."""

from collections.abc import Callable, Sequence

import numpy as np

from distill.codec import Codec
from distill.codes import CodeGrid
from distill.prior.drawing import COOLEST, draw_near
from distill.prior.model import Prior

EDGE = 2
"""Columns at each end that are drawn again."""
TRIES, TRY_STEPS = 6, 2
"""How often they are drawn again, and rounds for each level of it; the likeliest codes are the same each time."""
WINDOW = 6
"""Columns to each side of a border that are decoded to hear its jump."""


def borders_of(free: np.ndarray) -> list[int]:
    """The columns that begin on one side of the drawn part and end on the other: int [up to 2].

    Examples
    --------
    >>> free = np.zeros((1, 8, 6), dtype=bool)
    >>> free[..., 2:4] = True
    >>> borders_of(free), borders_of(free[..., 2:])
    ([2, 4], [2])
    """
    at = np.flatnonzero(free.any(axis=(0, 1)))
    return [int(border) for border in (at[0], at[-1] + 1) if 0 < border < free.shape[2]]


def mend(
    codec: Codec,
    prior: Prior,
    drawn: tuple[np.ndarray, np.ndarray],
    free: np.ndarray,
    borders: Sequence[int],
    *,
    temperature: float,
    top_p: float,
    seed: int,
    progress: Callable[[float], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the columns at the borders of a drawn part again, and keep the codes whose log-mel jumps least there.

    Parameters
    ----------
    codec : Codec
    prior : Prior
    drawn : tuple of ndarray [levels, rows, columns]
        The codes of a draw, -1 where they are not known, and how sure the prior was of them.
    free : ndarray of bool [levels, rows, columns]
        The codes that were drawn.
    borders : sequence of int
        The first columns after each border.
    temperature, top_p, seed, progress
        As for :func:`~distill.prior.drawing.draw`.

    Returns
    -------
    tuple of ndarray [levels, rows, columns]
        The codes that are kept, and how sure the prior was of them.
    """
    codes, sureness = drawn
    near = np.zeros(codes.shape[2], dtype=bool)
    for border in borders:
        near[max(border - EDGE, 0) : border + EDGE] = True
    edge = free & near
    if not edge.any():
        return drawn
    tries = TRIES if temperature >= COOLEST else 1
    best, least = drawn, jump(codec, codes, borders)
    for number in range(tries):
        asked = {"temperature": temperature, "top_p": top_p, "seed": seed + 104_729 * (number + 1)}
        again, sure = draw_near(prior, codes, edge, **asked, steps=TRY_STEPS)
        if (now := jump(codec, again, borders)) < least:
            best, least = (again, np.where(edge, sure, sureness)), now
        if progress:
            progress((number + 1) / tries)
    return best


def jump(codec: Codec, codes: np.ndarray, borders: Sequence[int]) -> float:
    """Mean absolute difference of the decoded log-mels before and after each border, in nepers."""
    known = np.asarray((codes >= 0).all(axis=(0, 1)))
    total = 0.0
    for border in borders:
        first, last = max(border - WINDOW, 0), min(border + WINDOW, codes.shape[2])
        first = border - int(np.argmin([*known[first:border][::-1], False]))
        last = border + int(np.argmin([*known[border:last], False]))
        frames = (last - first) * codec.time_stride
        part = CodeGrid(codes[..., first:last], frames, codec.model_id, codec.codebook_size, 0, codec.time_stride)
        log_mel, frame = codec.decode_mel(part).numpy(), (border - first) * codec.time_stride
        total += float(np.abs(log_mel[:, frame] - log_mel[:, frame - 1]).mean())
    return total / max(len(borders), 1)
