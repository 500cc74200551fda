"""Reading and writing of ``.distill`` files: safetensors files with JSON in the header. Nothing is unpickled.

A file may come from a stranger, so each part is checked before it is used. The size is checked first, then the header,
then the names and shapes of the tensors, and then their values.
"""

import copy
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import safetensors.torch
import torch
from pydantic import Field, TypeAdapter
from pydantic_core import from_json
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from distill.errors import CodecFileError
from distill.models.vae import ConvVAE, VAESettings
from distill.models.vocoder import VocoderNetwork, VocoderSettings
from distill.models.vqvae import ROWS, STRIDE, ConvVQVAE
from distill.settings import DEFAULTS, MIB, Settings
from distill.strict import OPEN
from distill.training.codec_info import LARGEST_VALUE, CodecInfo
from distill.training.config import ModelSettings

FORMAT_VERSION = 2  # version 1 had another network
LATER_SETTINGS = {"time_stride"}
"""Settings that files of earlier versions lack; they then have their defaults."""
LARGEST_BOUND = 1e14
"""Largest allowed output of a network, as estimated by :func:`_bound`. Trained networks are near 1e9. The square of
this bound still fits in float32."""
VOCODER = "vocoder."
"""Beginning of the names of the vocoder's tensors in a file."""
LOUDEST_INPUT = 100.0
"""Level in nepers above the log-mel of every float32 waveform."""


@dataclass(frozen=True)
class _Codec:
    """Description of the model in a file: a codec and its settings, and those of its vocoder if it has one."""

    model: ModelSettings
    vocoder: VocoderSettings | None = None
    architecture: Literal["ConvVQVAE"] = "ConvVQVAE"


@dataclass(frozen=True)
class _Baseline:
    """Description of the model in a file: the continuous baseline and its settings."""

    model: VAESettings
    architecture: Literal["ConvVAE"] = "ConvVAE"


_Described = _Codec | _Baseline
_DESCRIBED = TypeAdapter[_Described](Annotated[_Described, Field(discriminator="architecture")], config=OPEN)
_INFO = TypeAdapter(CodecInfo)


def save_model(
    model: ConvVQVAE | ConvVAE,
    path: str | os.PathLike[str],
    info: CodecInfo | None = None,
    vocoder: VocoderNetwork | None = None,
) -> None:
    """Write a model to a file. The new file replaces the old one only when it is complete.

    Parameters
    ----------
    model : ConvVQVAE or ConvVAE
    path : path-like
        File to write, usually named ``*.distill``.
    info : CodecInfo, optional
        Facts about the training of the model.
    vocoder : VocoderNetwork, optional
        Network of the codec's own vocoder.

    Examples
    --------
    >>> import tempfile
    >>> model = ConvVQVAE(codebook_dim=4, codebook_size=8)
    >>> _ = model(torch.randn(1, 1, 128, 64))  # the first batch fills the codebooks
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/small.distill")
    ...     load_model(f"{folder}/small.distill").codebook_size
    8
    """
    known = {name: value for name, value in asdict(info or CodecInfo()).items() if value is not None}
    described = {"architecture": type(model).__name__, "model": asdict(model.settings)}
    if vocoder:
        described["vocoder"] = asdict(vocoder.settings)
    header = {"format_version": FORMAT_VERSION} | described | known
    state = _state(model, vocoder)
    tensors = {name: compact(tensor.detach().cpu().contiguous()) for name, tensor in state.items()}
    unfinished = Path(path).with_name(Path(path).name + ".part")
    save_file(tensors, unfinished, metadata={"distill": json.dumps(header, sort_keys=True)})
    unfinished.replace(path)


def _state(model: nn.Module, vocoder: VocoderNetwork | None) -> dict[str, Tensor]:
    """Collect the tensors of a file; the names of those of the vocoder begin with "vocoder."."""
    own = vocoder.state_dict() if vocoder else {}
    return model.state_dict() | {f"{VOCODER}{name}": tensor for name, tensor in own.items()}


def compact(tensor: Tensor) -> Tensor:
    """Convert a float32 tensor to float16 if no value changes, as is the case after :func:`round_weights`."""
    half = tensor.half()
    return half if tensor.dtype == torch.float32 and torch.equal(half.float(), tensor) else tensor


