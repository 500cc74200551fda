"""Settings of a training, with their ranges, default values and reasons. They depend on the number of clips."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from statistics import median
from typing import Annotated, Any, Literal, get_args, get_type_hints

from distill.codes.grid import TIME_STRIDES, column_seconds
from distill.errors import ConfigError, check_range

COLUMNS_PER_CLIP = 3
"""Columns that half of the clips should have at least, so that attack, body and decay of a drum hit can be edited
apart. If they have fewer, the columns are made shorter. Not more are asked for, because shorter columns cost more bits,
and a codec knows a few hits a little less by heart: after 300 steps on 20 hits, the error on them was 0.212 nepers at
186 ms, 0.215 at 93 ms and 0.233 at 46 ms; on 20 other hits of the same kits it was 0.400, 0.334 and 0.292."""

Weight = Literal[0, 1, 2, 4]
WEIGHTS: tuple[int, ...] = get_args(Weight)
"""Weights that a visitor can give a clip: how many times as often as others it is heard. 0 leaves it out."""


@dataclass(frozen=True)
class Range:
    """Range of a setting, both ends included, as an annotation of the type of the setting.

    ``words`` replace the name of the setting in error messages if the name alone is not clear.
    """

    low: float
    high: float
    words: str = ""


def check_ranges(settings: Any) -> None:
    """Raise a ConfigError that names the setting if a field of a dataclass is out of the range in its type."""
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
    """Number of channels of the latent map, which is also the dimension of a codebook entry."""
    codebook_size: Annotated[int, Range(2, 4096)] = 64
    """Number of entries in the codebook of each level."""
    num_quantizers: Annotated[int, Range(2, 4, "num_quantizers (levels)")] = 3
    """Number of levels."""
    decay: Annotated[float, Range(0, 1)] = 0.8
    """Decay of the moving averages that update the codebooks. A higher decay is slower and steadier."""
    commitment_weight: Annotated[float, Range(0, 100)] = 0.25
    """Weight of the commitment loss, which pulls the encoder towards the codebook entries. The trainer passes it to
    :func:`~distill.models.vqvae_loss`; the model itself does not apply it."""
    threshold_ema_dead_code: Annotated[int, Range(0, 1000)] = 2
    """A code that is used by fewer cells per batch than this, on average, is moved to a random cell."""
    dropout: Annotated[float, Range(0, 0.9)] = 0.0
    """Share of latent channels that are dropped before the decoder in training."""
    level_dropout: bool = False
    """Whether a training step leaves out the finer levels from a random level on, so that fewer levels also give a good
    sound (Zeghidour et al., "SoundStream", 2021, sec. III-C)."""
    time_stride: int = TIME_STRIDES[0]
    """Number of frames that a column of the grid spans: 16 (186 ms), 8 (93 ms) or 4 (46 ms)."""

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.time_stride not in TIME_STRIDES:
            raise ConfigError(f"time_stride must be 16, 8 or 4, got {self.time_stride}.")


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
    """Largest change of gain in dB. Half of the crops are made louder or quieter by a random gain."""
    from_base: bool = True
    """Whether the training starts from the base model of Distill instead of from random weights. The base model was
    trained on many kinds of sound."""
    learning_rate: Annotated[float, Range(0, 1)] = 1.2e-2
    """Learning rate of both optimizers at the end of the warm-up. After that it falls; see
    :class:`~distill.training.schedule.WarmupCosine`."""
    warmup: Annotated[float, Range(0, 1)] = 0.04
    """Share of the training over which the learning rate rises."""
    weight_decay: Annotated[float, Range(0, 1)] = 1e-4
    """Weight decay of both optimizers."""
    gradient_clip: Annotated[float, Range(0, 1000)] = 1.0
    """Maximum norm of the gradient. A larger gradient is scaled down."""
    batch_size: Annotated[int, Range(1, 1024)] = 8
    """Number of crops per step. On two CPU cores, half the batch with twice the steps gave a smaller error in the same
    time."""
    crop_frames: Annotated[int, Range(16, 4096)] = 128
    """Number of frames per crop, a multiple of 16; 128 frames are 1.49 s. If most sound is in shorter clips, a batch
    has shorter but more crops."""
    epochs: Annotated[int, Range(1, 1_000_000)] = 400
    """Number of passes over the sound after which the training ends, even if time is left."""
    minutes: Annotated[float | None, Range(0.01, 24 * 60)] = 1.0
    """Minutes after which the training ends, with the final validation included; None for no limit. Trainings of the
    page count minutes of computing (:func:`~distill.training.pace.shared_clock`), all others wall time. A seed repeats
    a training bit for bit only without this limit, because the speed of the computer varies."""
    refinement: Annotated[float, Range(0, 1)] = 0.9
    """Share of the training, at its end, in which only the decoder learns. Encoder and codebooks are frozen, so the
    codes of the clips are fixed and a step costs half as much. A training from random weights has no refinement,
    because its encoder must learn. A training in several processes has none, because it must average its gradients."""
    rehearsal: Annotated[float, Range(0, 0.9)] = 0.125
    """Share of crops from the sound of the base model during the refinement (Robins, "Catastrophic forgetting,
    rehearsal and pseudorehearsal", 1995). A decoder that sees only the clips overfits to them, and becomes worse at new
    sound, such as an edited grid."""
    vocoder_share: Annotated[float, Range(0, 1)] = 0.2
    """Share of the training, at its end and within the refinement, in which the vocoder learns from each batch as well.
    With 0, the codec gets the vocoder of the base model. Over a larger share, the decoder would have too few steps, and
    the vocoder would learn from log-mels that still change."""
    vocoder_learning_rate: Annotated[float, Range(0, 1)] = 1e-3
    """Highest learning rate of the vocoder."""
    validations: Annotated[int, Range(1, 1000)] = 10
    """Number of validations, spread evenly over the training. The best weights are kept."""
    keep_grids: bool = True
    """Whether the codec's file keeps the codes of up to three minutes of the clips, from which the codec goes on with a
    grid. Whoever has the file can decode them to the sound of the clips."""
    seed: Annotated[int, Range(0, 2**63 - 1)] = 0
    """Seed of all random choices of the training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop_frames % 16:
            raise ConfigError(f"crop_frames must be a multiple of 16, got {self.crop_frames}.")


def fitting_time_stride(seconds: Sequence[float]) -> int:
    """Choose the time stride by the length of the clips: the coarsest that gives half of them three columns.

    Parameters
    ----------
    seconds : sequence of float
        Length of each clip; if there are none, the stride is 16.

    Returns
    -------
    int
        16, 8 or 4 frames. If no stride is fine enough, it is 4.

    Examples
    --------
    >>> [fitting_time_stride([length]) for length in (5.0, 0.56, 0.3, 0.2, 0.1)]
    [16, 16, 8, 4, 4]
    """
    typical = median(seconds) if seconds else float("inf")
    fine_enough = (each for each in TIME_STRIDES if typical >= COLUMNS_PER_CLIP * column_seconds(each))
    return next(fine_enough, TIME_STRIDES[-1])


def time_stride_reason(seconds: Sequence[float]) -> str:
    """Describe the columns of :func:`fitting_time_stride` and the reason for them, for clips of these lengths.

    Examples
    --------
    >>> time_stride_reason([0.2, 0.3, 4.0])
    'columns of 93 ms, because a typical clip of 0.30 s would be only 1.6 of 186 ms'
    """
    typical, time_stride = median(seconds), fitting_time_stride(seconds)
    count = typical / column_seconds(TIME_STRIDES[0])
    each, usual = (f"{1000 * column_seconds(stride):.0f} ms" for stride in (time_stride, TIME_STRIDES[0]))
    if time_stride == TIME_STRIDES[0]:
        return f"columns of {each}, because a typical clip of {typical:.1f} s has {ceil(count)} of them"
    return f"columns of {each}, because a typical clip of {typical:.2f} s would be only {count:.1f} of {usual}"


def get_adaptive_vqvae_config(file_count: int, seconds: Sequence[float] = ()) -> VQVAEConfig:
    """Return settings that suit the number of clips and their lengths.

    Parameters
    ----------
    file_count : int
        Number of clips in the set, at least 1.
    seconds : sequence of float
        Length of each clip, which decides the time stride; see :func:`fitting_time_stride`. Without it, the stride is
        16.

    Raises
    ------
    ConfigError
        If ``file_count`` is not positive.

    Examples
    --------
    >>> [get_adaptive_vqvae_config(file_count).codebook_size for file_count in (12, 60, 300)]
    [64, 128, 256]
    >>> get_adaptive_vqvae_config(3, seconds=[0.2, 0.3, 4.0]).time_stride
    8
    """
    if file_count < 1:
        raise ConfigError(f"file_count must be at least 1, got {file_count}.")
    return replace(_by_count(file_count), time_stride=fitting_time_stride(seconds))


def _by_count(file_count: int) -> VQVAEConfig:
    """Return the settings that suit the number of clips."""
    if file_count <= 20:
        return VQVAEConfig(
            codebook_size=64,  # about 3 000 cells: with more entries, each would have too few cells to stay in use
            decay=0.8,  # an epoch has only a few steps, so the moving averages must be fast
            dropout=0.0,  # the codec has to reproduce exactly these clips; dropout would blur them
            epochs=2000,  # an epoch takes up to a second, so the time limit ends the training
            minutes=1.0,
        )
    if file_count <= 100:
        return VQVAEConfig(
            codebook_size=128,  # more kinds of sound, and enough cells to keep 128 entries in use
            decay=0.9,  # a batch is a smaller share of the set, so the average must be slower
            dropout=0.02,  # clips are held out now: a little dropout helps on them
            epochs=1000,
            minutes=2.0,  # more sound needs more time
        )
    return VQVAEConfig(
        codebook_size=256,
        batch_size=16,  # 1024 cells per batch, 4 per code, so that rare codes do not count as dead
        decay=0.95,
        dropout=0.05,
        epochs=500,
        minutes=4.0,
    )
