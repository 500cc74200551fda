"""Fixtures: folders of short clips and of what else may lie there, a prepared set, and a small disk."""

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

CLIPS = ("bd_haus.flac", "elec_ping.flac", "kit/drum_snare_hard.flac", "kit/elec_pop.flac", "perc_snap.flac")
REFUSED = ("empty.wav", "torn.flac")


@pytest.fixture(scope="session")
def short_set(examples, tmp_path_factory) -> Path:
    """Five short clips, one of them twice as files of two kinds, two files that are no clips, and a text."""
    folder = tmp_path_factory.mktemp("sets") / "kit"
    (folder / "kit").mkdir(parents=True)
    for name in CLIPS:
        shutil.copy(examples / "hits" / Path(name).name, folder / name)
    (folder / "empty.wav").touch()
    (folder / "torn.flac").write_bytes((examples / "hits" / "bd_tek.flac").read_bytes()[:3000])
    (folder / "notes.txt").write_text("All of these are drums.")
    return folder


@pytest.fixture
def few(short_set, tmp_path):
    """A folder of two short clips, one of them in a sub-folder."""
    folder = tmp_path / "few"
    (folder / "sub").mkdir(parents=True)
    shutil.copy(short_set / "bd_haus.flac", folder)
    shutil.copy(short_set / "perc_snap.flac", folder / "sub")
    return folder


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