@torch.no_grad()
def round_weights(model: nn.Module) -> None:
    """Round the trained weights in place to the precision of float16, which halves the size of the saved file."""
    for parameter in model.parameters():
        parameter.copy_(parameter.half())


def load_model(path: str | os.PathLike[str], *, settings: Settings = DEFAULTS) -> ConvVQVAE | ConvVAE:
    """Read a model with its codebooks. The model is in eval mode.

    Parameters
    ----------
    path : path-like
    settings : Settings
        Limits; only ``codec_bytes``, ``codec_header_bytes`` and ``codec_codes`` are read.

    Raises
    ------
    CodecFileError
        If the file is missing, too large, truncated or not a ``.distill`` file of this version, if its header is
        invalid, if its tensors do not fit its settings, or if some grid could decode to values that are not finite.

    Examples
    --------
    >>> load_model("examples/models/loops.distill").num_levels
    3
    """
    return load_parts(path, settings=settings)[0]


def read_info(path: str | os.PathLike[str], *, settings: Settings = DEFAULTS) -> CodecInfo:
    """Read the facts about a codec from its ``.distill`` file, without the tensors.

    Parameters
    ----------
    path : path-like
    settings : Settings
        Limits; only ``codec_bytes`` and ``codec_header_bytes`` are read.

    Raises
    ------
    CodecFileError
        If the file is missing, too large, truncated or not a ``.distill`` file of this version, or its header is
        invalid.

    Examples
    --------
    >>> read_info("examples/models/loops.distill").provenance.clips
    17
    """
    return _read_header(Path(path).name, _read(path, settings), settings)[2]


def load_parts(
    path: str | os.PathLike[str], *, settings: Settings = DEFAULTS
) -> tuple[ConvVQVAE | ConvVAE, CodecInfo, VocoderNetwork | None]:
    """Return the results of :func:`load_model` and :func:`read_info`, and the vocoder's network if the file has one.

    The file is read only once, because it could change between two reads.
    """
    name, content = Path(path).name, _read(path, settings)
    names, described, info = _read_header(name, content, settings)
    codes = described.model.codebook_size if isinstance(described, _Codec) else 0
    if codes > settings.codec_codes:
        raise CodecFileError(
            f"{name} has {codes} codes per level, and codecs of up to {settings.codec_codes} are opened."
        )
    with torch.device("meta"):  # shapes without memory
        expected = _state(*_build(described))
    if names != expected.keys():
        raise CodecFileError(f"{name} is damaged: its tensors are not those of the model it describes.")
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, LookupError, TypeError, ValueError, RuntimeError, AssertionError) as error:
        raise CodecFileError(f"{name} is not a .distill file, or it was cut short.") from error
    _check_tensors(name, tensors, expected)
    model, vocoder = _build(described)
    if vocoder:
        vocoder.load_state_dict({key: tensors.pop(f"{VOCODER}{key}") for key in vocoder.state_dict()})
        vocoder.eval()
    model.load_state_dict(tensors)
    stays_finite = not isinstance(model, ConvVQVAE) or _stays_finite(model)
    if not stays_finite or (vocoder and not vocoder.largest(LOUDEST_INPUT) <= LARGEST_BOUND):
        raise CodecFileError(f"{name} is damaged: its values are too large to decode with.")
    return model.eval(), info, vocoder


def _build(described: _Described) -> tuple[ConvVQVAE | ConvVAE, VocoderNetwork | None]:
    """Make a new model and its vocoder from their description."""
    if isinstance(described, _Baseline):
        return ConvVAE(**asdict(described.model)), None
    vocoder = VocoderNetwork(**asdict(described.vocoder)) if described.vocoder else None
    return ConvVQVAE(**asdict(described.model)), vocoder


def _read(path: str | os.PathLike[str], settings: Settings) -> bytes:
    name = Path(path).name
    if not Path(path).is_file():
        raise CodecFileError(f"{name} does not exist or is not a file.")
    try:
        with open(path, "rb") as file:
            content = file.read(settings.codec_bytes + 1)
    except OSError as error:
        raise CodecFileError(f"{name} cannot be read.") from error
    if len(content) > settings.codec_bytes:
        raise CodecFileError(f"{name} is too large: a codec has at most {settings.codec_bytes // MIB} MiB.")
    return content


