"""Strict rules by which pydantic turns untrusted JSON into typed records.

A record is a frozen dataclass. Its ``__pydantic_config__`` is :data:`CLOSED` or :data:`OPEN`, and the records inside it
follow the same rules. A number must be finite; a bool or a string is not accepted as a number. If pydantic refuses the
JSON, it raises a ``ValueError`` of several lines. The function that reads the file catches this error and raises an
error from :mod:`distill.errors` that names the file in one sentence.
"""

from typing import Annotated

from pydantic import AllowInfNan, ConfigDict, Field
from pydantic import FailFast as PydanticFailFast

CLOSED = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="constants")
"""Rules for records that only Distill writes: an unknown key is refused."""
OPEN = CLOSED | ConfigDict(extra="ignore")
"""Rules for files that a later version of Distill may write: an unknown key is ignored."""

Count = Annotated[int, Field(ge=0, le=10**12)]
"""Number of things, 0 to 10**12."""
Amount = Annotated[float, Field(ge=0, le=1e12)]
"""Quantity of any unit, 0 to 1e12."""
Loss = Annotated[float, AllowInfNan(True)]
"""Loss in nepers. The loss is NaN or infinite if the training diverged."""


class FailFast(PydanticFailFast):
    """Stop the validation of a list at its first invalid item: a million error messages would fill the memory.

    Unlike pydantic's class, this class can be hashed, so the type of the list can be part of a union.
    """

    __hash__ = object.__hash__
