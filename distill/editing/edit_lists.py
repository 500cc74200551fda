"""Lists of edits, made of a grid in one go: for programs, which keep their grids themselves."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from distill.codec import Codec
from distill.codes import CodeGrid
from distill.editing import calls
from distill.editing.requests import GRID_KINDS
from distill.editing.values import shown
from distill.editing.work import Progress, Work
from distill.errors import GridError
from distill.settings import DEFAULTS, Settings

FIXED: dict[str, Any] = {"work": "", "id": "", "gesture": "", "heard": False}
"""Fields of an edit that only a page needs, and their values here."""


def make_edits(
    codec: Codec,
    grid: CodeGrid,
    edits: Sequence[Any],
    *,
    second: CodeGrid | None = None,
    settings: Settings = DEFAULTS,
    progress: Progress | None = None,
) -> tuple[CodeGrid, list[str]]:
    """Make edits of a grid, one after another.

    Parameters
    ----------
    codec : Codec
        The codec of the grid.
    grid : CodeGrid
        The grid to begin with; it stays as it is.
    edits : sequence of dict
        The edits, in JSON: each has a ``kind`` and the fields that :func:`edit_kinds` describes.
    second : CodeGrid, optional
        The grid of a second clip, for the edits "blend", "swap" and "cross".
    settings : Settings
        Limits; only ``edit_cells`` is read.
    progress : callable, optional
        Called with the share that is done, 0 to 1: after each edit, and while an edit draws its codes.

    Returns
    -------
    grid : CodeGrid
        The grid after all edits.
    history : list of str
        Each edit in words.

    Raises
    ------
    GridError
        If a grid is of another codec, or an edit is not valid or does not fit; the message has the edit's number.

    Examples
    --------
    >>> from distill.audio import load_clip
    >>> codec = Codec.load("examples/models/loops.distill")
    >>> grid = codec.encode_clip(load_clip("examples/clips/loop_amen.flac"))
    >>> region = {"levels": [0, 0], "rows": [0, 1], "columns": [3, 4]}
    >>> edited, history = make_edits(codec, grid, [{"kind": "set", "code": 17, **region}])
    >>> edited.indices[0, :2, 3:5].tolist()
    [[17, 17], [17, 17]]
    >>> history
    ['Structure, 0.56 to 0.93 s, 0 Hz–1.0 kHz: set to code 17']
    """
    work = Work.opened(codec, "this grid", grid)
    other = None if second is None else Work.opened(codec, "the second grid", second)
    for number, edit in enumerate(edits, 1):
        try:
            _make(work, edit, other, settings, progress)
        except GridError as error:
            raise GridError(f"Edit {number} of {len(edits)}: {error}") from error
        if progress:
            progress(number / len(edits))
    return work.history.grid, work.history.labels


def _make(work: Work, edit: Any, second: Work | None, settings: Settings, progress: Progress | None) -> None:
    kind = edit.get("kind") if isinstance(edit, dict) else None
    if not isinstance(kind, str) or kind not in GRID_KINDS:
        raise GridError(f"There is no edit named {shown(kind)}; there are {', '.join(GRID_KINDS)}.")
    asked = edit | FIXED
    if not issubclass(GRID_KINDS[kind], calls.WITH_SECOND):
        calls.perform(work, asked, lambda _: work, settings, progress)
    elif second is None:
        raise GridError(f"{kind!r} needs a second grid; please send one as well.")
    else:
        calls.perform(work, asked | {"second": second.secret}, lambda _: second, settings, progress)


@cache
def edit_kinds() -> dict[str, dict[str, Any]]:
    """Describe the edits that :func:`make_edits` makes, in words and JSON schemas.

    Returns
    -------
    dict
        By the ``kind`` of the edit: ``does``, what the edit does in one sentence; ``arguments``, the JSON schema of
        each further field by its name; ``required``, the names of those that cannot be left out.

    Examples
    --------
    >>> kind = edit_kinds()["set"]
    >>> kind["does"], kind["required"]
    ('Put one code in every cell of a region of one level.', ['levels', 'rows', 'columns', 'code'])
    """
    kinds = {}
    for kind, fields in GRID_KINDS.items():
        schema = fields.model_json_schema()
        left_out = {*FIXED, "kind", "second"}
        arguments = {name: _untitled(part) for name, part in schema["properties"].items() if name not in left_out}
        required = [name for name in schema["required"] if name in arguments]
        kinds[kind] = {"does": " ".join(schema["description"].split()), "arguments": arguments, "required": required}
    return kinds


def _untitled(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != "title"}
