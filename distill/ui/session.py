"""What one visitor owns."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from distill.audio import Clip, load_clip
from distill.codec import Codec
from distill.codes import CodeGrid, History
from distill.errors import TrainingError
from distill.jobs import TrainingJob
from distill.plots import code_palette
from distill.training.dataset import MelClip


@dataclass(frozen=True)
class Examples:
    """The clips and the codec that every visitor starts with; shared, and never changed."""

    codec: Codec
    clips: Sequence[Path]

    @classmethod
    def load(cls, folder: Path) -> "Examples":
        return cls(Codec.load(folder / "models" / "loops.distill"), sorted((folder / "clips").glob("*.flac")))

    @cached_property
    def first(self) -> "Work":
        """The clip that is loaded when the page opens."""
        return Work.begin(self.codec, load_clip(next(p for p in self.clips if p.stem == "loop_breakbeat")))


@dataclass
class Work:
    """A clip in a codec: its grid with the history of edits, and the sound of both."""

    codec: Codec
    clip: Clip
    history: History
    reconstruction: np.ndarray
    edited: np.ndarray
    sequence: int = 0

    @classmethod
    def begin(cls, codec: Codec, clip: Clip, grid: CodeGrid | None = None) -> "Work":
        """Encode and decode a clip; ``grid`` is its grid where that is known."""
        grid = grid or codec.encode_mel(codec.log_mel_of(clip))
        waveform = codec.decode(grid)
        return cls(codec, clip, History(grid), waveform, waveform)

    def fresh(self) -> "Work":
        """The same clip with a history of its own."""
        return Work(self.codec, self.clip, History(self.history.original), self.reconstruction, self.reconstruction)

    @cached_property
    def palettes(self) -> list[list[str]]:
        """A colour for each code of each level, as CSS."""
        return [[f"rgb({r} {g} {b})" for r, g, b in self.colours[level]] for level in range(self.codec.num_levels)]

    @cached_property
    def colours(self) -> list[np.ndarray]:
        """A colour for each code of each level, as arrays of bytes [codebook_size, 3]."""
        return [code_palette(codebook.numpy()) for codebook in self.codec.model.quantizer.codebooks]

    def move(self, before: CodeGrid) -> np.ndarray | None:
        """Bring the edited sound up to date with the history after a step from ``before``; what changed, or None."""
        from distill.codes.edits import changed_columns

        columns = changed_columns(before, self.history.grid)
        if columns is None:
            return None
        patch = self.codec.decode_region(self.history.grid, columns=columns, previous=self.edited)
        self.edited = patch.apply(self.edited)
        self.sequence += 1
        return patch.waveform


@dataclass
class Session:
    """One visitor's codec, clip, uploads and training."""

    work: Work
    clips: list[MelClip] = field(default_factory=list)
    probe: Clip | None = None
    job: TrainingJob | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def codec(self) -> Codec:
        return self.work.codec

    def use(self, codec: Codec, clip: Clip | None = None) -> None:
        """Change over to a codec, with a clip to look at in it: the current one by default."""
        self.work = Work.begin(codec, clip or self.work.clip)

    def require_job(self) -> TrainingJob:
        """The visitor's training.

        Raises
        ------
        TrainingError
            If there is none.
        """
        if self.job is None:
            raise TrainingError("There is no training yet: drop some clips and press Train.")
        return self.job

    def close(self) -> None:
        """The visitor is gone: nobody waits for the training any more."""
        if self.job is not None:
            self.job.stop()
