"""Takes: what is drawn for a part of a grid, and what is left as it was."""

import tracemalloc
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.audio import Clip
from distill.codec import Codec
from distill.codec.making import keeping, training_grids
from distill.codes import CodeGrid, edits
from distill.codes.kept import KeptGrids
from distill.errors import GridError
from distill.models import ConvVQVAE
from distill.prior import Frequencies, Vamp
from distill.prior.copies import find_copy
from distill.prior.memory import Memory
from tests.editing.tiling import tiled


@pytest.fixture(scope="module")
def vamp(codec):
    return Vamp(codec)


def runs(size):
    return st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).map(
        lambda ends: slice(min(ends), max(ends) + 1)
    )


REGIONS = {"levels": runs(3), "rows": runs(8), "columns": runs(14)}
HEAT = {"temperature": st.sampled_from([0.0, 0.5, 1.0, 10.0]), "top_p": st.sampled_from([0.01, 0.5, 1.0])}


@settings(max_examples=25, deadline=None)
@given(
    st.fixed_dictionaries(REGIONS),
    st.fixed_dictionaries(HEAT),
    st.integers(0, 2**31),
    st.sampled_from(["vary", "some", "fill", "loop"]),
)
def test_a_take_leaves_the_rest_bit_by_bit_repeats_by_its_seed_and_has_codes_of_the_codec(
    vamp, grid, region, heat, seed, tool
):
    more = {"some": {"amount": 0.3}, "loop": {"loop": True}}.get(tool, {})
    prepare = vamp.vary if tool in ("vary", "some") else vamp.fill
    take = prepare(grid, **region, **more).take(**heat, seed=seed)
    outside = np.ones(grid.indices.shape, dtype=bool)
    outside[region["levels"], region["rows"], region["columns"]] = False
    assert np.array_equal(take.grid.indices[outside], grid.indices[outside])
    assert take.grid.indices.min() >= 0
    assert take.grid.num_samples == grid.num_samples
    assert ((take.sureness >= 0) & (take.sureness <= 1)).all()
    assert 0 <= take.copied.share <= 1
    assert prepare(grid, **region, **more).take(**heat, seed=seed).grid == take.grid


def outside_of(grid, region):
    outside = np.ones(grid.indices.shape, dtype=bool)
    outside[tuple(region.get(name, slice(None)) for name in ("levels", "rows", "columns"))] = False
    return outside


def with_other_codes(grid, where):
    return grid.with_indices(np.where(where, (grid.indices + 31) % 64, grid.indices))


@pytest.mark.parametrize("columns", [slice(4, 8), slice(0, 3), slice(10, 14)])
@pytest.mark.parametrize("loop", [None, False, True])
def test_what_is_drawn_does_not_hang_on_what_stood_there_though_the_codec_was_trained_on_the_clip(
    vamp, grid, columns, loop
):
    there = ~outside_of(grid, {"columns": columns})
    other = with_other_codes(grid, there)
    prepare, more = (vamp.vary, {}) if loop is None else (vamp.fill, {"loop": loop})
    takes = [prepare(each, columns=columns, **more).take(temperature=0.0, seed=1) for each in (grid, other)]
    assert takes[0].grid == takes[1].grid
    assert takes[0].copied == takes[1].copied


@settings(max_examples=10, deadline=None)
@given(st.fixed_dictionaries(REGIONS | {"columns": st.just(slice(5, 8))}), st.sampled_from(["left", "right"]))
def test_going_on_looks_at_one_side_alone_and_leaves_the_rest(vamp, grid, region, side):
    away = np.zeros(grid.indices.shape, dtype=bool)
    away[..., slice(8, None) if side == "right" else slice(0, 5)] = True
    other = with_other_codes(grid, away)
    takes = [vamp.go_on(each, **region, side=side).take(seed=3) for each in (grid, other)]
    outside = outside_of(grid, region)
    assert np.array_equal(takes[0].grid.indices[outside], grid.indices[outside])
    assert np.array_equal(takes[1].grid.indices[outside], other.indices[outside])
    assert np.array_equal(takes[0].grid.indices[~outside], takes[1].grid.indices[~outside])


