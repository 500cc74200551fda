"""The base models: the same network, trained on many kinds of sound. The training of a visitor's codec starts from one.

There is a base model for each time stride. A training copies its weights and band statistics. K-means on the visitor's
own clips initializes new codebooks. The package also contains crops of the sound of the base models. The decoder
rehearses this sound while it learns the visitor's clips.
"""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from distill.audio.logmel import LogMel
from distill.codes.grid import TIME_STRIDES
from distill.errors import CodecFileError
from distill.models.persistence import load_model, load_parts
from distill.models.vocoder import VocoderNetwork
from distill.models.vqvae import ConvVQVAE
from distill.training.config import VQVAEConfig
from distill.training.dataset import MelClip

BASE_CONFIG = VQVAEConfig(
    codebook_size=256,
    num_quantizers=4,
    decay=0.95,
    level_dropout=True,  # a visitor's codec may have fewer and coarser levels
    gain_db=12.0,  # a visitor's clips may be quieter or louder
    refinement=0.0,  # a visitor's training changes the encoder least, so it must be good here
    learning_rate=4e-3,
    batch_size=16,
    epochs=1_000_000,
    minutes=40.0,
    validations=20,
    from_base=False,
)
"""Settings of the training of a base model itself, by ``python -m distill base``."""
BASE_PATH = Path(__file__).with_name("base.distill")
"""Base model of a time stride of 16, from which the base models of finer strides are trained on."""
FINE_BASE_PATHS = {stride: Path(__file__).with_name(f"base-{stride}.distill") for stride in TIME_STRIDES[1:]}
REHEARSAL_PATH = Path(__file__).with_name("rehearsal.safetensors")
REHEARSAL_CROPS, REHEARSAL_FRAMES = 200, 128
"""Number of crops for rehearsal, and their length in frames (128 frames are 1.49 s)."""
LOUDEST = 5.0
"""Upper end of the byte scale of the rehearsal crops, in nepers. A full-scale sine reaches about 4.6."""


@torch.no_grad()
def start_from_base(model: ConvVQVAE, path: Path | None = None) -> None:
    """Copy the weights and band statistics of the base model of its time stride into a model.

    A base model of a time stride of 16 also fits the finer strides, whose networks differ only in the kernels of the
    stages that keep the time; see :func:`_narrowed`. If the codebook dimensions differ, the layers next to the
    codebooks stay as they are.

    Parameters
    ----------
    model : ConvVQVAE
        Model to change in place. Its quantizer stays as it is.
    path : path-like, optional
        ``.distill`` file of the base model; by default, that of the model's time stride.

    Raises
    ------
    CodecFileError
        If the file is missing or damaged.
    """
    path = path or FINE_BASE_PATHS.get(model.time_stride, BASE_PATH)
    own, base = model.state_dict(), load_model(path).state_dict()
    for name, tensor in own.items():
        if name.startswith("quantizer."):
            continue
        weight = base[name]
        if weight.dim() == 4 and tensor.shape[3] < weight.shape[3] == 4:
            weight = _narrowed(weight, tensor.shape[3])
        if weight.shape == tensor.shape:
            tensor.copy_(weight)


def _narrowed(kernel: Tensor, width: int) -> Tensor:
    """Make the kernel of a stage that keeps the time from one of four steps in time that halves or doubles it.

    The encoder's three steps are the first, both in the middle together, and the last. The decoder's one step is the
    mean of the middle ones, of which each frame of the base model hears one.
    """
    before, one, other, after = kernel.unbind(dim=3)
    return torch.stack([before, one + other, after] if width == 3 else [(one + other) / 2], dim=3)


@lru_cache
def base_vocoder(path: Path = BASE_PATH) -> VocoderNetwork:
    """Load the network of the base model's vocoder, once for each process; nobody may change it.

    Raises
    ------
    CodecFileError
        If the file is missing or damaged, or has no vocoder.
    """
    vocoder = load_parts(path)[2]
    if vocoder is None:
        raise CodecFileError(f"{path.name} has no vocoder.")
    return vocoder


def save_rehearsal(clips: Sequence[MelClip], path: str | os.PathLike[str], *, seed: int = 0) -> None:
    """Save 200 random crops of 1.5 s of the base model's sound. Each value is one byte, in steps of 0.56 dB.

    Parameters
    ----------
    clips : sequence of MelClip
        Sound of the base model. Clips of fewer than 128 frames are skipped.
    path : path-like
        File to write.
    seed : int
        Seed of the random choice of crops.
    """
    generator = torch.Generator().manual_seed(seed)
    long_enough = [clip.log_mel for clip in clips if clip.num_frames >= REHEARSAL_FRAMES]
    chosen = torch.randperm(len(long_enough), generator=generator)[:REHEARSAL_CROPS].tolist()
    crops = []
    for number in chosen:
        last = long_enough[number].shape[1] - REHEARSAL_FRAMES
        start = int(torch.randint(last + 1, (), generator=generator))
        crops.append(long_enough[number][:, start : start + REHEARSAL_FRAMES])
    scale = 255 / (LOUDEST - LogMel.floor)
    levels = (torch.stack(crops) - LogMel.floor) * scale
    save_file({"log_mels": levels.round().clamp(0, 255).byte()}, path)


def load_rehearsal(path: Path = REHEARSAL_PATH) -> list[MelClip]:
    """Load the crops for rehearsal.

    Raises
    ------
    CodecFileError
        If the file is missing or damaged.
    """
    try:
        levels = load_file(path)["log_mels"]
    except (SafetensorError, OSError, KeyError) as error:
        raise CodecFileError(f"{path.name}, which comes with Distill, is missing or damaged.") from error
    log_mels = levels * ((LOUDEST - LogMel.floor) / 255) + LogMel.floor
    return [MelClip(f"rehearsal {number}", log_mel) for number, log_mel in enumerate(log_mels)]
