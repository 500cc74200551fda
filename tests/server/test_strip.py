"""The strip: every clip that a visitor can open, and no clip of anybody else."""

from types import SimpleNamespace

import numpy as np
import pytest

from distill.audio import SAMPLE_RATE, Clip, LogMel
from distill.codec import Codec
from distill.codes import edits
from distill.editing.work import Work
from distill.errors import GoneError, GridError, TrainingError
from distill.jobs.folder import JobFolder
from distill.jobs.job import TrainingJob
from distill.jobs.record import JobRecord
from distill.server.clip_set import ClipSet, clip_of, unlikeness
from distill.server.strip import Known, Strip, picture
from distill.server.visitors import Examples, Visitors
from distill.settings import Settings
from distill.training.config import VQVAEConfig


@pytest.fixture(scope="module")
def kept(examples):
    return Examples.load(examples)


@pytest.fixture
def visitors(kept):
    return Visitors(kept)


def hit(name, seconds, seed=0, loudness=0.5):
    noise = np.random.default_rng(seed).uniform(-loudness, loudness, round(seconds * SAMPLE_RATE))
    return Clip(name, noise.astype(np.float32))


HITS = [hit("short.wav", 0.07), hit("long.wav", 9), hit("silent.wav", 3, loudness=0), hit("good.wav", 2.5, seed=1)]


@pytest.fixture
def new_set(tmp_path):
    def make(name, clips=HITS):
        (tmp_path / name).mkdir()
        return ClipSet(tmp_path / name, clips)

    return make


@pytest.fixture
def page(visitors, new_set):
    page = visitors.page("one", "page")
    page.set_clips(new_set("set"))
    return page


def ids(strip, group="yours"):
    return [clip.id for clip in strip.clips if clip.group == group]


def edit(work):
    grid = work.history.grid
    code = (int(grid.indices[0, 0, 0]) + 1) % grid.codebook_size
    assert work.do("an edit", edits.set_codes(grid, level=0, rows=0, columns=0, code=code))


def test_the_clip_that_opens_after_a_training_is_nearest_to_three_seconds_and_not_silent(new_set):
    assert new_set("set").opening == 3
    assert unlikeness(HITS[2]) == float("inf")
    made = new_set("of silence", [HITS[2]] * 2)
    assert made.opening == 0
    assert made.folder.read_first_clip("silent.wav").waveform.shape == HITS[2].waveform.shape


def test_the_sound_that_is_kept_is_that_of_the_clip_that_opens(new_set):
    made = new_set("set")
    kept = made.folder.read_first_clip("good.wav").waveform
    assert np.abs(kept - HITS[made.opening].waveform).max() < 1e-4


def test_the_strip_has_the_set_then_opened_clips_then_examples_each_once(page, kept, codec, drums):
    strip = Strip(page, kept)
    page.turn_to_clip(codec, drums)
    page.turn_to(strip.open(ids(strip)[0], codec))
    page.turn_to(strip.open("loop_amen", codec))
    listed = strip.clips
    assert [clip.name for clip in listed] == [clip.name for clip in HITS] + [drums.name, *kept.names]
    assert [clip.seconds for clip in listed[:4]] == pytest.approx([0.07, 9, 3, 2.5], abs=1e-4)
    assert len({clip.id for clip in listed}) == len(listed)
    assert all(clip.seconds > 0 for clip in listed)


def test_a_clip_of_the_set_opens_with_its_sound_and_again_with_its_edits(page, kept, codec):
    strip = Strip(page, kept)
    id = ids(strip)[3]
    page.turn_to(strip.open(id, codec))
    assert strip.id_of(page.work) == id
    assert np.abs(page.work.clip.waveform - HITS[3].waveform).max() < 1e-3
    assert page.work.num_samples == len(HITS[3].waveform)
    edit(page.work)
    edited = page.work
    page.turn_to(strip.open("loop_amen", codec))
    assert strip.open(id, codec) is edited


def test_a_clip_opens_in_the_codec_in_use_and_edits_in_another_codec_are_not_lost(page, kept, codec, small_model):
    strip, other = Strip(page, kept), Codec(small_model())
    id = ids(strip)[3]
    page.turn_to(strip.open(id, codec))
    edit(page.work)
    edited = page.work
    page.turn_to(strip.open("loop_amen", other))
    again = strip.open(id, other)
    assert again is not edited
    assert again.codec is other
    (opened,) = (clip for clip in strip.clips if clip.group == "opened")
    assert (opened.id, opened.note) == (edited.secret, f"edited in codec {codec.model_id[:6]}")
    assert strip.open(opened.id, other) is edited
    assert strip.read(opened.id, other).codec is other  # as a second clip, it must be in the codec of the first


