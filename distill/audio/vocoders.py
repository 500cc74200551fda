"""Make a vocoder that comes without a codec from its name."""

from distill.audio.bigvgan import BigVGAN
from distill.audio.griffin_lim import GriffinLim
from distill.audio.logmel import LogMel
from distill.audio.vocoder import Vocoder
from distill.errors import ConfigError


def get_vocoder(name: str, log_mel: LogMel) -> Vocoder:
    """Make the vocoder with the given name.

    The neural vocoder is not among them: it belongs to a codec, and :class:`distill.codec.Codec` makes it.

    Parameters
    ----------
    name : str
        "griffin-lim" or "bigvgan".
    log_mel : LogMel
        The front end that the vocoder inverts.

    Raises
    ------
    ConfigError
        If no vocoder has this name.
    VocoderError
        If the vocoder's package or weights are not available.

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
