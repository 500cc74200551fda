"""What a codec loses: over a set of clips, and level by level in one."""

import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

import numpy as np
import torch

from distill.audio.clips import Clip
from distill.audio.logmel import HOP_LENGTH, SAMPLE_RATE
from distill.codec.codec import Codec
from distill.codes.grid import CodeGrid
from distill.codes.levels import level_names
from distill.errors import AudioError
from distill.models.losses import mel_l1
from distill.training.health import LevelHealth, codebook_health


@dataclass(frozen=True)
class Evaluation:
    """How well a codec does on a set of clips.

    ``mel_l1`` and ``mel_l1_audio`` are mean absolute differences of natural-log mels, before and after the vocoder;
    ``encode_rtf`` and ``decode_rtf`` are seconds of sound per second of work; ``bitrate_bps`` is in bits per second.
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
    """Encode and decode clips and measure what was lost.

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
    (1, 775, True)
    """
    counts = np.zeros((codec.num_levels, codec.codebook_size), dtype=np.int64)
    errors, audio_errors, frames, encoding, decoding, number = 0.0, 0.0, 0, 0.0, 0.0, 0
    for clip in clips:
        began = time.perf_counter()
        original = codec.log_mel_of(clip)
        grid = codec.encode_mel(original)
        encoded = time.perf_counter()
        recon = codec.decode_mel(grid)
        waveform = codec.synthesize(recon)
        encoding, decoding = encoding + encoded - began, decoding + time.perf_counter() - encoded
        errors += mel_l1(recon, original).item() * grid.num_frames
        audio_errors += mel_l1(codec.log_mel_of(Clip(clip.name, waveform.numpy())), original).item() * grid.num_frames
        frames, number = frames + grid.num_frames, number + 1
        counts += codec.usage(grid)
    if not number:
        raise AudioError("There is no clip to evaluate.")
    seconds = frames * HOP_LENGTH / SAMPLE_RATE
    return Evaluation(
        clips=number,
        sound_seconds=seconds,
        mel_l1=errors / frames,
        mel_l1_audio=audio_errors / frames,
        bitrate_bps=codec.bitrate_bps,
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
        Of the last of those levels.
    levels : int
        How many they are.
    log_mel : ndarray of float32 [128, frames]
        What they decode to.
    mel_l1 : float
        Mean absolute difference of natural-log mels from the original's.
    bitrate_bps : float
        Bits per second of these levels.
    share : float
        How much nearer to the original the last of them brings the sound, as a share of the distance that there is
        without any codes: from the average sound that the codec knows. All shares and what is lost make 1.
    """

    name: str
    levels: int
    log_mel: np.ndarray
    mel_l1: float
    bitrate_bps: float
    share: float


def peel(
    codec: Codec, original: torch.Tensor, grid: CodeGrid, progress: Callable[[float], object] | None = None
) -> list[Layer]:
    """A clip with one level of its codes, with two, and so on.

    Parameters
    ----------
    codec : Codec
    original : Tensor [128, frames]
        The clip's natural-log mel.
    grid : CodeGrid
        Its codes.
    progress : callable, optional
        Called with the share that is done, 0 to 1, every 12 s of sound.

    Raises
    ------
    GridError
        If the grid is from another codec.

    Examples
    --------
    >>> from distill.audio import load_clip
    >>> codec = Codec.load("examples/models/loops.distill")
    >>> log_mel = codec.log_mel_of(load_clip("examples/clips/loop_amen.flac"))
    >>> layers = peel(codec, log_mel, codec.encode_mel(log_mel))
    >>> [layer.name for layer in layers], layers[0].mel_l1 > layers[2].mel_l1
    (['Structure', 'Timbre', 'Detail'], True)
    """
    steps = peeling(codec, original, grid)
    while True:
        try:
            share = next(steps)
        except StopIteration as end:
            return end.value
        if progress:
            progress(share)


def peeling(codec: Codec, original: torch.Tensor, grid: CodeGrid) -> Generator[float, None, list[Layer]]:
    """:func:`peel` as a generator, of which each step is one of 12 s of sound and tells the share that is done."""
    layers: list[Layer] = []
    average = codec.model.mel_mean[0, 0]
    whole = last = max(mel_l1(average, original).item(), 1e-9)
    for levels, name in enumerate(level_names(codec.num_levels), start=1):
        log_mel, difference = np.empty(original.shape, dtype=np.float32), 0.0
        for frames, block in codec.mel_blocks(grid, levels=levels):
            log_mel[:, frames] = block.numpy()
            difference += mel_l1(block, original[:, frames]).item() * block.shape[1]
            yield (levels - 1 + frames.stop / grid.num_frames) / codec.num_levels
        error = difference / grid.num_frames
        bitrate = codec.bitrate_bps * levels / codec.num_levels
        layers.append(Layer(name, levels, log_mel, error, bitrate, (last - error) / whole))
        last = error
    return layers
