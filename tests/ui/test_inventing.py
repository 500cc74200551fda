"""Crosses and inventions on a page, and what its codec draws from."""

from types import SimpleNamespace

import numpy as np
import pytest

from distill.audio import Clip, LogMel
from distill.codec.making import encoded, keeping
from distill.codec.saying import say_again
from distill.codes.kept import KeptGrids
from distill.editing import vamping
from distill.editing.work import Work
from distill.errors import GridError
from distill.prior import Vamp
from distill.training.dataset import to_mel_clip
from distill.ui import edit, inventing, opening, served, views
from distill.ui.strip import strip_of
from tests.ui.test_opening import last, told

ALL = {"levels": [0, 2], "rows": [0, 7], "columns": [3, 6]}


@pytest.fixture
def call(new_call):
    call = new_call("page")
    opening.open_listed(call, "loop_perc1")
    return call


def with_second(call, name="loop_amen"):
    edit.choose_second(call, name)
    return call.page.second


def with_bare_codec(call):
    """Let the page use a codec whose file holds no grids, as an earlier version wrote it."""
    work = call.page.work
    bare = keeping(work.codec, None)
    call.page.turn_to(Work.begin(bare, work.as_clip()))
    return bare


def with_clips(call, drums, count=3):
    quiet = 0.5 * drums.waveform
    clips = [to_mel_clip(Clip(f"mine {n}.wav", quiet[n * 9000 :]), LogMel()) for n in range(count)]
    call.page.set_clips(SimpleNamespace(secret="mine", clips=clips, used=clips, whole=None, delete=lambda: None))


def test_a_cross_plays_the_clip_by_the_second_ones_codes_in_one_edit_that_is_undone(call):
    work, second = call.page.work, with_second(call)
    before, other = work.history.grid, second.history.grid
    answer = last(inventing.cross(call, work.secret, told))
    crossed = work.history.grid
    columns = {other.indices[..., column].tobytes() for column in range(other.columns)}
    assert all(crossed.indices[..., column].tobytes() in columns for column in range(crossed.columns))
    assert crossed.num_samples == before.num_samples
    assert work.history.labels == ["Whole clip: played by the sounds of loop_amen.flac"]
    assert answer[call.tab.edit.canvas]["second"]["name"] == "loop_amen.flac"
    assert call.page.second is second
    assert second.history.grid == other
    edit.undo(call)
    assert work.history.grid == before


def test_a_script_crosses_by_the_name_of_an_example(call):
    answer = edit.edit(call, "cross", {"second": "loop_amen", "jump": 100})
    assert answer["history"] == ["Whole clip: played by the sounds of loop_amen.flac"]
    with pytest.raises(GridError, match="from 0 to 100"):
        edit.edit(call, "cross", {"second": "loop_amen", "jump": -1})


def test_a_cross_or_a_rhythm_without_a_second_clip_is_refused(call, is_one_sentence):
    with pytest.raises(GridError, match="second clip first") as refusal:
        last(inventing.cross(call, call.page.work.secret, told))
    assert is_one_sentence(refusal.value)
    with pytest.raises(GridError, match="second clip first"):
        last(inventing.invent(call, 2.0, True, 0.7, call.page.work.secret, told))


def test_an_invention_opens_as_a_new_clip_of_the_strip_and_leaves_the_others(call, server):
    work, second = call.page.work, with_second(call, "loop_3d_printer")
    before = work.history.grid
    last(inventing.invent(call, 2.0, False, 0.7, work.secret, told))
    last(inventing.invent(call, 3.0, True, 0.7, call.page.work.secret, told))
    assert call.page.work.name == "invention 2"
    assert "made of codes" in views.clip_facts(call.page.work)
    assert "Error" not in views.clip_facts(call.page.work)
    assert "Error" in views.clip_facts(work)
    assert abs(call.page.work.seconds - 3) < 0.1
    assert call.page.second is second
    names = [clip.name for clip in strip_of(server, call.page).clips if clip.group == "opened"]
    assert sorted(names) == ["invention 1", "invention 2"]
    assert work.history.grid == before
    loudness = Vamp(work.codec).loudness
    rhythm = loudness(second.history.grid)[:16]
    made = loudness(call.page.work.history.grid)[:16]
    assert np.corrcoef(np.argsort(np.argsort(rhythm)), np.argsort(np.argsort(made)))[0, 1] > 0.5


@pytest.mark.parametrize("wrong", [{"seconds": 0}, {"seconds": 61}, {"seconds": "long"}, {"wild": 11}, {"wild": None}])
def test_what_cannot_be_invented_is_refused_in_a_sentence(call, wrong, is_one_sentence):
    asked = {"seconds": 1.0, "wild": 0.7} | wrong
    with pytest.raises(GridError) as refusal:
        last(inventing.invent(call, asked["seconds"], False, asked["wild"], call.page.work.secret, told))
    assert is_one_sentence(refusal.value)


