"""A part of a grid that is drawn anew, and the takes of it."""

from dataclasses import dataclass, replace
from functools import partial
from typing import TypedDict

import numpy as np

from distill.codec import Codec
from distill.codes import CodeGrid
from distill.codes.lengths import SAMPLES_PER_FRAME
from distill.codes.mixing import FULL
from distill.codes.regions import to_number, to_whole
from distill.prior.copies import Copied, find_copy
from distill.prior.drawing import Progress, draw_near, tell_part
from distill.prior.memory import Memory
from distill.prior.model import Prior
from distill.prior.seams import borders_of, mend

BLOCK = 4
"""Columns that a continuation is drawn in; each block sees those before it."""


class _Asked(TypedDict):
    """How codes are drawn."""

    temperature: float
    top_p: float
    seed: int


@dataclass(frozen=True, eq=False)
class Take:
    """One answer of a prior.

    Attributes
    ----------
    grid : CodeGrid
        The grid with the new codes.
    sureness : ndarray of float32 [rows, columns]
        How sure the prior was of the codes in each cell: their mean probability; 1 where nothing was drawn.
    copied : Copied
        What of it stands in a clip as it is.
    """

    grid: CodeGrid
    sureness: np.ndarray
    copied: Copied


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a grid that is drawn anew. All takes of it share a prior, which remembers what it has computed.

    Attributes
    ----------
    codec : Codec
        Decodes the seams of takes, of which the smoothest are kept.
    grid : CodeGrid
        The grid as it is.
    free : ndarray of bool [levels, rows, columns]
        The codes that are drawn.
    memory : Memory
        The clips in which copies are looked for.
    prior : Prior
        The prior that is drawn from.
    side : str
        "right" if the part goes on with what is before it alone, "left" if it leads to what is after it alone, or
        "both".
    turn : int
        Columns by which the prior's clip begins later; its end stands before its beginning.
    """

    codec: Codec
    grid: CodeGrid
    free: np.ndarray
    memory: Memory
    prior: Prior
    side: str = "both"
    turn: int = 0

    def take(
        self, *, temperature: float = 1.0, top_p: float = 1.0, seed: int = 0, progress: Progress | None = None
    ) -> Take:
        """Draw the part.

        Parameters
        ----------
        temperature : float
            From 0, the likeliest codes, over 1, as the prior has them, to 10, wilder ones.
        top_p : float
            Only the likeliest codes that have this share of the probability together are drawn; 0.01 to 1.
        seed : int
            The same seed draws the same codes; at least 0.
        progress : callable, optional
            Called every few tenths of a second with the share that is drawn, 0 to 1.

        Raises
        ------
        GridError
            If a number is out of its range.
        """
        check_heat(temperature, top_p)
        asked: _Asked = {"temperature": temperature, "top_p": top_p, "seed": to_whole("seed", seed, 0)}
        codes, sureness = self.grid.indices, np.ones(self.free.shape, dtype=np.float32)
        if self.free.any():
            codes, sureness = (self._at_once if self.side == "both" else self._by_blocks)(asked, progress)
        copied = find_copy(self.memory, codes, self.free)
        return Take(self.grid.with_indices(codes), sureness.mean(axis=0), copied)

    def _at_once(self, asked: _Asked, progress: Progress | None) -> tuple[np.ndarray, np.ndarray]:
        codes, free = (np.roll(each, self.turn, axis=2) for each in (self.grid.indices, self.free))
        halves = [progress and partial(tell_part, progress, half, 2) for half in (0, 1)]
        drawn = draw_near(self.prior, codes, free, **asked, progress=halves[0])
        codes, sureness = mend(self.codec, self.prior, drawn, free, borders_of(free), **asked, progress=halves[1])
        return np.roll(codes, -self.turn, axis=2), np.roll(sureness, -self.turn, axis=2)

    def _by_blocks(self, asked: _Asked, progress: Progress | None) -> tuple[np.ndarray, np.ndarray]:
        at = np.flatnonzero(self.free.any(axis=(0, 1)))
        codes = np.where(self.free | beyond(self.free, self.side), -1, self.grid.indices)
        sureness = np.ones(self.free.shape, dtype=np.float32)
        blocks = [slice(first, first + BLOCK) for first in range(at[0], at[-1] + 1, BLOCK)]
        for number, block in enumerate(blocks if self.side == "right" else blocks[::-1]):
            now = np.zeros_like(self.free)
            now[..., block] = self.free[..., block]
            seeded: _Asked = {**asked, "seed": asked["seed"] + 7919 * number}
            told = progress and partial(tell_part, progress, number, len(blocks))
            codes, sure = draw_near(self.prior, codes, now, **seeded, progress=told)
            if number == 0:  # the blocks after it have seen what they join
                join = [border for border in borders_of(self.free) if (border == at[0]) == (self.side == "right")]
                codes, sure = mend(self.codec, self.prior, (codes, sure), now, join, **seeded)
            sureness = np.where(now, sure, sureness)
        return np.where(self.free, codes, self.grid.indices), sureness


def beyond(free: np.ndarray, side: str) -> np.ndarray:
    """The columns that a part that goes on to a side does not look at: bool [columns]."""
    at, columns = np.flatnonzero(free.any(axis=(0, 1))), np.arange(free.shape[2])
    return columns > at[-1] if side == "right" else columns < at[0]


def longer(grid: CodeGrid, columns: int, *, left: bool) -> CodeGrid:
    """A grid with more columns, which hold code 0 and are heard as they are, whatever the mix of the others."""
    pad = ((0, 0), (0, 0), (columns, 0) if left else (0, columns))
    mix = None if grid.mix is None else np.pad(grid.mix, pad, constant_values=FULL)
    added = columns * grid.time_stride
    num_frames = grid.num_frames + added if left else (grid.columns + columns) * grid.time_stride
    num_samples = grid.num_samples + added * SAMPLES_PER_FRAME if left else 0
    indices = np.pad(grid.indices, pad)
    return replace(grid, indices=indices, num_frames=num_frames, num_samples=num_samples, mix=mix)


def check_heat(temperature: float, top_p: float) -> None:
    """Raise a GridError unless the temperature is from 0 to 10, and ``top_p`` from 0.01 to 1."""
    to_number("temperature", temperature, 0, 10)
    to_number("top_p", top_p, 0.01, 1)
