"""The codec: encodes clips to grids of codes and decodes grids to clips."""

from distill.codec.codec import Codec

__all__ = ["Codec"]
