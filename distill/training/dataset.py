"""Clips as log-mels, computed once and kept; which of them are held out; and random crops of the rest."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from distill.audio.clips import MIN_CLIPS, Clip
from distill.audio.logmel import LogMel
from distill.errors import TrainingError

HELD_OUT_FROM = 21
"""Clips from which on some are held out. Up to 20, each clip is 5 % or more of what the codec has to know: the person
who brought it wants it in, and one or two clips would measure luck."""
HELD_OUT_SHARE, HELD_OUT_MOST = 0.1, 20
MIN_STD = 0.5
"""Smallest scale of a band, in nepers: a band that is nearly silent throughout is not blown up."""


@dataclass(frozen=True, eq=False)
class MelClip:
    """A clip as the model sees it: its name and its log-mel [128, frames]."""

    name: str
    log_mel: Tensor

    @property
    def num_frames(self) -> int:
        return self.log_mel.shape[1]


def to_mel_clip(clip: Clip, log_mel: LogMel, tick: Callable[[], object] = lambda: None) -> MelClip:
    """Compute a clip's log-mel; its waveform is not kept.

    Parameters
    ----------
    clip : Clip
    log_mel : LogMel
    tick : callable
        Called between pieces of 12 s.
    """
    pieces: list[Tensor] = []
    for piece in log_mel.pieces(torch.from_numpy(clip.waveform)):
        if pieces:
            tick()
        pieces.append(piece)
    return MelClip(clip.name, torch.cat(pieces, dim=1))


def check_clip_count(count: int) -> None:
    """Raise a TrainingError if there are too few clips to train on."""
    if count < MIN_CLIPS:
        raise TrainingError(f"A codec needs at least {MIN_CLIPS} clips that can be used; here it has {count}.")


def split_held_out(clips: Sequence[MelClip], seed: int) -> tuple[list[MelClip], list[MelClip]]:
    """Training clips and held-out clips: none of up to 20, then 10 %, and 20 at the most."""
    if len(clips) < HELD_OUT_FROM:
        return list(clips), []
    count = min(HELD_OUT_MOST, round(len(clips) * HELD_OUT_SHARE))
    order = torch.randperm(len(clips), generator=torch.Generator().manual_seed(seed)).tolist()
    held_out = set(order[:count])
    return (
        [clip for i, clip in enumerate(clips) if i not in held_out],
        [clip for i, clip in enumerate(clips) if i in held_out],
    )


def fitting_crop(clips: Sequence[MelClip], crop_frames: int) -> int:
    """The longest crop, up to ``crop_frames``, that half of all sound can fill; a multiple of 16 frames.

    Longer crops would be mostly padding, and the codebooks would see few cells a step.
    """
    lengths = torch.tensor([clip.num_frames for clip in clips]).sort().values
    median = lengths[torch.searchsorted(lengths.cumsum(0), lengths.sum() / 2)].item()
    return min(crop_frames, -(-int(median) // 16) * 16)


class CropSampler:
    """Random crops of a set of clips, every moment of sound equally likely.

    Parameters
    ----------
    clips : sequence of MelClip
        At least one.
    crop_frames : int
        Length of a crop. A shorter clip is followed by silence, which the mask marks.
    seed : int
        Of the crops' positions and gains.
    gain_db : float
        Half of the crops are made louder or quieter, by up to this many dB.
    """

    def __init__(self, clips: Sequence[MelClip], *, crop_frames: int, seed: int, gain_db: float = 0.0) -> None:
        self.crop_frames, self.gain_db = crop_frames, gain_db
        self.generator = torch.Generator().manual_seed(seed)
        lengths = torch.tensor([clip.num_frames for clip in clips])
        self.lengths = lengths
        self.padded = [
            torch.nn.functional.pad(clip.log_mel, (0, _room(clip.num_frames, crop_frames)), value=LogMel.floor)
            for clip in clips
        ]
        self.total_frames = int(lengths.sum())

    @cached_property
    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation [128] of each band's log-mel over all sound."""
        count = self.lengths.sum()
        sound = [mel[:, :n].double() for mel, n in zip(self.padded, self.lengths.tolist(), strict=True)]
        mean = sum(mel.sum(dim=1) for mel in sound) / count
        variance = sum((mel - mean[:, None]).square().sum(dim=1) for mel in sound) / count
        return mean.float(), variance.sqrt().clamp(min=MIN_STD).float()

    def sample(self, batch_size: int) -> tuple[Tensor, Tensor]:
        """A batch of crops.

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
        """Where that many crops may be taken: (clip, first frame), the frame a multiple of ``align``, at most 16."""
        # One in each of `count` equal parts of all sound: a batch is then more like the whole set than by free draws.
        share = (torch.arange(count) + torch.rand(count, generator=self.generator, dtype=torch.float64)) / count
        ends = self.lengths.cumsum(0)
        moment = (share * self.total_frames).long()
        choice = torch.searchsorted(ends, moment, right=True)
        frames = self.lengths[choice]
        # A crop's middle falls anywhere in the clip and the crop is then moved inside; were its start drawn inside, the
        # first and last frames would hardly ever be seen.
        last = (frames + -frames % align - self.crop_frames).clamp(min=0)
        start = (moment - (ends - self.lengths)[choice] - self.crop_frames // 2).clamp(min=0).minimum(last)
        return list(zip(choice.tolist(), (start - start % align).tolist(), strict=True))

    def crops(self, positions: Sequence[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        """The crops at those positions and their mask, as :meth:`sample` gives them."""
        mel = torch.stack([self.padded[clip][None, :, start : start + self.crop_frames] for clip, start in positions])
        left = torch.tensor([int(self.lengths[clip]) - start for clip, start in positions])
        mask = (torch.arange(self.crop_frames) < left[:, None]).float()[:, None, None]
        return mel, mask


def _room(frames: int, crop_frames: int) -> int:
    """Frames to add to a clip so that it fills a crop and its last column of 16."""
    return max(crop_frames, frames + -frames % 16) - frames