def test_a_codec_without_grids_draws_from_the_visitors_clips_after_one_press(call, drums, is_one_sentence):
    bare = with_bare_codec(call)
    with pytest.raises(GridError, match="Draw from my clips"):
        last(inventing.invent(call, 1.0, False, 0.7, call.page.work.secret, told))
    with pytest.raises(GridError, match="drop some in Train") as refusal:
        last(inventing.learn_clips(call, call.page.work.secret, told))
    assert is_one_sentence(refusal.value)
    with_clips(call, drums)
    answer = last(inventing.learn_clips(call, call.page.work.secret, told))
    assert "3 of your clips" in answer[call.tab.edit.invented.told]
    last(inventing.invent(call, 1.0, False, 0.7, call.page.work.secret, told))
    assert call.page.work.codec is bare
    assert call.page.visit.num_bytes > sum(work.num_bytes for work in call.page.visit.works.values())


def test_the_edit_of_a_take_draws_from_the_learned_clips_as_the_take_did(call, drums):
    with_bare_codec(call)
    with_clips(call, drums)
    last(inventing.learn_clips(call, call.page.work.secret, told))
    take = edit.takes(call, "vary", ALL | {"count": 1, "seed": 3})["takes"][0]
    edit.edit(call, "vary", ALL | {"seed": 3})
    assert vamping.pack(np.ascontiguousarray(call.page.work.history.grid.indices[..., 3:7])) == take["codes"]
    memory = served.memory_of(call.server, call.page, call.page.codec)
    assert memory.names == ("mine 0.wav", "mine 1.wav", "mine 2.wav")


def test_a_copy_is_told_by_the_names_of_the_clips_where_the_visit_knows_them(call):
    names = served.memory_of(call.server, call.page, call.page.codec).names
    assert names[:2] == ("loop_3d_printer", "loop_amen")
    part = {"levels": [0, 2], "rows": [4, 7], "columns": [3, 3], "count": 1, "temperature": 0}
    sentence = edit.takes(call, "fill", part)["takes"][0]["copied"]
    assert "% of it is" in sentence
    assert any(name in sentence for name in names)


def test_clips_that_are_only_as_long_as_those_of_a_codec_do_not_give_it_their_names(call, drums):
    with_clips(call, drums)
    own = [clip.log_mel for clip in call.page.clips.clips]
    codec = call.page.codec
    of_the_clips, of_others = (
        keeping(codec, KeptGrids.of(list(encoded(codec, mels)))) for mels in (own, [mel.flip(1) for mel in own])
    )
    assert served.memory_of(call.server, call.page, of_the_clips).names == ("mine 0.wav", "mine 1.wav", "mine 2.wav")
    assert served.memory_of(call.server, call.page, of_others) is None


def test_a_clip_that_is_the_second_clip_too_is_not_crossed_with_itself(call, is_one_sentence):
    call.page.second = call.page.work
    with pytest.raises(GridError, match="another to cross with") as refusal:
        last(inventing.cross(call, call.page.work.secret, told))
    assert is_one_sentence(refusal.value)


def test_what_a_codec_has_learned_stays_with_the_visit_and_goes_where_room_is_needed(call, drums):
    with_clips(call, drums)
    work, visit = call.page.work, call.page.visit
    last(inventing.learn_clips(call, work.secret, told))
    assert visit.own_bytes > sum(each.num_bytes for each in visit.works.values())
    assert not hasattr(work, "heard")
    visit.shrink(0)
    assert visit.learned_by(work.codec) is None


def test_a_clip_is_said_again_in_the_codec_that_was_in_use_before_and_back(call, server, other_codec):
    work, first = call.page.work, call.page.codec
    call.page.turn_to_clip(other_codec, work.as_clip())
    there = call.page.work
    shares = []
    answer = last(inventing.say_again(call, there.secret, lambda share, **_: shares.append(share)))
    said = call.page.work
    assert len(shares) > 2
    assert max(shares) == 1
    assert (said.codec, said.name) == (first, f"{there.name} in {first.model_id[:6]}")
    assert said.history.grid == say_again(there.history.grid, other_codec, first)
    assert answer[call.tab.edit.shown] == said.secret
    assert first.model_id[:6] in answer[call.tab.header.codec]
    assert answer[call.tab.header.back]["value"] == f"Back to {other_codec.model_id[:6]}"
    assert said.name in [clip.name for clip in strip_of(server, call.page).clips if clip.group == "opened"]
    last(inventing.say_again(call, said.secret, told))
    assert call.page.codec is other_codec


def test_a_clip_that_is_open_in_an_earlier_codec_is_said_again_in_the_one_in_use(call, other_codec):
    work = call.page.work
    call.page.turn_to_clip(other_codec, work.as_clip())
    last(inventing.say_again(call, work.secret, told))
    assert call.page.codec is other_codec
    assert call.page.work.name.startswith(work.name)


def test_with_one_codec_there_is_nothing_to_say_a_clip_again_in(call, is_one_sentence):
    with pytest.raises(GridError, match="Only one codec") as refusal:
        last(inventing.say_again(call, call.page.work.secret, told))
    assert is_one_sentence(refusal.value)
