"""Codecs with random weights, and what the page's codec makes of them under Node."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from distill.codec import Codec
from distill.codes import CodeGrid
from distill.models import ConvVQVAE
from distill.models.vocoder import VocoderNetwork

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def node() -> Callable[..., Any]:
    """Runs a script of this folder with a folder as its argument; returns what it prints."""
    path = shutil.which("node")
    if path is None:
        reason = "The tests of the page's codec need Node: apt-get install nodejs."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)

    def run(script: str, folder: Path, seconds: float = 300) -> Any:
        done = subprocess.run([path, HERE / script, folder], capture_output=True, text=True, timeout=seconds)
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def random_codec() -> Callable[..., Codec]:
    """Builds a codec in which every weight, bias and norm has a value of its own."""

    def build(seed: int, vocoder: tuple[int, int, int, int], **settings: int) -> Codec:
        torch.manual_seed(seed)
        model, network = ConvVQVAE(**settings), VocoderNetwork(*vocoder)
        with torch.no_grad():
            for module in (*model.modules(), *network.modules()):
                if isinstance(module, nn.BatchNorm2d | nn.LayerNorm):
                    module.weight.uniform_(0.5, 1.5)
                    module.bias.uniform_(-0.3, 0.3)
                if isinstance(module, nn.BatchNorm2d):
                    module.running_mean.uniform_(-0.3, 0.3)
                    module.running_var.uniform_(0.5, 1.5)
            network.draw.bias.uniform_(-1, 1)
        model.train()(torch.randn(2, 1, 128, 64 * 16))
        model.set_statistics(torch.rand(128) * 2 - 5, torch.rand(128) + 1)
        return Codec(model, network=network)

    return build


def random_grid(codec: Codec, num_frames: int, seed: int = 0) -> CodeGrid:
    columns = -(-num_frames // codec.time_stride)
    indices = np.random.default_rng(seed).integers(0, codec.codebook_size, (codec.num_levels, 8, columns))
    return CodeGrid(indices, num_frames, codec.model_id, codec.codebook_size, 0, codec.time_stride)


def random_mix(grid: CodeGrid) -> CodeGrid:
    faders = np.random.default_rng(1).choice([0, 20, 50, 75, 128 + 50], grid.indices.shape)
    return grid.with_mix(faders)


def write_mix(folder: Path, codec: Codec, grid: CodeGrid) -> None:
    """Write a grid with its mix for the scripts, and the codes of silence."""
    grid.cells.astype("<u2").tofile(folder / "cells.u16")
    codec.quiet_codes.astype("<u2").tofile(folder / "quiet.u16")


def write_grid(folder: Path, grid: CodeGrid) -> None:
    """Write a grid for the scripts: its codes, and its lengths."""
    grid.indices.astype("<u2").tofile(folder / "codes.u16")
    (folder / "grid.json").write_text(json.dumps({"columns": grid.columns, "numFrames": grid.num_frames}))


def floats(path: Path) -> np.ndarray:
    return np.fromfile(path, "<f4")
