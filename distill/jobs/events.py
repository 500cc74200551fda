"""What a process that trains tells the server: an event a line, in JSON."""

import json
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from distill.strict import CLOSED, Count
from distill.training.records import Curves, Progress, Validation


@dataclass(frozen=True)
class Begun:
    """The training begins, after so many ``steps`` and ``seconds`` of it; ``damaged``, because its checkpoint was."""

    steps: Count
    seconds: float
    damaged: bool
    event: Literal["begun"] = "begun"


@dataclass(frozen=True)
class Stepped:
    """A step was taken."""

    progress: Progress
    event: Literal["progress"] = "progress"


@dataclass(frozen=True)
class Validated:
    """The codec was tried on whole clips; the curves reach up to that."""

    validation: Validation
    curves: Curves
    event: Literal["validation"] = "validation"


@dataclass(frozen=True)
class CheckpointKept:
    """A checkpoint was written."""

    event: Literal["checkpoint"] = "checkpoint"


@dataclass(frozen=True)
class Warned:
    """There is something to know, in one sentence; "" when that is over."""

    note: str
    event: Literal["warning"] = "warning"


@dataclass(frozen=True)
class Ended:
    """The training ended in order. This is the last event."""

    event: Literal["finished", "stopped"]


@dataclass(frozen=True)
class Failed:
    """The training cannot go on: why, in one sentence. The log knows more under the ``reference``. This is the last
    event."""

    error: str
    reference: str = ""
    event: Literal["failed"] = "failed"


WorkerEvent = Begun | Stepped | Validated | CheckpointKept | Warned | Ended | Failed
_EVENT = TypeAdapter[WorkerEvent](Annotated[WorkerEvent, Field(discriminator="event")], config=CLOSED)


def to_line(event: WorkerEvent) -> bytes:
    """An event in JSON, with the end of its line."""
    return json.dumps(asdict(event)).encode() + b"\n"


def from_line(line: bytes) -> WorkerEvent:
    """The event of a line.

    Raises
    ------
    ValueError
        If it is none.
    """
    return _EVENT.validate_json(line)
