"""Griffin-Lim gives the right length, the same sound every time, and a log-mel close to its input."""

import numpy as np
import pytest
import torch

from distill.audio import LogMel, get_vocoder, load_clip
from distill.errors import ConfigError


@pytest.fixture(scope="module")
def log_mel() -> LogMel:
    return LogMel()


@pytest.fixture(scope="module")
def vocoder(log_mel):
    return get_vocoder("griffin-lim", log_mel)


@pytest.mark.parametrize("frames", [1, 2, 3, 16, 61])
def test_a_log_mel_gives_512_samples_for_each_frame(vocoder, frames):
    mel = torch.rand(128, frames, generator=torch.Generator().manual_seed(0)) * 4 - 6
    waveform = vocoder(mel)
    assert waveform.shape == (frames * 512,)
    assert waveform.dtype == torch.float32
    assert waveform.isfinite().all()
    assert waveform.abs().max() > 0


def test_the_same_log_mel_sounds_the_same_every_time_whatever_the_global_seed(vocoder):
    mel = torch.rand(128, 20, generator=torch.Generator().manual_seed(0)) * 4 - 6
    torch.manual_seed(1)
    first = vocoder(mel)
    torch.manual_seed(2)
    assert torch.equal(first, vocoder(mel))


@pytest.mark.parametrize("name", ["loop_amen", "loop_industrial", "loop_breakbeat", "loop_perc2"])
def test_the_log_mel_of_the_sound_is_close_to_the_one_that_was_asked_for(vocoder, log_mel, examples, name):
    waveform = torch.from_numpy(load_clip(examples / "clips" / f"{name}.flac").waveform)
    mel = log_mel(waveform[None])[0, 0]
    heard = log_mel(vocoder(mel)[None])[0, 0]
    assert (heard - mel).abs().mean() < 0.2


def test_the_inverted_magnitude_is_never_negative_and_has_the_mel_that_was_asked_for(vocoder, log_mel, drums):
    mel = log_mel(torch.from_numpy(drums.waveform)[None])[0, 0]
    magnitude = vocoder.magnitude(mel)
    assert magnitude.min() >= 0
    assert ((log_mel.filters @ magnitude).clamp(min=1e-5).log() - mel).abs().mean() < 0.05


def test_silence_stays_silent(vocoder):
    assert np.abs(vocoder(torch.full((128, 12), LogMel.floor)).numpy()).max() < 1e-3


@pytest.mark.parametrize(("first", "last"), [(0, 1), (0, 40), (300, 316), (599, 600)])
def test_a_part_of_a_log_mel_has_the_samples_of_the_whole(vocoder, log_mel, drums, first, last):
    mel = log_mel(torch.from_numpy(drums.waveform)[None])[0, 0].repeat(1, 4)[:, :600]
    part = vocoder.part(lambda begin, end: mel[:, begin:end], 600, first, last)
    assert (part - vocoder(mel)[first * 512 : last * 512]).abs().max() < 1e-5


def test_no_more_of_a_log_mel_is_asked_for_than_a_part_can_hear(vocoder):
    asked = []

    def frames(begin, end):
        asked.append((begin, end))
        return torch.full((128, end - begin), LogMel.floor)

    vocoder.part(frames, 10_000, 5000, 5016)
    assert asked == [(5000 - vocoder.reach, 5016 + vocoder.reach)]


def test_a_vocoder_of_another_name_is_refused(log_mel):
    with pytest.raises(ConfigError, match="no vocoder named 'hifi'"):
        get_vocoder("hifi", log_mel)


def test_a_long_log_mel_is_synthesized_in_pieces_as_in_one(vocoder, log_mel, drone):
    mel = log_mel(torch.from_numpy(drone.waveform)[None])[0, 0].repeat(1, 6)
    pieces = list(vocoder.stream(mel))
    assert len(pieces) > 1
    assert max(map(len, pieces)) < 0.6 * mel.shape[1] * 512
    assert (torch.cat(pieces) - vocoder(mel)).abs().max() < 1e-5


def test_a_short_log_mel_is_one_piece_and_the_same_sound(vocoder):
    mel = torch.rand(128, 40, generator=torch.Generator().manual_seed(0)) * 4 - 6
    (piece,) = vocoder.stream(mel)
    assert torch.equal(piece, vocoder(mel))
