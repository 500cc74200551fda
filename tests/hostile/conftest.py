"""Fixtures: servers, and visitors from different addresses."""

import os
import socket
from contextlib import contextmanager

import pytest
import soundfile

from distill.audio import SAMPLE_RATE, load_clip
from tests.hostile.stage import Stage
from tests.hostile.strangers import Addresses, Stranger
from tests.space.visiting import Space

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def addresses():
    return Addresses()


@contextmanager
def servers(tmp_path_factory):
    """A function that starts a server with the given limits; each is killed at the end, with its trainings."""
    started = []

    def start(kind=Space, **limits):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        space = kind(tmp_path_factory.mktemp("space") / "data", port, **limits)
        started.append(space)
        space.start()
        return space

    yield start
    for space in started:
        if space.process.poll() is None:
            space.kill()


@pytest.fixture(scope="module")
def start_space(tmp_path_factory):
    """A function that starts a server for the tests of one module."""
    with servers(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="session")
def space(tmp_path_factory):
    """A server with the default settings, shared by tests that leave it unchanged."""
    with servers(tmp_path_factory) as start:
        yield start()


@pytest.fixture(scope="session")
def narrow_space(tmp_path_factory):
    """A server that computes one thing at a time: it has no place that is kept free for another address."""
    with servers(tmp_path_factory) as start:
        yield start(computing=1)


@pytest.fixture(scope="session")
def proxied_space(tmp_path_factory):
    """A server that trusts one proxy to report the sender's address."""
    with servers(tmp_path_factory) as start:
        yield start(trusted_proxies=1)


@pytest.fixture
def new_stranger(addresses):
    """A function that makes a visitor, by default from a new address; its connections are closed at the end."""
    strangers = []

    def come(space, address=None, **options):
        strangers.append(Stranger(space.url, address or addresses.new(), **options))
        return strangers[-1]

    yield come
    for stranger in strangers:
        stranger.close()


@pytest.fixture(scope="session")
def six_clips(examples, tmp_path_factory):
    """Six files with the first half second of an example clip each."""
    folder = tmp_path_factory.mktemp("six")
    for number, path in enumerate(sorted((examples / "clips").glob("*.flac"))[:6]):
        soundfile.write(folder / f"secret-{number}.wav", load_clip(path).waveform[: SAMPLE_RATE // 2], SAMPLE_RATE)
    return sorted(folder.iterdir())


@pytest.fixture
def new_stage(addresses, codec, tmp_path):
    """A function that makes the stage of a small attack from a new address."""
    stages = []

    def stage(space, seconds=20.0):
        stages.append(Stage(space.url, addresses.new(), tmp_path, codec, seconds))
        return stages[-1]

    yield stage
    for stage in stages:
        stage.close()
