"""Requests for a sound of an open clip."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict

from distill.editing.requests import Request, slices_of
from distill.editing.values import AnyCells, Ends, MustBe, Whole


class Audition(Request):
    """The sound of a single code."""

    level: Whole
    """0 is the coarsest level."""
    code: Whole
    """The code to hear."""


class LayerSound(Request):
    """A piece of the sound of the first levels."""

    track: Whole
    """Number of levels to hear; 0 for the original."""
    piece: Whole
    """The number of a piece of 12 s, counted from 0."""


class Solo(BaseModel):
    """A region that is heard alone. The ends are included."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
    levels: Ends
    """The first and the last level; 0 is the coarsest."""
    rows: Ends
    """The first and the last row; 0 is the lowest band of frequencies."""
    columns: Ends
    """The first and the last column."""
    only: AnyCells = None
    """The cells of the region that are meant, each as its row and its column; by default all."""

    @property
    def region(self) -> dict[str, slice]:
        """The region as slices, under the names that :mod:`distill.codes.edits` gives them."""
        return slices_of(self)


class EditedSound(Request):
    """A piece of the sound after all edits, or before all edits."""

    track: Annotated[Literal["edited", "before"], MustBe("“edited” or “before”")]
    """The sound to hear."""
    piece: Whole
    """The number of a piece of 12 s, counted from 0."""
    solo: Annotated[Solo | None, MustBe("a region: the ends of its levels, rows and columns")] = None
    """Part of the edited sound that is heard alone: the ends of its levels, rows and columns; the rest is muted."""
