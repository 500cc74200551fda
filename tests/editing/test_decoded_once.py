"""Pictures and sounds of a clip share what is decoded: each log-mel is made once, counted in memory, and
freed with the clip."""

import gc
import weakref

import numpy as np
import pytest

from distill.audio import Clip
from distill.audio.vocoder import BLOCK_FRAMES, BLOCK_SAMPLES
from distill.codec import Codec
from distill.codec.grid_decoder import DECODED_FRAMES
from distill.editing.calls import perform
from distill.editing.work import Work
from distill.models.vqvae import STRIDE


@pytest.fixture
def log_mels(codec):
    """The number of frames of each log-mel that is computed from a waveform."""
    seen = []
    hook = codec.log_mel.register_forward_hook(lambda front_end, inputs, output: seen.append(output.shape[-1]))
    yield seen
    hook.remove()


@pytest.mark.parametrize("first", ["pictures", "sound"])
def test_each_number_of_levels_is_decoded_once_for_pictures_and_sound(codec, drums, widths, first):
    clip = Clip("long.wav", np.tile(drums.waveform, 6))
    work = Work.begin(codec, clip)
    assert work.num_pieces == 2
    if first == "pictures":
        work.draw()
    sounds = [work.sound(levels) for levels in (1, 2, 3)]
    layers = work.layers
    assert sum(widths) < 3 * 1.5 * work.history.original.columns
    assert max(widths) <= DECODED_FRAMES // STRIDE + 4
    for levels in (1, 2, 3):
        assert np.array_equal(sounds[levels - 1], codec.decode(work.history.original, levels=levels))
        assert np.array_equal(
            layers[levels - 1].log_mel, codec.decode_mel(work.history.original, levels=levels).numpy()
        )


def test_the_log_mel_of_a_clip_that_is_opened_is_made_once(codec, drums, log_mels):
    work = Work.begin(codec, Clip("long.wav", np.tile(drums.waveform, 6)))
    assert sum(log_mels) < 1.1 * work.history.original.num_frames
    log_mels.clear()
    original, _ = work.draw()
    assert log_mels == []
    work.release()
    assert np.array_equal(work.draw()[0], original)
    assert log_mels != []


def test_the_memory_of_a_decoded_log_mel_is_counted_and_released(long):
    bare = long.num_bytes
    long.piece(1, 0)
    assert long.num_bytes - bare == pytest.approx(4 * BLOCK_SAMPLES + 512 * (BLOCK_FRAMES + DECODED_FRAMES), rel=0.02)
    long.release()
    assert long.num_bytes == bare


def interrupt(share):
    raise KeyboardInterrupt


def test_a_work_that_is_closed_is_gone_at_once_with_its_codec(examples, drums):
    work = Work.begin(Codec.load(examples / "models" / "loops.distill"), drums)
    with pytest.raises(KeyboardInterrupt):
        work.draw(interrupt)
    work.decode()
    perform(work, {"kind": "paint", "level": 0, "code": 3, "cells": [[1, 1]]}, None)
    perform(work, {"kind": "mix", "levels": [0, 0], "rows": [0, 7], "columns": [0, 1], "gain": 0.5}, None)
    left = weakref.ref(work), weakref.ref(work.codec)
    gc.disable()  # a circle of references would wait for it, and keep megabytes until then
    try:
        del work
        assert [each() for each in left] == [None, None]
    finally:
        gc.enable()
