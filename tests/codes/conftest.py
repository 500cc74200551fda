"""Grids of any size for property tests: ``st.from_type(CodeGrid)``."""

import numpy as np
from hypothesis import strategies as st

from distill.codes import CodeGrid


@st.composite
def grids(draw: st.DrawFn) -> CodeGrid:
    levels, rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 8)), draw(st.integers(1, 12))
    size = draw(st.integers(2, 300))
    indices = np.random.default_rng(draw(st.integers(0, 2**32))).integers(size, size=(levels, rows, columns))
    return CodeGrid(indices, 16 * columns - draw(st.integers(0, 15)), "0123456789ab", size)


st.register_type_strategy(CodeGrid, grids())
