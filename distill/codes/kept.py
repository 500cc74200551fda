"""Codes of many clips in a few characters, as a codec's file keeps those of its training clips."""

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from distill.codes.lengths import MOST_CODES
from distill.strict import OPEN, FailFast

ROWS = 8
MOST_COLUMNS = 4096
"""Largest number of columns of all clips together: 12 minutes of columns of 186 ms."""
_PACKED_LENGTH = 700_000
_TYPE = np.dtype("<u2")


@dataclass(frozen=True)
class KeptGrids:
    """The codes of some clips of one codec.

    Attributes
    ----------
    columns : tuple of int
        Number of columns of each clip, at least 1.
    codes : str
        Base64 of a zlib stream of the codes as 16-bit integers [levels, 8, columns of all clips].

    Examples
    --------
    >>> kept = KeptGrids.of([np.zeros((3, 8, 2), dtype=int), np.ones((3, 8, 1), dtype=int)])
    >>> kept.columns, [grid.max() for grid in kept.unpack(levels=3, codebook_size=64)]
    ((2, 1), [np.int64(0), np.int64(1)])
    """

    __pydantic_config__ = OPEN

    columns: Annotated[
        tuple[Annotated[int, Field(ge=1, le=MOST_COLUMNS)], ...],
        FailFast(),
        Field(min_length=1, max_length=MOST_COLUMNS),
    ]
    codes: Annotated[str, Field(max_length=_PACKED_LENGTH)]

    @classmethod
    def of(cls, grids: Sequence[np.ndarray]) -> "KeptGrids":
        """Pack the codes [levels, 8, columns] of at least one clip."""
        packed = zlib.compress(np.concatenate(grids, axis=2).astype(_TYPE).tobytes(), 9)
        return cls(tuple(grid.shape[2] for grid in grids), base64.b64encode(packed).decode())

    def unpack(self, levels: int, codebook_size: int) -> list[np.ndarray]:
        """Return the codes of each clip, int64 [levels, 8, columns].

        Raises
        ------
        ValueError
            If the codes are damaged, or are not those of a codec with so many levels and codes.
        """
        total = sum(self.columns)
        if total > MOST_COLUMNS or not 1 <= codebook_size <= MOST_CODES:
            raise ValueError("more codes than a codec keeps")
        num_bytes = levels * ROWS * total * _TYPE.itemsize
        unpacker = zlib.decompressobj()
        try:
            content = unpacker.decompress(base64.b64decode(self.codes, validate=True), num_bytes + 1)
        except zlib.error as error:
            raise ValueError("damaged codes") from error
        if len(content) != num_bytes or not unpacker.eof:
            raise ValueError("codes of another shape")
        codes = np.frombuffer(content, _TYPE).reshape(levels, ROWS, total).astype(np.int64)
        if codes.max() >= codebook_size:
            raise ValueError("codes that are not in the codebook")
        return np.split(codes, np.cumsum(self.columns)[:-1], axis=2)
