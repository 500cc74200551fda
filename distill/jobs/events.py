"""Events that a training process sends to the server, each as a line of JSON."""

import json
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from distill.strict import CLOSED, Count
from distill.training.records import Curves, Progress, Validation


@dataclass(frozen=True)
class Begun:
    """The training begins after ``steps`` steps and ``seconds`` s; ``damaged`` if its checkpoint was unreadable."""

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
    """The codec was validated on whole clips; the loss curves are complete up to this validation."""

    validation: Validation
    curves: Curves
    event: Literal["validation"] = "validation"


@dataclass(frozen=True)
class CheckpointKept:
    """A checkpoint was written."""

    event: Literal["checkpoint"] = "checkpoint"


@dataclass(frozen=True)
class Warned:
    """A warning in one sentence; an empty ``note`` ends the warning."""

    note: str
    event: Literal["warning"] = "warning"


@dataclass(frozen=True)
class Ended:
    """The training ended in order. No event follows."""

    event: Literal["finished", "stopped"]


@dataclass(frozen=True)
class Failed:
    """The training cannot go on. ``error`` tells why in one sentence; the log has details under ``reference``. No event
    follows."""

    error: str
    reference: str = ""
    event: Literal["failed"] = "failed"


WorkerEvent = Begun | Stepped | Validated | CheckpointKept | Warned | Ended | Failed
_EVENT = TypeAdapter[WorkerEvent](Annotated[WorkerEvent, Field(discriminator="event")], config=CLOSED)


def to_line(event: WorkerEvent) -> bytes:
    """An event as a line of JSON, with its line break."""
    return json.dumps(asdict(event)).encode() + b"\n"


def from_line(line: bytes) -> WorkerEvent:
    """The event that a line of JSON describes.

    Raises
    ------
    ValueError
        If the line is not a valid event.
    """
    return _EVENT.validate_json(line)
