"""A saved model is restored bit for bit; any other file is refused in one sentence."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from distill.errors import CodecFileError
from distill.models import ConvVAE, load_model, save_model
from distill.models.persistence import load_parts, read_info, round_weights
from distill.models.vocoder import VocoderNetwork
from distill.training.codec_info import CodecInfo, Provenance
from tests.models.rewriting import notes_of


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_a_saved_model_gives_the_same_codes_and_sound_bit_for_bit(small_model, tmp_path, levels):
    model = small_model(num_quantizers=levels)
    save_model(model, tmp_path / "kit.distill")
    again = load_model(tmp_path / "kit.distill")
    mel = torch.randn(2, 1, 128, 75)
    with torch.no_grad():
        (recon, indices, _), (recon_again, indices_again, _) = model(mel), again(mel)
    assert torch.equal(indices, indices_again)
    assert torch.equal(recon, recon_again)
    assert again.settings == model.settings
    assert not again.training


@pytest.mark.parametrize("time_stride", [16, 8, 4])
def test_a_file_carries_the_time_stride(small_model, tmp_path, time_stride):
    model = small_model(time_stride=time_stride)
    save_model(model, tmp_path / "kit.distill")
    assert notes_of(tmp_path / "kit.distill")["model"]["time_stride"] == time_stride
    again = load_model(tmp_path / "kit.distill")
    assert again.time_stride == time_stride
    mel = torch.randn(1, 1, 128, 37)
    with torch.no_grad():
        assert torch.equal(model(mel)[0], again(mel)[0])


def test_a_file_from_before_models_had_a_time_stride_has_one_of_16(small_model, tmp_path):
    path = tmp_path / "kit.distill"
    save_model(small_model(), path)
    notes = notes_of(path)
    del notes["model"]["time_stride"]
    save_file(load_file(path), path, metadata={"distill": json.dumps(notes)})
    assert load_model(path).time_stride == 16
    save_model(small_model(time_stride=4), path)
    save_file(load_file(path), path, metadata={"distill": json.dumps(notes)})
    with pytest.raises(CodecFileError, match="damaged"):
        load_model(path)


def test_the_example_codec_survives_another_save_bit_for_bit(codec, drums, tmp_path):
    save_model(codec.model, tmp_path / "copy.distill")
    again = load_model(tmp_path / "copy.distill")
    mel = codec.log_mel_of(drums)[None, None]
    with torch.no_grad():
        for first, second in zip(codec.model(mel), again(mel), strict=True):
            assert torch.equal(first, second)


def test_rounded_weights_are_saved_exactly_in_half_the_space(small_model, tmp_path):
    model = small_model()
    save_model(model, tmp_path / "whole.distill")
    round_weights(model)
    save_model(model, tmp_path / "half.distill")
    again = load_model(tmp_path / "half.distill")
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in again.state_dict().items())
    assert (tmp_path / "half.distill").stat().st_size < 0.6 * (tmp_path / "whole.distill").stat().st_size


def test_a_vocoder_is_saved_with_its_model_and_both_are_restored_bit_for_bit(small_model, tmp_path):
    model, vocoder = small_model(), VocoderNetwork(channels=8, hidden=16, blocks=1)
    save_model(model, tmp_path / "kit.distill", vocoder=vocoder)
    again, _, vocoder_again = load_parts(tmp_path / "kit.distill")
    assert vocoder_again.settings == vocoder.settings
    assert not vocoder_again.training
    log_mel = torch.randn(1, 128, 20)
    with torch.no_grad():
        assert torch.equal(vocoder(log_mel), vocoder_again(log_mel))
    assert torch.equal(again.quantizer.codebooks, model.quantizer.codebooks)
    assert load_model(tmp_path / "kit.distill").settings == model.settings


def test_a_file_without_a_vocoder_has_none(small_model, tmp_path):
    save_model(small_model(), tmp_path / "kit.distill")
    assert load_parts(tmp_path / "kit.distill")[2] is None
    assert "vocoder" not in notes_of(tmp_path / "kit.distill")


def test_a_saved_baseline_gives_the_same_sound_bit_for_bit(tmp_path):
    torch.manual_seed(0)
    model = ConvVAE(latent_dim=4).eval()
    save_model(model, tmp_path / "baseline.distill")
    again = load_model(tmp_path / "baseline.distill")
    mel = torch.randn(1, 1, 128, 30)
    with torch.no_grad():
        for first, second in zip(model(mel), again(mel), strict=True):
            assert torch.equal(first, second)


def test_the_info_saved_with_a_model_is_read_back(small_model, tmp_path):
    provenance = Provenance(clips=7, sound_seconds=20.5, training_seconds=60.0, steps=900)
    save_model(small_model(), tmp_path / "kit.distill", CodecInfo(provenance=provenance, mel_l1=0.25))
    assert read_info(tmp_path / "kit.distill") == CodecInfo(provenance=provenance, mel_l1=0.25)
    notes = notes_of(tmp_path / "kit.distill")
    assert notes["format_version"] == 2
    assert notes["architecture"] == "ConvVQVAE"


def test_saving_over_a_file_leaves_the_new_file_and_no_partial_file(saved, small_model):
    save_model(small_model(seed=5), saved)
    assert [path.name for path in saved.parent.iterdir()] == ["kit.distill"]
    assert torch.equal(load_model(saved).quantizer.codebooks, small_model(seed=5).quantizer.codebooks)


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.5, 0.99])
def test_a_file_cut_short_is_refused_by_name(saved, share, is_one_sentence):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CodecFileError) as refusal:
        load_model(saved)
    assert is_one_sentence(refusal.value, "kit.distill")


@pytest.mark.parametrize("content", [b"", b"not a codec\n" * 100, b"RIFF\x00\x00\x00\x00WAVE", bytes(64), b"\xff" * 64])
def test_a_file_of_another_kind_is_refused_by_name(tmp_path, content, is_one_sentence):
    (tmp_path / "else.distill").write_bytes(content)
    with pytest.raises(CodecFileError) as refusal:
        load_model(tmp_path / "else.distill")
    assert is_one_sentence(refusal.value, "else.distill")


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path, is_one_sentence):
    (tmp_path / "folder.distill").mkdir()
    for name in ("folder.distill", "missing.distill"):
        with pytest.raises(CodecFileError) as refusal:
            load_model(tmp_path / name)
        assert is_one_sentence(refusal.value, name)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"distill": "no json"}, {"distill": "[]"}])
def test_another_programs_safetensors_are_refused_by_name(tmp_path, metadata, is_one_sentence):
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.distill", metadata=metadata)
    with pytest.raises(CodecFileError) as refusal:
        load_model(tmp_path / "other.distill")
    assert is_one_sentence(refusal.value, "other.distill")
