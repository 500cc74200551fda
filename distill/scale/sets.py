"""A prepared set: clips whose log-mels and sound are on a disk, from which a training reads its crops."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import torch
from safetensors import safe_open
from torch import Tensor

from distill.audio.logmel import HOP_LENGTH, SAMPLE_RATE, LogMel
from distill.errors import TrainingError
from distill.scale.shards import DAMAGE, INDEX, SETTINGS, ClipRow, read_range, write_tensors

FORMAT, VERSION = "distill-set", 1
OURS = {"format": FORMAT, "version": VERSION} | {
    name: getattr(LogMel, name) for name in ("sample_rate", "n_fft", "hop_length", "n_mels")
}
"""What :data:`~distill.scale.shards.SETTINGS` of each set says that this version of Distill reads."""


@dataclass(frozen=True, eq=False)
class PreparedSet(Sequence["PreparedClip"]):
    """The clips of a prepared set, in the order of their files, for a :class:`~distill.training.trainer.Trainer`.

    Only the index is in memory, about 100 bytes a clip. Clips are read when they are asked for, and not kept.

    Attributes
    ----------
    folder : Path
    shards : tuple of str
        Names of the files with the log-mels.
    places : Tensor of int64 [clips, 4]
        For each clip the number of its shard, its first frame there, its frames, and its samples.
    names : Tensor of uint8 [bytes]
        Names of all clips, in UTF-8.
    name_ends : Tensor of int64 [clips]
        The byte after the last of each name.

    Examples
    --------
    >>> import tempfile
    >>> from distill.scale.preparing import prepare
    >>> with tempfile.TemporaryDirectory() as out:
    ...     made = prepare("examples/clips", out)
    ...     clips = PreparedSet.open(out)
    ...     clips[0].name, tuple(clips[0].log_mel.shape), len(clips) == made.clips
    ('loop_amen.flac', (128, 151), True)
    """

    folder: Path
    shards: tuple[str, ...]
    places: Tensor
    names: Tensor
    name_ends: Tensor

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> "PreparedSet":
        """Open the set in a folder.

        Raises
        ------
        TrainingError
            If the folder holds no prepared set, or one that is not complete, is damaged, or is of another version of
            Distill.
        """
        folder = Path(folder)
        if not is_prepared(folder):
            raise TrainingError(f"{folder.name} is no prepared set.")
        if any(_settings(folder).get(name) != value for name, value in OURS.items()):
            raise TrainingError(f"{folder.name} is no set of this version of Distill; please prepare a new one.")
        if not (folder / INDEX).exists():
            raise TrainingError(
                f"The set in {folder.name} is not complete; please run the same “distill prepare” again."
            )
        try:
            with safe_open(folder / INDEX, framework="pt") as file:
                shards = tuple(json.loads(file.metadata()["shards"]))
                tensors = [file.get_tensor(name) for name in ("places", "names", "name_ends")]
            if not all(isinstance(shard, str) and "/" not in shard for shard in shards):
                raise ValueError("other shards")
            if tensors[0].shape != (len(tensors[2]), 4):
                raise ValueError("other clips")
        except DAMAGE as error:
            raise TrainingError(
                f"The index of {folder.name} is damaged; please run the same “distill prepare” again."
            ) from error
        return cls(folder, shards, *tensors)

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, number: int) -> "PreparedClip": ...

    @overload
    def __getitem__(self, number: slice) -> "list[PreparedClip]": ...

    def __getitem__(self, number: int | slice) -> "PreparedClip | list[PreparedClip]":
        if isinstance(number, slice):
            return [PreparedClip(self, each) for each in range(len(self))[number]]
        return PreparedClip(self, range(len(self))[number])

    def __iter__(self) -> Iterator["PreparedClip"]:
        return (PreparedClip(self, number) for number in range(len(self)))


@dataclass(frozen=True, eq=False, slots=True)
class PreparedClip:
    """A clip of a prepared set; a :class:`~distill.training.dataset.TrainingClip` that reads from a disk.

    Attributes
    ----------
    set : PreparedSet
    number : int
        Place of the clip in the set.
    """

    set: PreparedSet
    number: int

    @property
    def name(self) -> str:
        begin = int(self.set.name_ends[self.number - 1]) if self.number else 0
        return bytes(self.set.names[begin : int(self.set.name_ends[self.number])].tolist()).decode()

    @property
    def weight(self) -> int:
        return 1

    @property
    def num_frames(self) -> int:
        return int(self.set.places[self.number, 2])

    @property
    def num_samples(self) -> int:
        return int(self.set.places[self.number, 3])

    @property
    def seconds(self) -> float:
        """Length of the clip in seconds."""
        return self.num_samples / SAMPLE_RATE

    @property
    def has_sound(self) -> bool:
        return True

    @property
    def log_mel(self) -> Tensor:
        """Natural-log mel magnitudes [128, frames]; the whole clip is read."""
        return self.mel_between(0, self.num_frames)

    def mel_between(self, start: int, stop: int) -> Tensor:
        """Read the log-mel [128, frames] of a range of frames; what lies after the end lacks.

        Raises
        ------
        TrainingError
            If the file is missing or damaged.
        """
        return self._read("log_mel", start, stop, 1).T.contiguous()

    def sound_between(self, start: int, stop: int) -> Tensor:
        """Read the waveform [frames * 512] of a range of frames in float16; raise as :meth:`mel_between` does."""
        return self._read("sound", start, stop, HOP_LENGTH)

    def _read(self, name: str, start: int, stop: int, scale: int) -> Tensor:
        shard, first, frames, _ = self.set.places[self.number].tolist()
        start, stop = first + min(start, frames), first + min(stop, frames)
        return read_range(self.set.folder / self.set.shards[shard], name, start * scale, stop * scale)


def is_prepared(folder: Path) -> bool:
    """Whether a folder holds a prepared set, complete or not."""
    return _settings(folder).get("format") == FORMAT


def _settings(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / SETTINGS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def write_index(folder: Path, shards: Sequence[str], clips: Iterable[tuple[int, int, ClipRow]]) -> None:
    """Write the index of a set, which makes the set complete.

    Parameters
    ----------
    folder : Path
    shards : sequence of str
    clips : iterable of (int, int, ClipRow)
        In the order of the set: the number of the shard, the first frame there, and the row of each clip.

    Raises
    ------
    FullError
        If the disk is full or cannot be written.
    """
    places, names, ends = list[tuple[int, int, int, int]](), bytearray(), list[int]()
    for shard, first, clip in clips:
        places.append((shard, first, clip.frames, clip.samples))
        names += clip.name.encode()
        ends.append(len(names))
    tensors = {
        "places": torch.tensor(places, dtype=torch.int64).reshape(-1, 4),
        "names": torch.frombuffer(names, dtype=torch.uint8) if names else torch.empty(0, dtype=torch.uint8),
        "name_ends": torch.tensor(ends, dtype=torch.int64),
    }
    write_tensors(folder / INDEX, tensors, {"shards": json.dumps(list(shards))})
