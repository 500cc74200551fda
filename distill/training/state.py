"""The state of a training and the description of its clips: the parts of a checkpoint that are not tensors."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from distill.strict import Amount, Count
from distill.training.config import ModelSettings
from distill.training.records import Curves, Validation


@dataclass(frozen=True)
class TrainingSet:
    """The settings and the clip lengths that must be equal to resume a training.

    Attributes
    ----------
    model : ModelSettings
        Settings of the model.
    from_base : bool
        Whether the training started from the base model.
    frames : tuple of int
        Length of each training clip in log-mel frames.
    from_codec : str
        The ``model_id`` of the codec from which the training goes on; "" for others.
    """

    model: ModelSettings
    from_base: bool
    frames: tuple[int, ...]
    from_codec: str = ""


@dataclass(frozen=True)
class TrainingState:
    """The progress of a training.

    Attributes
    ----------
    steps : int
        Number of steps so far.
    seconds : float
        Seconds of training so far.
    validations : int
        Number of validations so far.
    validation_cost : float
        Duration of the longest validation in seconds.
    curves : Curves
        Losses and errors so far.
    best : Validation or None
        Validation of the best weights; None before the first validation.
    """

    steps: Count
    seconds: Amount
    validations: Count
    validation_cost: Annotated[Amount, Field(alias="_validation_cost")]
    curves: Curves
    best: Validation | None
