"""Long grids, made of short ones."""

import numpy as np

from distill.codes import CodeGrid
from distill.models.vqvae import STRIDE


def tiled(codec, grid, columns):
    """A grid, repeated up to a number of columns."""
    indices = np.tile(grid.indices, -(-columns // grid.columns))[..., :columns]
    return CodeGrid(indices, columns * STRIDE, codec.model_id, codec.codebook_size)
