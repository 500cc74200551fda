"""A clip in a codec, as one visitor edits it: its codes, their history, and the sound of both."""

import hashlib
import secrets
import threading
import time
import weakref
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from distill.audio import SAMPLE_RATE, Clip
from distill.audio.loudness import matching_gain_db
from distill.audio.vocoder import BLOCK_SAMPLES, num_blocks
from distill.codec import Codec
from distill.codec.decoded import DecodedMel
from distill.codec.evaluation import Layer
from distill.codec.pieces import Patch
from distill.codes import CodeGrid, History
from distill.editing.drawing import drawing
from distill.editing.edited import Change, EditedSound, Span
from distill.editing.timing import Timing
from distill.editing.track import Track
from distill.errors import GridError
from distill.models.losses import mel_l1

Progress = Callable[[float], object]
"""Called with the share that is done, 0 to 1, about every 12 s of sound; no lock is held during the call."""


class Work:
    """A clip in a codec: its grid, the history of edits, and the sound of both, which is decoded on demand.

    Parameters
    ----------
    codec : Codec
    clip : Clip or None
        The original; None for a grid without a clip. Then the decoded sound takes the place of the original.
    grid : CodeGrid
        The clip's codes.
    name : str, optional
        Name of the file, if there is no clip.
    file_bytes : int, optional
        Size of the clip's file.
    encode_seconds : float
        Seconds that the encoding took.
    log_mel : ndarray of float32 [128, frames], optional
        The original's log-mel, if it is known already.

    Attributes
    ----------
    example : str or None
        Name of the example clip; None if the clip is no example.
    source : str
        Identifier of the clip in the strip from which the work was made; "" for other clips.
    secret : str
        Identifier that nobody can guess; a page sends it to ask for this clip.
    last_answer : (object, dict) or None
        The id of the latest edit, and the answer to it.
    timing : Timing or None
        Beat and loop; None until they are found or set.
    used : float
        Time of the latest use in seconds, by the clock of the visitors.
    """

    def __init__(
        self,
        codec: Codec,
        clip: Clip | None,
        grid: CodeGrid,
        *,
        name: str = "",
        file_bytes: int | None = None,
        encode_seconds: float = 0.0,
        log_mel: np.ndarray | None = None,
    ) -> None:
        self.codec, self.history = codec, History(grid)
        self.name, self.note = (clip.name, clip.note) if clip else (name, "")
        self.file_bytes, self.encode_seconds = file_bytes, encode_seconds
        self.example: str | None = None
        self.secret, self.lock = secrets.token_urlsafe(16), threading.RLock()
        self.last_answer: tuple[object, dict[str, Any]] | None = None
        self.source, self.used = "", 0.0
        self.timing: Timing | None = None
        self._clip, self._original = clip, log_mel
        self._tracks: dict[int, Track] = {}
        self._gains_db: dict[int, float] = {}
        self._mel_l1_audio: float | None = None
        self._drawing: Generator[float, None, tuple[np.ndarray, list[Layer]]] | None = None
        self._mels: dict[int, DecodedMel] = {}
        self._layers: list[Layer] | None = None
        itself = weakref.proxy(self)  # in a circle of references, a closed work would wait for Python's collector
        self._sound = EditedSound(codec, self.history, lambda: itself.track(codec.num_levels))

    @classmethod
    def begin(
        cls, codec: Codec, clip: Clip, *, file_bytes: int | None = None, progress: Progress | None = None
    ) -> "Work":
        """Encode a clip."""
        began = time.perf_counter()
        log_mel = codec.log_mel_of(clip, progress)
        grid = codec.encode_mel(log_mel, progress, num_samples=len(clip.waveform))
        seconds = time.perf_counter() - began
        return cls(codec, clip, grid, file_bytes=file_bytes, encode_seconds=seconds, log_mel=log_mel.numpy())

    @classmethod
    def opened(cls, codec: Codec, name: str, grid: CodeGrid) -> "Work":
        """Open a grid without a clip: its decoded sound takes the place of the original. Nothing is decoded yet."""
        codec.check(grid)
        return cls(codec, None, grid, name=name)

    def rename(self, name: str) -> None:
        """Give the clip another name."""
        self.name, self._clip = name, replace(self._clip, name=name) if self._clip else None

    def fresh(self) -> "Work":
        """The same clip in the same codec without edits. Both works share all sound that is decoded, now and later."""
        other = Work(self.codec, self._clip, self.history.original, name=self.name, file_bytes=self.file_bytes)
        self.draw()
        self.track(self.codec.num_levels)
        with self.lock:
            other._tracks, other._mels = dict(self._tracks), dict(self._mels)
            other._original, other._layers = self._original, self._layers
        other.example, other.encode_seconds = self.example, self.encode_seconds
        return other

    @property
    def num_samples(self) -> int:
        """Number of samples of the original, and of every sound that is made of its codes."""
        return self.history.original.num_samples

    @property
    def seconds(self) -> float:
        """Length of the original in seconds."""
        return self.num_samples / SAMPLE_RATE

    @property
    def bitrate_bps(self) -> float:
        """Bits of the clip's codes per second of the clip."""
        return self.history.original.num_bits / self.seconds

    @property
    def clip(self) -> Clip:
        """The original. For a grid without a clip, the whole sound is decoded."""
        return self.as_clip()

    def as_clip(self, progress: Progress | None = None) -> Clip:
        """The original as in :attr:`clip`; reports the progress if the sound must be decoded."""
        return self._clip or Clip(self.name, self.decode(progress))

    @property
    def key(self) -> tuple[str, str, str]:
        """Identifies this clip in this codec, regardless of edits."""
        content = self._clip.waveform if self._clip else self.history.original.cells
        return self.key_of(self.codec, self.name, content)

    @staticmethod
    def key_of(codec: Codec, name: str, content: np.ndarray) -> tuple[str, str, str]:
        """The :attr:`key` of a clip with these samples, or of a grid with these codes."""
        return codec.sound_id, name, hashlib.sha256(content.tobytes()).hexdigest()

    @property
    def original(self) -> np.ndarray:
        """The clip's log-mel [128, frames]."""
        return self.draw()[0]

    @property
    def layers(self) -> list[Layer]:
        """The clip decoded from its first level, from its first two levels, and so on."""
        return self.draw()[1]

    def draw(self, progress: Progress | None = None) -> tuple[np.ndarray, list[Layer]]:
        """The log-mels of the original and of its layers, computed on the first call."""
        while True:
            with self.lock:
                if self._original is not None and self._layers is not None:
                    return self._original, self._layers
                if self._drawing is None:
                    mels = [self._mel(count) for count in range(1, self.codec.num_levels + 1)]
                    self._drawing = drawing(self.codec, self._clip, self._original, mels)
                try:
                    share = next(self._drawing)
                except StopIteration as end:
                    self._original, self._layers = end.value
                    self._drawing, share = None, 1.0
                except BaseException:
                    self._drawing = None  # the next call begins anew
                    raise
            if progress:
                progress(share)

    def log_mel(self, progress: Progress | None = None) -> np.ndarray:
        """The clip's log-mel as :attr:`original` has it. If it is not there, it is computed without being kept."""
        if (original := self._original) is not None:
            return original
        clip, codec = self._clip, self.codec
        made = codec.log_mel_of(clip, progress) if clip else codec.decode_mel(self.history.original, progress=progress)
        return made.numpy()

    @property
    def num_pieces(self) -> int:
        """Number of pieces in which the clip is decoded."""
        return num_blocks(self.history.original.num_frames)

    def track(self, num_levels: int) -> Track:
        """The sound of the first ``num_levels`` levels before any edit, decoded as far as it was needed."""
        tracks = self._tracks
        return tracks.get(num_levels) or tracks.setdefault(num_levels, Track(self.codec, self._mel(num_levels)))

    def _mel(self, num_levels: int) -> DecodedMel:
        """The log-mel of the first ``num_levels`` levels before any edit, decoded as far as it was needed."""
        mels, original = self._mels, self.history.original
        return mels.get(num_levels) or mels.setdefault(num_levels, DecodedMel(self.codec, original, num_levels))

    def piece(self, num_levels: int, number: int, progress: Progress | None = None) -> np.ndarray:
        """A piece of the sound of the first ``num_levels`` levels, 12 s long or the last; 0 levels are the original.

        Raises
        ------
        GridError
            If the piece or the number of levels does not exist.
        """
        self._check_levels(num_levels)
        span = self._span(number)
        if num_levels == 0 and self._clip:
            return self._clip.waveform[span]
        track = self.track(num_levels or self.codec.num_levels)
        track.decode(span.stop, progress)
        return track.samples(span.start, span.stop)

    def sound(self, num_levels: int, progress: Progress | None = None, *, seconds: float | None = None) -> np.ndarray:
        """The sound of the first ``num_levels`` levels, whole or its first seconds; 0 levels are the original; errors
        as in :meth:`piece`."""
        self._check_levels(num_levels)
        stop = self.num_samples if seconds is None else min(round(seconds * SAMPLE_RATE), self.num_samples)
        if num_levels == 0 and self._clip:
            return self._clip.waveform[:stop]
        track = self.track(num_levels or self.codec.num_levels)  # local: another thread may release the track
        track.decode(track.num_samples if seconds is None else stop, progress)
        return track.samples(0, stop)

    def gain_db(self, num_levels: int, progress: Progress | None = None) -> float:
        """Gain in dB that makes the sound of the first ``num_levels`` levels as loud as the original."""
        if num_levels not in self._gains_db:
            original = self.as_clip(progress).waveform
            self._gains_db[num_levels] = matching_gain_db(self.sound(num_levels, progress), original, progress)
        return self._gains_db[num_levels]

    @property
    def reconstruction(self) -> np.ndarray:
        """The sound of all levels, before any edit: float32 [num_samples]."""
        return self.decode()

    def decode(self, progress: Progress | None = None) -> np.ndarray:
        """The reconstruction, decoded if it is missing."""
        return self.sound(self.codec.num_levels, progress)

    @property
    def is_decoded(self) -> bool:
        """Whether the sound of all levels is completely decoded."""
        track = self._tracks.get(self.codec.num_levels)
        return track is not None and track.is_whole

    @property
    def decode_seconds(self) -> dict[int, float]:
        """Decoding time in seconds by number of levels, for the tracks that are decoded."""
        return {num_levels: track.seconds for num_levels, track in list(self._tracks.items()) if track.ready}

    @property
    def is_edited(self) -> bool:
        """Whether there is an edit to undo or to redo."""
        return self.history.can_undo or self.history.can_redo

    @property
    def version(self) -> int:
        """Number of changes of the sound so far."""
        return self._sound.version

    def piece_now(self, number: int, progress: Progress | None = None) -> tuple[np.ndarray, int]:
        """A piece of the current sound, cut as in :meth:`piece`, and the version of the sound.

        Raises
        ------
        GridError
            If the piece does not exist.
        """
        waveform, _, version = self._now(self._span(number), progress)
        return waveform, version

    def snapshot(self, progress: Progress | None = None) -> tuple[np.ndarray, CodeGrid]:
        """The whole current sound and its codes, both of the same moment."""
        waveform, grid, _ = self._now(slice(0, self.num_samples), progress)
        return waveform, grid

    def _now(self, span: Span, progress: Progress | None) -> tuple[np.ndarray, CodeGrid, int]:
        num_levels, done = self.codec.num_levels, 0
        with self.lock:
            track, steps = self.track(num_levels), self._sound.steps(span)
        while True:
            with self.lock:
                self._tracks.setdefault(num_levels, track)  # another thread may have released the track
                if not self._sound.step(span):
                    return self._sound.read(span), self.history.grid, self._sound.version
            done += 1
            if progress:
                progress(min(1.0, done / max(steps, 1)))

    @property
    def edited(self) -> np.ndarray:
        """The whole current sound."""
        return self.snapshot()[0]

    @property
    def num_bytes(self) -> int:
        """Bytes of memory that the work takes."""
        tracks = list(self._tracks.values())
        mels = {id(mel.log_mel): mel.num_bytes for mel in (*list(self._mels.values()), *(each.mel for each in tracks))}
        given = (self._clip.waveform if self._clip else None, self._original)
        arrays = {id(array): array.nbytes for array in given if array is not None} | mels
        answered = self.last_answer[1].values() if self.last_answer else ()
        answer = sum(len(each) for each in answered if isinstance(each, str))
        sounds = sum(track.num_bytes for track in tracks)
        return sum(arrays.values()) + sounds + answer + self._sound.num_bytes + self.history.num_bytes

    def release(self) -> int:
        """Free all data that can be computed again from the clip and its codes; return the number of freed bytes."""
        if not self.lock.acquire(blocking=False):  # another thread uses the work now
            return 0
        try:
            before = self.num_bytes
            self._tracks, self._mels, self._layers, self._original, self._drawing = {}, {}, None, None, None
            self._sound.release()
            return before - self.num_bytes
        finally:
            self.lock.release()

    def mel_l1(self, progress: Progress | None = None) -> float:
        """Mean absolute difference of the log-mels of the original and of its codes before any edit, in nepers."""
        if (layers := self._layers) is not None:
            return layers[-1].mel_l1
        decoded = self.codec.decode_mel(self.history.original, progress=progress)
        return mel_l1(decoded, torch.from_numpy(self.log_mel(progress))).item()

    def mel_l1_audio(self, progress: Progress | None = None) -> float:
        """Mean absolute log-mel difference between the original and the reconstruction's sound, in nepers."""
        if self._mel_l1_audio is None:
            heard = self.codec.log_mel_of(Clip(self.name, self.decode(progress)), progress)
            self._mel_l1_audio = mel_l1(heard, torch.from_numpy(self.log_mel(progress))).item()
        return self._mel_l1_audio

    def do(
        self, label: str, grid: CodeGrid, *, heard: bool = True, gesture: str = "", before: CodeGrid | None = None
    ) -> Change | None:
        """Make an edit and return the change; None if nothing changed. Label, grid and gesture go to the history.

        The grid changes at once. The sound is mended at once where the edit begins, unless ``heard`` is false, and
        elsewhere on demand. ``before`` is the grid that sounded; by default, the current one.
        """
        with self.lock:
            before = before or self.history.grid
            self.history.do(label, grid, gesture=gesture)
            is_same = before == self.history.grid
            return None if is_same else self._within(self._sound.follow(before, heard=heard))

    def undo(self, *, heard: bool = True) -> Change | None:
        """Undo the last edit and return the change; None if there is no edit. ``heard`` is as in :meth:`do`."""
        with self.lock:
            before, can = self.history.grid, self.history.can_undo
            self.history.undo()
            return self._within(self._sound.follow(before, heard=heard)) if can else None

    def redo(self, *, heard: bool = True) -> Change | None:
        """Redo the last undone edit and return the change; None if there is none. ``heard`` is as in :meth:`do`."""
        with self.lock:
            before, can = self.history.grid, self.history.can_redo
            self.history.redo()
            return self._within(self._sound.follow(before, heard=heard)) if can else None

    def _check_levels(self, num_levels: int) -> None:
        if not 0 <= num_levels <= self.codec.num_levels:
            raise GridError("That part of the sound is not there; please reload the page.")

    def _span(self, number: int) -> Span:
        if not 0 <= number < self.num_pieces:
            raise GridError("That part of the sound is not there; please reload the page.")
        is_last = number == self.num_pieces - 1
        return slice(number * BLOCK_SAMPLES, self.num_samples if is_last else (number + 1) * BLOCK_SAMPLES)

    def _within(self, change: Change) -> Change:
        """A change without the samples after the end of the clip, which the last frame has."""
        end, patch = self.num_samples, change.patch
        if patch:
            patch = Patch(patch.start, patch.waveform[: end - patch.start]) if patch.start < end else None
        return Change(patch, [(start, min(stop, end)) for start, stop in change.stale if start < end])
