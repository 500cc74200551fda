"""The vocoders by name."""

from distill.audio.bigvgan import BigVGAN
from distill.audio.griffin_lim import GriffinLim
from distill.audio.logmel import LogMel
from distill.audio.vocoder import Vocoder
from distill.errors import ConfigError


def get_vocoder(name: str, log_mel: LogMel) -> Vocoder:
    """The vocoder of that name: "griffin-lim" or "bigvgan".

    Raises
    ------
    ConfigError
        If no vocoder has that name.
    VocoderError
        If it cannot be had on this machine.

    Examples
    --------
    >>> import torch
    >>> log_mel = LogMel()
    >>> get_vocoder("griffin-lim", log_mel)(torch.zeros(128, 10)).shape
    torch.Size([5120])
    """
    if name == "bigvgan":
        return BigVGAN.load()
    if name != "griffin-lim":
        raise ConfigError(f"There is no vocoder named {name!r}; choose 'griffin-lim' or 'bigvgan'.")
    return GriffinLim(log_mel)
