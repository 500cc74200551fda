"""Evaluation of a codec: its error on a set of clips, and the share of each level in one clip."""

import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from distill.audio.clips import Clip
from distill.audio.logmel import SAMPLE_RATE
from distill.codec.codec import Codec
from distill.codec.decoded import DecodedMel
from distill.codec.pieces import blocks
from distill.codes.levels import level_names
from distill.errors import AudioError
from distill.models.losses import mel_l1
from distill.training.health import LevelHealth, codebook_health


@dataclass(frozen=True)
class Evaluation:
    """Quality and speed of a codec on a set of clips.

    Attributes
    ----------
    clips : int
        Number of clips.
    sound_seconds : float
        Duration of all clips, in seconds, from their samples.
    mel_l1, mel_l1_audio : float
        Mean absolute difference of natural-log mels before and after the vocoder, in nepers.
    bitrate_bps : float
        Bits of all codes of the clips per second of their sound. A clip takes whole columns, so a short clip takes more
        bits per second than :attr:`Codec.bitrate_bps`.
    levels : tuple of LevelHealth
        Health of each level on these clips.
    encode_rtf, decode_rtf : float
        Seconds of sound per second of computation.
    """

    clips: int
    sound_seconds: float
    mel_l1: float
    mel_l1_audio: float
    bitrate_bps: float
    levels: tuple[LevelHealth, ...]
    encode_rtf: float
    decode_rtf: float


@dataclass
class Tally:
    """What :func:`evaluate` adds up over clips; several tallies can be added up to one.

    Attributes
    ----------
    counts : ndarray of int64 [levels, codebook_size]
        How often each code occurred.
    clips, frames, samples : int
        Number of clips, of their frames, and of their samples at 44 100 Hz.
    bits : float
        Bits of all codes.
    errors, audio_errors : float
        Sums of the ``mel_l1`` of each clip before and after the vocoder, each times the clip's frames.
    encoding, decoding : float
        Seconds of computation.
    """

    counts: np.ndarray
    clips: int = 0
    frames: int = 0
    samples: int = 0
    bits: float = 0.0
    errors: float = 0.0
    audio_errors: float = 0.0
    encoding: float = 0.0
    decoding: float = 0.0

    @classmethod
    def of(cls, codec: Codec) -> "Tally":
        """An empty tally."""
        return cls(np.zeros((codec.num_levels, codec.codebook_size), dtype=np.int64))

    @torch.no_grad()
    def add(self, codec: Codec, clip: Clip) -> None:
        """Encode and decode a clip, and measure the error and the time."""
        began = time.perf_counter()
        original = codec.log_mel_of(clip)
        grid = codec.encode_mel(original, num_samples=len(clip.waveform))
        encoded = time.perf_counter()
        recon = codec.decode_mel(grid)
        waveform = codec.synthesize(recon)[: grid.num_samples]
        self.encoding, self.decoding = self.encoding + encoded - began, self.decoding + time.perf_counter() - encoded
        heard = codec.log_mel_of(Clip(clip.name, waveform.numpy()))
        self.errors += mel_l1(recon, original).item() * grid.num_frames
        self.audio_errors += mel_l1(heard, original).item() * grid.num_frames
        self.frames, self.clips = self.frames + grid.num_frames, self.clips + 1
        self.samples, self.bits = self.samples + grid.num_samples, self.bits + grid.num_bits
        self.counts += codec.usage(grid)

    def evaluation(self) -> Evaluation:
        """The means of all that was added.

        Raises
        ------
        AudioError
            If there are no clips.
        """
        if not self.clips:
            raise AudioError("There is no clip to evaluate.")
        seconds = self.samples / SAMPLE_RATE
        return Evaluation(
            clips=self.clips,
            sound_seconds=seconds,
            mel_l1=self.errors / self.frames,
            mel_l1_audio=self.audio_errors / self.frames,
            bitrate_bps=self.bits / seconds,
            levels=tuple(codebook_health(self.counts)),
            encode_rtf=seconds / self.encoding,
            decode_rtf=seconds / self.decoding,
        )


def evaluate(codec: Codec, clips: Iterable[Clip]) -> Evaluation:
    """Encode and decode clips and measure the error and the speed.

    Raises
    ------
    AudioError
        If there are no clips.

    Examples
    --------
    >>> from distill.audio import load_clip
    >>> codec = Codec.load("examples/models/loops.distill")
    >>> evaluation = evaluate(codec, [load_clip("examples/clips/loop_amen.flac")])
    >>> evaluation.clips, round(evaluation.bitrate_bps), evaluation.mel_l1 < evaluation.mel_l1_audio
    (1, 821, True)
    """
    tally = Tally.of(codec)
    for clip in clips:
        tally.add(codec, clip)
    return tally.evaluation()


@dataclass(frozen=True, eq=False)
class Layer:
    """A clip rebuilt from the first levels of its codes.

    Attributes
    ----------
    name : str
        Name of the last of these levels.
    levels : int
        Number of levels.
    log_mel : ndarray of float32 [128, frames]
        Natural-log mel that these levels decode to.
    mel_l1 : float
        Mean absolute difference from the natural-log mel of the original, in nepers.
    bitrate_bps : float
        Bits per second of these levels in this clip.
    share : float
        Reduction of the error by the last level, as a share of the error without any codes. The sound without any codes
        is the mean log-mel of the model. All shares and the share of the remaining error add up to 1.
    """

    name: str
    levels: int
    log_mel: np.ndarray
    mel_l1: float
    bitrate_bps: float
    share: float


def peel(codec: Codec, original: torch.Tensor, decoded: Sequence[DecodedMel]) -> Generator[float, None, list[Layer]]:
    """Rebuild a clip from one level of its codes, from two levels, and so on, in steps of 12 s of sound.

    Parameters
    ----------
    codec : Codec
    original : Tensor [128, frames]
        Natural-log mel of the clip.
    decoded : sequence of DecodedMel
        Log-mels of the first level of the clip's codes, of the first two levels, and so on. Frames that are not decoded
        yet are decoded here.

    Yields
    ------
    float
        Finished share, 0 to 1, after each step.

    Returns
    -------
    list of Layer
        One layer per level.
    """
    layers: list[Layer] = []
    average = codec.model.mel_mean[0, 0]
    whole = last = max(mel_l1(average, original).item(), 1e-9)
    for mel, name in zip(decoded, level_names(codec.num_levels), strict=True):
        difference = 0.0
        for frames in blocks(mel.num_frames):
            block = mel.frames(frames.start, frames.stop)
            difference += mel_l1(block, original[:, frames]).item() * block.shape[1]
            yield (mel.num_levels - 1 + frames.stop / mel.num_frames) / codec.num_levels
        error = difference / mel.num_frames
        layers.append(Layer(name, mel.num_levels, mel.log_mel, error, mel.bitrate_bps, (last - error) / whole))
        last = error
    return layers
