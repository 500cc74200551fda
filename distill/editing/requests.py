"""Requests of a page or a script to a clip: a type for each kind of edit, and their validation.

A request comes from a stranger and may be any JSON. :func:`read_edit` turns it into a request or refuses it in one
sentence. :func:`edit_schema` describes the requests for authors of scripts. Whether a cell or a code exists in the
current grid is checked by :mod:`distill.codes.edits`.
"""

from functools import cache
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.json_schema import SkipJsonSchema

from distill.editing.values import (
    GAIN_WORDS,
    TOO_MANY,
    AnyCells,
    AnyWhole,
    Cells,
    Codes,
    Ends,
    Gain,
    Heat,
    Jump,
    Most,
    MustBe,
    Name,
    Notes,
    Number,
    Share,
    Switch,
    Tilt,
    Whole,
    refusal,
    shown,
)
from distill.errors import GridError
from distill.settings import DEFAULTS, Settings

RequestType = TypeVar("RequestType", bound="Request")


class Request(BaseModel):
    """A request of a client, read and checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
    work: SkipJsonSchema[Name] = ""
    """Secret of the clip that the page shows; the caller adds it."""


class EditRequest(Request):
    """An edit, or a step in the history of edits."""

    id: SkipJsonSchema[Name] = ""
    """Identifier of the edit: an edit that is sent again with the same id is done only once."""
    heard: Switch = True
    """Whether the answer brings the changed sound; false if the sender makes the sound of the codes itself."""
    gesture: Name = ""
    """Name of a gesture, as the drag of a slider: an edit takes the place of the last one if both have the name."""


def slices_of(region: Any) -> dict[str, slice]:
    return {name: slice(ends[0], ends[1] + 1) for name, ends in region if name in ("levels", "rows", "columns")}


class RegionRequest(EditRequest):
    """An edit of a region. The ends of levels, rows and columns are included, and all count from 0."""

    levels: Ends
    """The first and the last level; 0 is the coarsest."""
    rows: Ends
    """The first and the last row; 0 is the lowest band of frequencies."""
    columns: Ends
    """The first and the last column; a column is 186, 93 or 46 ms long, as the codec has it."""
    only: AnyCells = None
    """The cells of the region that are meant, each as its row and its column; by default all. Reverse and shift always
    mean all."""

    @property
    def region(self) -> dict[str, slice]:
        """The region as slices, under the names that :mod:`distill.codes.edits` gives them."""
        return slices_of(self)

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
    only: AnyCells = None
    """The cells of the grid that get their codes, each as its row and its column; by default all."""


class Play(EditRequest):
    """Put codes in single cells of any levels: what was played on the keys."""

    kind: Literal["play"]
    notes: Notes
    """The cells, each as its level, its row, its column and its new code; a later one replaces an earlier one."""


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
    """Number of copies after the region."""
    period: Number = 0.0
    """Columns from the start of a copy to the start of the next, as a beat has them; 0 for the width of the region."""


class Reverse(RegionRequest):
    """Play a region backwards in time."""

    kind: Literal["reverse"]


class Shift(RegionRequest):
    """Rotate a region in itself: what leaves it on one side comes in on the other."""

    kind: Literal["shift"]
    by_rows: Whole = 0
    """Number of rows upwards; negative for downwards."""
    by_columns: Whole = 0
    """Number of columns later; negative for earlier."""


class Similar(RegionRequest):
    """Replace each code of a region of one level by a similar one."""

    kind: Literal["similar"]
    rank: Whole
    """Which of the similar codes: 1 is the nearest, 2 the second nearest, and so on."""


class Random(RegionRequest):
    """Replace each code of a region of one level by a random one of those near it."""

    kind: Literal["random"]
    among: Whole
    """Number of the nearest codes to choose from."""
    seed: Whole = 0
    """The same seed makes the same choices; at least 0."""


class Replace(EditRequest):
    """Replace a code by another one wherever it stands on a level."""

    kind: Literal["replace"]
    level: Whole
    """The level on which codes are replaced; 0 is the coarsest."""
    code: Whole
    """The code to replace."""
    replacement: Whole
    """The new code."""


class Blend(RegionRequest):
    """Move the sound of a region towards that of the same moment of a second clip."""

    kind: Literal["blend"]
    second: Name
    """The second clip: by the call /edit, the name of an example or an id that the call /clips has."""
    amount: Share
    """The share of the second clip."""
    since: AnyWhole = None
    """Number of edits of the history after which the region had the codes to begin from; by default those of now."""


class Slide(RegionRequest):
    """Move the sound of a region along qualities that a listener knows, to near codes."""

    kind: Literal["slide"]
    brightness: Tilt = 0.0
    """From -1, darker, to 1, brighter."""
    noisiness: Tilt = 0.0
    """From -1, purer, to 1, noisier."""
    attack: Tilt = 0.0
    """From -1, a softer attack, to 1, a harder one."""
    loudness: Tilt = 0.0
    """From -1, quieter, to 1, louder."""
    since: AnyWhole = None
    """Number of edits of the history after which the region had the codes to begin from; by default those of now."""


class Swap(RegionRequest):
    """Exchange a region with the same moment of a second clip."""

    kind: Literal["swap"]
    second: Name
    """The second clip: by the call /edit, the name of an example or an id that the call /clips has."""


class Cross(EditRequest):
    """Play the whole clip by the sounds of a second one: each column gets the codes of the column there that does most
    alike in its clip."""

    kind: Literal["cross"]
    second: Name
    """The second clip: by the call /edit, the name of an example or an id that the call /clips has."""
    jump: Jump = 0.5
    """Cost of a jump in the second clip, 0 to 100: the more, the longer are the parts of it."""


class Drawing(RegionRequest):
    """An edit whose codes are drawn from what the codec has heard; see :class:`distill.prior.Vamp`."""

    temperature: Heat = 1.0
    """How wild the codes are: 0 for the likeliest ones, up to 10."""
    top_p: Most = 1.0
    """Only the likeliest codes that have this share of the probability together are drawn."""
    seed: Whole = 0
    """The same seed draws the same codes; at least 0."""


class Vary(Drawing):
    """Draw a region anew, or those of its cells in which other codes are expected first."""

    kind: Literal["vary"]
    amount: Share = 1.0
    """The share of the region's cells that are drawn anew."""


