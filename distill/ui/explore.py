"""The Explore tab: what the codec does to a sound."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from distill import plots
from distill.audio import HOP_LENGTH, SAMPLE_RATE, write_wav
from distill.errors import AudioError, GridError
from distill.server.askers import Asker
from distill.training.health import codebook_health
from distill.ui import edit, views
from distill.ui.components import (
    Codebook,
    Picture,
    Player,
    codebook_value,
    codec_pictures,
    flac_base64,
    picture,
    piece_answer,
    player_value,
)
from distill.ui.handlers import handler, server_function
from distill.ui.server import Server
from distill.ui.session import Session
from distill.ui.tools import Request, field
from distill.ui.work import Work

if TYPE_CHECKING:
    from distill.ui.edit import EditTab

MEL_ALT = "Mel spectrograms of the original, of the reconstruction and their difference in decibels, over time"
MAP_ALT = "Code maps: for each level, which code stands in each of 8 frequency bands and each step of 186 ms"
LAYER_ALT = "Mel spectrograms of the clip rebuilt from one level of its codes, from two, and so on, over time"
USAGE_ALT = "Bar charts: for each level, how often each of its codes occurs in this clip, in percent of its cells"


@dataclass(frozen=True)
class ExploreTab:
    example: gr.Dropdown
    upload: gr.Audio
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

    @property
    def outputs(self) -> list[Any]:
        """What :func:`show` fills, in its order."""
        return [self.example, self.player, self.facts, *self.pictures, self.codebook, self.usage, self.health]

    @property
    def pictures(self) -> list[Any]:
        """What changes with the part of the clip that is looked at."""
        return [self.start, self.stop, self.mels, self.maps, self.layers]


def build(server: Server) -> ExploreTab:
    """Lay out the tab, filled with the example clip."""
    examples, visitors = server.examples, server.visitors
    work = examples.first
    seconds = (0.0, _seconds(work))

    def sound(asker: Asker, request: Any) -> dict[str, Any]:
        find = partial(visitors.work, asker.visitor)
        return _piece(find(field(request, "work")), Request(request, find), server.turns.pause)

    def audition(asker: Asker, request: Any) -> dict[str, Any]:
        return audition_answer(visitors.work(asker.visitor, field(request, "work")), request)

    def pictures(asker: Asker, request: Any) -> dict[str, Any]:
        return pictures_answer(visitors.work(asker.visitor, field(request, "work")), server.turns.pause)

    pictures.__name__ = "codec_pictures"
    with gr.Row():
        with gr.Column(min_width=300):
            example = gr.Dropdown(
                [path.stem for path in examples.clips], value=work.example,
                label="A clip: an example, or one that you opened",
                elem_id="explore-example",
            )  # fmt: skip
            gr.HTML(
                "<p class='lead'>The codec writes a clip as <b>codes</b>: a few whole numbers for each band of "
                "frequencies and each 186 ms. The first level keeps the structure; each further level adds what the "
                "ones before it left out. Play a track and choose another while it sounds.</p>"
            )
        with gr.Column(min_width=300):
            upload = gr.Audio(
                sources=["upload", "microphone"], type="filepath", label="Or a sound of yours: drop a file or record",
                elem_id="explore-upload",
            )  # fmt: skip
    player = Player(_player(work), server_functions=[server_function(server.turns, sound)], elem_id="explore-player")
    facts = gr.HTML(views.clip_facts(work), elem_id="explore-facts")
    with gr.Row(elem_classes="view"):
        start = gr.Number(0, label="Show from (s)", minimum=0, step=0.1, min_width=110, elem_id="explore-start")
        stop = gr.Number(
            round(seconds[1], 2), label="to (s)", minimum=0, step=0.1, min_width=110, elem_id="explore-stop"
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
        server_functions=[server_function(server.turns, function) for function in (audition, pictures)],
        elem_id="explore-codebook",
    )
    usage = Picture(_usage(work), USAGE_ALT, elem_id="explore-usage")
    health = gr.HTML(_health(work), elem_id="explore-health")
    save = gr.Button("Save the sounds and a report", size="sm", elem_id="explore-save")
    files = gr.File(label="Your files", visible=False, interactive=False, elem_id="explore-files")
    return ExploreTab(
        example, upload, player, facts, start, stop, view, mels_view, maps_view, layers_view, codebook, usage, health,
        save, files,
    )  # fmt: skip


def connect(tab: ExploreTab, edit_tab: "EditTab", server: Server) -> None:
    """Wire the tab's events."""
    visitors = server.visitors
    handle = handler(visitors, server.turns)
    examples = {path.stem: path for path in visitors.examples.clips}
    outputs = [*tab.outputs, *edit_tab.outputs]

    def in_turn(visitor: Session, work: Work, example: Any, progress: gr.Progress) -> Iterator[Any]:
        """The spectrograms first: they are what a person waits for."""
        work.codec.draw_atlas(server.turns.pause)
        work.draw(lambda share: progress(share, desc="Decoding"))
        first = (example, *_first(work))
        yield *first, *(gr.skip(),) * (len(outputs) - len(first))
        # No lock is held while something is yielded: the next step may run on another thread.
        with visitor.lock:
            rest = (*_rest(work), *edit.show(visitor)) if visitor.work is work else None  # no other clip since
        if rest:
            yield *(gr.skip(),) * len(first), *rest

    @handle
    def open_clip(visitor: Session, path: str | None, progress: gr.Progress = gr.Progress()) -> Iterator[Any]:  # noqa: B008
        if not path:
            raise AudioError("There is no sound there: drop a file or record one.")
        work = visitor.read(visitor.codec, Path(path), pause=server.turns.pause)
        server.storage.discard(Path(path))
        visitor.turn_to(work)
        chosen = gr.update(choices=visitor.choices, value=work.secret)
        yield from in_turn(visitor, work, chosen, progress)

    @handle
    def open_example(visitor: Session, name: str | None, progress: gr.Progress = gr.Progress()) -> Iterator[Any]:  # noqa: B008
        own = next((work for work in list(visitor.visit.works.values()) if work.secret == name), None)
        if own is not None:
            visitor.turn_to(own)
        elif name in examples:
            visitor.open(visitor.codec, examples[name], example=name, pause=server.turns.pause)
        else:
            raise AudioError("There is no clip of that name.")
        work = visitor.work
        yield from in_turn(visitor, work, gr.skip(), progress)  # the list has its choice already, perhaps a newer one

    @handle
    def decode(visitor: Session, progress: gr.Progress = gr.Progress()) -> Iterator[Any]:  # noqa: B008
        """The figures that wait for the sound."""
        work = visitor.work
        work.decode(lambda share: progress(share, desc="Decoding"))
        work.mel_l1_audio(lambda share: progress(share, desc="Comparing"))
        facts = views.clip_facts(work)
        yield facts if visitor.work is work else gr.skip()  # another clip was opened since

    @handle
    def look(
        visitor: Session,
        start: float | None,
        stop: float | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Iterator[Any]:
        yield _view(visitor.work, start, stop, lambda share: progress(share, desc="Decoding"))

    @handle
    def zoom(visitor: Session, event: gr.EventData) -> Iterator[Any]:
        ends = Request(event._data, partial(visitors.own_work, visitor.owner))
        yield _view(visitor.work, ends.number("start"), ends.number("stop"), server.turns.pause)

    @handle
    def save(visitor: Session, progress: gr.Progress = gr.Progress()) -> Iterator[Any]:  # noqa: B008
        work = visitor.work
        sounds_bytes = 2 * work.num_samples * (work.codec.num_levels + 1)
        with server.storage.filling(visitor.owner, sounds_bytes, address=visitor.address) as folder:
            paths = _save(work, folder, progress)
        yield paths

    @handle
    def listen(visitor: Session, levels: int) -> dict[str, str]:
        """The open clip rebuilt from that many levels, the original for 0, as a FLAC file in base64."""
        levels = Request({"levels": levels}, partial(visitors.own_work, visitor.owner)).integer("levels")
        sound = visitor.work.sound(levels, server.turns.pause)
        return {"flac": flac_base64(sound, server.turns.pause)}

    @handle
    def audition(visitor: Session, level: int, code: int) -> dict[str, str]:
        """A code by itself, as a FLAC file in base64."""
        return audition_answer(visitor.work, {"level": level, "code": code})

    # Progress, and the badge of a failure, stand over the place to drop a sound.
    where: dict[str, Any] = {"show_progress_on": tab.upload}
    opened = gr.on(
        [tab.upload.upload, tab.upload.stop_recording], open_clip, tab.upload, outputs, api_name="explore", **where
    )
    for ended in (opened.success, opened.failure):  # the sound is now below, or was refused: the place is free again
        ended(lambda: None, None, tab.upload, show_progress="hidden", api_visibility="private")
    chosen = tab.example.input(
        open_example, tab.example, outputs, api_name="explore_example", trigger_mode="always_last", **where
    )
    for event, visibility in ((opened, "public"), (chosen, "private")):
        event.success(
            decode, None, tab.facts, api_visibility=visibility, show_progress_on=tab.facts,
            api_name="explore_decode" if visibility == "public" else "explore_example_decode",
            trigger_mode="always_last",
        )  # fmt: skip
    tab.view.click(look, [tab.start, tab.stop], tab.pictures, api_name="explore_view", show_progress="minimal")
    tab.player.zoom(zoom, None, tab.pictures, api_visibility="private", show_progress="minimal")
    gr.api(listen, api_name="explore_listen")
    gr.api(audition, api_name="audition")
    saved = tab.save.click(save, None, tab.files, api_name="explore_save", show_progress_on=tab.save)
    saved.success(lambda: gr.update(visible=True), None, tab.files, api_visibility="private")


def show(visitor: Session) -> tuple[Any, ...]:
    """Everything the tab says of the open clip, for :attr:`ExploreTab.outputs`; its sound comes later."""
    work = visitor.work
    chosen = gr.update(choices=visitor.choices, value=work.example or work.secret)
    return chosen, *_first(work), *_rest(work)


def _first(work: Work) -> tuple[Any, ...]:
    """From the player to the spectrograms."""
    mels = plots.plot_mels(work.original, work.layers[-1].log_mel)
    end = _seconds(work)
    return _player(work), views.clip_facts(work), 0, round(end, 2), picture(mels, MEL_ALT, seconds=(0, end))


def _rest(work: Work) -> tuple[Any, ...]:
    """From the code maps on."""
    return (
        *_codes_and_layers(work, slice(None), (0, _seconds(work))),
        _codebook(work),
        picture(_usage(work), USAGE_ALT),
        _health(work),
    )


def _view(work: Work, start: float | None, stop: float | None, progress: Callable[[float], object]) -> tuple[Any, ...]:
    """A part of the clip, from and to in seconds, for :attr:`ExploreTab.pictures`."""
    end = _seconds(work)
    if start is None or stop is None or not 0 <= start < min(stop, end):
        raise GridError(f"Choose a part of the clip, from 0 to {end:.2f} s, whose end comes after its start.")
    stop = min(stop, end)
    first = min(int(start * SAMPLE_RATE / HOP_LENGTH), max(0, work.history.original.num_frames - 16))
    last = min(max(first + 16, round(stop * SAMPLE_RATE / HOP_LENGTH)), work.history.original.num_frames)
    work.codec.draw_atlas(progress)
    work.draw(progress)
    frames, seconds = slice(first, last), (first * plots.FRAME_SECONDS, last * plots.FRAME_SECONDS)
    mels = plots.plot_mels(work.original, work.layers[-1].log_mel, frames=frames)
    return (
        round(seconds[0], 2),
        round(seconds[1], 2),
        picture(mels, MEL_ALT, seconds=seconds),
        *_codes_and_layers(work, frames, seconds),
    )


def _codes_and_layers(work: Work, frames: slice, seconds: tuple[float, float]) -> tuple[Any, Any]:
    maps, layers = _maps(work, frames), _layers(work, frames)
    return picture(maps, MAP_ALT, seconds=seconds), picture(layers, LAYER_ALT, seconds=seconds)


def _maps(work: Work, frames: slice = slice(None)) -> Any:
    grid = work.history.original
    return plots.plot_code_maps(grid.indices, work.codec.atlas.colours, grid.num_frames, frames=frames)


def _layers(work: Work, frames: slice = slice(None)) -> Any:
    titles = [views.layer_title(layer) for layer in work.layers]
    return plots.plot_layers([layer.log_mel for layer in work.layers], titles, frames=frames)


def _player(work: Work) -> dict[str, Any]:
    stem = Path(work.name).stem
    tracks = [("Original", work.name, f"{stem}.wav")]
    for layer in work.layers:
        name = layer.name if layer.levels == 1 else f"+ {layer.name}"
        tracks.append((name, views.layer_note(layer), f"{stem}-{layer.levels}-of-{len(work.layers)}-levels.wav"))
    return player_value(work.secret, _seconds(work), tracks)


def audition_answer(work: Work, request: Any) -> dict[str, str]:
    """The sound of a ``code`` of a ``level`` by itself, as a FLAC file in base64."""
    numbers = Request(request, lambda secret: work)
    return {"flac": flac_base64(work.codec.audition(numbers.integer("level"), numbers.integer("code")))}


def pictures_answer(work: Work, pause: Callable[..., object]) -> dict[str, Any]:
    """What the page shows of a clip's codec."""
    return codec_pictures(work.codec.draw_atlas(pause), pause)


def _piece(work: Work, request: Request, progress: Callable[[float], object] | None = None) -> dict[str, Any]:
    track, number = request.integer("track"), request.integer("piece")
    waveform = work.piece(track, number, progress)
    last = number == work.num_pieces - 1
    gain = work.gain_db(track, progress) if last and track else None
    return piece_answer(waveform, work.num_pieces, gain)


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
    """The sound of every number of levels, the original, and the report as PNG and PDF."""
    stem, levels = Path(work.name).stem, work.codec.num_levels
    paths: list[Path] = []
    for count in range(levels + 1):
        name = "original" if count == 0 else f"{count}-of-{levels}-levels"

        def told(share: float, count: int = count) -> None:
            progress((count + share) / (levels + 1), desc="Decoding")

        paths.append(folder / f"{stem}-{name}.wav")
        write_wav(paths[-1], work.sound(count, told)[: work.num_samples], told)
    work.draw(lambda share: progress(share, desc="Drawing"))
    codec, grid = work.codec, work.history.original
    figure = plots.plot_report(
        work.original, work.layers[-1].log_mel, grid.indices, codec.atlas.colours, codec.usage(grid), codec.atlas.order,
        title=work.name, facts=views.report_facts(work),
    )  # fmt: skip
    for suffix in ("png", "pdf"):
        paths.append(folder / f"{stem}-report.{suffix}")
        figure.savefig(paths[-1])
    return [str(path) for path in paths]


def _seconds(work: Work) -> float:
    return work.history.original.num_frames * plots.FRAME_SECONDS
