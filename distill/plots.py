"""Matplotlib figures of log-mels, code maps and training curves: arrays in, Figure out, no global state."""

from collections.abc import Sequence

import librosa
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure

from distill.audio.logmel import HOP_LENGTH, N_MELS, SAMPLE_RATE, LogMel
from distill.codes.grid import FRAMES_PER_COLUMN
from distill.training.health import level_names

FRAME_SECONDS = HOP_LENGTH / SAMPLE_RATE
NEPERS_TO_DB = 20 / np.log(10)
MAX_DRAWN_FRAMES = 2000
INK = "#80868f"  # grey that is legible on white and on black: one picture serves both themes
ACCENT = "#f2552c"
CURVE_COLOURS = (ACCENT, "#2f9e8f")
HZ_TICKS = (250, 1000, 4000, 16000)


def code_palette(codebook: np.ndarray) -> np.ndarray:
    """A colour for each code of a level, such that codes that are close in the codebook look alike.

    The codes' angle in the plane of their two principal components gives the hue, their distance from its middle the
    saturation.

    Parameters
    ----------
    codebook : ndarray [codebook_size, dim]

    Returns
    -------
    ndarray of uint8 [codebook_size, 3]
        Red, green, blue.
    """
    centred = codebook - codebook.mean(axis=0)
    left, scale, _ = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(codebook), 2))
    count = min(2, len(scale))
    plane[:, :count] = left[:, :count] * scale[:count]
    # Ranks, not angles, or most codes of a lopsided codebook would share a hue.
    hue = np.argsort(np.argsort(np.arctan2(plane[:, 1], plane[:, 0]))) / len(codebook)
    radius = np.argsort(np.argsort(np.hypot(*plane.T))) / len(codebook)
    colours = np.stack([hue, 0.35 + 0.45 * radius, 0.95 - 0.30 * ((np.arange(len(hue)) * 0.618) % 1)], axis=1)
    return np.round(hsv_to_rgb(colours) * 255).astype(np.uint8)


