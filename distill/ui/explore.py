"""The Explore tab: shows the effect of the codec on a sound."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from distill import plots
from distill.audio import HOP_LENGTH, SAMPLE_RATE, write_wav
from distill.editing import calls
from distill.editing.answers import flac_base64
from distill.editing.requests import field
from distill.editing.values import number, whole
from distill.editing.work import Work
from distill.errors import GridError
from distill.server.server import Server
from distill.training.health import codebook_health
from distill.ui import served, views
from distill.ui.components import (
    Codebook,
    Picture,
    Player,
    codebook_value,
    picture,
    player_value,
)
from distill.ui.handlers import Answer, Call, handler, server_function

MEL_ALT = "Mel spectrograms of the original, of the reconstruction and their difference in decibels, over time"
MAP_ALT = "Code maps: for each level, which code stands in each of 8 frequency bands and each step of time"
LAYER_ALT = "Mel spectrograms of the clip rebuilt from one level of its codes, from two, and so on, over time"
USAGE_ALT = "Bar charts: for each level, how often each of its codes occurs in this clip, in percent of its cells"


@dataclass(frozen=True)
class ExploreTab:
    example: gr.Dropdown
    upload: gr.File
    record: gr.Audio
    player: Player
    facts: gr.HTML
    start: gr.Number
    stop: gr.Number
    view: gr.Button
    mels: gr.HTML
    maps: gr.HTML
    layers: gr.HTML
    codebook: Codebook
    usage: gr.HTML
    health: gr.HTML
    save: gr.Button
    files: gr.File
    shown: gr.Textbox
    """Hidden text box with the secret of the clip; every action of the tab sends it."""

    @property
    def filled(self) -> list[Any]:
        """The list of clips, and the components that :func:`fill` fills, without ``shown``."""
        return [self.example, self.player, self.facts, *self.pictures, self.codebook, self.usage, self.health]

    @property
    def pictures(self) -> list[Any]:
        """The components that change with the part of the clip in view."""
        return [self.start, self.stop, self.mels, self.maps, self.layers]


def build(server: Server, shown: gr.Textbox) -> ExploreTab:
    """Lay out the tab with the example clip; ``shown`` is the hidden text box for the secret of the clip."""
    examples = server.examples
    work = examples.first
    seconds = (0.0, _shown_seconds(work))
    with gr.Row():
        with gr.Column(min_width=300):
            example = gr.Dropdown(
                [path.stem for path in examples.clips], value=work.example,
                label="A clip: an example, or one that you opened",
                elem_id="explore-example",
            )  # fmt: skip
            gr.HTML(
                "<p class='lead'>The codec writes a clip as <b>codes</b>: a few whole numbers for each band of "
                "frequencies and each step of time. The first level keeps the structure; each further level adds what "
                "the ones before it left out. Play a track and choose another while it sounds.</p>"
            )
        with gr.Column(min_width=300):
            upload, record = _ways_in()
    player = Player(
        _player(work), server_functions=[server_function(server, "sound", served.layer_sound)], elem_id="explore-player"
    )
    facts = gr.HTML(views.clip_facts(work), elem_id="explore-facts")
    with gr.Row(elem_classes="view"):
        start = gr.Number(0, label="Show from (s)", minimum=0, step=0.1, min_width=110, elem_id="explore-start")
        stop = gr.Number(
            round(work.seconds, 2), label="to (s)", minimum=0, step=0.1, min_width=110, elem_id="explore-stop"
        )
        view = gr.Button("Show this part", size="sm", elem_id="explore-view", min_width=140)
    gr.HTML("<h3>Spectrograms <small>time from left to right, frequency upwards, brighter is louder</small></h3>")
    mels_view = Picture(
        plots.plot_mels(work.original, work.layers[-1].log_mel), MEL_ALT, seconds=seconds, elem_id="explore-mels"
    )
    gr.HTML(
        "<h3>Code maps <small>one a level, on the same time axis; codes that sound alike have like colours</small></h3>"
    )
    maps_view = Picture(_maps(work), MAP_ALT, seconds=seconds, elem_id="explore-maps")
    gr.HTML("<h3>Level by level <small>what is heard with one level of codes, with two, and so on</small></h3>")
    layers_view = Picture(_layers(work), LAYER_ALT, seconds=seconds, elem_id="explore-layers")
    gr.HTML(
        "<h3>The codebook <small>every code of a level by itself; the green bar is its use in this clip</small></h3>"
    )
    codebook = Codebook(
        _codebook(work),
        server_functions=[
            server_function(server, "audition", served.audition),
            server_function(server, "codec_pictures", served.pictures),
        ],
        elem_id="explore-codebook",
    )
    usage = Picture(_usage(work), USAGE_ALT, elem_id="explore-usage")
    health = gr.HTML(_health(work), elem_id="explore-health")
    save = gr.Button("Save the sounds and a report", size="sm", elem_id="explore-save")
    files = gr.File(label="Your files", visible=False, interactive=False, elem_id="explore-files")
    return ExploreTab(
        example, upload, record, player, facts, start, stop, view, mels_view, maps_view, layers_view, codebook, usage,
        health, save, files, shown,
    )  # fmt: skip


def _ways_in() -> tuple[gr.File, gr.Audio]:
    """Lay out the upload area and the recorder. The upload area takes files of any name and type: gr.Audio would judge
    a file by its ending, in words of its own, before its content is seen."""
    upload = gr.File(label="Or a sound of yours: drop a file", height=140, elem_id="explore-upload")
    record = gr.Audio(
        sources=["microphone"], type="filepath", label="Or record one", elem_id="explore-record", buttons=[]
    )  # fmt: skip
    return upload, record


def connect(tab: ExploreTab, server: Server) -> list[Any]:
    """Wire the tab's events; return the events that send the secret of the clip."""
    handle = handler(server, tab)
    looked = tab.view.click(
        handle(look), [tab.start, tab.stop, tab.shown], tab.pictures, api_name="explore_view", show_progress="minimal"
    )
    zoomed = tab.player.zoom(
        handle(zoom), tab.shown, tab.pictures, api_visibility="private", show_progress="minimal"
    )  # fmt: skip
    saved = tab.save.click(handle(save), tab.shown, tab.files, api_name="explore_save", show_progress_on=tab.save)
    saved.success(lambda: gr.update(visible=True), None, tab.files, api_visibility="private")
    gr.api(handle(listen), api_name="explore_listen")
    gr.api(handle(audition), api_name="audition")
    return [looked, zoomed, saved]


