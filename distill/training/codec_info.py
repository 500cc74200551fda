"""Facts about a codec besides its weights: its training and its errors."""

from dataclasses import dataclass, fields
from typing import Annotated

from pydantic import Field

from distill.audio.logmel import N_MELS, LogMel
from distill.codes.kept import KeptGrids
from distill.strict import OPEN, Amount, Count, FailFast
from distill.training.config import VQVAEConfig
from distill.training.health import LevelHealth
from distill.training.records import Curves

LARGEST_VALUE = 1e9
"""Largest magnitude of a value in a ``.distill`` file. Real counts of cells are in the thousands."""
LARGEST_ERROR = 1e6
"""Largest error in nepers that a ``.distill`` file may state."""
MOST_LEVELS, MOST_CODES = 4, 4096
Error = Annotated[float, Field(ge=0, le=LARGEST_ERROR)]
Value = Annotated[float, Field(ge=-LARGEST_VALUE, le=LARGEST_VALUE)]
Bands = Annotated[tuple[Value, ...], FailFast(), Field(min_length=N_MELS, max_length=N_MELS)]
LevelUsage = Annotated[tuple[Count, ...], FailFast(), Field(max_length=MOST_CODES)]


@dataclass(frozen=True)
class Provenance:
    """The amount of sound and time that the training of a codec used.

    Attributes
    ----------
    clips, held_out : int
        Number of all clips, and number of the clips that were used only for validation.
    sound_seconds, training_seconds : float
        Duration of the clips, and of the training by its own clock, in seconds.
    steps : int
        Number of training steps.
    epochs : float
        Number of passes over the sound.
    device : str
        "cpu" or "cuda"; "" if unknown.
    from_base : bool
        Whether the training started from the base model.
    from_codec : str
        The ``model_id`` of the codec from which the training went on; "" for others.
    """

    clips: Count
    sound_seconds: Amount
    training_seconds: Amount
    steps: Count
    held_out: Count = 0
    epochs: Amount = 0.0
    device: Annotated[str, Field(max_length=40, pattern="^[ -~]*$")] = ""
    from_base: bool = False
    from_codec: Annotated[str, Field(max_length=12, pattern="^[0-9a-f]*$")] = ""


@dataclass(frozen=True)
class FrontEnd:
    """The parameters of the log-mel. Distill has one front end; a file with another front end is refused.

    Raises
    ------
    ValueError
        On construction, if a value differs from the value of :class:`~distill.audio.LogMel`.
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
    """Mean and standard deviation of the log-mel of each band, in nepers. The model scales its input by them."""

    mel_mean: Bands
    mel_std: Bands


@dataclass(frozen=True)
class CodecInfo:
    """Facts about a codec besides its weights. A ``.distill`` file holds them as JSON. Unknown facts are None.

    Attributes
    ----------
    config : VQVAEConfig or None
        Settings of the training. A setting that is missing in an older file has its default value.
    mel_l1, val_mel_l1 : float or None
        Mean absolute difference of log-mels, in nepers, on the training clips and on the held-out clips.
    levels : tuple of LevelHealth or None
        Health of each level at the end of the training.
    usage : tuple of tuple of int or None
        Number of times that each code occurred in the training clips, [levels, codebook_size].
    curves : Curves or None
        Losses and errors during the training.
    provenance : Provenance or None
        Amount of sound and time that the training used.
    front_end : FrontEnd or None
        Parameters of the log-mel.
    statistics : Statistics or None
        Mean and standard deviation of each band.
    grids : KeptGrids or None
        Codes of the training clips, which are their sound to whoever has the codec.

    Raises
    ------
    ValueError
        On construction, if ``provenance`` is given without ``mel_l1``, or a value is out of its range.
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
    grids: KeptGrids | None = None

    def __post_init__(self) -> None:
        if self.provenance and self.mel_l1 is None:
            raise ValueError("a training without its error")

    def check(self, num_levels: int, codebook_size: int) -> None:
        """Raise a ValueError unless the facts fit a codec with these levels and this many codes per level.

        The continuous baseline has 0 levels and 0 codes. A loss in the curves must be from 0 to 1e6 nepers.
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
        if self.grids:
            self.grids.unpack(num_levels, codebook_size)
        if self.curves and not all(0 <= loss <= LARGEST_ERROR for loss in self.curves.losses):
            raise ValueError("a loss that cannot be")
