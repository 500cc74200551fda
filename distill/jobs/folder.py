"""The folder of a training on disk: its record, its clips, its checkpoint and its best codec."""

import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from distill import system
from distill.errors import TrainingError
from distill.jobs.files import check_regular, delete_any, num_bytes, read_regular
from distill.jobs.inputs import FULL_SCALE, names_of, save_first
from distill.jobs.record import JobRecord
from distill.settings import GIB, MIB

if TYPE_CHECKING:
    from distill.audio import Clip
    from distill.codec import Codec
    from distill.training.dataset import MelClip

RECORD_BYTES = 16 * MIB
FILE_BYTES = 4 * GIB
"""Maximum size in bytes of a file that is read; four times as large as any file that a training makes."""
GONE = ".gone"
"""Suffix of the name of a folder that is being deleted."""


@dataclass(frozen=True)
class JobFolder:
    """The folder of a training, ``<root>/<job id>``. A folder without ``job.json`` is incomplete and no training.

    Every file is checked when it is read, because it may have been damaged. A new file replaces the old one only when
    it is completely written.
    """

    path: Path

    @classmethod
    def create(
        cls,
        path: Path,
        record: JobRecord,
        clips: "Sequence[MelClip]",
        first_clip: "Clip | None",
        stored: "JobFolder | None" = None,
        start: "Codec | None" = None,
    ) -> "JobFolder":
        """Write the folder of a new training; if that fails, the unfinished folder is deleted.

        Parameters
        ----------
        path : Path
        record : JobRecord
        clips : sequence of MelClip
        first_clip : Clip or None
            The first clip; None if ``stored`` has it.
        stored : JobFolder, optional
            A folder that already has these clips; its files are linked instead of written again.
        start : Codec, optional
            The codec from which the training goes on.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import save_file

        folder = cls(path)
        path.mkdir(mode=0o700)
        try:
            if stored:
                system.link(stored.clips, folder.clips)
                system.link(stored.first_clip_path, folder.first_clip_path)
            else:
                save_file(_arrays_of(clips), folder.clips)
                if first_clip:
                    save_first(first_clip.waveform, folder.first_clip_path)
            if start:
                start.save(folder.start)
            folder.write_record(record)
        except (OSError, SafetensorError) as error:
            folder.delete()
            raise error if isinstance(error, OSError) else OSError(str(error)) from error
        return folder

    @classmethod
    def all_in(cls, root: Path) -> "list[JobFolder]":
        """All folders in a root whose names are job ids, in arbitrary order."""
        return [
            cls(path)
            for path in sorted(root.iterdir())
            if re.fullmatch("[0-9a-f]{32}", path.name) and path.is_dir() and not path.is_symlink()
        ]

    @classmethod
    def clear(cls, root: Path) -> None:
        """Finish deletions that an earlier server process began."""
        for path in root.glob(f"*{GONE}"):
            if re.fullmatch(f"[0-9a-f]{{32}}{re.escape(GONE)}", path.name):
                delete_any(path)

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def record_path(self) -> Path:
        return self.path / "job.json"

    @property
    def clips(self) -> Path:
        return self.path / "clips.safetensors"

    @property
    def first_clip_path(self) -> Path:
        return self.path / "first.safetensors"

    @property
    def start(self) -> Path:
        """Path of the codec from which the training goes on."""
        return self.path / "start.distill"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.safetensors"

    @property
    def best(self) -> Path:
        return self.path / "best.distill"

    @property
    def spare(self) -> Path:
        """Path of the best codec while the disk of this folder is full; the path is as hard to guess as the job id."""
        return Path(tempfile.gettempdir()) / f"distill-{self.id}" / "best.distill"

    @property
    def newest(self) -> Path:
        """Path of the newest best codec: in the spare folder while this disk is full, otherwise in this folder."""
        return self.spare if self.has_spare() else self.best

    def has_spare(self) -> bool:
        """Whether the spare folder holds the best codec and belongs to this process's user alone."""
        try:
            status = os.lstat(self.spare.parent)
            check_regular(self.spare, FILE_BYTES)
        except OSError:
            return False
        return stat.S_ISDIR(status.st_mode) and system.is_ours_alone(status, others_may=0)

    def bring_home(self) -> bool:
        """Move the best codec from the spare folder to this folder; return whether nothing is left to move."""
        if not self.has_spare():
            return True
        unfinished = self.best.with_name(f"{self.best.name}.part")
        try:
            delete_any(unfinished)
            unfinished.write_bytes(self.spare.read_bytes())
            unfinished.replace(self.best)
        except OSError:
            delete_any(unfinished)
            return False
        self.drop_spare()
        return True

    def drop_spare(self) -> None:
        """Delete the spare folder, if there is one."""
        delete_any(self.spare.parent)

    @property
    def num_bytes(self) -> int:
        """Disk space in bytes of the folder's files, with 4096 bytes of overhead for each."""
        return num_bytes(self.path)

    @property
    def touched(self) -> float:
        """Time of the last change in the folder, in seconds since 1970."""
        return self.path.stat().st_mtime  # every file is renamed into place, which updates the folder's time

    def read_record(self) -> JobRecord:
        """The record in ``job.json``.

        Raises
        ------
        TrainingError
            If the file is missing or damaged.
        """
        try:
            return JobRecord.from_json(read_regular(self.record_path, RECORD_BYTES))
        except (OSError, ValueError) as error:
            raise TrainingError("What was noted of this training is missing or damaged; please train again.") from error

    def write_record(self, record: JobRecord) -> None:
        """Replace ``job.json``.

        Raises
        ------
        OSError
            If the file cannot be written; the old one stays.
        """
        unfinished = self.record_path.with_name("job.json.part")
        try:
            delete_any(unfinished)
            unfinished.write_text(record.to_json(), encoding="utf-8")
            unfinished.replace(self.record_path)
        except OSError:
            delete_any(unfinished)
            raise

    def read_clips(
        self, names: Sequence[str], num_samples: Sequence[int] = (), weights: Sequence[int] = ()
    ) -> "list[MelClip]":
        """The stored clips, with the given names, lengths and weights; without lengths, all samples of their frames.

        Raises
        ------
        TrainingError
            If the clips are missing or damaged, or do not fit the names or the lengths.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        from distill.training.dataset import MelClip

        try:
            check_regular(self.clips, FILE_BYTES)
            tensors = load_file(self.clips)
            lengths = num_samples or [0] * len(names)
            known = enumerate(zip(names, lengths, weights or [1] * len(names), strict=True))
            clips = []
            for number, (name, length, weight) in known:
                log_mel_name, waveform_name = names_of(number)
                log_mel, waveform = tensors.pop(log_mel_name), tensors.pop(waveform_name, None)
                clips.append(MelClip(name, log_mel, length, waveform, weight))
            if tensors or not clips:
                raise ValueError("other clips")
            for clip in clips:
                _check(clip)
        except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
            raise TrainingError("The clips of this training are missing or damaged; please train again.") from error
        return clips

    def read_clip(self, number: int, name: str, num_samples: int) -> "MelClip":
        """One of the stored clips, without reading the others; parameters as in :meth:`read_clips`.

        Raises
        ------
        TrainingError
            If the clip is missing or damaged.
        """
        from safetensors import SafetensorError, safe_open

        from distill.training.dataset import MelClip

        log_mel_name, waveform_name = names_of(number)
        try:
            check_regular(self.clips, FILE_BYTES)
            with safe_open(self.clips, framework="pt") as tensors:
                waveform = tensors.get_tensor(waveform_name) if waveform_name in tensors.keys() else None  # noqa: SIM118
                clip = MelClip(name, tensors.get_tensor(log_mel_name), num_samples, waveform)
            _check(clip)
        except (OSError, SafetensorError, LookupError, TypeError, ValueError, RuntimeError) as error:
            raise TrainingError(f"The sound of {name} is missing or damaged; please drop the file again.") from error
        return clip

    def read_first_clip(self, name: str) -> "Clip":
        """The first clip with its waveform, under the given name.

        Raises
        ------
        TrainingError
            If the clip is missing or damaged.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        from distill.audio import Clip

        try:
            check_regular(self.first_clip_path, FILE_BYTES)
            tensors = load_file(self.first_clip_path)
            samples, peak = tensors["samples"], tensors["peak"]
            if (samples.dtype, samples.ndim, peak.dtype, peak.shape) != (np.int16, 1, np.float32, (1,)):
                raise ValueError("no waveform")
            if not len(samples) or not np.isfinite(peak).all():
                raise ValueError("no samples, or not a number")
        except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
            raise TrainingError(
                "The first clip of this training is missing or damaged; please open it again."
            ) from error
        return Clip(name, samples * (peak / FULL_SCALE))

    def delete_inputs(self, *, with_first_clip: bool = False) -> None:
        """Delete the clips, the codec to go on from and the checkpoint, which only a training that goes on needs; the
        first clip only if ``with_first_clip`` is set."""
        for path in (self.clips, self.start, self.checkpoint, *([self.first_clip_path] if with_first_clip else [])):
            delete_any(path)

    def delete(self) -> None:
        """Delete the folder. A process that still writes into it loses access, because the folder is renamed first."""
        gone = self.path.with_name(self.id + GONE)
        try:
            self.path.rename(gone)
        except OSError:
            delete_any(self.record_path)  # a folder without a record is no training
            delete_any(self.path)
        delete_any(gone)
        self.drop_spare()

    @contextmanager
    def lock(self, give_up: Callable[[], bool]) -> Iterator[bool]:
        """Lock the training for this process; wait while another process holds the lock.

        Parameters
        ----------
        give_up : callable
            Asked ten times a second whether to stop waiting.

        Yields
        ------
        bool
            False if ``give_up`` ended the waiting without the lock.
        """
        with system.lockable(self.path) as descriptor:
            while not (is_ours := system.lock(descriptor)) and not give_up():
                time.sleep(0.1)
            yield is_ours


