"""A visitor's clips to train on, kept on disk, because two hours of sound would take 950 MB of memory."""

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
    """Clips to train on, with their log-mels, in one file. A training links the files instead of copying them.

    Parameters
    ----------
    folder : Path
        An empty folder for this set alone.
    items : iterable of Clip or Refusal
        The results of reading the uploaded files.
    tick : callable, optional
        Called with the number of items so far, before each item and within long ones.
    take : callable, optional
        Called with the number of bytes before they are written; an error that it raises ends the set.
    remove : callable, optional
        Deletes the folder.
    most : int
        Maximum number of clips.

    Attributes
    ----------
    folder : JobFolder
        Folder of the clips and of the sound of the first clip.
    clips : list of MelClip
    refused : list of Refusal
    notes : list of str
        For each damaged file, a sentence that says what is missing.
    num_bytes : int
        Size of the files on disk in bytes.
    secret : str
        Identifier that nobody can guess; a page sends it to train on these clips.
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
        self.notes: list[str] = []
        names: list[str] = []
        lengths: list[int] = []
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
                clip = to_mel_clip(item, log_mel, partial(tick, count))
                assert clip.waveform is not None
                arrays = clip.log_mel.numpy(), clip.waveform.numpy()
                take(sum(array.nbytes for array in arrays))
                writer.write(*arrays)
                names.append(item.name)
                lengths.append(len(item.waveform))
                self.notes += [item.note] if item.note else []
            writer.finish()
        finally:
            writer.close()
        self.num_bytes = self.folder.num_bytes
        found = zip(names, writer.read(), lengths, strict=True)
        self.clips = [
            MelClip(name, torch.from_numpy(mel), length, torch.from_numpy(waveform))
            for name, (mel, waveform), length in found
        ]

    @property
    def seconds(self) -> list[float]:
        """Length of each clip in seconds."""
        return [clip.seconds for clip in self.clips]

    def delete(self) -> None:
        """Delete the set's files. A training that linked them keeps its own."""
        self._remove(self.folder.path)
