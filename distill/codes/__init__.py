"""A clip as a grid of codes, ways to change it, and the history of changes. Knows no torch model."""

from distill.codes.grid import CodeGrid
from distill.codes.history import History

__all__ = ["CodeGrid", "History"]