def test_the_place_of_a_copy_at_a_loops_seam_is_that_of_the_clip_as_it_stands(codec, grid):
    """The clip is one bar, twice, of which the end of the first is missing."""
    bar = grid.indices[..., :7]
    twice = codec.encode_mel(torch.zeros(128, 14 * 16)).with_indices(np.concatenate([bar, bar], axis=2))
    take = Vamp(codec, []).fill(twice, columns=slice(11, 14), loop=True, name="mine").take(temperature=0.0)
    assert (take.copied.name, take.copied.start, take.copied.stop) == ("mine", 4, 7)
    assert take.copied.share > 0.8


def test_takes_of_a_part_are_those_that_are_drawn_one_by_one(vamp, grid):
    part = vamp.vary(grid, columns=slice(3, 8), amount=0.5)
    for seed in (0, 4, 0):
        alone = vamp.vary(grid, columns=slice(3, 8), amount=0.5).take(seed=seed)
        assert part.take(seed=seed).grid == alone.grid


def test_other_seeds_draw_other_takes(vamp, grid):
    takes = {vamp.vary(grid, columns=slice(3, 9)).take(seed=seed).grid for seed in range(4)}
    assert len(takes) == 4
    assert grid not in takes


def test_how_much_is_the_share_of_the_cells_that_may_change(vamp, grid):
    parts = [vamp.vary(grid, columns=slice(2, 10), amount=amount) for amount in (0.0, 0.1, 0.5, 1.0)]
    takes = [part.take(seed=1, temperature=2.0) for part in parts]
    changed = [(take.grid.indices != grid.indices).any(axis=0).sum() for take in takes]
    assert changed[0] == 0
    assert changed[1] <= 7
    assert changed[1] < changed[2] <= 32
    assert changed[2] < changed[3] <= 64


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_clip_that_goes_on_keeps_what_it_was(vamp, codec, grid, side):
    take = vamp.continue_(grid, columns=5, side=side).take(seed=2)
    there = slice(5, None) if side == "left" else slice(0, grid.columns)
    assert take.grid.columns == grid.columns + 5
    assert np.array_equal(take.grid.indices[..., there], grid.indices)
    assert len(codec.decode(take.grid)) == take.grid.num_samples
    assert take.grid.num_samples > grid.num_samples


def test_a_mix_stays_where_it_is_when_a_clip_goes_on(vamp, grid):
    mixed = edits.mix_codes(grid, levels=0, rows=0, columns=slice(0, 2), gain=0.5)
    longer = vamp.continue_(mixed, columns=3, side="left").take().grid
    assert np.array_equal(longer.mix[..., 3:], mixed.mix)
    assert (longer.mix[..., :3] == grid.faders[0, 0, 0]).all()
    assert np.array_equal(vamp.vary(mixed, columns=slice(0, 4)).take().grid.mix, mixed.mix)


def test_an_invention_has_the_length_that_is_asked_for_and_sounds(vamp, codec):
    for columns in (1, 2, 9):
        take = vamp.invent(columns, seed=4)
        assert take.grid.columns == columns
        codec.check(take.grid)
    assert np.abs(codec.decode(take.grid)).max() > 1e-3


def test_an_invention_is_loud_where_its_rhythm_is(vamp, codec):
    rhythm = np.zeros(24)
    rhythm[::4] = 1
    log_mel = codec.decode_mel(vamp.invent(24, rhythm=rhythm, seed=0).grid).numpy()
    power = np.exp(2 * log_mel).mean(axis=0).reshape(24, -1).mean(axis=1)
    assert np.median(power[::4]) > 4 * np.median(power[rhythm == 0])


def test_a_clip_is_played_by_the_sounds_of_another(vamp, codec, grid, drone):
    other = codec.encode_clip(drone)
    take = vamp.cross(grid, other)
    assert take.grid.num_samples == grid.num_samples
    columns = {other.indices[..., column].tobytes() for column in range(other.columns)}
    assert all(take.grid.indices[..., column].tobytes() in columns for column in range(grid.columns))
    assert take.copied.name == "the other clip"


def test_the_more_a_jump_costs_the_longer_are_the_parts_of_the_other_clip(vamp, codec, grid, drone):
    other = codec.encode_clip(drone)
    runs = [vamp.cross(other, grid, jump=jump).copied.columns for jump in (0, 100)]
    assert runs[0] < runs[1]


