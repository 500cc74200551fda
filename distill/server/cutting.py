"""The recordings of a visitor's set, and the cuts that make several clips of each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from distill.audio import HOP_LENGTH, MIN_CLIPS, SAMPLE_RATE, Clip, Piece
from distill.audio.cutting import By, cut_clip, envelope, find_cuts
from distill.editing import requests
from distill.editing.requests import Request
from distill.editing.values import MustBe, Name, Share, Whole
from distill.errors import AudioError, GoneError
from distill.server.clip_set import ClipSet, clip_of
from distill.server.secret import is_same
from distill.server.storage import Storage
from distill.server.strip import HEARD_SECONDS
from distill.server.visit import Page
from distill.training.dataset import MelClip

LONG_SECONDS = 20
"""Length from which a recording is likely to be worth cutting."""
LISTED_SECONDS = 1
"""Length of the shortest clip that is listed to be cut."""
ENVELOPE_BLOCK = 128
"""Samples of a block of the drawing (3 ms)."""
Pause = Callable[..., object]


class CutsAsked(Request):
    """Cuts to find in a recording."""

    id: Name
    """Identifier of the recording."""
    by: Annotated[By, MustBe("“onsets” or “silence”")] = "onsets"
    """Where to cut: before the beginnings of sounds, or where it is silent."""
    fineness: Share = 0.5
    """0 for few pieces, 1 for many."""


class WaveformAsked(Request):
    """The drawing of a recording."""

    id: Name
    """Identifier of the recording."""


class PieceHeard(Request):
    """The sound of a part of a recording."""

    id: Name
    """Identifier of the recording."""
    start: Whole
    """First sample."""
    stop: Whole
    """The sample after the last one."""


Edges = Annotated[list[Whole], Field(min_length=2, max_length=2)]


class Cuts(Request):
    """The pieces of some recordings."""

    cuts: Annotated[
        dict[Name, Annotated[list[Edges], Field(max_length=500)]],
        Field(max_length=500),
        MustBe("lists of up to 500 pieces, each a first sample and the one after the last, by the ids of recordings"),
    ]
    """For each recording its pieces: pairs of the first sample and the one after the last, at 44 100 Hz."""


@dataclass(frozen=True)
class Recording:
    """A clip of the set as it was uploaded.

    Attributes
    ----------
    id : str
        Secret of the uploaded set, and a number in it.
    name : str
    seconds : float
    num_samples : int
    is_long : bool
        Whether it is likely to be worth cutting.
    pieces : list of Piece
        The pieces that stand in the set in its place; empty if it is not cut.
    """

    id: str
    name: str
    seconds: float
    num_samples: int
    is_long: bool
    pieces: list[Piece]


class Cutter:
    """The recordings of a page's set.

    Parameters
    ----------
    page : Page
    shown : str, optional
        Secret of the set that the page lists, as for :meth:`Page.find_clips`.
    pause : callable
        Called within long work, so that other visitors can go first.
    """

    def __init__(self, page: Page, shown: str | None = None, pause: Pause = lambda *_: None) -> None:
        clips = page.find_clips(shown)
        self._page, self._pause = page, pause
        self._set = clips
        self._whole = clips.whole or clips if clips else None

    @property
    def recordings(self) -> list[Recording]:
        """The recordings of the set, in its order, without the shortest ones; with any cuts that they have."""
        whole, clips = self._whole, self._set
        if whole is None or clips is None:
            return []
        are_few = len(whole.clips) < MIN_CLIPS
        return [
            Recording(
                f"{whole.secret}/{number}", clip.name, clip.seconds, clip.num_samples,
                are_few or clip.seconds >= LONG_SECONDS, list(clips.cuts.get(number, ())),
            )
            for number, clip in enumerate(whole.clips)
            if clip.seconds >= LISTED_SECONDS or number in clips.cuts
        ]  # fmt: skip

    def waveform(self, id: str) -> np.ndarray:
        """The drawing of a recording, as :func:`distill.audio.cutting.envelope` makes it, in blocks of 128 samples."""
        return envelope(self._clip(id).waveform, ENVELOPE_BLOCK)

    def sound(self, id: str, piece: Piece) -> np.ndarray:
        """The sound of a part of a recording, up to its first twelve seconds: float32 [samples]."""
        recording = self._recording(id)
        _check(recording, [piece])
        start, stop = piece[0], min(piece[1], piece[0] + HEARD_SECONDS * SAMPLE_RATE)
        assert recording.waveform is not None
        return recording.waveform[start:stop].float().numpy()

    def find(self, id: str, by: By, fineness: float) -> list[Piece]:
        """The pieces of a recording, as :func:`distill.audio.cutting.find_cuts` finds them."""
        recording = self._recording(id)
        self._pause()
        return find_cuts(clip_of(recording).waveform, by, fineness, log_mel=recording.log_mel.numpy())

    def cut(
        self, cuts: Mapping[str, list[Piece]], storage: Storage, tick: Callable[[int], object] = lambda count: None
    ) -> ClipSet:
        """Make the set anew, with pieces in the place of recordings, and list it on the page.

        Clips and pieces that stay keep their weights; a new piece has that of its recording.

        Parameters
        ----------
        cuts : mapping
            The pieces of each recording that is to be cut, by its id; all others stay whole.
        storage : Storage
            Holds the new set.
        tick : callable
            Called with the number of clips so far, and within long ones.

        Returns
        -------
        ClipSet
            The new set; the uploaded set itself if nothing is cut.

        Raises
        ------
        GoneError
            If there is no such recording.
        AudioError
            If pieces overlap, are too short or too many, or are not in their recording.
        FullError
            If the new set does not fit on the disk.
        """
        whole, page = self._whole, self._page
        if whole is None:
            raise GoneError("There is nothing to cut: drop some recordings first.")
        chosen = {self._number(id): pieces for id, pieces in cuts.items() if pieces}
        for number, pieces in chosen.items():
            _check(whole.clips[number], pieces)
        count = len(whole.clips) + sum(len(pieces) - 1 for pieces in chosen.values())
        most = page.visit.settings.set_clips
        if count > most:
            raise AudioError(f"These cuts would make {count} clips, and {most} are the most; please make fewer cuts.")
        if not chosen:
            with page.lock:
                self._weigh(whole)
                page.set_clips(whole)
            return whole
        with storage.filling_set(page.owner, address=page.address) as (folder, arrival):
            remove = partial(storage.remove, owner=page.owner)
            made = ClipSet(folder, _pieces_of(whole, chosen), tick, arrival.take, remove, most=most)
        made.refused, made.notes = whole.refused, whole.notes
        made.whole, made.cuts = whole, {number: tuple(pieces) for number, pieces in chosen.items()}
        with page.lock:
            self._weigh(made)
            page.set_clips(made)
        return made

    def _weigh(self, clips: ClipSet) -> None:
        """Give the clips of a set the weights that they have in the set before it; a new piece has its recording's."""
        before = self._set
        assert before is not None
        known = {place: clip.weight for place, clip in zip(_places(before), before.clips, strict=True)}
        for number, place in enumerate(_places(clips)):
            recording, _ = place
            whole = known.get((recording, None), (before.whole or before).clips[recording].weight)
            clips.weigh([number], known.get(place, whole))

    def _clip(self, id: str) -> Clip:
        self._pause()
        return clip_of(self._recording(id))

    def _recording(self, id: str) -> MelClip:
        number = self._number(id)
        assert self._whole is not None
        recording = self._whole.clips[number]
        if recording.waveform is None:
            raise GoneError(f"The sound of {recording.name} was not kept; please drop the file again.")
        return recording

    def _number(self, id: str) -> int:
        of, _, number = id.partition("/")
        whole = self._whole
        if whole is None or not is_same(whole.secret, of) or not (number.isascii() and number.isdecimal()):
            raise GoneError("This recording is no longer on the server; please drop it again.")
        if int(number) >= len(whole.clips):
            raise GoneError("There is no recording of this number in the set.")
        return int(number)


