"""Runs ``peel`` to its end and returns its layers."""

from distill.codec.decoded import DecodedMel
from distill.codec.evaluation import peel


def peeled(codec, original, grid, told=lambda share: None):
    """Return the layers of a clip; ``told`` is called with the finished share, 0 to 1, after each step."""
    steps = peel(codec, original, [DecodedMel(codec, grid, levels) for levels in range(1, codec.num_levels + 1)])
    while True:
        try:
            told(next(steps))
        except StopIteration as end:
            return end.value
