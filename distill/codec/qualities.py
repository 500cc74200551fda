"""Qualities of sound that a listener knows, as directions among a codec's vectors; and what a single cell changes.

Random grids of the codec are decoded, and three qualities of each cell's patch of the log-mel are measured: how its
energy tilts over the bands of its row, how early in its column the energy comes, and how loud it is. A ridge regression
predicts them from the cell's vector. The direction of a quality is then the likeliest small step that raises this
quality and leaves the two others, as the covariance of the vectors has it. (Haufe et al., "On the interpretation of
weight vectors of linear models in multivariate neuroimaging", 2014, explain why the weights themselves are not this
direction.)
"""

from dataclasses import dataclass

import numpy as np
import torch

from distill.codec.grid_decoder import GridDecoder
from distill.models.vqvae import ROWS, ConvVQVAE

TILT, ATTACK, LOUDNESS = 0.5, 2.5, 1.5
"""Full travel of a slider to one side: tilt in nepers from row to row, attack in nepers from the end of a column to its
beginning, loudness in nepers (13 dB)."""
RIDGE = 0.01
"""Weight of the penalty of both regressions, as a share of the mean variance of the vectors."""
SAMPLED_COLUMNS, BLOCK_COLUMNS = 768, 24
SPREAD_BANDS, SPREAD_PAIRS = 32, 6


@dataclass(frozen=True, eq=False)
class Qualities:
    """Directions of a codec for :func:`distill.codes.sliding.slide_codes`.

    Attributes
    ----------
    steps : ndarray of float32 [3, rows, dimensions]
        Steps of a cell's vector at full travel: tilt, attack, loudness.
    loudness : ndarray of float32 [rows, dimensions]
        Weights of a cell's vector in its loudness in nepers.
    quietness : ndarray of float32 [rows]
        Loudness of the vector 0 in each row, in nepers.
    """

    steps: np.ndarray
    loudness: np.ndarray
    quietness: np.ndarray

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the arrays take."""
        return self.steps.nbytes + self.loudness.nbytes + self.quietness.nbytes

    @property
    def travel(self) -> tuple[float, float]:
        """Full travel of tilt, in nepers from row to row, and of loudness, in nepers."""
        return TILT, LOUDNESS

    @classmethod
    def of(cls, model: ConvVQVAE, decoder: GridDecoder, codebooks: np.ndarray, *, seed: int = 0) -> "Qualities":
        """Fit the qualities of a codec.

        Parameters
        ----------
        model : ConvVQVAE
        decoder : GridDecoder
            Decoder of the model.
        codebooks : ndarray of float32 [levels, codebook_size, dimensions]
        seed : int
            Seed of the random grids.
        """
        vectors, measured = _sampled(model, decoder, codebooks, np.random.default_rng(seed))
        steps, loudness, quietness = [], [], []
        for row_vectors, row_measured in zip(vectors, measured, strict=True):
            step, weights, offset = _fitted(row_vectors, row_measured)
            steps.append(step)
            loudness.append(weights)
            quietness.append(offset)
        travel = np.array([TILT, ATTACK, LOUDNESS])[:, None, None]
        arrays = travel * np.stack(steps, axis=1), np.stack(loudness), np.array(quietness)
        return cls(*(each.astype(np.float32) for each in arrays))


def _sampled(
    model: ConvVQVAE, decoder: GridDecoder, codebooks: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors [rows, cells, dimensions] and qualities [rows, cells, 3] of random grids."""
    (levels, size, _), stride = codebooks.shape, model.time_stride
    vectors, measured = [], []
    for _ in range(SAMPLED_COLUMNS // BLOCK_COLUMNS):
        codes = random.integers(size, size=(levels, ROWS, BLOCK_COLUMNS + 2))
        log_mel = decoder.columns(torch.from_numpy(codes)).numpy()
        patches = log_mel.reshape(ROWS, -1, BLOCK_COLUMNS + 2, stride).transpose(0, 2, 1, 3)
        inside = slice(1, -1)  # the ends of a clip sound different
        vectors.append(sum(book[level] for book, level in zip(codebooks, codes, strict=True))[:, inside])
        measured.append(measure(patches[:, inside]))
    return np.concatenate(vectors, axis=1), np.concatenate(measured, axis=1)


def measure(patches: np.ndarray) -> np.ndarray:
    """Tilt, attack and loudness [..., 3] in nepers of patches of a log-mel [..., bands, frames]."""
    bands, frames = patches.shape[-2:]
    band, frame = np.arange(bands) - (bands - 1) / 2, np.arange(frames) - (frames - 1) / 2
    tilt = (patches.mean(axis=-1) * band).sum(axis=-1) / (band**2).sum() * bands
    attack = -(patches.mean(axis=-2) * frame).sum(axis=-1) / max((frame**2).sum(), 1) * frames
    return np.stack([tilt, attack, patches.mean(axis=(-2, -1))], axis=-1)


def _fitted(vectors: np.ndarray, measured: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """The steps [3, dimensions] that raise each quality by 1, the weights of the loudness, and its constant."""
    centre, mean = vectors.mean(axis=0, dtype=np.float64), measured.mean(axis=0, dtype=np.float64)
    away = vectors - centre
    covariance = away.T @ away / len(away)
    covariance += RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    weights = np.linalg.solve(covariance, away.T @ (measured - mean) / len(away))
    alone = weights.T @ covariance @ weights
    alone += RIDGE * np.trace(alone) / len(alone) * np.eye(len(alone))
    steps = np.linalg.solve(alone, weights.T @ covariance)
    return steps, weights[:, 2], float(mean[2] - centre @ weights[:, 2])


@dataclass(frozen=True, eq=False)
class Spread:
    """What a single cell changes in the log-mel.

    Attributes
    ----------
    before, after : int
        Frames before and after the cell's own that may change.
    shares : ndarray of uint8 [rows, 32, before + time_stride + after]
        For a cell of each row, the mean change of each place; 255 is the largest of all. The lowest band is first.
    """

    before: int
    after: int
    shares: np.ndarray

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the array takes."""
        return self.shares.nbytes

    @classmethod
    def of(cls, model: ConvVQVAE, decoder: GridDecoder, *, seed: int = 0) -> "Spread":
        """Measure it: the codes of one cell change in random grids."""
        random, stride = np.random.default_rng(seed), model.time_stride
        before, after = decoder.reach
        sides = max(-(-before // stride), -(-after // stride))
        first, stop = sides * stride - before, (sides + 1) * stride + after
        shape = (model.num_levels, ROWS, 2 * sides + 1)
        changes = np.zeros((ROWS, SPREAD_BANDS, stop - first))
        for _ in range(SPREAD_PAIRS):
            codes = random.integers(model.codebook_size, size=shape)
            plain = decoder.columns(torch.from_numpy(codes)).numpy()
            for row in range(ROWS):
                other = codes.copy()
                other[:, row, sides] = random.integers(model.codebook_size, size=len(codes))
                change = np.abs(decoder.columns(torch.from_numpy(other)).numpy() - plain)[:, first:stop]
                changes[row] += change.reshape(SPREAD_BANDS, -1, stop - first).mean(axis=1)
        shares = np.round(255 * changes / max(changes.max(), 1e-9)).astype(np.uint8)
        return cls(before, after, shares)
