"""Decoding of the codes of a grid to a log-mel, in whole or in part."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from distill.codec.pieces import DECODED_FRAMES
from distill.codes.grid import CodeGrid
from distill.codes.mixing import gains_of
from distill.models.vqvae import ROWS, ConvVQVAE

QUIETEST, LOUDEST = -50.0, 10.0
"""Limits of decoded log-mels, in nepers. Log-mels of clips stay far within these limits (a full-scale sine reaches
4.6). The output of a codec from a stranger may be larger, and its exponential could be infinite."""


class GridDecoder:
    """Decodes the codes of grids with a model. A part of a log-mel equals that part of the whole, bit for bit.

    Parameters
    ----------
    model : ConvVQVAE
        Trained model in eval mode.
    quiet : callable, optional
        Returns the codes of silence, int [levels, rows]; needed for grids with a mix.

    Attributes
    ----------
    reach : (int, int)
        Frames before and after its own frames that a column changes.
    """

    def __init__(self, model: ConvVQVAE, quiet: Callable[[], np.ndarray] | None = None) -> None:
        self._model, self._quiet = model, quiet
        self.reach = decoder_reach(model)

    @torch.no_grad()
    def columns(self, indices: Tensor, gains: Tensor | None = None) -> Tensor:
        """Decode indices [levels, rows, columns] to a log-mel [128, time_stride * columns]; -1 leaves out a code.

        ``gains`` [levels, rows, columns] are those of the grid's mix.
        """
        latent = self._model.codes_to_embeddings(indices.flatten(1).T[None])
        if gains is not None:
            latent = torch.where((gains == 1).all(dim=0), latent, self._mixed(indices, gains))
        return self._model.decode(latent)[0, 0].clamp(QUIETEST, LOUDEST)

    def _mixed(self, indices: Tensor, gains: Tensor) -> Tensor:
        """The latent map of a mix [1, D, rows, columns]; :mod:`distill.codes.mixing` explains it."""
        assert self._quiet is not None
        books = self._model.quantizer.codebooks
        vectors = torch.stack([book[codes.clamp(min=0)] for book, codes in zip(books, indices, strict=True)])
        vectors *= (gains * (indices >= 0))[..., None]
        quiet = torch.from_numpy(self._quiet().copy())
        silence = sum(book[codes] for book, codes in zip(books, quiet, strict=True))[:, None]
        return (vectors.sum(dim=0) + (1 - gains[0])[..., None] * silence).permute(2, 0, 1)[None]

    def frames(self, grid: CodeGrid, first: int, last: int, levels: int | None = None) -> Tensor:
        """Decode frames ``first`` to ``last``, only from the columns on which these frames depend.

        The last digits of a convolution depend on the length of its input. So a frame is always decoded in the same
        block of columns, whatever the range is.

        Parameters
        ----------
        grid : CodeGrid
        first, last : int
            The first frame, and the frame after the last one.
        levels : int, optional
            Number of levels to use; all by default.

        Returns
        -------
        Tensor [128, last - first]
        """
        numbers = range(first // DECODED_FRAMES, -(-last // DECODED_FRAMES))
        mel = torch.cat([self._block(grid, number, levels) for number in numbers], dim=1)
        begin = numbers.start * DECODED_FRAMES
        return mel[:, first - begin : last - begin]

    def _block(self, grid: CodeGrid, number: int, levels: int | None) -> Tensor:
        """Decode a block of columns to a log-mel [128, 256], shorter at the end of the grid."""
        stride = self._model.time_stride
        begin = number * DECODED_FRAMES // stride
        end = min(grid.columns, begin + DECODED_FRAMES // stride)
        before, after = (-(-reach // stride) for reach in self.reach)
        start = max(0, begin - after)
        indices = torch.from_numpy(grid.indices[:, :, start : end + before].copy())
        if levels is not None:
            indices[levels:] = -1
        gains = None
        if grid.mix is not None:
            gains = torch.from_numpy(gains_of(grid.mix[:, :, start : end + before]))
        mel = self.columns(indices, gains)
        return mel[:, (begin - start) * stride : (end - start) * stride]


@torch.no_grad()
def decoder_reach(model: ConvVQVAE) -> tuple[int, int]:
    """Measure how many frames before and after its own frames a column changes.

    A NaN in one column spreads exactly so far.
    """
    middle, width = 16, 33
    latent = torch.zeros(1, model.codebook_dim, ROWS, width)
    latent[..., middle] = torch.nan
    touched = model.decode(latent)[0, 0].isnan().any(dim=0).nonzero().flatten()
    return middle * model.time_stride - int(touched[0]), int(touched[-1]) + 1 - (middle + 1) * model.time_stride
