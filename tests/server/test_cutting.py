"""Recordings of a set are cut into clips, and can be cut otherwise or put together again, by their visitor alone."""

import numpy as np
import pytest
import torch

from distill.audio import Clip, Piece
from distill.errors import AudioError, DistillError, GoneError, GridError
from distill.server import clip_set
from distill.server.clip_set import ClipSet
from distill.server.cutting import Cutter, read_cuts
from distill.server.storage import Storage
from distill.server.visitors import Examples, Visitors
from distill.settings import Settings


@pytest.fixture(scope="module")
def kept(examples):
    return Examples.load(examples)


@pytest.fixture
def storage(tmp_path):
    storage = Storage(Settings(folder=tmp_path / "data"))
    yield storage
    storage.close()


def take(name="take.wav", hits=6, seed=0):
    fade = np.geomspace(1, 1e-4, 20_000)
    return Clip(name, np.tile(fade, hits).astype(np.float32) * noise(20_000 * hits, seed))


def noise(samples, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, samples).astype(np.float32)


@pytest.fixture
def page(kept, storage):
    page = Visitors(kept).page("one", "page")
    with storage.filling_set("one") as (folder, arrival):
        remove = lambda path: storage.remove(path, "one")  # noqa: E731
        clips = [Clip("hit.wav", noise(9_000)), take()]
        page.set_clips(ClipSet(folder, clips, take=arrival.take, remove=remove))
    return page


def test_only_what_is_long_enough_is_listed_and_what_is_found_can_be_cut(page, storage):
    (recording,) = Cutter(page).recordings
    assert (recording.name, recording.pieces, recording.is_long) == ("take.wav", [], True)
    pieces = Cutter(page).find(recording.id, "onsets", 0.5)
    assert len(pieces) == 6
    whole = page.clips
    made = Cutter(page).cut({recording.id: pieces}, storage)
    assert page.clips is page.visit.clips is made
    assert [clip.name for clip in made.clips] == ["hit.wav", *(f"take {number}.wav" for number in range(1, 7))]
    assert [clip.num_samples for clip in made.clips[1:]] == [stop - start for start, stop in pieces]
    sound, start = made.clips[2].waveform.float().numpy(), pieces[1].start
    assert np.array_equal(sound[:1000], whole.clips[1].waveform[start : start + 1000].float().numpy())
    assert Cutter(page).recordings[0].pieces == pieces


def test_a_cut_recording_is_cut_anew_and_put_together_and_no_set_stays_behind(page, storage):
    whole, id = page.clips, Cutter(page).recordings[0].id
    first = Cutter(page).cut({id: [Piece(0, 20_000), Piece(20_000, 40_000)]}, storage)
    second = Cutter(page, first.secret).cut({id: [Piece(1_000, 50_000)]}, storage)
    assert [clip.num_samples for clip in second.clips] == [9_000, 49_000]
    assert not first.folder.path.exists()
    assert Cutter(page, second.secret).cut({}, storage) is whole
    assert not second.folder.path.exists()
    assert whole.folder.path.exists()
    assert [clip.name for clip in page.clips.clips] == ["hit.wav", "take.wav"]
    page.set_clips(None)
    assert not whole.folder.path.exists()


def test_a_set_goes_with_the_set_that_it_was_cut_from(page, storage):
    whole, id = page.clips, Cutter(page).recordings[0].id
    made = Cutter(page).cut({id: [Piece(0, 20_000)]}, storage)
    page.set_clips(None)
    assert not whole.folder.path.exists()
    assert not made.folder.path.exists()


def weights(page):
    return {clip.name: clip.weight for clip in page.clips.clips}


def test_clips_and_pieces_that_stay_keep_their_weights(page, storage):
    id, halves = Cutter(page).recordings[0].id, [Piece(0, 20_000), Piece(20_000, 40_000)]
    page.clips.weigh([0], 4)
    page.clips.weigh([1], 2)
    Cutter(page).cut({id: halves}, storage)
    assert weights(page) == {"hit.wav": 4, "take 1.wav": 2, "take 2.wav": 2}  # a piece has that of its recording
    page.clips.weigh([0], 0)
    page.clips.weigh([2], 4)
    Cutter(page).cut({id: [*halves, Piece(40_000, 60_000)]}, storage)
    assert weights(page) == {"hit.wav": 0, "take 1.wav": 2, "take 2.wav": 4, "take 3.wav": 2}
    Cutter(page).cut({}, storage)
    assert weights(page) == {"hit.wav": 0, "take.wav": 2}


