"""Models to and from ``.distill`` files: one safetensors file each, with JSON in its header. Nothing is unpickled."""

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from distill.audio.logmel import LogMel
from distill.errors import CodecFileError
from distill.models.vae import ConvVAE
from distill.models.vqvae import ConvVQVAE
from distill.training.health import LevelHealth

FORMAT_VERSION = 2  # 1 was of another network
ARCHITECTURES: dict[str, type[ConvVQVAE] | type[ConvVAE]] = {"ConvVQVAE": ConvVQVAE, "ConvVAE": ConvVAE}


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
        Anything JSON can hold: statistics, health, loss curves, provenance.
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


def load_model(path: str | os.PathLike[str]) -> ConvVQVAE | ConvVAE:
    """Read a model, in eval mode, with the codes it was saved with.

    Raises
    ------
    CodecFileError
        If the file is missing, truncated, not a ``.distill`` file, or its tensors do not fit its settings.
    """
    name = Path(path).name
    header = read_metadata(path)
    try:
        model = ARCHITECTURES[header["architecture"]](**header["model"])
        expected = model.state_dict()
        with safe_open(path, framework="pt") as file:
            shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
            if shapes != {key: tuple(tensor.shape) for key, tensor in expected.items()}:
                raise CodecFileError(f"{name} is damaged: its tensors are not those of the model it describes.")
            tensors = {key: file.get_tensor(key) for key in shapes}
        if not all(tensor.isfinite().all() for tensor in tensors.values()):
            raise CodecFileError(f"{name} is damaged: it holds values that are not numbers.")
        model.load_state_dict(tensors)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CodecFileError(f"{name} is damaged: the model it describes cannot be built.") from error
    return model.eval()


def read_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The JSON header of a ``.distill`` file, with none of its tensors.

    Raises
    ------
    CodecFileError
        If the file is missing, truncated or not a ``.distill`` file of this version, or its header makes no sense.
    """
    name = Path(path).name
    if not Path(path).is_file():
        raise CodecFileError(f"{name} does not exist or is not a file.")
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})["distill"])
        if header["format_version"] > FORMAT_VERSION:
            raise CodecFileError(f"{name} was made by a newer Distill; please update this one.")
        if header["format_version"] < FORMAT_VERSION:
            raise CodecFileError(f"{name} was made by an older Distill, whose network was another; train it again.")
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise CodecFileError(f"{name} is not a .distill file, or it was cut short.") from error
    try:
        _check_header(header)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CodecFileError(f"{name} is damaged: what it says of its training makes no sense.") from error
    return header


def _check_header(header: dict[str, Any]) -> None:
    """Raise unless what a file says of its training can be shown: it may come from a stranger."""
    front_end = header.get("front_end", {})
    if any(getattr(LogMel, name) != value for name, value in front_end.items()):
        raise ValueError("another front end")
    levels, provenance, curves = (header.get(name) for name in ("levels", "provenance", "curves"))
    if levels and len(levels) != header["model"]["num_quantizers"]:
        raise ValueError("health of other levels")
    for level in levels or []:
        _check_numbers(vars(LevelHealth(**level)), "utilization", "perplexity", "dead_codes")
    usage = header.get("usage")
    if usage is not None:
        settings = header["model"]
        if [len(level) for level in usage] != [settings["codebook_size"]] * settings["num_quantizers"]:
            raise ValueError("usage of other codebooks")
        if not all(type(count) is int and count >= 0 for level in usage for count in level):
            raise TypeError("usage is not counted")
    if provenance is not None:
        _check_numbers(header, "mel_l1")
        _check_numbers(provenance, "clips", "sound_seconds", "training_seconds", "steps")
    if curves is not None:
        for point in curves["steps"]:
            _check_numbers(point, "seconds", "recon_loss")
        for point in curves["validations"]:
            _check_numbers(point, "seconds", "mel_l1", *(["val_mel_l1"] if point["val_mel_l1"] is not None else []))


def _check_numbers(values: dict[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(values[name], int | float):
            raise TypeError(f"{name} is not a number")
