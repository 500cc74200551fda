"""Open clips, grids of minutes, and the passes of the decoder that a test takes."""

import pytest

from distill.editing.work import Work
from tests.editing.tiling import tiled


@pytest.fixture
def work(codec, drums):
    return Work.begin(codec, drums)


@pytest.fixture
def widths(codec):
    """The number of columns of each pass of the decoder."""
    seen = []
    hook = codec.model.decoder.register_forward_hook(lambda network, inputs, output: seen.append(inputs[0].shape[-1]))
    yield seen
    hook.remove()


@pytest.fixture
def long(codec, grid):
    """A work of ten minutes without any decoded sound."""
    return Work.opened(codec, "ten minutes", tiled(codec, grid, 3230))
