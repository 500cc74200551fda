"""Decoding an edit gives the samples of a full decode, all that the edit changes, and takes work only for the edit."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from distill.audio import SAMPLE_RATE
from distill.audio.vocoder import Vocoder
from distill.codec import Codec
from distill.codec.grid_decoder import DECODED_FRAMES
from distill.codes import CodeGrid, edits
from distill.errors import GridError


def an_edit(grid: CodeGrid, columns: slice, random: np.random.Generator) -> CodeGrid:
    """Set random codes on random levels and rows of the given columns."""
    for level in random.permutation(grid.levels)[: random.integers(1, grid.levels + 1)]:
        low = int(random.integers(grid.rows))
        rows = slice(low, int(random.integers(low, grid.rows)) + 1)
        code = int(random.integers(grid.codebook_size))
        grid = edits.set_codes(grid, level=int(level), rows=rows, columns=columns, code=code)
    return grid


def some_edits(columns: int, random: np.random.Generator, count: int) -> list[slice]:
    """Return spans of columns: the first, the last, all, and ``count`` random spans."""
    starts = random.integers(0, columns, count)
    spans = [slice(int(start), int(random.integers(start, columns)) + 1) for start in starts]
    return [slice(0, 1), slice(columns - 1, columns), slice(0, columns), *spans]


def check_region(codec: Codec, after: CodeGrid, columns: slice, decoded: np.ndarray) -> None:
    patch, untouched = codec.decode_region(after, columns=columns), decoded.copy()
    assert patch.waveform.dtype == np.float32
    assert 0 <= patch.start < patch.stop <= len(decoded)
    patched = patch.apply(decoded)
    assert np.array_equal(decoded, untouched)
    assert np.array_equal(patched[patch.start : patch.stop], patch.waveform)
    assert np.abs(patched - codec.decode(after)).max() < 1e-5


def test_decoding_an_edit_gives_the_samples_of_a_full_decode(codec, grid, decoded):
    random = np.random.default_rng(0)
    for columns in some_edits(grid.columns, random, 12):
        check_region(codec, an_edit(grid, columns, random), columns, decoded)


def test_decoding_an_edit_of_a_sustained_sound_gives_the_samples_of_a_full_decode(codec, drone):
    random = np.random.default_rng(1)
    grid = codec.encode(drone.waveform, SAMPLE_RATE)
    previous = codec.decode(grid)
    for columns in some_edits(grid.columns, random, 5):
        check_region(codec, an_edit(grid, columns, random), columns, previous)


def test_decoding_an_edit_of_shorter_columns_gives_the_samples_of_a_full_decode(fine_codec, drums):
    random = np.random.default_rng(3)
    grid = fine_codec.encode(drums.waveform[:40_000], SAMPLE_RATE)
    assert grid.columns == -(-grid.num_frames // fine_codec.time_stride)
    previous = fine_codec.decode(grid)
    for columns in some_edits(grid.columns, random, 5):
        check_region(fine_codec, an_edit(grid, columns, random), columns, previous)


def test_an_edit_of_a_shorter_column_changes_a_shorter_sound(codec, fine_codec, drums):
    lengths = []
    for each in (codec, fine_codec):
        grid = each.encode(drums.waveform, SAMPLE_RATE)
        middle = grid.columns // 2
        lengths.append(len(each.decode_region(grid, columns=middle).waveform))
    saved = 512 * 3 * (16 - fine_codec.time_stride) - 512  # its own column, and the next ones on both sides
    assert lengths[1] <= lengths[0] - saved


def test_the_work_of_an_edit_of_shorter_columns_depends_on_the_edit(fine_codec, widths_of):
    stride, work = fine_codec.time_stride, []
    for columns in (200, 2000):
        codes = np.random.default_rng(0).integers(16, size=(3, 8, columns))
        grid = CodeGrid(codes, columns * stride, fine_codec.model_id, 16, time_stride=stride)
        with widths_of(fine_codec.model.decoder) as widths:
            fine_codec.decode_region(grid, columns=slice(98, 100))
        work.append(sum(widths))
    assert work[0] == work[1] <= 2 * (DECODED_FRAMES / stride + 4)


@pytest.mark.parametrize("num_frames", [1, 7, 15, 16, 17, 32, 33, 50])
def test_decoding_an_edit_of_a_short_clip_gives_the_samples_of_a_full_decode(codec, drone, num_frames):
    random = np.random.default_rng(num_frames)
    grid = codec.encode(drone.waveform[44_100 : 44_100 + num_frames * 512], SAMPLE_RATE)
    assert grid.num_frames == num_frames
    previous = codec.decode(grid)
    for columns in some_edits(grid.columns, random, 1):
        check_region(codec, an_edit(grid, columns, random), columns, previous)


def test_after_many_edits_the_patched_clip_is_the_sound_of_the_grid(codec, grid, decoded):
    random = np.random.default_rng(2)
    clip, after = decoded, grid
    for columns in some_edits(grid.columns, random, 6):
        after = an_edit(after, columns, random)
        clip = codec.decode_region(after, columns=columns).apply(clip)
    assert np.abs(clip - codec.decode(after)).max() < 1e-5


def test_an_edit_changes_the_sound(codec, grid, decoded):
    quiet = edits.paste_codes(grid, np.repeat(grid.indices[:, :, -1:], 2, axis=2), row=0, column=3)
    patch = codec.decode_region(quiet, columns=slice(3, 5))
    assert np.abs(patch.waveform - decoded[patch.start : patch.stop]).max() > 0.05


def test_an_edit_changes_the_sound_mainly_in_its_own_columns(codec, grid):
    after = edits.set_codes(grid, level=0, rows=slice(0, 8), columns=6, code=int(grid.indices[0, 0, 6] + 1) % 64)
    change = (codec.decode_mel(after) - codec.decode_mel(grid)).abs().mean(dim=0)
    assert change[6 * 16 : 7 * 16].mean() > 10 * torch.cat([change[: 5 * 16], change[8 * 16 :]]).mean()


@pytest.fixture
def widths_of():
    """Collects the widths of the passes of a network."""

    @contextmanager
    def watch(network: torch.nn.Module) -> Iterator[list[int]]:
        seen: list[int] = []
        hook = network.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape[-1]))
        yield seen
        hook.remove()

    return watch


class WatchedVocoder(Vocoder):
    """A vocoder that calls the vocoder of the codec and stores the lengths of the log-mels that it receives."""

    def __init__(self, vocoder: Vocoder) -> None:
        self.vocoder, self.reach, self.frames = vocoder, vocoder.reach, []

    def __call__(self, log_mel: torch.Tensor, first_frame: int = 0) -> torch.Tensor:
        self.frames.append(log_mel.shape[1])
        return self.vocoder(log_mel, first_frame)


@pytest.fixture
def watched_codec(codec_path) -> Codec:
    codec = Codec.load(codec_path)
    codec.vocoder = WatchedVocoder(codec.vocoder)
    return codec


def test_the_work_of_an_edit_depends_on_the_edit_and_not_on_the_length_of_the_clip(watched_codec):
    decoded_columns, lengths = [], []
    watched_codec.model.decoder.register_forward_hook(lambda _, inputs, __: decoded_columns.append(inputs[0].shape[-1]))
    for columns in (60, 600):
        random = np.random.default_rng(0)
        grid = CodeGrid(random.integers(64, size=(3, 8, columns)), columns * 16, watched_codec.model_id, 64)
        lengths.append(len(watched_codec.decode_region(grid, columns=slice(28, 30)).waveform))
    frames, reach = watched_codec.vocoder.frames, watched_codec.vocoder.reach
    assert lengths[0] == lengths[1] < (2 * reach + 4 * 16) * 512
    assert frames[0] == frames[1] < 4 * reach + 4 * 16
    assert decoded_columns[: len(decoded_columns) // 2] == decoded_columns[len(decoded_columns) // 2 :]
    assert sum(decoded_columns) / 2 <= 2 * (DECODED_FRAMES / 16 + 4)


@pytest.mark.parametrize("columns", [slice(14, 15), slice(-1, 1), slice(3, 3), slice(5, 2), slice(0, 15)])
def test_columns_that_are_not_in_the_grid_are_refused(codec, grid, decoded, columns):
    with pytest.raises(GridError, match="not in this grid: it has columns 0 to 13"):
        codec.decode_region(grid, columns=columns)