def test_a_set_that_is_replaced_is_gone_from_the_strip_and_an_opened_clip_of_it_stays(page, kept, codec, new_set):
    strip = Strip(page, kept)
    opened, other = ids(strip)[:2]
    page.turn_to(strip.open(opened, codec))
    page.clips.delete = lambda: None
    page.set_clips(new_set("another", HITS[1:]))
    with pytest.raises(GoneError, match="was replaced"):
        strip.open(other, codec)
    assert not {opened, other} & set(ids(strip))
    assert [clip.name for clip in strip.clips if clip.group == "opened"] == ["short.wav"]
    assert strip.id_of(page.work) == page.work.secret


@pytest.mark.parametrize("action", ["open", "sound", "pictures", "errors"])
def test_the_clips_of_a_visitor_are_for_that_visitor_alone(visitors, page, kept, codec, drums, action):
    mine = Strip(page, kept)
    page.turn_to_clip(codec, drums)
    hers = Strip(visitors.page("two", "another"), kept)
    for id in (ids(mine)[0], page.work.secret):
        asked = {
            "open": lambda strip, id=id: strip.open(id, codec),
            "sound": lambda strip, id=id: strip.sound(id, by_codec=False),
            "pictures": lambda strip, id=id: strip.pictures([id])[0],
            "errors": lambda strip, id=id: strip.known([id])[0],
        }[action]
        assert asked(mine) is not None
        if action in ("pictures", "errors"):
            assert asked(hers) is None
        else:
            with pytest.raises(GoneError):
                asked(hers)
    assert not [clip for clip in hers.clips if clip.group != "examples"]


@pytest.mark.parametrize("id", ["", "/", "/0", "nobody", "nobody/0", "../../etc/passwd", "0" * 32 + "/0", "é/0"])
def test_an_id_of_no_clip_is_refused_in_a_sentence(page, kept, codec, id):
    with pytest.raises(GoneError, match="no longer in the strip"):
        Strip(page, kept).open(id, codec)


@pytest.mark.parametrize("number", ["4", "-1", "٣", "1.0", " 1", "1e0", "99999999999"])
def test_a_number_beyond_the_set_is_refused_in_a_sentence(page, kept, codec, number):
    with pytest.raises(GoneError, match="no longer in the strip"):
        Strip(page, kept).open(f"{page.clips.secret}/{number}", codec)


def test_a_clip_is_heard_for_twelve_seconds_at_most_and_as_the_codec_has_it(page, kept, codec):
    page.set_clips(None)
    strip = Strip(page, kept)
    original, rebuilt = (strip.sound("loop_breakbeat", by_codec=by_codec) for by_codec in (False, True))
    assert len(original) == len(rebuilt) == round(kept.seconds["loop_breakbeat"] * SAMPLE_RATE)
    assert not np.allclose(original, rebuilt, atol=0.01)
    page.turn_to_clip(codec, hit("long.wav", 20))
    assert len(strip.sound(page.work.secret, by_codec=False)) == 12 * SAMPLE_RATE


def test_the_errors_are_those_of_the_codec_in_use_and_have_words(page, kept):
    work = kept.first
    (known,) = Strip(page, kept).known(["loop_breakbeat"])
    assert known.mel_l1 == pytest.approx(work.layers[-1].mel_l1, rel=1e-3)
    grid = work.history.original
    assert known.codes == sum(len(np.unique(level)) for level in grid.indices) / (3 * grid.codebook_size)
    assert [Known(error, 0.5).word for error in (0.1, 0.4, 2.0)] == ["well known", "known", "badly known"]


def test_what_a_codec_makes_of_a_clip_is_asked_for_by_the_name_of_its_sound(page, kept, codec, small_model):
    other = Codec(small_model())
    page.set_clips(None)
    page.turn_to_clip(other, hit("mine.wav", 1))
    strip, id = Strip(page, kept), "loop_amen"
    for asked, expected in ((codec.sound_id, codec), (other.sound_id, other), ("", other)):
        heard = strip.sound(id, by_codec=True, sound_id=asked)
        clip = Clip("original", strip.sound(id, by_codec=False))
        assert np.array_equal(heard, expected.decode(expected.encode_clip(clip)))
    (before,), (now,) = strip.known([id], codec.sound_id), strip.known([id])
    assert before.mel_l1 < now.mel_l1
    for ask in (lambda: strip.known([id], "0" * 12), lambda: strip.sound(id, by_codec=True, sound_id="0" * 12)):
        with pytest.raises(GoneError, match="codec is no longer in use"):
            ask()