def read_cuts(sent: Any) -> dict[str, list[Piece]]:
    """The pieces of recordings that a client sent; raises a GridError if it sent anything else."""
    asked = requests.read(Cuts, {"cuts": sent})
    return {id: [Piece(*edges) for edges in pieces] for id, pieces in asked.cuts.items()}


def _check(recording: MelClip, pieces: list[Piece]) -> None:
    """Raise an AudioError unless the pieces lie in a recording, in order and apart, each with a frame at least."""
    before = 0
    for start, stop in pieces:
        if start < before or stop > recording.num_samples:
            raise AudioError(
                f"The pieces of {recording.name} must be in order and apart, from sample 0 to {recording.num_samples}; "
                f"one goes from {start} to {stop}."
            )
        if stop - start < HOP_LENGTH:
            raise AudioError(f"A piece of {recording.name} has {stop - start} samples, and {HOP_LENGTH} are the least.")
        before = stop


def _pieces_of(whole: ClipSet, chosen: Mapping[int, list[Piece]]) -> Iterator[Clip | MelClip]:
    for number, clip in enumerate(whole.clips):
        yield from cut_clip(clip_of(clip), chosen[number]) if number in chosen else [clip]


def _places(clips: ClipSet) -> list[tuple[int, Piece | None]]:
    """For each clip of a set, the number of its recording and its piece of that; None if it is the whole recording."""
    pieces: list[Sequence[Piece | None]] = [
        clips.cuts.get(number, (None,)) for number in range(len((clips.whole or clips).clips))
    ]
    return [(number, piece) for number, each in enumerate(pieces) for piece in each]
