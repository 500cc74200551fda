"""How reconstructions sound, by ViSQOL where it is installed, and beside Opus where that is."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from distill.audio import SAMPLE_RATE, Clip, LogMel, get_vocoder, load_clip
from distill.models import mel_l1

VISQOL_RATE = 48_000
OPUS_KBPS = (6, 12)


@dataclass(frozen=True)
class Listening:
    """How close a codec's sound is to the original.

    Attributes
    ----------
    name : str
    bitrate_bps : float or None
        Bits per second; None where nothing is coded.
    mel_l1_audio : float
        Mean absolute difference of the log-mels of the two sounds.
    visqol : float or None
        Mean opinion score in ViSQOL's audio mode, 1 to 4.73, averaged by their length over the clips of a second or
        more, since ViSQOL takes no shorter ones; None where it is not installed.
    """

    name: str
    bitrate_bps: float | None
    mel_l1_audio: float
    visqol: float | None


def listen(name: str, clips: Sequence[Clip], sounds: Sequence[np.ndarray], bitrate_bps: float | None) -> Listening:
    """Compare sounds [samples] with the clips they were made from."""
    log_mel, score = LogMel(), _make_visqol()
    errors, scores, samples, scored = 0.0, 0.0, 0, 0
    for clip, sound in zip(clips, sounds, strict=True):
        length = min(len(clip.waveform), len(sound))
        original, heard = clip.waveform[:length], np.clip(sound[:length], -1, 1)
        mels = [log_mel(torch.from_numpy(waveform.astype(np.float32))[None]) for waveform in (original, heard)]
        errors += mel_l1(*mels).item() * length
        samples += length
        if score and length >= SAMPLE_RATE:
            scores += score(original, heard) * length
            scored += length
    return Listening(name, bitrate_bps, errors / samples, scores / scored if scored else None)


def synthesize(log_mels: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Log-mels [128, frames] to sounds by the default vocoder."""
    vocoder = get_vocoder("griffin-lim", LogMel())
    return [np.concatenate([piece.numpy() for piece in vocoder.stream(torch.from_numpy(mel))]) for mel in log_mels]


def opus(clips: Sequence[Clip]) -> Iterator[Listening]:
    """What Opus makes of the clips at its lowest bit rates; nothing where ``opus-tools`` is not installed."""
    if not (shutil.which("opusenc") and shutil.which("opusdec")):
        return
    for kbps in OPUS_KBPS:
        sounds, size = [], 0
        with tempfile.TemporaryDirectory() as folder:
            source, coded, decoded = (Path(folder) / name for name in ("in.wav", "coded.opus", "out.wav"))
            for clip in clips:
                soundfile.write(source, clip.waveform, SAMPLE_RATE)
                encode = ["opusenc", "--quiet", "--bitrate", str(kbps), str(source), str(coded)]
                subprocess.run(encode, check=True, capture_output=True)
                subprocess.run(["opusdec", "--quiet", str(coded), str(decoded)], check=True, capture_output=True)
                sounds.append(load_clip(decoded).waveform)
                size += coded.stat().st_size
        seconds = sum(clip.seconds for clip in clips)
        yield listen(f"Opus, asked for {kbps} kbit/s", clips, sounds, size * 8 / seconds)


def _make_visqol() -> Callable[[np.ndarray, np.ndarray], float] | None:
    if not find_spec("visqol"):
        return None
    from visqol import VisqolApi

    api = VisqolApi()
    api.create(mode="audio")

    def score(original: np.ndarray, heard: np.ndarray) -> float:
        reference, degraded = (soxr.resample(w.astype(np.float64), SAMPLE_RATE, VISQOL_RATE) for w in (original, heard))
        return float(api.measure_from_arrays(reference, degraded, sample_rate=VISQOL_RATE).moslqo)

    return score
