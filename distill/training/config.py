"""Every setting of a training, each with its default and its reason; sized to the number of clips."""

from dataclasses import dataclass

from distill.errors import ConfigError, check_range


@dataclass(frozen=True)
class VQVAEConfig:
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

    codebook_size: int = 64
    """Entries of each level's codebook."""
    codebook_dim: int = 32
    """Channels of the latent map, and so of a code's embedding."""
    num_quantizers: int = 3
    """Levels, 2 to 4."""
    decay: float = 0.8
    """Of the moving averages that the codebooks follow; higher is slower and steadier."""
    commitment_weight: float = 0.25
    """How strongly the encoder is pulled to the codes."""
    threshold_ema_dead_code: int = 2
    """A code that serves fewer cells than this per batch, on average, is moved to a random cell."""
    dropout: float = 0.0
    """Share of latent channels that the decoder goes without in a training step."""
    level_dropout: bool = False
    """In each step, leave out the finer levels from a random one on, so that a sound of fewer levels is right too."""
    gain_db: float = 0.0
    """Half of the crops are made louder or quieter, by up to this many dB."""
    from_base: bool = True
    """Start from the base model that comes with Distill, which has heard all kinds of sound, and not from nothing."""
    learning_rate: float = 1.2e-2
    """At the end of the warm-up, for both optimizers; it falls to nothing by a half cosine."""
    warmup: float = 0.04
    """Share of the training over which the learning rate rises."""
    weight_decay: float = 1e-4
    """Of both optimizers."""
    gradient_clip: float = 1.0
    """Largest norm of the gradient."""
    batch_size: int = 8
    """Crops per step; on two cores, twice the steps of half the size reach further in the same time."""
    crop_frames: int = 128
    """Frames per crop, 1.49 s; where most sound is in shorter clips, crops are shorter and as many more."""
    epochs: int = 400
    """Passes over the sound after which training ends even if time is left."""
    minutes: float | None = 1.0
    """Wall time after which training ends, final validation included; None for no bound. Only a training bounded by
    ``epochs`` alone is repeated bit for bit by its seed: a clock never ticks the same way twice."""
    refinement: float = 0.9
    """Share of the training, at its end, in which encoder and codebooks stand still and the decoder alone learns, from
    the codes that the clips then have: a step costs half as much, and the codes no longer move under the decoder.
    A training from nothing needs its encoder to learn, and one in several processes its gradients averaged: they do
    without."""
    rehearsal: float = 0.125
    """Share of the refinement's crops that are of the base model's broad sound (Robins, "Catastrophic forgetting,
    rehearsal and pseudorehearsal", 1995). A decoder that sees only the clips soon knows them by heart, and is worse at
    sound that is new to it, such as a grid that was edited."""
    validations: int = 10
    """How often, evenly over the training, the codec is validated and the best weights kept."""
    seed: int = 0

    def __post_init__(self) -> None:
        ranges = {
            "codebook_size": (2, 4096),
            "codebook_dim": (1, 512),
            "num_quantizers": (2, 4),
            "decay": (0, 1),
            "commitment_weight": (0, 100),
            "threshold_ema_dead_code": (0, 1000),
            "dropout": (0, 0.9),
            "gain_db": (0, 60),
            "refinement": (0, 1),
            "rehearsal": (0, 0.9),
            "learning_rate": (0, 1),
            "warmup": (0, 1),
            "weight_decay": (0, 1),
            "gradient_clip": (0, 1000),
            "batch_size": (1, 1024),
            "crop_frames": (16, 4096),
            "epochs": (1, 1_000_000),
            "minutes": (0.01, 24 * 60),
            "validations": (1, 1000),
            "seed": (0, 2**63 - 1),
        }
        for name, (low, high) in ranges.items():
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name), low, high)
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
