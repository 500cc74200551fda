"""Going on with a grid: new codes for a part of it, or for all, from what a codec has heard."""

from collections.abc import Callable, Sequence

import numpy as np

from distill.codec import Codec
from distill.codec.making import training_grids
from distill.codes import CodeGrid
from distill.codes.kept import MOST_COLUMNS
from distill.codes.masks import Cells
from distill.codes.regions import ALL, Span, to_cells, to_number, to_region, to_whole
from distill.errors import GridError
from distill.prior.copies import find_copy
from distill.prior.drawing import Progress, least_sure
from distill.prior.memory import Memory
from distill.prior.model import Prior
from distill.prior.part import Part, Take, beyond, check_heat, longer
from distill.prior.patches import Patches
from distill.prior.paths import follow_grid, follow_rhythm, to_rhythm

JUMP = 0.5
"""Cost of a jump where a clip is played by the sounds of another, in mean squares of what describes a column."""

MakePrior = Callable[[Memory], Prior]


class Vamp:
    """Goes on with the grids of a codec. It needs no training: its prior looks up what the codec's clips do.

    Parameters
    ----------
    codec : Codec
    grids : sequence of CodeGrid, optional
        Grids of this codec to learn from; by default those in the codec's file.
    names : sequence of str
        What people call the clips of the grids.
    memory : Memory, optional
        What to learn from, if it is there already; then ``grids`` and ``names`` are not looked at.
    make_prior : callable
        Makes a prior of a memory; by default :class:`~distill.prior.Patches`.

    Raises
    ------
    GridError
        If a grid was made by another codec.

    Examples
    --------
    >>> from distill.audio import load_clip
    >>> codec = Codec.load("examples/models/loops.distill")
    >>> grid = codec.encode_clip(load_clip("examples/clips/loop_amen.flac"))
    >>> take = Vamp(codec).vary(grid, rows=slice(0, 8), columns=slice(3, 7)).take(seed=1)
    >>> bool((take.grid.indices == grid.indices)[..., :3].all()), take.sureness.shape
    (True, (8, 10))
    """

    def __init__(
        self,
        codec: Codec,
        grids: Sequence[CodeGrid] | None = None,
        names: Sequence[str] = (),
        *,
        memory: Memory | None = None,
        make_prior: MakePrior = Patches,
    ) -> None:
        self.codec, self.make_prior = codec, make_prior
        for grid in grids or ():
            codec.check(grid)
        if memory is None:
            heard = training_grids(codec) if grids is None else [grid.indices for grid in grids]
            memory = Memory.of(codec.codebooks, heard, names)
        self.memory = memory
        self._loud: np.ndarray | None = None  # how loud what was heard is

    def vary(
        self,
        grid: CodeGrid,
        *,
        rows: Span = ALL,
        columns: Span = ALL,
        levels: Span = ALL,
        only: Cells | None = None,
        amount: float = 1.0,
        name: str = "this clip",
        progress: Progress | None = None,
    ) -> Part:
        """Prepare takes of a part of a grid, or of its least sure cells.

        Parameters
        ----------
        grid : CodeGrid
        rows, columns, levels : slice or int
            The region. Codes outside of it stay as they are.
        only : sequence of (row, column), optional
            Cells of the region that are drawn; by default all.
        amount : float
            Share of the region's cells that are drawn anew, 0 to 1, those first in which the prior expects others.
        name : str
            What people call the clip.
        progress : callable, optional
            Called with 0 every few tenths of a second, while the least sure cells are looked for.

        Returns
        -------
        Part
            Its :meth:`~distill.prior.part.Part.take` draws.

        Raises
        ------
        GridError
            If the grid is of another codec, the region is not in it, or a number is out of its range.
        """
        free = self._free(grid, rows, columns, levels, only)
        to_number("amount", amount, 0, 1)
        if amount < 1:
            prior = self.make_prior(self.memory.beside(grid, free))
            free &= least_sure(prior, grid.indices, free, amount, progress)
        memory = self.memory.beside(grid, free, name)
        return Part(self.codec, grid, free, memory, self.make_prior(memory))

    def fill(
        self,
        grid: CodeGrid,
        *,
        rows: Span = ALL,
        columns: Span = ALL,
        levels: Span = ALL,
        only: Cells | None = None,
        loop: bool = False,
        name: str = "this clip",
    ) -> Part:
        """Prepare takes of a gap.

        Parameters
        ----------
        grid, rows, columns, levels, only, name
            See :meth:`vary`.
        loop : bool
            Whether the beginning of the clip follows its end, so that a gap at the end leads back to the beginning.

        Raises
        ------
        GridError
            As :meth:`vary`.
        """
        free = self._free(grid, rows, columns, levels, only)
        memory = self.memory.beside(grid, free, name)
        if not loop:
            return Part(self.codec, grid, free, memory, self.make_prior(memory))
        gap = np.flatnonzero(free.any(axis=(0, 1)))
        turn = grid.columns // 2 - int(gap[0] + gap[-1] + 1) // 2
        turned, hidden = grid.with_indices(np.roll(grid.indices, turn, axis=2)), np.roll(free, turn, axis=2)
        heard = self.memory.without(grid, free).beside(turned, hidden, name)
        return Part(self.codec, grid, free, memory, self.make_prior(heard), turn=turn)

    def go_on(
        self,
        grid: CodeGrid,
        *,
        columns: Span,
        rows: Span = ALL,
        levels: Span = ALL,
        only: Cells | None = None,
        side: str = "right",
        name: str = "this clip",
    ) -> Part:
        """Prepare takes of a part that look at what is on one side of it alone.

        Parameters
        ----------
        grid, columns, rows, levels, only, name
            See :meth:`vary`.
        side : str
            "right" if the part goes on with what is before it, "left" if it leads to what is after it.

        Raises
        ------
        GridError
            As :meth:`vary`, or if there is no such side.
        """
        return self._one_sided(grid, self._free(grid, rows, columns, levels, only), side, name, self.memory)

    def continue_(self, grid: CodeGrid, *, columns: int, side: str = "right", name: str = "this clip") -> Part:
        """Prepare takes of what makes a clip longer, at its end or before its beginning.

        Parameters
        ----------
        grid : CodeGrid
        columns : int
            Number of columns to add, 1 to 4096 in all.
        side : str
            "right" or "left".
        name : str
            What people call the clip.

        Raises
        ------
        GridError
            As :meth:`vary`, or if there is no such side.
        """
        self.codec.check(grid)
        columns = to_whole("columns", columns, 1, MOST_COLUMNS)
        whole = longer(grid, columns, left=side == "left")
        fresh = slice(0, columns) if side == "left" else slice(grid.columns, None)
        others = self.memory.without(grid)
        return self._one_sided(whole, self._free(whole, ALL, fresh, ALL), side, name, others)

    def invent(
        self,
        columns: int,
        *,
        rhythm: np.ndarray | None = None,
        temperature: float = 1.0,
        top_p: float = 1.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Take:
        """Make a new clip of what the codec has heard.

        Parameters
        ----------
        columns : int
            Its length, 1 to 4096.
        rhythm : ndarray of float [columns], optional
            How loud each column is to be, in any unit; the loudest column gets the loudest sound that was heard, and
            so on. By default, the clip begins with a column that was heard, and goes on from there.
        temperature, top_p, seed, progress
            See :meth:`~distill.prior.part.Part.take`. With a rhythm, the temperature says how freely columns are
            chosen.

        Raises
        ------
        GridError
            If nothing was heard, the rhythm has another length, or a number is out of its range.
        """
        columns = to_whole("columns", columns, 1, MOST_COLUMNS)
        check_heat(temperature, top_p)
        random = np.random.default_rng(to_whole("seed", seed, 0))
        heard = self._heard()
        if rhythm is None:
            first = heard.codes[..., [int(random.integers(heard.codes.shape[2]))]]
            start = self._grid(first)
            if columns == 1:
                return Take(start, np.ones((start.rows, 1), dtype=np.float32), find_copy(heard, first, first >= 0))
            part = self.continue_(start, columns=columns - 1, name="the beginning")
            return part.take(temperature=temperature, top_p=top_p, seed=seed, progress=progress)
        wanted = to_rhythm(rhythm, columns)
        if self._loud is None:
            self._loud = self.loudness(self._grid(heard.codes), progress)
        indices = heard.codes[..., follow_rhythm(wanted, self._loud, heard.starts, JUMP, temperature, random)]
        everywhere = np.ones(indices.shape, dtype=bool)
        return Take(self._grid(indices), np.ones(indices.shape[1:], np.float32), find_copy(heard, indices, everywhere))

    def cross(
        self,
        grid: CodeGrid,
        other: CodeGrid,
        *,
        jump: float = JUMP,
        name: str = "the other clip",
        progress: Progress | None = None,
    ) -> Take:
        """Play a clip by the sounds of another one: for each column of the clip, the column of the other that does most
        alike, with as few jumps as that allows.

        Parameters
        ----------
        grid, other : CodeGrid
            Grids of this codec: the clip, and where its sounds come from.
        jump : float
            Cost of a jump; 0 to 100. The more it costs, the longer are the parts of the other clip.
        name : str
            What people call the other clip.
        progress : callable, optional
            Called every few tenths of a second with the share that is done, 0 to 1.

        Raises
        ------
        GridError
            If a grid is of another codec, or the jump is out of its range.
        """
        for each in (grid, other):
            self.codec.check(each)
        to_number("jump", jump, 0, 100)
        sounds = Memory.of(self.codec.codebooks, [other.indices], [name])
        indices = sounds.codes[..., follow_grid(sounds, grid.indices, jump, progress)]
        whole = np.ones(indices.shape, dtype=bool)
        return Take(
            grid.with_indices(indices), np.ones(indices.shape[1:], np.float32), find_copy(sounds, indices, whole)
        )

    def _free(self, grid: CodeGrid, rows: Span, columns: Span, levels: Span, only: Cells | None = None) -> np.ndarray:
        self.codec.check(grid)
        region, free = to_region(grid, levels, rows, columns), np.zeros(grid.indices.shape, dtype=bool)
        cells = region[1:] if only is None else to_cells(grid, only)
        free[(region[0], *cells)] = True
        if region[2].stop - region[2].start > MOST_COLUMNS:
            raise GridError(f"Up to {MOST_COLUMNS} columns can be drawn at once; choose fewer.")
        return free

    def _one_sided(self, grid: CodeGrid, free: np.ndarray, side: str, name: str, others: Memory) -> Part:
        if side not in ("right", "left"):
            raise GridError(f"A clip goes on to the right or to the left, not {side!r}.")
        memory = others.beside(grid, free | beyond(free, side), name)
        return Part(self.codec, grid, free, memory, self.make_prior(memory), side)

    def _heard(self) -> Memory:
        if not self.memory.grids:
            raise GridError("This codec's file holds no grids of its clips, so nothing can be invented with it.")
        return self.memory

    def _grid(self, indices: np.ndarray) -> CodeGrid:
        codec, frames = self.codec, indices.shape[2] * self.codec.time_stride
        return CodeGrid(indices, frames, codec.model_id, codec.codebook_size, 0, codec.time_stride)

    def loudness(self, grid: CodeGrid, progress: Progress | None = None) -> np.ndarray:
        """Mean power of each column of a grid, as the codec decodes it: float [columns]. It can be a ``rhythm``.

        Raises
        ------
        GridError
            If the grid is of another codec.
        """
        power = np.exp(2 * self.codec.decode_mel(grid, progress=progress).numpy()).mean(axis=0)
        ends = np.arange(0, len(power), grid.time_stride)
        return np.add.reduceat(power, ends) / np.diff(ends, append=len(power))
