"""Grids side by side: several clips become one grid, to be edited as a pattern."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from distill.codes.grid import SAMPLES_PER_FRAME, CodeGrid
from distill.errors import GridError


def lay_out(grids: Sequence[CodeGrid]) -> CodeGrid:
    """Lay grids side by side in time.

    Each grid but the last is as long as its columns, so the next one begins with a column of its own. Nothing of a
    grid is changed, its mix neither.

    Parameters
    ----------
    grids : sequence of CodeGrid
        At least one grid, all of the same codec.

    Returns
    -------
    CodeGrid
        A grid with the columns of all grids; its length ends with that of the last grid.

    Raises
    ------
    GridError
        If there is no grid, or the grids are of different codecs.

    Examples
    --------
    >>> hit = CodeGrid(np.zeros((3, 8, 2), dtype=int), num_frames=20, model_id="0a1b", codebook_size=64)
    >>> pattern = lay_out([hit, hit, hit])
    >>> pattern.columns, pattern.num_frames
    (6, 84)
    """
    if not grids:
        raise GridError("There is nothing to lay out: choose a clip.")
    last = grids[-1]
    if any(_codec_of(grid) != _codec_of(last) for grid in grids):
        raise GridError("Only grids of the same codec can lie side by side.")
    frames = last.time_stride * sum(grid.columns for grid in grids[:-1])
    return replace(
        last,
        indices=np.concatenate([grid.indices for grid in grids], axis=2),
        num_frames=frames + last.num_frames,
        num_samples=frames * SAMPLES_PER_FRAME + last.num_samples,
        mix=np.concatenate([grid.faders for grid in grids], axis=2),
    )


def _codec_of(grid: CodeGrid) -> tuple[str, int, int, int, int]:
    return grid.model_id, grid.codebook_size, grid.time_stride, grid.levels, grid.rows
