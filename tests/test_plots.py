"""The figures show their arrays on axes in seconds and Hz."""

import io

import numpy as np
import pytest
import torch
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from distill.audio import SAMPLE_RATE, LogMel
from distill.audio.compiled import load_librosa
from distill.codec.atlas import code_palette
from distill.codes.grid import column_seconds
from distill.plots import (
    TIME_AXIS,
    plot_atlas,
    plot_code_maps,
    plot_curves,
    plot_layers,
    plot_mels,
    plot_report,
    plot_usage,
    row_ranges_hz,
)
from distill.training.records import NO_CURVES, Curves, StepPoint, ValidationPoint

librosa = load_librosa()
DB = 20 / np.log(10)


def panels(figure: Figure) -> list[Axes]:
    """The axes that show a picture, top to bottom."""
    return sorted((axis for axis in figure.axes if axis.images), key=lambda axis: -axis.get_position().y0)


def title(axis: Axes) -> str:
    return "".join(axis.get_title(loc=loc) for loc in ("left", "center", "right"))


def ticks(axis: Axes) -> list[tuple[float, float]]:
    """Position of each tick of the vertical axis, and the frequency in Hz that its label names."""
    places = zip(axis.get_yticks(), axis.get_yticklabels(), strict=True)
    labels = [(place, label.get_text()) for place, label in places if label.get_text()]
    return [(place, float(text.rstrip("k")) * (1000 if text.endswith("k") else 1)) for place, text in labels]


def colours(axis: Axes) -> np.ndarray:
    """The drawn image as uint8 [rows, columns, 3]."""
    image = axis.images[0]
    return image.to_rgba(image.get_array(), bytes=True)[..., :3]


@pytest.fixture(scope="module")
def mels(codec, drums) -> tuple[np.ndarray, np.ndarray]:
    original = codec.log_mel_of(drums)
    return original.numpy(), codec.decode_mel(codec.encode_mel(original)).numpy()


@pytest.fixture(scope="module")
def palettes(codec) -> list[np.ndarray]:
    return list(codec.atlas.colours)


def test_the_mels_and_their_difference_are_drawn_in_db_one_above_the_other(mels):
    figure = plot_mels(*mels)
    assert isinstance(figure, Figure)
    original, reconstruction, difference = panels(figure)
    assert [title(axis).split()[0].strip(":") for axis in panels(figure)] == [
        "Original",
        "Reconstruction",
        "Difference",
    ]
    assert np.allclose(original.images[0].get_array(), mels[0] * DB, atol=1e-3)
    assert np.allclose(reconstruction.images[0].get_array(), mels[1] * DB, atol=1e-3)
    assert np.allclose(difference.images[0].get_array(), (mels[1] - mels[0]) * DB, atol=1e-3)
    assert original.images[0].get_clim() == reconstruction.images[0].get_clim()
    assert sum(difference.images[0].get_clim()) == 0


def test_the_mels_have_a_time_axis_in_seconds_and_low_frequencies_at_the_bottom(mels, drums):
    for axis in panels(plot_mels(*mels)):
        assert axis.get_xlim() == pytest.approx((0, drums.seconds), abs=512 / SAMPLE_RATE)
        assert axis.get_ylim() == (0, 128)
        assert axis.images[0].origin == "lower"
        assert axis.get_ylabel() == "Hz"
        assert "black" not in str(axis.get_facecolor())
    assert any(axis.get_xlabel() == "Time (s)" for axis in panels(plot_mels(*mels)))


def test_a_tone_is_drawn_at_the_tick_of_its_frequency():
    time = torch.arange(SAMPLE_RATE) / SAMPLE_RATE
    named = ticks(panels(plot_mels(np.zeros((128, 9)), np.zeros((128, 9))))[0])
    assert len(named) >= 3
    for place, hertz in named:
        mel = LogMel()(torch.sin(2 * torch.pi * hertz * time)[None])[0, 0]
        assert int(mel[:, 40].argmax()) + 0.5 == pytest.approx(place, abs=1.5)


