"""What a codec draws from: the grids in its file with the names of their clips, or clips of the visitor."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import Tensor

from distill.codec import Codec
from distill.codec.making import encoded, training_grids
from distill.codes.kept import MOST_COLUMNS
from distill.codes.lengths import SAMPLES_PER_FRAME, SAMPLES_PER_SECOND
from distill.errors import GridError, TrainingError
from distill.jobs import TrainingJob
from distill.prior import Memory
from distill.server.visit import Page
from distill.server.visitors import Examples
from distill.training.dataset import MelClip, split_held_out

NO_CLIPS = "You have no clips here to draw from: drop some in Train first."
MOST_LEARNED = 4
"""Most codecs of a visit whose memory of the visitor's clips is kept."""


COMPARED_COLUMNS = 32
"""Columns of a clip that are encoded to see whether it is the one that a codec was trained on."""
SAME_CODES = 0.8
"""Least share of a clip's codes that come out again when the codec that was trained on it encodes it on another
machine."""


@dataclass(frozen=True)
class Listed:
    """A clip that a codec may have been trained on, as far as a list of clips knows it; ``read`` gives its log-mel."""

    name: str
    num_samples: int
    weight: int = 1
    read: Callable[[], Tensor] | None = None


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
    if codec is examples.codec:
        clips = [Listed(name, round(SAMPLES_PER_SECOND * examples.seconds[name])) for name in examples.names]
        names = [clip.name for clip in _as_long(codec, clips)]
    else:
        names = next((found for each in _lists(page, job) if (found := names_of(codec, each))), [])
    return Memory.of(codec.codebooks, training_grids(codec), names) if names else None


def _lists(page: Page, job: TrainingJob | None) -> Iterator[list[Listed]]:
    """The clips that a visitor has here, and those of a training."""
    if page.clips is not None:
        yield [
            Listed(clip.name, clip.num_samples, clip.weight, partial(getattr, clip, "log_mel"))
            for clip in page.clips.clips
        ]
    if job is not None:
        record = job.record
        weights = record.clip_weights or (1,) * len(record.clip_names)
        kept = job.kept_clips()
        yield [
            Listed(*each, partial(_log_mel, job, number) if number in kept else None)
            for number, each in enumerate(zip(record.clip_names, record.clip_samples, weights, strict=False))
        ]


def _log_mel(job: TrainingJob, number: int) -> Tensor:
    return job.read_clip(number).log_mel


def names_of(codec: Codec, clips: Sequence[Listed]) -> list[str]:
    """The names of the clips whose grids a codec's file keeps.

    Returns
    -------
    list of str
        Empty if the clips are others: their lengths are not those of the grids, or the shortest that can be read has
        other codes.
    """
    found = _as_long(codec, clips)
    readable = [(clip.num_samples, number, clip.read) for number, clip in enumerate(found) if clip.read]
    if not readable:
        return []
    _, number, read = min(readable, key=lambda each: each[:2])
    kept = training_grids(codec)[number][..., :COMPARED_COLUMNS]
    try:
        log_mel = read()[:, : kept.shape[2] * codec.time_stride]
    except TrainingError:  # it was deleted meanwhile
        return []
    is_it = (codec.encode_mel(log_mel.float()).indices == kept).mean() >= SAME_CODES
    return [clip.name for clip in found] if is_it else []


def _as_long(codec: Codec, clips: Sequence[Listed]) -> list[Listed]:
    """The clips in the order of the grids in a codec's file; none if their lengths are not those of the grids."""
    grids, config = codec.info.grids, codec.info.config
    if grids is None or config is None:
        return []
    clips = [clip for part in split_held_out(clips, config.seed) for clip in part]
    samples = codec.time_stride * SAMPLES_PER_FRAME
    lengths = [-(-clip.num_samples // samples) for clip in clips]
    kept = list(grids.columns)
    *whole, last = kept
    is_it = len(kept) <= len(lengths) and lengths[: len(whole)] == whole and lengths[len(whole)] >= last
    return list(clips[: len(kept)]) if is_it else []


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
