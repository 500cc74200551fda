"""Recordings are cut before their attacks, and where they are silent; no sound of a piece is lost."""

import numpy as np
import pytest

from distill.audio import SAMPLE_RATE, Clip, LogMel, Piece, cut_at_onsets, cut_at_silence, load_clip
from distill.audio.cutting import SHORTEST_SECONDS, cut_clip, envelope, find_cuts
from distill.errors import AudioError

TIMES = (0.4, 0.9, 1.15, 1.6, 2.3)


def hits(times=TIMES, *, seconds=3.0, gains=(1.0,), decay=0.05, noise=0.0):
    """Bursts of noise that fade, at these times."""
    random = np.random.default_rng(0)
    sound = noise * random.uniform(-1, 1, round(seconds * SAMPLE_RATE))
    for number, time in enumerate(times):
        start = round(time * SAMPLE_RATE)
        fade = np.exp(-np.arange(len(sound) - start) / (decay * SAMPLE_RATE))
        sound[start:] += 0.5 * gains[number % len(gains)] * fade * random.uniform(-1, 1, len(fade))
    return sound.astype(np.float32)


@pytest.mark.parametrize("noise", [0.0, 0.003])
def test_each_hit_is_a_piece_that_begins_shortly_before_its_attack(noise):
    pieces = cut_at_onsets(hits(gains=(1.0, 0.3), noise=noise))
    early = [time - piece.start / SAMPLE_RATE for time, piece in zip(TIMES, pieces[-len(TIMES) :], strict=True)]
    assert all(-0.0002 <= each <= 0.012 for each in early), early
    assert len(pieces) == len(TIMES) + bool(noise)  # noise before the first hit is a piece of its own


def test_a_hit_at_the_very_beginning_is_a_piece():
    pieces = cut_at_onsets(hits((0.0, 0.5)))
    assert [round(piece.start / SAMPLE_RATE, 1) for piece in pieces] == [0.0, 0.5]


def test_silence_around_hits_is_left_out_and_their_fading_is_not():
    waveform = hits()
    for pieces in (cut_at_onsets(waveform), cut_at_silence(waveform, below_db=50, gap_seconds=0.02)):
        kept = np.zeros(len(waveform), dtype=bool)
        for piece in pieces:
            kept[piece.start : piece.stop] = True
        assert not kept[: round(0.3 * SAMPLE_RATE)].any()
        assert np.abs(waveform[~kept]).max() < 0.5 * 10 ** (-49 / 20)


def test_finer_cuts_are_more_cuts_and_never_closer_than_asked_for(examples):
    tabla = load_clip(examples / "clips" / "loop_perc1.flac").waveform
    counts = [len(cut_at_onsets(tabla, fineness=fineness)) for fineness in (0, 0.25, 0.5, 1)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
    starts = [piece.start for piece in cut_at_onsets(tabla, fineness=1, shortest_seconds=0.3)]
    assert len(starts) > 3
    assert np.diff(starts).min() >= 0.3 * SAMPLE_RATE


def test_onsets_are_where_a_listener_hears_the_beats_of_the_amen_break(examples):
    amen = load_clip(examples / "clips" / "loop_amen.flac")
    eighth = amen.seconds / 8
    steps = [piece.start / SAMPLE_RATE / eighth for piece in cut_at_onsets(amen.waveform)]
    near = [abs(2 * step - round(2 * step)) / 2 for step in steps]
    assert len(steps) >= 8
    assert np.median(near) < 0.1


def test_a_known_log_mel_gives_the_same_cuts(drums):
    import torch

    log_mel = LogMel()(torch.from_numpy(drums.waveform)[None])[0].numpy().reshape(128, -1)
    assert cut_at_onsets(drums.waveform, log_mel=log_mel) == cut_at_onsets(drums.waveform)


def test_words_are_cut_at_the_pauses_between_them():
    words = hits((0.2, 0.3, 0.4, 1.2, 1.3, 2.2), decay=0.03)
    assert [round(piece.start / SAMPLE_RATE, 1) for piece in cut_at_silence(words)] == [0.2, 1.2, 2.2]
    assert len(find_cuts(words, "silence", 0)) <= 3 <= len(find_cuts(words, "silence", 1))


@pytest.mark.parametrize("cut", [cut_at_onsets, cut_at_silence])
def test_pieces_are_in_order_apart_and_within_the_recording(cut, drums, drone):
    for waveform in (drums.waveform, drone.waveform, hits(noise=0.01), hits((2.98,)), np.ones(600, np.float32)):
        pieces = cut(waveform)
        edges = [edge for piece in pieces for edge in piece]
        assert edges == sorted(edges)
        assert pieces
        assert edges[0] >= 0
        assert edges[-1] <= len(waveform)
        assert all(stop - start >= min(512, len(waveform)) for start, stop in pieces)


@pytest.mark.parametrize("cut", [cut_at_onsets, cut_at_silence])
def test_nothing_of_silence_is_a_piece(cut):
    assert cut(np.zeros(SAMPLE_RATE, dtype=np.float32)) == []


def test_a_click_is_no_piece_and_a_short_hit_keeps_a_tail():
    waveform = hits((1.0,), decay=0.01)
    waveform[round(0.3 * SAMPLE_RATE)] = 0.6
    (piece,) = cut_at_silence(waveform)
    assert round(piece.start / SAMPLE_RATE, 2) == 0.99
    assert piece.stop - piece.start >= SHORTEST_SECONDS * SAMPLE_RATE - 1


def test_values_out_of_range_are_refused_by_name(is_one_sentence):
    refused = [
        lambda: cut_at_onsets(hits(), fineness=2),
        lambda: cut_at_onsets(hits(), shortest_seconds=-1),
        lambda: cut_at_silence(hits(), below_db=0),
        lambda: find_cuts(hits(), "magic"),
    ]
    for cut, name in zip(refused, ("fineness", "shortest_seconds", "below_db", "magic"), strict=True):
        with pytest.raises(AudioError) as refusal:
            cut()
        assert is_one_sentence(refusal.value, name)


def test_pieces_are_named_after_their_recording_and_their_number():
    sound = np.arange(12 * 600, dtype=np.float32)
    pieces = cut_clip(Clip("my take.v2.wav", sound), [Piece(start, start + 600) for start in range(0, len(sound), 600)])
    assert [piece.name for piece in pieces][::11] == ["my take.v2 01.wav", "my take.v2 12.wav"]
    assert np.array_equal(np.concatenate([piece.waveform for piece in pieces]), sound)
    assert cut_clip(Clip("hit", sound), [Piece(0, 600)])[0].name == "hit"


def test_the_envelope_has_the_extremes_of_each_block():
    sound = np.zeros(300, dtype=np.float32)
    sound[[5, 140, 299]] = 0.5, -0.25, 0.1
    assert envelope(sound).tolist() == [[0, 127], [-64, 0], [0, 25]]
    assert not envelope(np.zeros(10, dtype=np.float32)).any()
