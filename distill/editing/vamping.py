"""Takes of an open clip: what the codec's prior draws for a region, to choose from."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np

from distill.codes import CodeGrid, masks
from distill.editing import requests
from distill.editing.answers import pack
from distill.editing.values import LARGEST, MustBe, Whole
from distill.editing.work import Work
from distill.errors import GridError
from distill.prior import Memory, Part, Take, Vamp
from distill.prior.drawing import Progress, tell_part

MOST_DRAWN_COLUMNS = 128
"""Largest number of columns that are drawn at once here: a few seconds of work."""
MOST_TAKES = 8


class Takes(requests.Request):
    """Some takes of a region, to choose from; the clip stays as it is. The first has the ``seed``, the second the next
    number, and so on: the edit with that seed makes the take. All other fields are those of the edit."""

    tool: Annotated[Literal["vary", "fill", "continue"], MustBe("“vary”, “fill” or “continue”")]
    """The edit that is made of the take that is chosen."""
    count: Whole = 4
    """Number of takes, 1 to 8."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """The grid that an edit was drawn for, the edited grid, and what drew it."""

    before: CodeGrid
    after: CodeGrid
    vamp: Vamp


def draw(
    asked: requests.DrawnEdit,
    vamp: Vamp,
    grid: CodeGrid,
    second: Work | None = None,
    progress: Progress | None = None,
) -> Drawn:
    """Draw the codes of an edit.

    A codec that has heard nothing goes on with what the clip itself is now.

    Parameters
    ----------
    asked : Drawing or Cross
    vamp : Vamp
    grid : CodeGrid
        The clip to edit, in this codec.
    second : Work, optional
        The second clip of a cross.
    progress : callable, optional
        Called with the share that is drawn, 0 to 1.

    Raises
    ------
    GridError
        If the region is not in the clip or has more than 128 columns.
    """
    if isinstance(asked, requests.Cross):
        assert second is not None
        crossed = vamp.cross(grid, second.history.grid, jump=asked.jump, name=second.name, progress=progress)
        return Drawn(grid, crossed.grid, vamp)
    part = _part_of(asked, vamp, grid, progress)
    return Drawn(grid, _take(part, asked, asked.seed, progress).grid, vamp)


def _part_of(asked: requests.Drawing, vamp: Vamp, grid: CodeGrid, progress: Progress | None) -> Part:
    first, last = asked.columns
    if last - first >= MOST_DRAWN_COLUMNS:
        raise GridError(f"Up to {MOST_DRAWN_COLUMNS} columns can be drawn at once; select fewer.")
    if asked.only is not None:
        masks.check_cells(asked.only, asked.region["rows"], asked.region["columns"])
    region: dict[str, Any] = asked.region | {"only": asked.only}
    if isinstance(asked, requests.Vary):
        return vamp.vary(grid, **region, amount=asked.amount, progress=progress)
    if isinstance(asked, requests.Fill):
        return vamp.fill(grid, **region, loop=asked.loop)
    assert isinstance(asked, requests.Continue)
    return vamp.go_on(grid, **region, side=asked.side)


def _take(part: Part, asked: requests.Drawing, seed: int, progress: Progress | None) -> Take:
    return part.take(temperature=asked.temperature, top_p=asked.top_p, seed=seed, progress=progress)


def takes(work: Work, request: Any, progress: Progress | None = None, memory: Memory | None = None) -> dict[str, Any]:
    """Draw some takes of a region for a page or a script.

    Parameters
    ----------
    work : Work
        The open clip.
    request : dict
        The fields of :class:`Takes`, and those of the edit that is the ``tool``.
    progress : callable, optional
        Called every few tenths of a second with the share that is drawn, 0 to 1.
    memory : Memory, optional
        What to draw from; by default the grids in the codec's file.

    Returns
    -------
    dict
        ``takes``: a list with, for each take, its ``seed``; its ``codes`` in the region [levels, rows, columns] as
        16-bit integers in base64; ``sure``, the mean probability of its codes, 0 to 1; ``copied``, a sentence about
        what of it stands in a clip as it is, and ``copied_share``, 0 to 1. ``shape``: levels, rows and columns of the
        region.

    Raises
    ------
    GridError
        If the request is not valid or does not fit the grid.
    """
    wanted, asked = _read(request)
    grid = work.history.grid
    part = _part_of(asked, Vamp(work.codec, memory=memory), grid, progress)
    region = tuple(asked.region[name] for name in ("levels", "rows", "columns"))
    answers = []
    for number in range(wanted.count):
        seed, told = asked.seed + number, progress and partial(tell_part, progress, number, wanted.count)
        take = _take(part, asked, seed, told)
        answers.append(
            {
                "seed": seed,
                "codes": pack(np.ascontiguousarray(take.grid.indices[region])),
                "sure": round(float(take.sureness[region[1:]].mean()), 3),
                "copied": take.copied.sentence(take.grid.column_seconds),
                "copied_share": round(take.copied.share, 3),
            }
        )
    return {"takes": answers, "shape": list(grid.indices[region].shape)}


def _read(request: Any) -> tuple[Takes, requests.Drawing]:
    """The takes that are asked for, and the edit that makes the first of them."""
    own = {"tool": requests.field(request, "tool")} | ({"count": request["count"]} if "count" in request else {})
    wanted = requests.read(Takes, own)
    if not 1 <= wanted.count <= MOST_TAKES:
        raise GridError(f"'count' must be a whole number from 1 to {MOST_TAKES}, got {wanted.count}.")
    rest = {name: value for name, value in request.items() if name not in own}
    asked = requests.read_edit(rest | {"kind": wanted.tool})
    most = LARGEST - wanted.count
    if asked.seed > most:
        raise GridError(f"'seed' must be at most {most} for so many takes, got {asked.seed}.")
    return wanted, asked
