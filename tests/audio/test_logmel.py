"""The front end equals its definition, computed with numpy and librosa's filters."""

import numpy as np
import pytest
import torch

from distill.audio import LogMel, load_clip
from distill.audio.compiled import load_librosa
from distill.audio.logmel import mel_frequencies

librosa = load_librosa()


@pytest.fixture(scope="module")
def log_mel() -> LogMel:
    return LogMel()


def by_definition(waveform: np.ndarray) -> np.ndarray:
    """BigVGAN's log-mel of at least 1280 samples: the last hop is padded with zeros, and 768 samples are reflected."""
    padded = np.pad(waveform.astype(np.float64), (0, -len(waveform) % 512))
    padded = np.pad(padded, (2048 - 512) // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2048)[::512]
    magnitude = np.abs(np.fft.rfft(frames * librosa.filters.get_window("hann", 2048))).T
    filters = librosa.filters.mel(sr=44_100, n_fft=2048, n_mels=128, fmin=0, fmax=22_050, norm="slaney", htk=False)
    return np.log(np.maximum(filters.astype(np.float64) @ magnitude, 1e-5))


@pytest.mark.parametrize("name", ["loop_amen", "loop_drone_g_97", "loop_industrial"])
def test_the_log_mel_of_real_sound_follows_the_definition(log_mel, examples, name):
    waveform = load_clip(examples / "clips" / f"{name}.flac").waveform
    expected = by_definition(waveform)
    ours = log_mel(torch.from_numpy(waveform)[None])[0, 0].numpy()
    assert ours.shape == expected.shape
    difference = np.abs(ours - expected)
    # In single precision, the rounding error of the loudest band is as large as the quietest bands.
    assert difference[expected > np.log(1e-4)].max() < 1e-4
    assert difference.max() < 1e-3


@pytest.mark.parametrize("num_samples", [1280, 1281, 2048, 44_100])
def test_the_log_mel_of_noise_of_any_length_follows_the_definition(log_mel, num_samples):
    waveform = np.random.default_rng(num_samples).uniform(-1, 1, num_samples).astype(np.float32)
    ours = log_mel(torch.from_numpy(waveform)[None])[0, 0].numpy()
    assert np.abs(ours - by_definition(waveform)).max() < 1e-4


@pytest.mark.parametrize("num_samples", [1, 2, 511, 512, 513, 767, 768, 769, 1024, 1279, 1280, 5120, 5121, 44_100])
def test_a_waveform_has_one_frame_for_each_hop_that_it_begins(log_mel, num_samples):
    frames = -(-num_samples // 512)
    assert log_mel(torch.rand(2, num_samples)).shape == (2, 1, 128, frames)
    assert log_mel.num_frames(num_samples) == frames


def test_a_clip_too_short_to_be_reflected_is_continued_by_silence(log_mel):
    waveform = np.random.default_rng(0).uniform(-1, 1, 700).astype(np.float32)
    ours = log_mel(torch.from_numpy(waveform)[None])[0, 0].numpy()
    assert np.abs(ours - by_definition(np.pad(waveform, (0, 580)))[:, :2]).max() < 1e-4


def test_silence_is_the_floor(log_mel):
    assert torch.allclose(log_mel(torch.zeros(1, 5000)), torch.tensor(LogMel.floor))
    assert LogMel.floor == pytest.approx(np.log(1e-5))


def test_a_tone_is_loudest_in_the_band_of_its_frequency(log_mel):
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(44_100) / 44_100)
    band = int(log_mel(tone[None])[0, 0, :, 40].argmax())
    centres = librosa.mel_frequencies(130, fmin=0, fmax=22_050)[1:-1]
    assert abs(centres[band] - 1000) < 30


def test_frame_t_is_centred_half_a_hop_after_t_hops(log_mel):
    click = torch.zeros(1, 512 * 40)
    click[0, 20 * 512 + 256] = 1
    energy = log_mel(click)[0, 0].sum(dim=0)
    assert energy.argmax() == 20
    assert torch.allclose(energy[18:20], energy[21:23].flip(0), atol=0.1)


def test_a_clip_alone_and_in_a_batch_is_the_same(log_mel):
    batch = torch.rand(3, 9000)
    assert torch.allclose(log_mel(batch)[1], log_mel(batch[1:2])[0], atol=1e-5)


@pytest.mark.parametrize("num_samples", [1, 511, 513, 8192, 8193, 8192 + 511, 16_384 + 300, 40_000])
def test_pieces_of_a_log_mel_joined_are_the_whole(log_mel, num_samples):
    waveform = torch.rand(num_samples, generator=torch.Generator().manual_seed(num_samples)) * 2 - 1
    pieces = list(log_mel.pieces(waveform, num_frames=16))
    assert [piece.shape[1] for piece in pieces[:-1]] == [16] * (len(pieces) - 1)
    whole = log_mel(waveform[None])[0, 0]
    assert torch.cat(pieces, dim=1).shape == whole.shape
    assert torch.allclose(torch.cat(pieces, dim=1), whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("count", [2, 9, 129, 130])
def test_the_frequencies_of_the_mel_bands_are_those_of_librosa(count):
    assert np.allclose(mel_frequencies(count), librosa.mel_frequencies(count, fmin=0, fmax=22_050), rtol=1e-9, atol=0)
