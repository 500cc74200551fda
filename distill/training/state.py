"""Where a training stands, and what it is of: the parts of a checkpoint that are no tensors."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from distill.strict import Amount, Count
from distill.training.config import ModelSettings
from distill.training.records import Curves, Validation


@dataclass(frozen=True)
class TrainingSet:
    """What must be the same for a training to go on.

    Attributes
    ----------
    model : ModelSettings
    from_base : bool
        Whether the training started from the base model.
    frames : tuple of int
        Length of each clip, in frames of its log-mel.
    """

    model: ModelSettings
    from_base: bool
    frames: tuple[int, ...]


@dataclass(frozen=True)
class TrainingState:
    """Where a training stands.

    Attributes
    ----------
    steps : int
        Steps taken.
    seconds : float
        Seconds of training so far.
    validations : int
        Validations so far.
    validation_cost : float
        Seconds that the longest validation took.
    curves : Curves
    best : Validation or None
        The validation of the best weights.
    """

    steps: Count
    seconds: Amount
    validations: Count
    validation_cost: Annotated[Amount, Field(alias="_validation_cost")]
    curves: Curves
    best: Validation | None
