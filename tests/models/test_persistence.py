"""A saved model is the model, bit for bit; any other file is refused in one sentence, and nothing is unpickled."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from distill.errors import CodecFileError
from distill.models import ConvVAE, ConvVQVAE, load_model, save_model
from distill.models.persistence import read_metadata, round_weights


@pytest.fixture
def saved(small_model, tmp_path) -> Path:
    path = tmp_path / "kit.distill"
    save_model(small_model(), path)
    return path


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


def test_the_example_codec_survives_another_save_bit_for_bit(codec, drums, tmp_path):
    save_model(codec.model, tmp_path / "copy.distill")
    again = load_model(tmp_path / "copy.distill")
    mel = codec.log_mel_of(drums)[None, None]
    with torch.no_grad():
        for first, second in zip(codec.model(mel), again(mel), strict=True):
            assert torch.equal(first, second)


def test_rounded_weights_take_half_the_space_and_stay_as_they_are(small_model, tmp_path):
    model = small_model()
    save_model(model, tmp_path / "whole.distill")
    round_weights(model)
    save_model(model, tmp_path / "half.distill")
    again = load_model(tmp_path / "half.distill")
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in again.state_dict().items())
    assert (tmp_path / "half.distill").stat().st_size < 0.6 * (tmp_path / "whole.distill").stat().st_size


def test_a_saved_baseline_gives_the_same_sound_bit_for_bit(tmp_path):
    torch.manual_seed(0)
    model = ConvVAE(latent_dim=4).eval()
    save_model(model, tmp_path / "baseline.distill")
    again = load_model(tmp_path / "baseline.distill")
    mel = torch.randn(1, 1, 128, 30)
    with torch.no_grad():
        for first, second in zip(model(mel), again(mel), strict=True):
            assert torch.equal(first, second)


def test_what_was_noted_beside_a_model_is_read_back(small_model, tmp_path):
    provenance = {"clips": 7, "sound_seconds": 20.5, "training_seconds": 60.0, "steps": 900}
    save_model(small_model(), tmp_path / "kit.distill", {"provenance": provenance, "mel_l1": 0.25})
    notes = read_metadata(tmp_path / "kit.distill")
    assert notes["provenance"] == provenance
    assert notes["mel_l1"] == 0.25
    assert notes["format_version"] == 2
    assert notes["architecture"] == "ConvVQVAE"


def test_saving_over_a_file_leaves_the_new_one_and_no_part(saved, small_model):
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
def test_a_file_that_is_something_else_is_refused_by_name(tmp_path, content, is_one_sentence):
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


def rewrite(
    path: Path, *, header: dict | None = None, settings: dict | None = None, tensors: dict | None = None
) -> None:
    """Save the file again with some of its header, model settings or tensors replaced."""
    old = read_metadata(path)
    new = old | {"model": old["model"] | (settings or {})} | (header or {})
    save_file(load_file(path) | (tensors or {}), path, metadata={"distill": json.dumps(new)})


@pytest.mark.parametrize(
    "settings",
    [
        {"num_quantizers": 7},
        {"num_quantizers": 1},
        {"num_quantizers": 4},
        {"codebook_dim": 0},
        {"codebook_dim": 16},
        {"codebook_dim": "8"},
        {"codebook_dim": 10**9},
        {"codebook_size": 32},
        {"codebook_size": -1},
        {"codebook_size": 15.5},
        {"codebook_size": None},
        {"decay": 7},
        {"dropout": 2},
        {"dropout": -1},
        {"colour": "red"},
    ],
)
def test_settings_that_are_out_of_range_or_do_not_fit_the_tensors_are_refused_by_name(saved, settings, is_one_sentence):
    rewrite(saved, settings=settings)
    with pytest.raises(CodecFileError) as refusal:
        load_model(saved)
    assert is_one_sentence(refusal.value, "kit.distill")


@pytest.mark.parametrize(
    "header",
    [
        {"architecture": "ConvVAE"},
        {"architecture": "os.system"},
        {"architecture": None},
        {"model": None},
        {"model": []},
        {"format_version": "one"},
        {"format_version": None},
    ],
)
def test_a_header_that_makes_no_sense_is_refused_by_name(saved, header, is_one_sentence):
    rewrite(saved, header=header)
    with pytest.raises(CodecFileError) as refusal:
        load_model(saved)
    assert is_one_sentence(refusal.value, "kit.distill")


def test_a_file_of_a_newer_format_says_what_to_do(saved, is_one_sentence):
    rewrite(saved, header={"format_version": 3})
    with pytest.raises(CodecFileError, match="please update") as refusal:
        load_model(saved)
    assert is_one_sentence(refusal.value, "kit.distill")


def test_a_file_of_an_older_network_says_what_to_do(saved, is_one_sentence):
    rewrite(saved, header={"format_version": 1})
    with pytest.raises(CodecFileError, match="train it again") as refusal:
        load_model(saved)
    assert is_one_sentence(refusal.value, "kit.distill")


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_not_numbers_are_refused_by_name(saved, value, is_one_sentence):
    rewrite(saved, tensors={"mel_mean": torch.full((1, 1, 128, 1), value)})
    with pytest.raises(CodecFileError, match="not numbers") as refusal:
        load_model(saved)
    assert is_one_sentence(refusal.value, "kit.distill")


def test_tensors_of_other_shapes_or_names_are_refused_by_name(saved, is_one_sentence):
    for tensors in ({"mel_mean": torch.zeros(128)}, {"one_more": torch.zeros(1)}):
        save_model(ConvVQVAE(codebook_dim=8, codebook_size=16), saved)
        rewrite(saved, tensors=tensors)
        with pytest.raises(CodecFileError, match="damaged") as refusal:
            load_model(saved)
        assert is_one_sentence(refusal.value, "kit.distill")


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("write", [pickle.dump, torch.save])
def test_a_pickle_in_disguise_is_refused_and_never_unpickled(tmp_path, write, is_one_sentence):
    trap, path = tmp_path / "sprung", tmp_path / "kit.distill"
    with path.open("wb") as file:
        write({"model": Trap(trap)}, file)
    with pytest.raises(CodecFileError) as refusal:
        load_model(path)
    assert is_one_sentence(refusal.value, "kit.distill")
    assert not trap.exists()
    pickle.loads(pickle.dumps(Trap(trap)))
    assert trap.exists()