def _read_header(name: str, content: bytes, settings: Settings) -> tuple[set[str], _Described, CodecInfo]:
    """Read the names of the tensors, the description of the model, and the facts about the codec."""
    try:
        length = int.from_bytes(content[:8], "little")
        if not 0 < length <= min(len(content) - 8, settings.codec_header_bytes):
            raise ValueError("a header of another length")
        header = from_json(content[8 : 8 + length], allow_inf_nan=False)
        text = header.pop("__metadata__")["distill"]
        version = (notes := from_json(text, allow_inf_nan=False))["format_version"]
        if type(version) is not int:
            raise TypeError("the version is no whole number")
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise CodecFileError(f"{name} is not a .distill file, or it was cut short.") from error
    if version > FORMAT_VERSION:
        raise CodecFileError(f"{name} was made by a newer Distill; please update this one.")
    if version < FORMAT_VERSION:
        raise CodecFileError(f"{name} was made by an older Distill, whose network was another; train it again.")
    try:
        described, info = _DESCRIBED.validate_json(text), _INFO.validate_json(text)
        if notes["model"].keys() | LATER_SETTINGS != {s.name for s in fields(described.model)} | LATER_SETTINGS:
            raise ValueError("other settings")
        if isinstance(described, _Codec):
            info.check(described.model.num_quantizers, described.model.codebook_size)
        else:
            info.check(0, 0)
    except ValueError as error:
        raise CodecFileError(f"{name} is damaged: what it says of its training makes no sense.") from error
    return set(header), described, info


def _check_tensors(name: str, tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raise a CodecFileError unless the tensors have the expected shapes and types and plausible values."""
    for key, tensor in tensors.items():
        kinds = {expected[key].dtype} | ({torch.float16} if expected[key].dtype == torch.float32 else set())
        if tensor.shape != expected[key].shape or tensor.dtype not in kinds:
            raise CodecFileError(f"{name} is damaged: its tensors are not those of the model it describes.")
    for key, tensor in tensors.items():
        if tensor.dtype == torch.bool and not (tensor.view(torch.uint8) == 1).all():  # each codebook's ``initted``
            raise CodecFileError(f"{name} holds codebooks that were never filled; train it first.")
        lowest, highest = tensor.float().aminmax()
        if not (lowest >= -LARGEST_VALUE and highest <= LARGEST_VALUE):
            raise CodecFileError(f"{name} is damaged: it holds values that are not numbers, or absurd ones.")
        if (key.endswith("running_var") and lowest < 0) or (key == "mel_std" and lowest <= 0):
            raise CodecFileError(f"{name} is damaged: it holds variances that cannot be.")


@torch.no_grad()
def _stays_finite(model: ConvVQVAE) -> bool:
    """Check that the encoder is finite for every log-mel of a waveform, and the decoder for every grid."""
    loudest = (LOUDEST_INPUT + model.mel_mean.abs()) / model.mel_std
    latent = _bound(model.encoder, loudest.expand(-1, -1, -1, 6 * STRIDE))
    codes = model.quantizer.codebooks.abs().amax(dim=1).sum(dim=0)
    decoded = _bound(model.decoder, codes.view(1, -1, 1, 1).expand(-1, -1, ROWS, 6))
    return bool((latent <= LARGEST_BOUND).all() and (decoded * model.mel_std <= LARGEST_BOUND).all())


def _bound(network: nn.Module, largest: Tensor) -> Tensor:
    """Estimate the largest magnitude of the outputs of a network for inputs up to ``largest``.

    The estimate is the output for ``largest`` with all weights made positive, so that no terms cancel. A convolution
    then sums magnitudes, and a batch norm adds the magnitudes of its shift and its scale. Only SiLU reduces small
    numbers, by a factor of at most 2. With six SiLUs, the true magnitude is less than 100 times the estimate.
    """
    network = copy.deepcopy(network).eval()
    for parameter in network.parameters():
        parameter.abs_()
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None:
            norm.running_mean.abs_().neg_()
    return network(largest.contiguous())


def fingerprint(model: nn.Module) -> str:
    """Compute a name for a model from its values: twelve hexadecimal digits."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
    return digest.hexdigest()[:12]
