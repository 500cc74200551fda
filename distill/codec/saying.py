"""A clip said again in the codes of another codec."""

from collections.abc import Callable

from distill.codec.codec import Codec
from distill.codes import CodeGrid


def say_again(
    grid: CodeGrid, source: Codec, to: Codec, *, progress: Callable[[float], object] = lambda share: None
) -> CodeGrid:
    """Say a grid of one codec with the codes of another: its sound, as the second codec hears it.

    Parameters
    ----------
    grid : CodeGrid
        A grid of the first codec; its faders are heard, and the new grid has none.
    source, to : Codec
        The first codec and the second.
    progress : callable
        Called with the share that is done, 0 to 1, every few tenths of a second.

    Returns
    -------
    CodeGrid
        A grid of the second codec, as long as the first.

    Raises
    ------
    GridError
        If the grid is not one of the first codec.

    Examples
    --------
    >>> from distill.audio import load_clip
    >>> codec = Codec.load("examples/models/loops.distill")
    >>> grid = codec.encode_clip(load_clip("examples/clips/loop_amen.flac"))
    >>> again = say_again(grid, codec, codec)
    >>> again.columns == grid.columns, again.num_samples == grid.num_samples
    (True, True)
    """
    log_mel = source.decode_mel(grid, progress=lambda share: progress(share / 2))
    return to.encode_mel(log_mel, lambda share: progress(0.5 + share / 2), num_samples=grid.num_samples)
