"""The base model: the parts that a training copies from it, and its own training."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from distill.audio import LogMel, write_wav
from distill.cli import main
from distill.errors import CodecFileError
from distill.models import ConvVQVAE, load_model
from distill.training.base import (
    BASE_PATH,
    FINE_BASE_PATHS,
    base_vocoder,
    load_rehearsal,
    save_rehearsal,
    start_from_base,
)
from distill.training.base_sounds import base_sounds
from distill.training.dataset import MelClip
from distill.training.trainer import Progress, Trainer, Validation


@pytest.fixture(scope="module")
def base() -> ConvVQVAE:
    return load_model(BASE_PATH)


def test_a_model_copies_weights_and_statistics_but_not_the_codebooks(base):
    model = ConvVQVAE(codebook_dim=32, codebook_size=64, num_quantizers=3)
    start_from_base(model)
    for name, tensor in model.state_dict().items():
        assert name.startswith("quantizer.") or torch.equal(tensor, base.state_dict()[name]), name
    assert not model.quantizer.rvq.layers[0]._codebook.initted.item()


def test_with_another_codebook_dimension_only_the_layers_next_to_the_codebooks_stay_random(base):
    model = ConvVQVAE(codebook_dim=16)
    start_from_base(model)
    fresh = [
        name
        for name, tensor in model.state_dict().items()
        if not name.startswith("quantizer.") and not torch.equal(tensor, base.state_dict()[name])
    ]
    assert len(fresh) == 3  # the encoder's last weight and bias, the decoder's first weight
    assert all("16" in str(list(model.state_dict()[name].shape)) for name in fresh)


@pytest.mark.parametrize("time_stride", [16, 8, 4])
def test_a_training_starts_with_a_smaller_error_with_the_base_model(mel_clips, quick_config, time_stride):
    config = replace(quick_config, codebook_dim=32, epochs=1, validations=1, time_stride=time_stride)
    errors = [
        next(event for event in Trainer(mel_clips, c, device="cpu").run() if isinstance(event, Validation)).mel_l1
        for c in (config, replace(config, from_base=False))
    ]
    assert errors[0] < 0.7 * errors[1]


@pytest.mark.parametrize(("time_stride", "kernels"), [(8, 2), (4, 4)])
def test_a_finer_stride_copies_all_of_the_base_model_but_kernels_that_it_has_shorter(base, time_stride, kernels):
    model = ConvVQVAE(codebook_dim=32, time_stride=time_stride)
    start_from_base(model, BASE_PATH)
    shorter = [
        name
        for name, tensor in model.state_dict().items()
        if not name.startswith("quantizer.") and not torch.equal(tensor, base.state_dict()[name])
    ]
    assert len(shorter) == kernels
    for name in shorter:
        kernel, its = model.state_dict()[name], base.state_dict()[name]
        assert kernel.shape[:3] == its.shape[:3]
        assert (kernel.sum(dim=3) - its.sum(dim=3)).abs().max() < 1e-5 or name.startswith("decoder.")


@pytest.mark.parametrize(("time_stride", "path"), FINE_BASE_PATHS.items())
def test_each_finer_stride_has_a_base_model_of_its_own(time_stride, path):
    base, model = load_model(path), ConvVQVAE(codebook_dim=32, time_stride=time_stride)
    assert base.time_stride == time_stride
    assert path.stat().st_size < 10_000_000
    start_from_base(model)
    for name, tensor in model.state_dict().items():
        assert name.startswith("quantizer.") or torch.equal(tensor, base.state_dict()[name]), name


def test_training_from_random_weights_uses_the_statistics_of_the_clips(mel_clips, quick_config):
    trainer = Trainer(mel_clips, replace(quick_config, from_base=False), device="cpu")
    mean, std = trainer.sampler.statistics
    assert torch.equal(trainer.model.mel_mean.flatten(), mean)
    assert torch.equal(trainer.model.mel_std.flatten(), std)
    assert next(event for event in trainer.run() if isinstance(event, Progress)).step == 1


def test_a_missing_base_model_is_refused(tmp_path):
    with pytest.raises(CodecFileError, match=r"base\.distill does not exist"):
        start_from_base(ConvVQVAE(), tmp_path / "base.distill")


@pytest.fixture(scope="module")
def recordings(drums, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    for name in ("loop_a.wav", "hit.wav"):
        write_wav(folder / name, drums.waveform[:22_050])
    return folder


def test_base_sounds_are_of_many_kinds_not_silent_and_repeated_by_their_seed(recordings, tmp_path):
    def sounds(seed: int) -> list:
        return list(base_sounds(recordings, [tmp_path / "none.sf2"], leave_out="loop_", synthetic=3, seed=seed))

    first, second, other = sounds(0), sounds(0), sounds(1)
    names = [clip.name for clip in first]
    assert names[:3] == ["hit.wav at 1", "hit.wav at 0.75", "hit.wav at 1.33"]
    assert names[-3:] == ["synthetic-0", "synthetic-1", "synthetic-2"]
    assert all(0.01 < abs(clip.waveform).max() <= 1.01 for clip in first)
    assert len(first[1].waveform) > 1.3 * len(first[0].waveform)
    assert all((a.waveform == b.waveform).all() for a, b in zip(first, second, strict=True))
    assert not (first[-1].waveform[:1000] == other[-1].waveform[:1000]).all()


def test_a_missing_folder_of_recordings_is_refused(tmp_path, capsys):
    assert main(["base", str(tmp_path / "none"), "--out", str(tmp_path / "base.distill")]) == 2
    assert capsys.readouterr().err == "none is not a folder of recordings.\n"


def test_the_command_makes_a_model_that_a_training_can_start_from(recordings, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(base_sounds.__kwdefaults__, "synthetic", 4)
    out, none = tmp_path / "base.distill", tmp_path / "none.sf2"
    options = ["--out", str(out), "--soundfont", str(none), "--minutes", "0.05", "--vocoder-minutes", "0.05"]
    assert main(["base", str(recordings), *options]) == 0
    printed = capsys.readouterr().out
    assert "mel_l1" in printed
    assert "Vocoder: 100%" in printed
    assert base_vocoder(out)(torch.full((1, 128, 3), LogMel.floor)).shape == (1, 3 * 512)
    model = ConvVQVAE(codebook_dim=32)
    start_from_base(model, out)
    assert torch.equal(model.mel_mean, load_model(BASE_PATH).mel_mean)  # it goes on from the present one
    assert model(torch.full((1, 1, 128, 20), LogMel.floor))[0].shape == (1, 1, 128, 20)
    assert len(load_rehearsal(tmp_path / "rehearsal.safetensors")) >= 4  # more with speech, if espeak-ng is installed


def test_the_base_model_of_a_finer_stride_goes_on_from_its_present_one(recordings, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(base_sounds.__kwdefaults__, "synthetic", 2)
    out, none = tmp_path / "base-4.distill", tmp_path / "none.sf2"
    options = ["--out", str(out), "--soundfont", str(none), "--minutes", "0.02", "--time-stride", "4"]
    assert main(["base", str(recordings), *options]) == 0
    model = ConvVQVAE(codebook_dim=32, time_stride=4)
    start_from_base(model, out)
    assert load_model(out).time_stride == 4
    assert torch.equal(model.mel_mean, load_model(BASE_PATH).mel_mean)
    assert [path.name for path in tmp_path.iterdir()] == ["base-4.distill"]  # the crops are those of the first


def test_the_rehearsal_crops_are_saved_with_an_error_below_a_third_of_a_decibel(tmp_path):
    time = torch.linspace(-11, 4, 300).expand(128, 300)
    clips = [MelClip("long", time), MelClip("short", torch.zeros(128, 100)), MelClip("just", torch.ones(128, 128))]
    save_rehearsal(clips, tmp_path / "kept.safetensors")
    crops = load_rehearsal(tmp_path / "kept.safetensors")
    assert len(crops) == 2
    for crop in crops:
        assert crop.log_mel.shape == (128, 128)
        source = clips[2].log_mel if crop.log_mel.std() < 0.1 else time
        starts = range(source.shape[1] - 127)
        nearest = min((crop.log_mel - source[:, start : start + 128]).abs().max().item() for start in starts)
        assert nearest < 0.034


def test_the_package_contains_the_rehearsal_crops():
    crops = load_rehearsal()
    assert len(crops) == 200
    levels = [crop.log_mel.mean().item() for crop in crops]
    assert np.mean(np.array(levels) > -10) > 0.8  # most of it is far from silence
    assert len(set(levels)) > 190


@pytest.mark.parametrize("content", [None, b"", b"not a file of tensors"])
def test_a_missing_or_damaged_rehearsal_file_is_refused_by_name(tmp_path, content):
    if content is not None:
        (tmp_path / "kept.safetensors").write_bytes(content)
    with pytest.raises(CodecFileError, match=r"kept\.safetensors"):
        load_rehearsal(tmp_path / "kept.safetensors")
