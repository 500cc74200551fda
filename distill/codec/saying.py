"""A clip said again in the codes of another codec."""

from distill.codec.codec import Codec
from distill.codes import CodeGrid


def say_again(grid: CodeGrid, source: Codec, to: Codec) -> CodeGrid:
    """Say a grid of one codec with the codes of another: its sound, as the second codec hears it.

    Parameters
    ----------
    grid : CodeGrid
        A grid of the first codec; its faders are heard, and the new grid has none.
    source, to : Codec
        The first codec and the second.

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
    return to.encode_mel(source.decode_mel(grid), num_samples=grid.num_samples)
