"""How well priors guess hidden codes, how what they draw fits its surroundings, and how much of it is copied."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from distill.codec import Codec
from distill.codec.making import codec_of
from distill.codes import CodeGrid
from distill.prior import Frequencies, NearestContext, Patches, Prior, Vamp, bits_per_code
from distill.prior.memory import Memory
from distill.training.config import get_adaptive_vqvae_config
from distill.training.dataset import MelClip
from distill.training.trainer import Trainer

PRIORS: dict[str, Callable[[Memory], Prior]] = {
    "frequencies": Frequencies,
    "nearest context": NearestContext,
    "patches": Patches,
}
SECONDS = 60.0
GAP = 4
"""Columns of a gap that is filled."""
TEMPERATURES = (0.0, 0.7, 1.0)
HEADINGS = ("cells", "gaps", "new cell", "new gap", "seams", "copied", "run")
TIMED_COLUMNS = (8, 32)


@dataclass(frozen=True)
class PriorFigures:
    """What was measured of a prior.

    Attributes
    ----------
    sounds, name : str
        Sounds that the codec was trained on, and name of the prior.
    temperature : float
        Of what was drawn.
    cell_bits, gap_bits : float
        Bits for each code, where half of the cells are hidden and where every third group of four columns is; the clip
        is one that the codec knows, and its other codes and those of the other clips are there to look at.
    new_cell_bits, new_gap_bits : float
        The same for clips that the codec does not know.
    seams : float
        Mean jump of the log-mel at both ends of a filled gap of four columns, where 1 is that of the decoded clip in
        the same places.
    copied : float
        Share of the drawn codes that stand side by side in one place of a clip.
    run : float
        Mean number of columns, of the four, that stand in a clip as they are, one after the other.
    """

    sounds: str
    name: str
    temperature: float
    cell_bits: float
    gap_bits: float
    new_cell_bits: float
    new_gap_bits: float
    seams: float
    copied: float
    run: float


def measure_priors(sounds: str, clips: Sequence[MelClip], seconds: float) -> Iterator[PriorFigures]:
    """Train a codec without every fourth clip, and measure each prior on clips that it knows and on the others.

    Parameters
    ----------
    sounds : str
        What the sounds are called.
    clips : sequence of MelClip
        At least 5 clips.
    seconds : float
        Time of the training.
    """
    known, new = [clip for i, clip in enumerate(clips) if i % 4], clips[::4]
    config = get_adaptive_vqvae_config(len(known), [clip.seconds for clip in known])
    trainer = Trainer(known, replace(config, minutes=seconds / 60))
    for _ in trainer.run():
        pass
    codec = codec_of(trainer)
    grids, new_grids = ([codec.encode_mel(clip.log_mel) for clip in each] for each in (known, new))
    memory = Memory.of(codec.codebooks, [grid.indices for grid in grids])
    for name, make in PRIORS.items():
        bits = [_bits(memory, make, each, hide) for each in (grids, new_grids) for hide in (_half, _gaps)]
        for temperature in TEMPERATURES:
            vamp = Vamp(codec, grids, make_prior=make)
            cells, gaps, new_cells, new_gaps = bits
            seams, copied, run = _fill(vamp, [*grids, *new_grids], temperature)
            yield PriorFigures(sounds, name, temperature, cells, gaps, new_cells, new_gaps, seams, copied, run)


def measure_vamp_speed(codec: Codec) -> dict[str, float]:
    """Milliseconds of processor time for one take of 8 columns, and for four takes of 32 columns.

    Codes are decoded with one thread, as on the server. A thread that waits for others counts as one that works.
    """
    vamp = Vamp(codec)
    grid = vamp.invent(TIMED_COLUMNS[1] + 8).grid
    times = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for count, width in zip((1, 4), TIMED_COLUMNS, strict=True):
        vamp.vary(grid, columns=slice(0, width)).take()
        began = time.process_time()
        part = vamp.vary(grid, columns=slice(0, width))
        for seed in range(count):
            part.take(seed=seed)
        times.append(1000 * (time.process_time() - began))
    torch.set_num_threads(threads)
    return {"take_ms": times[0], "four_takes_ms": times[1]}


def row_of(figures: PriorFigures) -> list[str]:
    """The figures in the order of :data:`HEADINGS`."""
    numbers = list(asdict(figures).values())[3:]
    return [f"{number:.2f}" for number in numbers]


def _bits(memory: Memory, make: Callable[[Memory], Prior], grids: Sequence[CodeGrid], hide: Any) -> float:
    bits = []
    for number, grid in enumerate(grids):
        hidden = hide(grid, np.random.default_rng(number))
        beside = memory.beside(grid, np.broadcast_to(hidden, grid.indices.shape))
        bits.append(bits_per_code(make(beside), grid.indices, hidden))
    return float(np.concatenate(bits, axis=1).mean())


def _half(grid: CodeGrid, random: np.random.Generator) -> np.ndarray:
    return random.random((grid.rows, grid.columns)) < 0.5


def _gaps(grid: CodeGrid, random: np.random.Generator) -> np.ndarray:
    columns = np.arange(grid.columns) + int(random.integers(3 * GAP))
    hidden = columns // GAP % 3 == 2 if grid.columns >= 3 * GAP else columns >= grid.columns // 2 + columns[0]
    return np.broadcast_to(hidden, (grid.rows, grid.columns))


def _fill(vamp: Vamp, grids: Sequence[CodeGrid], temperature: float) -> tuple[float, float, float]:
    """Fill a gap in the middle of each clip that is long enough: the seams, the share copied and the longest run."""
    jumps: list[float] = []
    real: list[float] = []
    shares, runs = [], []
    for number, grid in enumerate(grids):
        if grid.columns < GAP + 2:
            continue
        first = (grid.columns - GAP) // 2
        gap = slice(first, first + GAP)
        take = vamp.fill(grid, columns=gap).take(temperature=temperature, seed=number)
        for made, to in ((take.grid, jumps), (grid, real)):
            log_mel = vamp.codec.decode_mel(made).numpy()
            frames = [column * grid.time_stride for column in (gap.start, gap.stop)]
            to.append(float(np.mean([np.abs(log_mel[:, frame] - log_mel[:, frame - 1]).mean() for frame in frames])))
        shares.append(take.copied.share)
        runs.append(take.copied.columns)
    return float(np.sum(jumps) / np.sum(real)), float(np.mean(shares)), float(np.mean(runs))
