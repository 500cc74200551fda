"""The errors that a user can cause, with messages for this user.

Every message is one sentence. It names the thing, says what is wrong with it and, where this helps, what to do. The
page and the command line show these messages unchanged. If any other error reaches the user, that is a bug.
"""


class DistillError(Exception):
    """Base class of every error that a user of Distill can cause."""


class AudioError(DistillError):
    """A sound file or waveform cannot be used."""


class PassingError(AudioError):
    """A sound file cannot be read now, for a reason that may pass: it is not there, or time or memory did not do."""


class ConfigError(DistillError, ValueError):
    """A setting is unknown or out of its range."""


class CodecFileError(DistillError):
    """A ``.distill`` file, or a checkpoint beside one, cannot be loaded."""


class GridError(DistillError, ValueError):
    """A grid of codes, or an edit of one, does not fit."""


class GoneError(GridError):
    """A clip that was open on the server is no longer there."""


class TrainingError(DistillError):
    """A training cannot start or go on."""


class VocoderError(DistillError):
    """A vocoder is not available on this machine."""


class HubError(DistillError):
    """The Hugging Face Hub cannot be reached, refuses a request, or lacks what is asked for."""


class TableError(DistillError):
    """A table of codes is damaged, is of another codec, or cannot be written."""


class ScaleError(DistillError):
    """What works on whole sets is not installed, cannot start, or found no machine for it."""


class LibraryError(DistillError):
    """A library of kept codecs cannot be opened, or a codec in it cannot be kept, opened, renamed or deleted."""


class FullError(DistillError):
    """The server has no room for more at the moment."""


class GateError(DistillError):
    """The server refuses a request before it handles it.

    Parameters
    ----------
    message : str
        The reason, in one sentence.
    status : int
        HTTP status of the answer.
    """

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
