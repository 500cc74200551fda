"""Long clips: processing in pieces gives the result of one pass, and no step takes more than one piece."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from distill.audio import HOP_LENGTH, Clip
from distill.audio.vocoder import BLOCK_FRAMES
from distill.codec.evaluation import evaluate
from distill.codec.grid_decoder import DECODED_FRAMES
from distill.codes import CodeGrid
from distill.models.vqvae import STRIDE
from tests.codec.peeling import peeled

WIDEST_COLUMNS = BLOCK_FRAMES // STRIDE + 10
"""Largest width of one pass of the encoder, in columns: a piece with its neighbourhood."""
WIDEST_DECODED = DECODED_FRAMES // STRIDE + 4
"""Largest width of one pass of the decoder, in columns: a block with its neighbourhood."""


class Widths:
    """A hook that notes the width of the input of each pass of a network."""

    def __init__(self):
        self.seen = []

    def __call__(self, network, inputs, output):
        self.seen.append(inputs[0].shape[-1])


@pytest.fixture
def widths(codec):
    """Widths of the passes of the decoder, in columns."""
    widths = Widths()
    hook = codec.model.decoder.register_forward_hook(widths)
    yield widths.seen
    hook.remove()


@pytest.fixture
def encoder_widths(codec):
    """Widths of the passes of the encoder, in frames."""
    widths = Widths()
    hook = codec.model.encoder.register_forward_hook(widths)
    yield widths.seen
    hook.remove()


@pytest.fixture(scope="module")
def long(drums, drone):
    """A clip of 40 s that ends within a frame."""
    both = np.concatenate([drums.waveform, drone.waveform])
    return Clip("long.wav", np.tile(both, 6)[: 40 * 44_100 + 123])


@pytest.fixture(scope="module")
def long_grid(codec, long):
    return codec.encode_mel(codec.log_mel_of(long))


@pytest.mark.parametrize("frames", [1, 2, 3, 1023, 1024, 1025, 1040, 1041, 1042, 2065, 3001])
@pytest.mark.parametrize("rest", [0, 1, 511])
def test_the_log_mel_of_a_clip_equals_that_of_one_pass(codec, long, frames, rest):
    waveform = long.waveform[: frames * HOP_LENGTH - rest]
    shares = []
    log_mel = codec.log_mel_of(Clip("long.wav", waveform), shares.append)
    whole = codec.log_mel(torch.from_numpy(waveform)[None])[0, 0]
    assert log_mel.shape == whole.shape
    assert (log_mel - whole).abs().max() < 1e-5
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(shares) >= frames // (BLOCK_FRAMES + STRIDE)


@pytest.mark.parametrize("frames", [1, 16, 1040, 1041, 3001, 3446])
def test_the_codes_of_a_clip_equal_those_of_one_pass(codec, long, encoder_widths, frames):
    log_mel, shares = codec.log_mel_of(long)[:, :frames], []
    grid = codec.encode_mel(log_mel, shares.append)
    assert max(encoder_widths) <= WIDEST_COLUMNS * STRIDE
    with torch.no_grad():
        _, indices, _ = codec.model.quantize(codec.model.encode(log_mel[None, None]))
    assert np.array_equal(grid.indices, indices[0].T.reshape(grid.indices.shape).numpy())
    assert shares[-1] == 1


@pytest.mark.parametrize("frames", [1, 5, 1041, 2050])
def test_codes_and_log_mel_of_shorter_columns_equal_those_of_one_pass(codec, fine_codec, long, frames):
    log_mel = codec.log_mel_of(long)[:, :frames]
    grid = fine_codec.encode_mel(log_mel)
    with torch.no_grad():
        _, indices, _ = fine_codec.model.quantize(fine_codec.model.encode(log_mel[None, None]))
    assert grid.time_stride == fine_codec.time_stride
    assert np.array_equal(grid.indices, indices[0].T.reshape(grid.indices.shape).numpy())
    whole = fine_codec.grid_decoder.columns(torch.from_numpy(grid.indices.copy()))[:, :frames]
    assert (fine_codec.decode_mel(grid) - whole).abs().max() < 1e-5


@pytest.mark.parametrize("levels", [1, 2, None])
def test_the_log_mel_of_a_grid_equals_that_of_one_pass(codec, long_grid, widths, levels):
    shares = []
    log_mel = codec.decode_mel(long_grid, levels=levels, progress=shares.append)
    assert max(widths) <= WIDEST_DECODED
    assert sum(widths) < 1.4 * long_grid.columns
    assert len(shares) == 4
    indices = torch.from_numpy(long_grid.indices.copy())
    indices[levels or 3 :] = -1
    whole = codec.grid_decoder.columns(indices)[:, : long_grid.num_frames]
    assert (log_mel - whole).abs().max() < 1e-5


def test_streaming_decodes_only_the_pieces_that_are_read(codec, long_grid, widths):
    stream = codec.stream(long_grid)
    assert widths == []
    first = next(stream)
    assert len(first) == BLOCK_FRAMES * HOP_LENGTH
    assert max(widths) <= WIDEST_DECODED
    assert sum(widths) < 1.5 * BLOCK_FRAMES / STRIDE
    assert np.array_equal(np.concatenate([first, *stream]), codec.decode(long_grid))


def test_an_edit_of_many_columns_sounds_as_in_one_pass(codec, long_grid, widths):
    edited = long_grid.with_indices(np.roll(long_grid.indices, 1, axis=1))
    patch = codec.decode_region(edited, columns=slice(20, 200))
    assert max(widths) <= WIDEST_DECODED
    whole = codec.vocoder(codec.decode_mel(edited)).numpy()
    assert np.abs(patch.waveform - whole[patch.start : patch.stop]).max() < 1e-5


def test_the_layers_of_a_clip_are_computed_in_pieces_and_report_progress(codec, long, long_grid, widths):
    shares = []
    layers = peeled(codec, codec.log_mel_of(long), long_grid, shares.append)
    assert max(widths) <= WIDEST_DECODED
    assert len(layers) == 3
    assert sum(widths) < 3 * 1.4 * long_grid.columns
    assert len(shares) >= 3 * 4
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_clips_are_evaluated_in_pieces(codec, long, widths, encoder_widths):
    result = evaluate(codec, [long])
    assert max(widths) <= WIDEST_DECODED
    assert max(encoder_widths) <= WIDEST_COLUMNS * STRIDE
    assert 0 < result.mel_l1 < 1


def test_the_memory_of_a_codec_counts_codebooks_and_atlas_once_they_are_computed(codec_path):
    from distill.codec import Codec

    codec = Codec.load(codec_path)
    bare = codec.num_bytes
    weights = sum(parameter.nbytes for parameter in codec.model.parameters())
    assert bare > weights
    codebooks = codec.codebooks
    assert codec.num_bytes == bare + codebooks.nbytes
    atlas = codec.atlas
    assert codec.num_bytes >= bare + codebooks.nbytes + atlas.log_mels.nbytes


def test_an_atlas_is_drawn_in_pieces_and_blocks_no_other_thread(small_model):
    from distill.codec import Codec

    slow, other = (Codec(small_model(seed=seed, codebook_size=128)) for seed in (1, 2))
    drawn, shares = [], []
    with ThreadPoolExecutor(1) as thread:

        def progress(share):
            shares.append(share)
            if len(shares) == 1:
                drawn.extend(thread.submit(lambda: (other.atlas, slow.atlas)).result(60))

        atlas = slow.draw_atlas(progress)
    assert shares == sorted(shares)
    assert len(shares) == slow.num_levels * (2 + 1)
    assert shares[-1] == 1
    assert drawn == [other.atlas, slow.atlas]
    assert atlas is slow.atlas


def test_a_grid_of_ten_minutes_is_decoded_in_pieces(codec, grid, widths):
    indices = np.tile(grid.indices, 231)[..., :3230]
    long_grid = CodeGrid(indices, 3230 * STRIDE, codec.model_id, codec.codebook_size)
    codec.decode_mel(long_grid, levels=1)
    assert max(widths) <= WIDEST_COLUMNS
