"""Models to and from ``.distill`` files: one safetensors file each, with JSON in its header. Nothing is unpickled.

A file may come from a stranger, so all that it says is checked before it is believed: its size before it is read, its
header before its tensors are, its tensors before there is a model to put them into, and their values before anything
is decoded with them.
"""

import copy
import inspect
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

import safetensors.torch
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from distill.audio.logmel import LogMel
from distill.errors import CodecFileError, ConfigError
from distill.models.vae import ConvVAE
from distill.models.vqvae import ROWS, STRIDE, ConvVQVAE
from distill.settings import DEFAULTS, MIB, Settings
from distill.training.config import VQVAEConfig

FORMAT_VERSION = 2  # 1 was of another network
ARCHITECTURES: dict[str, type[ConvVQVAE] | type[ConvVAE]] = {"ConvVQVAE": ConvVQVAE, "ConvVAE": ConvVAE}
LARGEST_VALUE = 1e9
"""Of any tensor in a file; counts of cells come to thousands."""
LARGEST_BOUND = 1e14
"""Of what a network can make of its inputs, as :func:`_bound` has it; trained ones are near 1e9, and squares of this
still fit float32."""
LOUDEST_INPUT = 100.0
"""In nepers; the log-mel of no float32 waveform reaches it."""


def save_model(
    model: ConvVQVAE | ConvVAE, path: str | os.PathLike[str], metadata: dict[str, Any] | None = None
) -> None:
    """Write a model, so that a reader sees the old file or the whole new one, never a part.

    Parameters
    ----------
    model : ConvVQVAE or ConvVAE
    path : path-like
        File to write, by custom ``*.distill``.
    metadata : dict, optional
        What :meth:`Trainer.metadata` gives, and statistics; whatever else JSON can hold is written but not read back.

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
    header = {"format_version": FORMAT_VERSION, "architecture": type(model).__name__, "model": model.settings}
    header |= metadata or {}
    tensors = {name: _compact(tensor.detach().cpu().contiguous()) for name, tensor in model.state_dict().items()}
    unfinished = Path(path).with_name(Path(path).name + ".part")
    save_file(tensors, unfinished, metadata={"distill": json.dumps(header, sort_keys=True)})
    unfinished.replace(path)


def _compact(tensor: Tensor) -> Tensor:
    """The tensor in float16 if that holds every value exactly, as it does after :func:`round_weights`."""
    half = tensor.half()
    return half if tensor.dtype == torch.float32 and torch.equal(half.float(), tensor) else tensor


@torch.no_grad()
def round_weights(model: nn.Module) -> None:
    """Round the trained weights to float16's precision, in place, which halves the file that they are saved to."""
    for parameter in model.parameters():
        parameter.copy_(parameter.half())


def load_model(path: str | os.PathLike[str], *, settings: Settings = DEFAULTS) -> ConvVQVAE | ConvVAE:
    """Read a model, in eval mode, with the codes it was saved with.

    Parameters
    ----------
    path : path-like
    settings : Settings
        Of which ``codec_bytes``, ``codec_header_bytes`` and ``codec_codes`` count.

    Raises
    ------
    CodecFileError
        If the file is missing, too large, truncated or not a ``.distill`` file of this version, if its header makes
        no sense, if its tensors do not fit its settings, or if a grid could decode to what is no number.

    Examples
    --------
    >>> load_model("examples/models/loops.distill").num_levels
    3
    """
    return load_with_metadata(path, settings=settings)[0]


def read_metadata(path: str | os.PathLike[str], *, settings: Settings = DEFAULTS) -> dict[str, Any]:
    """What a ``.distill`` file says of its model, with none of its tensors.

    Parameters
    ----------
    path : path-like
    settings : Settings
        Of which ``codec_bytes`` and ``codec_header_bytes`` count.

    Returns
    -------
    dict
        Only what Distill knows of, with every number finite, every list and text of bounded length, and no None but
        in the config and the validations.

    Raises
    ------
    CodecFileError
        If the file is missing, too large, truncated or not a ``.distill`` file of this version, or its header makes
        no sense.

    Examples
    --------
    >>> read_metadata("examples/models/loops.distill")["provenance"]["clips"]
    17
    """
    return _read_header(Path(path).name, _read(path, settings), settings)[1]


