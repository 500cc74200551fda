"""What a visitor owns: the sound of a clip in pieces, found by a secret, and shown whatever the clip is like."""

import numpy as np
import pytest
import soundfile

from distill.audio import SAMPLE_RATE, Clip, load_clip
from distill.errors import AudioError, GridError
from distill.ui import explore
from distill.ui.session import ABSENT_SECONDS, IDLE_SECONDS, Examples, Session, Visitors
from distill.ui.work import BLOCK_SAMPLES, Work


@pytest.fixture(scope="module")
def kept(examples):
    return Examples.load(examples)


@pytest.fixture
def visitors(kept):
    return Visitors(kept, clock=lambda: 0.0)


@pytest.fixture
def work(codec, drums):
    return Work.begin(codec, drums)


def test_the_pieces_of_a_long_clip_make_its_sound(codec, drums):
    waveform = np.tile(drums.waveform, 6)
    work = Work.begin(codec, Clip("long.wav", waveform))
    assert work.num_pieces == 2
    for levels, expected in ((0, waveform), (3, codec.decode(work.history.original))):
        pieces = [work.piece(levels, number) for number in range(2)]
        assert len(pieces[0]) == BLOCK_SAMPLES
        assert np.array_equal(np.concatenate(pieces), expected)
        assert np.array_equal(work.sound(levels), expected)
        assert np.array_equal(work.piece(levels, 1), pieces[1])


@pytest.mark.parametrize(("levels", "number"), [(4, 0), (-1, 0), (0, 1), (3, -1)])
def test_a_piece_that_is_not_there_is_refused(work, levels, number):
    with pytest.raises(GridError, match="not there"):
        work.piece(levels, number)


def test_progress_is_told_while_a_clip_is_decoded_and_the_sound_is_made_once(work):
    shares = []
    assert not work.is_decoded
    work.decode(shares.append)
    work.decode(shares.append)
    assert shares == [1.0]
    assert work.is_decoded
    assert work.decode_seconds[3] > 0
    assert np.array_equal(work.edited, work.codec.decode(work.history.original))


def test_the_error_of_the_sound_is_near_that_of_the_spectrogram(work):
    assert work.layers[-1].mel_l1 < work.mel_l1_audio() < work.layers[-1].mel_l1 + 0.2


def test_a_clip_is_found_by_its_secret_and_by_nothing_else(visitors):
    one, other = visitors.session("one"), visitors.session("other")
    assert visitors.work(one.work.secret) is one.work
    assert visitors.work(other.work.secret) is other.work
    assert len({one.work.secret, other.work.secret, visitors.examples.first.secret}) == 3
    for guess in ("", one.work.secret[:-1], None, 7, "ä", {"work": one.work.secret}):
        with pytest.raises(GridError, match="no longer open"):
            visitors.work(guess)


def test_the_example_is_for_all_to_hear_and_for_none_to_change(visitors):
    secret = visitors.examples.first.secret
    assert visitors.work(secret) is visitors.examples.first
    with pytest.raises(GridError, match="no longer open"):
        visitors.own_work(secret)
    mine = visitors.session("one").work
    assert visitors.own_work(mine.secret) is mine


def test_a_visit_outlives_a_lost_connection_but_not_for_long(kept):
    now = 0.0
    visitors = Visitors(kept, clock=lambda: now)
    work = visitors.session("one").work
    visitors.leave("one")
    now = ABSENT_SECONDS - 1
    assert visitors.own_work(work.secret) is work  # it painted: it is back
    visitors.leave("one")
    now += ABSENT_SECONDS + 1
    visitors.session("other")
    with pytest.raises(GridError, match="no longer open"):
        visitors.work(work.secret)


def test_clips_that_were_opened_can_be_turned_to_again(visitors, codec, drums):
    session = visitors.session("one")
    assert ("loop_breakbeat", "loop_breakbeat") in session.choices
    assert not [name for name, _ in session.choices if "yours" in name]
    session.turn_to(Work.opened(codec, "a grid.json", codec.encode_mel(codec.log_mel_of(drums))))
    assert session.choices[-1] == ("a grid.json (yours)", session.work.secret)


def test_painting_counts_as_being_here(kept):
    now = 0.0
    visitors = Visitors(kept, clock=lambda: now)
    work = visitors.session("one").work
    for _ in range(4):
        now += IDLE_SECONDS * 0.9
        visitors.session("other")
        assert visitors.own_work(work.secret) is work


def test_clips_that_were_edited_are_kept_longest(visitors, codec, drums):
    session = visitors.session("one")
    edited = session.keep(Work.begin(codec, Clip("edited", drums.waveform)))
    edited.do("an edit", edited.history.grid.with_indices(np.zeros_like(edited.history.grid.indices)))
    for number in range(12):
        session.turn_to(Work.begin(codec, Clip(str(number), drums.waveform[: 20_000 + number])))
    assert edited in session.works.values()
    assert len(session.works) == 8


def test_visitors_share_the_example_but_not_its_edits(visitors):
    one, other = visitors.session("one").work, visitors.session("other").work
    assert one.reconstruction is other.reconstruction
    assert one.history is not other.history


STRANGE = {
    "click": np.r_[np.zeros(8000), 1.0, np.zeros(8000)],
    "constant": np.full(SAMPLE_RATE, 0.5),
    "30 ms": np.sin(np.arange(int(0.03 * SAMPLE_RATE)) * 0.2),
    "clipped": np.clip(5 * np.sin(np.arange(SAMPLE_RATE) * 0.05), -1, 1),
    "one dead channel": np.stack([np.sin(np.arange(SAMPLE_RATE) * 0.05), np.zeros(SAMPLE_RATE)], axis=1),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_a_strange_clip_is_shown_and_heard(codec, tmp_path, kind):
    path = tmp_path / "strange.wav"
    soundfile.write(path, STRANGE[kind], SAMPLE_RATE, subtype="FLOAT")
    work = Work.begin(codec, load_clip(path), file_bytes=path.stat().st_size)
    assert all(item is not None for item in explore.show(Session(work)))
    assert all(np.isfinite(work.sound(levels)).all() for levels in range(4))
    assert np.isfinite([work.gain_db(levels) for levels in (1, 2, 3)]).all()


def test_a_clip_of_8_khz_is_shown_up_to_its_end(codec, tmp_path):
    path = tmp_path / "telephone.wav"
    soundfile.write(path, np.sin(np.arange(8000) * 0.3), 8000)
    work = Work.begin(codec, load_clip(path))
    assert work.clip.seconds == pytest.approx(1.0)
    assert all(item is not None for item in explore.show(Session(work)))


@pytest.mark.parametrize(("samples", "words"), [(np.zeros(SAMPLE_RATE), "silent"), (np.ones(100), "too short")])
def test_a_clip_without_sound_is_refused_in_a_sentence(tmp_path, is_one_sentence, samples, words):
    path = tmp_path / "nothing.wav"
    soundfile.write(path, samples, SAMPLE_RATE)
    with pytest.raises(AudioError, match=words) as refusal:
        load_clip(path)
    assert is_one_sentence(refusal.value, "nothing.wav")
