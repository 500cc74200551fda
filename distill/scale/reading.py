"""Read the files of a set: decode each, compute its log-mels, and write shards, file by file."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import torch

from distill.audio.archives import printable
from distill.audio.clips import load_clip
from distill.audio.cutting import By, cut_clips
from distill.audio.decoder import Decoder
from distill.audio.finding import Refusal, find_sounds
from distill.audio.logmel import LogMel
from distill.errors import AudioError, PassingError
from distill.scale.shards import SHARD, ClipRow, FileRows, RefusedRow, write_shard
from distill.settings import MIB, Settings
from distill.training.dataset import MelClip, to_mel_clip

SHARD_FRAMES = 2**15
"""Frames after which a shard is written: 48 MiB of log-mels and sound. Each process of a preparation that is killed
loses no more than that, and keeps no more than that in memory, beside its longest file."""
Stamp = tuple[int, int]
"""Size of a file, and the time of its last change in nanoseconds."""
ANEW: Stamp = (-2, 0)
"""Size and time of a file in its row if it is to be read again, whatever is there then."""
FILE_FRAMES = 2**20
"""Most frames that one file may give: three hours of sound. All of one file is in one shard."""


@dataclass(frozen=True)
class SourceFile:
    """A file of a set as its folder listed it.

    Attributes
    ----------
    path : str
        Path within the set's folder, with "/" between its parts.
    file : Path
        Where it is.
    num_bytes, changed_ns : int
        Its size, and the time of its last change in nanoseconds.
    reason : str
        Why it is not read, in one sentence; "" if it is.
    """

    path: str
    file: Path
    num_bytes: int
    changed_ns: int
    reason: str = ""


@dataclass(frozen=True)
class Batch:
    """Files that one process reads after another, with the number of the batch, which is in the names of its shards."""

    number: int
    files: tuple[SourceFile, ...]


@dataclass(frozen=True)
class Work:
    """What the reading of all batches of a set has in common; parameters as in
    :func:`~distill.scale.preparing.prepare`.

    Attributes
    ----------
    num_threads : int
        Threads of torch in each process: as many as in the first one, because the last bits of a log-mel depend on it.
    """

    out: Path
    cut: By | None
    settings: Settings
    num_threads: int


class Reader:
    """Reads batches; use it in a ``with``, which ends the process that decodes."""

    def __init__(self, work: Work) -> None:
        self._work, self._log_mel = work, LogMel()
        self._decoder = Decoder(asdict(work.settings), memory_bytes=work.settings.decoding_memory_bytes)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *error: object) -> None:
        self._decoder.__exit__(*error)

    def read(self, batch: Batch) -> Iterator[tuple[int, int]]:
        """Read the files of a batch and write its shards; yield after each shard its numbers of files and of clips.

        Raises
        ------
        FullError
            If the disk of the set, or that of temporary files, is full.
        """
        rows, clips, written = list[FileRows](), list[MelClip](), 0
        for number, file in enumerate(batch.files, start=1):
            found, sounds = self._rows_of(file)
            rows.append(found)
            clips += sounds
            if sum(clip.num_frames for clip in clips) >= SHARD_FRAMES or number == len(batch.files):
                write_shard(self._work.out / SHARD.format(batch.number, written), rows, clips)
                yield len(rows), len(clips)
                rows, clips, written = [], [], written + 1

    def _rows_of(self, file: SourceFile) -> tuple[FileRows, list[MelClip]]:
        """Read a file. If it changes meanwhile, or is refused for what may pass, it is read again the next time."""
        name = printable(file.file.name)
        if file.reason:
            return _refused(file, name, file.reason), []
        before = stamp(file.file)
        if before is None:
            return _refused(file, name, f"{name} is gone: it was there when its folder was listed.", anew=True), []
        file = SourceFile(file.path, file.file, *before)
        clips, rows, refused = list[MelClip](), list[ClipRow](), list[Refusal]()
        try:
            for clip, note in self._clips_of(file.file, refused):
                clips.append(clip)
                rows.append(ClipRow(clip.name, clip.num_frames, clip.num_samples, note))
                if sum(clip.num_frames for clip in clips) > FILE_FRAMES:
                    raise AudioError(f"{name} holds more than three hours of sound; please unpack or split it.")
        except AudioError as error:
            return _refused(file, name, str(error)), []
        except (RuntimeError, ValueError, MemoryError):
            return _refused(file, name, f"{name} could not be read.", anew=True), []
        if stamp(file.file) != before:
            said = f"{name} changed while it was read; the same command reads it again."
            return _refused(file, name, said, anew=True), []
        size_and_time = ANEW if any(each.may_pass for each in refused) else before
        refusals = tuple(RefusedRow(printable(each.name), each.reason) for each in refused)
        return FileRows(file.path, *size_and_time, tuple(rows), refusals), clips

    def _clips_of(self, path: Path, refused: list[Refusal]) -> Iterator[tuple[MelClip, str]]:
        """Yield the clips of a file or an archive, each with what of it is missing; add what is refused to a list."""
        settings = self._work.settings
        with tempfile.TemporaryDirectory() as unpacked:
            for item in find_sounds([path], Path(unpacked), settings, lambda num_bytes: None, once=False):
                if isinstance(item, Refusal):
                    refused.append(item)
                    continue
                try:
                    sound = load_clip(item, settings=settings, decoder=self._decoder)
                except AudioError as error:
                    refused.append(Refusal(item.name, str(error), may_pass=isinstance(error, PassingError)))
                    continue
                note = sound.note
                for clip in cut_clips([sound], self._work.cut):
                    yield to_mel_clip(clip, self._log_mel), note
                    note = ""


def stamp(path: Path) -> Stamp | None:
    """Size of a file, and the time of its last change in nanoseconds; None if the file is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _refused(file: SourceFile, name: str, reason: str, *, anew: bool = False) -> FileRows:
    size_and_time = ANEW if anew else (file.num_bytes, file.changed_ns)
    return FileRows(file.path, *size_and_time, refused=(RefusedRow(name, reason),))


@lru_cache(maxsize=1)
def _reader(work: Work) -> Reader:
    """The reader of a process that reads many batches of one set."""
    torch.set_num_threads(work.num_threads)
    return Reader(work)


def read_batch(work: Work, batch: Batch) -> tuple[int, int]:
    """Read a batch in a process of its own; return its numbers of files and of clips, raise as :meth:`Reader.read`."""
    counts = list(_reader(work).read(batch))
    return sum(files for files, _ in counts), sum(clips for _, clips in counts)


def batches(files: list[SourceFile], first: int) -> Iterator[Batch]:
    """Divide files into batches of up to 64 files and about 64 MiB, numbered from ``first``."""
    batch, num_bytes, number = list[SourceFile](), 0, first
    for file in files:
        batch.append(file)
        num_bytes += file.num_bytes
        if len(batch) == 64 or num_bytes >= 64 * MIB:
            yield Batch(number, tuple(batch))
            batch, num_bytes, number = [], 0, number + 1
    if batch:
        yield Batch(number, tuple(batch))
