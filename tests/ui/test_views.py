"""What the tabs say: lengths, bit rates, and the end of a training."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from distill.audio import Clip, LogMel
from distill.codec import Codec
from distill.editing.work import Work
from distill.jobs import JobStatus
from distill.settings import DEFAULTS
from distill.training.config import get_adaptive_vqvae_config
from distill.training.dataset import to_mel_clip
from distill.training.health import LevelHealth
from distill.training.records import NO_CURVES, Progress, Validation
from distill.ui import train, views
from distill.ui.train_layout import TrainTab


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, round(44_100 * seconds)).astype(np.float32)


@pytest.mark.parametrize(
    ("seconds", "bitrate", "times"),
    [(0.05, "2880 bit/s", "245 ×"), (0.1, "1440 bit/s", "490 ×"), (2, "792 bit/s", "891 ×")],
)
def test_a_clip_is_billed_by_its_own_columns_and_its_own_length(codec, seconds, bitrate, times):
    work = Work.begin(codec, Clip("short.wav", noise(seconds)))
    facts = dict(views.report_facts(work))
    assert (facts["As codes"], facts["Smaller than 16-bit WAV"], facts["Length"]) == (
        bitrate,
        times,
        f"{seconds:.2f} s",
    )
    assert views.layer_note(work.layers[-1]).startswith(bitrate)


def test_a_set_lasts_as_long_as_its_samples():
    clip = to_mel_clip(Clip("60 ms.wav", noise(0.06)), LogMel())
    assert "30.0 s of sound" in views.clip_list([clip] * 500, [])


@pytest.mark.parametrize(
    ("seconds", "columns", "reason"),
    [
        ([0.2] * 12, "columns of 46 ms", "a typical clip of 0.20 s would be only 1.1 of 186 ms"),
        ([0.5] * 12, "columns of 93 ms", "a typical clip of 0.50 s would be only 2.7 of 186 ms"),
        ([4.9] * 12, "columns of 186 ms", "a typical clip of 4.9 s has 27 of them"),
    ],
)
def test_the_adaptive_settings_say_why_the_columns_are_as_long_as_they_are(seconds, columns, reason):
    told = views.config_reason(get_adaptive_vqvae_config(len(seconds), seconds), seconds)
    assert "For 12 clips: <b>64 codes per level</b> and 1 minute, because" in told
    assert f"<b>{columns}</b>, because {reason}" in told


@pytest.mark.parametrize(("time_stride", "length"), [(8, "93 ms"), (4, "46 ms")])
def test_a_codec_of_shorter_columns_says_so_and_costs_more(small_model, time_stride, length):
    line = views.codec_line(Codec(small_model(time_stride=time_stride)))
    assert f"<span>columns of {length}</span>" in line
    assert f"<span>{3 * 8 * 4 * 44_100 / 512 / time_stride:.0f} bit/s</span>" in line


VALIDATED = Validation(200, 1.0, 0.3, None, (), (), (), True)
FINISHED = JobStatus("finished", 0, 0.0, Progress(1, 0.1, 0.6, 0.0, 1.0, 0.5, 0.1), None, NO_CURVES, "", "")


def test_a_training_of_hardly_any_steps_says_so():
    assert "Finished: 1 step in 1 s" in views.training_progress(FINISHED, "job")
    assert "hardly trained" in views.training_progress(FINISHED, "job")
    enough = replace(FINISHED, progress=replace(FINISHED.progress, step=200))
    assert "hardly trained" not in views.training_progress(enough, "job")
    assert "hardly trained" not in views.training_progress(replace(FINISHED, state="stopped"), "job")


@pytest.mark.parametrize("has_cookie", [True, False])
def test_a_reloaded_page_without_a_cookie_is_told_that_this_is_the_reason(has_cookie):
    page = SimpleNamespace(
        owner="0" * 32, visit=SimpleNamespace(is_new=True), clips=None, is_without_cookie=not has_cookie
    )
    server = SimpleNamespace(runner=SimpleNamespace(jobs_of=lambda owner: []), settings=DEFAULTS)
    tab = SimpleNamespace(returned="returned", progress="progress", remembered="remembered")
    told = train.arrive(SimpleNamespace(page=page, tab=tab, server=server), "a" * 32)["progress"]
    assert ("cookie" in told) is not has_cookie
    assert ("started anew" in told) is has_cookie


def test_the_end_of_a_training_says_what_to_do_next_once_there_is_a_codec():
    ended = replace(FINISHED, validation=VALIDATED)
    for state, more in (("finished", "Train again with more minutes"), ("stopped", "Continue, or add")):
        told = views.training_progress(replace(ended, state=state), "job")
        assert "What next?" in told
        assert views.USE in told
        assert more in told
    assert "What next?" not in views.training_progress(FINISHED, "job")
    assert "What next?" not in views.training_progress(replace(ended, state="running"), "job")


def test_every_word_of_the_table_of_codes_is_explained():
    table = views.health_table([LevelHealth(utilization=0.5, perplexity=8.0, dead_codes=3)] * 3, 16)
    for word in ("Level", "Codes used", "Effective codes", "Dead codes"):
        assert f">{word}</th>" in table
        assert f"<dt>{word}</dt>" in views.GLOSSARY
    assert table.count("<th scope='col' title=") == 4


@pytest.mark.parametrize(
    ("state", "has_codec", "able"),
    [
        ("waiting", False, "stop"),
        ("running", False, "stop"),
        ("running", True, "stop use"),
        ("stopped", True, "resume use"),
        ("failed", False, "resume"),
        ("finished", True, "use"),
    ],
)
def test_only_buttons_that_do_something_are_enabled(state, has_codec, able):
    tab = SimpleNamespace(start="start", stop="stop", resume="resume", use="use")
    status = replace(FINISHED, state=state, validation=VALIDATED if has_codec else None)
    answer = TrainTab.able(tab, status)
    assert sorted(name for name, update in answer.items() if update.get("interactive")) == able.split()
    primary = [name for name, update in answer.items() if update.get("variant") == "primary"]
    is_over = state not in ("waiting", "running")
    assert primary == (["use"] if has_codec else ["start"]) * is_over
