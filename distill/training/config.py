"""Every setting of a training, each with its default and its reason; sized to the number of clips."""

from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

from distill.errors import ConfigError, check_range


@dataclass(frozen=True)
class Range:
    """The values that a setting may have, both ends included; part of the setting's type.

    ``words`` tell people of the setting where its name alone does not.
    """

    low: float
    high: float
    words: str = ""


def check_ranges(settings: Any) -> None:
    """Raise a ConfigError that names the setting unless all fields of a dataclass are in the ranges of their types."""
    for name, hint in get_type_hints(type(settings), include_extras=True).items():
        value = getattr(settings, name)
        for part in getattr(hint, "__metadata__", ()):
            if isinstance(part, Range) and value is not None:
                check_range(part.words or name, value, part.low, part.high)


@dataclass(frozen=True)
class ModelSettings:
    """Settings of a :class:`~distill.models.ConvVQVAE`, in the order of its constructor's arguments.

    Raises
    ------
    ConfigError
        On construction, if a setting is out of its range.
    """

    codebook_dim: Annotated[int, Range(1, 512)] = 32
    """Channels of the latent map, and so of a code's embedding."""
    codebook_size: Annotated[int, Range(2, 4096)] = 64
    """Entries of each level's codebook."""
    num_quantizers: Annotated[int, Range(2, 4, "num_quantizers (levels)")] = 3
    """Levels."""
    decay: Annotated[float, Range(0, 1)] = 0.8
    """Decay of the moving averages that the codebooks follow; higher is slower and steadier."""
    commitment_weight: Annotated[float, Range(0, 100)] = 0.25
    """How strongly the encoder is pulled to the codes. The trainer hands it to :func:`~distill.models.vqvae_loss`; the
    model does not apply it."""
    threshold_ema_dead_code: Annotated[int, Range(0, 1000)] = 2
    """A code that serves fewer cells than this per batch, on average, is moved to a random cell."""
    dropout: Annotated[float, Range(0, 0.9)] = 0.0
    """Share of latent channels that the decoder goes without in a training step."""
    level_dropout: bool = False
    """Whether a training step leaves out the finer levels, from a random one on, so that a sound of fewer levels is
    right too (Zeghidour et al., "SoundStream", 2021, sec. III-C)."""

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True)
class VQVAEConfig(ModelSettings):
    """Settings of the RVQ-VAE and of its training.

    Raises
    ------
    ConfigError
        On construction, if a setting is out of its range.

    Examples
    --------
    >>> VQVAEConfig(num_quantizers=4, minutes=2).codebook_size
    64
    >>> VQVAEConfig(num_quantizers=9)
    Traceback (most recent call last):
    distill.errors.ConfigError: num_quantizers must be from 2 to 4, got 9.
    """

    gain_db: Annotated[float, Range(0, 60)] = 0.0
    """Half of the crops are made louder or quieter, by up to this many dB."""
    from_base: bool = True
    """Start from the base model that comes with Distill, which has heard all kinds of sound, and not from nothing."""
    learning_rate: Annotated[float, Range(0, 1)] = 1.2e-2
    """Learning rate of both optimizers at the end of the warm-up; then it falls as
    :class:`~distill.training.schedule.WarmupCosine` says."""
    warmup: Annotated[float, Range(0, 1)] = 0.04
    """Share of the training over which the learning rate rises."""
    weight_decay: Annotated[float, Range(0, 1)] = 1e-4
    """Weight decay of both optimizers."""
    gradient_clip: Annotated[float, Range(0, 1000)] = 1.0
    """Largest norm of the gradient."""
    batch_size: Annotated[int, Range(1, 1024)] = 8
    """Crops per step; on two cores, twice the steps of half the size reach further in the same time."""
    crop_frames: Annotated[int, Range(16, 4096)] = 128
    """Frames per crop, 1.49 s; where most sound is in shorter clips, crops are shorter and as many more."""
    epochs: Annotated[int, Range(1, 1_000_000)] = 400
    """Passes over the sound after which training ends even if time is left."""
    minutes: Annotated[float | None, Range(0.01, 24 * 60)] = 1.0
    """Wall time after which training ends, final validation included; None for no bound. Only a training bounded by
    ``epochs`` alone is repeated bit for bit by its seed: a clock never ticks the same way twice."""
    refinement: Annotated[float, Range(0, 1)] = 0.9
    """Share of the training, at its end, in which encoder and codebooks stand still and the decoder alone learns, from
    the codes that the clips then have: a step costs half as much, and the codes no longer move under the decoder.
    A training from nothing needs its encoder to learn, and one in several processes its gradients averaged: they do
    without."""
    rehearsal: Annotated[float, Range(0, 0.9)] = 0.125
    """Share of the refinement's crops that are of the base model's broad sound (Robins, "Catastrophic forgetting,
    rehearsal and pseudorehearsal", 1995). A decoder that sees only the clips soon knows them by heart, and is worse at
    sound that is new to it, such as a grid that was edited."""
    validations: Annotated[int, Range(1, 1000)] = 10
    """How often, evenly over the training, the codec is validated and the best weights kept."""
    seed: Annotated[int, Range(0, 2**63 - 1)] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop_frames % 16:
            raise ConfigError(f"crop_frames must be a multiple of 16, got {self.crop_frames}.")


def get_adaptive_vqvae_config(file_count: int) -> VQVAEConfig:
    """Settings that suit a number of clips.

    Parameters
    ----------
    file_count : int
        Clips in the set, at least 1.

    Raises
    ------
    ConfigError
        If ``file_count`` is not positive.

    Examples
    --------
    >>> [get_adaptive_vqvae_config(file_count).codebook_size for file_count in (12, 60, 300)]
    [64, 128, 256]
    """
    if file_count < 1:
        raise ConfigError(f"file_count must be at least 1, got {file_count}.")
    if file_count <= 20:
        return VQVAEConfig(
            codebook_size=64,  # some 3 000 cells: more entries would serve too few cells each to stay alive
            decay=0.8,  # an epoch is a handful of steps, so a moving average must forget within a few
            dropout=0.0,  # reproducing these very clips is the purpose; dropout only blurs them
            epochs=2000,  # an epoch takes a second or less; the clock ends the training
            minutes=1.0,
        )
    if file_count <= 100:
        return VQVAEConfig(
            codebook_size=128,  # more kinds of sound to tell apart, and the cells to keep 128 entries in use
            decay=0.9,  # a batch holds a smaller share of the set, so the average looks back further
            dropout=0.02,  # clips are held out now: a little noise helps the codec carry over to them
            epochs=1000,
            minutes=2.0,  # more sound to see at least as often
        )
    return VQVAEConfig(
        codebook_size=256,
        batch_size=16,  # 1024 cells a batch: 4 for each code, so that the rarer ones are not taken for dead
        decay=0.95,
        dropout=0.05,
        epochs=500,
        minutes=4.0,
    )
