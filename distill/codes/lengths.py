"""Lengths and sizes of grids of codes."""

from distill.errors import GridError

TIME_STRIDES = (16, 8, 4)
"""Frames that a column may span: 186, 93 or 46 ms. The first is that of grids and codecs that do not name theirs."""
SAMPLES_PER_FRAME, SAMPLES_PER_SECOND = 512, 44_100
MOST_CODES = 65_536
"""Largest size of a codebook: files store codes as 16-bit integers."""


def column_seconds(time_stride: int) -> float:
    """Seconds that a column of ``time_stride`` frames spans.

    Examples
    --------
    >>> [round(column_seconds(time_stride), 3) for time_stride in TIME_STRIDES]
    [0.186, 0.093, 0.046]
    """
    return time_stride * SAMPLES_PER_FRAME / SAMPLES_PER_SECOND


def check_time_stride(time_stride: int) -> None:
    """Raise a GridError unless a grid's columns may span so many frames."""
    if time_stride not in TIME_STRIDES:
        raise GridError(f"A column of a grid spans 16, 8 or 4 frames, not {time_stride}.")
