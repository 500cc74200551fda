"""Matplotlib figures of log-mels, code maps and training curves. Each function takes arrays and returns a Figure."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from distill.audio.logmel import HOP_LENGTH, N_MELS, SAMPLE_RATE, LogMel, mel_frequencies
from distill.codes.grid import column_seconds
from distill.codes.levels import level_names

FRAME_SECONDS = HOP_LENGTH / SAMPLE_RATE
NEPERS_TO_DB = float(20 / np.log(10))
MAX_DRAWN_FRAMES = 2000
PICTURE_INCHES, LEFT_INCHES, RIGHT_INCHES = 9.0, 0.75, 0.75
TIME_AXIS = (LEFT_INCHES / PICTURE_INCHES, 1 - RIGHT_INCHES / PICTURE_INCHES)
"""Start and end of the time axis in every picture, as shares of the picture's width."""
INK = "#80868f"  # grey that is legible on white and on black: one picture serves both themes
ACCENT = "#f2552c"
CURVE_COLOURS = (ACCENT, "#2f9e8f")
HZ_TICKS = (250, 1000, 4000, 16000)


def row_ranges_hz(rows: int = 8) -> list[tuple[float, float]]:
    """Lower and upper frequency of each row of a grid in Hz, lowest row first."""
    edges = mel_frequencies(N_MELS + 1)[:: N_MELS // rows]
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def band_name(low: float, high: float) -> str:
    """Text for the frequency band from ``low`` to ``high``, both in Hz."""
    return f"{low:.0f}–{high:.0f} Hz" if high < 1000 else f"{low / 1000:.1f}–{high / 1000:.1f} kHz"


def plot_mels(
    original: np.ndarray,
    reconstruction: np.ndarray,
    *,
    frames: slice = slice(None),
    titles: tuple[str, str] = ("Original", "Reconstruction"),
) -> Figure:
    """Draw an original, its reconstruction and their difference, one above the other on one time axis.

    Parameters
    ----------
    original, reconstruction : ndarray [128, num_frames]
        Natural-log mel spectrograms of the same length.
    frames : slice
        The frames to draw; all by default.
    titles : (str, str)
        Titles of the original and of the reconstruction.

    Returns
    -------
    Figure
        Time in seconds from the clip's start, frequency in Hz, level and difference in dB. The original and the
        reconstruction share a colour scale.
    """
    figure, axes = _stack(3, "Time (s)")
    top = top_db(original)
    for axis, log_mel, title in zip(axes, (original, reconstruction), titles, strict=False):
        _draw_mel(axis, log_mel, frames, title, top)
    title = f"Difference: red where “{titles[1]}” is louder, blue where it is quieter"
    _draw_mel(axes[2], reconstruction - original, frames, title, None)
    return figure


def plot_layers(layers: Sequence[np.ndarray], titles: Sequence[str], *, frames: slice = slice(None)) -> Figure:
    """Draw a clip rebuilt from one level of its codes, from two levels, and so on, on the axes of :func:`plot_mels`.

    Parameters
    ----------
    layers : sequence of ndarray [128, num_frames]
        Natural-log mel spectrograms of the same length; they share a colour scale.
    titles : sequence of str
        One title for each layer.
    frames : slice
        The frames to draw; all by default.
    """
    figure, axes = _stack(len(layers), "Time (s)", height=1.35)
    top = top_db(layers[-1])
    for axis, log_mel, title in zip(axes, layers, titles, strict=True):
        _draw_mel(axis, log_mel, frames, title, top)
    return figure


def plot_code_maps(
    indices: np.ndarray,
    palettes: Sequence[np.ndarray] | np.ndarray,
    num_frames: int,
    *,
    frames: slice = slice(None),
    time_stride: int = 16,
) -> Figure:
    """Draw the codes of each level over frequency and time, on the same time axis as :func:`plot_mels`.

    Parameters
    ----------
    indices : ndarray of int [levels, rows, columns]
        The codes, 0 to ``codebook_size - 1``.
    palettes : sequence of ndarray of uint8 [codebook_size, 3]
        For each level, the RGB colour of each code, from :func:`~distill.codec.atlas.code_palette`.
    num_frames : int
        Length of the clip in frames; the time axis ends there.
    frames : slice
        The frames to draw; all by default.
    time_stride : int
        Number of frames that a column spans.

    Returns
    -------
    Figure
        Time in seconds; the frequency of each row in Hz.
    """
    figure, axes = _stack(len(indices), "Time (s)", height=1.35)
    for axis, codes, palette, name in zip(axes, indices, palettes, level_names(len(indices)), strict=True):
        title = f"{name}: {len(np.unique(codes))} of {len(palette)} codes in use"
        _draw_codes(axis, codes, palette, num_frames, frames, title, time_stride=time_stride)
    return figure


def plot_usage(counts: np.ndarray, palettes: Sequence[np.ndarray] | np.ndarray, order: np.ndarray) -> Figure:
    """Draw how often each code of each level occurs.

    Parameters
    ----------
    counts : ndarray of int [levels, codebook_size]
        Number of cells that hold each code.
    palettes : sequence of ndarray of uint8 [codebook_size, 3]
        For each level, the RGB colour of each code.
    order : ndarray of int [levels, codebook_size]
        For each level, all codes in the order of their bars; neighbours sound alike.

    Returns
    -------
    Figure
        One bar for each code: its share of the level's cells, in percent.
    """
    figure, axes = _stack(len(counts), "Codes, those that sound alike beside each other", height=1.0)
    for axis, level, palette, places, name in zip(axes, counts, palettes, order, level_names(len(counts)), strict=True):
        _draw_usage(axis, level, palette, places, f"{name}: {(level > 0).sum()} of {len(level)} codes in use")
    return figure


def plot_atlas(log_mels: np.ndarray, palettes: Sequence[np.ndarray] | np.ndarray, order: np.ndarray) -> Figure:
    """Draw the sound of every code of every level.

    Parameters
    ----------
    log_mels : ndarray [levels, codebook_size, 128, frames]
        Natural-log mel of each code.
    palettes, order
        Colours and order of the codes, as in :func:`plot_usage`.

    Returns
    -------
    Figure
        A panel for each level: the log-mels of its codes beside each other, the colour of each code below it.
    """
    figure, axes = _stack(len(log_mels), "Codes, those that sound alike beside each other", height=1.4)
    for axis, level, palette, places, name in zip(
        axes, log_mels, palettes, order, level_names(len(log_mels)), strict=True
    ):
        _draw_mel(axis, np.concatenate(list(level[places]), axis=1), slice(None), name, top_db(level))
        colours = axis.inset_axes((0, -0.09, 1, 0.07))
        colours.imshow(palette[places][None], aspect="auto", interpolation="nearest")
        colours.axis("off")
        axis.set_xticks([])
    axes[-1].xaxis.labelpad = 14  # below the colours
    return figure


def plot_report(
    original: np.ndarray,
    reconstruction: np.ndarray,
    indices: np.ndarray,
    palettes: Sequence[np.ndarray] | np.ndarray,
    counts: np.ndarray,
    order: np.ndarray,
    *,
    title: str,
    facts: Sequence[tuple[str, str]],
    time_stride: int = 16,
) -> Figure:
    """Draw an upright A4 page with all pictures and figures of a clip in a codec.

    Parameters
    ----------
    original, reconstruction : ndarray [128, num_frames]
        Natural-log mel spectrograms of the same length.
    indices : ndarray of int [levels, rows, columns]
        The codes, as in :func:`plot_code_maps`.
    palettes, counts, order
        Colours, numbers and order of the codes, as in :func:`plot_usage`.
    title : str
        Title of the page.
    facts : sequence of (str, str)
        Pairs of the name of a figure and its value with its unit.
    time_stride : int
        Number of frames that a column spans.
    """
    levels, num_frames, everything = len(indices), original.shape[1], slice(None)
    heights = [2.2, 2, 2, 2, *[1.1] * levels, *[0.8] * levels]
    figure = Figure(figsize=(8.27, 11.69), dpi=150)
    axes = figure.subplots(len(heights), 1, gridspec_kw={"height_ratios": heights})
    figure.subplots_adjust(left=0.1, right=0.88, top=0.94, bottom=0.05, hspace=0.75)
    figure.text(0.1, 0.965, title, fontsize=15, fontweight="bold", family="monospace", parse_math=False)
    axes[0].axis("off")
    rows = -(-len(facts) // 3)
    for number, (what, value) in enumerate(facts):
        x, y = (number // rows) / 3, 1 - (number % rows) / rows
        axes[0].text(x, y, what, fontsize=7, color=INK, va="top", transform=axes[0].transAxes)
        axes[0].text(x, y - 0.4 / rows, value, fontsize=9, va="top", family="monospace", transform=axes[0].transAxes)
    for axis in axes[1:]:
        _style(axis)
    top = top_db(original)
    _draw_mel(axes[1], original, everything, "Original", top)
    _draw_mel(axes[2], reconstruction, everything, "Reconstruction", top)
    _draw_mel(axes[3], reconstruction - original, everything, "Difference", None)
    for number, name in enumerate(level_names(levels)):
        codes, used = axes[4 + number], axes[4 + levels + number]
        title = f"{name}: codes over time (s)"
        _draw_codes(
            codes, indices[number], palettes[number], num_frames, everything, title, every=3, time_stride=time_stride
        )
        _draw_usage(used, counts[number], palettes[number], order[number], f"{name}: how often each code occurs")
    return figure


class LossCurves(Protocol):
    """The curves of a training, as ``distill.training.records.Curves`` has them.

    ``steps`` have ``seconds`` and ``recon_loss``; ``validations`` have ``seconds``, ``mel_l1`` and ``val_mel_l1``, the
    last of which is None where nothing was held out. Losses and errors are in nepers.
    """

    @property
    def steps(self) -> Sequence[Any]: ...

    @property
    def validations(self) -> Sequence[Any]: ...


def plot_curves(curves: LossCurves) -> Figure:
    """Draw the training loss and the error on whole clips, in dB, over seconds of training."""
    figure, (axis,) = _stack(1, "Training time (s)", height=2.6)
    axis.plot(
        [point.seconds for point in curves.steps],
        [point.recon_loss * NEPERS_TO_DB for point in curves.steps],
        color=INK,
        alpha=0.6,
        lw=1,
        label="each step",
    )
    errors = [(point.seconds, point.mel_l1, point.val_mel_l1) for point in curves.validations]
    lines = (
        ([(seconds, error) for seconds, error, _ in errors], CURVE_COLOURS[0], "training clips"),
        ([(seconds, error) for seconds, _, error in errors if error is not None], CURVE_COLOURS[1], "held-out clips"),
    )
    for line, colour, label in lines:
        points = [(seconds, error * NEPERS_TO_DB) for seconds, error in line]
        if points:
            axis.plot(*zip(*points, strict=True), color=colour, marker="o", ms=4, lw=2, label=label)
    axis.set_ylim(bottom=0)
    axis.set_xlim(left=0)
    axis.set_ylabel("Average error (dB)")
    axis.grid(color=INK, alpha=0.2, lw=0.5)
    axis.legend(frameon=False, labelcolor=INK, fontsize=9)
    return figure


def _stack(count: int, xlabel: str, *, height: float = 1.6) -> tuple[Figure, list[Axes]]:
    """Make panels one above the other. All pictures have the same margins in inches, so that their times line up."""
    width, left, right, top, bottom, gap = PICTURE_INCHES, LEFT_INCHES, RIGHT_INCHES, 0.35, 0.5, 0.4
    total = count * height + (count - 1) * gap + top + bottom
    figure = Figure(figsize=(width, total), dpi=110)
    figure.patch.set_alpha(0)
    axes = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
    figure.subplots_adjust(
        left=left / width, right=1 - right / width, top=1 - top / total, bottom=bottom / total, hspace=gap / height
    )
    for axis in axes:
        _style(axis)
    axes[-1].set_xlabel(xlabel)
    return figure, list(axes)


def _style(axis: Axes) -> None:
    axis.patch.set_alpha(0)
    axis.tick_params(colors=INK, labelsize=8, length=3)
    axis.xaxis.label.set(color=INK, fontsize=9)
    axis.yaxis.label.set(color=INK, fontsize=9)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _draw_mel(axis: Axes, log_mel: np.ndarray, frames: slice, title: str, top_db: float | None) -> None:
    """Draw a log-mel from ``top_db`` down to 80 dB below; if ``top_db`` is None, draw a difference, -20 to 20 dB."""
    first, last, _ = frames.indices(log_mel.shape[1])
    decibels = _decimate(log_mel[:, first:last], peaks=top_db is not None) * NEPERS_TO_DB
    colours, low, high = ("magma", top_db - 80, top_db) if top_db is not None else ("RdBu_r", -20.0, 20.0)
    extent = (first * FRAME_SECONDS, last * FRAME_SECONDS, 0, N_MELS)
    image = axis.imshow(decibels, origin="lower", aspect="auto", interpolation="nearest", extent=extent)
    image.set(cmap=colours, clim=(low, high))
    axis.set_yticks(_band_places(HZ_TICKS), [_hz(frequency) for frequency in HZ_TICKS])
    axis.set_ylabel("Hz")
    axis.set_title(title, loc="left", color=INK, fontsize=10)
    figure = axis.figure
    assert figure is not None
    bar = figure.colorbar(image, cax=axis.inset_axes((1.012, 0, 0.012, 1)))
    bar.set_label("dB", color=INK, fontsize=9)
    _style(bar.ax)


def _draw_codes(
    axis: Axes,
    codes: np.ndarray,
    palette: np.ndarray,
    num_frames: int,
    frames: slice,
    title: str,
    *,
    every: int = 1,
    time_stride: int,
) -> None:
    first, last, _ = frames.indices(num_frames)
    rows, columns = codes.shape
    start, stop = first // time_stride, min(columns, -(-last // time_stride))
    colours, stop_drawn = _pooled_colours(palette[codes[:, start:stop]], stop)
    each = column_seconds(time_stride)
    extent = (start * each, stop_drawn * each, 0, rows)
    axis.imshow(colours, origin="lower", aspect="auto", interpolation="nearest", extent=extent)
    axis.set_xlim(first * FRAME_SECONDS, last * FRAME_SECONDS)
    edges = [_hz(low) for low, _ in row_ranges_hz(rows)]
    axis.set_yticks(range(0, rows, every), edges[::every])
    axis.set_ylabel("Hz")
    axis.set_title(title, loc="left", color=INK, fontsize=10)


def _draw_usage(axis: Axes, counts: np.ndarray, palette: np.ndarray, order: np.ndarray, title: str) -> None:
    share = 100 * counts / max(counts.sum(), 1)
    axis.bar(range(len(order)), share[order], width=0.9, color=palette[order] / 255)
    axis.set_xlim(-0.5, len(order) - 0.5)
    axis.set_xticks([])
    axis.set_ylabel("Cells (%)")
    axis.set_title(title, loc="left", color=INK, fontsize=10)


def top_db(log_mel: np.ndarray) -> float:
    """Level in dB of the brightest colour for a log-mel: its loudest value, or 40 dB above the floor."""
    return max(float(log_mel.max()) * NEPERS_TO_DB, LogMel.floor * NEPERS_TO_DB + 40)


def _band_places(frequencies: Sequence[float]) -> np.ndarray:
    centres = mel_frequencies(N_MELS + 2)[1:-1]
    return np.interp(frequencies, centres, np.arange(N_MELS) + 0.5)


def _decimate(values: np.ndarray, *, peaks: bool) -> np.ndarray:
    """Reduce frames to at most 2000 columns; each is the largest value of its frames, or the furthest from zero."""
    stride = -(-values.shape[1] // MAX_DRAWN_FRAMES)
    if stride <= 1:
        return values
    padded = np.pad(values, ((0, 0), (0, -values.shape[1] % stride)), mode="edge")
    groups = padded.reshape(values.shape[0], -1, stride)
    if peaks:
        return groups.max(axis=2)
    furthest = np.abs(groups).argmax(axis=2)
    return np.take_along_axis(groups, furthest[..., None], axis=2)[..., 0]


def _pooled_colours(colours: np.ndarray, stop: int) -> tuple[np.ndarray, int]:
    """Reduce colours [rows, columns, 3] to at most 2000 columns, each the mean of the columns that it replaces.

    Also returns the column at which the reduced columns end, in place of ``stop``.
    """
    columns = colours.shape[1]
    stride = -(-columns // MAX_DRAWN_FRAMES)
    if stride <= 1:
        return colours, stop
    padded = np.pad(colours, ((0, 0), (0, -columns % stride), (0, 0)), mode="edge")
    pooled = padded.reshape(len(colours), -1, stride, 3).mean(axis=2)
    return pooled.round().astype(np.uint8), stop + -columns % stride


def _hz(frequency: float) -> str:
    return f"{frequency / 1000:.3g}k" if frequency >= 1000 else f"{frequency:.0f}"
