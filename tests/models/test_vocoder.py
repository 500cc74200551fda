"""The neural vocoder: parts sound as the whole, attacks stay where they are, silence stays silent."""

import numpy as np
import pytest
import torch

from distill.audio import HOP_LENGTH, SAMPLE_RATE, GriffinLim, LogMel
from distill.errors import ConfigError
from distill.models.hearing import GammatoneImage, HearingLoss, similarity
from distill.models.vocoder import NeuralVocoder, VocoderNetwork
from distill.training.base import base_vocoder


@pytest.fixture(scope="module")
def vocoder():
    return NeuralVocoder(base_vocoder())


def log_mel_of(waveform):
    return LogMel()(torch.as_tensor(waveform, dtype=torch.float32)[None])[0, 0]


@pytest.mark.parametrize("length", [1, 2, 7, 100])
def test_a_log_mel_of_any_length_becomes_a_waveform_of_its_length(vocoder, length):
    assert vocoder(torch.full((128, length), -4.0)).shape == (length * HOP_LENGTH,)


@pytest.mark.parametrize("first", [0, 1, 60, 180])
def test_a_part_with_its_surroundings_gives_the_samples_of_the_whole(vocoder, drums, first):
    log_mel, reach = log_mel_of(drums.waveform), vocoder.reach
    whole = vocoder(log_mel)
    begin, end = max(0, first - reach), min(log_mel.shape[1], first + 20 + reach)
    part = vocoder(log_mel[:, begin:end], begin)
    span = slice(first * HOP_LENGTH, min(first + 20, log_mel.shape[1]) * HOP_LENGTH)
    inside = slice(span.start - begin * HOP_LENGTH, span.stop - begin * HOP_LENGTH)
    assert (part[inside] - whole[span]).abs().max() < 1e-5


def test_a_change_is_heard_within_the_reach_and_not_beyond(vocoder, drums):
    log_mel, reach = log_mel_of(drums.waveform), vocoder.reach
    changed = log_mel.clone()
    changed[:, 100] += 1
    difference = (vocoder(changed) - vocoder(log_mel)).abs().reshape(-1, HOP_LENGTH).amax(dim=1)
    heard = difference.nonzero().flatten()
    assert 100 - reach <= heard.min() < 100 < heard.max() <= 100 + reach


def test_silence_stays_silent(vocoder):
    assert vocoder(torch.full((128, 50), LogMel.floor)).abs().max() < 1e-4


def test_a_click_stays_where_it_is_with_silence_before_it(vocoder):
    click = np.zeros(SAMPLE_RATE, dtype=np.float32)
    ring = np.arange(8000)
    click[20_000:28_000] = 0.8 * np.exp(-ring / 900) * np.sin(ring / 6)
    heard = vocoder(log_mel_of(click)).numpy()[: len(click)]
    peak = int(np.abs(heard).argmax())
    assert abs(peak - 20_000) < 0.004 * SAMPLE_RATE
    before = np.abs(heard[: 20_000 - HOP_LENGTH]).max()
    assert before < 0.05 * np.abs(heard).max()


def test_what_a_codec_decodes_sounds_closer_to_the_original_than_by_griffin_lim(vocoder, codec, drone):
    original = torch.from_numpy(drone.waveform[: 3 * SAMPLE_RATE])
    image = GammatoneImage(len(original))
    log_mel = codec.decode_mel(codec.encode_clip(drone))[:, : len(original) // HOP_LENGTH + 1]
    alike = [
        similarity(image(make(log_mel)[None, : len(original)]), image(original[None])).item()
        for make in (vocoder, GriffinLim(LogMel()))
    ]
    assert alike[0] > alike[1] + 0.05


def test_the_loss_hears_noise_and_wrong_phases(drums):
    original = torch.from_numpy(drums.waveform[4096 : 4096 + 24 * HOP_LENGTH])[None]
    loss = HearingLoss(original.shape[1])
    noise = 0.1 * torch.randn(original.shape, generator=torch.Generator().manual_seed(0))
    spectrum = torch.stft(original, 2048, 512, window=torch.hann_window(2048), return_complex=True)
    turned = spectrum.abs() * torch.polar(torch.ones_like(spectrum.abs()), 6.3 * torch.rand(spectrum.shape))
    shuffled = torch.istft(turned, 2048, 512, window=torch.hann_window(2048), length=original.shape[1])
    assert loss(original, original) < 0.05
    assert loss(original + 0.1 * noise, original) < loss(original + noise, original)
    assert loss(shuffled, original) > 1


def test_the_gammatone_channel_of_a_tone_is_the_loudest():
    time = torch.arange(24 * HOP_LENGTH) / SAMPLE_RATE
    loudest = [
        int(GammatoneImage(len(time))(torch.sin(6.28319 * hertz * time)[None]).mean(dim=2).argmax())
        for hertz in (100, 1000, 10_000)
    ]
    erbs = [21.4 * np.log10(1 + 0.00437 * hertz) for hertz in (40, 100, 1000, 10_000, 17_000)]
    expected = [95 * (erb - erbs[0]) / (erbs[-1] - erbs[0]) for erb in erbs[1:-1]]
    assert loudest == pytest.approx(expected, abs=1.5)


@pytest.mark.parametrize("settings", [{"channels": 0}, {"blocks": 17}, {"projections": -1}, {"hidden": 10**6}])
def test_settings_out_of_their_range_are_refused(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        VocoderNetwork(**settings)


def test_no_value_of_the_network_is_beyond_its_bound():
    network, seen = VocoderNetwork(channels=16, hidden=32, blocks=2), []
    for module in network.modules():
        if isinstance(module, torch.nn.Linear | torch.nn.Conv1d) and module is not network.blocks[0].widen:
            module.register_forward_hook(lambda module, inputs, output: seen.append(output.abs().max().item()))
    network(100 * torch.randn(1, 128, 30).clamp(-1, 1))
    bound = network.largest(100.0)
    assert max(seen) <= bound
    with torch.no_grad():
        network.draw.weight *= 1e12
    assert network.largest(100.0) > 1e11 * bound / 1e3
