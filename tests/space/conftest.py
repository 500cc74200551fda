"""Fixtures: servers in their own processes, and visitors to them; all are closed at the end of a test."""

import socket

import pytest

from tests.space.visiting import Space, Visitor


@pytest.fixture(scope="session")
def new_port():
    def port():
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            return server.getsockname()[1]

    return port


@pytest.fixture
def new_space(tmp_path, new_port):
    """A function that starts a server, by default in a new folder; the server is killed at the end."""
    started = []

    def start(name="space", **limits):
        space = Space(tmp_path / name, new_port(), **limits)
        started.append(space)
        space.start()
        return space

    yield start
    for space in started:
        if space.process.poll() is None:
            space.kill()


@pytest.fixture
def new_visitor():
    """A function that makes a visitor, whose connections are closed at the end."""
    visitors = []

    def visit(space, cookie=None):
        visitors.append(Visitor(space.url, cookie))
        return visitors[-1]

    yield visit
    for visitor in visitors:
        visitor.close()