def test_a_long_clip_is_drawn_with_fewer_pixels_on_the_same_time_axis():
    mel = np.full((128, 9001), -8.0)
    mel[40, 5000] = 1.0
    axis = panels(plot_mels(mel, mel))[0]
    drawn = axis.images[0].get_array()
    assert drawn.shape[1] < 9001
    assert drawn.max() == pytest.approx(DB)
    assert axis.get_xlim() == pytest.approx((0, 9001 * 512 / SAMPLE_RATE))


def test_silence_can_be_drawn():
    silence = np.full((128, 1), LogMel.floor)
    assert len(panels(plot_mels(silence, silence))) == 3


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_each_level_has_a_map_in_the_colours_of_its_codes(levels):
    random = np.random.default_rng(0)
    indices = random.integers(32, size=(levels, 8, 5))
    palettes = [code_palette(random.permutation(32), random.normal(size=32)) for _ in range(levels)]
    figure = plot_code_maps(indices, palettes, num_frames=70)
    assert isinstance(figure, Figure)
    assert len(panels(figure)) == levels
    for axis, codes, palette in zip(panels(figure), indices, palettes, strict=True):
        assert np.array_equal(colours(axis), palette[codes])
        assert axis.images[0].origin == "lower"
        assert f"{len(np.unique(codes))} of 32 codes" in title(axis)
    assert title(panels(figure)[0]).startswith("Structure")
    assert title(panels(figure)[-1]).startswith("Detail")


def test_the_maps_share_the_time_axis_of_the_mels(codec, drums, mels, palettes):
    grid = codec.encode(drums.waveform, SAMPLE_RATE)
    maps = panels(plot_code_maps(grid.indices, palettes, grid.num_frames))
    spectrogram = panels(plot_mels(*mels))[0]
    for axis in maps:
        assert axis.get_xlim() == pytest.approx(spectrogram.get_xlim())
        assert axis.images[0].get_extent()[:2] == pytest.approx([0, grid.columns * 16 * 512 / SAMPLE_RATE])
        assert axis.get_position().x0 == pytest.approx(spectrogram.get_position().x0, abs=0.01)
        assert axis.get_position().x1 == pytest.approx(spectrogram.get_position().x1, abs=0.01)


