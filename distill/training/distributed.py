"""Training of one model in a single process or in several processes that ``accelerate launch`` started."""

import os
import time
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from distill.errors import ConfigError

if TYPE_CHECKING:
    from accelerate import Accelerator


class Processes:
    """The processes that train one model together, as seen from this process.

    Each process draws its own crops. Torch's ``DistributedDataParallel`` averages the gradients, and
    ``vector-quantize-pytorch`` sums the codebook updates of all processes. The first process makes all decisions that
    depend on time.

    Parameters
    ----------
    device : str
        "auto", "cpu" or "cuda".

    Raises
    ------
    ConfigError
        If the device has another name or is not available, or if several processes were launched and ``accelerate``
        is not installed.
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
        """Wrap the model so that its gradients are averaged over all processes."""
        return self._accelerator.prepare(model) if self._accelerator else model

    def agree(self, *values: float) -> tuple[float, ...]:
        """Return the values of the first process in every process."""
        if self._accelerator is None:
            return values
        from accelerate.utils import broadcast

        tensor: Tensor = broadcast(torch.tensor(values, dtype=torch.float64, device=self.device))
        return tuple(tensor.tolist())

    def close(self) -> None:
        """Leave the group of processes; :meth:`agree` cannot be called after this."""
        if self._accelerator:
            self._accelerator.end_training()


def choose_device(name: str = "auto") -> torch.device:
    """Return the device with the given name: "cpu", "cuda", or "auto" for CUDA if available and the CPU otherwise.

    Raises
    ------
    ConfigError
        If the name is another one, or if "cuda" is not available.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"device must be auto, cpu or cuda, got {name!r}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("There is no CUDA device on this machine; use --device cpu or auto.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def has_fast_bfloat16(device: torch.device, *, may_vary: bool) -> bool:
    """Check whether training on the device is faster in bfloat16 than in float32.

    On a CPU, that needs the matrix units of AMX, and the first call measures it. Other processors know bfloat16 too:
    with AVX-512, a training step takes 1.3 times as long in it, and those of Apple and Arm are slow in it as well. A
    training that must not vary from one run to the next uses float32 on a CPU, because the measurement may vary.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return may_vary and bool(torch.cpu.get_capabilities().get("amx_bf16")) and _bfloat16_is_faster()


@lru_cache
def _bfloat16_is_faster() -> bool:
    """Measure, once for each process, whether a convolution takes less time in bfloat16 than in float32."""
    kinds = (torch.bfloat16, torch.float32)
    taken: dict[torch.dtype, list[float]] = {kind: [] for kind in kinds}
    for _ in range(5):
        for kind in kinds:
            sound, filters = torch.zeros(8, 64, 32, 64, dtype=kind), torch.zeros(64, 64, 3, 3, dtype=kind)
            began = time.perf_counter()
            torch.nn.functional.conv2d(sound, filters)
            taken[kind].append(time.perf_counter() - began)
    return min(taken[torch.bfloat16]) < min(taken[torch.float32])
