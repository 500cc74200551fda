"""Updates of the page during a training, and the figures of a trained codec."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol

import gradio as gr
import numpy as np

from distill import plots
from distill.audio import SAMPLE_RATE, Clip, write_wav
from distill.codec import Codec
from distill.errors import FullError, TrainingError
from distill.jobs import JobStatus, TrainingJob
from distill.server.server import Server
from distill.server.visit import Page
from distill.training.records import NO_CURVES, Curves
from distill.ui import views
from distill.ui.components import no_picture, picture
from distill.ui.handlers import Answer, Last

POLL_SECONDS = 0.5
"""Seconds between two looks at a training."""
PROBE_SECONDS = 4
CURVES_ALT = "Training loss at each step and error on whole clips, over seconds of training"


class Live(Protocol):
    """The components that show a training."""

    @property
    def progress(self) -> gr.HTML: ...

    @property
    def curves(self) -> gr.HTML: ...

    @property
    def health(self) -> gr.HTML: ...

    @property
    def preview(self) -> gr.Audio: ...

    @property
    def shown_training(self) -> gr.Textbox: ...

    def able(self, status: JobStatus) -> Answer: ...


def follow(server: Server, page: Page, tab: Live, job: TrainingJob) -> Iterator[Answer | None]:
    """Updates of the page until a training ends; None if nothing changed."""
    status, shown, said = job.status(), None, ""
    # Clear the example's picture and sound, which could be mistaken for this training's.
    news: Answer = {tab.curves: no_picture(), tab.health: "", tab.preview: None, tab.shown_training: job.id}
    able: Answer = {}
    while True:
        if (now := tab.able(status)) != able:
            able, news = now, news | now
        if status.validation is not None and status.validation != shown:
            shown, news = status.validation, news | _news(server, tab, job, status, page.address)
        told = views.training_progress(status, job.id)
        if not status.active:
            yield Last({tab.progress: told} | news)
            return
        yield {tab.progress: told} | news if told != said or news else None
        said, news = told, {}
        server.visitors.touch(page)
        status = job.status()


def _news(server: Server, tab: Live, job: TrainingJob, status: JobStatus, address: str) -> Answer:
    """The update after a validation: loss curves, codebook health, and the sound of the codec so far."""
    if status.validation is None:
        return {}
    codec, first = job.best_codec(), first_of(job)
    news: Answer = {
        tab.curves: picture(plots.plot_curves(status.curves), CURVES_ALT),
        tab.health: views.health_table(status.validation.levels, codec.codebook_size),
    }
    if first is not None:
        probe = Clip(first.name, first.waveform[: PROBE_SECONDS * SAMPLE_RATE])
        with contextlib.suppress(FullError):  # the previous sound stays, and the training goes on
            sound = codec.decode(codec.encode_clip(probe))
            news[tab.preview] = sound_file(sound, server, job.owner, address)
    return news


def first_of(job: TrainingJob) -> Clip | None:
    """The first clip of a training; None if its file is damaged, because the codec is usable without it."""
    try:
        return job.first_clip
    except TrainingError:
        return None


def curves_of(codec: Codec) -> Curves:
    """The loss curves of a codec's training; empty if they are not known."""
    return codec.info.curves or NO_CURVES


def health_of(codec: Codec) -> str:
    """The codebook health at the end of a codec's training, as HTML; empty if it is not known."""
    levels = codec.training_health
    return views.health_table(levels, codec.codebook_size) if levels else ""


def sound_file(
    waveform: np.ndarray,
    server: Server,
    owner: str,
    address: str = "",
    progress: Callable[[float], object] | None = None,
) -> str:
    """Write a sound file for a player and return its path. Samples beyond full scale are clipped, not normalized."""
    with server.storage.filling(owner, 2 * len(waveform), address=address) as folder:
        path = folder / "reconstruction.wav"
        write_wav(path, np.clip(waveform, -1, 1), progress)
    return str(path)


def saved_codec(codec: Codec, server: Server, owner: str, address: str = "") -> str:
    """The path of a codec's file; the file is written if it is missing."""
    path = server.storage.files / owner / codec.sound_id / f"codec-{codec.model_id[:6]}.distill"
    if not path.exists():
        with server.storage.filling(owner, codec.num_bytes, name=codec.sound_id, address=address) as folder:
            codec.save(folder / path.name)
    return str(path)
