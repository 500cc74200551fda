"""What a page or a script may ask of a clip: a type for each kind of edit, and the care with which it is read.

What was sent comes from a stranger: it may be anything that JSON can be. :func:`read_edit` makes a request of it or
refuses it in one sentence. :func:`edit_schema` describes the requests to whoever writes a script. Whether a cell or a
code is in the grid at hand is left to :mod:`distill.codes.edits`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from reprlib import Repr
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from distill.errors import GridError
from distill.settings import DEFAULTS, Settings

LARGEST = 2**31
"""Every number of a request is smaller than this one."""
NAME_LENGTH = 100
"""The most letters of a name in a request."""
SHOWN_LENGTH = 40
"""The most letters of a wrong value that a refusal repeats."""
TOO_MANY = "too_many_cells"
_brief = Repr()
_brief.maxlevel, _brief.maxstring, _brief.maxother = 2, SHOWN_LENGTH, SHOWN_LENGTH
RequestType = TypeVar("RequestType", bound="Request")


@dataclass(frozen=True)
class MustBe:
    """The words that complete "'field' must be …" in a refusal; part of a field's type."""

    words: str


def _to_int(value: Any) -> Any:
    """A float that is whole, as an integer; anything else as it is."""
    return int(value) if isinstance(value, float) and abs(value) < LARGEST and value % 1 == 0 else value


def _to_float(value: Any) -> Any:
    """An integer of a bearable size, as a float; anything else as it is."""
    return float(value) if type(value) is int and abs(value) < LARGEST else value


def _within_limit(depth: int, numbers: int) -> Callable[[Any, ValidationInfo], Any]:
    """A check that nested lists name no more cells than one edit may name. It is made before any number is looked at.

    Parameters
    ----------
    depth : int
        How deep the lists are nested.
    numbers : int
        How many of the numbers stand for one cell.
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
    """Refuse nested lists unless those of the same depth have the same length."""
    if len({len(rows) for rows in value}) > 1 or len({len(row) for rows in value for row in rows}) > 1:
        raise ValueError("lists of unequal lengths")
    return value


_BOUNDS = Field(strict=True, gt=-LARGEST, lt=LARGEST)
Whole = Annotated[int, _BOUNDS, BeforeValidator(_to_int), MustBe("a whole number")]
Number = Annotated[float, _BOUNDS, BeforeValidator(_to_float), MustBe("a number")]
Share = Annotated[float, Field(strict=True, ge=0, le=1), BeforeValidator(_to_float), MustBe("a number from 0 to 1")]
Ends = Annotated[list[Whole], Field(min_length=2, max_length=2), MustBe("a first and a last whole number")]
Cells = Annotated[
    list[Annotated[list[Whole], Field(min_length=2, max_length=2)]],
    Field(min_length=1),
    BeforeValidator(_within_limit(depth=2, numbers=2)),
    MustBe("whole numbers in lists of equal lengths"),
]
Codes = Annotated[
    list[Annotated[list[Annotated[list[Whole], Field(min_length=1)]], Field(min_length=1)]],
    Field(min_length=1),
    BeforeValidator(_within_limit(depth=3, numbers=1)),
    AfterValidator(_check_even),
    MustBe("whole numbers in lists of equal lengths"),
]
Name = Annotated[str, Field(strict=True, max_length=NAME_LENGTH), MustBe(f"text of up to {NAME_LENGTH} letters")]


class Request(BaseModel):
    """Something that was asked for, read and checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
    work: SkipJsonSchema[Name] = ""
    """The secret of the clip that the page shows; who calls the server passes it on."""


class Audition(Request):
    """A code by itself."""

    level: Whole
    """0 is the coarsest level."""
    code: Whole
    """The code to hear."""


class LayerSound(Request):
    """A piece of the sound of so many levels."""

    track: Whole
    """How many levels are heard; 0 for the original."""
    piece: Whole
    """The number of a piece of 12 s, counted from 0."""


class EditedSound(Request):
    """A piece of the sound as edits left it, or from before all edits."""

    track: Annotated[Literal["edited", "before"], MustBe("“edited” or “before”")]
    """Which of the two sounds is heard."""
    piece: Whole
    """The number of a piece of 12 s, counted from 0."""


