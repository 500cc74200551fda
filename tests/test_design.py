"""What scripts may rely on: the public names, their snippets and the commands, run as they are written down."""

import ast
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from distill.audio import load_clip
from distill.cli import main


def test_the_model_snippet_runs_as_written():
    from distill.models import (
        ConvDecoder,
        ConvEncoder,
        ConvVAE,
        ConvVQVAE,
        QuantizerWrapper,
        VQDecoder,
        VQEncoder,
        VQVAEConfig,
        compute_kl_divergence,
        get_adaptive_vqvae_config,
        get_kl_weight,
        load_model,
        multi_scale_mel_loss,
        save_model,
        vae_loss,
        vqvae_loss,
    )

    file_count, mel = 12, torch.randn(2, 1, 128, 100)

    config = get_adaptive_vqvae_config(file_count)
    model = ConvVQVAE(
        codebook_dim=128,
        codebook_size=64,
        num_quantizers=3,
        decay=0.8,
        commitment_weight=0.25,
        threshold_ema_dead_code=2,
        dropout=0.2,
    )
    recon, indices, commit_loss = model(mel)
    total, recon_loss, commit = vqvae_loss(recon, mel, commit_loss, commitment_weight=0.25)

    assert isinstance(config, VQVAEConfig)
    assert VQVAEConfig.__module__ == "distill.training.config"
    assert (config.codebook_size, config.decay) == (64, 0.8)
    assert recon.shape == mel.shape
    assert (indices.shape, indices.dtype) == ((2, 8 * 7, 3), torch.int64)
    assert commit_loss.shape == total.shape == recon_loss.shape == commit.shape == ()
    assert isinstance(model.encoder, VQEncoder)
    assert isinstance(model.quantizer, QuantizerWrapper)
    assert isinstance(model.decoder, VQDecoder)
    baseline = ConvVAE()
    assert isinstance(baseline.encoder, ConvEncoder)
    assert isinstance(baseline.decoder, ConvDecoder)
    functions = (multi_scale_mel_loss, vae_loss, get_kl_weight, compute_kl_divergence, save_model, load_model)
    assert all(map(callable, functions))
    for half in ("encode", "quantize", "decode", "codes_to_embeddings"):
        assert callable(getattr(model, half))


def test_residual_vq_is_set_up_as_promised():
    from distill.models import ConvVQVAE

    for layer in ConvVQVAE(decay=0.9).quantizer.rvq.layers:
        codebook = layer._codebook
        assert codebook.decay == 0.9
        assert codebook.threshold_ema_dead_code == 2
        assert not codebook.initted
        assert layer.commitment_weight == 1


def test_the_codec_snippet_runs_as_written(repository, monkeypatch):
    monkeypatch.chdir(repository)
    sound = load_clip("examples/clips/loop_breakbeat.flac")
    waveform, sample_rate = sound.waveform, 44_100

    from distill.codec import Codec
    from distill.codes import CodeGrid, edits

    codec = Codec.load("examples/models/loops.distill", vocoder="griffin-lim")
    grid = codec.encode(waveform, sample_rate)
    clip = codec.decode(grid)
    grid2 = edits.set_codes(grid, level=0, rows=slice(0, 2), columns=slice(3, 5), code=17)
    patch = codec.decode_region(grid2, columns=slice(3, 5))

    assert isinstance(grid, CodeGrid)
    assert grid.indices.shape == (3, 8, -(-grid.num_frames // 16))
    assert grid.model_id == codec.model_id
    assert (clip.dtype, clip.shape) == (np.float32, (len(waveform),))
    assert grid2 != grid
    assert 0 <= patch.start < patch.stop <= len(clip)


COMMANDS = """
train clips --out M.distill --epochs 2
train clips/a.wav clips/b.wav clips/c.wav clips/d.wav clips/e.wav --out M.distill --minutes 0.05 --epochs 1 --levels 2
train clips --out M.distill --epochs 1 --codebook-dim 16 --commitment-weight 0.5 --seed 7 --device cpu --json train.json
train clips --out M.distill --epochs 1 --device auto
prepare clips set
train set --out M.distill --epochs 1
encode M.distill clip.wav grid.npz
decode M.distill grid.npz out.wav
encode M.distill clip.wav grid.json
decode M.distill grid.json out.wav
reconstruct M.distill clip.wav out.wav
info M.distill
info M.distill --json
evaluate M.distill clips
evaluate M.distill clip.wav clips/a.wav --json evaluate.json
"""


@pytest.fixture
def desk(clip_folder, tmp_path, monkeypatch) -> Path:
    """A current folder with clip.wav and five clips in clips/."""
    (tmp_path / "clips").mkdir()
    for name, path in zip("abcde", sorted(clip_folder.iterdir()), strict=False):
        shutil.copy(path, tmp_path / "clips" / f"{name}.wav")
    shutil.copy(tmp_path / "clips" / "a.wav", tmp_path / "clip.wav")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_runs_as_written(desk, capsys):
    for command in COMMANDS.strip().splitlines():
        assert main(shlex.split(command)) == 0, command
        assert capsys.readouterr().err == "", command
    assert soundfile.info("out.wav").samplerate == 44_100
    report = json.loads(Path("train.json").read_text())
    assert {"seconds", "steps", "epochs", "mel_l1", "val_mel_l1", "config", "levels"} <= set(report)
    assert (report["config"]["codebook_dim"], report["config"]["commitment_weight"], report["config"]["seed"]) == (
        16,
        0.5,
        7,
    )
    report = json.loads(Path("evaluate.json").read_text())
    wanted = {"mel_l1", "mel_l1_audio", "bitrate_bps", "levels", "encode_rtf", "decode_rtf"}
    assert wanted <= set(report)


def test_asking_for_help_loads_nothing_heavy(repository):
    program = "import sys, distill.cli; print(sorted({'torch', 'gradio', 'librosa', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=repository, check=True)
    assert done.stdout.strip() == "[]"


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines a function takes from its name to its end, its docstring aside."""
    first, *_ = function.body
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    documented = first.end_lineno - first.lineno + 1 if is_docstring else 0
    return function.end_lineno - function.lineno + 1 - documented


def test_functions_fit_on_a_screen_and_modules_have_one_subject(repository):
    for path in sorted((repository / "distill").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 400, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert code_lines(node) <= 60, (path, node.name)
