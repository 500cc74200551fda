"""The clips that a visitor dropped to train on, on disk: two hours of sound would take 300 MB of memory each."""

import secrets
import shutil
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from distill.audio import Clip, LogMel, Refusal
from distill.training.dataset import MelClip, to_mel_clip


class ClipSet:
    """Clips as log-mels in one file, read into memory by whoever looks at them.

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

    Attributes
    ----------
    clips : list of MelClip
    first : Clip or None
        The first clip itself, to listen to.
    refused : list of Refusal
    num_bytes : int
        On disk.
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
    ) -> None:
        self._folder, self._remove, log_mel = folder, remove, LogMel()
        self.secret = secrets.token_urlsafe(16)
        self.refused: list[Refusal] = []
        names: list[str] = []
        shapes: list[tuple[int, ...]] = []
        with (folder / "clips.f32").open("wb") as file:
            for number, item in enumerate(items):
                tick(number)
                if isinstance(item, Refusal):
                    self.refused.append(item)
                    continue
                arrays = [to_mel_clip(item, log_mel, partial(tick, number)).log_mel.numpy()]
                if not names:
                    arrays.append(item.waveform)
                names.append(item.name)
                shapes += [array.shape for array in arrays]
                for array in arrays:
                    take(array.nbytes)
                    file.write(np.ascontiguousarray(array, dtype=np.float32).data)
            self.num_bytes = file.tell()
        parts = self._parts(shapes)
        self.first = Clip(names[0], parts.pop(1)) if names else None
        self.clips = [MelClip(name, torch.from_numpy(mel)) for name, mel in zip(names, parts, strict=True)]

    def delete(self) -> None:
        """Delete the set's files; who has its clips already has them still."""
        self._remove(self._folder)

    def _parts(self, shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
        """The arrays of the file, which is mapped as a whole: each map would cost a file descriptor."""
        if not shapes:
            return []
        whole = np.memmap(self._folder / "clips.f32", np.float32, mode="c")
        ends = np.cumsum([np.prod(shape) for shape in shapes])
        flat = np.split(np.asarray(whole), ends[:-1])
        return [part.reshape(shape) for part, shape in zip(flat, shapes, strict=True)]
