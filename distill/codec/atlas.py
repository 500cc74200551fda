"""The codebooks laid out: what each code sounds like by itself, which codes are like it, and its colour."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from distill.models.vqvae import ROWS, STRIDE, ConvVQVAE

CHUNK = 64
"""Codes that are decoded at a time."""
MOST_TURNED = 512
"""Codes above which the leaves are not turned: that takes the cube of their number."""
POOL = 4
"""Bands by frames that are averaged before two codes are compared: what differs by less sounds alike."""


@dataclass(frozen=True, eq=False)
class CodebookAtlas:
    """Every code of a codec.

    Attributes
    ----------
    log_mels : ndarray of float32 [levels, codebook_size, 128, 16]
        The natural-log mel of a code that stands in all rows, its level alone, in the middle of three such columns.
    order : ndarray of int [levels, codebook_size]
        Each level's codes in an order in which neighbours sound alike.
    colours : ndarray of uint8 [levels, codebook_size, 3]
        Red, green, blue: see :func:`code_palette`.
    """

    log_mels: np.ndarray
    order: np.ndarray
    colours: np.ndarray

    @property
    def nbytes(self) -> int:
        """Of memory."""
        return self.log_mels.nbytes + self.order.nbytes + self.colours.nbytes

    @classmethod
    @torch.no_grad()
    def of(cls, model: ConvVQVAE, progress: Callable[[float], object] = lambda share: None) -> "CodebookAtlas":
        """Decode every code of a model by itself; ``progress`` is called with the share that is done, 0 to 1, after
        every 64 codes and after each level."""
        log_mels = []
        steps, done = model.num_levels * (1 - (-model.codebook_size // CHUNK)), 0
        for level in range(model.num_levels):
            decoded = []
            for codes in torch.arange(model.codebook_size).split(CHUNK):
                indices = torch.full((len(codes), ROWS * 3, model.num_levels), -1)
                indices[..., level] = codes[:, None]
                decoded.append(model.decode(model.codes_to_embeddings(indices))[:, 0, :, STRIDE : 2 * STRIDE])
                progress((done := done + 1) / steps)
            log_mels.append(torch.cat(decoded).numpy())
        stacked = np.stack(log_mels)
        pooled = stacked.reshape(*stacked.shape[:2], 128 // POOL, POOL, STRIDE // POOL, POOL).mean(axis=(3, 5))
        features = pooled.reshape(*pooled.shape[:2], -1)
        orders, colours = [], []
        for level_features in features:
            orders.append(similarity_order(level_features))
            colours.append(code_palette(orders[-1], level_features.mean(axis=1)))
            progress((done := done + 1) / steps)
        return cls(stacked, np.stack(orders), np.stack(colours))


def similarity_order(features: np.ndarray) -> np.ndarray:
    """An order of vectors in which neighbours are alike.

    The leaves of Ward's hierarchical clustering, turned so that neighbours are as near as they can be (Bar-Joseph,
    Gifford & Jaakkola, "Fast optimal leaf ordering for hierarchical clustering", 2001), if they are 512 at the most.

    Parameters
    ----------
    features : ndarray [count, dim]
        At least two vectors.

    Returns
    -------
    ndarray of int [count]

    Examples
    --------
    >>> order = similarity_order(np.array([[0.0], [9.0], [1.0], [10.0]]))
    >>> order.tolist() in ([0, 2, 1, 3], [3, 1, 2, 0])
    True
    """
    from scipy.cluster.hierarchy import leaves_list, linkage  # slow to import, and encoding does without

    tree = linkage(features, method="ward", optimal_ordering=len(features) <= MOST_TURNED)
    return leaves_list(tree).astype(np.int64)


def code_palette(order: np.ndarray, loudness: np.ndarray) -> np.ndarray:
    """A colour for each code of a level: codes that sound alike have hues alike, and louder ones are lighter.

    Parameters
    ----------
    order : ndarray of int [codebook_size]
        From :func:`similarity_order`.
    loudness : ndarray [codebook_size]
        Mean log-mel of each code.

    Returns
    -------
    ndarray of uint8 [codebook_size, 3]
        Red, green, blue.

    Examples
    --------
    >>> code_palette(np.arange(4), loudness=np.arange(4.0)).shape
    (4, 3)
    """
    count = len(order)
    place, rank = np.argsort(order), np.argsort(np.argsort(loudness, kind="stable"), kind="stable")
    hue = 0.62 - 0.92 * place / count  # from blue over green and red to violet: the ends stay apart
    saturation = 0.75 - 0.25 * (place % 2)
    value = 0.42 + 0.56 * rank / max(count - 1, 1)
    from matplotlib.colors import hsv_to_rgb

    return np.round(hsv_to_rgb(np.stack([hue % 1, saturation, value], axis=1)) * 255).astype(np.uint8)
