"""What can go wrong, in words for the person who caused it.

Every message is one sentence that names the thing, says what is wrong with it and, where it helps, what to do.
The page and the command line print these messages as they are; anything else that escapes is a bug.
"""


class DistillError(Exception):
    """The base of every error a user of Distill can cause."""


class AudioError(DistillError):
    """A sound file or waveform cannot be used."""


class ConfigError(DistillError, ValueError):
    """A setting is out of its range."""


class CodecFileError(DistillError):
    """A ``.distill`` file, or a checkpoint beside one, cannot be loaded."""


class GridError(DistillError, ValueError):
    """A grid of codes, or an edit of one, does not fit."""


class GoneError(GridError):
    """A clip was open on the server once, and is not any more."""


class TrainingError(DistillError):
    """A training cannot start or go on."""


class VocoderError(DistillError):
    """A vocoder cannot be had on this machine."""


class FullError(DistillError):
    """The server cannot take more in now."""


class GateError(DistillError):
    """A request that is refused at the gate, with the HTTP status that says so."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class CheckoutError(DistillError):
    """Something is missing that a checkout of Distill has and an installed package has not."""


class StartupError(DistillError):
    """The server lacks what it needs to start."""


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise a ConfigError that names the setting unless ``low <= value <= high``."""
    if not low <= value <= high:
        raise ConfigError(f"{name} must be from {low} to {high}, got {value}.")
