"""The clips that a visitor dropped to train on, on disk: two hours of sound would take 300 MB of memory each."""

from pathlib import Path

import numpy as np
import torch

from distill.audio import Clip, LogMel, Refusal
from distill.training.dataset import MelClip, to_mel_clip


class ClipSet:
    """Clips as log-mels, read into memory by whoever looks at them.

    Parameters
    ----------
    folder : Path
        Empty, and this set's own.

    Attributes
    ----------
    clips : list of MelClip
    first : Clip or None
        The first clip itself, to listen to.
    refused : list of Refusal
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._log_mel = folder, LogMel()
        self.clips: list[MelClip] = []
        self.first: Clip | None = None
        self.refused: list[Refusal] = []

    @property
    def num_bytes(self) -> int:
        """On disk."""
        return sum(path.stat().st_size for path in self._folder.iterdir())

    def add(self, item: Clip | Refusal) -> None:
        """Take in a clip, or note why one was refused."""
        if isinstance(item, Refusal):
            self.refused.append(item)
            return
        mel = to_mel_clip(item, self._log_mel).log_mel.numpy()
        self.clips.append(MelClip(item.name, torch.from_numpy(self._on_disk(f"{len(self.clips)}", mel))))
        self.first = self.first or Clip(item.name, self._on_disk("first", item.waveform))

    def _on_disk(self, name: str, array: np.ndarray) -> np.ndarray:
        path = self._folder / f"{name}.npy"
        np.save(path, array)
        return np.load(path, mmap_mode="c")
