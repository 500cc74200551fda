"""Types for the values of a request. A wrong value is refused in a sentence that names the field and the value.

Pydantic checks each type. The words of a refusal are part of the type.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from reprlib import Repr
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from distill.codes.mixing import LOUDEST
from distill.errors import GridError
from distill.settings import DEFAULTS

LARGEST = 2**31
"""Upper limit of the magnitude of every number in a request, exclusive."""
NAME_LENGTH = 100
"""Maximum number of characters of a name in a request."""
SHOWN_LENGTH = 40
"""Maximum number of characters of a wrong value that a refusal quotes."""
TOO_MANY = "too_many_cells"
_brief = Repr()
_brief.maxlevel, _brief.maxstring, _brief.maxother = 2, SHOWN_LENGTH, SHOWN_LENGTH


@dataclass(frozen=True)
class MustBe:
    """The words that complete "'field' must be …" in a refusal; part of a field's type."""

    words: str


def _to_int(value: Any) -> Any:
    """Convert a float without a fraction to an integer; return any other value unchanged."""
    return int(value) if isinstance(value, float) and abs(value) < LARGEST and value % 1 == 0 else value


def _to_float(value: Any) -> Any:
    """Convert an integer below the limit to a float; return any other value unchanged."""
    return float(value) if type(value) is int and abs(value) < LARGEST else value


def _within_limit(depth: int, numbers: int) -> Callable[[Any, ValidationInfo], Any]:
    """A check that nested lists name no more cells than one edit may name. It runs before any number is checked.

    Parameters
    ----------
    depth : int
        Depth of the nested lists.
    numbers : int
        Number of values that describe one cell.
    """

    def check(value: Any, info: ValidationInfo) -> Any:
        most, inner = info.context["edit_cells"] if info.context else DEFAULTS.edit_cells, [value]
        for _ in range(depth):
            if not all(isinstance(part, list | tuple) for part in inner):
                raise ValueError("no list")
            if sum(map(len, inner)) > numbers * most:
                raise PydanticCustomError(
                    TOO_MANY,
                    "One edit can name up to {most} cells, and this one names more; please make several edits of it.",
                    {"most": most},
                )
            inner = [each for part in inner for each in part]
        return value

    return check


def _check_even(value: list[list[list[int]]]) -> list[list[list[int]]]:
    """Refuse nested lists unless lists of the same depth have the same length."""
    if len({len(rows) for rows in value}) > 1 or len({len(row) for rows in value for row in rows}) > 1:
        raise ValueError("lists of unequal lengths")
    return value


_BOUNDS = Field(strict=True, gt=-LARGEST, lt=LARGEST)
Whole = Annotated[int, _BOUNDS, BeforeValidator(_to_int), MustBe("a whole number")]
Number = Annotated[float, _BOUNDS, BeforeValidator(_to_float), MustBe("a number")]
Share = Annotated[float, Field(strict=True, ge=0, le=1), BeforeValidator(_to_float), MustBe("a number from 0 to 1")]
Heat = Annotated[float, Field(strict=True, ge=0, le=10), BeforeValidator(_to_float), MustBe("a number from 0 to 10")]
Jump = Annotated[float, Field(strict=True, ge=0, le=100), BeforeValidator(_to_float), MustBe("a number from 0 to 100")]
Most = Annotated[
    float, Field(strict=True, ge=0.01, le=1), BeforeValidator(_to_float), MustBe("a number from 0.01 to 1")
]
Tilt = Annotated[float, Field(strict=True, ge=-1, le=1), BeforeValidator(_to_float), MustBe("a number from -1 to 1")]
GAIN_WORDS = f"a number from 0 to {LOUDEST}"
Gain = Annotated[float, Field(strict=True, ge=0, le=LOUDEST), BeforeValidator(_to_float), MustBe(GAIN_WORDS)]
Ends = Annotated[list[Whole], Field(min_length=2, max_length=2), MustBe("a first and a last whole number")]
Cells = Annotated[
    list[Annotated[list[Whole], Field(min_length=2, max_length=2)]],
    Field(min_length=1),
    BeforeValidator(_within_limit(depth=2, numbers=2)),
    MustBe("whole numbers in lists of equal lengths"),
]
Notes = Annotated[
    list[Annotated[list[Whole], Field(min_length=4, max_length=4)]],
    Field(min_length=1),
    BeforeValidator(_within_limit(depth=2, numbers=4)),
    MustBe("whole numbers in lists of equal lengths"),
]
Codes = Annotated[
    list[Annotated[list[Annotated[list[Whole], Field(min_length=1)]], Field(min_length=1)]],
    Field(min_length=1),
    BeforeValidator(_within_limit(depth=3, numbers=1)),
    AfterValidator(_check_even),
    MustBe("whole numbers in lists of equal lengths"),
]
AnyCells = Annotated[Cells | None, MustBe("whole numbers in lists of equal lengths")]
AnyWhole = Annotated[Whole | None, MustBe("a whole number")]
Switch = Annotated[bool, Field(strict=True), MustBe("true or false")]
Name = Annotated[str, Field(strict=True, max_length=NAME_LENGTH), MustBe(f"text of up to {NAME_LENGTH} letters")]


def whole(name: str, value: object) -> int:
    """A value as an integer; raises a GridError with the value's name if it is not a whole number."""
    return _value(name, value, Whole)


def number(name: str, value: object) -> float:
    """A value as a finite float; raises a GridError with the value's name if it is not a number."""
    return _value(name, value, Number)


def _value(name: str, value: object, wanted: Any) -> Any:
    try:
        return _adapter(wanted).validate_python(value)
    except ValidationError:
        raise refusal(name, wanted.__metadata__, value) from None


@cache
def _adapter(wanted: Any) -> TypeAdapter[Any]:
    return TypeAdapter(wanted)


def refusal(name: str, metadata: Iterable[object], value: object) -> GridError:
    """The error for a value of the wrong type; the metadata of the type has the words."""
    words = next(each.words for each in metadata if isinstance(each, MustBe))
    return GridError(f"{name!r} must be {words}, got {shown(value)}.")


def shown(value: object) -> str:
    """The beginning of a value's Python representation."""
    try:
        return _brief.repr(value)[:SHOWN_LENGTH]
    except (ValueError, RecursionError):  # Python refuses to print integers of thousands of digits
        return "what cannot be shown"
