"""Where a training begins: at random weights, at a base model, or at a codec, from which it goes on."""

import copy
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from distill.errors import CodecFileError, ConfigError
from distill.models.persistence import fingerprint, load_parts
from distill.models.vocoder import VocoderNetwork
from distill.models.vqvae import ROWS, ConvVQVAE, columns_of_sound
from distill.settings import DEFAULTS, Settings
from distill.training.base import base_vocoder, start_from_base
from distill.training.config import VQVAEConfig, get_adaptive_vqvae_config
from distill.training.dataset import CropSampler

FIXED = ("codebook_dim", "codebook_size", "num_quantizers", "time_stride")
"""Settings that the weights of a codec decide."""
KMEANS_CELLS_PER_CODE = 64
"""Cells per code in the first batch, on which k-means places the codes."""


@dataclass(frozen=True, eq=False)
class Start:
    """A codec from which a training goes on: its encoder, its decoder, its codebooks and its vocoder.

    Attributes
    ----------
    model : ConvVQVAE
    vocoder : VocoderNetwork or None
        The codec's own vocoder; None if it has that of the base model.
    """

    model: ConvVQVAE
    vocoder: VocoderNetwork | None = None

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, settings: Settings = DEFAULTS) -> "Start":
        """Read a codec to go on from, from its ``.distill`` file.

        Raises
        ------
        CodecFileError
            If the file is missing, damaged, or not a codec.

        Examples
        --------
        >>> Start.load("examples/models/loops.distill").config(VQVAEConfig(num_quantizers=4)).num_quantizers
        3
        """
        model, _, vocoder = load_parts(path, settings=settings)
        if not isinstance(model, ConvVQVAE):
            raise CodecFileError(f"{Path(path).name} holds the continuous baseline, which no training goes on from.")
        return cls(model, vocoder)

    @property
    def model_id(self) -> str:
        """Identifies the codec, as its grids do."""
        return fingerprint(self.model)

    def config(self, config: VQVAEConfig) -> VQVAEConfig:
        """The settings of a training that goes on from this codec: those given, but for those that its weights decide.

        Only the codec's own network starts the training, so ``from_base`` is false.
        """
        fixed = {name: getattr(self.model.settings, name) for name in FIXED}
        return replace(config, **fixed, from_base=False)

    def check(self, config: VQVAEConfig) -> None:
        """Raise a ConfigError if the weights of this codec do not fit the settings of a training."""
        for name in FIXED:
            own, asked = getattr(self.model.settings, name), getattr(config, name)
            if own != asked:
                raise ConfigError(f"A training that goes on from this codec has {name} {own}, not {asked}.")


def asked_config(seconds: Sequence[float], start: Start | None = None, **asked: Any) -> VQVAEConfig:
    """The settings that suit clips of these lengths, but for those that are asked for, and those that a start decides.

    Parameters
    ----------
    seconds : sequence of float
        Length of each clip.
    start : Start, optional
        The codec to go on from.
    asked : any
        Settings of :class:`VQVAEConfig` by name; None asks for nothing. If ``epochs`` are asked for and no
        ``minutes``, the training has no time limit.

    Examples
    --------
    >>> asked_config([0.2, 0.3], seed=4, epochs=10, minutes=None, time_stride=None)
    ... # doctest: +ELLIPSIS
    VQVAEConfig(...time_stride=4, ...epochs=10, minutes=None, ...seed=4)
    """
    asked = {name: value for name, value in asked.items() if value is not None}
    if "epochs" in asked:
        asked = {"minutes": None} | asked
    config = replace(get_adaptive_vqvae_config(len(seconds), seconds), **asked)
    return start.config(config) if start else config


def starting_model(config: VQVAEConfig, sampler: CropSampler, start: Start | None = None) -> ConvVQVAE:
    """Make the model of a training as it is before the first step; ``config.seed`` decides what is random.

    Parameters
    ----------
    config : VQVAEConfig
    sampler : CropSampler
        Crops of the clips, whose band statistics a model from random weights gets.
    start : Start, optional
        The codec to go on from.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = ConvVQVAE.from_config(config)
        if start:
            model.load_state_dict(start.model.state_dict())
        elif config.from_base:
            start_from_base(model)
        else:
            model.set_statistics(*sampler.statistics)
    return model


def starting_vocoder(start: Start | None = None) -> VocoderNetwork:
    """Make a copy of the vocoder that a training begins with: that of the codec, or that of the base model."""
    return copy.deepcopy((start and start.vocoder) or base_vocoder()).requires_grad_(True)


@torch.no_grad()
def place_codebooks(model: ConvVQVAE, sampler: CropSampler, config: VQVAEConfig, *, least_crops: int) -> None:
    """Initialize the codebooks by k-means on a first batch that is large enough for every code.

    Parameters
    ----------
    model : ConvVQVAE
        Model without codebooks; changed in place.
    sampler : CropSampler
    config : VQVAEConfig
    least_crops : int
        Smallest number of crops of the batch.
    """
    torch.manual_seed(config.seed)
    cells_per_crop = ROWS * sampler.crop_frames // config.time_stride
    crops = math.ceil(KMEANS_CELLS_PER_CODE * config.codebook_size / cells_per_crop)
    model.train()
    mel, mask = (part.to(model.mel_mean.device) for part in sampler.sample(max(crops, least_crops)))
    rvq = model.quantizer.rvq
    rvq.quantize_dropout = False  # the first batch must initialize every level
    model.quantize(model.encode(mel), columns_of_sound(mask, config.time_stride))
    rvq.quantize_dropout = config.level_dropout
