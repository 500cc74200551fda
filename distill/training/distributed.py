"""The processes that train one model together: a single one, or those that ``accelerate launch`` started."""

import os
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from distill.errors import ConfigError

if TYPE_CHECKING:
    from accelerate import Accelerator


class Processes:
    """Where this process stands among those that train together, and how they keep in step.

    Each process draws its own crops; gradients are averaged by torch's ``DistributedDataParallel``, and codebooks by
    ``vector-quantize-pytorch``, which sums what all processes saw. Decisions that hang on a clock are the first
    process's.

    Parameters
    ----------
    device : str
        "auto", "cpu" or "cuda".

    Raises
    ------
    ConfigError
        If the device is another one or absent, or several processes were launched and ``accelerate`` is not installed.
    """

    def __init__(self, device: str = "auto") -> None:
        self.device = choose_device(device)
        self._accelerator = self._join()
        if self._accelerator:
            self.device = self._accelerator.device

    def _join(self) -> "Accelerator | None":
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return None
        try:
            from accelerate import Accelerator
        except ImportError as error:
            raise ConfigError("Training in several processes needs the accelerate package.") from error
        return Accelerator(cpu=self.device.type == "cpu", mixed_precision="no")  # the trainer casts by itself

    @property
    def count(self) -> int:
        return self._accelerator.num_processes if self._accelerator else 1

    @property
    def index(self) -> int:
        return self._accelerator.process_index if self._accelerator else 0

    @property
    def is_first(self) -> bool:
        """Whether this is the process that prints and writes files."""
        return self.index == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model as the training loop calls it: its gradients are averaged over the processes."""
        return self._accelerator.prepare(model) if self._accelerator else model

    def agree(self, *values: float) -> tuple[float, ...]:
        """The first process's values, in every process."""
        if self._accelerator is None:
            return values
        from accelerate.utils import broadcast

        tensor: Tensor = broadcast(torch.tensor(values, dtype=torch.float64, device=self.device))
        return tuple(tensor.tolist())

    def close(self) -> None:
        """Leave the others; nothing can be agreed on after this."""
        if self._accelerator:
            self._accelerator.end_training()


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name: "cpu", "cuda", or "auto" for CUDA where there is any.

    Raises
    ------
    ConfigError
        If the name is another one, or CUDA is asked for and absent.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"device must be auto, cpu or cuda, got {name!r}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("There is no CUDA device on this machine; use --device cpu or auto.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 matrices in hardware; elsewhere autocasting to it would cost time."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))
