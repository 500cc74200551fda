"""Perceived loudness, and the gain that makes two sounds equally loud."""

import numpy as np
import pytest

from distill.audio import SAMPLE_RATE
from distill.audio.loudness import loudness_lufs, matching_gain_db, within_full_scale
from distill.errors import AudioError


def sine(seconds: float, peak: float = 1.0) -> np.ndarray:
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (peak * np.sin(2 * np.pi * 997 * time)).astype(np.float32)


def test_a_full_scale_sine_has_the_loudness_that_the_standard_says():
    assert loudness_lufs(sine(3)) == pytest.approx(-3.01, abs=0.1)


@pytest.mark.parametrize("seconds", [0.02, 0.2, 3])
def test_a_sound_at_half_the_level_needs_6_db(seconds):
    assert matching_gain_db(sine(seconds, 0.5), sine(seconds)) == pytest.approx(6.02, abs=0.05)


def test_a_gain_is_never_more_than_12_db():
    assert matching_gain_db(sine(1, 0.001), sine(1)) == 12
    assert matching_gain_db(sine(1), sine(1, 0.001)) == -12


def test_silence_has_no_loudness_and_asks_for_no_gain():
    assert loudness_lufs(np.zeros(SAMPLE_RATE, dtype=np.float32)) is None
    assert matching_gain_db(np.zeros(SAMPLE_RATE, dtype=np.float32), sine(1)) == 0


@pytest.mark.parametrize("seconds", [0.3, 0.4, 3, 12.3, 40])
def test_loudness_measured_in_pieces_equals_loudness_measured_at_once(seconds):
    import torch
    from torchaudio.functional import loudness

    random = np.random.default_rng(0)
    samples = int(seconds * SAMPLE_RATE)
    swell = 0.2 * np.abs(np.sin(np.arange(samples) / SAMPLE_RATE))
    waveform = (random.standard_normal(samples) * swell * 0.3).astype(np.float32)
    padded = np.pad(waveform, (0, max(0, int(0.4 * SAMPLE_RATE) - samples)))
    shares = []
    measured = loudness_lufs(waveform, shares.append)
    assert measured == pytest.approx(float(loudness(torch.from_numpy(padded)[None], SAMPLE_RATE)), abs=0.01)
    assert len(shares) == -(-max(1, int((seconds - 0.4) * 10) + 1) // 120)
    assert shares[-1] == 1


@pytest.mark.parametrize("peak", [1e20, -3e9, 500, 20])
@pytest.mark.parametrize("count", [1, 3, 100])
def test_a_sound_that_would_be_lost_beside_a_damaged_peak_is_refused(peak, count, is_one_sentence):
    quiet = sine(2, 0.05)
    quiet[30_000 : 30_000 + count] = peak
    with pytest.raises(AudioError, match=r"at 0\.68 s") as refusal:
        within_full_scale(quiet, "quiet.wav")
    assert is_one_sentence(refusal.value, "quiet.wav")


@pytest.mark.parametrize("scale", [2.0, 3.9, 100.0, 32_768.0, 2.0**31])
def test_a_sound_whose_samples_are_all_too_large_is_scaled_down(scale):
    loud = sine(1, 0.5) * np.float32(scale)
    assert np.abs(within_full_scale(loud, "loud.wav")).max() == pytest.approx(1)


def test_a_click_at_full_scale_and_peaks_somewhat_over_it_are_sound():
    click = np.zeros(SAMPLE_RATE, dtype=np.float32)
    click[5000:5030] = 3
    assert within_full_scale(click, "click.wav").max() == 1
    hits = np.random.default_rng(0).normal(0, 0.2, SAMPLE_RATE).astype(np.float32)
    hits[100] = 4
    assert within_full_scale(hits, "hits.wav").max() == 1
    assert within_full_scale(sine(1, 0.5), "sine.wav").max() == pytest.approx(0.5, abs=1e-3)