def fill(tab: ExploreTab, work: Work) -> Answer:
    """The values of the tab's components for a clip, without the list of clips; the sound comes later."""
    return fill_first(tab, work) | fill_rest(tab, work)


def fill_first(tab: ExploreTab, work: Work) -> Answer:
    """The components from the player to the spectrograms, which a visitor sees first."""
    end = _shown_seconds(work)
    mels = plots.plot_mels(work.original, work.layers[-1].log_mel)
    return {
        tab.player: _player(work),
        tab.facts: views.clip_facts(work),
        tab.start: 0,
        tab.stop: round(work.seconds, 2),
        tab.mels: picture(mels, MEL_ALT, seconds=(0, end)),
        tab.shown: work.secret,
    }


def fill_rest(tab: ExploreTab, work: Work) -> Answer:
    """The components from the code maps on."""
    return _codes_and_layers(tab, work, slice(None), (0, _shown_seconds(work))) | {
        tab.codebook: _codebook(work),
        tab.usage: picture(_usage(work), USAGE_ALT),
        tab.health: _health(work),
    }


def look(
    call: Call[ExploreTab],
    start: float | None,
    stop: float | None,
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Show a part of the clip, between ``start`` and ``stop`` in seconds."""
    yield _part(call.tab, call.work(shown), start, stop, lambda share: progress(share, desc="Decoding"))


def zoom(call: Call[ExploreTab], event: gr.EventData, shown: str | None = None) -> Answer:
    """Show the part of the clip that the visitor chose in the player."""
    start, stop = (number(name, field(event._data, name)) for name in ("start", "stop"))
    return _part(call.tab, call.work(shown), start, stop, call.pause)


def save(
    call: Call[ExploreTab],
    shown: str | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Iterator[Answer]:
    """Write the sound for every number of levels, and a report."""
    work, page = call.work(shown), call.page
    sounds_bytes = 2 * work.num_samples * (work.codec.num_levels + 1)
    with call.server.storage.filling(page.owner, sounds_bytes, address=page.address) as folder:
        paths = _save(work, folder, progress)
    yield {call.tab.files: paths}


def listen(call: Call[ExploreTab], levels: int) -> dict[str, str]:
    """The open clip decoded from its first levels, as a FLAC file in base64; 0 levels are the original."""
    levels = whole("levels", levels)
    return {"flac": flac_base64(call.page.work.sound(levels, call.pause), call.pause)}


def audition(call: Call[ExploreTab], level: int, code: int) -> dict[str, str]:
    """The sound of a single code, as a FLAC file in base64."""
    return calls.audition(call.page.work, {"level": level, "code": code})


def _part(
    tab: ExploreTab, work: Work, start: float | None, stop: float | None, progress: Callable[[float], object]
) -> Answer:
    """The pictures of a part of the clip; ``start`` and ``stop`` in seconds."""
    end, num_frames = work.seconds, work.history.original.num_frames
    if start is None or stop is None or not 0 <= start < min(stop, end):
        raise GridError(f"Choose a part of the clip, from 0 to {end:.2f} s, whose end comes after its start.")
    first = min(int(start * SAMPLE_RATE / HOP_LENGTH), max(0, num_frames - 16))
    last = num_frames if stop >= end else min(max(first + 16, round(stop * SAMPLE_RATE / HOP_LENGTH)), num_frames)
    work.codec.draw_atlas(progress)
    work.draw(progress)
    frames, seconds = slice(first, last), (first * plots.FRAME_SECONDS, last * plots.FRAME_SECONDS)
    mels = plots.plot_mels(work.original, work.layers[-1].log_mel, frames=frames)
    return {
        tab.start: round(seconds[0], 2),
        tab.stop: round(min(seconds[1], end), 2),
        tab.mels: picture(mels, MEL_ALT, seconds=seconds),
    } | _codes_and_layers(tab, work, frames, seconds)


def _codes_and_layers(tab: ExploreTab, work: Work, frames: slice, seconds: tuple[float, float]) -> Answer:
    return {
        tab.maps: picture(_maps(work, frames), MAP_ALT, seconds=seconds),
        tab.layers: picture(_layers(work, frames), LAYER_ALT, seconds=seconds),
    }


def _maps(work: Work, frames: slice = slice(None)) -> Any:
    grid = work.history.original
    return plots.plot_code_maps(
        grid.indices, work.codec.atlas.colours, grid.num_frames, frames=frames, time_stride=grid.time_stride
    )


def _layers(work: Work, frames: slice = slice(None)) -> Any:
    titles = [views.layer_title(layer) for layer in work.layers]
    return plots.plot_layers([layer.log_mel for layer in work.layers], titles, frames=frames)


def _player(work: Work) -> dict[str, Any]:
    stem = Path(work.name).stem
    tracks = [("Original", work.name, f"{stem}.wav")]
    for layer in work.layers:
        name = layer.name if layer.levels == 1 else f"+ {layer.name}"
        tracks.append((name, views.layer_note(layer), f"{stem}-{layer.levels}-of-{len(work.layers)}-levels.wav"))
    return player_value(work.secret, work.seconds, tracks)


def _codebook(work: Work) -> dict[str, Any]:
    codec = work.codec
    return codebook_value(work.secret, codec.model_id, codec.usage(work.history.original), codec.training_usage)


def _usage(work: Work) -> Any:
    codec = work.codec
    return plots.plot_usage(codec.usage(work.history.original), codec.atlas.colours, codec.atlas.order)


def _health(work: Work) -> str:
    codec = work.codec
    here = views.health_table(codebook_health(codec.usage(work.history.original)), codec.codebook_size, judged=False)
    trained = codec.training_health
    there = (
        f"<h3>In the clips it was trained on</h3>{views.health_table(trained, codec.codebook_size)}" if trained else ""
    )
    return f"<h3>Codes in this clip</h3>{here}{there}"


def _save(work: Work, folder: Path, progress: gr.Progress) -> list[str]:
    """Write the sound for every number of levels, the original, and the report as PNG and PDF; return the paths."""
    stem, levels = Path(work.name).stem, work.codec.num_levels
    paths: list[Path] = []
    for count in range(levels + 1):
        name = "original" if count == 0 else f"{count}-of-{levels}-levels"

        def told(share: float, count: int = count) -> None:
            progress((count + share) / (levels + 1), desc="Decoding")

        paths.append(folder / f"{stem}-{name}.wav")
        write_wav(paths[-1], work.sound(count, told), told)
    work.draw(lambda share: progress(share, desc="Drawing"))
    codec, grid = work.codec, work.history.original
    figure = plots.plot_report(
        work.original, work.layers[-1].log_mel, grid.indices, codec.atlas.colours, codec.usage(grid), codec.atlas.order,
        title=work.name, facts=views.report_facts(work), time_stride=grid.time_stride,
    )  # fmt: skip
    for suffix in ("png", "pdf"):
        paths.append(folder / f"{stem}-report.{suffix}")
        figure.savefig(paths[-1])
    return [str(path) for path in paths]


def _shown_seconds(work: Work) -> float:
    """Seconds that the pictures show: whole frames, so up to 12 ms more than the clip."""
    return work.history.original.num_frames * plots.FRAME_SECONDS
