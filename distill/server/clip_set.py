"""The clips that a visitor dropped to train on, on disk: two hours of sound would take 300 MB of memory each."""

import secrets
import shutil
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import torch

from distill.audio import Clip, LogMel, Refusal
from distill.jobs.folder import JobFolder
from distill.jobs.inputs import ClipsWriter, save_first
from distill.settings import DEFAULTS
from distill.training.dataset import MelClip, to_mel_clip


class ClipSet:
    """Clips as log-mels in one file, read into memory by whoever looks at them. The files are those that a training is
    given: it links them, so that they are written once.

    Parameters
    ----------
    folder : Path
        Empty, and this set's own.
    items : iterable of Clip or Refusal
        What was read of the files that were dropped.
    tick : callable, optional
        Called with the number of items so far, before each and within long ones.
    take : callable, optional
        Called with the number of bytes that are to be written next; an error that it raises ends the set.
    remove : callable, optional
        Deletes the folder.
    most : int
        How many clips there may be.

    Attributes
    ----------
    folder : JobFolder
        Where the clips and the sound of the first one lie.
    clips : list of MelClip
    refused : list of Refusal
    num_bytes : int
        Bytes on disk.
    secret : str
        By which a page that lists these clips asks to train on them; nobody else can guess it.
    """

    def __init__(
        self,
        folder: Path,
        items: Iterable[Clip | Refusal],
        tick: Callable[[int], object] = lambda count: None,
        take: Callable[[int], object] = lambda num_bytes: None,
        remove: Callable[[Path], object] = shutil.rmtree,
        most: int = DEFAULTS.set_clips,
    ) -> None:
        self.folder, self._remove, log_mel = JobFolder(folder), remove, LogMel()
        self.secret = secrets.token_urlsafe(16)
        self.refused: list[Refusal] = []
        names: list[str] = []
        writer = ClipsWriter(self.folder.clips, most)
        try:
            for count, item in enumerate(items):
                tick(count)
                if isinstance(item, Refusal):
                    self.refused.append(item)
                    continue
                if not names:
                    take(2 * len(item.waveform))
                    save_first(item.waveform, self.folder.first_clip_path)
                mel = to_mel_clip(item, log_mel, partial(tick, count)).log_mel.numpy()
                take(mel.nbytes)
                writer.write(mel)
                names.append(item.name)
            writer.finish()
        finally:
            writer.close()
        self.num_bytes = self.folder.num_bytes
        mels = writer.read()
        self.clips = [MelClip(name, torch.from_numpy(mel)) for name, mel in zip(names, mels, strict=True)]

    def delete(self) -> None:
        """Delete the set's files; who has its clips already has them still."""
        self._remove(self.folder.path)
