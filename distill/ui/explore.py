"""The Explore tab: shows the effect of the codec on a sound."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from distill import plots
from distill.audio import write_wav
from distill.audio.names import file_stem
from distill.editing import calls
from distill.editing.answers import flac_base64
from distill.editing.spectra import spectra
from distill.editing.values import number, whole
from distill.editing.work import Work
from distill.errors import GridError
from distill.plots import FRAME_SECONDS
from distill.server.server import Server
from distill.training.health import codebook_health
from distill.ui import served, views
from distill.ui.components import (
    Codebook,
    Player,
    PrivateBar,
    Spectra,
    codebook_value,
    data_uri,
    player_value,
    spectra_value,
)
from distill.ui.handlers import Answer, Call, handler, server_function


@dataclass(frozen=True)
class ExploreTab:
    player: Player
    spectra: Spectra
    facts: gr.HTML
    codebook: Codebook
    health: gr.HTML
    save: gr.Button
    files: gr.File
    shown: gr.Textbox
    """Hidden text box with the secret of the clip; every action of the tab sends it."""

    @property
    def filled(self) -> list[Any]:
        """The components that :func:`fill` fills, without ``shown``."""
        return [self.player, self.spectra, self.facts, self.codebook, self.health]


def build(server: Server, shown: gr.Textbox) -> ExploreTab:
    """Lay out the tab with the example clip; ``shown`` is the hidden text box for the secret of the clip."""
    work = server.examples.first
    work.decode()  # some of the figures are of its sound
    asked = {
        "sound": served.layer_sound,
        "spectra": served.spectra,
        "audition": served.audition,
        "codec_pictures": served.pictures,
    }
    functions = {name: server_function(server, name, function) for name, function in asked.items()}
    PrivateBar(elem_id="explore-private")
    player = Player(_player(work), server_functions=[functions["sound"]], elem_id="explore-player")
    pictures = Spectra(
        _spectra(work), server_functions=[functions["spectra"], functions["codec_pictures"]], elem_id="explore-spectra"
    )
    facts = gr.HTML(views.clip_facts(work), elem_id="explore-facts", elem_classes="on-server")
    codebook = Codebook(
        _codebook(work), server_functions=[functions["audition"], functions["codec_pictures"]],
        elem_id="explore-codebook",
    )  # fmt: skip
    health = gr.HTML(_health(work), elem_id="explore-health", elem_classes="on-server")
    save = gr.Button("Save the sounds and a report", size="sm", elem_id="explore-save", elem_classes="on-server")
    files = gr.File(label="Your files", visible=False, interactive=False, elem_id="explore-files")
    return ExploreTab(player, pictures, facts, codebook, health, save, files, shown)


def connect(tab: ExploreTab, server: Server) -> list[Any]:
    """Wire the tab's events; return the events that send the secret of the clip."""
    handle = handler(server, tab)
    saved = tab.save.click(handle(save), tab.shown, tab.files, api_name="explore_save", show_progress_on=tab.save)
    saved.success(lambda: gr.update(visible=True), None, tab.files, api_visibility="private")
    gr.api(handle(look), api_name="explore_view")
    gr.api(handle(measure), api_name="explore_spectra")
    gr.api(handle(listen), api_name="explore_listen")
    gr.api(handle(audition), api_name="audition")
    return [saved]


def fill(tab: ExploreTab, work: Work) -> Answer:
    """The values of the tab's components for a clip; its sound and its spectrograms come later."""
    return {
        tab.player: _player(work),
        tab.spectra: _spectra(work),
        tab.facts: views.clip_facts(work),
        tab.codebook: _codebook(work),
        tab.health: _health(work),
        tab.shown: work.secret,
    }


def look(call: Call[ExploreTab], start: float, stop: float) -> tuple[float, float, str, str, str]:
    """Pictures of a part of the open clip, between ``start`` and ``stop`` in seconds: the spectrograms, the code maps,
    and the clip level by level, each as a data URI. Before them, start and end of what they show, in seconds."""
    work = call.page.work
    frames = _frames(work, number("start", start), number("stop", stop))
    work.codec.draw_atlas(call.pause)
    original, layers = work.draw(call.pause)
    grid, colours = work.history.original, work.codec.atlas.colours
    titles = [": ".join(title) for title in views.layer_titles(layers)]
    log_mels = [layer.log_mel for layer in layers]
    figures = (
        plots.plot_mels(original, log_mels[-1], frames=frames),
        plots.plot_code_maps(
            grid.indices, colours, grid.num_frames, frames=frames, time_stride=grid.time_stride
        ),
        plots.plot_layers(log_mels, titles, frames=frames),
    )  # fmt: skip
    shown = (frames.start * FRAME_SECONDS, min(frames.stop * FRAME_SECONDS, work.seconds))
    mels, maps, levels = (data_uri(figure) for figure in figures)
    return round(shown[0], 2), round(shown[1], 2), mels, maps, levels


def measure(call: Call[ExploreTab], start: float, stop: float) -> dict[str, Any]:
    """The spectrograms of a part of the open clip, between ``start`` and ``stop`` in seconds: those of the original and
    of its first level, its first two levels, and so on. ``mels`` has each as bytes of 128 bands, as a zlib stream in
    base64; a byte stands for ``low_db`` + ``step_db`` times the byte, in dB."""
    work = call.page.work
    frames = _frames(work, number("start", start), number("stop", stop))
    return spectra(work, {"first": frames.start, "last": frames.stop}, call.pause)


def _frames(work: Work, start: float, stop: float) -> slice:
    """The frames between two moments, at least 16 where the clip has as many."""
    end, num_frames = work.seconds, work.history.original.num_frames
    if not 0 <= start < min(stop, end):
        raise GridError(f"Choose a part of the clip, from 0 to {end:.2f} s, whose end comes after its start.")
    first = min(int(start / FRAME_SECONDS), max(0, num_frames - 16))
    return slice(first, num_frames if stop >= end else min(max(first + 16, round(stop / FRAME_SECONDS)), num_frames))


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


def _spectra(work: Work) -> dict[str, Any]:
    titles = [("Original", work.name), *views.layer_titles(work.layers)]
    return spectra_value(work.secret, work.history.original, work.seconds, titles)


def _player(work: Work) -> dict[str, Any]:
    stem = file_stem(work.name)
    tracks = [("Original", work.name, f"{stem}.wav")]
    for layer in work.layers:
        tracks.append(
            (
                views.layer_name(layer),
                views.layer_note(layer),
                f"{stem}-{layer.levels}-of-{len(work.layers)}-levels.wav",
            )
        )
    return player_value(work.secret, work.seconds, tracks)


def _codebook(work: Work) -> dict[str, Any]:
    codec = work.codec
    counts = codec.usage(work.history.original)
    return codebook_value(work.secret, codec.model_id, counts, codec.training_usage, served.codec_file(codec))


def _health(work: Work) -> str:
    codec = work.codec
    here = views.health_table(codebook_health(codec.usage(work.history.original)), codec.codebook_size, judged=False)
    trained = codec.training_health
    there = views.health_table(trained, codec.codebook_size) if trained else ""
    shown = [("Codes in this clip", here), ("In the clips it was trained on", there)]
    tables = [f"<section><h3>{title}</h3>{table}</section>" for title, table in shown if table]
    return f"<div class='beside'>{''.join(tables)}</div>"


def _save(work: Work, folder: Path, progress: gr.Progress) -> list[str]:
    """Write the sound for every number of levels, the original, and the report as PNG and PDF; return the paths."""
    stem, levels = file_stem(work.name), work.codec.num_levels
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
