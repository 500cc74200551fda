"""The pace of whole folders: Ray's workers beside a plain loop."""

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from distill.codec import Codec
from distill.examples import find_examples
from distill.scale.listing import list_files
from distill.scale.pool import answers
from distill.scale.rows import Job

COPIES, WORKERS = 8, (1, 2)
LOOP = "a plain loop"


@dataclass(frozen=True)
class Pace:
    """How fast one way of working encodes a folder.

    Attributes
    ----------
    way : str
        "a plain loop", or how many workers.
    start_seconds : float
        Until the first clip is encoded.
    seconds : float
        Of the last nine tenths of the clips.
    times_as_fast : float
        The plain loop's seconds by these.
    """

    way: str
    start_seconds: float
    seconds: float
    times_as_fast: float


def measure_bulk(say: Callable[[str], object], copies: int = COPIES) -> list[dict[str, Any]]:
    """Encode the example clips, each several times, by a plain loop and by Ray; print the ratios.

    Parameters
    ----------
    say : callable
        Takes a line of text to print.
    copies : int
        How often the folder has each clip.

    Returns
    -------
    list of dict
        The fields of :class:`Pace`, for each way.

    Raises
    ------
    ScaleError
        If Ray is missing or does not start.
    """
    path = find_examples() / "models" / "loops.distill"
    codec = Codec.load(path)
    paces: list[Pace] = []
    with tempfile.TemporaryDirectory() as place:
        for clip in sorted((find_examples() / "clips").iterdir()):
            for number in range(copies):
                shutil.copy(clip, Path(place, f"{number}-{clip.name}"))
        listing = list_files(Path(place))
        job, items = Job("encode", str(path), str(listing.folder)), [{"file": name} for name in listing.stamps]
        for workers in (0, *WORKERS):
            began, times = time.monotonic(), list[float]()
            for _ in answers(job, items, workers=workers, codec=codec, alone=not workers):
                times.append(time.monotonic())
            seconds = max(times[-1] - times[len(times) // 10], 1e-9)  # all workers have begun
            way = LOOP if not workers else f"{workers} worker" + "s" * (workers > 1)
            paces.append(Pace(way, times[0] - began, seconds, (paces[0].seconds if paces else seconds) / seconds))
    ratios = " and ".join(f"{pace.times_as_fast:.2f} times as fast with {pace.way}" for pace in paces[1:])
    starts = max(pace.start_seconds for pace in paces[1:])
    say(f"\n{len(items)} clips are encoded {ratios} as by {LOOP}, once Ray has started, which took {starts:.0f} s.")
    return [asdict(pace) for pace in paces]