class EditRequest(Request):
    """An edit, or a step in the history of edits."""

    id: SkipJsonSchema[Name] = ""
    """The edit's own name: an edit that is asked for again under its name is done once."""


class RegionRequest(EditRequest):
    """An edit of a region. The ends of levels, rows and columns are included, and all count from 0."""

    levels: Ends
    """The first and the last level; 0 is the coarsest."""
    rows: Ends
    """The first and the last row; 0 is the lowest band of frequencies."""
    columns: Ends
    """The first and the last column; a column is 186 ms long."""

    @property
    def region(self) -> dict[str, slice]:
        """The region as slices, under the names that :mod:`distill.codes.edits` gives them."""
        ends = {"levels": self.levels, "rows": self.rows, "columns": self.columns}
        return {name: slice(first, last + 1) for name, (first, last) in ends.items()}

    @property
    def level_region(self) -> dict[str, Any]:
        """The region of an edit that is made of one level.

        Raises
        ------
        GridError
            If the region has more levels.
        """
        if self.levels[0] != self.levels[1]:
            raise GridError("Each level has codes of its own: choose one level for this tool.")
        region = self.region
        return {"level": self.levels[0], "rows": region["rows"], "columns": region["columns"]}


class Paint(EditRequest):
    """Put one code in single cells: a stroke of the brush."""

    kind: Literal["paint"]
    level: Whole
    """The level that is painted on; 0 is the coarsest."""
    cells: Cells
    """The cells, each as its row and its column."""
    code: Whole
    """The code to paint with."""


class Set(RegionRequest):
    """Put one code in every cell of a region of one level."""

    kind: Literal["set"]
    code: Whole
    """The code to put there."""


class Paste(EditRequest):
    """Put copied codes into the grid."""

    kind: Literal["paste"]
    level: Whole
    """The level of the first of the codes."""
    row: Whole
    """The row of the lowest of the codes."""
    column: Whole
    """The column of the first of the codes."""
    codes: Codes
    """The codes, as a list of levels, each a list of rows, each a list of columns."""


class Clear(RegionRequest):
    """Silence a region."""

    kind: Literal["clear"]


class Move(RegionRequest):
    """Cut a region and paste it elsewhere, on the same levels."""

    kind: Literal["move"]
    row: Whole
    """The row that the lowest row of the region moves to."""
    column: Whole
    """The column that the first column of the region moves to."""


class Repeat(RegionRequest):
    """Repeat a region to its right, over what stands there."""

    kind: Literal["repeat"]
    times: Whole = 1
    """How many copies follow the region."""


class Reverse(RegionRequest):
    """Play a region backwards in time."""

    kind: Literal["reverse"]


class Shift(RegionRequest):
    """Rotate a region in itself: what leaves it on one side comes in on the other."""

    kind: Literal["shift"]
    by_rows: Whole = 0
    """How many rows upwards; negative for downwards."""
    by_columns: Whole = 0
    """How many columns later; negative for earlier."""


class Similar(RegionRequest):
    """Replace each code of a region of one level by a similar one."""

    kind: Literal["similar"]
    rank: Whole
    """Which of the similar codes: 1 is the nearest, 2 the second nearest, and so on."""


class Random(RegionRequest):
    """Replace each code of a region of one level by a random one of those near it."""

    kind: Literal["random"]
    among: Whole
    """How many of the nearest codes there are to choose from."""
    seed: Whole = 0
    """The same seed makes the same choices; at least 0."""


class Replace(EditRequest):
    """Replace a code by another one wherever it stands on a level."""

    kind: Literal["replace"]
    level: Whole
    """The level on which codes are replaced; 0 is the coarsest."""
    code: Whole
    """The code that goes."""
    replacement: Whole
    """The code that comes."""


class Blend(RegionRequest):
    """Move the sound of a region towards that of the same moment of a second clip."""

    kind: Literal["blend"]
    second: Name
    """The second clip: by the call /edit, the name of an example clip."""
    amount: Share
    """The share of the second clip."""


