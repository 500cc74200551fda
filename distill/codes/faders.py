"""Edits of the mix of a grid: faders, mutes and solos. The codes stay as they are."""

import numpy as np

from distill.codes.grid import CodeGrid
from distill.codes.mixing import MUTED, to_fader
from distill.codes.regions import ALL, Span, to_region
from distill.errors import GridError


def mix_codes(
    grid: CodeGrid,
    *,
    rows: Span = ALL,
    columns: Span = ALL,
    levels: Span = ALL,
    gain: float | None = None,
    mute: bool | None = None,
) -> CodeGrid:
    """Set the faders of a region, or mute it.

    Parameters
    ----------
    grid : CodeGrid
    rows, columns, levels : slice or int
        The region. Row 0 has the lowest frequency.
    gain : float, optional
        New position of the faders, from 0 to 1.5, in steps of 0.02; by default, they stay where they are.
    mute : bool, optional
        True to mute the region, False to let it be heard with its faders as they are; by default, mutes stay.

    Raises
    ------
    GridError
        If the region is not in the grid, the gain is out of range, or neither a gain nor a mute is given.

    Examples
    --------
    >>> grid = CodeGrid(np.zeros((2, 2, 4), dtype=int), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> softer = mix_codes(grid, levels=1, rows=0, columns=slice(1, 3), gain=0.5)
    >>> softer.gains[1].tolist()
    [[1.0, 0.5, 0.5, 1.0], [1.0, 1.0, 1.0, 1.0]]
    >>> muted = mix_codes(softer, mute=True)
    >>> muted.gains.max(), mix_codes(muted, mute=False) == softer
    (np.float32(0.0), True)
    """
    if gain is None and mute is None:
        raise GridError("A mix needs a gain or a mute.")
    region = to_region(grid, levels, rows, columns)
    faders = grid.faders.copy()
    position = faders[region] % MUTED if gain is None else to_fader(gain)
    muted = faders[region] & MUTED if mute is None else MUTED * bool(mute)
    faders[region] = position + muted
    return grid.with_mix(faders)


def solo_codes(grid: CodeGrid, *, rows: Span = ALL, columns: Span = ALL, levels: Span = ALL) -> CodeGrid:
    """Mute all cells outside a region. Parameters and errors are as in :func:`mix_codes`.

    Examples
    --------
    >>> grid = CodeGrid(np.zeros((1, 2, 4), dtype=int), num_frames=64, model_id="0a1b", codebook_size=8)
    >>> solo_codes(grid, rows=1, columns=slice(0, 2)).gains.tolist()
    [[[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]]]
    """
    region = to_region(grid, levels, rows, columns)
    is_heard = np.zeros(grid.indices.shape, dtype=bool)
    is_heard[region] = True
    return grid.with_mix(np.where(is_heard, grid.faders, grid.faders | MUTED))


def heard_columns(one: CodeGrid, other: CodeGrid) -> np.ndarray:
    """For each column, whether any code or fader differs between two grids of one shape: bool [columns].

    Examples
    --------
    >>> grid = CodeGrid(np.zeros((1, 2, 3), dtype=int), num_frames=48, model_id="0a1b", codebook_size=8)
    >>> heard_columns(grid, mix_codes(grid, rows=0, columns=2, gain=0.5)).tolist()
    [False, False, True]
    """
    changed = (one.indices != other.indices).any(axis=(0, 1))
    if one.mix is not None or other.mix is not None:
        changed |= (one.faders != other.faders).any(axis=(0, 1))
    return changed
