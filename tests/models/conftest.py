"""A saved model for the tests of files."""

from pathlib import Path

import pytest

from distill.models import save_model


@pytest.fixture
def saved(small_model, tmp_path) -> Path:
    path = tmp_path / "kit.distill"
    save_model(small_model(), path)
    return path
