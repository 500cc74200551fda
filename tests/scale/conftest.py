"""Fixtures: a folder of many short hits, its set, and a small disk."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill.audio import SAMPLE_RATE
from distill.scale.preparing import prepare
from distill.scale.sets import PreparedSet


@pytest.fixture(scope="session")
def many_hits(tmp_path_factory) -> Path:
    """Seventy short noises in two folders, which are two batches."""
    folder = tmp_path_factory.mktemp("many hits")
    random = np.random.default_rng(0)
    for number in range(70):
        path = folder / f"kit {number % 2}" / f"{number:02}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, random.uniform(-0.5, 0.5, 2_000 + 100 * number), SAMPLE_RATE)
    return folder


@pytest.fixture
def clips_copy(clip_folder, tmp_path) -> Path:
    """A copy of the folder of clips, which a test may change."""
    return Path(shutil.copytree(clip_folder, tmp_path / "clips"))


@pytest.fixture(scope="session")
def prepared(clip_folder, tmp_path_factory) -> PreparedSet:
    """The set of the folder of clips."""
    out = tmp_path_factory.mktemp("set") / "out"
    prepare(clip_folder, out)
    return PreparedSet.open(out)


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield disk
    subprocess.run(["umount", disk], check=True)
