"""Fixtures: a process that decodes, a reader of contents, half a second of drums, and a full disk."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from distill.audio import SAMPLE_RATE, Clip, load_clip, new_decoder
from distill.audio.decoder import Decoder


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with new_decoder() as decoder:
        yield decoder


@pytest.fixture(scope="module")
def drums_wav(examples, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "drums.wav"
    soundfile.write(path, load_clip(examples / "clips" / "loop_amen.flac").waveform[:22_050], SAMPLE_RATE)
    return path


@pytest.fixture
def read(tmp_path, decoder: Decoder):
    """Return a function that reads the content of a file of any name."""

    def read_content(content: bytes, name: str = "sound") -> Clip:
        (tmp_path / name).write_bytes(content)
        return load_clip(tmp_path / name, decoder=decoder)

    return read_content


@pytest.fixture
def full_disk(tmp_path, monkeypatch) -> Iterator[Path]:
    """A disk of 2 MiB, half of it free, which holds the temporary files of a test."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    (disk / "other").write_bytes(bytes(2**20))
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    yield disk
    subprocess.run(["umount", disk], check=True)
