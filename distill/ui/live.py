"""What the page is told of a training while it runs, and of a codec once it is there."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import numpy as np

from distill import plots
from distill.audio import SAMPLE_RATE, Clip, write_wav
from distill.codec import Codec
from distill.errors import FullError, TrainingError
from distill.jobs import JobStatus, TrainingJob
from distill.server.server import Server
from distill.server.session import Session
from distill.training.records import NO_CURVES, Curves
from distill.ui import views
from distill.ui.components import no_picture, picture

POLL_SECONDS = 0.5
"""Between two looks at a training."""
PROBE_SECONDS = 4
NO_NEWS = (gr.skip(), gr.skip(), gr.skip())
CURVES_ALT = "Training loss at each step and error on whole clips, over seconds of training"


def follow(visitor: Session, job: TrainingJob, server: Server) -> Iterator[Any]:
    """The live outputs, until the training ends, None while they are as they were; picture and sound when they have
    changed."""
    status, shown, said = job.status(), None, ""
    news: tuple[Any, ...] = (no_picture(CURVES_ALT), "", None)  # not the example's, which would be taken for this one's
    while True:
        if status.validation is not None and status.validation != shown:
            shown, news = status.validation, _news(job, status, server, visitor.address)
        told = views.training_progress(status, job.id)
        yield (told, *news) if told != said or news is not NO_NEWS else None
        said, news = told, NO_NEWS
        if not status.active:
            return
        server.visitors.touch(visitor)
        status = job.status()


def _news(job: TrainingJob, status: JobStatus, server: Server, address: str) -> tuple[Any, ...]:
    if status.validation is None:
        return gr.skip(), gr.skip(), gr.skip()
    codec, first = job.best_codec(), first_of(job)
    heard: Any = gr.skip()
    if first is not None:
        probe = Clip(first.name, first.waveform[: PROBE_SECONDS * SAMPLE_RATE])
        with contextlib.suppress(FullError):  # the one before can still be heard, and the training goes on
            heard = sound_file(codec.decode(codec.encode_mel(codec.log_mel_of(probe))), server, job.owner, address)
    return (
        picture(plots.plot_curves(status.curves), CURVES_ALT),
        views.health_table(status.validation.levels, codec.codebook_size),
        heard,
    )


def first_of(job: TrainingJob) -> Clip | None:
    """The first clip of a training, None if it is damaged: the codec is worth more than it."""
    try:
        return job.first_clip
    except TrainingError:
        return None


def curves_of(codec: Codec) -> Curves:
    """The curves of a codec's training, empty if they are not known."""
    return codec.info.curves or NO_CURVES


def health_of(codec: Codec) -> str:
    """The health of its codebooks at the end of its training, if that is known."""
    levels = codec.training_health
    return views.health_table(levels, codec.codebook_size) if levels else ""


def sound_file(
    waveform: np.ndarray,
    server: Server,
    owner: str,
    address: str = "",
    progress: Callable[[float], object] | None = None,
) -> str:
    """A file for a player; what is louder than full scale is clipped, so that one loud moment changes nothing else."""
    with server.storage.filling(owner, 2 * len(waveform), address=address) as folder:
        path = folder / "reconstruction.wav"
        write_wav(path, np.clip(waveform, -1, 1), progress)
    return str(path)