def test_many_columns_are_crossed_in_little_memory(codec, grid):
    long = tiled(codec, grid, 3000)
    tracemalloc.start()
    try:
        take = Vamp(codec).cross(long, long)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 60e6  # a matrix of all distances has 36 MB, and the jumps of its paths twice as much
    assert take.grid.columns == 3000


def test_a_copy_is_found_and_told(codec, grid):
    memory = Memory.of(codec.codebooks, [grid.indices], ["loop_perc1"])
    part = grid.with_indices(np.roll(grid.indices, 3, axis=2))
    drawn = np.zeros(grid.indices.shape, dtype=bool)
    drawn[..., 5:9] = True
    copied = find_copy(memory, part.indices, drawn)
    assert (copied.share, copied.columns, copied.start, copied.stop) == (1.0, 4, 2, 6)
    assert copied.sentence(0.5) == "100 % of it is loop_perc1, 1.0 to 3.0 s."


def test_shorter_columns_and_other_codebooks_are_varied_too(fine_codec):
    stride, random = fine_codec.time_stride, np.random.default_rng(0)
    grid = CodeGrid(random.integers(16, size=(3, 8, 20)), 20 * stride, fine_codec.model_id, 16, time_stride=stride)
    take = Vamp(fine_codec).vary(grid, columns=slice(4, 12)).take()
    assert take.grid.time_stride == stride
    fine_codec.check(Vamp(fine_codec).continue_(grid, columns=3).take().grid)


def test_a_codec_without_grids_goes_on_with_the_clip_but_invents_nothing(codec, grid, is_one_sentence):
    bare = keeping(codec, None)
    assert training_grids(bare) == []
    assert Vamp(bare).vary(grid, columns=slice(2, 6)).take().grid != grid
    with pytest.raises(GridError, match="nothing can be invented") as refusal:
        Vamp(bare).invent(8)
    assert is_one_sentence(refusal.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"columns": slice(3, 99)}, {"rows": 8}, {"levels": 3}, {"amount": 1.5}, {"amount": float("nan")},
        {"temperature": -1}, {"temperature": 11}, {"top_p": 0}, {"top_p": "all"}, {"seed": -1}, {"seed": 0.5},
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_in_a_sentence(vamp, grid, wrong, is_one_sentence):
    region = {name: value for name, value in wrong.items() if name not in HEAT and name != "seed"}
    how = {name: value for name, value in wrong.items() if name not in region}
    with pytest.raises(GridError) as refusal:
        vamp.vary(grid, **region).take(**how)
    assert is_one_sentence(refusal.value)


class Watched(Frequencies):
    """A prior that tells how many columns it is asked to look at."""

    seen: ClassVar[list[int]] = []

    def log_probabilities(self, codes, level, wanted):
        self.seen.append(codes.shape[2])
        return super().log_probabilities(codes, level, wanted)


def test_ten_minutes_are_varied_in_a_part_without_looking_at_all_of_it(codec, grid):
    long, part = tiled(codec, grid, 3230), slice(1600, 1604)
    take = Vamp(codec, make_prior=Watched).vary(long, columns=part).take(seed=1)
    changed = np.flatnonzero((take.grid.indices != long.indices).any(axis=(0, 1)))
    assert changed.min() >= 1600
    assert changed.max() < 1604
    assert max(Watched.seen) <= 68


def test_a_codecs_file_keeps_the_grids_of_its_clips_and_its_name(tmp_path, codec):
    assert len(training_grids(codec)) == codec.info.provenance.clips
    codec.save(tmp_path / "with.distill")
    keeping(codec, None).save(tmp_path / "without.distill")
    with_grids, without = (Codec.load(tmp_path / name) for name in ("with.distill", "without.distill"))
    assert with_grids.model_id == without.model_id == codec.model_id
    assert np.array_equal(training_grids(with_grids)[3], training_grids(codec)[3])
    assert training_grids(without) == []


def roughness(codec, grid, columns):
    """Mean jump of the decoded log-mel at both ends of some columns."""
    log_mel = codec.decode_mel(grid).numpy()
    frames = [column * grid.time_stride for column in (columns.start, columns.stop)]
    return np.mean([np.abs(log_mel[:, frame] - log_mel[:, frame - 1]).mean() for frame in frames])