def load_with_metadata(
    path: str | os.PathLike[str], *, settings: Settings = DEFAULTS
) -> tuple[ConvVQVAE | ConvVAE, dict[str, Any]]:
    """What :func:`load_model` and :func:`read_metadata` give, from one reading: the file may change between two."""
    name, content = Path(path).name, _read(path, settings)
    names, metadata = _read_header(name, content, settings)
    architecture = ARCHITECTURES[metadata["architecture"]]
    if (codes := metadata["model"].get("codebook_size", 0)) > settings.codec_codes:
        raise CodecFileError(
            f"{name} has {codes} codes per level, and codecs of up to {settings.codec_codes} are opened."
        )
    try:
        with torch.device("meta"):  # shapes without memory
            expected = architecture(**metadata["model"]).state_dict()
    except ConfigError as error:
        raise CodecFileError(f"{name} is damaged: the model it describes cannot be built.") from error
    if names != expected.keys():
        raise CodecFileError(f"{name} is damaged: its tensors are not those of the model it describes.")
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, LookupError, TypeError, ValueError, RuntimeError, AssertionError) as error:
        raise CodecFileError(f"{name} is not a .distill file, or it was cut short.") from error
    _check_tensors(name, tensors, expected)
    model = architecture(**metadata["model"])
    model.load_state_dict(tensors)
    if isinstance(model, ConvVQVAE) and not _stays_finite(model):
        raise CodecFileError(f"{name} is damaged: its values are too large to decode with.")
    return model.eval(), metadata


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


def _read_header(name: str, content: bytes, settings: Settings) -> tuple[set[str], dict[str, Any]]:
    """The names of the tensors in a file, and what :func:`read_metadata` gives."""
    try:
        length = int.from_bytes(content[:8], "little")
        if not 0 < length <= min(len(content) - 8, settings.codec_header_bytes):
            raise ValueError("a header of another length")
        header = _parse(content[8 : 8 + length].decode())
        metadata = _parse(header.pop("__metadata__")["distill"])
        version = metadata["format_version"]
        if type(version) is not int:
            raise TypeError("the version is no whole number")
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise CodecFileError(f"{name} is not a .distill file, or it was cut short.") from error
    if version > FORMAT_VERSION:
        raise CodecFileError(f"{name} was made by a newer Distill; please update this one.")
    if version < FORMAT_VERSION:
        raise CodecFileError(f"{name} was made by an older Distill, whose network was another; train it again.")
    try:
        return set(header), _known(metadata)
    except (LookupError, TypeError, ValueError) as error:
        raise CodecFileError(f"{name} is damaged: what it says of its training makes no sense.") from error


def _parse(text: str) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no number")

    return json.loads(text, parse_constant=refuse)


