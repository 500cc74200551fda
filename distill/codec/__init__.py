"""A trained model with its front end and its vocoder: clips to grids of codes, and grids to clips."""

from distill.codec.codec import Codec

__all__ = ["Codec"]