class Swap(RegionRequest):
    """Exchange a region with the same moment of a second clip."""

    kind: Literal["swap"]
    second: Name
    """The second clip: by the call /edit, the name of an example clip."""


class Undo(EditRequest):
    """Take the last edit back."""

    kind: Literal["undo"]


class Redo(EditRequest):
    """Make the edit that was taken back last again."""

    kind: Literal["redo"]


class Reset(EditRequest):
    """Go back to the codes of the original; this can be undone."""

    kind: Literal["reset"]


class Look(EditRequest):
    """Change nothing and tell all codes."""

    kind: Literal["look"]


GridEdit = Paint | Set | Paste | Clear | Move | Repeat | Reverse | Shift | Similar | Random | Replace | Blend | Swap
"""The edits that :mod:`distill.editing.tools` makes of a grid."""
AnyEdit = Annotated[GridEdit | Undo | Redo | Reset | Look, Field(discriminator="kind")]
GRID_KINDS: dict[str, type[EditRequest]] = {
    get_args(each.model_fields["kind"].annotation)[0]: each for each in get_args(GridEdit)
}
KINDS = GRID_KINDS | {"undo": Undo, "redo": Redo, "reset": Reset, "look": Look}
_any_edit: TypeAdapter[Any] = TypeAdapter(AnyEdit)


@cache
def edit_schema() -> dict[str, Any]:
    """The JSON schema of all edits: one object for each ``kind``.

    The call ``/edit`` takes the ``kind`` first and all other fields as one object after it.
    """
    return _any_edit.json_schema()


def read_edit(sent: Any, settings: Settings = DEFAULTS) -> Any:
    """What was sent as the request of its kind.

    Parameters
    ----------
    sent : object
        Anything.
    settings : Settings
        Of which ``edit_cells`` counts.

    Raises
    ------
    GridError
        If there is no such kind, or a field is missing, unknown or of another type.
    """
    kind = field(sent, "kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise GridError(f"There is no edit named {_shown(kind)}; there are {', '.join(KINDS)}.")
    return read(KINDS[kind], sent, settings)


def read(wanted: type[RequestType], sent: Any, settings: Settings = DEFAULTS) -> RequestType:
    """What was sent as a request of that type; parameters and errors as in :func:`read_edit`."""
    fields = sent if isinstance(sent, dict) else {}
    try:
        return wanted.model_validate(fields, context={"edit_cells": settings.edit_cells})
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = str(fault["loc"][0])
    if fault["type"] == "missing":
        field(fields, name)
    if fault["type"] == "extra_forbidden":
        known = ", ".join(each for each in wanted.model_fields if each not in ("work", "id"))
        raise GridError(f"This call has no field {_shown(name)}; its fields are {known}.")
    if fault["type"] == TOO_MANY:
        raise GridError(fault["msg"])
    raise _refusal(name, wanted.model_fields[name].metadata, fields[name])


def field(sent: Any, name: str) -> Any:
    """A field of what was sent, which may be anything."""
    if not isinstance(sent, dict) or name not in sent:
        raise GridError(f"This call needs a field {name!r}; if the page made it, please reload the page.")
    return sent[name]


def whole(name: str, value: object) -> int:
    """A value as a whole number; a GridError with the value's name if it is none."""
    return _value(name, value, Whole)


def number(name: str, value: object) -> float:
    """A value as a finite number; a GridError with the value's name if it is none."""
    return _value(name, value, Number)


def _value(name: str, value: object, wanted: Any) -> Any:
    try:
        return _adapter(wanted).validate_python(value)
    except ValidationError:
        raise _refusal(name, wanted.__metadata__, value) from None


@cache
def _adapter(wanted: Any) -> TypeAdapter[Any]:
    return TypeAdapter(wanted)


def _refusal(name: str, metadata: Any, value: object) -> GridError:
    words = next(each.words for each in metadata if isinstance(each, MustBe))
    return GridError(f"{name!r} must be {words}, got {_shown(value)}.")


def _shown(value: object) -> str:
    """The beginning of a value as Python writes it."""
    try:
        return _brief.repr(value)[:SHOWN_LENGTH]
    except (ValueError, RecursionError):  # a whole number of thousands of digits cannot be written
        return "what cannot be shown"
