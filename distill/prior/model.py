"""What all priors have in common, and the simplest of them: how often each code occurs."""

from abc import ABC, abstractmethod

import numpy as np

from distill.prior.memory import Memory

PSEUDO_COUNT = 8.0
"""Codes as common as on all rows of the level that are added to the counts of a row, so that no code is impossible."""


class Prior(ABC):
    """A model of grids: how likely each code is in a cell, where others stand around it.

    The levels are drawn coarsest first. So a prior that is asked for a level knows all codes of the levels before it.

    Attributes
    ----------
    memory : Memory
        What the prior has heard.
    """

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    @abstractmethod
    def log_probabilities(self, codes: np.ndarray, level: int, wanted: np.ndarray) -> np.ndarray:
        """Natural logarithms of the probabilities of all codes in some cells, each cell by itself.

        Parameters
        ----------
        codes : ndarray of int64 [levels, rows, columns]
            Codes around the cells; -1 where a code is not known. The levels before ``level`` are known.
        level : int
            Level of the codes that are asked for.
        wanted : ndarray of bool [rows, columns]
            The cells.

        Returns
        -------
        ndarray of float32 [cells, codebook_size]
            In the order of ``np.argwhere(wanted)``.
        """

    @property
    def frequencies(self) -> np.ndarray:
        """Share of each code in the memory: float32 [levels, rows, codebook_size], more than 0 everywhere."""
        codes, size = self.memory.codes, self.memory.codebooks.shape[1]
        rows = np.stack([[np.bincount(row[row >= 0], minlength=size) for row in level] for level in codes]).astype(
            np.float32
        )
        whole = rows.sum(axis=1, keepdims=True) + PSEUDO_COUNT / size
        mixed = rows + PSEUDO_COUNT * whole / whole.sum(axis=2, keepdims=True)
        return mixed / mixed.sum(axis=2, keepdims=True)


class Frequencies(Prior):
    """The prior that looks at nothing around a cell: how often a code occurs on its level, in its row."""

    def __init__(self, memory: Memory) -> None:
        super().__init__(memory)
        self._logs = np.log(self.frequencies)

    def log_probabilities(self, codes: np.ndarray, level: int, wanted: np.ndarray) -> np.ndarray:
        return self._logs[level, np.nonzero(wanted)[0]]


def bits_per_code(prior: Prior, codes: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Bits that the prior needs for each hidden code of a grid.

    Parameters
    ----------
    prior : Prior
    codes : ndarray of int64 [levels, rows, columns]
        The grid, all codes known.
    hidden : ndarray of bool [rows, columns]
        Cells whose codes are hidden on all levels. Of each cell, the levels before the one that is guessed are shown.

    Returns
    -------
    ndarray of float [levels, cells]
    """
    shown, bits = np.where(hidden, -1, codes), []
    for level in range(len(codes)):
        logs = prior.log_probabilities(shown, level, hidden)
        bits.append(-logs[np.arange(len(logs)), codes[level][hidden]] / np.log(2))
        shown[level] = codes[level]
    return np.stack(bits)
