"""The benchmark, with seconds of training instead of minutes."""

import json
import os
import shutil

import numpy as np
import pytest

from distill.audio import SAMPLE_RATE, LogMel
from distill.bench import contest, report
from distill.bench.attacks import Attacks
from distill.bench.contest import Contestant, Stopwatch, run
from distill.bench.listening import listen, opus, synthesize
from distill.bench.plain import PlainVQVAE
from distill.cli import main
from distill.errors import TrainingError
from distill.models.vocoder import NeuralVocoder
from distill.training.base import base_vocoder
from tests.maps import fields, keys


def test_the_plain_network_has_about_1_1_million_weights():
    weights = sum(parameter.numel() for parameter in PlainVQVAE().parameters())
    assert 1.0e6 < weights < 1.2e6


@pytest.mark.parametrize(("kind", "levels"), [("plain", 3), ("vae", 0), ("distill", 4), ("scratch", 3)])
def test_every_contestant_is_measured_on_its_output_and_on_held_out_clips(kind, levels, mel_clips):
    for seconds in (1, 20, 100):  # until a step is made, on however busy a machine
        shown = []
        contestant = Contestant(kind, kind, seconds, levels)
        result = run(contestant, mel_clips[1:], mel_clips[:1], show=lambda *point, shown=shown: shown.append(point))
        if result.steps:
            break
    assert shown == result.curve
    assert [mel.shape for mel in result.log_mels] == [clip.log_mel.shape for clip in mel_clips[1:]]
    assert result.steps >= 1
    pairs = zip(result.log_mels, mel_clips[1:], strict=True)
    total = sum(np.abs(mel - clip.log_mel.numpy()).mean() * clip.num_frames for mel, clip in pairs)
    assert result.mel_l1 == pytest.approx(total / sum(clip.num_frames for clip in mel_clips[1:]), rel=1e-4)
    assert result.held_out_mel_l1 > 0
    assert result.peak_memory_mb > 100
    assert result.seconds_to(result.mel_l1 + 1e-6) is not None
    assert result.seconds_to(0) is None


@pytest.fixture
def small_examples(clip_folder, codec_path, tmp_path, monkeypatch):
    """Six short clips in the place of the examples and of the hits, and few edits that are timed."""
    for folder in ("clips", "hits"):
        shutil.copytree(clip_folder, tmp_path / "examples" / folder)
    (tmp_path / "examples" / "models").mkdir()
    shutil.copy(codec_path, tmp_path / "examples" / "models")
    for name, value in {"find_examples": lambda: tmp_path / "examples", "EDITS": 10, "STEPS_BEFORE": 10}.items():
        monkeypatch.setattr(report, name, value)


@pytest.mark.usefixtures("small_examples")
def test_the_command_prints_a_table_and_writes_it_as_json(capsys, tmp_path):
    written_to = tmp_path / "report.json"
    assert main(["bench", "plain", "distill", "hits", "speed", "--minutes", "0.26", "--json", str(written_to)]) == 0
    printed = capsys.readouterr().out
    for words in ("mel_l1", "distill to the plain network's", "true log-mels", "6 hits", "seconds of sound a second"):
        assert words in printed
    written = json.loads(written_to.read_text())
    heard = {row["name"]: row["mel_l1_audio"] for row in written["listening"]}
    assert heard["true log-mels"] < min(heard["plain"], heard["distill"])
    assert heard["true log-mels, true phases"] < heard["true log-mels, Griffin-Lim"]
    assert {"distill, true phases", "distill, Griffin-Lim"} <= set(heard)  # its training may have had few steps
    assert written["speed"]["vocoder_seconds"] > 0
    assert [result["contestant"]["name"] for result in written["trainings"]] == ["plain", "distill"]
    assert written["speed"]["edit_ms_median"] > 0
    assert written["speed"]["training_edit_ms_median"] > 0
    assert written["speed"]["steps_per_second"] > 0
    assert written["speed"]["busy_steps_per_second"] > 0
    assert written["speed"]["prepared_steps_per_second"] > 0
    assert written["cores"] >= 1
    assert set(written) <= fields("What `--json` writes", "`bench`")
    assert [result["contestant"]["time_stride"] for result in written["hits"]] == [4]
    attacks = {row["name"]: row["attacks"] for row in written["hits_listening"]}
    assert attacks["true log-mels, true phases"]["slower_ms"] < attacks["hits, 46 ms"]["slower_ms"]
    for part in ("trainings", "listening"):
        named = fields("What `--json` writes", f"`bench`, each of `{part}`")
        assert keys(written[part]) == named - {part}, part
    assert set(written["speed"]) == fields("What `--json` writes", "`bench`, `speed`")


def die(*_):
    os._exit(3)


def test_a_training_whose_process_dies_raises_an_error(mel_clips, monkeypatch):
    monkeypatch.setattr(contest, "_train", die)
    with pytest.raises(TrainingError, match=r"The training of plain ended early\."):
        run(Contestant("plain", "plain", 4, 3), mel_clips)


def test_measuring_does_not_count_as_training():
    moments = iter([10.0, 11.0, 500.0, 512.0])
    watch = Stopwatch(clock=lambda: next(moments))
    began = watch()
    with watch.paused():
        pass  # from 11 to 500
    assert watch() - began == 13.0  # from 10 to 11 and from 500 to 512


def test_a_noisier_sound_gets_worse_scores(drums):
    noise = np.random.default_rng(0).standard_normal(len(drums.waveform)) * 0.1
    same, worse = (listen("x", [drums], [sound], None) for sound in (drums.waveform, drums.waveform + noise))
    assert same.mel_l1_audio == 0
    assert worse.mel_l1_audio > 0.5
    assert same.fine == (0, 0)
    assert min(worse.fine) > 0.1
    assert same.attacks == Attacks(same.attacks.count, 0, 0)
    assert worse.attacks.earlier_db > 5
    for score in ("visqol", "zimtohrli"):
        if getattr(same, score) is not None:
            assert getattr(worse, score) < 4 < getattr(same, score)


@pytest.mark.skipif(not shutil.which("opusenc"), reason="opus-tools are not installed")
def test_opus_is_reported_at_the_bit_rate_of_its_files(drums):
    rows = list(opus([drums]))
    assert len(rows) == 3
    assert [row.bitrate_bps for row in rows] == sorted(row.bitrate_bps for row in rows)
    for row in rows:
        assert 4_000 < row.bitrate_bps < 50_000
        assert 0.1 < row.mel_l1_audio < 3


def test_log_mels_become_sounds_of_their_length(mel_clips):
    (sound,) = synthesize([mel_clips[0].log_mel.numpy()], NeuralVocoder(base_vocoder()))
    assert sound.shape == (mel_clips[0].num_frames * LogMel.hop_length,)
    assert 0.4 < len(sound) / SAMPLE_RATE < 0.7


def test_a_benchmark_of_another_name_is_refused(capsys):
    assert main(["bench", "fast"]) == 2
    assert "no benchmark named 'fast'" in capsys.readouterr().err
