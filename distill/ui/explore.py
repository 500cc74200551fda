"""The Explore tab: what the codec does to a sound."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from distill import plots
from distill.audio import load_clip
from distill.errors import AudioError, GridError
from distill.models.losses import mel_l1
from distill.training.health import codebook_health, level_names
from distill.ui import edit, views
from distill.ui.components import Picture, picture
from distill.ui.handlers import handler
from distill.ui.session import Examples, Session, Visitors, Work

if TYPE_CHECKING:
    from distill.ui.edit import EditTab

MEL_ALT = "Mel spectrograms of the original, of the reconstruction and their difference in decibels, over time"
MAP_ALT = "Code maps: for each level, which code stands in each of 8 frequency bands and each step of 186 ms"


@dataclass(frozen=True)
class ExploreTab:
    example: gr.Dropdown
    upload: gr.Audio
    original: gr.Audio
    reconstruction: gr.Audio
    levels: gr.Radio
    facts: gr.HTML
    mels: gr.HTML
    maps: gr.HTML
    usage: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        """What :func:`show` fills, in its order."""
        return [self.example, self.original, self.levels, *self.heard, self.maps, self.usage]

    @property
    def heard(self) -> list[Any]:
        """What changes with the number of levels."""
        return [self.reconstruction, self.facts, self.mels]


def build(examples: Examples) -> ExploreTab:
    """Lay out the tab, filled with the example clip."""
    work = examples.first
    choices = _level_choices(work)
    facts, mels = _compare(work, work.codec.num_levels)
    with gr.Row():
        with gr.Column(min_width=300):
            example = gr.Dropdown(
                [path.stem for path in examples.clips], value=Path(work.clip.name).stem, label="An example clip",
                elem_id="explore-example",
            )  # fmt: skip
            levels = gr.Radio(
                choices, value=len(choices), label="Rebuild from", elem_id="explore-levels",
                info="Each level adds what the ones before it left out.",
            )  # fmt: skip
        with gr.Column(min_width=300):
            upload = gr.Audio(
                sources=["upload", "microphone"], type="filepath", label="Or a sound of yours: drop a file or record",
                elem_id="explore-upload",
            )  # fmt: skip
    with gr.Row():
        original = gr.Audio(
            views.sound(work.clip.waveform), label=_original_label(work), interactive=False,
            elem_id="explore-original", buttons=["download"],
        )  # fmt: skip
        reconstruction = gr.Audio(
            views.sound(work.reconstruction), label="Reconstruction from codes", interactive=False,
            elem_id="explore-reconstruction", buttons=["download"],
        )  # fmt: skip
    facts_view = gr.HTML(facts, elem_id="explore-facts")
    mels_view = Picture(mels, MEL_ALT, elem_id="explore-mels")
    maps_view = Picture(_maps(work), MAP_ALT, elem_id="explore-maps")
    usage = gr.HTML(_usage(work), elem_id="explore-usage")
    return ExploreTab(example, upload, original, reconstruction, levels, facts_view, mels_view, maps_view, usage)


def connect(tab: ExploreTab, edit_tab: "EditTab", visitors: Visitors) -> None:
    """Wire the tab's events."""
    handle = handler(visitors)
    examples = {path.stem: path for path in visitors.examples.clips}

    def open_file(visitor: Session, path: str | Path, progress: gr.Progress) -> tuple[Any, ...]:
        visitor.open(visitor.codec, load_clip(path), lambda share: progress(share, desc="Decoding"))
        example = next((name for name, known in examples.items() if known == path), None)
        return *show(visitor.work, example), *edit.show(visitor)

    @handle
    def open_clip(visitor: Session, path: str | None, progress: gr.Progress = gr.Progress()) -> Any:  # noqa: B008
        if not path:
            raise AudioError("There is no sound there: drop a file or record one.")
        return open_file(visitor, path, progress)

    @handle
    def open_example(visitor: Session, name: str | None, progress: gr.Progress = gr.Progress()) -> Any:  # noqa: B008
        if name not in examples:
            raise AudioError("There is no example of that name.")
        _, *shown = open_file(visitor, examples[name], progress)
        return gr.skip(), *shown  # the list has its choice already, perhaps a newer one

    @handle
    def choose_levels(visitor: Session, levels: int | None) -> Any:
        if levels is None:
            raise GridError("Choose how many levels to rebuild from.")
        work = visitor.work
        facts, mels = _compare(work, levels)
        whole = levels == work.codec.num_levels
        waveform = work.reconstruction if whole else work.codec.decode(work.history.original, levels=levels)
        return views.sound(waveform), facts, picture(mels, MEL_ALT)

    # Progress, and the badge of a failure, stand over the place to drop a sound; the players below stay as they were.
    where: dict[str, Any] = {"show_progress_on": tab.upload}
    outputs = [*tab.outputs, *edit_tab.outputs]
    opened = gr.on(
        [tab.upload.upload, tab.upload.stop_recording], open_clip, tab.upload, outputs, api_name="explore", **where
    )
    for ended in (opened.success, opened.failure):  # the sound is now below, or was refused: the place is free again
        ended(lambda: None, None, tab.upload, show_progress="hidden", api_visibility="private")
    tab.example.input(
        open_example, tab.example, outputs, api_name="explore_example", trigger_mode="always_last", **where
    )
    tab.levels.input(choose_levels, tab.levels, tab.heard, api_name="explore_levels", show_progress_on=tab.facts)


def show(work: Work, example: str | None = None) -> tuple[Any, ...]:
    """Everything the tab says of a clip, for :attr:`ExploreTab.outputs`; ``example`` is its name if it is one."""
    levels = work.codec.num_levels
    facts, mels = _compare(work, levels)
    return (
        example,
        gr.update(value=views.sound(work.clip.waveform), label=_original_label(work)),
        gr.update(choices=_level_choices(work), value=levels),
        views.sound(work.reconstruction),
        facts,
        picture(mels, MEL_ALT),
        picture(_maps(work), MAP_ALT),
        _usage(work),
    )


def _compare(work: Work, levels: int) -> tuple[str, Any]:
    original = work.codec.log_mel_of(work.clip)
    decoded = work.codec.decode_mel(work.history.original, levels=levels)
    error = mel_l1(decoded[None, None], original[None, None]).item()
    return views.clip_facts(work.codec, work.clip, error, levels), plots.plot_mels(original.numpy(), decoded.numpy())


def _maps(work: Work) -> Any:
    grid = work.history.original
    return plots.plot_code_maps(grid.indices, work.colours, grid.num_frames)


def _usage(work: Work) -> str:
    counts = work.codec.usage(work.history.original)
    table = views.health_table(codebook_health(counts), work.codec.codebook_size, judged=False)
    return f"<h3>Codes in this clip</h3>{table}"


def _original_label(work: Work) -> str:
    return f"Original: {work.clip.name}"


def _level_choices(work: Work) -> list[tuple[str, int]]:
    names = level_names(work.codec.num_levels)
    return [(names[0] if n == 1 else f"+ {names[n - 1]}", n) for n in range(1, len(names) + 1)]
