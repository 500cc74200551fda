"""The grid of codes of a clip, the edits of a grid, and the history of edits. Independent of torch and of any model."""

from distill.codes.grid import CodeGrid
from distill.codes.history import History

__all__ = ["CodeGrid", "History"]
