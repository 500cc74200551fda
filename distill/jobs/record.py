"""The record of a training, as ``job.json`` holds it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from distill.strict import CLOSED
from distill.training.config import WEIGHTS, VQVAEConfig
from distill.training.records import NO_CURVES, Curves, Progress, Validation

JobState = Literal["waiting", "running", "stopped", "finished", "failed"]


@dataclass(frozen=True)
class JobRecord:
    """The request and the state of a training; ``job.json`` holds it.

    Attributes
    ----------
    owner : str
        Visitor who asked for the training.
    config : VQVAEConfig
    created, ended : float
        In seconds since 1970; ``ended`` is None while the training is active.
    queue_number : int
        Position in the queue: lower numbers go first. ``job.json`` calls it ``place``.
    clip_names : tuple of str
    first_clip_name : str
        Name of the clip to show when the training has ended, whose waveform is kept. ``job.json`` calls it
        ``first_name``.
    state : str
        "waiting", "running", "stopped", "finished" or "failed".
    restarts : int
        How often the training was begun again after its process or the server was lost.
    error, note : str
        Why the training failed, and further information, in one sentence each.
    progress, validation : Progress, Validation or None
        The latest progress and the latest validation.
    curves : Curves
        Loss curves up to the latest validation.
    clip_samples : tuple of int
        Length of each clip in samples; empty in the records of earlier versions.
    clip_weights : tuple of int
        How many times as often as others each clip is heard, 0 for a clip that is left out; empty if all weights are 1.
    from_codec : str
        The ``model_id`` of the codec from which the training goes on; "" for others.
    """

    __pydantic_config__ = CLOSED

    owner: str
    config: VQVAEConfig
    created: float
    queue_number: Annotated[int, Field(alias="place")]
    clip_names: tuple[str, ...]
    first_clip_name: Annotated[str, Field(alias="first_name")]
    state: JobState = "waiting"
    ended: float | None = None
    restarts: int = 0
    error: str = ""
    note: str = ""
    progress: Progress | None = None
    validation: Validation | None = None
    curves: Curves = NO_CURVES
    clip_samples: tuple[int, ...] = ()
    clip_weights: tuple[Annotated[int, Field(ge=0, le=max(WEIGHTS))], ...] = ()
    from_codec: str = ""

    @property
    def active(self) -> bool:
        """Whether the training runs or waits."""
        return self.state in ("waiting", "running")

    def to_json(self) -> str:
        """The text that :meth:`from_json` reads."""
        return _RECORD.dump_json(self, by_alias=True).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> "JobRecord":
        """The record that a JSON text describes.

        Raises
        ------
        ValueError
            If a field is missing, unknown, of another type or out of range.
        """
        return _RECORD.validate_json(text)


_RECORD = TypeAdapter(JobRecord)
