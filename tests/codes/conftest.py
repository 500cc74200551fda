"""Grids of any size for property tests: ``st.from_type(CodeGrid)``."""

import numpy as np
from hypothesis import strategies as st

from distill.codes import CodeGrid
from distill.codes.grid import TIME_STRIDES


@st.composite
def grids(draw: st.DrawFn) -> CodeGrid:
    levels, rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 8)), draw(st.integers(1, 12))
    size, time_stride = draw(st.integers(2, 300)), draw(st.sampled_from(TIME_STRIDES))
    indices = np.random.default_rng(draw(st.integers(0, 2**32))).integers(size, size=(levels, rows, columns))
    num_frames = time_stride * columns - draw(st.integers(0, time_stride - 1))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    mix = random.choice([0, 25, 50, 75, 128, 178], size=indices.shape) if draw(st.booleans()) else None
    return CodeGrid(indices, num_frames, "0123456789ab", size, time_stride=time_stride, mix=mix)


st.register_type_strategy(CodeGrid, grids())
