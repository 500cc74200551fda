"""What a training tells of itself: steps, validations and curves, as typed records that JSON holds.

This module imports neither torch nor the trainer: a process that trains has something to do before that.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from distill.strict import Amount, Count, FailFast, Loss
from distill.training.health import LevelHealth

MOST_POINTS = 5_000
"""Points of one curve."""


@dataclass(frozen=True)
class Progress:
    """A step was taken.

    ``seconds`` of training so far, ``remaining`` an estimate in seconds, ``fraction`` of the training done, 0 to 1;
    the losses are of this step's batch, the commitment loss unweighted.
    """

    step: int
    epoch: float
    seconds: float
    remaining: float
    fraction: float
    recon_loss: Loss
    commit_loss: Loss


@dataclass(frozen=True)
class Validation:
    """The codec was tried on whole clips.

    ``mel_l1`` is of up to three minutes of training clips, ``val_mel_l1`` of held-out ones, None where there are none;
    ``usage`` counts each code of each level in those training clips; ``improved`` says that these weights are the best
    so far.
    """

    step: int
    seconds: float
    mel_l1: Loss
    val_mel_l1: Loss | None
    levels: tuple[LevelHealth, ...]
    usage: tuple[tuple[int, ...], ...]
    warnings: tuple[str, ...]
    improved: bool


@dataclass(frozen=True)
class Finished:
    """Training ended, because of its "time", its "epochs", or because it was "stopped"; ``best`` is what was kept."""

    reason: str
    steps: int
    epochs: float
    seconds: float
    best: Validation


Event = Progress | Validation | Finished


@dataclass(frozen=True)
class StepPoint:
    """The reconstruction loss of one batch, after so many ``seconds`` of training; ``step`` is 0 if it is not known."""

    seconds: Amount
    recon_loss: Loss
    step: Count = 0


@dataclass(frozen=True)
class ValidationPoint:
    """The errors on whole clips after so many ``seconds``, as in :class:`Validation`; ``step`` is 0 if not known."""

    seconds: Amount
    mel_l1: Loss
    val_mel_l1: Loss | None
    step: Count = 0


@dataclass(frozen=True)
class Curves:
    """How a training went: some 200 of its steps, and all its validations, each in the order of time."""

    steps: Annotated[tuple[StepPoint, ...], FailFast(), Field(max_length=MOST_POINTS)]
    validations: Annotated[tuple[ValidationPoint, ...], FailFast(), Field(max_length=MOST_POINTS)]

    def after(self, point: StepPoint | ValidationPoint) -> "Curves":
        """These curves with one more point."""
        if isinstance(point, StepPoint):
            return replace(self, steps=(*self.steps, point))
        return replace(self, validations=(*self.validations, point))

    @property
    def losses(self) -> Iterator[float]:
        """Every loss and error of every point."""
        yield from (point.recon_loss for point in self.steps)
        for point in self.validations:
            yield point.mel_l1
            if point.val_mel_l1 is not None:
                yield point.val_mel_l1


NO_CURVES = Curves((), ())
"""The curves of a training that has not begun, or of which nothing is known."""
