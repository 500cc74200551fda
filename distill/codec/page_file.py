"""The part of a codec that the page needs, as a file."""

import json
from dataclasses import asdict

import safetensors.torch

from distill.codec.codec import Codec
from distill.errors import ConfigError
from distill.models.persistence import FORMAT_VERSION, VOCODER, compact
from distill.models.vocoder import NeuralVocoder


def page_file(codec: Codec, *, encoder: bool = False) -> bytes:
    """Write what the page needs of a codec: decoder, codebooks and vocoder, and the encoder if it is asked for.

    The vocoder is in the file even if the codec has that of the base model. The file is a safetensors file like a
    ``.distill`` file, but without what only a training needs. ``distill/browser/codec_file.js`` reads both. One codec
    always gives the same bytes.

    Parameters
    ----------
    codec : Codec
        A codec whose vocoder is "neural".
    encoder : bool
        Whether the page will encode sounds.

    Raises
    ------
    ConfigError
        If the codec has another vocoder, which the page cannot run.

    Examples
    --------
    >>> codec = Codec.load("examples/models/loops.distill")
    >>> len(page_file(codec)) < len(page_file(codec, encoder=True))
    True
    """
    if not isinstance(codec.vocoder, NeuralVocoder):
        raise ConfigError("The page can only run a codec whose vocoder is neural.")
    network = codec.vocoder.network
    needed = ("decoder.", "mel_", *(("encoder.",) if encoder else ()))
    state = {
        name: tensor
        for name, tensor in codec.model.state_dict().items()
        if (name.startswith(needed) and not name.endswith("num_batches_tracked")) or name.endswith("_codebook.embed")
    }
    state |= {f"{VOCODER}{name}": tensor for name, tensor in network.state_dict().items()}
    header = {
        "format_version": FORMAT_VERSION,
        "architecture": "ConvVQVAE",
        "model": asdict(codec.model.settings),
        "vocoder": asdict(network.settings),
        "model_id": codec.model_id,
    }
    tensors = {name: compact(tensor.detach().cpu().contiguous()) for name, tensor in state.items()}
    return safetensors.torch.save(tensors, metadata={"distill": json.dumps(header, sort_keys=True)})
