"""A ``.distill`` file from a stranger is checked before it is used, and nothing is unpickled."""

import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from distill.codec import Codec
from distill.errors import CodecFileError
from distill.models import ConvVQVAE, load_model, save_model
from distill.models.persistence import load_parts, read_info
from distill.models.vocoder import VocoderNetwork
from distill.settings import Settings
from distill.training.codec_info import FrontEnd
from distill.training.config import VQVAEConfig
from tests.fuzzing import MIB, memory
from tests.models.hostile_files import HEADERS, LENGTHS, NOTES, SETTINGS, TEXTS, VALUES, VOCODERS
from tests.models.rewriting import notes_of, rewrite


@pytest.mark.parametrize(
    "settings",
    SETTINGS,
)
def test_settings_that_are_out_of_range_or_do_not_fit_the_tensors_are_refused_by_name(saved, settings, is_one_sentence):
    rewrite(saved, settings=settings)
    with pytest.raises(CodecFileError) as refusal:
        load_model(saved)
    assert is_one_sentence(refusal.value, "kit.distill")


@pytest.mark.parametrize(
    "header",
    HEADERS,
)
def test_an_invalid_header_is_refused_by_name(saved, header, is_one_sentence):
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


def test_tensors_of_unknown_types_are_refused_by_name(saved, is_one_sentence):
    for kind in (torch.float64, torch.bfloat16, torch.int32, torch.uint8):
        save_model(ConvVQVAE(codebook_dim=8, codebook_size=16), saved)
        rewrite(saved, tensors={"mel_mean": torch.zeros(1, 1, 128, 1, dtype=kind)})
        with pytest.raises(CodecFileError, match="damaged") as refusal:
            load_model(saved)
        assert is_one_sentence(refusal.value, "kit.distill")


@pytest.mark.parametrize(
    ("name", "value"),
    VALUES,
)
def test_implausible_values_are_refused_by_name(saved, name, value, is_one_sentence):
    old = load_file(saved)[name]
    rewrite(
        saved, tensors={name: torch.full(old.shape, value, dtype=torch.int64 if type(value) is int else torch.float32)}
    )
    with pytest.raises(CodecFileError, match="damaged") as refusal:
        load_model(saved)
    assert is_one_sentence(refusal.value, "kit.distill")


@pytest.mark.parametrize("half", ["encoder", "decoder"])
def test_weights_that_are_harmless_alone_and_overflow_together_are_refused_by_name(saved, half, is_one_sentence):
    weights = {name: tensor for name, tensor in load_file(saved).items() if name.startswith(half)}
    rewrite(saved, tensors={name: tensor.float() * 1e5 for name, tensor in weights.items() if name.endswith("weight")})
    with pytest.raises(CodecFileError, match="too large to decode with") as refusal:
        load_model(saved)
    assert is_one_sentence(refusal.value, "kit.distill")


def test_codebooks_that_were_never_filled_are_refused_by_name(saved, is_one_sentence):
    save_model(ConvVQVAE(codebook_dim=8, codebook_size=16), saved)
    with pytest.raises(CodecFileError, match="never filled") as refusal:
        load_model(saved)
    assert is_one_sentence(refusal.value, "kit.distill")


def test_a_codec_with_too_loud_output_still_decodes_to_finite_samples(saved, drums):
    rewrite(saved, tensors={"mel_mean": torch.full((1, 1, 128, 1), 1e6)})
    codec = Codec.load(saved)
    grid = codec.encode(drums.waveform[:20_000], 44_100)
    sound = codec.decode(grid)
    assert np.isfinite(sound).all()
    assert np.isfinite(codec.decode_region(grid, columns=1).waveform).all()
    assert np.isfinite(codec.audition(0, 3)).all()


def test_a_file_or_header_over_its_limit_is_refused_by_name(saved, is_one_sentence):
    size, header = saved.stat().st_size, int.from_bytes(saved.read_bytes()[:8], "little")
    assert load_model(saved, settings=Settings(codec_bytes=size, codec_header_bytes=header))
    with pytest.raises(CodecFileError, match="too large") as refusal:
        load_model(saved, settings=Settings(codec_bytes=size - 1))
    assert is_one_sentence(refusal.value, "kit.distill")
    with pytest.raises(CodecFileError) as refusal:
        read_info(saved, settings=Settings(codec_header_bytes=header - 1))
    assert is_one_sentence(refusal.value, "kit.distill")
    with pytest.raises(CodecFileError, match="16 codes per level") as refusal:
        load_model(saved, settings=Settings(codec_codes=15))
    assert is_one_sentence(refusal.value, "kit.distill")


@pytest.mark.parametrize("claimed", LENGTHS)
def test_a_header_that_claims_another_length_is_refused_by_name(saved, claimed, is_one_sentence):
    saved.write_bytes(claimed.to_bytes(8, "little") + saved.read_bytes()[8:])
    with pytest.raises(CodecFileError) as refusal:
        load_model(saved)
    assert is_one_sentence(refusal.value, "kit.distill")