def test_clips_that_stay_whole_are_not_analysed_again(page, storage, monkeypatch):
    analysed = []
    whole, make = page.clips, clip_set.to_mel_clip
    monkeypatch.setattr(clip_set, "to_mel_clip", lambda clip, *rest: analysed.append(clip.name) or make(clip, *rest))
    made = Cutter(page).cut({Cutter(page).recordings[0].id: [Piece(0, 20_000)]}, storage)
    assert analysed == ["take.wav"]
    assert torch.equal(made.clips[0].log_mel, whole.clips[0].log_mel)
    assert torch.equal(made.clips[0].waveform, whole.clips[0].waveform)


def test_others_can_go_first_before_a_long_recording_is_searched_or_drawn(page):
    paused = []
    cutter = Cutter(page, pause=lambda *_: paused.append(True))
    id = cutter.recordings[0].id
    cutter.find(id, "onsets", 0.5)
    assert len(paused) == 1
    cutter.waveform(id)
    assert len(paused) == 2


def test_another_page_that_lists_the_set_keeps_it(page, storage):
    other = page.visit.pages["other"] = type(page)(page.visit, page.work, clips=page.clips)
    whole = page.clips
    Cutter(page).cut({Cutter(page).recordings[0].id: [Piece(0, 20_000)]}, storage)
    page.set_clips(None)
    assert whole.folder.path.exists()
    assert Cutter(other).recordings[0].name == "take.wav"


def test_a_piece_sounds_as_its_part_of_the_recording_and_its_drawing_has_its_extremes(page):
    cutter, sound = Cutter(page), page.clips.clips[1].waveform.float().numpy()
    id = cutter.recordings[0].id
    assert np.array_equal(cutter.sound(id, Piece(5_000, 9_000)), sound[5_000:9_000])
    drawn = cutter.waveform(id)
    assert drawn.shape == (-(-len(sound[:120_000]) // 128), 2)
    assert np.abs(drawn[1] / 127 * np.abs(sound).max() - [sound[128:256].min(), sound[128:256].max()]).max() < 0.01


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([(0, 100)], "100 samples"),
        ([(0, 2_000), (1_000, 3_000)], "in order and apart"),
        ([(3_000, 5_000), (0, 2_000)], "in order and apart"),
        ([(0, 120_001)], "from 0 to 120001"),
        ([(-5, 3_000)], "from -5"),
    ],
)
def test_pieces_that_cannot_be_are_refused_in_a_sentence(page, storage, pieces, words):
    whole = page.clips
    with pytest.raises(AudioError, match=words):
        Cutter(page).cut({Cutter(page).recordings[0].id: [Piece(*piece) for piece in pieces]}, storage)
    assert page.clips is whole


def test_more_clips_than_a_set_may_have_are_refused(page, storage):
    page.visit.settings = Settings(set_clips=5)
    pieces = [Piece(start, start + 1_000) for start in range(0, 6_000, 1_000)]
    with pytest.raises(AudioError, match=r"7 clips, and 5 are the most"):
        Cutter(page).cut({Cutter(page).recordings[0].id: pieces}, storage)


@pytest.mark.parametrize("id", ["", "/0", "nobody/1", "{secret}/2", "{secret}/-1", "{secret}/①", "{secret}"])
def test_no_other_recordings_are_reached(page, storage, id):
    id = id.format(secret=page.clips.secret)
    for act in (lambda: Cutter(page).waveform(id), lambda: Cutter(page).cut({id: [Piece(0, 1_000)]}, storage)):
        with pytest.raises(GoneError):
            act()


@pytest.mark.parametrize(
    "sent",
    [None, 5, [], {"a": 5}, {"a": [[1]]}, {"a": [[1, 2, 3]]}, {"a": [["x", 2]]}, {"a": [[0, 1]] * 501}, {1: []},
     {"a": [[0, 1e40]]}, {"a" * 101: []}],
)  # fmt: skip
def test_anything_else_than_cuts_is_refused(sent):
    with pytest.raises(GridError, match="cuts"):
        read_cuts(sent)


def test_cuts_are_read_as_pieces_and_a_page_without_clips_has_nothing_to_cut(kept, storage):
    assert read_cuts({"a/1": [[0, 5], [7, 9.0]]}) == {"a/1": [Piece(0, 5), Piece(7, 9)]}
    page = Visitors(kept).page("two", "page")
    assert Cutter(page).recordings == []
    with pytest.raises(DistillError, match="drop some recordings"):
        Cutter(page).cut({}, storage)
