"""Compare the sound of reconstructions with the originals: log-mel error, ViSQOL and Opus, if these are installed."""

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
    """The distance between a codec's sound and the original.

    Attributes
    ----------
    name : str
        Name in the table.
    bitrate_bps : float or None
        Bits per second; None if nothing is coded.
    mel_l1_audio : float
        Mean absolute difference between the log-mels of the two sounds (natural logarithm).
    visqol : float or None
        Mean opinion score in ViSQOL's audio mode, 1 to 4.73, averaged over the clips and weighted by their length.
        Clips under one second are left out, because ViSQOL does not take them. None if ViSQOL is not installed or no
        clip is long enough.
    """

    name: str
    bitrate_bps: float | None
    mel_l1_audio: float
    visqol: float | None


def listen(name: str, clips: Sequence[Clip], sounds: Sequence[np.ndarray], bitrate_bps: float | None) -> Listening:
    """Compare sounds [samples], at 44 100 Hz, with the clips from which they were made."""
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
    """Synthesize sounds [samples] from log-mels [128, frames] with the default vocoder."""
    vocoder = get_vocoder("griffin-lim", LogMel())
    return [np.concatenate([piece.numpy() for piece in vocoder.stream(torch.from_numpy(mel))]) for mel in log_mels]


def opus(clips: Sequence[Clip]) -> Iterator[Listening]:
    """Code the clips with Opus at its lowest bit rates and compare; yield nothing if ``opus-tools`` is missing."""
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
