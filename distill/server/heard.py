"""What a codec draws from: the grids in its file with the names of their clips, or clips of the visitor."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from distill.codec import Codec
from distill.codec.making import encoded, training_grids
from distill.codes.kept import MOST_COLUMNS
from distill.codes.lengths import SAMPLES_PER_FRAME, SAMPLES_PER_SECOND
from distill.errors import GridError
from distill.jobs import TrainingJob
from distill.prior import Memory
from distill.server.visit import Page
from distill.server.visitors import Examples
from distill.training.dataset import MelClip, split_held_out

NO_CLIPS = "You have no clips here to draw from: drop some in Train first."
MOST_LEARNED = 4
"""Most codecs of a visit whose memory of the visitor's clips is kept."""


@dataclass(frozen=True)
class Listed:
    """A clip that a codec may have been trained on, as far as a list of clips knows it."""

    name: str
    num_samples: int
    weight: int = 1


def heard_by(codec: Codec, page: Page, examples: Examples, job: TrainingJob | None) -> Memory | None:
    """What a codec draws from for a page; None for the grids in its file, whose clips nobody here knows by name.

    Parameters
    ----------
    codec : Codec
    page : Page
    examples : Examples
    job : TrainingJob, optional
        The visitor's training.
    """
    if (learned := page.visit.learned_by(codec)) is not None:
        return learned
    lists: list[Sequence[Listed]] = []
    if page.clips is not None:
        lists.append([Listed(clip.name, clip.num_samples, clip.weight) for clip in page.clips.clips])
    if job is not None:
        record = job.record
        weights = record.clip_weights or (1,) * len(record.clip_names)
        lists.append([Listed(*each) for each in zip(record.clip_names, record.clip_samples, weights, strict=False)])
    if codec is examples.codec:
        lists.append([Listed(name, round(SAMPLES_PER_SECOND * examples.seconds[name])) for name in examples.names])
    names = next((found for each in lists if (found := names_of(codec, each))), None)
    return Memory.of(codec.codebooks, training_grids(codec), names) if names else None


def names_of(codec: Codec, clips: Sequence[Listed]) -> list[str]:
    """The names of the clips whose grids a codec's file keeps; none if the lengths of the clips are not those of the
    grids."""
    grids, config = codec.info.grids, codec.info.config
    if grids is None or config is None:
        return []
    clips = [clip for part in split_held_out(clips, config.seed) for clip in part]
    samples = codec.time_stride * SAMPLES_PER_FRAME
    lengths = [-(-clip.num_samples // samples) for clip in clips]
    kept = list(grids.columns)
    *whole, last = kept
    is_it = len(kept) <= len(lengths) and lengths[: len(whole)] == whole and lengths[len(whole)] >= last
    return [clip.name for clip in clips[: len(kept)]] if is_it else []


def learn(
    codec: Codec, page: Page, clips: Iterable[MelClip], pause: Callable[[float], object] = lambda share: None
) -> Memory:
    """Let a codec draw from clips of the visitor, for this visit: up to 4096 columns of them.

    Raises
    ------
    GridError
        If there are none.
    """
    grids: list[np.ndarray] = []
    names: list[str] = []

    def log_mels() -> Iterator[Tensor]:
        for clip in clips:
            names.append(clip.name)
            yield clip.log_mel

    for grid in encoded(codec, log_mels()):
        grids.append(grid)
        pause(min(1, sum(each.shape[2] for each in grids) / MOST_COLUMNS))
    if not grids:
        raise GridError(NO_CLIPS)
    memory = Memory.of(codec.codebooks, grids, names)
    with page.lock:
        learned = page.visit.learned
        learned.pop(codec.model_id, None)
        learned[codec.model_id] = memory
        while len(learned) > MOST_LEARNED:
            del learned[next(iter(learned))]
    return memory
