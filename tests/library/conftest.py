"""Fixtures: libraries in a folder, as one or several servers open them."""

from dataclasses import replace
from pathlib import Path

import pytest

from distill.library import Library, new_key
from distill.settings import Settings


@pytest.fixture
def file(tmp_path) -> Path:
    """A file of 1000 bytes; a library does not look into it."""
    path = tmp_path / "codec"
    path.write_bytes(bytes(range(250)) * 4)
    return path


@pytest.fixture
def open_library(tmp_path, clock):
    """A function that opens the libraries of one folder, as each of several servers does."""
    clock.now = 1e9
    return lambda **limits: Library(tmp_path / "library", replace(Settings(), **limits), clock=clock)


@pytest.fixture
def there(open_library) -> Library:
    return open_library()


@pytest.fixture
def key() -> str:
    return new_key()
