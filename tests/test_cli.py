"""The command line: the files that it writes, and one sentence and exit status 2 for bad input."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill.audio import SAMPLE_RATE, load_clip
from distill.cli import main
from distill.codec import Codec
from distill.codes import CodeGrid


@pytest.fixture(autouse=True, scope="module")
def keep_signal_handler() -> Iterator[None]:
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.fixture(scope="module")
def trained(clip_folder, tmp_path_factory) -> tuple[Path, dict]:
    """A codec trained for two epochs, and the report of its training."""
    folder = tmp_path_factory.mktemp("trained")
    path, report = folder / "kit.distill", folder / "report.json"
    assert (
        main(["train", str(clip_folder), "--out", str(path), "--epochs", "2", "--seed", "4", "--json", str(report)])
        == 0
    )
    return path, json.loads(report.read_text())


def test_a_training_report_gives_times_errors_and_settings(trained):
    path, report = trained
    assert {"seconds", "steps", "epochs", "mel_l1", "val_mel_l1", "config", "levels"} <= set(report)
    assert report["epochs"] == 2
    assert report["steps"] >= 2
    assert report["seconds"] > 0
    assert 0 < report["mel_l1"] < 5
    assert report["val_mel_l1"] is None
    assert report["config"]["codebook_size"] == 64
    assert report["config"]["seed"] == 4
    assert [set(level) for level in report["levels"]] == [{"utilization", "perplexity", "dead_codes"}] * 3
    assert Codec.load(path).info.mel_l1 == report["mel_l1"]


def test_a_finished_training_leaves_the_codec_and_nothing_to_resume(trained):
    assert sorted(path.name for path in trained[0].parent.iterdir()) == ["kit.distill", "report.json"]


def test_the_options_of_a_training_reach_the_codec_and_its_output_is_plain_lines(distill, clip_folder, tmp_path):
    out = tmp_path / "new folder" / "kit.distill"
    options = ["--epochs", 1, "--levels", 2, "--codebook-dim", 8, "--commitment-weight", 0.5, "--device", "cpu"]
    status, printed, errors = distill("train", *sorted(clip_folder.iterdir()), "--out", out, *options)
    assert (status, errors) == (0, "")
    assert "mel_l1" in printed
    assert "\x1b" not in printed
    assert "\r" not in printed
    assert "6 clips: 64 codes per level, columns of 186 ms, because a typical clip of 0.9 s has 5" in printed
    model = Codec.load(out).model
    assert (model.num_levels, model.codebook_dim, model.commitment_weight) == (2, 8, 0.5)


@pytest.mark.parametrize("time_stride", [16, 8, 4])
def test_a_training_has_the_time_stride_that_was_asked_for(distill, clip_folder, clip_path, tmp_path, time_stride):
    out, grid_path = tmp_path / "kit.distill", tmp_path / "grid.npz"
    options = ["--epochs", 1, "--time-stride", time_stride]
    status, printed, errors = distill("train", clip_folder, "--out", out, *options)
    assert (status, errors) == (0, "")
    assert "6 clips: 64 codes per level.\n" in printed
    codec = Codec.load(out)
    assert (codec.time_stride, codec.info.config.time_stride) == (time_stride, time_stride)
    assert f"columns of {[186, 93, 46][[16, 8, 4].index(time_stride)]} ms" in distill("info", out)[1]
    facts = json.loads(distill("info", out, "--json")[1])
    assert facts["time_stride"] == time_stride
    assert facts["bitrate_bps"] == pytest.approx(3 * 8 * 6 * 44_100 / 512 / time_stride)
    assert distill("encode", out, clip_path, grid_path)[0] == 0
    grid = CodeGrid.load(grid_path)
    assert (grid.time_stride, grid.columns) == (time_stride, -(-grid.num_frames // time_stride))
    assert distill("decode", out, grid_path, tmp_path / "out.wav")[0] == 0
    assert len(soundfile.read(tmp_path / "out.wav")[0]) == grid.num_samples


def test_a_training_can_start_without_the_base_model(distill, clip_folder, trained, tmp_path):
    out = tmp_path / "kit.distill"
    assert distill("train", clip_folder, "--out", out, "--epochs", 2, "--seed", 4, "--from-scratch")[0] == 0
    scratch, based = Codec.load(out).info, Codec.load(trained[0]).info
    assert (scratch.config.from_base, based.config.from_base) == (False, True)
    assert scratch.provenance.from_base is False
    assert based.mel_l1 < scratch.mel_l1


def test_a_training_goes_on_from_a_codec_with_its_levels_and_its_columns(distill, clip_folder, trained, tmp_path):
    out, report = tmp_path / "kit.distill", tmp_path / "report.json"
    options = ["--from", trained[0], "--levels", 4, "--epochs", 3, "--seed", 4, "--json", report]
    status, printed, errors = distill("train", clip_folder, "--out", out, *options)
    assert (status, errors) == (0, "")
    assert "6 clips: 64 codes per level.\n" in printed
    before, after = Codec.load(trained[0]), Codec.load(out)
    assert (after.num_levels, after.info.provenance.from_codec) == (3, before.model_id)
    assert json.loads(report.read_text())["curves"]["validations"][0]["mel_l1"] == pytest.approx(before.info.mel_l1)
    assert after.info.mel_l1 <= before.info.mel_l1
    assert distill("train", clip_folder, "--out", out, "--from", clip_folder)[0] == 2


def test_without_the_chosen_vocoder_a_sentence_says_so_and_distills_own_is_used(
    distill, codec_path, clip_path, tmp_path, monkeypatch, is_one_sentence
):
    monkeypatch.setitem(sys.modules, "bigvgan.bigvgan", None)
    out = tmp_path / "out.wav"
    status, _, errors = distill("reconstruct", codec_path, clip_path, out, "--vocoder", "bigvgan")
    assert status == 0
    assert is_one_sentence(errors.rstrip("\n"), "BigVGAN", "Distill's own")
    assert np.abs(load_clip(out).waveform).max() > 0.01
    assert distill("reconstruct", codec_path, clip_path, out, "--vocoder", "choir")[0] == 2


def test_the_same_seed_trains_the_same_codec(distill, clip_folder, trained, tmp_path):
    for name, seed in (("same", 4), ("other", 5)):
        assert distill("train", clip_folder, "--out", tmp_path / name, "--epochs", 2, "--seed", seed)[0] == 0
    same, other = (Codec.load(tmp_path / name).model_id for name in ("same", "other"))
    assert same == Codec.load(trained[0]).model_id != other


def test_minutes_bound_a_training(distill, clip_folder, tmp_path):
    report = tmp_path / "report.json"
    assert distill("train", clip_folder, "--out", tmp_path / "m", "--minutes", 0.03, "--json", report)[0] == 0
    result = json.loads(report.read_text())
    assert result["config"]["minutes"] == 0.03
    assert result["epochs"] < result["config"]["epochs"]


def test_a_zip_of_clips_can_be_trained_on(distill, clip_folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "kit.zip", "w") as archive:
        for path in clip_folder.iterdir():
            archive.write(path, f"kit/{path.name}")
    status, _, errors = distill("train", tmp_path / "kit.zip", "--out", tmp_path / "kit.distill", "--epochs", 1)
    assert (status, errors) == (0, "")
    assert Codec.load(tmp_path / "kit.distill").info.provenance.clips == 6


def test_a_recording_is_cut_into_clips_and_trained_on(distill, tmp_path):
    random, path = np.random.default_rng(0), tmp_path / "take.wav"
    take = np.concatenate([np.geomspace(1, 1e-4, 40_000) * random.uniform(-0.5, 0.5, 40_000) for _ in range(6)])
    soundfile.write(path, take, SAMPLE_RATE)
    for by in ("onsets", "silence"):
        status, out, _ = distill("train", path, "--cut", by, "--out", tmp_path / f"{by}.distill", "--epochs", "1")
        assert (status, "6 clips" in out) == (0, True)
    status, _, error = distill("train", path, "--out", tmp_path / "whole.distill", "--epochs", "1")
    assert (status, "at least 5 clips" in error) == (2, True)


def test_a_bad_clip_is_named_and_the_others_are_trained_on(distill, clip_folder, tmp_path):
    (tmp_path / "bad.wav").write_text("no sound")
    out = tmp_path / "kit.distill"
    status, _, errors = distill("train", clip_folder, tmp_path / "bad.wav", "--out", out, "--epochs", 1)
    assert status == 0
    assert errors.startswith("bad.wav ")
    assert errors.count("\n") == 1
    assert out.exists()


def test_a_clip_goes_to_a_grid_and_back(distill, codec, codec_path, clip_path, tmp_path):
    assert distill("encode", codec_path, clip_path, tmp_path / "grid.npz")[::2] == (0, "")
    assert distill("encode", codec_path, clip_path, tmp_path / "grid.json")[::2] == (0, "")
    grid = codec.encode(load_clip(clip_path).waveform, SAMPLE_RATE)
    assert CodeGrid.load(tmp_path / "grid.npz") == CodeGrid.load(tmp_path / "grid.json") == grid
    assert distill("decode", codec_path, tmp_path / "grid.npz", tmp_path / "out.wav") == (0, "", "")
    assert np.abs(load_clip(tmp_path / "out.wav").waveform - codec.decode(grid)).max() < 2 / 32_768


def test_a_reconstruction_is_as_long_as_the_clip(distill, codec_path, clip_path, tmp_path):
    assert distill("reconstruct", codec_path, clip_path, tmp_path / "out.wav") == (0, "", "")
    info = soundfile.info(tmp_path / "out.wav")
    samples = len(load_clip(clip_path).waveform)
    assert samples % 512
    assert info.frames == samples
    assert (info.samplerate, info.channels) == (44_100, 1)


def test_an_instrument_holds_clips_and_grids_and_what_was_chosen(distill, codec, codec_path, clip_path, tmp_path):
    grid = codec.encode(load_clip(clip_path).waveform, SAMPLE_RATE)
    grid.save(tmp_path / "grid.npz")
    out = tmp_path / "new" / "instrument.html"
    options = ("--title", "Mine & <yours>", "--licence", "cc0", "--no-encoder")
    status, output, _ = distill("instrument", codec_path, clip_path, tmp_path / "grid.npz", out, *options)
    assert (status, output) == (0, f"{out}, {out.stat().st_size / 1e6:.1f} MB: open it in a browser.\n")
    page = out.read_text(encoding="utf-8")
    assert "<title>Mine &amp; &lt;yours&gt;</title>" in page
    assert "CC0 1.0" in page
    assert '"name": "grid.npz"' in page
    assert f'"name": "{clip_path.name}"' in page


def test_info_says_what_a_codec_is_to_people_and_to_programs(distill, codec, codec_path):
    status, printed, errors = distill("info", codec_path)
    assert (status, errors) == (0, "")
    clips = f"{codec.info.provenance.clips} clips"
    for fact in (codec.model_id, "3 levels x 64 codes", clips, "Structure", "Timbre", "Detail"):
        assert fact in printed
    status, printed, errors = distill("info", codec_path, "--json")
    assert (status, errors) == (0, "")
    facts = json.loads(printed)
    assert facts["model_id"] == codec.model_id
    assert (facts["levels"], facts["codebook_size"]) == (3, 64)
    assert len(facts["health"]) == 3
    assert facts["format_version"] == 2
    assert facts["mel_l1"] == codec.info.mel_l1
    assert facts["config"]["codebook_size"] == 64
    assert facts["provenance"]["clips"] == codec.info.provenance.clips


def test_an_evaluation_reports_every_figure(distill, codec, codec_path, clip_folder, tmp_path):
    status, printed, errors = distill("evaluate", codec_path, clip_folder, "--json", tmp_path / "report.json")
    assert (status, errors) == (0, "")
    assert "6 clips" in printed
    report = json.loads((tmp_path / "report.json").read_text())
    for name in ("mel_l1", "mel_l1_audio", "bitrate_bps", "encode_rtf", "decode_rtf"):
        assert report[name] > 0
    assert report["bitrate_bps"] > codec.bitrate_bps  # a clip takes whole columns
    assert [set(level) for level in report["levels"]] == [{"utilization", "perplexity", "dead_codes"}] * 3


def test_an_evaluation_goes_on_after_a_bad_clip(distill, codec_path, clip_path, tmp_path):
    status, printed, errors = distill("evaluate", codec_path, clip_path, tmp_path / "missing.wav")
    assert status == 0
    assert "1 clips" in printed
    assert errors == "missing.wav does not exist or is not a file.\n"


@pytest.fixture
def bad_files(tmp_path, codec_path, clip_folder, trained) -> dict[str, Path]:
    """Good and bad files for the commands, by name."""
    files = {name: tmp_path / name for name in ("missing", "empty", "out")}
    files |= {"codec": codec_path, "clip": clip_folder / "loop_amen.wav", "clips": clip_folder}
    files |= {"damaged": tmp_path / "damaged.distill", "text": tmp_path / "text.wav", "other": tmp_path / "other.npz"}
    files["empty"].mkdir()
    files["damaged"].write_bytes(codec_path.read_bytes()[:100_000])
    files["text"].write_text("neither sound nor codes")
    Codec.load(trained[0]).encode(load_clip(files["clip"]).waveform, SAMPLE_RATE).save(files["other"])
    return files


@pytest.mark.parametrize(
    "command",
    [
        "info {missing}",
        "info {damaged}",
        "info {clip}",
        "info {empty}",
        "encode {missing} {clip} {out}.npz",
        "encode {damaged} {clip} {out}.npz",
        "encode {codec} {missing} {out}.npz",
        "encode {codec} {text} {out}.npz",
        "encode {codec} {empty} {out}.npz",
        "encode {codec} {clip} {out}.txt",
        "encode {codec} {clip} {missing}/grid.npz",
        "encode {codec} {clip} {missing}/grid.json",
        "decode {codec} {missing} {out}.wav",
        "decode {codec} {text} {out}.wav",
        "decode {codec} {clip} {out}.wav",
        "decode {codec} {other} {out}.wav",
        "reconstruct {missing} {clip} {out}.wav",
        "reconstruct {codec} {missing} {out}.wav",
        "reconstruct {codec} {text} {out}.wav",
        "reconstruct {codec} {clip} {missing}/out.wav",
        "reconstruct {codec} {clip} {empty}",
        "instrument {missing} {clip} {out}.html",
        "instrument {codec} {missing} {out}.html",
        "instrument {codec} {other} {out}.html",
        "instrument {codec} {text} {out}.html",
        "instrument {codec} {clip} {empty}",
        "instrument {codec} {clip} {out}.html --licence mine",
        "instrument {codec} {clip} {out}.html --title " + 9 * "a_long_title",
        "evaluate {missing} {clip}",
        "evaluate {codec} {empty}",
        "evaluate {codec} {clip} --json {missing}/report.json",
        "train {clip} {clip} {clip} {clip} --out {out}",
        "train {empty} --out {out}",
        "train {clips} --out {out} --levels 7",
        "train {clips} --out {out} --levels 1",
        "train {clips} --out {out} --codebook-dim 0",
        "train {clips} --out {out} --commitment-weight -1",
        "train {clips} --out {out} --commitment-weight nan",
        "train {clips} --out {out} --epochs 0",
        "train {clips} --out {out} --minutes 0",
        "train {clips} --out {out} --seed -1",
        "train {clips} --out {out} --device tpu",
        "train {clips} --out {out} --levels two",
        "train {clips} --out {out} --loudly",
        "train {clips} --out {out} --resume",
        "train {clips}",
        "play {clip}",
        "encode {codec}",
        "",
    ],
)
def test_bad_input_gives_one_line_and_exit_status_2(distill, bad_files, command):
    arguments = [part.format(**bad_files) for part in command.split()]
    status, _, errors = distill(*arguments)
    assert status == 2
    assert errors.count("\n") == 1
    assert errors.strip()
    assert "Traceback" not in errors
    assert not list(bad_files["out"].parent.glob("out*"))


def environment(repository: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}


def test_a_separate_process_also_ends_with_status_2_and_one_line(repository, tmp_path):
    command = [sys.executable, "-m", "distill", "info", str(tmp_path / "missing.distill")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(repository), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "missing.distill does not exist or is not a file.\n"


def test_a_training_that_is_interrupted_saves_its_best_and_resume_goes_on(distill, repository, clip_folder, tmp_path):
    out, report = tmp_path / "kit.distill", tmp_path / "report.json"
    arguments = ["train", str(clip_folder), "--out", str(out), "--epochs", "30", "--json", str(report)]
    command = [sys.executable, "-u", "-m", "distill", *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(repository), cwd=tmp_path
    )
    first_line = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate()
    assert "mel_l1" in first_line
    assert (process.returncode, errors) == (0, "")
    assert "--resume goes on" in printed
    assert Codec.load(out).num_levels == 3
    stopped = json.loads(report.read_text())
    assert 0 < stopped["epochs"] < 30

    status, printed, errors = distill(*arguments, "--resume")
    assert (status, errors) == (0, "")
    resumed = json.loads(report.read_text())
    assert resumed["epochs"] == 30
    assert resumed["seconds"] > stopped["seconds"]
    assert resumed["mel_l1"] <= stopped["mel_l1"]
    points = [point["step"] for point in resumed["curves"]["validations"]]
    assert points == sorted(points)
    assert points[0] <= stopped["steps"] < points[-1] == resumed["steps"]
    assert not list(tmp_path.glob("*.resume*"))


def test_resuming_with_other_clips_is_refused(distill, clip_folder, trained, quick_config, mel_clips, tmp_path):
    from distill.training.checkpoint import save_checkpoint
    from distill.training.config import get_adaptive_vqvae_config
    from distill.training.trainer import Trainer

    trainer = Trainer(mel_clips[:5], get_adaptive_vqvae_config(5), device="cpu")
    save_checkpoint(trainer, tmp_path / "kit.distill.resume")
    status, _, errors = distill("train", clip_folder, "--out", tmp_path / "kit.distill", "--epochs", 2, "--resume")
    assert status == 2
    assert "kit.distill.resume was begun with other clips" in errors
    assert errors.count("\n") == 1


def test_what_is_missing_of_a_file_that_was_cut_short_is_said_on_stderr(distill, trained, clip_path, tmp_path):
    content = clip_path.read_bytes()
    (tmp_path / "cut.wav").write_bytes(content[: len(content) // 2])
    status, _, told = distill("encode", trained[0], tmp_path / "cut.wav", tmp_path / "grid.npz")
    assert (status, told.count("\n")) == (0, 1)
    assert told.startswith("cut.wav is cut short: of the ")
