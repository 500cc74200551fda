"""What a training keeps on disk: what is asked for and where it stands, its clips, its checkpoint, its best codec."""

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distill.errors import TrainingError
from distill.training.config import VQVAEConfig
from distill.training.records import Curves, restore, restore_curves, restore_progress, restore_validation

if TYPE_CHECKING:
    from distill.audio import Clip
    from distill.training.dataset import MelClip
    from distill.training.trainer import Progress, Validation

STATES = ("waiting", "running", "stopped", "finished", "failed")


@dataclass(frozen=True)
class JobRecord:
    """What is asked of a training and where it stands; ``job.json`` holds it.

    Attributes
    ----------
    owner : str
        Who asked for it.
    config : VQVAEConfig
    created, ended : float
        In seconds since 1970; ``ended`` is None while it is active.
    place : int
        In the queue; lower ones come first.
    clip_names : tuple of str
    first_name : str
        Name of the clip whose waveform is kept.
    state : str
        "waiting", "running", "stopped", "finished" or "failed".
    restarts : int
        How often it was begun again because its process, or the server, was lost.
    error, note : str
        Why it failed, and what else there is to know, in one sentence each.
    progress, validation : Progress, Validation or None
        The latest ones.
    curves : dict
        As :attr:`Trainer.curves`, up to the latest validation.
    """

    owner: str
    config: VQVAEConfig
    created: float
    place: int
    clip_names: tuple[str, ...]
    first_name: str
    state: str = "waiting"
    ended: float | None = None
    restarts: int = 0
    error: str = ""
    note: str = ""
    progress: "Progress | None" = None
    validation: "Validation | None" = None
    curves: Curves = field(default_factory=lambda: {"steps": [], "validations": []})

    @property
    def active(self) -> bool:
        return self.state in ("waiting", "running")

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "JobRecord":
        """The record that :func:`dataclasses.asdict` and JSON made these values of.

        Raises
        ------
        KeyError, TypeError, ValueError
            If something is missing or of another type, or out of its range.
        """
        values = dict(values)
        parts = {
            "config": restore(VQVAEConfig, values.pop("config")),
            "progress": restore_progress(values.pop("progress")),
            "validation": restore_validation(values.pop("validation")),
            "curves": restore_curves(values.pop("curves")),
            "clip_names": tuple(values.pop("clip_names")),
        }
        record = restore(cls, values, **parts)
        if record.state not in STATES or not all(isinstance(name, str) for name in record.clip_names):
            raise ValueError("no such state, or a clip without a name")
        return record


@dataclass(frozen=True)
class JobFolder:
    """A training's folder, ``<root>/<job id>``. A folder without ``job.json`` is none, or not whole yet.

    Whatever is read is checked: the file may have been damaged since it was written. What is written takes the old
    file's place only when it is whole.
    """

    path: Path

    @classmethod
    def create(cls, path: Path, record: JobRecord, clips: "Sequence[MelClip]", first: "Clip") -> "JobFolder":
        """Write a new training's folder; if that fails, nothing of it stays.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import save_file

        folder = cls(path)
        path.mkdir(mode=0o700)
        try:
            save_file({str(number): clip.log_mel.numpy() for number, clip in enumerate(clips)}, folder.clips)
            np.save(folder.first, first.waveform.astype(np.float32, copy=False), allow_pickle=False)
            folder.write_record(record)
        except (OSError, SafetensorError) as error:
            folder.delete()
            raise error if isinstance(error, OSError) else OSError(str(error)) from error
        return folder

    @classmethod
    def all_in(cls, root: Path) -> "list[JobFolder]":
        """Every folder in a root that is named as a training's is, in no order that means anything."""
        return [
            cls(path)
            for path in sorted(root.iterdir())
            if re.fullmatch("[0-9a-f]{32}", path.name) and path.is_dir() and not path.is_symlink()
        ]

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def record(self) -> Path:
        return self.path / "job.json"

    @property
    def clips(self) -> Path:
        return self.path / "clips.safetensors"

    @property
    def first(self) -> Path:
        return self.path / "first.npy"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.safetensors"

    @property
    def best(self) -> Path:
        return self.path / "best.distill"

    @property
    def touched(self) -> float:
        """When something in it was last written, in seconds since 1970."""
        return self.path.stat().st_mtime  # each of its files takes its place by a renaming

    def read_record(self) -> JobRecord:
        """What ``job.json`` says.

        Raises
        ------
        TrainingError
            If it is missing or damaged.
        """
        try:
            return JobRecord.from_json(json.loads(self.record.read_text(encoding="utf-8")))
        except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise TrainingError("What was noted of this training is missing or damaged; please train again.") from error

    def write_record(self, record: JobRecord) -> None:
        """Replace ``job.json``.

        Raises
        ------
        OSError
            If it cannot be written; the old one stays.
        """
        unfinished = self.record.with_name("job.json.part")
        try:
            unfinished.write_text(json.dumps(asdict(record)), encoding="utf-8")
            unfinished.replace(self.record)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise

    def read_clips(self, names: Sequence[str]) -> "list[MelClip]":
        """The clips, under their names.

        Raises
        ------
        TrainingError
            If they are missing, damaged, or not as many as there are names.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        from distill.audio.logmel import N_MELS
        from distill.training.dataset import MelClip

        try:
            tensors = load_file(self.clips)
            clips = [MelClip(name, tensors.pop(str(number))) for number, name in enumerate(names)]
            shapes = [(str(clip.log_mel.dtype), clip.log_mel.ndim, len(clip.log_mel)) for clip in clips]
            if tensors or set(shapes) != {("torch.float32", 2, N_MELS)}:
                raise ValueError("other clips")
            if not all(clip.num_frames and clip.log_mel.isfinite().all() for clip in clips):
                raise ValueError("no log-mels")
        except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
            raise TrainingError("The clips of this training are missing or damaged; please train again.") from error
        return clips

    def read_first(self, name: str) -> "Clip":
        """The clip whose waveform is kept, under its name.

        Raises
        ------
        TrainingError
            If it is missing or damaged.
        """
        from distill.audio import Clip

        try:
            waveform = np.load(self.first, allow_pickle=False)
            if waveform.dtype != np.float32 or waveform.ndim != 1 or not len(waveform):
                raise ValueError("no waveform")
            if not np.isfinite(waveform).all():
                raise ValueError("not a number")
        except (OSError, ValueError, EOFError, TypeError) as error:
            raise TrainingError(
                "The first clip of this training is missing or damaged; please open it again."
            ) from error
        return Clip(name, waveform)

    def delete_inputs(self) -> None:
        """Delete what a finished training has no use for any more: its clips and its checkpoint."""
        self.clips.unlink(missing_ok=True)
        self.checkpoint.unlink(missing_ok=True)

    def delete(self) -> None:
        """Delete all; what cannot be deleted is no training any more."""
        self.record.unlink(missing_ok=True)
        shutil.rmtree(self.path, ignore_errors=True)

    @contextmanager
    def lock(self, give_up: Callable[[], bool]) -> Iterator[bool]:
        """Be the only process that trains this; waits for another one to end.

        Parameters
        ----------
        give_up : callable
            Asked ten times a second whether to wait no longer.

        Yields
        ------
        bool
            False if it gave up.
        """
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            yield _lock(descriptor, give_up)
        finally:
            os.close(descriptor)


def _lock(descriptor: int, give_up: Callable[[], bool]) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if give_up():
                return False
            time.sleep(0.1)