class Fill(Drawing):
    """Draw a region anew so that it fits what is around it."""

    kind: Literal["fill"]
    loop: Switch = False
    """Whether the beginning of the clip follows its end."""


class Continue(Drawing):
    """Draw a region anew as it may go on from what is on one side of it alone."""

    kind: Literal["continue"]
    side: Annotated[Literal["right", "left"], MustBe("“right” or “left”")] = "right"
    """Where to: to the right, from what is before the region, or to the left, from what is after it."""


class Mix(RegionRequest):
    """Set the faders of a region, or mute it; its codes stay as they are."""

    kind: Literal["mix"]
    gain: Annotated[Gain | None, MustBe(GAIN_WORDS)] = None
    """The new position of the faders, from 0 to 1.5, in steps of 0.02; left out, they stay where they are."""
    mute: Annotated[Switch | None, MustBe("true or false")] = None
    """True to mute the region, false to let it be heard again; left out, mutes stay as they are."""


class Undo(EditRequest):
    """Take the last edit back; with a gesture, only if the last edit belongs to it."""

    kind: Literal["undo"]


class Redo(EditRequest):
    """Make the last undone edit again."""

    kind: Literal["redo"]


class Reset(EditRequest):
    """Go back to the codes of the original; this can be undone."""

    kind: Literal["reset"]


class Look(EditRequest):
    """Change nothing and return all codes."""

    kind: Literal["look"]


PlainEdit = Paint | Set | Paste | Play | Clear | Move | Repeat | Reverse | Shift
DrawnEdit = Drawing | Cross
"""The edits whose codes are drawn, which takes a while."""
GridEdit = PlainEdit | Similar | Random | Replace | Blend | Slide | Swap | Cross | Vary | Fill | Continue | Mix
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
    """Turn a value that a client sent into the request of its kind.

    Parameters
    ----------
    sent : object
        Any JSON value.
    settings : Settings
        Limits; only ``edit_cells`` is read.

    Raises
    ------
    GridError
        If the kind does not exist, or a field is missing, unknown or of another type.
    """
    kind = field(sent, "kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise GridError(f"There is no edit named {shown(kind)}; there are {', '.join(KINDS)}.")
    return read(KINDS[kind], sent, settings)


def read(wanted: type[RequestType], sent: Any, settings: Settings = DEFAULTS) -> RequestType:
    """Turn a value that a client sent into a request of a type; parameters and errors as in :func:`read_edit`."""
    fields = sent if isinstance(sent, dict) else {}
    unknown = next((name for name in fields if name not in wanted.model_fields), None)
    if unknown is not None:  # pydantic would make an error for each of them, and there may be many
        known = ", ".join(each for each in wanted.model_fields if each not in ("work", "id"))
        raise GridError(f"This call has no field {shown(unknown)}; its fields are {known}.")
    try:
        return wanted.model_validate(fields, context={"edit_cells": settings.edit_cells})
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = str(fault["loc"][0])
    if fault["type"] == "missing":
        field(fields, name)
    if fault["type"] == TOO_MANY:
        raise GridError(fault["msg"])
    raise refusal(name, wanted.model_fields[name].metadata, fields[name])


def field(sent: Any, name: str) -> Any:
    """A field of a value that a client sent, which may be any JSON value."""
    if not isinstance(sent, dict) or name not in sent:
        raise GridError(f"This call needs a field {name!r}; if the page made it, please reload the page.")
    return sent[name]
