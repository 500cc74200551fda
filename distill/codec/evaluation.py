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


@torch.no_grad()
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
    counts = np.zeros((codec.num_levels, codec.codebook_size), dtype=np.int64)
    errors, audio_errors, frames, encoding, decoding, number = 0.0, 0.0, 0, 0.0, 0.0, 0
    samples, bits = 0, 0.0
    for clip in clips:
        began = time.perf_counter()
        original = codec.log_mel_of(clip)
        grid = codec.encode_mel(original, num_samples=len(clip.waveform))
        encoded = time.perf_counter()
        recon = codec.decode_mel(grid)
        waveform = codec.synthesize(recon)[: grid.num_samples]
        encoding, decoding = encoding + encoded - began, decoding + time.perf_counter() - encoded
        errors += mel_l1(recon, original).item() * grid.num_frames
        audio_errors += mel_l1(codec.log_mel_of(Clip(clip.name, waveform.numpy())), original).item() * grid.num_frames
        frames, number = frames + grid.num_frames, number + 1
        samples, bits = samples + grid.num_samples, bits + grid.num_bits
        counts += codec.usage(grid)
    if not number:
        raise AudioError("There is no clip to evaluate.")
    seconds = samples / SAMPLE_RATE
    return Evaluation(
        clips=number,
        sound_seconds=seconds,
        mel_l1=errors / frames,
        mel_l1_audio=audio_errors / frames,
        bitrate_bps=bits / seconds,
        levels=tuple(codebook_health(counts)),
        encode_rtf=seconds / encoding,
        decode_rtf=seconds / decoding,
    )


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
