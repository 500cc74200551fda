"""A visitor's clips: their sound comes in pieces, their memory is counted, and unusual clips are shown too."""

import base64
import io

import numpy as np
import pytest
import soundfile

from distill.audio import SAMPLE_RATE, Clip, load_clip
from distill.editing.answers import flac_base64
from distill.editing.work import BLOCK_SAMPLES, Work
from distill.errors import AudioError, GridError
from distill.server.askers import owner_of_page
from distill.server.visit import Page, Visit
from distill.ui import explore
from tests.parts import Part


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


@pytest.mark.parametrize("levels", [-1, 4])
def test_a_sound_of_levels_that_are_not_there_is_refused(work, levels):
    with pytest.raises(GridError, match="not there"):
        work.sound(levels)


def test_progress_is_told_while_a_clip_is_decoded_and_the_sound_is_made_once(work):
    shares = []
    assert not work.is_decoded
    work.decode(shares.append)
    work.decode(shares.append)
    assert shares == [1.0]
    assert work.is_decoded
    assert work.decode_seconds[3] > 0
    assert np.array_equal(work.edited, work.codec.decode(work.history.original))


def test_every_computation_on_a_long_clip_pauses_for_others(codec, drums):
    pieces, least = [], 3  # pieces of about 12 s
    clip = Clip("long", np.tile(drums.waveform, -(-40 * SAMPLE_RATE // len(drums.waveform))))

    def given(make):
        pieces.clear()
        made = make(pieces.append)
        assert len(pieces) >= least
        return made

    page = Page(Visit("one", Work.begin(codec, drums)), Work.begin(codec, drums))
    given(lambda pause: page.turn_to_clip(codec, clip, pause))
    grid = Work.opened(codec, "grid", page.work.history.original)
    given(grid.as_clip)
    given(lambda pause: Work.opened(codec, "grid", page.work.history.original).gain_db(1, pause))
    flac = given(lambda pause: flac_base64(clip.waveform, pause))
    heard, _ = soundfile.read(io.BytesIO(base64.b64decode(flac)), dtype="float32")
    assert np.abs(heard - np.clip(clip.waveform, -1, 1)).max() < 1e-4


def test_the_error_of_the_sound_is_near_that_of_the_spectrogram(work):
    assert work.layers[-1].mel_l1 < work.mel_l1_audio() < work.layers[-1].mel_l1 + 0.2


@pytest.fixture
def visit(work):
    return Visit("one", work)


def edit(work):
    work.do("an edit", work.history.grid.with_indices(np.zeros_like(work.history.grid.indices)))


def test_the_memory_of_a_clip_is_counted_and_its_cached_results_can_be_released(work):
    bare = work.num_bytes
    assert work.clip.waveform.nbytes < bare
    sound = work.reconstruction
    shown = work.layers
    assert work.num_bytes > bare + sound.nbytes
    given = work.release()
    assert work.num_bytes < bare + 1000
    assert given > sound.nbytes
    assert np.array_equal(work.reconstruction, sound)
    assert np.array_equal(work.layers[0].log_mel, shown[0].log_mel)


class Forgetting:
    """A lock that releases a clip's memory whenever the lock is released, as another visitor's thread might."""

    def __init__(self, work):
        self.work, self.lock = work, work.lock

    def __enter__(self):
        self.lock.acquire()

    def __exit__(self, *error):
        self.work._tracks = {}
        self.lock.release()


def test_a_sound_that_is_released_during_its_request_is_still_answered(work):
    expected = work.codec.decode(work.history.original)
    work.lock = Forgetting(work)
    assert np.array_equal(work.decode(), expected)
    assert np.array_equal(work.edited, expected)
    assert not work.is_decoded


def test_releasing_memory_keeps_edits(work):
    edit(work)
    heard = work.edited.copy()
    work.release()
    assert np.array_equal(work.edited, heard)
    work.undo()
    assert not work.history.can_undo


STRANGE = {
    "click": np.r_[np.zeros(8000), 1.0, np.zeros(8000)],
    "constant": np.full(SAMPLE_RATE, 0.5),
    "30 ms": np.sin(np.arange(int(0.03 * SAMPLE_RATE)) * 0.2),
    "clipped": np.clip(5 * np.sin(np.arange(SAMPLE_RATE) * 0.05), -1, 1),
    "one dead channel": np.stack([np.sin(np.arange(SAMPLE_RATE) * 0.05), np.zeros(SAMPLE_RATE)], axis=1),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_an_unusual_clip_is_shown_and_played(codec, tmp_path, kind):
    path = tmp_path / "strange.wav"
    soundfile.write(path, STRANGE[kind], SAMPLE_RATE, subtype="FLOAT")
    work = Work.begin(codec, load_clip(path), file_bytes=path.stat().st_size)
    assert all(item is not None for item in explore.fill(Part(), work).values())
    assert all(np.isfinite(work.sound(levels)).all() for levels in range(4))
    assert np.isfinite([work.gain_db(levels) for levels in (1, 2, 3)]).all()


def test_a_clip_of_8_khz_is_shown_up_to_its_end(codec, tmp_path):
    path = tmp_path / "telephone.wav"
    soundfile.write(path, np.sin(np.arange(8000) * 0.3), 8000)
    work = Work.begin(codec, load_clip(path))
    assert work.clip.seconds == pytest.approx(1.0)
    assert all(item is not None for item in explore.fill(Part(), work).values())


@pytest.mark.parametrize(("samples", "words"), [(np.zeros(SAMPLE_RATE), "silent"), (np.ones(100), "too short")])
def test_a_clip_without_sound_is_refused_in_a_sentence(tmp_path, is_one_sentence, samples, words):
    path = tmp_path / "nothing.wav"
    soundfile.write(path, samples, SAMPLE_RATE)
    with pytest.raises(AudioError, match=words) as refusal:
        load_clip(path)
    assert is_one_sentence(refusal.value, "nothing.wav")


@pytest.mark.parametrize(("owner", "is_without"), [(owner_of_page("a page"), True), ("0123456789abcdef" * 2, False)])
def test_a_page_knows_whether_its_browser_keeps_a_cookie(owner, is_without):
    assert Page(Visit(owner, None), None).is_without_cookie is is_without
