"""The beat that is found in a clip."""

import numpy as np
import pytest

from distill.audio import SAMPLE_RATE, load_clip
from distill.audio.beat import find_beat


def hits(tempo, offset, seconds, seed=0):
    """Short bursts of noise on the beat, each second one weaker, over faint noise."""
    random = np.random.default_rng(seed)
    sound = 0.001 * random.normal(size=round(seconds * SAMPLE_RATE))
    for number in range(int((seconds - offset) * tempo / 60)):
        start = round((offset + number * 60 / tempo) * SAMPLE_RATE)
        burst = random.normal(size=4_000) * np.exp(-np.arange(4_000) / 800)
        part = sound[start : start + 4_000]
        part += (0.3 if number % 2 else 0.5) * burst[: len(part)]
    return sound.astype(np.float32)


@pytest.mark.parametrize(("tempo", "offset"), [(120, 0.0), (97.3, 0.21), (140, 0.1), (84, 0.5), (172, 0.02)])
def test_tempo_and_first_beat_of_steady_hits_are_found(tempo, offset):
    beat = find_beat(hits(tempo, offset, 9.3))
    assert beat.tempo == pytest.approx(tempo, rel=0.005)
    late = (beat.offset - offset + beat.seconds / 2) % beat.seconds - beat.seconds / 2
    assert abs(late) < 0.015


@pytest.mark.parametrize(
    ("name", "tempo"), [("amen", 137), ("amen_full", 140), ("compus", 148), ("drone_g_97", 97), ("mika", 120)]
)
def test_the_tempo_of_a_loop_lets_whole_beats_fill_it(repository, name, tempo):
    clip = load_clip(repository / f"examples/clips/loop_{name}.flac")
    beat = find_beat(clip.waveform)
    assert beat.tempo == pytest.approx(tempo, rel=0.005)
    assert clip.seconds / beat.seconds == pytest.approx(round(clip.seconds / beat.seconds), abs=1e-6)


@pytest.mark.parametrize("waveform", [np.zeros(4 * SAMPLE_RATE), hits(120, 0, 0.4), np.zeros(0)])
def test_where_nothing_begins_there_is_no_beat(waveform):
    assert find_beat(waveform.astype(np.float32)) is None
