"""The files of a prepared set: shards, each with the log-mels and the sound of some clips, and an index of all clips.

A shard is a safetensors file of two tensors and its rows: ``log_mel`` [frames, 128] and ``sound`` [frames * 512] of all
its clips one after another. It gets its name when it is complete, and never changes after that.
"""

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from distill.audio.logmel import HOP_LENGTH, N_MELS
from distill.errors import FullError, TrainingError
from distill.strict import CLOSED, Count
from distill.training.dataset import MelClip

ROWS_KEY = "distill-rows"
SHARD, INDEX, SETTINGS, REFUSED = "shard-{:08}-{:04}.safetensors", "index.safetensors", "set.json", "refused.txt"
"""Names of the files of a set; a shard has the numbers of its batch and of its place in the batch."""
DAMAGE = (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError)


@dataclass(frozen=True)
class ClipRow:
    """A clip of a shard: its name, its frames, its samples at 44 100 Hz, and a sentence about what of it is missing."""

    __pydantic_config__ = CLOSED

    name: str
    frames: Count
    samples: Count
    note: str = ""


@dataclass(frozen=True)
class RefusedRow:
    """A sound that was left out, and the reason in one sentence."""

    __pydantic_config__ = CLOSED

    name: str
    reason: str


@dataclass(frozen=True)
class FileRows:
    """All that came of one file.

    Attributes
    ----------
    path : str
        Path within the set's folder, with "/" between its parts.
    num_bytes : int
        Size of the file when it was read; -1 for a file that is gone, -2 for one that is to be read again.
    changed_ns : int
        Time of its last change when it was read, in nanoseconds.
    clips : tuple of ClipRow
        An archive may have many, and so may a recording that is cut.
    refused : tuple of RefusedRow
    """

    __pydantic_config__ = CLOSED

    path: str
    num_bytes: int
    changed_ns: int
    clips: tuple[ClipRow, ...] = ()
    refused: tuple[RefusedRow, ...] = ()


_ROWS = TypeAdapter(tuple[FileRows, ...])


def write_shard(path: Path, files: Sequence[FileRows], clips: Sequence[MelClip]) -> None:
    """Write a shard; its file is there only when it is complete.

    Parameters
    ----------
    path : Path
    files : sequence of FileRows
    clips : sequence of MelClip
        The clips of all these rows in their order, with their sound.

    Raises
    ------
    FullError
        If the disk is full or cannot be written.
    """
    tensors = {
        "log_mel": torch.cat([torch.empty(0, N_MELS), *(clip.log_mel.T for clip in clips)]),
        "sound": torch.cat([torch.empty(0).half(), *(clip.sound_between(0, clip.num_frames) for clip in clips)]),
    }
    write_tensors(path, tensors, {ROWS_KEY: _ROWS.dump_json(tuple(files)).decode()})


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file, which is there only when it is complete and on the disk; raise as write_shard does."""
    part = path.with_suffix(".part")
    with written(path.parent):
        try:
            save_file(tensors, part, metadata=metadata)
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise


@contextlib.contextmanager
def written(folder: Path) -> Iterator[None]:
    """Turn an error of writing into a FullError that says that what is written stays."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        is_full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space" in str(error)
        raise FullError(
            f"The disk of {folder.name} {'is full' if is_full else 'cannot be written'}; what is prepared so far stays "
            "there, and the same command goes on from it."
        ) from error


def read_rows(path: Path) -> tuple[FileRows, ...]:
    """Read the rows of a shard.

    Raises
    ------
    TrainingError
        If the shard is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            rows = _ROWS.validate_json(file.metadata()[ROWS_KEY])
            frames, bands = file.get_slice("log_mel").get_shape()
            samples = file.get_slice("sound").get_shape()
        if (frames, bands) != (sum(clip.frames for each in rows for clip in each.clips), N_MELS):
            raise ValueError("other frames")
        if samples != [frames * HOP_LENGTH]:
            raise ValueError("other samples")
    except DAMAGE as error:
        raise TrainingError(f"{path.name} is damaged.") from error
    return rows


def read_range(path: Path, name: str, start: int, stop: int) -> Tensor:
    """Read a range of the first axis of a tensor of a shard; nothing of the file stays in memory.

    The file is opened for each range. That takes a tenth of a millisecond, and a file that was cut short since is told
    by an error: a memory map that stays open would end the process.

    Raises
    ------
    TrainingError
        If the shard is missing or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            part: Tensor = file.get_slice(name)[start:stop]
    except DAMAGE as error:
        raise TrainingError(
            f"{path.name} of the prepared set {path.parent.name} is missing or damaged; please prepare the set again."
        ) from error
    return part
