"""Log-mels of the clips, the choice of held-out clips, and random crops of the training clips."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from distill.audio.clips import MIN_CLIPS, Clip
from distill.audio.logmel import HOP_LENGTH, N_MELS, SAMPLE_RATE, LogMel
from distill.errors import TrainingError

HELD_OUT_FROM = 21
"""Smallest number of clips from which some are held out. In a set of up to 20 clips, each clip is at least 5 % of the
sound, so the codec should learn all of them. One or two held-out clips would also be too few for a reliable error."""
HELD_OUT_SHARE, HELD_OUT_MOST = 0.1, 20
"""Share of clips that are held out, and the largest number of them."""
MIN_STD = 0.5
"""Smallest standard deviation of a band, in nepers, so that an almost constant band is not amplified."""
WHOLE_FRAMES = 7200 * SAMPLE_RATE // HOP_LENGTH
"""Largest number of frames of a set that is held and computed with as a whole: two hours of sound, the most that the
page trains on. Larger sets are heard in samples, so that the memory of a training does not grow with them."""
STATISTICS_CROPS = 4096
"""Number of random crops from which the statistics of a larger set come. The mean of a band varies by up to 3 nepers
(standard deviation) from one crop to the next, so that of 4096 crops is right to 3 / sqrt(4096) = 0.05 nepers (0.4 dB),
a tenth of the smallest standard deviation that is used."""


class TrainingClip(Protocol):
    """What a training asks of a clip, wherever its values are: in memory, or on a disk.

    The properties are those of :class:`MelClip`; ``log_mel`` may read the whole clip each time it is asked for.
    """

    @property
    def name(self) -> str: ...

    @property
    def weight(self) -> int: ...

    @property
    def num_samples(self) -> int: ...

    @property
    def num_frames(self) -> int: ...

    @property
    def seconds(self) -> float: ...

    @property
    def log_mel(self) -> Tensor: ...

    @property
    def has_sound(self) -> bool: ...

    def mel_between(self, start: int, stop: int) -> Tensor:
        """Return the log-mel [128, frames] from one frame to the one before another; frames after the end lack."""

    def sound_between(self, start: int, stop: int) -> Tensor:
        """Return the waveform [frames * 512] of these frames, in float16."""


@dataclass(frozen=True, eq=False)
class MelClip:
    """What a training knows of one clip.

    Attributes
    ----------
    name : str
    log_mel : Tensor [128, frames]
        Natural-log mel magnitudes.
    num_samples : int
        Length of the clip at 44 100 Hz; by default all samples of the frames.
    waveform : Tensor of float16 [frames * 512], optional
        Sound of the clip, from which the vocoder learns, with zeros after its end. Eleven bits are enough: their noise
        is 70 dB below the sound.
    weight : int
        How many times as often as others the clip is heard in a training; 0 leaves it out.
    """

    name: str
    log_mel: Tensor
    num_samples: int = 0
    waveform: Tensor | None = None
    weight: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "num_samples", self.num_samples or self.num_frames * LogMel.hop_length)

    @property
    def seconds(self) -> float:
        """Length of the clip in seconds."""
        return self.num_samples / LogMel.sample_rate

    @property
    def num_frames(self) -> int:
        return self.log_mel.shape[1]

    @property
    def has_sound(self) -> bool:
        """Whether the waveform is known."""
        return self.waveform is not None

    def mel_between(self, start: int, stop: int) -> Tensor:
        """Return the log-mel [128, frames] of a range of frames; what lies after the end lacks."""
        return self.log_mel[:, start:stop]

    def sound_between(self, start: int, stop: int) -> Tensor:
        """Return the waveform [frames * 512] of a range of frames; what lies after the end lacks.

        Raises
        ------
        TrainingError
            If the waveform is not known.
        """
        if self.waveform is None:
            raise TrainingError(f"The sound of {self.name} is not known.")
        return self.waveform[start * LogMel.hop_length : stop * LogMel.hop_length]


def to_mel_clip(clip: Clip, log_mel: LogMel, tick: Callable[[], object] = lambda: None) -> MelClip:
    """Compute the log-mel of a clip.

    Parameters
    ----------
    clip : Clip
    log_mel : LogMel
    tick : callable
        Called after each piece of 12 s except the last.
    """
    pieces: list[Tensor] = []
    for piece in log_mel.pieces(torch.from_numpy(clip.waveform)):
        if pieces:
            tick()
        pieces.append(piece)
    mel, waveform = torch.cat(pieces, dim=1), torch.from_numpy(clip.waveform).half()
    missing = mel.shape[1] * log_mel.hop_length - len(waveform)
    return MelClip(clip.name, mel, len(waveform), torch.nn.functional.pad(waveform, (0, missing)))


class Weighted(Protocol):
    """A clip that a training hears as many times as often as others as its weight says."""

    @property
    def weight(self) -> int: ...


WeightedClip = TypeVar("WeightedClip", bound=Weighted)


def check_clip_count(count: int) -> None:
    """Raise a TrainingError if there are too few clips to train on."""
    if count < MIN_CLIPS:
        raise TrainingError(f"A codec needs at least {MIN_CLIPS} clips that can be used; here it has {count}.")


def split_held_out(clips: Sequence[WeightedClip], seed: int) -> tuple[list[WeightedClip], list[WeightedClip]]:
    """Split clips into training clips and held-out clips: from 21 clips on, 10 % are held out, at most 20.

    Clips of weight 0 are in neither part. A clip of a higher weight than 1 is never held out, because it is to be
    learned.
    """
    clips = [clip for clip in clips if clip.weight]
    if len(clips) < HELD_OUT_FROM:
        return clips, []
    count = min(HELD_OUT_MOST, round(len(clips) * HELD_OUT_SHARE))
    order = torch.randperm(len(clips), generator=torch.Generator().manual_seed(seed)).tolist()
    held_out = set([number for number in order if clips[number].weight == 1][:count])
    return (
        [clip for i, clip in enumerate(clips) if i not in held_out],
        [clip for i, clip in enumerate(clips) if i in held_out],
    )


def fitting_crop(clips: Sequence[TrainingClip], crop_frames: int) -> int:
    """Choose the length of the crops in frames: a multiple of 16, up to ``crop_frames``.

    Clips with half of all sound must be able to fill a crop. Longer crops would be mostly padding, and the codebooks
    would get few cells per step.
    """
    lengths = torch.tensor([clip.num_frames for clip in clips]).sort().values
    median = lengths[torch.searchsorted(lengths.cumsum(0), lengths.sum() / 2)].item()
    return min(crop_frames, -(-int(median) // 16) * 16)


class CropSampler:
    """Random crops of a set of clips. Every frame of sound is as likely as the weight of its clip says.

    Parameters
    ----------
    clips : sequence of TrainingClip
        At least one clip, each of a weight of at least 1. Their sound is read when a crop of it is drawn.
    crop_frames : int
        Length of a crop in frames. Silence fills up a shorter clip, and the mask marks this padding.
    seed : int
        Seed of the positions and gains of the crops.
    gain_db : float
        Largest change of gain in dB. Half of the crops are made louder or quieter by a random gain.
    """

    def __init__(self, clips: Sequence[TrainingClip], *, crop_frames: int, seed: int, gain_db: float = 0.0) -> None:
        self.clips, self.crop_frames, self.gain_db = clips, crop_frames, gain_db
        self.generator = torch.Generator().manual_seed(seed)
        self.lengths = torch.tensor([clip.num_frames for clip in clips])
        self.weights = torch.tensor([clip.weight for clip in clips])
        self.total_frames = int(self.lengths.sum())
        self.has_sound = all(clip.has_sound for clip in clips)  # whether the waveforms of all clips are known

    @property
    def is_whole(self) -> bool:
        """Whether the set is small enough for all that depends on all of it; see :data:`WHOLE_FRAMES`."""
        return self.total_frames <= WHOLE_FRAMES

    @cached_property
    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation [128] of the log-mel of each band, in nepers.

        They are those of all sound or, in a set of more than two hours, of :data:`STATISTICS_CROPS` random crops.
        """
        if not self.is_whole:
            return self._sampled_statistics()
        count = self.lengths.sum()
        mean = sum(clip.log_mel.double().sum(dim=1) for clip in self.clips) / count
        variance = sum((clip.log_mel.double() - mean[:, None]).square().sum(dim=1) for clip in self.clips) / count
        return mean.float(), variance.sqrt().clamp(min=MIN_STD).float()

    def _sampled_statistics(self) -> tuple[Tensor, Tensor]:
        """The statistics of random crops, which are the same for the same clips whatever the seed of the training."""
        drawn = CropSampler(self.clips, crop_frames=self.crop_frames, seed=0)
        count, total, squares = 0.0, torch.zeros(N_MELS).double(), torch.zeros(N_MELS).double()
        for _ in range(STATISTICS_CROPS // 64):
            mel, mask = (part.double() for part in drawn.crops(drawn.positions(64)))
            count += float(mask.sum())
            total += (mel * mask).sum(dim=(0, 1, 3))
            squares += (mel.square() * mask).sum(dim=(0, 1, 3))
        mean = total / count
        variance = (squares / count - mean.square()).clamp(min=0)
        return mean.float(), variance.sqrt().clamp(min=MIN_STD).float()

    def sample(self, batch_size: int) -> tuple[Tensor, Tensor]:
        """Draw a batch of random crops.

        Returns
        -------
        mel : Tensor [batch_size, 1, 128, crop_frames]
        mask : Tensor [batch_size, 1, 1, crop_frames]
            1 for sound, 0 for padding.
        """
        mel, mask = self.crops(self.positions(batch_size))
        if self.gain_db:
            most = self.gain_db * math.log(10) / 20
            chosen, amount = torch.rand(2, batch_size, 1, 1, 1, generator=self.generator)
            mel = (mel + (chosen < 0.5) * (2 * amount - 1) * most).clamp_(min=LogMel.floor)
        return mel, mask

    def positions(self, count: int, *, align: int = 1) -> list[tuple[int, int]]:
        """Draw ``count`` random positions of crops: (clip, first frame).

        The first frame is a multiple of ``align``, which is 1 to 16.
        """
        # Stratified sampling, one crop in each of `count` equal parts of the sound, makes batches more alike.
        share = (torch.arange(count) + torch.rand(count, generator=self.generator, dtype=torch.float64)) / count
        weighted = self.lengths * self.weights
        ends = weighted.cumsum(0)
        moment = (share * int(weighted.sum())).long()
        choice = torch.searchsorted(ends, moment, right=True)
        frames, moment = self.lengths[choice], (moment - (ends - weighted)[choice]) // self.weights[choice]
        # The middle of a crop is drawn anywhere in the clip, and the crop is then moved inside the clip. If the start
        # were drawn inside instead, the first and last frames of the clip would be rare.
        last = (frames + -frames % align - self.crop_frames).clamp(min=0)
        start = (moment - self.crop_frames // 2).clamp(min=0).minimum(last)
        return list(zip(choice.tolist(), (start - start % align).tolist(), strict=True))

    def crops(self, positions: Sequence[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        """Cut the crops at the given positions; return them and their mask as :meth:`sample` does."""
        mel = torch.full((len(positions), 1, N_MELS, self.crop_frames), LogMel.floor)
        for crop, (clip, start) in zip(mel, positions, strict=True):
            part = self.clips[clip].mel_between(start, start + self.crop_frames)
            crop[0, :, : part.shape[1]] = part
        left = torch.tensor([int(self.lengths[clip]) - start for clip, start in positions])
        mask = (torch.arange(self.crop_frames) < left[:, None]).float()[:, None, None]
        return mel, mask

    def sound(self, positions: Sequence[tuple[int, int]], frames: int) -> Tensor:
        """Cut the waveforms [crops, frames * 512] of crops of ``frames`` frames, with zeros outside of the clips.

        The first frame of a crop may be negative, which is before its clip.
        """
        hop = LogMel.hop_length
        crops = torch.zeros(len(positions), frames * hop)
        for crop, (clip, start) in zip(crops, positions, strict=True):
            part = self.clips[clip].sound_between(max(0, start), max(0, start + frames))
            begin = max(0, -start) * hop
            crop[begin : begin + len(part)] = part
        return crops


def heard_clips(clips: Sequence[TrainingClip], most_frames: int) -> Sequence[TrainingClip]:
    """Choose the clips whose first ones are heard in a validation: all in their order, or a random part of a large set.

    Neighbours in a large set are often alike, so its first clips would not stand for it.

    Parameters
    ----------
    clips : sequence of TrainingClip
    most_frames : int
        Frames that are enough.
    """
    if sum(clip.num_frames for clip in clips) <= WHOLE_FRAMES:
        return clips
    chosen, frames = list[TrainingClip](), 0
    for number in torch.randperm(len(clips), generator=torch.Generator().manual_seed(0)).tolist():
        chosen.append(clips[number])
        frames += clips[number].num_frames
        if frames >= most_frames:
            break
    return chosen