def test_gaps_join_their_surroundings_more_smoothly_than_what_is_drawn_once(codec, vamp, grid, monkeypatch):
    gap = slice(4, 8)

    def mean_roughness():
        return np.mean([roughness(codec, vamp.fill(grid, columns=gap).take(seed=seed).grid, gap) for seed in range(6)])

    mended = mean_roughness()
    monkeypatch.setattr("distill.prior.part.mend", lambda codec, prior, drawn, *rest, **asked: drawn)
    assert mended < 0.8 * mean_roughness()


@pytest.mark.parametrize("tool", ["vary", "fill", "go_on"])
@pytest.mark.parametrize("count", [1, 2, 14])
@pytest.mark.parametrize("cells", ["all", "one"])
def test_all_of_a_clip_and_one_cell_of_it_can_be_drawn_however_short_it_is(vamp, codec, grid, tool, count, cells):
    short = CodeGrid(grid.indices[..., :count], count * 16, grid.model_id, 64)
    region = {"columns": slice(0, count)} if cells == "all" else {"columns": count - 1, "rows": 7, "levels": 2}
    take = getattr(vamp, tool)(short, **region).take(seed=1)
    outside = outside_of(short, region)
    assert np.array_equal(take.grid.indices[outside], short.indices[outside])
    codec.check(take.grid)
    assert len(codec.decode(take.grid)) == take.grid.num_samples


@pytest.mark.parametrize("nothing", [{"columns": slice(4, 4)}, {"rows": slice(0, 0)}, {"levels": slice(2, 2)}])
def test_a_selection_of_nothing_is_refused_in_a_sentence(vamp, grid, nothing, is_one_sentence):
    with pytest.raises(GridError) as refusal:
        vamp.vary(grid, **nothing)
    assert is_one_sentence(refusal.value)


@pytest.mark.parametrize("levels", [2, 3, 4])
@pytest.mark.parametrize("stride", [16, 8, 4])
@pytest.mark.parametrize("size", [2, 64, 256])
def test_codecs_of_any_shape_vary_continue_invent_and_cross(levels, stride, size):
    model = ConvVQVAE(codebook_dim=4, codebook_size=size, num_quantizers=levels, time_stride=stride)
    model.eval()
    codec = Codec(model)
    random = np.random.default_rng(0)
    grids = [
        CodeGrid(random.integers(size, size=(levels, 8, columns)), columns * stride, codec.model_id, size, 0, stride)
        for columns in (1, 2, 3, 1, 9)
    ]
    vamp = Vamp(codec, grids)
    parts = [vamp.vary(grids[4], columns=slice(3, 6)), vamp.continue_(grids[0], columns=2)]
    takes = [*(part.take() for part in parts), vamp.invent(5)]
    takes += [vamp.cross(grids[4], grids[1]), vamp.invent(4, rhythm=np.array([1, 0, 1, 0]))]
    for take in takes:
        codec.check(take.grid)
    assert [take.grid.columns for take in takes] == [9, 3, 5, 9, 4]


def test_five_clips_of_fifty_milliseconds_are_enough_to_invent_from(codec):
    clips = [Clip(f"{n}", np.random.default_rng(n).uniform(-0.5, 0.5, 2205).astype(np.float32)) for n in range(5)]
    vamp = Vamp(codec, [codec.encode_clip(clip) for clip in clips], [clip.name for clip in clips])
    take = vamp.invent(6, seed=1)
    assert np.abs(codec.decode(take.grid)).max() > 0
    assert vamp.fill(codec.encode_clip(clips[0]), columns=0).take().grid.num_samples == 2205


def test_a_strangers_grids_in_a_file_are_refused_or_draw_codes_of_the_codec(tmp_path, codec, grid):
    """One code over and over, and columns of one clip each, are as much as a file may hold."""
    rows = np.zeros((3, 8, 1), dtype=np.int64)
    for name, kept in {"same": [rows] * 4096, "long": [np.zeros((3, 8, 4096), dtype=np.int64)]}.items():
        path = tmp_path / f"{name}.distill"
        keeping(codec, KeptGrids.of(kept)).save(path)
        take = Vamp(Codec.load(path)).vary(grid, columns=slice(2, 5)).take(seed=1)
        codec.check(take.grid)
        codec.check(Vamp(Codec.load(path)).invent(4, rhythm=np.arange(4)).grid)
