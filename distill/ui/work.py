"""A clip in a codec, as one visitor works on it: its codes, their history, and the sound of both."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from distill.audio import HOP_LENGTH, SAMPLE_RATE, Clip
from distill.audio.loudness import matching_gain_db
from distill.audio.vocoders import BLOCK_FRAMES, num_blocks
from distill.codec import Codec
from distill.codes import CodeGrid, History
from distill.codes.edits import changed_columns
from distill.errors import GridError
from distill.evaluation import Layer, peel
from distill.models.losses import mel_l1

KEPT_SAMPLES = 120 * SAMPLE_RATE
"""Of what edits replaced, for each clip; edits from before that are undone too, but decoded anew."""
BLOCK_SAMPLES = BLOCK_FRAMES * HOP_LENGTH


@dataclass(frozen=True, eq=False)
class Splice:
    """Samples that an edit put into a clip, and where.

    Attributes
    ----------
    start : int
        Index of the first sample.
    waveform : ndarray of float32 [samples]
        What stands there now.
    """

    start: int
    waveform: np.ndarray

    @property
    def stop(self) -> int:
        """Index of the sample after the last one."""
        return self.start + len(self.waveform)


class Work:
    """A clip in a codec: its grid with the history of edits, and the sound of both, made when it is asked for.

    Parameters
    ----------
    codec : Codec
    clip : Clip
        The original.
    grid : CodeGrid
        Its codes.
    file_bytes : int, optional
        Size of the file that the clip came in.
    encode_seconds : float
        How long it took to find the codes.

    Attributes
    ----------
    example : str or None
        Its name, if it is one of the example clips.
    secret : str
        By which a page that shows this clip asks for its sound; nobody else can guess it.
    decode_seconds : dict of int to float
        How long it took to decode that many levels, once that is done.
    last_answer : (object, dict) or None
        The identity of the last edit and what was answered to it.
    used : float
        When it was last asked for, by its visitors' clock.
    """

    def __init__(
        self, codec: Codec, clip: Clip, grid: CodeGrid, *, file_bytes: int | None = None, encode_seconds: float = 0.0
    ) -> None:
        self.codec, self.clip, self.history = codec, clip, History(grid)
        self.file_bytes, self.encode_seconds = file_bytes, encode_seconds
        self.example: str | None = None
        self.secret = secrets.token_urlsafe(16)
        self.decode_seconds: dict[int, float] = {}
        self.lock = threading.RLock()
        self.last_answer: tuple[object, dict[str, Any]] | None = None
        self.used = 0.0
        self._pieces: dict[int, list[np.ndarray]] = {}
        self._streams: dict[int, Iterator[Tensor]] = {}
        self._gains_db: dict[int, float] = {}
        self._original: np.ndarray | None = None
        self._layers: list[Layer] | None = None
        self._reconstruction: np.ndarray | None = None
        self._edited: np.ndarray | None = None
        self._done: list[Splice | None] = []  # what undoing brings back; None where it must be decoded again
        self._undone: list[Splice | None] = []

    @classmethod
    def begin(cls, codec: Codec, clip: Clip, *, file_bytes: int | None = None) -> "Work":
        """Encode a clip."""
        began = time.perf_counter()
        grid = codec.encode_mel(codec.log_mel_of(clip))
        return cls(codec, clip, grid, file_bytes=file_bytes, encode_seconds=time.perf_counter() - began)

    @classmethod
    def opened(
        cls, codec: Codec, name: str, grid: CodeGrid, progress: Callable[[float], object] | None = None
    ) -> "Work":
        """Decode a grid that came without its clip: the decoded sound is taken for the original."""
        waveform = codec.decode(grid, progress=progress)
        work = cls(codec, Clip(name, waveform), grid)
        work._reconstruction = waveform
        return work

    def fresh(self) -> "Work":
        """The same clip in the same codec, without edits, sharing what is already decoded."""
        other = Work(
            self.codec, self.clip, self.history.original, file_bytes=self.file_bytes, encode_seconds=self.encode_seconds
        )
        other._reconstruction, other._original, other._layers = self.reconstruction, self.original, self.layers
        other.decode_seconds, other.example = dict(self.decode_seconds), self.example
        return other

    # No cached properties: in Python 3.11 they hold one lock for all instances, and visitors would wait for each other.
    @property
    def original(self) -> np.ndarray:
        """The clip's log-mel [128, frames]."""
        with self.lock:
            if self._original is None:
                self._original = self.codec.log_mel_of(self.clip).numpy()
            return self._original

    @property
    def layers(self) -> list[Layer]:
        """The clip with one level of its codes, with two, and so on."""
        with self.lock:
            if self._layers is None:
                self._layers = peel(self.codec, torch.from_numpy(self.original), self.history.original)
            return self._layers

    @property
    def num_pieces(self) -> int:
        """In how many pieces the clip is decoded."""
        return num_blocks(self.history.original.num_frames)

    def piece(self, levels: int, number: int) -> np.ndarray:
        """A part of the sound of that many levels, 12 s long but for the last; 0 levels are the original.

        Raises
        ------
        GridError
            If there is no such piece, or there are no so many levels.
        """
        if not (0 <= number < self.num_pieces and 0 <= levels <= self.codec.num_levels):
            raise GridError("That part of the sound is not there; please reload the page.")
        span = slice(number * BLOCK_SAMPLES, None if number == self.num_pieces - 1 else (number + 1) * BLOCK_SAMPLES)
        if levels == 0:
            return self.clip.waveform[span]
        with self.lock:
            if levels == self.codec.num_levels and self._reconstruction is not None:
                return self._reconstruction[span]
            pieces = self._pieces.setdefault(levels, [])
            while len(pieces) <= number:
                began = time.perf_counter()
                if levels not in self._streams:
                    log_mel = self.codec.decode_mel(self.history.original, levels=levels)
                    self._streams[levels] = self.codec.vocoder.stream(log_mel)
                pieces.append(next(self._streams[levels]).numpy())
                spent = time.perf_counter() - began
                self.decode_seconds[levels] = self.decode_seconds.get(levels, 0.0) + spent
                if len(pieces) == self.num_pieces:
                    del self._streams[levels]
            return pieces[number]

    def sound(self, levels: int, progress: Callable[[float], object] | None = None) -> np.ndarray:
        """The whole sound of that many levels; ``progress`` is called with the share that is done, 0 to 1."""
        whole = self._reconstruction  # as it is now: it may be forgotten at any moment
        if levels == self.codec.num_levels and whole is not None:
            return whole
        pieces = []
        for number in range(self.num_pieces):
            pieces.append(self.piece(levels, number))
            if progress:
                progress((number + 1) / self.num_pieces)
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def gain_db(self, levels: int) -> float:
        """Decibels that make the sound of that many levels as loud as the original."""
        if levels not in self._gains_db:
            self._gains_db[levels] = matching_gain_db(self.sound(levels), self.clip.waveform)
        return self._gains_db[levels]

    @property
    def reconstruction(self) -> np.ndarray:
        """The sound of all levels, before any edit: float32 [num_frames * 512]."""
        return self.decode()

    def decode(self, progress: Callable[[float], object] | None = None) -> np.ndarray:
        """The reconstruction, made if it is not there yet; ``progress`` as in :meth:`sound`."""
        whole = self._reconstruction
        if whole is None:
            levels = self.codec.num_levels
            whole = self.sound(levels, progress)
            with self.lock:
                if self._reconstruction is None:
                    self._reconstruction = whole
                    self._pieces.pop(levels, None)
        return whole

    @property
    def is_decoded(self) -> bool:
        """Whether the sound of all levels is there."""
        return self._reconstruction is not None

    @property
    def is_edited(self) -> bool:
        """Whether there ever was an edit, so that the sound may differ from the reconstruction."""
        return self._edited is not None

    def edited_piece(self, number: int) -> np.ndarray:
        """A part of the sound as it is now, cut like :meth:`piece`."""
        if not 0 <= number < self.num_pieces:
            raise GridError("That part of the sound is not there; please reload the page.")
        stop = None if number == self.num_pieces - 1 else (number + 1) * BLOCK_SAMPLES
        with self.lock:
            return self.edited[number * BLOCK_SAMPLES : stop].copy()

    @property
    def edited(self) -> np.ndarray:
        """The sound as it is now; edits change it in place, so copy what is to stay."""
        return self.reconstruction if self._edited is None else self._edited

    @property
    def num_bytes(self) -> int:
        """Of the memory that it takes."""
        pieces = [piece for pieces in list(self._pieces.values()) for piece in list(pieces)]
        layers = [layer.log_mel for layer in self._layers or ()]
        splices = [splice.waveform for splice in [*self._done, *self._undone] if splice]
        sounds = (self.clip.waveform, self._original, self._reconstruction, self._edited)
        arrays = {id(array): array.nbytes for array in (*pieces, *layers, *splices, *sounds) if array is not None}
        return sum(arrays.values()) + self.history.num_bytes

    def release(self) -> int:
        """Forget what can be made again from the clip and its codes; tells how many bytes that were."""
        if not self.lock.acquire(blocking=False):  # someone is at it: it is needed
            return 0
        try:
            before = self.num_bytes
            self._pieces, self._streams, self._layers, self._original = {}, {}, None, None
            if self._reconstruction is not self.clip.waveform:
                self._reconstruction = None
            return before - self.num_bytes
        finally:
            self.lock.release()

    def mel_l1_audio(self) -> float:
        """Mean absolute log-mel difference between the original and the reconstruction's sound, in nepers."""
        heard = self.codec.log_mel(torch.from_numpy(self.reconstruction)[None])[0, 0]
        return mel_l1(heard, torch.from_numpy(self.original)).item()

    def do(self, label: str, grid: CodeGrid) -> Splice | None:
        """Make an edit and return the sound of what it changed, None if that is nothing."""
        with self.lock:
            if grid == self.history.grid:
                return None
            splice = self._restored() if grid == self.history.original else self._decoded(self.history.grid, grid)
            self.history.do(label, grid)
            self._undone.clear()
            self._done.append(self._put(splice))
            self._forget()
            return splice

    def undo(self) -> Splice | None:
        """Take the last edit back and return the sound of what that changed."""
        return self._step(self.history.undo, self._done, self._undone)

    def redo(self) -> Splice | None:
        """Make the edit that was taken back last again and return the sound of what that changed."""
        return self._step(self.history.redo, self._undone, self._done)

    def _step(
        self, step: Callable[[], CodeGrid], here: list[Splice | None], there: list[Splice | None]
    ) -> Splice | None:
        with self.lock:
            before = self.history.grid
            grid = step()
            if not here:
                return None
            splice = here.pop() or self._decoded(before, grid)
            there.append(self._put(splice))
            self._forget()
            return splice

    def _decoded(self, before: CodeGrid, grid: CodeGrid) -> Splice:
        columns = changed_columns(before, grid)
        assert columns is not None
        patch = self.codec.decode_region(grid, columns=columns, previous=self.edited)
        return Splice(patch.start, patch.waveform)

    def _restored(self) -> Splice:
        """The reconstruction wherever the sound is another: to the original's codes belong the original's samples."""
        changed = np.flatnonzero(self.edited != self.reconstruction)
        start, stop = (int(changed[0]), int(changed[-1]) + 1) if len(changed) else (0, 0)
        return Splice(start, self.reconstruction[start:stop])

    def _put(self, splice: Splice) -> Splice:
        """Put samples into the clip, and return those that stood there."""
        if self._edited is None:
            self._edited = self.reconstruction.copy()
        span = slice(splice.start, splice.stop)
        replaced = Splice(splice.start, self._edited[span].copy())
        self._edited[span] = splice.waveform
        return replaced

    def _forget(self) -> None:
        """Keep no more samples of what was replaced than there is room for, the latest ones."""
        for splices in (self._done, self._undone):
            room = KEPT_SAMPLES
            for place in range(len(splices) - 1, -1, -1):
                splice = splices[place]
                if splice is None:
                    break
                room -= len(splice.waveform)
                if room < 0:
                    splices[place] = None