@pytest.mark.parametrize(
    "notes",
    TEXTS,
)
def test_notes_that_are_not_strict_json_are_refused_by_name(saved, notes, is_one_sentence):
    save_file(load_file(saved), saved, metadata={"distill": notes})
    with pytest.raises(CodecFileError) as refusal:
        load_model(saved)
    assert is_one_sentence(refusal.value, "kit.distill")


@pytest.mark.parametrize(
    "notes",
    NOTES,
)
def test_notes_with_invalid_values_are_refused_by_name(saved, notes, is_one_sentence):
    rewrite(saved, header=notes)
    for read in (load_model, read_info):
        with pytest.raises(CodecFileError, match="makes no sense") as refusal:
            read(saved)
        assert is_one_sentence(refusal.value, "kit.distill")


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" * 400])
@pytest.mark.parametrize(
    "notes",
    [
        '"mel_l1": {}',
        '"usage": [{}]',
        '"curves": {{"steps": [{{"seconds": 1, "recon_loss": {}}}], "validations": []}}',
        '"curves": {{"steps": [], "validations": [{{"seconds": 1, "mel_l1": 1, "val_mel_l1": {}}}]}}',
        '"config": {{"learning_rate": {}}}',
    ],
)
def test_numbers_beyond_the_range_of_a_float_are_refused_by_name(saved, notes, number, is_one_sentence):
    text = json.dumps(notes_of(saved))[:-1] + ", " + notes.format(number) + "}"
    save_file(load_file(saved), saved, metadata={"distill": text})
    with pytest.raises(CodecFileError, match="makes no sense") as refusal:
        read_info(saved)
    assert is_one_sentence(refusal.value, "kit.distill")


def test_a_list_of_very_many_wrong_values_takes_little_memory(saved, is_one_sentence):
    """An error message for each value would take a hundred times the memory of the values."""
    steps = ", ".join(["{}"] * 250_000)
    text = json.dumps(notes_of(saved))[:-1] + f', "curves": {{"steps": [{steps}], "validations": []}}}}'
    save_file(load_file(saved), saved, metadata={"distill": text})
    before = memory("VmHWM")
    with pytest.raises(CodecFileError, match="makes no sense") as refusal:
        read_info(saved)
    assert memory("VmHWM") - before < 64 * MIB
    assert is_one_sentence(refusal.value, "kit.distill")


def test_unknown_notes_are_ignored(saved):
    nothing = dict.fromkeys(("levels", "usage", "curves", "provenance", "config", "front_end", "statistics", "mel_l1"))
    notes = {"comment": "<script>", "config": {"minutes": None, "colour": "red"}, "front_end": {"__class__": 1}}
    rewrite(saved, header=nothing | notes)
    info = read_info(saved)
    assert info.config == VQVAEConfig(minutes=None)
    assert info.front_end == FrontEnd()
    assert (info.levels, info.usage, info.curves, info.provenance, info.statistics, info.mel_l1) == (None,) * 6


def test_a_file_is_read_only_once_so_the_checked_bytes_are_the_used_bytes(saved, small_model, monkeypatch):
    """The file may change after the first read."""
    model, opened, whole = small_model(), [], saved.read_bytes()

    def open_once(path: Path, mode: str) -> io.BytesIO:
        opened.append(path)
        return io.BytesIO(whole if len(opened) == 1 else b"another file")

    monkeypatch.setattr("distill.models.persistence.open", open_once, raising=False)
    again, _, _ = load_parts(saved)
    assert again.settings == model.settings
    assert torch.equal(again.quantizer.codebooks, model.quantizer.codebooks)


class Trap:
    """An object that writes a file when it is unpickled."""

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


@pytest.fixture
def with_vocoder(small_model, tmp_path):
    path = tmp_path / "kit.distill"
    save_model(small_model(), path, vocoder=VocoderNetwork(channels=8, hidden=16, blocks=1))
    return path


@pytest.mark.parametrize(
    "vocoder",
    VOCODERS,
)
def test_a_vocoder_that_does_not_fit_its_tensors_is_refused(with_vocoder, vocoder, is_one_sentence):
    rewrite(with_vocoder, header={"vocoder": vocoder})
    with pytest.raises(CodecFileError) as refusal:
        load_model(with_vocoder)
    assert is_one_sentence(refusal.value, "kit.distill")


@pytest.mark.parametrize("value", [torch.inf, torch.nan, 1e30, 1e8])
def test_weights_of_a_vocoder_that_could_make_sounds_that_are_not_finite_are_refused(with_vocoder, value):
    for name in ("blocks.0.widen.weight", "draw.bias", "enter.weight"):
        whole = load_file(with_vocoder)
        rewrite(with_vocoder, tensors={f"vocoder.{name}": torch.full_like(whole[f"vocoder.{name}"].float(), value)})
        try:
            _, _, vocoder = load_parts(with_vocoder)
        except CodecFileError:
            pass
        else:
            assert vocoder(torch.full((1, 128, 20), 10.0)).isfinite().all()
        rewrite(with_vocoder, tensors={f"vocoder.{name}": whole[f"vocoder.{name}"]})