def _check_tensors(name: str, tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raise a CodecFileError unless the tensors have the expected shapes and types and values within reason."""
    for key, tensor in tensors.items():
        kinds = {expected[key].dtype} | ({torch.float16} if expected[key].dtype == torch.float32 else set())
        if tensor.shape != expected[key].shape or tensor.dtype not in kinds:
            raise CodecFileError(f"{name} is damaged: its tensors are not those of the model it describes.")
    for key, tensor in tensors.items():
        if tensor.dtype == torch.bool and not (tensor.view(torch.uint8) == 1).all():  # ``initted``, of each codebook
            raise CodecFileError(f"{name} holds codebooks that were never filled; train it first.")
        lowest, highest = tensor.float().aminmax()
        if not (lowest >= -LARGEST_VALUE and highest <= LARGEST_VALUE):
            raise CodecFileError(f"{name} is damaged: it holds values that are not numbers, or absurd ones.")
        if (key.endswith("running_var") and lowest < 0) or (key == "mel_std" and lowest <= 0):
            raise CodecFileError(f"{name} is damaged: it holds variances that cannot be.")


@torch.no_grad()
def _stays_finite(model: ConvVQVAE) -> bool:
    """Whether every log-mel of a waveform, and every grid, stays finite on its way through the model."""
    loudest = (LOUDEST_INPUT + model.mel_mean.abs()) / model.mel_std
    latent = _bound(model.encoder, loudest.expand(-1, -1, -1, 6 * STRIDE))
    codes = model.quantizer.codebooks.abs().amax(dim=1).sum(dim=0)
    decoded = _bound(model.decoder, codes.view(1, -1, 1, 1).expand(-1, -1, ROWS, 6))
    return bool((latent <= LARGEST_BOUND).all() and (decoded * model.mel_std <= LARGEST_BOUND).all())


def _bound(network: nn.Module, largest: Tensor) -> Tensor:
    """What no output of a network exceeds in magnitude (but for a factor below 100) if no input exceeds ``largest``.

    It is what the network makes of ``largest`` with all its weights made positive, so that nothing cancels: a
    convolution then gives the sum of magnitudes, a batch norm that of its shift and its scale. SiLU is the exception,
    which halves small numbers; each of the six gives away a factor of 2 at most.
    """
    network = copy.deepcopy(network).eval()
    for parameter in network.parameters():
        parameter.abs_()
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None:
            norm.running_mean.abs_().neg_()
    return network(largest.contiguous())


Check = Callable[[Any], Any]
"""Returns a value from a file's JSON, as it may be shown, or raises one of the errors that end in a CodecFileError."""


def _number(lowest: float, highest: float, *kinds: type) -> Check:
    def check(value: Any) -> Any:
        if type(value) not in (kinds or (int, float)) or not lowest <= value <= highest:
            raise ValueError("no such number")
        return value

    return check


def _text(value: Any) -> str:
    if type(value) is not str or len(value) > 40 or not (value.isascii() and value.isprintable()):
        raise ValueError("no such text")
    return value


def _optional(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _list(check: Check, shortest: int, longest: int) -> Check:
    def check_all(values: Any) -> list[Any]:
        if type(values) is not list or not shortest <= len(values) <= longest:
            raise ValueError("no such list")
        return [check(value) for value in values]

    return check_all


def _record(needed: Mapping[str, Check], also: Mapping[str, Check] | None = None) -> Check:
    """Of a dict: what is needed, and of the rest what is known."""
    also = also or {}

    def check_all(values: Any) -> dict[str, Any]:
        if type(values) is not dict:
            raise TypeError("no dict")
        known = {name: check(values[name]) for name, check in also.items() if name in values}
        return {name: check(values[name]) for name, check in needed.items()} | known

    return check_all


_COUNT, _AMOUNT, _ERROR = _number(0, 10**12, int), _number(0, 1e12), _number(0, 1e6)
_FLAG = _number(0, 1, bool)
_CURVES = _record(
    {
        "steps": _list(_record({"seconds": _AMOUNT, "recon_loss": _ERROR}, {"step": _COUNT}), 0, 5_000),
        "validations": _list(
            _record({"seconds": _AMOUNT, "mel_l1": _ERROR, "val_mel_l1": _optional(_ERROR)}, {"step": _COUNT}), 0, 5_000
        ),
    }
)
_PROVENANCE = _record(
    {"clips": _COUNT, "sound_seconds": _AMOUNT, "training_seconds": _AMOUNT, "steps": _COUNT},
    {"held_out": _COUNT, "epochs": _AMOUNT, "device": _text, "from_base": _FLAG},
)
_CONFIG = _record({}, {field.name: _optional(_number(0, 2**63, int, float, bool)) for field in fields(VQVAEConfig)})
_BANDS = _list(_number(-LARGEST_VALUE, LARGEST_VALUE), LogMel.n_mels, LogMel.n_mels)


def _known(metadata: dict[str, Any]) -> dict[str, Any]:
    """Of the metadata in a file what Distill knows of, all of it checked."""
    kind = ARCHITECTURES[metadata["architecture"]]
    model = _check_settings(kind, metadata["model"])
    levels, size = model.get("num_quantizers", 0), model.get("codebook_size", 0)
    health = {"utilization": _number(0, 1), "perplexity": _number(0, 2 * size), "dead_codes": _number(0, size, int)}
    front_end = {name: getattr(LogMel, name) for name in ("sample_rate", "n_fft", "hop_length", "n_mels")}
    trained = metadata.get("provenance") is not None
    known = _record(
        {
            "format_version": _COUNT,
            "architecture": _text,
            "model": lambda _: model,
            **({"provenance": _PROVENANCE, "mel_l1": _ERROR} if trained else {}),
        },
        {
            "mel_l1": _optional(_ERROR),
            "val_mel_l1": _optional(_ERROR),
            "config": _optional(_CONFIG),
            "curves": _optional(_CURVES),
            "levels": _optional(_list(_record(health), levels, levels)),
            "usage": _optional(_list(_list(_COUNT, size, size), levels, levels)),
            "statistics": _optional(_record({"mel_mean": _BANDS, "mel_std": _BANDS})),
            "front_end": _optional(_record({}, {n: _number(v, v, int) for n, v in front_end.items()})),
        },
    )(metadata)
    return {name: value for name, value in known.items() if value is not None}


def _check_settings(kind: type[ConvVQVAE] | type[ConvVAE], settings: Any) -> dict[str, Any]:
    """Raise unless these are the settings of such a model, each of its type; ranges are the model's own business."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(kind).parameters.items()}
    if type(settings) is not dict or settings.keys() != defaults.keys():
        raise ValueError("other settings")
    for name, default in defaults.items():
        if type(settings[name]) not in {type(default), int if type(default) is float else type(default)}:
            raise TypeError(f"{name} is no {type(default).__name__}")
    return settings
