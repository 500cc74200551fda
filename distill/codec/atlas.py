"""The atlas of a codec: the sound of each code, an order in which similar codes are neighbours, and colours."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from distill.models.vqvae import ROWS, ConvVQVAE

CHUNK = 64
"""Number of codes that are decoded in one pass."""
MOST_TURNED = 512
"""Largest codebook for which the leaf order is optimized. The time of this step grows with the cube of the size."""
PICTURE_FRAMES = 16
"""Frames of the log-mel of a code, whatever the time stride: a shorter sound and a narrower picture say little."""
POOL = 4
"""Log-mels are averaged over 4 bands by 4 frames before codes are compared. Smaller differences are hard to hear."""


@dataclass(frozen=True, eq=False)
class CodebookAtlas:
    """The sound, the order and the colour of every code of a codec.

    Attributes
    ----------
    log_mels : ndarray of float32 [levels, codebook_size, 128, 16]
        Natural-log mel of each code, decoded without the other levels. Columns of at least three times 16 frames hold
        the code in all rows; the log-mel is that of the 16 frames in the middle.
    order : ndarray of int [levels, codebook_size]
        The codes of each level, in an order in which neighbours sound alike.
    colours : ndarray of uint8 [levels, codebook_size, 3]
        Red, green and blue, 0 to 255, from :func:`code_palette`.
    """

    log_mels: np.ndarray
    order: np.ndarray
    colours: np.ndarray

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the three arrays take."""
        return self.log_mels.nbytes + self.order.nbytes + self.colours.nbytes

    @classmethod
    @torch.no_grad()
    def of(cls, model: ConvVQVAE, progress: Callable[[float], object] = lambda share: None) -> "CodebookAtlas":
        """Decode every code of a model by itself.

        Parameters
        ----------
        model : ConvVQVAE
        progress : callable, optional
            Called with the finished share, 0 to 1, after every 64 codes and after each level.
        """
        log_mels = []
        columns, middle = 3 * PICTURE_FRAMES // model.time_stride, slice(PICTURE_FRAMES, 2 * PICTURE_FRAMES)
        steps, done = model.num_levels * (1 - (-model.codebook_size // CHUNK)), 0
        for level in range(model.num_levels):
            decoded = []
            for codes in torch.arange(model.codebook_size).split(CHUNK):
                indices = torch.full((len(codes), ROWS * columns, model.num_levels), -1)
                indices[..., level] = codes[:, None]
                decoded.append(model.decode(model.codes_to_embeddings(indices))[:, 0, :, middle])
                progress((done := done + 1) / steps)
            log_mels.append(torch.cat(decoded).numpy())
        stacked = np.stack(log_mels)
        pooled = stacked.reshape(*stacked.shape[:2], 128 // POOL, POOL, PICTURE_FRAMES // POOL, POOL).mean(axis=(3, 5))
        features = pooled.reshape(*pooled.shape[:2], -1)
        orders, colours = [], []
        for level_features in features:
            orders.append(similarity_order(level_features))
            colours.append(code_palette(orders[-1], level_features.mean(axis=1)))
            progress((done := done + 1) / steps)
        return cls(stacked, np.stack(orders), np.stack(colours))


def similarity_order(features: np.ndarray) -> np.ndarray:
    """Sort vectors so that neighbours are similar.

    The order is the leaf order of Ward's hierarchical clustering. For at most 512 vectors, the leaf order also
    minimizes the distances between neighbours (Bar-Joseph, Gifford & Jaakkola, "Fast optimal leaf ordering for
    hierarchical clustering", 2001).

    Parameters
    ----------
    features : ndarray [count, dim]
        At least two vectors.

    Returns
    -------
    ndarray of int [count]
        Indices of the vectors.

    Examples
    --------
    >>> order = similarity_order(np.array([[0.0], [9.0], [1.0], [10.0]]))
    >>> order.tolist() in ([0, 2, 1, 3], [3, 1, 2, 0])
    True
    """
    from scipy.cluster.hierarchy import leaves_list, linkage  # slow to import, and encoding does not need it

    tree = linkage(features, method="ward", optimal_ordering=len(features) <= MOST_TURNED)
    return leaves_list(tree).astype(np.int64)


def code_palette(order: np.ndarray, loudness: np.ndarray) -> np.ndarray:
    """Choose a colour for each code of a level: similar codes have similar hues, and louder codes are lighter.

    Parameters
    ----------
    order : ndarray of int [codebook_size]
        Order of the codes, from :func:`similarity_order`.
    loudness : ndarray [codebook_size]
        Mean log-mel of each code, in nepers.

    Returns
    -------
    ndarray of uint8 [codebook_size, 3]
        Red, green and blue, 0 to 255.

    Examples
    --------
    >>> code_palette(np.arange(4), loudness=np.arange(4.0)).shape
    (4, 3)
    """
    count = len(order)
    place, rank = np.argsort(order), np.argsort(np.argsort(loudness, kind="stable"), kind="stable")
    hue = 0.62 - 0.92 * place / count  # from blue over green and red to violet, so that the two ends differ
    saturation = 0.75 - 0.25 * (place % 2)
    value = 0.42 + 0.56 * rank / max(count - 1, 1)
    from matplotlib.colors import hsv_to_rgb

    return np.round(hsv_to_rgb(np.stack([hue % 1, saturation, value], axis=1)) * 255).astype(np.uint8)
