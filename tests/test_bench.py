"""The benchmark, on seconds of training where the real one takes minutes."""

import json

import pytest

from distill.bench.contest import Contestant, run
from distill.bench.plain import PlainVQVAE
from distill.cli import main


def test_the_plain_network_is_the_size_it_is_said_to_be():
    weights = sum(parameter.numel() for parameter in PlainVQVAE().parameters())
    assert 1.0e6 < weights < 1.2e6


@pytest.mark.parametrize(("kind", "levels"), [("plain", 3), ("vae", 0), ("distill", 4)])
def test_every_contestant_learns_and_is_judged_on_clips_it_did_not_see(kind, levels, mel_clips):
    result = run(Contestant(kind, kind, 4, levels), mel_clips[1:], mel_clips[:1])
    assert result.steps > 1
    assert result.curve[-1][1] < result.curve[0][1]
    assert result.held_out_mel_l1 > 0
    assert result.peak_memory_mb > 100
    assert result.seconds_to(result.mel_l1 + 1e-6) is not None
    assert result.seconds_to(0) is None


def test_the_command_prints_a_table_and_writes_it_as_json(capsys, tmp_path):
    report = tmp_path / "report.json"
    assert main(["bench", "plain", "distill", "speed", "--minutes", "0.2", "--json", str(report)]) == 0
    printed = capsys.readouterr().out
    for words in ("mel_l1", "distill to the plain network's", "seconds of sound a second"):
        assert words in printed
    written = json.loads(report.read_text())
    assert [result["contestant"]["name"] for result in written["trainings"]] == ["plain", "distill"]
    assert written["speed"]["edit_ms_median"] > 0
    assert written["cores"] >= 1


def test_a_benchmark_of_another_name_is_refused(capsys):
    assert main(["bench", "fast"]) == 2
    assert "no benchmark named 'fast'" in capsys.readouterr().err
