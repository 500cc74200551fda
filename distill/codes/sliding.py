"""The edit by ear: a region becomes brighter or darker, noisier or purer, harder or softer, louder or quieter."""

from typing import Protocol

import numpy as np

from distill.codes.grid import CodeGrid
from distill.codes.regions import ALL, Span, to_number, to_region, to_vectors
from distill.codes.snapping import Snapped, embed, snap

CONTRAST, RISE, MOST_RISE = 0.6, 0.5, 3.0
"""At full travel: the share by which rows come near to their mean loudness (noisier) or away from it (purer); the share
by which a rise of loudness from column to column grows (harder attack); the largest rise that counts, in nepers."""


class Directions(Protocol):
    """What a slide needs to know of a codec; see ``distill.codec.qualities.Qualities``."""

    @property
    def steps(self) -> np.ndarray: ...
    @property
    def loudness(self) -> np.ndarray: ...
    @property
    def quietness(self) -> np.ndarray: ...
    @property
    def travel(self) -> tuple[float, float]: ...


def slide_codes(
    grid: CodeGrid,
    *,
    rows: Span,
    columns: Span,
    levels: Span = ALL,
    brightness: float = 0.0,
    noisiness: float = 0.0,
    attack: float = 0.0,
    loudness: float = 0.0,
    codebooks: np.ndarray,
    directions: Directions,
) -> CodeGrid:
    """Move the sound of a region along qualities that a listener knows, to near codes.

    The vector of a cell is the sum of the codebook entries of its codes on all levels. A step is added to it, and the
    levels of the region take the codes that come nearest. Each amount is a share of a slider's full travel, from -1 to
    1; with all 0, the grid does not change.

    - Brightness tilts the energy of each cell over its row, and makes high rows louder and low rows quieter, around the
      middle of the region.
    - Noisiness brings the rows of a column nearer to their mean loudness; below 0 it moves them apart.
    - Attack moves the energy of a cell to the beginning of its column, and makes a rise of loudness from the column
      before larger.
    - Loudness makes each cell louder.

    Parameters
    ----------
    grid : CodeGrid
    rows, columns, levels : slice or int
        The region.
    brightness, noisiness, attack, loudness : float
        From -1 to 1.
    codebooks : ndarray of float [levels, codebook_size, dimensions]
        Codebooks of the codec.
    directions : Directions
        ``Codec.qualities``.

    Raises
    ------
    GridError
        If the region is not in the grid, an amount is out of range, or the codebooks or directions have another shape
        than the grid needs.

    Examples
    --------
    >>> from distill.codec import Codec
    >>> from distill.audio import load_clip
    >>> codec = Codec.load("examples/models/loops.distill")
    >>> grid = codec.encode(load_clip("examples/clips/loop_amen.flac").waveform, sample_rate=44_100)
    >>> louder = slide_codes(
    ...     grid, rows=ALL, columns=ALL, loudness=0.5, codebooks=codec.codebooks, directions=codec.qualities
    ... )
    >>> bool((codec.decode_mel(louder) - codec.decode_mel(grid)).mean() > 0.4)
    True
    """
    return snap_slide(
        grid, rows=rows, columns=columns, levels=levels, brightness=brightness, noisiness=noisiness, attack=attack,
        loudness=loudness, codebooks=codebooks, directions=directions,
    ).grid  # fmt: skip


def snap_slide(
    grid: CodeGrid,
    *,
    rows: Span,
    columns: Span,
    levels: Span = ALL,
    brightness: float = 0.0,
    noisiness: float = 0.0,
    attack: float = 0.0,
    loudness: float = 0.0,
    codebooks: np.ndarray,
    directions: Directions,
) -> Snapped:
    """The same as :func:`slide_codes`, and how far the codes are off the sound that was asked for.

    Examples
    --------
    >>> from distill.codec import Codec
    >>> from distill.audio import load_clip
    >>> codec = Codec.load("examples/models/loops.distill")
    >>> grid = codec.encode(load_clip("examples/clips/loop_amen.flac").waveform, sample_rate=44_100)
    >>> snapped = snap_slide(
    ...     grid, rows=ALL, columns=ALL, brightness=-0.5, codebooks=codec.codebooks, directions=codec.qualities
    ... )
    >>> 0 < snapped.off < 0.5
    True
    """
    region = to_region(grid, levels, rows, columns)
    amounts = {"brightness": brightness, "noisiness": noisiness, "attack": attack, "loudness": loudness}
    for name, amount in amounts.items():
        to_number(f"The {name} of a slide", amount, -1, 1)
    shape = {"levels": grid.levels, "codes": grid.codebook_size, "dimensions": None}
    codebooks = to_vectors("The codebooks", codebooks, shape).astype(np.float32, copy=False)
    tilts, attacks, louds = to_vectors(
        "The steps", directions.steps, {"qualities": 3, "rows": grid.rows, "dimensions": codebooks.shape[2]}
    ).astype(np.float64)
    if not any(amounts.values()):
        return Snapped(grid, 0.0)
    changed, row_span, column_span = region
    heard = np.einsum("rcd,rd->rc", embed(codebooks, grid.indices).astype(np.float64), directions.loudness)
    heard += directions.quietness.astype(np.float64)[:, None]
    tilt, loud = directions.travel
    middle = (row_span.start + row_span.stop - 1) / 2
    raised = loudness * loud + brightness * tilt * (np.arange(grid.rows) - middle)[:, None]  # nepers
    raised = raised - noisiness * CONTRAST * (heard - heard.mean(axis=0))
    rise = np.diff(heard, axis=1, prepend=heard[:, :1])
    raised = raised + attack * RISE * np.clip(rise, -MOST_RISE, MOST_RISE)
    steps = (raised / loud)[..., None] * louds[:, None] + (brightness * tilts + attack * attacks)[:, None]
    ours = grid.indices[changed, row_span, column_span]
    own = embed(codebooks[changed], ours)
    wanted = own + steps[row_span, column_span].astype(np.float32)
    return snap(grid, region, codebooks[changed], wanted, (ours,))