def _check(clip: "MelClip") -> None:
    """Raise a ValueError if a clip that was read is no clip."""
    from distill.audio.logmel import HOP_LENGTH, N_MELS

    log_mel, waveform = clip.log_mel, clip.waveform
    if (str(log_mel.dtype), log_mel.ndim, len(log_mel)) != ("torch.float32", 2, N_MELS):
        raise ValueError("another clip")
    if -(-clip.num_samples // HOP_LENGTH) != clip.num_frames:
        raise ValueError("another length")
    if not clip.num_frames or not log_mel.isfinite().all():
        raise ValueError("no log-mel")
    if waveform is None:  # a training that an earlier version began
        return
    kind = str(waveform.dtype), tuple(waveform.shape)
    if kind != ("torch.float16", (clip.num_frames * HOP_LENGTH,)) or not waveform.isfinite().all():
        raise ValueError("no waveform")


def _arrays_of(clips: "Sequence[MelClip]") -> dict[str, np.ndarray]:
    """Collect the log-mels and waveforms of clips by their names in a file of clips."""
    arrays = {}
    for number, clip in enumerate(clips):
        log_mel_name, waveform_name = names_of(number)
        arrays[log_mel_name] = clip.log_mel.numpy()
        if clip.waveform is not None:
            arrays[waveform_name] = clip.waveform.numpy()
    return arrays
