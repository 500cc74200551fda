"""BigVGAN is loaded if it is available; otherwise one sentence says why not."""

import json
import sys

import numpy as np
import pytest
import torch

from distill.audio.bigvgan import BigVGAN
from distill.codec import Codec
from distill.errors import VocoderError
from distill.models.vocoder import NeuralVocoder

SETTINGS = {
    "sampling_rate": 44_100,
    "hop_size": 512,
    "num_mels": 128,
    "n_fft": 2048,
    "win_size": 2048,
    "upsample_rates": [8, 4, 2, 2, 2, 2],
    "upsample_kernel_sizes": [16, 8, 4, 4, 4, 4],
    "upsample_initial_channel": 64,
    "resblock": "1",
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5]] * 3,
    "activation": "snakebeta",
    "snake_logscale": True,
    "use_tanh_at_final": False,
    "use_bias_at_final": False,
}


@pytest.fixture
def weights(tmp_path):
    """A folder with the files of the public weights, for a generator that is 24 times narrower."""
    package = pytest.importorskip("bigvgan.bigvgan", reason="the bigvgan package is not installed")
    from bigvgan.env import AttrDict

    torch.manual_seed(0)
    (tmp_path / "config.json").write_text(json.dumps(SETTINGS))
    torch.save({"generator": package.BigVGAN(AttrDict(SETTINGS)).state_dict()}, tmp_path / "bigvgan_generator.pt")
    return tmp_path


def test_a_log_mel_gives_512_samples_for_each_frame_the_same_every_time(weights, capsys):
    vocoder = BigVGAN.load(fetch=lambda name: str(weights / name))
    log_mel = torch.randn(128, 20, generator=torch.Generator().manual_seed(0))
    waveform = vocoder(log_mel)
    assert waveform.shape == (20 * 512,)
    assert waveform.abs().max() > 0
    assert torch.equal(waveform, vocoder(log_mel))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda folder: (folder / "bigvgan_generator.pt").write_bytes(b"nothing"), "damaged"),
        (lambda folder: (folder / "bigvgan_generator.pt").unlink(), "cannot be fetched"),
        (lambda folder: (folder / "config.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "config.json").write_text(json.dumps(SETTINGS | {"hop_size": 256})), "another kind"),
        (
            lambda folder: (folder / "config.json").write_text(json.dumps(SETTINGS | {"resblock_kernel_sizes": [3]})),
            "not those",
        ),
    ],
)
def test_weights_that_cannot_be_used_are_refused_in_a_sentence(weights, break_it, words, is_one_sentence):
    break_it(weights)
    with pytest.raises(VocoderError, match=words) as refusal:
        BigVGAN.load(fetch=lambda name: str(weights / name))
    assert is_one_sentence(refusal.value, "BigVGAN")


def test_without_the_bigvgan_package_distills_own_is_used_with_a_warning(codec_path, drums, monkeypatch):
    monkeypatch.setitem(sys.modules, "bigvgan.bigvgan", None)
    with pytest.warns(RuntimeWarning, match=r"^BigVGAN needs a package of that name.*Distill's own is used instead\.$"):
        codec = Codec.load(codec_path, vocoder="bigvgan")
    assert isinstance(codec.vocoder, NeuralVocoder)
    assert np.abs(codec.decode(codec.encode(drums.waveform, 44_100))).max() > 0.01
