"""Compare the sound of reconstructions with the originals, by ViSQOL and Zimtohrli too if these are installed."""

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

from distill.audio import HOP_LENGTH, SAMPLE_RATE, Clip, GriffinLim, LogMel, Vocoder, load_clip
from distill.bench.attacks import Attacks, compare_attacks
from distill.models import mel_l1

SCORED_RATE = 48_000
"""Sample rate of ViSQOL and of Zimtohrli, in Hz."""
OPUS_KBPS = (6, 12, 32)
SHORT_WINDOWS = (64, 256)
"""Windows of :attr:`Listening.fine`, in samples."""
LEAST_SECONDS = 0.2
"""Zimtohrli hears silence after shorter sounds: it writes beyond its memory for some under a tenth of a second."""
QUIETEST = 1e-4
"""Magnitude below which differences do not count: -80 dB."""


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
    fine : tuple of float
        Mean absolute difference between the log magnitudes in windows of 64 and of 256 samples.
    attacks : Attacks or None
        Differences between the attacks; None if no clip has any.
    visqol : float or None
        Mean opinion score in ViSQOL's audio mode, 1 to 4.73, averaged over the clips and weighted by their length.
        ViSQOL hardly hears phase. Clips under one second are left out, because ViSQOL does not take them. None if
        ViSQOL is not installed or no clip is long enough.
    zimtohrli : float or None
        Mean opinion score of Zimtohrli, 1 to 5, which hears phase; the mean of the first four seconds of each clip.
        None if Zimtohrli is not installed.
    """

    name: str
    bitrate_bps: float | None
    mel_l1_audio: float
    fine: tuple[float, ...]
    attacks: Attacks | None
    visqol: float | None
    zimtohrli: float | None


def listen(name: str, clips: Sequence[Clip], sounds: Sequence[np.ndarray], bitrate_bps: float | None) -> Listening:
    """Compare sounds [samples], at 44 100 Hz, with the clips from which they were made."""
    log_mel, visqol, zimtohrli = LogMel(), _make_visqol(), _make_zimtohrli()
    errors, samples = 0.0, 0
    scores: list[tuple[float, int]] = []
    opinions: list[float] = []
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    for clip, sound in zip(clips, sounds, strict=True):
        length = min(len(clip.waveform), len(sound))
        original, heard = clip.waveform[:length], np.clip(sound[:length], -1, 1).astype(np.float32)
        pairs.append((original, heard))
        mels = [log_mel(torch.from_numpy(waveform)[None]) for waveform in (original, heard)]
        errors += mel_l1(*mels).item() * length
        samples += length
        if visqol and length >= SAMPLE_RATE:
            scores.append((visqol(original, heard), length))
        if zimtohrli:
            opinions.append(zimtohrli(*(waveform[: 4 * SAMPLE_RATE] for waveform in (original, heard))))
    score = sum(score * length for score, length in scores) / sum(length for _, length in scores) if scores else None
    opinion = float(np.mean(opinions)) if opinions else None
    fine = tuple(_log_difference(pairs, window) for window in SHORT_WINDOWS)
    return Listening(name, bitrate_bps, errors / samples, fine, compare_attacks(pairs), score, opinion)


def synthesize(log_mels: Sequence[np.ndarray], vocoder: Vocoder) -> list[np.ndarray]:
    """Synthesize sounds [samples] from log-mels [128, frames]."""
    return [np.concatenate([piece.numpy() for piece in vocoder.stream(torch.from_numpy(mel))]) for mel in log_mels]


def with_phases_of(clips: Sequence[Clip], log_mels: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Synthesize log-mels [128, frames] with the phases of the clips: the best that a vocoder could do with phase."""
    front_end = LogMel()
    vocoder, sounds = GriffinLim(front_end), []
    for clip, log_mel in zip(clips, log_mels, strict=True):
        samples = log_mel.shape[1] * HOP_LENGTH
        waveform = torch.from_numpy(np.pad(clip.waveform, (0, samples - len(clip.waveform))))
        sounds.append(vocoder.with_phases_of(waveform, torch.from_numpy(log_mel)).numpy())
    return sounds


def _log_difference(pairs: Sequence[tuple[np.ndarray, np.ndarray]], window: int) -> float:
    """Compute the mean absolute difference of log magnitudes, for a window of some samples, in nepers."""
    total, count = 0.0, 0
    for pair in pairs:
        logs = [
            torch.stft(
                torch.from_numpy(sound), window, window // 4, window=torch.hann_window(window), return_complex=True
            )
            .abs()
            .div(window / 4)
            .add(QUIETEST)
            .log()
            for sound in pair
        ]
        total += (logs[0] - logs[1]).abs().sum().item()
        count += logs[0].numel()
    return total / count


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
        reference, degraded = (soxr.resample(w.astype(np.float64), SAMPLE_RATE, SCORED_RATE) for w in (original, heard))
        return float(api.measure_from_arrays(reference, degraded, sample_rate=SCORED_RATE).moslqo)

    return score


def _make_zimtohrli() -> Callable[[np.ndarray, np.ndarray], float] | None:
    if not find_spec("zimtohrli"):
        return None
    import zimtohrli

    metric = zimtohrli.Pyohrli()

    def score(original: np.ndarray, heard: np.ndarray) -> float:
        pair = [soxr.resample(waveform, SAMPLE_RATE, SCORED_RATE).astype(np.float32) for waveform in (original, heard)]
        missing = max(0, int(LEAST_SECONDS * SCORED_RATE) - len(pair[0]))
        pair = [np.pad(waveform, (0, missing)) for waveform in pair]
        return float(zimtohrli.mos_from_zimtohrli(metric.distance(*pair)))

    return score
