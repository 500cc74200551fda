"""Checkpoints of an interrupted training. A checkpoint is a safetensors file, so resuming unpickles nothing."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from distill.errors import CodecFileError, TrainingError
from distill.strict import CLOSED
from distill.training.state import TrainingSet, TrainingState
from distill.training.trainer import Trainer

KEY = "distill-checkpoint"


@dataclass(frozen=True)
class _Notes(TrainingState):
    """The parts of a checkpoint that are not tensors: the state of the training and a description of its clips."""

    __pydantic_config__ = CLOSED

    set: TrainingSet


_NOTES = TypeAdapter(_Notes)


def save_checkpoint(trainer: Trainer, path: str | os.PathLike[str]) -> None:
    """Write the state of a trainer to a file. The new file replaces the old one only when it is complete."""
    state = trainer.state_dict()
    tensors = {
        f"{part}.{name}": tensor
        for part in ("model", "best", "vocoder", "random")
        for name, tensor in state[part].items()
    }
    for which, parameters in enumerate(state["optimizers"]):
        for number, averages in parameters.items():
            tensors |= {f"optimizer{which}.{number}.{name}": tensor for name, tensor in averages.items()}
    tensors["clips.mean"] = state["band_means"]
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    notes = _NOTES.dump_json(_Notes(**vars(state["progress"]), set=state["set"]), by_alias=True).decode()
    unfinished = Path(path).with_name(Path(path).name + ".part")
    save_file(tensors, unfinished, metadata={KEY: notes})
    unfinished.replace(path)


def load_checkpoint(trainer: Trainer, path: str | os.PathLike[str]) -> None:
    """Restore the state of a trainer from a file.

    The trainer must be new and made from the same clips and settings.

    Raises
    ------
    CodecFileError
        If the file is missing, truncated or not a checkpoint.
    TrainingError
        If the checkpoint belongs to other clips or other model settings.
    """
    name = Path(path).name
    try:
        trainer.load_state_dict(_read(path, len(trainer.all_optimizers)))
    except TrainingError as error:
        raise TrainingError(
            f"{name} was begun with other clips or other model settings; "
            "use the same ones, or train afresh without --resume."
        ) from error
    except FileNotFoundError as error:
        raise CodecFileError(f"There is nothing to resume: {name} does not exist.") from error
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CodecFileError(f"{name} is damaged, so the training cannot be resumed from it.") from error


def _read(path: str | os.PathLike[str], num_optimizers: int) -> dict[str, Any]:
    """Read the saved state; raise the errors of torch, safetensors and pydantic."""
    groups: dict[str, dict[str, Tensor]] = {}
    with safe_open(path, framework="pt") as file:
        notes = _NOTES.validate_json(file.metadata()[KEY])
        for key in file.keys():  # noqa: SIM118
            group, _, name = key.partition(".")
            groups.setdefault(group, {})[name] = file.get_tensor(key)
    if not all(tensor.isfinite().all() for group in groups.values() for tensor in group.values()):
        raise ValueError("values that are not numbers")
    return {
        "model": groups["model"],
        "best": groups.get("best", {}),
        "vocoder": groups.get("vocoder", {}),
        "optimizers": [_averages(groups.get(f"optimizer{which}", {})) for which in range(num_optimizers)],
        "random": groups["random"],
        "progress": notes,
        "set": notes.set,
        "band_means": groups["clips"]["mean"],
    }


def _averages(tensors: dict[str, torch.Tensor]) -> dict[int, dict[str, Tensor]]:
    """Group the tensors of an optimizer by the number of their parameter."""
    averages: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition(".")
        averages.setdefault(int(number), {})[name] = tensor
    return averages
