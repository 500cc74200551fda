"""How JSON from elsewhere becomes a typed record: strictly, by pydantic.

A record is a frozen dataclass. Its ``__pydantic_config__`` is :data:`CLOSED` or :data:`OPEN`, and the records within it
follow the same rules. A number is no bool, no text, and finite. A refusal is a ``ValueError`` of several lines; whoever
reads a file catches it, and names the file in one sentence of :mod:`distill.errors`.
"""

from typing import Annotated

from pydantic import AllowInfNan, ConfigDict, Field
from pydantic import FailFast as PydanticFailFast

CLOSED = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="constants")
"""The rules for records that only Distill writes: a key that the record does not have is refused."""
OPEN = CLOSED | ConfigDict(extra="ignore")
"""The rules for files that a later Distill may write: a key that the record does not have is left out."""

Count = Annotated[int, Field(ge=0, le=10**12)]
Amount = Annotated[float, Field(ge=0, le=1e12)]
Loss = Annotated[float, AllowInfNan(True)]
"""A loss in nepers. It is NaN or infinite in a training that came to nothing."""


class FailFast(PydanticFailFast):
    """Ends the check of a list at its first refused item: a million refusals would fill the memory.

    It can be hashed, unlike pydantic's own, so that such a list can be a part of a union.
    """

    __hash__ = object.__hash__
