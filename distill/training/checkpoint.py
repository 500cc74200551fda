"""A training that was interrupted, on disk: one safetensors file, so nothing is unpickled when it is resumed."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from distill.errors import CodecFileError, ConfigError, TrainingError
from distill.training.records import restore_curves, restore_validation
from distill.training.trainer import Trainer

_COUNTERS = ("steps", "seconds", "validations", "_validation_cost")


def save_checkpoint(trainer: Trainer, path: str | os.PathLike[str]) -> None:
    """Write everything that :meth:`Trainer.run` needs to go on, replacing the file only when it is whole."""
    tensors = {f"model.{name}": tensor for name, tensor in trainer.model.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in trainer.best_state.items()}
    for which, optimizer in enumerate(trainer.optimizers):
        for number, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer{which}.{number}.{name}": tensor for name, tensor in state.items()}
    tensors |= {"random.torch": torch.get_rng_state(), "random.crops": trainer.sampler.generator.get_state()}
    tensors["clips.mean"] = _band_means(trainer)
    state = {name: getattr(trainer, name) for name in _COUNTERS}
    state |= {
        "curves": trainer.curves,
        "best": asdict(trainer.best) if trainer.best else None,
        "set": _describe(trainer),
    }
    unfinished = Path(path).with_name(Path(path).name + ".part")
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(tensors, unfinished, metadata={"distill-checkpoint": json.dumps(state)})
    unfinished.replace(path)


def load_checkpoint(trainer: Trainer, path: str | os.PathLike[str]) -> None:
    """Bring a new trainer, made from the same clips and settings, to where a saved one was.

    Raises
    ------
    CodecFileError
        If the file is missing, truncated or not a checkpoint.
    TrainingError
        If it is of other clips or of another shape of model.
    """
    name = Path(path).name
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads(file.metadata()["distill-checkpoint"])
            mean = file.get_tensor("clips.mean")
            if state["set"] != _describe(trainer) or not torch.allclose(mean, _band_means(trainer), atol=1e-3):
                raise TrainingError(
                    f"{name} was begun with other clips or other model settings; "
                    "use the same ones, or train afresh without --resume."
                )
            tensors: dict[str, dict[str, torch.Tensor]] = {}
            for key in file.keys():  # noqa: SIM118
                group, _, rest = key.partition(".")
                tensors.setdefault(group, {})[rest] = file.get_tensor(key)
        if not all(tensor.isfinite().all() for group in tensors.values() for tensor in group.values()):
            raise ValueError("values that are not numbers")
        trainer.model.load_state_dict(tensors["model"])
        trainer.best_state = tensors.get("best", {})
        for which, optimizer in enumerate(trainer.optimizers):
            _load_optimizer(optimizer, tensors.get(f"optimizer{which}", {}))
        torch.set_rng_state(tensors["random"]["torch"])
        if trainer.processes.is_first:  # the others would draw the same crops
            trainer.sampler.generator.set_state(tensors["random"]["crops"])
        for counter in _COUNTERS:
            setattr(trainer, counter, state[counter])
        trainer.curves = restore_curves(state["curves"])
        trainer.best = restore_validation(state["best"])
    except FileNotFoundError as error:
        raise CodecFileError(f"There is nothing to resume: {name} does not exist.") from error
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, ConfigError):
            raise
        raise CodecFileError(f"{name} is damaged, so the training cannot be resumed from it.") from error


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    state = optimizer.state_dict()
    for key, tensor in tensors.items():
        number, _, field = key.partition(".")
        state["state"].setdefault(int(number), {})[field] = tensor
    optimizer.load_state_dict(state)
    # The fused AdamW walks memory, not positions: averages must lie in it as their parameters do (channels last).
    for parameter, averages in optimizer.state.items():
        for field, average in averages.items():
            if average.shape == parameter.shape:
                averages[field] = torch.empty_like(parameter).copy_(average)


def _band_means(trainer: Trainer) -> torch.Tensor:
    """Of the clips' sound: tells sets apart whose lengths agree."""
    return trainer.sampler.statistics[0]


def _describe(trainer: Trainer) -> dict[str, object]:
    """What must be the same for a resumed training to make sense."""
    return {
        "model": trainer.model.settings,
        "from_base": trainer.config.from_base,
        "frames": trainer.sampler.lengths.tolist(),
    }
