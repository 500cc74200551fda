"""Make the vocoder of a codec from its name."""

import warnings

from distill.audio.logmel import LogMel
from distill.audio.vocoder import Vocoder
from distill.audio.vocoders import get_vocoder
from distill.errors import ConfigError, VocoderError
from distill.models.vocoder import NeuralVocoder, VocoderNetwork
from distill.training.base import base_vocoder

VOCODERS = ("neural", "griffin-lim", "bigvgan")
"""Names of the vocoders, the default first."""


def make_vocoder(name: str, log_mel: LogMel, network: VocoderNetwork | None = None) -> Vocoder:
    """Make a vocoder. If it is not available, a ``RuntimeWarning`` says why, and "neural" is made instead.

    Parameters
    ----------
    name : str
        A name from :data:`VOCODERS`.
    log_mel : LogMel
        The front end of the codec.
    network : VocoderNetwork, optional
        Network of "neural"; by default that of the base model.

    Raises
    ------
    ConfigError
        If there is no vocoder of this name.
    """
    if name not in VOCODERS:
        known = ", ".join(map(repr, VOCODERS[:-1]))
        raise ConfigError(f"There is no vocoder named {name!r}; choose {known} or {VOCODERS[-1]!r}.")
    try:
        if name != "neural":
            return get_vocoder(name, log_mel)
    except VocoderError as error:
        warnings.warn(f"{str(error).rstrip('.')}; Distill's own is used instead.", RuntimeWarning, stacklevel=3)
    return NeuralVocoder(network or base_vocoder())
