"""Typed records of the progress of a training: steps, validations and curves. JSON can hold them.

This module imports neither torch nor the trainer, because a process that trains has work to do before those imports.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from distill.strict import Amount, Count, FailFast, Loss
from distill.training.health import LevelHealth

MOST_POINTS = 5_000
"""Largest number of points in one curve."""


@dataclass(frozen=True)
class Progress:
    """Event after a training step.

    Attributes
    ----------
    step : int
        Number of steps so far.
    epoch : float
        Number of passes over the sound so far.
    seconds : float
        Seconds of training so far.
    remaining : float
        Estimate of the remaining seconds.
    fraction : float
        Finished share of the training, 0 to 1.
    recon_loss, commit_loss : float
        Reconstruction loss and unweighted commitment loss of the batch of this step.
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
    """Event after a validation of the codec on whole clips.

    Attributes
    ----------
    step : int
        Number of steps so far.
    seconds : float
        Seconds of training so far.
    mel_l1 : float
        Error on up to three minutes of training clips, in nepers.
    val_mel_l1 : float or None
        Error on up to three minutes of held-out clips, in nepers; None without held-out clips.
    levels : tuple of LevelHealth
        Health of each level on these training clips.
    usage : tuple of tuple of int
        Counts of each code in these training clips, [levels, codebook_size].
    warnings : tuple of str
        One sentence for each level that uses few of its codes.
    improved : bool
        Whether these weights are the best so far.
    """

    step: int
    seconds: float
    mel_l1: Loss
    val_mel_l1: Loss | None
    levels: tuple[LevelHealth, ...]
    usage: tuple[tuple[int, ...], ...]
    warnings: tuple[str, ...]
    improved: bool


FEW_STEPS = 20
"""A codec that had fewer steps of training than this is hardly better than the base model."""


def counted(steps: int) -> str:
    """Return a number of steps in words: "1 step", "2 steps"."""
    return f"{steps} step{'s' * (steps != 1)}"


def shortness(steps: int) -> str:
    """Return a sentence that warns of a finished training that had very few steps; "" if it had enough."""
    if steps >= FEW_STEPS:
        return ""
    fitted = f"Only {counted(steps)} of training fitted into its time"
    return f"{fitted}, so the codec is hardly trained; please give it more minutes."


@dataclass(frozen=True)
class Finished:
    """Event at the end of a training.

    Attributes
    ----------
    reason : str
        "time" or "epochs", the limit that the training reached, or "stopped".
    steps : int
        Number of steps.
    epochs : float
        Number of passes over the sound.
    seconds : float
        Seconds of training.
    best : Validation
        Validation of the best weights, which were kept.
    """

    reason: str
    steps: int
    epochs: float
    seconds: float
    best: Validation


Event = Progress | Validation | Finished


@dataclass(frozen=True)
class StepPoint:
    """Point of a curve: the reconstruction loss of one batch and its time in seconds. ``step`` is 0 if unknown."""

    seconds: Amount
    recon_loss: Loss
    step: Count = 0


@dataclass(frozen=True)
class ValidationPoint:
    """Point of a curve: the errors of a :class:`Validation` and its time in seconds. ``step`` is 0 if unknown."""

    seconds: Amount
    mel_l1: Loss
    val_mel_l1: Loss | None
    step: Count = 0


@dataclass(frozen=True)
class Curves:
    """Curves of a training: about 200 of its steps and all its validations, both in order of time."""

    steps: Annotated[tuple[StepPoint, ...], FailFast(), Field(max_length=MOST_POINTS)]
    validations: Annotated[tuple[ValidationPoint, ...], FailFast(), Field(max_length=MOST_POINTS)]

    def after(self, point: StepPoint | ValidationPoint) -> "Curves":
        """Return the curves with one more point."""
        if isinstance(point, StepPoint):
            return replace(self, steps=(*self.steps, point))
        return replace(self, validations=(*self.validations, point))

    @property
    def losses(self) -> Iterator[float]:
        """All losses and errors of all points, in nepers."""
        yield from (point.recon_loss for point in self.steps)
        for point in self.validations:
            yield point.mel_l1
            if point.val_mel_l1 is not None:
                yield point.val_mel_l1


NO_CURVES = Curves((), ())
"""Empty curves, for a training that has not begun."""