@pytest.mark.parametrize("frames", [1, 7, 64, 1000])
def test_a_picture_is_small_and_shows_where_the_sound_is(frames):
    log_mel = np.full((128, frames), LogMel.floor, dtype=np.float32)
    assert not picture(log_mel).any()  # silence is dark
    log_mel[8:12, : -(-frames // 2)] = 1.0
    drawn = picture(log_mel)
    assert (drawn.shape, drawn.dtype) == ((32, 64), np.uint8)
    assert (drawn[2, :32] == 255).all()
    assert not np.delete(drawn, 2, axis=0).any()
    assert frames == 1 or not drawn[2, 40:].any()


@pytest.fixture
def job(page, tmp_path):
    clips = page.clips
    record = JobRecord(
        "one", VQVAEConfig(), 0.0, 1, tuple(clip.name for clip in clips.clips), clips.clips[clips.opening].name,
        clip_samples=tuple(clip.num_samples for clip in clips.clips),
    )  # fmt: skip
    (tmp_path / "jobs").mkdir()
    folder = JobFolder.create(tmp_path / "jobs" / ("0" * 32), record, clips.clips, None, clips.folder)
    return TrainingJob(folder, record, SimpleNamespace())


def test_after_a_restart_the_clips_are_those_of_the_training_as_long_as_they_are_kept(visitors, job, kept, codec):
    page = visitors.page("one", "after a restart")
    page.set_clips(None)
    strip = Strip(page, kept, job)
    assert [(clip.name, clip.is_kept) for clip in strip.clips[:4]] == [(clip.name, True) for clip in HITS]
    work = strip.open(f"{job.id}/1", codec)
    assert np.abs(work.clip.waveform - HITS[1].waveform).max() < 1e-3
    job.folder.delete_inputs()
    assert [clip.is_kept for clip in strip.clips[:4]] == [False, False, False, True]
    assert strip.clips[0].note == "its sound is no longer kept"
    with pytest.raises(TrainingError, match=r"short\.wav was deleted when its training had ended; please drop"):
        strip.open(f"{job.id}/0", codec)
    good = strip.open(f"{job.id}/3", codec)
    assert np.abs(good.clip.waveform - HITS[3].waveform).max() < 1e-3
    assert strip.pictures([f"{job.id}/{number}" for number in range(4)])[:3] == [None] * 3
    with pytest.raises(TrainingError, match="no such clip"):
        strip.open(f"{job.id}/4", codec)


def test_a_damaged_file_of_a_training_is_said_to_be_damaged(visitors, job, kept, codec):
    job.folder.clips.write_bytes(b"not a file of clips")
    page = visitors.page("one", "after a restart")
    page.set_clips(None)
    with pytest.raises(TrainingError, match=r"long\.wav is missing or damaged; please drop the file again"):
        Strip(page, kept, job).open(f"{job.id}/1", codec)


def test_a_training_opens_the_clip_that_the_page_shows_if_it_had_that_clip(page, job, kept, codec):
    strip = Strip(page, kept, job)
    assert strip.opening_of(job, page.work) == f"{page.clips.secret}/3"
    page.turn_to(strip.open(ids(strip)[1], codec))
    assert strip.opening_of(job, page.work) == ids(strip)[1]
    page.set_clips(None)
    assert strip.opening_of(job, page.work) == f"{job.id}/3"


def test_a_clip_without_sound_says_so(page):
    clip = page.clips.clips[0]
    with pytest.raises(GridError, match=r"short\.wav was not kept"):
        clip_of(type(clip)(clip.name, clip.log_mel, clip.num_samples, None))


def test_a_clip_of_the_set_is_weighted_or_left_out_and_other_clips_are_not(page, kept, job):
    strip = Strip(page, kept)
    mine = ids(strip)
    strip.weigh(mine[:2], 4)
    strip.weigh([mine[2]], 0)
    assert [clip.weight for clip in strip.clips[:4]] == [4, 4, 0, 1]
    assert [clip.name for clip in page.clips.used] == ["short.wav", "long.wav", "good.wav"]
    assert strip.clips[-1].weight is None
    with pytest.raises(GoneError, match="can be weighted"):
        strip.weigh([mine[3], "loop_amen"], 2)
    assert strip.clips[3].weight == 1
    page.set_clips(None)
    assert {clip.weight for clip in Strip(page, kept, job).clips} == {None}


def test_clips_are_laid_out_in_the_order_that_is_asked_for_with_their_edits(page, kept, codec):
    strip = Strip(page, kept)
    short, _, _, good = ids(strip)
    page.turn_to(strip.open(good, codec))
    edit(page.work)
    edited = page.work.history.grid
    work = strip.lay_out([good, short, good], codec)
    assert np.array_equal(work.history.grid.indices[:, :, : edited.columns], edited.indices)
    assert np.array_equal(work.history.grid.indices[:, :, -edited.columns :], edited.indices)
    assert work.history.grid.columns == 2 * edited.columns + 1
    assert not work.history.can_undo
    assert work.name == "good + short + good"
    assert edited == page.work.history.grid  # the clip itself is as it was
    page.turn_to(work)
    assert strip.id_of(work) == work.secret
    with pytest.raises(GridError, match="2 to 64 clips"):
        strip.lay_out([good], codec)


def test_a_pattern_has_one_error_and_one_reconstruction_wherever_it_is_shown(page, kept, codec):
    strip = Strip(page, kept)
    short, _, _, good = ids(strip)
    edited = strip.open(good, codec)
    page.turn_to(edited)
    edit(edited)
    work = strip.lay_out([good, short, good], codec)
    page.turn_to(work)
    (known,) = strip.known([work.secret])
    assert known.mel_l1 == pytest.approx(work.layers[-1].mel_l1, rel=1e-4)
    assert strip.known([work.secret])[0].mel_l1 == work.layers[-1].mel_l1
    used = sum(len(np.unique(level)) for level in work.history.original.indices)
    assert known.codes == used / (codec.num_levels * codec.codebook_size)
    assert np.array_equal(strip.sound(work.secret, by_codec=True), work.reconstruction)


def test_a_pattern_that_is_too_long_is_refused_before_a_clip_is_read(page, kept, codec, monkeypatch):
    strip = Strip(page, kept)
    page.visit.settings = Settings(clip_seconds=20)
    monkeypatch.setattr(strip, "read", lambda id, codec: pytest.fail(f"{id} was read"))
    with pytest.raises(GridError, match=r"0\.5 minutes long together"):
        strip.lay_out([ids(strip)[1]] * 3, codec)  # of 9 s each
    with pytest.raises(GridError, match="2 to 64 clips"):
        strip.lay_out(ids(strip)[:1], codec)


def test_clips_that_are_laid_out_again_are_the_pattern_with_its_edits(page, kept, codec):
    strip = Strip(page, kept)
    short, _, _, good = ids(strip)
    page.turn_to(strip.lay_out([short, good], codec))
    pattern = page.work
    edit(pattern)
    edited = pattern.history.grid
    page.turn_to(strip.open(good, codec))
    page.turn_to(strip.lay_out([short, good], codec))
    assert page.work is pattern
    assert page.work.history.grid == edited


def test_a_pattern_of_other_codes_with_the_same_sound_takes_no_others_place(page, kept, codec):
    strip = Strip(page, kept)
    short, _, _, good = ids(strip)
    page.turn_to(strip.lay_out([short, good], codec))
    first, original = page.work, page.work.history.original
    changed = edits.set_codes(original, level=0, rows=0, columns=0, code=(original.indices[0, 0, 0] + 1) % 64)
    other = page.visit.had(Work(codec, first.clip, changed))
    page.turn_to(other)
    assert other.name == "short + good (2)"
    assert {first, other} <= set(page.visit.works.values())
    assert page.visit.had(Work(codec, first.clip, changed)) is other


def test_laying_out_shows_progress_also_while_an_edited_clip_is_decoded(page, kept, codec):
    strip, shares = Strip(page, kept), []
    long = strip.open(ids(strip)[1], codec)
    page.turn_to(long)
    edit(long)
    strip.lay_out([long.secret, long.secret], codec, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert any(0.5 < share < 0.75 for share in shares)  # within the first clip


def test_the_codec_before_another_one_came_into_use_can_be_compared_with_it(page, kept, codec, small_model, drums):
    other = Codec(small_model())
    page.turn_to_clip(codec, drums)
    assert page.before is None
    page.turn_to_clip(other, drums)
    assert page.before is codec
    page.visit.works = {key: work for key, work in page.visit.works.items() if work.codec is other}
    (was,), (now,) = (Strip(page, kept).known(["loop_amen"], each) for each in (codec.sound_id, other.sound_id))
    assert was.mel_l1 < now.mel_l1
    page.turn_to(Strip(page, kept).open("loop_amen", other))
    assert page.before is codec