@pytest.mark.parametrize(("time_stride", "first", "last"), [(8, 10, 40), (4, 10, 40), (16, 10, 40)])
def test_a_map_of_shorter_columns_has_the_time_axis_of_its_frames(time_stride, first, last):
    indices = np.random.default_rng(0).integers(4, size=(2, 8, -(-50 // time_stride)))
    palettes = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    for axis in panels(plot_code_maps(indices, palettes, 50, frames=slice(first, last), time_stride=time_stride)):
        assert axis.get_xlim() == pytest.approx([first * 512 / 44_100, last * 512 / 44_100])
        columns = [first // time_stride, -(-last // time_stride)]
        assert axis.images[0].get_extent()[:2] == pytest.approx(
            [each * column_seconds(time_stride) for each in columns]
        )
        assert axis.images[0].get_array().shape[1] == columns[1] - columns[0]


def test_the_rows_of_a_map_are_labelled_with_their_frequencies(codec, drums, palettes):
    grid = codec.encode(drums.waveform, SAMPLE_RATE)
    ranges = row_ranges_hz(8)
    for axis in panels(plot_code_maps(grid.indices, palettes, grid.num_frames)):
        named = ticks(axis)
        assert len(named) >= 4
        for place, hertz in named:
            low, high = ranges[int(place)]
            assert low * 0.95 - 1 <= hertz <= high * 1.05


def test_the_rows_cover_all_frequencies_without_gaps():
    ranges = row_ranges_hz(8)
    assert len(ranges) == 8
    assert ranges[0][0] == 0
    assert ranges[-1][1] == pytest.approx(SAMPLE_RATE / 2)
    assert all(low < high for low, high in ranges)
    assert [high for _, high in ranges[:-1]] == [low for low, _ in ranges[1:]]
    assert ranges[4][0] == pytest.approx(librosa.mel_to_hz(librosa.hz_to_mel(22_050) / 2), rel=1e-6)


def test_the_palettes_of_a_real_codec_are_distinct(palettes):
    for palette in palettes:
        assert palette.shape == (64, 3)
        assert len(np.unique(palette, axis=0)) == 64


def test_a_part_of_a_clip_is_drawn_on_the_clips_own_time_axis(codec, drums, mels, palettes):
    grid = codec.encode(drums.waveform, SAMPLE_RATE)
    part = slice(40, 90)
    expected = pytest.approx((40 * 512 / SAMPLE_RATE, 90 * 512 / SAMPLE_RATE))
    mel_figure = plot_mels(*mels, frames=part)
    assert np.allclose(panels(mel_figure)[0].images[0].get_array(), mels[0][:, part] * DB, atol=1e-3)
    maps = plot_code_maps(grid.indices, palettes, grid.num_frames, frames=part)
    layers = plot_layers([mels[1]] * 3, ["one", "two", "three"], frames=part)
    for axis in [*panels(mel_figure), *panels(maps), *panels(layers)]:
        assert axis.get_xlim() == expected


def test_every_picture_has_its_time_axis_at_the_same_place(codec, drums, mels, palettes):
    grid = codec.encode(drums.waveform, SAMPLE_RATE)
    for figure in (
        plot_mels(*mels),
        plot_code_maps(grid.indices, palettes, grid.num_frames),
        plot_layers([mels[1]], ["one"]),
    ):
        for axis in panels(figure):
            assert (axis.get_position().x0, axis.get_position().x1) == pytest.approx(TIME_AXIS, abs=1e-3)


def test_the_layers_share_one_colour_scale_and_bear_their_titles(mels):
    first, second = panels(plot_layers([mels[1], mels[0]], ["coarse: 258 bit/s", "all: 517 bit/s"]))
    assert first.images[0].get_clim() == second.images[0].get_clim()
    assert (title(first), title(second)) == ("coarse: 258 bit/s", "all: 517 bit/s")
    assert np.allclose(second.images[0].get_array(), mels[0] * DB, atol=1e-3)


def test_a_long_difference_keeps_its_largest_error_of_either_sign():
    original, reconstruction = np.zeros((128, 9001)), np.zeros((128, 9001))
    reconstruction[10, 100], reconstruction[20, 8000] = -2.0, 1.5
    drawn = panels(plot_mels(original, reconstruction))[2].images[0].get_array()
    assert drawn.shape[1] < 9001
    assert drawn.min() == pytest.approx(-2 * DB)
    assert drawn.max() == pytest.approx(1.5 * DB)


def test_the_usage_has_a_bar_for_each_code_in_percent_and_in_its_order(codec, drums, palettes):
    counts = codec.usage(codec.encode(drums.waveform, SAMPLE_RATE))
    order = codec.atlas.order
    for axis, level, places, palette in zip(
        plot_usage(counts, palettes, order).axes, counts, order, palettes, strict=True
    ):
        heights = [bar.get_height() for bar in axis.patches]
        assert np.allclose(heights, (100 * level / level.sum())[places])
        assert sum(heights) == pytest.approx(100)
        assert np.allclose(axis.patches[3].get_facecolor()[:3], palette[places[3]] / 255)
        assert "%" in axis.get_ylabel()
        assert f"{(level > 0).sum()} of 64 codes" in title(axis)


def test_the_sound_of_every_code_stands_above_its_colour_in_the_order_of_the_atlas(codec):
    atlas = codec.atlas
    figure = plot_atlas(atlas.log_mels, atlas.colours, atlas.order)
    pictures = [axis for axis in figure.axes if axis.images]
    assert [title(axis) for axis in pictures] == ["Structure", "Timbre", "Detail"]
    for level, axis in enumerate(pictures):
        drawn, code = axis.images[0].get_array(), atlas.order[level][5]
        assert drawn.shape == (128, 64 * 16)
        assert np.allclose(drawn[:, 5 * 16 : 6 * 16], atlas.log_mels[level, code] * DB, atol=1e-3)
        (strip,) = (
            inner for inner in axis.child_axes if inner.images and inner.images[0].get_array().shape == (1, 64, 3)
        )
        assert np.array_equal(strip.images[0].get_array()[0, 5], atlas.colours[level, code])


def test_codes_that_never_occur_can_be_drawn(palettes):
    assert len(plot_usage(np.zeros((3, 64), dtype=int), palettes, np.tile(np.arange(64), (3, 1))).axes) == 3


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_the_report_holds_the_figures_and_all_the_pictures(levels):
    random = np.random.default_rng(0)
    indices = random.integers(32, size=(levels, 8, 5))
    counts = np.stack([np.bincount(level.ravel(), minlength=32) for level in indices])
    colours = [code_palette(np.arange(32), random.normal(size=32)) for _ in range(levels)]
    order = np.tile(np.arange(32), (levels, 1))
    mel = random.normal(-5, 1, (128, 70))
    figure = plot_report(
        mel,
        mel + 0.1,
        indices,
        colours,
        counts,
        order,
        title="a clip",
        facts=[("Length", "0.81 s"), ("Cost", "7 bit/s")],
    )
    assert len(panels(figure)) == 3 + levels
    written = " ".join(text.get_text() for axis in figure.axes for text in axis.texts) + figure.texts[0].get_text()
    for words in ("a clip", "Length", "0.81 s", "7 bit/s"):
        assert words in written
    assert figure.get_size_inches() == pytest.approx((8.27, 11.69))


def test_the_curves_show_every_step_and_every_validation():
    steps = tuple(StepPoint(n * 0.5, 2 / (n + 1), n) for n in range(9))
    figure = plot_curves(Curves(steps, (ValidationPoint(2.0, 0.9, 1.1, 4), ValidationPoint(4.0, 0.6, 0.8, 8))))
    assert isinstance(figure, Figure)
    (axis,) = figure.axes
    unit = DB if "dB" in axis.get_ylabel() else 1
    drawn = [np.array([line.get_xdata(), line.get_ydata()], dtype=float) for line in axis.lines]
    expected = [
        [[point.seconds for point in steps], [point.recon_loss * unit for point in steps]],
        [[2.0, 4.0], [0.9 * unit, 0.6 * unit]],
        [[2.0, 4.0], [1.1 * unit, 0.8 * unit]],
    ]
    for curve in expected:
        assert any(line.shape == np.shape(curve) and np.allclose(line, curve) for line in drawn)
    assert "(s)" in axis.get_xlabel()
    assert axis.get_ylim()[0] == 0
    assert len(axis.get_legend().get_texts()) == 3


def test_without_held_out_clips_there_is_no_curve_for_them():
    (axis,) = plot_curves(Curves((), (ValidationPoint(2.0, 0.9, None, 4),))).axes
    assert not any("held-out" in str(line.get_label()) for line in axis.lines)
    assert len(axis.lines) == 2


def test_the_curves_of_the_example_codec_can_be_drawn(codec):
    (axis,) = plot_curves(codec.info.curves).axes
    assert axis.get_xlim()[1] >= codec.info.provenance.training_seconds


def test_figures_leave_no_global_state_behind_and_can_be_saved(mels, palettes):
    before = pyplot.get_fignums()
    figures = [
        plot_mels(*mels),
        plot_code_maps(np.zeros((3, 8, 2), dtype=int), palettes, 20),
        plot_curves(NO_CURVES),
        plot_layers([mels[0]], ["one"]),
        plot_usage(np.ones((3, 64), dtype=int), palettes, np.tile(np.arange(64), (3, 1))),
    ]
    assert pyplot.get_fignums() == before
    for figure in figures:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        assert buffer.getvalue().startswith(b"\x89PNG")


def test_the_code_maps_of_ten_minutes_draw_no_more_columns_than_can_be_seen():
    indices = np.tile(np.arange(8)[:, None] % 4, (3, 1, 3230))
    palettes = np.full((3, 4, 3), 90, dtype=np.uint8)
    figure = plot_code_maps(indices, palettes, 3230 * 16)
    for axis in figure.axes:
        (image,) = axis.images
        assert image.get_array().shape == (8, 1615, 3)
        assert (image.get_array() == 90).all()
        assert image.get_extent()[:2] == pytest.approx([0, 3230 * column_seconds(16)])
