"""A visitor's clips to train on, kept on disk, because two hours of sound would take 950 MB of memory."""

import math
import secrets
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from distill.audio import SAMPLE_RATE, Clip, LogMel, Piece, Refusal
from distill.errors import GoneError
from distill.jobs.folder import JobFolder
from distill.jobs.inputs import ClipsWriter, save_first
from distill.settings import DEFAULTS
from distill.training.dataset import MelClip, to_mel_clip

OPENING_SECONDS = 3
"""Length of the clip that is best to open first: long enough for some columns, short enough to take in."""
AUDIBLE = 0.001
"""Largest amplitude of a clip that counts as silent."""


class ClipSet:
    """Clips to train on, with their log-mels, in one file. A training links the files instead of copying them.

    Parameters
    ----------
    folder : Path
        An empty folder for this set alone.
    items : iterable of Clip, MelClip or Refusal
        The results of reading the uploaded files; a clip of an earlier set, whose log-mel is known, as a MelClip.
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
        Folder of the clips and of the sound of the clip to open.
    opening : int
        Number of the clip to open after a training: the first of those for which :func:`unlikeness` is least.
    clips : list of MelClip
    refused : list of Refusal
    notes : list of str
        For each damaged file, a sentence that says what is missing.
    num_bytes : int
        Size of the files on disk in bytes.
    secret : str
        Identifier that nobody can guess; a page sends it to train on these clips.
    whole : ClipSet or None
        The set as it was uploaded, if this one was cut from it.
    cuts : dict
        For each recording of ``whole`` that was cut, its number and its pieces.
    """

    def __init__(
        self,
        folder: Path,
        items: Iterable[Clip | MelClip | Refusal],
        tick: Callable[[int], object] = lambda count: None,
        take: Callable[[int], object] = lambda num_bytes: None,
        remove: Callable[[Path], object] = shutil.rmtree,
        most: int = DEFAULTS.set_clips,
    ) -> None:
        self.folder, self._remove, log_mel = JobFolder(folder), remove, LogMel()
        self.secret = secrets.token_urlsafe(16)
        self.whole: ClipSet | None = None
        self.cuts: dict[int, tuple[Piece, ...]] = {}
        self.refused: list[Refusal] = []
        self.notes: list[str] = []
        names: list[str] = []
        lengths: list[int] = []
        self.opening, taken, least = 0, 0, math.inf
        writer = ClipsWriter(self.folder.clips, most)
        try:
            for count, item in enumerate(items):
                tick(count)
                if isinstance(item, Refusal):
                    self.refused.append(item)
                    continue
                heard = clip_of(item) if isinstance(item, MelClip) else item
                if not names or unlikeness(heard) < least:
                    self.opening, least = len(names), unlikeness(heard)
                    take(max(0, 2 * len(heard.waveform) - taken))
                    taken = max(taken, 2 * len(heard.waveform))
                    save_first(heard.waveform, self.folder.first_clip_path)
                clip = item if isinstance(item, MelClip) else to_mel_clip(item, log_mel, partial(tick, count))
                assert clip.waveform is not None
                arrays = clip.log_mel.numpy(), clip.waveform.numpy()
                take(sum(array.nbytes for array in arrays))
                writer.write(*arrays)
                names.append(heard.name)
                lengths.append(len(heard.waveform))
                self.notes += [heard.note] if heard.note else []
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

    @property
    def used(self) -> list[MelClip]:
        """The clips that are not left out of a training."""
        return [clip for clip in self.clips if clip.weight]

    def weigh(self, numbers: Iterable[int], weight: int) -> None:
        """Give clips a weight: how many times as often as others they are heard in a training; 0 leaves them out.

        Parameters
        ----------
        numbers : iterable of int
            Numbers of the clips.
        weight : int
            One of ``WEIGHTS``.
        """
        for number in numbers:
            self.clips[number] = replace(self.clips[number], weight=weight)

    def delete(self) -> None:
        """Delete the set's files. A training that linked them keeps its own."""
        self._remove(self.folder.path)


def unlikeness(clip: Clip) -> float:
    """How little a clip is worth opening first: of those that are not silent, the one nearest to three seconds is best.

    Returns
    -------
    float
        Magnitude of the natural logarithm of the length in three seconds; infinite if no sample is above -60 dB.
    """
    is_silent = np.abs(clip.waveform).max(initial=0) <= AUDIBLE
    return math.inf if is_silent else abs(math.log(len(clip.waveform) / (OPENING_SECONDS * SAMPLE_RATE)))


def clip_of(clip: MelClip) -> Clip:
    """The sound of a training clip, without the zeros after its end.

    Raises
    ------
    GoneError
        If the clip has no sound, as in trainings that an earlier version of Distill began.
    """
    if clip.waveform is None:
        raise GoneError(f"The sound of {clip.name} was not kept; please drop the file again.")
    return Clip(clip.name, clip.waveform[: clip.num_samples].float().numpy())
