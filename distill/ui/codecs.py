"""Opening of codecs: that of a training, of a file, of a repository on the Hub, and the one before."""

import html
from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from distill import plots
from distill.codec import Codec
from distill.editing.work import Work
from distill.errors import CodecFileError, GoneError, TrainingError
from distill.jobs import TrainingJob
from distill.server.strip import Strip
from distill.ui import live, train
from distill.ui.components import picture
from distill.ui.handlers import Answer, Call
from distill.ui.library import door_of
from distill.ui.strip import strip_of
from distill.ui.tabs import Tabs, fill_with_codec


def use_trained(
    call: Call[Tabs],
    training: str | None = None,
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Open the codec of a training, and one of its clips: the one that the page shows, or else the one nearest to three
    seconds that is not silent."""
    job, page, before = train.require_job(call, training), call.page, call.work(shown)
    progress(0.05, desc="Opening the codec")
    codec, listed = job.best_codec(), strip_of(call.server, page, call.pause)
    progress(0.2, desc="Drawing its codes")
    codec.draw_atlas(call.pause)
    progress(0.6, desc="Writing a clip of yours as codes")
    if before.codec.sound_id == codec.sound_id:  # it is in use already
        page.turn_to(before)
    else:
        _turn_to_trained(call, job, codec, listed, before)
    _take(call, job)
    progress(0.8, desc="Decoding it")
    yield fill_with_codec(call.tab, call)


def _turn_to_trained(call: Call[Tabs], job: TrainingJob, codec: Codec, listed: Strip, before: Work) -> None:
    page = call.page
    try:
        page.turn_to(listed.read(listed.opening_of(job, before), codec))
    except (GoneError, TrainingError):  # the codec is usable without its clips
        page.turn_to_clip(codec, before.as_clip(call.pause), call.pause)


def _take(call: Call[Tabs], job: TrainingJob) -> None:
    if not job.status().active:
        call.page.take(job.id)


def back_to_codec(call: Call[Tabs], shown: str | None = None) -> Answer:
    """Take the codec into use that was in use before, with the clip that was open in it last."""
    call.page.turn_back(call.work(shown), call.pause)
    return fill_with_codec(call.tab, call)


def load_codec(call: Call[Tabs], path: str | None, shown: str | None = None) -> Answer:
    """Open the clip in the codec of a file."""
    if not path:
        raise CodecFileError("There is no codec there: choose a .distill file.")
    codec = call.server.codecs.load(path, settings=call.server.settings)
    call.server.storage.discard(Path(path))
    return turn_to_codec(call, codec, Path(path).name, call.work(shown))


def open_from_hub(
    call: Call[Tabs],
    repository: str | None,
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Open the clip in the codec of a public model repository on the Hugging Face Hub: user/name, user/name@revision,
    or the address of its page. Only its codec.distill is fetched."""
    server, before = call.server, call.work(shown)
    with server.hub.fetched(call.page, repository or "", lambda share: progress(share, desc="Fetching")) as (
        name,
        path,
    ):
        codec = server.codecs.load(path, settings=server.settings)
    server.hub.note(codec, name)
    yield turn_to_codec(call, codec, name, before)


def open_kept(
    call: Call[Tabs],
    key: str | None,
    id: str | None,
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Open the clip in a codec of a library, by the library's key and the codec's id from /library. From now on, it is
    kept for as long again."""
    server, before = call.server, call.work(shown)
    progress(0.1, desc="Fetching")
    with door_of(server).fetched(call.page, key or "", id or "") as (kept, path):
        codec = server.codecs.load(path, settings=server.settings)
    yield turn_to_codec(call, codec, kept.name, before)


def turn_to_codec(call: Call[Tabs], codec: Codec, name: str, before: Work) -> Answer:
    """Open a clip in a codec that was loaded, and say by its name which one it is."""
    page, server, tab = call.page, call.server, call.tab.train
    if before.codec.sound_id == codec.sound_id:  # it is in use already; a page that is new shows the shared example
        page.turn_to(page.visit.works.get(before.key) or before.fresh())
    else:
        codec.draw_atlas(call.pause)
        page.turn_to_clip(codec, before.as_clip(call.pause), call.pause)
    heard = live.sound_file(page.work.decode(call.pause), server, page.owner, page.address, call.pause)
    return fill_with_codec(call.tab, call) | {
        tab.progress: f"<p class='status'>Loaded {html.escape(name)}.</p>",
        tab.curves: picture(plots.plot_curves(live.curves_of(codec)), live.CURVES_ALT),
        tab.health: live.health_of(codec),
        tab.preview: heard,
    }
