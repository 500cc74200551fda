"""What priors say of codes: probabilities of all codes, from what is shown alone."""

import tracemalloc

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from distill.codec.making import training_grids
from distill.errors import GridError
from distill.prior import Frequencies, Memory, NearestContext, Patches, bits_per_code, patches

PRIORS = (Frequencies, NearestContext, Patches)
LARGEST_CODEBOOK = 4096


@pytest.fixture
def memory(codec):
    return Memory.of(codec.codebooks, training_grids(codec))


@pytest.mark.parametrize("make", PRIORS)
@pytest.mark.parametrize("level", [0, 2])
def test_every_prior_gives_each_code_a_chance_and_all_of_them_the_whole(memory, grid, make, level):
    hidden = np.random.default_rng(0).random((8, grid.columns)) < 0.5
    shown = np.where(hidden, -1, grid.indices)
    shown[:level] = grid.indices[:level]
    logs = make(memory.beside(grid, np.broadcast_to(hidden, grid.indices.shape))).log_probabilities(
        shown, level, hidden
    )
    assert logs.shape == (hidden.sum(), 64)
    assert np.isfinite(logs).all()
    assert np.allclose(np.exp(logs).sum(axis=1), 1, atol=1e-4)


@pytest.mark.parametrize("make", PRIORS)
def test_a_prior_does_not_see_the_codes_that_are_hidden(memory, grid, make):
    hidden = np.zeros((8, grid.columns), dtype=bool)
    hidden[:, 4:8] = True
    everywhere = np.broadcast_to(hidden, grid.indices.shape)
    other = grid.with_indices(np.where(hidden, (grid.indices + 1) % 64, grid.indices))
    answers = []
    for each in (grid, other):
        prior = make(memory.beside(each, everywhere))
        answers.append(prior.log_probabilities(np.where(hidden, -1, each.indices), 0, hidden))
    assert np.array_equal(*answers)


def test_patches_guess_hidden_codes_in_fewer_bits_than_frequencies_and_than_the_nearest_context(codec, memory, grid):
    hidden = np.random.default_rng(1).random((8, grid.columns)) < 0.5
    beside = memory.beside(grid, np.broadcast_to(hidden, grid.indices.shape))
    bits = {make: bits_per_code(make(beside), grid.indices, hidden).mean() for make in PRIORS}
    assert bits[Patches] < bits[Frequencies] - 0.1
    assert bits[Patches] < bits[NearestContext] - 0.1
    assert bits[Patches] < np.log2(codec.codebook_size)


def test_a_clip_that_repeats_itself_is_guessed_from_its_other_times(codec, grid):
    """Nothing else was heard, so what is guessed comes from the repeats."""
    bar = grid.indices[..., :7]
    thrice = np.concatenate([bar, bar, bar], axis=2)
    whole = codec.encode_mel(torch.zeros(128, 21 * 16)).with_indices(thrice)
    hidden = np.zeros((8, 21), dtype=bool)
    hidden[:, 9:12] = True
    beside = Memory.of(codec.codebooks, []).beside(whole, np.broadcast_to(hidden, thrice.shape))
    logs = Patches(beside).log_probabilities(np.where(hidden, -1, thrice), 0, hidden)
    assert (logs.argmax(axis=1) == thrice[0][hidden]).mean() > 0.8


def test_a_prior_multiplies_with_one_thread_and_leaves_the_number_of_others_as_it_was(memory, grid, monkeypatch):
    """Its products are small: two threads would wait for each other for as long as they work."""
    used: list[int] = []

    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    def seen(function):
        return lambda *asked: used.extend(threads()) or function(*asked)

    monkeypatch.setattr(patches, "_alike", seen(patches._alike))
    monkeypatch.setattr(Patches, "_shares", seen(Patches._shares))
    hidden = np.ones((8, grid.columns), dtype=bool)
    with threadpool_limits(2, user_api="blas"):
        Patches(memory).log_probabilities(np.full_like(grid.indices, -1), 0, hidden)
        after = threads()
    assert set(used) == {1}
    assert set(after) == {2}


def test_a_memory_of_nothing_falls_back_on_all_codes_alike(codec, grid):
    everything = np.ones(grid.indices.shape, dtype=bool)
    beside = Memory.of(codec.codebooks, []).beside(grid, everything)
    logs = Patches(beside).log_probabilities(np.full(grid.indices.shape, -1), 0, everything[0])
    assert np.allclose(np.exp(logs), 1 / 64, atol=1e-5)


def test_a_memory_keeps_the_clip_that_is_edited_once(codec, grid):
    memory = Memory.of(codec.codebooks, [grid.indices, grid.indices[..., :5]], ["mine", "other"])
    beside = memory.beside(grid, np.zeros(grid.indices.shape, dtype=bool), "this clip")
    assert beside.names == ("this clip", "other")


def test_a_memory_refuses_grids_of_other_codecs(codec, grid):
    with pytest.raises(GridError, match="another codec"):
        Memory.of(codec.codebooks, [grid.indices[:2]])
    with pytest.raises(GridError, match="another codec"):
        Memory.of(codec.codebooks, [grid.indices + 64])


def test_the_largest_codebook_that_a_file_may_hold_costs_no_gigabytes(codec):
    codebooks = np.random.default_rng(0).normal(size=(2, LARGEST_CODEBOOK, 64)).astype(np.float32)
    memory = Memory.of(codebooks, [np.random.default_rng(1).integers(LARGEST_CODEBOOK, size=(2, 8, 20))])
    tracemalloc.start()
    try:
        Patches(memory)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 30 * LARGEST_CODEBOOK**2  # a few numbers for each two codes, never one for each of their dimensions


@pytest.mark.parametrize("make", PRIORS)
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e18, 3e38])
def test_codebooks_of_any_size_give_probabilities(make, scale):
    """A stranger's file may hold any finite numbers."""
    random = np.random.default_rng(0)
    codebooks = (random.uniform(-1, 1, size=(2, 16, 4)) * scale).astype(np.float32)
    codes = random.integers(16, size=(2, 8, 12))
    hidden = random.random((8, 12)) < 0.5
    prior = make(Memory.of(codebooks, [codes]))
    for level in range(2):
        logs = prior.log_probabilities(np.where(hidden, -1, codes), level, hidden)
        assert np.isfinite(logs).all()