def row_ranges_hz(rows: int = 8) -> list[tuple[float, float]]:
    """The band of each row of a grid, lowest first, in Hz."""
    edges = librosa.mel_frequencies(N_MELS + 1, fmin=0, fmax=SAMPLE_RATE / 2)[:: N_MELS // rows]
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def plot_mels(original: np.ndarray, reconstruction: np.ndarray) -> Figure:
    """Original, reconstruction and their difference, one above the other on one time axis.

    Parameters
    ----------
    original, reconstruction : ndarray [128, frames]
        Natural-log mel spectrograms of the same length.

    Returns
    -------
    Figure
        Time in seconds, frequency in Hz, level and difference in dB. The first two share a colour scale.
    """
    figure, axes = _stack(3, "Time (s)")
    first, second = (_decimate(mel) * NEPERS_TO_DB for mel in (original, reconstruction))
    top = max(float(first.max()), LogMel.floor * NEPERS_TO_DB + 40)
    level = {"cmap": "magma", "vmin": top - 80, "vmax": top}
    panels = (
        ("Original", first, level),
        ("Reconstruction", second, level),
        (
            "Difference: red where the reconstruction is louder",
            second - first,
            {"cmap": "RdBu_r", "vmin": -20, "vmax": 20},
        ),
    )
    bands = np.interp(
        HZ_TICKS, librosa.mel_frequencies(N_MELS + 2, fmin=0, fmax=SAMPLE_RATE / 2)[1:-1], np.arange(N_MELS) + 0.5
    )
    for axis, (title, decibels, colours) in zip(axes, panels, strict=True):
        seconds = original.shape[1] * FRAME_SECONDS
        image = axis.imshow(
            decibels, origin="lower", aspect="auto", interpolation="nearest", extent=(0, seconds, 0, N_MELS), **colours
        )
        axis.set_yticks(bands, [_hz(frequency) for frequency in HZ_TICKS])
        axis.set_ylabel("Hz")
        axis.set_title(title, loc="left", color=INK, fontsize=10)
        bar = figure.colorbar(image, cax=axis.inset_axes((1.012, 0, 0.012, 1)))
        bar.set_label("dB", color=INK, fontsize=9)
        _style(bar.ax)
    return figure


def plot_code_maps(indices: np.ndarray, palettes: Sequence[np.ndarray], num_frames: int) -> Figure:
    """The codes of each level over frequency and time, on the same time axis as :func:`plot_mels`.

    Parameters
    ----------
    indices : ndarray of int [levels, rows, columns]
    palettes : sequence of ndarray of uint8 [codebook_size, 3]
        Of each level, from :func:`code_palette`.
    num_frames : int
        Frames of the clip, where the time axis ends.

    Returns
    -------
    Figure
        Time in seconds; each row's band in Hz.
    """
    levels, rows, columns = indices.shape
    figure, axes = _stack(levels, "Time (s)")
    edges = [low for low, _ in row_ranges_hz(rows)]
    for axis, codes, palette, name in zip(axes, indices, palettes, level_names(levels), strict=True):
        extent = (0, columns * FRAMES_PER_COLUMN * FRAME_SECONDS, 0, rows)
        axis.imshow(palette[codes], origin="lower", aspect="auto", interpolation="nearest", extent=extent)
        axis.set_xlim(0, num_frames * FRAME_SECONDS)
        axis.set_yticks(range(rows), [_hz(edge) for edge in edges])
        axis.set_ylabel("Hz")
        axis.set_title(
            f"{name}: {len(np.unique(codes))} of {len(palette)} codes in use", loc="left", color=INK, fontsize=10
        )
    return figure


def plot_curves(steps: Sequence[dict], validations: Sequence[dict]) -> Figure:
    """Training loss and error on whole clips, over seconds of training.

    Parameters
    ----------
    steps : sequence of dict
        Each with ``seconds`` and ``recon_loss``.
    validations : sequence of dict
        Each with ``seconds``, ``mel_l1`` and ``val_mel_l1`` (None where nothing was held out).
    """
    figure, (axis,) = _stack(1, "Training time (s)", height=2.6)
    axis.plot(
        [s["seconds"] for s in steps],
        [s["recon_loss"] * NEPERS_TO_DB for s in steps],
        color=INK,
        alpha=0.6,
        lw=1,
        label="each step",
    )
    for key, colour, label in (
        ("mel_l1", CURVE_COLOURS[0], "training clips"),
        ("val_mel_l1", CURVE_COLOURS[1], "held-out clips"),
    ):
        points = [(v["seconds"], v[key] * NEPERS_TO_DB) for v in validations if v[key] is not None]
        if points:
            axis.plot(*zip(*points, strict=True), color=colour, marker="o", ms=4, lw=2, label=label)
    axis.set_ylim(bottom=0)
    axis.set_xlim(left=0)
    axis.set_ylabel("Average error (dB)")
    axis.grid(color=INK, alpha=0.2, lw=0.5)
    axis.legend(frameon=False, labelcolor=INK, fontsize=9)
    return figure


def _stack(count: int, xlabel: str, *, height: float = 1.75) -> tuple[Figure, list[Axes]]:
    """Panels one above the other, with the same margins in inches whatever they show, so that times line up."""
    width, left, right, top, bottom, gap = 9.0, 0.75, 0.75, 0.35, 0.5, 0.4
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


def _decimate(mel: np.ndarray) -> np.ndarray:
    """At most 2000 columns, each the loudest of the frames it stands for."""
    stride = -(-mel.shape[1] // MAX_DRAWN_FRAMES)
    if stride == 1:
        return mel
    padded = np.pad(mel, ((0, 0), (0, -mel.shape[1] % stride)), mode="edge")
    return padded.reshape(mel.shape[0], -1, stride).max(axis=2)


def _hz(frequency: float) -> str:
    return f"{frequency / 1000:.3g}k" if frequency >= 1000 else f"{frequency:.0f}"
