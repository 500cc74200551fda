"""What is known of a codec besides its weights: how it was trained, and how well it did then."""

from dataclasses import dataclass, fields
from typing import Annotated

from pydantic import Field

from distill.audio.logmel import N_MELS, LogMel
from distill.strict import OPEN, Amount, Count, FailFast
from distill.training.config import VQVAEConfig
from distill.training.health import LevelHealth
from distill.training.records import Curves

LARGEST_VALUE = 1e9
"""Largest magnitude of a value in a ``.distill`` file; counts of cells come to thousands."""
LARGEST_ERROR = 1e6
"""Largest error in nepers that a ``.distill`` file may tell of."""
MOST_LEVELS, MOST_CODES = 4, 4096
Error = Annotated[float, Field(ge=0, le=LARGEST_ERROR)]
Value = Annotated[float, Field(ge=-LARGEST_VALUE, le=LARGEST_VALUE)]
Bands = Annotated[tuple[Value, ...], FailFast(), Field(min_length=N_MELS, max_length=N_MELS)]
LevelUsage = Annotated[tuple[Count, ...], FailFast(), Field(max_length=MOST_CODES)]


@dataclass(frozen=True)
class Provenance:
    """How much sound a codec learned from, and for how long.

    Attributes
    ----------
    clips, held_out : int
        Clips in all, and those of them that only validations heard.
    sound_seconds, training_seconds : float
    steps : int
    epochs : float
        Passes over the sound.
    device : str
        "cpu" or "cuda"; "" if it is not known.
    from_base : bool
        Whether the training started from the base model.
    """

    clips: Count
    sound_seconds: Amount
    training_seconds: Amount
    steps: Count
    held_out: Count = 0
    epochs: Amount = 0.0
    device: Annotated[str, Field(max_length=40, pattern="^[ -~]*$")] = ""
    from_base: bool = False


@dataclass(frozen=True)
class FrontEnd:
    """The log-mels that a codec knows: there is one front end, and a file of another one is refused.

    Raises
    ------
    ValueError
        On construction, if a value is another one than :class:`~distill.audio.LogMel` has.
    """

    sample_rate: int = LogMel.sample_rate
    n_fft: int = LogMel.n_fft
    hop_length: int = LogMel.hop_length
    n_mels: int = LogMel.n_mels

    def __post_init__(self) -> None:
        if any(getattr(self, part.name) != part.default for part in fields(self)):
            raise ValueError("another front end")


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of each mel band's log-mel in the training clips, in nepers."""

    mel_mean: Bands
    mel_std: Bands


@dataclass(frozen=True)
class CodecInfo:
    """What is known of a codec besides its weights; a ``.distill`` file holds it as JSON. Unknown parts are None.

    Attributes
    ----------
    config : VQVAEConfig or None
        Settings of the training. A setting that an older file does not name has its default.
    mel_l1, val_mel_l1 : float or None
        Mean absolute difference of log-mels, in nepers, on the training clips and on held-out ones.
    levels : tuple of LevelHealth or None
        Health of each level at the end of the training.
    usage : tuple of tuple of int or None
        How often each code of each level occurred in the training clips, [levels, codebook_size].
    curves : Curves or None
    provenance : Provenance or None
    front_end : FrontEnd or None
    statistics : Statistics or None

    Raises
    ------
    ValueError
        On construction, if a codec was trained and its error is not known, or an error of its curves cannot be.
    """

    __pydantic_config__ = OPEN

    config: VQVAEConfig | None = None
    mel_l1: Error | None = None
    val_mel_l1: Error | None = None
    levels: Annotated[tuple[LevelHealth, ...], FailFast(), Field(max_length=MOST_LEVELS)] | None = None
    usage: Annotated[tuple[LevelUsage, ...], FailFast(), Field(max_length=MOST_LEVELS)] | None = None
    curves: Curves | None = None
    provenance: Provenance | None = None
    front_end: FrontEnd | None = None
    statistics: Statistics | None = None

    def __post_init__(self) -> None:
        if self.provenance and self.mel_l1 is None:
            raise ValueError("a training without its error")

    def check(self, num_levels: int, codebook_size: int) -> None:
        """Raise a ValueError unless this can be of a codec of so many levels and codes per level.

        A codec without codes has 0 of both.
        """
        for parts in (self.levels, self.usage):
            if parts is not None and len(parts) != num_levels:
                raise ValueError("another number of levels")
        if not all(
            level.perplexity <= 2 * codebook_size and level.dead_codes <= codebook_size for level in self.levels or ()
        ):
            raise ValueError("more codes than there are")
        if not all(len(level) == codebook_size for level in self.usage or ()):
            raise ValueError("another number of codes")
        if self.curves and not all(0 <= loss <= LARGEST_ERROR for loss in self.curves.losses):
            raise ValueError("a loss that cannot be")
