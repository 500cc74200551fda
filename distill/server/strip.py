"""The strip: the clips that a visitor can open, hear and compare, wherever their sound is kept."""

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import numpy as np
from pydantic import Field

from distill.audio import SAMPLE_RATE, Clip, LogMel
from distill.audio.clips import load_clip
from distill.codec import Codec
from distill.editing.laying import MOST_CLIPS, check_pattern, lay_out_works
from distill.editing.requests import Request
from distill.editing.values import MustBe, Name
from distill.editing.work import Progress, Work
from distill.errors import DistillError, GoneError
from distill.jobs import TrainingJob
from distill.models.losses import mel_l1
from distill.server.clip_set import clip_of
from distill.server.secret import is_same
from distill.server.visit import Page
from distill.server.visitors import Examples
from distill.training.config import Weight
from distill.training.dataset import MelClip, to_mel_clip

HEARD_SECONDS = 12
"""Most seconds of a clip that the strip plays; an open clip is played as a whole."""
MOST_IDS = 32
"""Maximum number of clips of one request for pictures or errors."""
MOST_WEIGHTED = 2_000
"""Maximum number of clips that are weighted at once."""
PICTURE_BANDS, PICTURE_COLUMNS = 32, 64
PICTURE_RANGE = 6.9
"""Nepers (60 dB) from the darkest to the brightest level of a picture."""
WELL_KNOWN, KNOWN = 0.3, 0.5
"""Largest ``mel_l1`` (2.6 and 4.3 dB) of a clip that a codec knows well, and of one that it knows."""
Group = Literal["yours", "opened", "examples"]
Pause = Callable[..., object]
Made = TypeVar("Made")


class ClipsAsked(Request):
    """Some clips of the strip."""

    ids: Annotated[list[Name], Field(max_length=MOST_IDS), MustBe(f"up to {MOST_IDS} identifiers of clips")]
    """Identifiers of the clips."""
    sound_id: Name = ""
    """The codec whose errors are asked for; by default the codec in use."""


class ClipsWeighted(Request):
    """A weight for some clips of the set to train on."""

    ids: Annotated[list[Name], Field(max_length=MOST_WEIGHTED), MustBe(f"up to {MOST_WEIGHTED} identifiers of clips")]
    """Identifiers of the clips."""
    weight: Annotated[Weight, MustBe("0, 1, 2 or 4")]
    """How many times as often as others they are heard; 0 leaves them out."""


class ClipsLaidOut(Request):
    """Clips to lay side by side."""

    ids: Annotated[list[Name], Field(max_length=MOST_CLIPS), MustBe(f"up to {MOST_CLIPS} identifiers of clips")]
    """Identifiers of the clips, in the order of the pattern; a clip may be there several times."""


class ClipHeard(Request):
    """The sound of a clip of the strip."""

    id: Name
    """Identifier of the clip."""
    track: Annotated[Literal["original", "codec"], MustBe("“original” or “codec”")]
    """The original, or its reconstruction by the codec."""
    sound_id: Name = ""
    """The codec of the reconstruction; by default the codec in use."""


@dataclass(frozen=True)
class StripClip:
    """A clip of the strip.

    Attributes
    ----------
    id : str
        An example's name, the secret of an open clip, or the secret of a set of clips and a number in it.
    name : str
        Name of the file.
    seconds : float
        Length; 0 if it is not known.
    group : str
        "yours" for clips to train on, "opened" for other clips that the visitor opened, or "examples".
    is_kept : bool
        Whether the sound is still on the server.
    note : str
        Further information in a few words.
    weight : int or None
        How many times as often as others a training hears the clip, 0 to leave it out; None if it is in no set that
        can be trained on.
    """

    id: str
    name: str
    seconds: float
    group: Group
    is_kept: bool = True
    note: str = ""
    weight: int | None = None


@dataclass(frozen=True)
class Known:
    """How well a codec knows a clip.

    Attributes
    ----------
    mel_l1 : float
        Mean absolute difference of the log-mels of the clip and of its reconstruction, in nepers.
    codes : float
        Share of the codec's codes, over all levels, that occur in the clip, 0 to 1.
    """

    mel_l1: float
    codes: float

    @property
    def word(self) -> str:
        """How well that is, in words."""
        return "well known" if self.mel_l1 <= WELL_KNOWN else "known" if self.mel_l1 <= KNOWN else "badly known"


class Strip:
    """The clips of one page: its set, or that of the visitor's training; other opened clips; and the examples.

    Parameters
    ----------
    page : Page
    examples : Examples
    job : TrainingJob, optional
        The visitor's training. Its clips stand in the strip if the page has no set, for example after a restart of the
        server.
    pause : callable
        Called within long work, so that other visitors can go first.
    """

    def __init__(
        self, page: Page, examples: Examples, job: TrainingJob | None = None, pause: Pause = lambda *_: None
    ) -> None:
        self._page, self._examples, self._job, self._pause = page, examples, job, pause

    @property
    def clips(self) -> list[StripClip]:
        """All clips: the visitor's set, other opened clips, then the examples."""
        yours = list(self._yours())
        examples = [StripClip(name, name, self._examples.seconds[name], "examples") for name in self._examples.names]
        return [*yours, *self._opened({clip.id for clip in yours}), *examples]

    def id_of(self, work: Work) -> str:
        """Identifier of the clip of a work in the codec in use."""
        ids = {clip.id for clip in self._yours()}
        return work.example or (work.source if work.source in ids else work.secret)

    def _yours(self) -> Iterator[StripClip]:
        clips, job = self._page.clips, self._job
        if clips is not None and clips.clips:
            for number, clip in enumerate(clips.clips):
                yield StripClip(f"{clips.secret}/{number}", clip.name, clip.seconds, "yours", weight=clip.weight)
        elif job is not None:
            lengths, kept = job.record.clip_samples or [0] * len(job.clip_names), job.kept_clips()
            for number, (name, length) in enumerate(zip(job.clip_names, lengths, strict=True)):
                is_kept = number in kept
                note = "" if is_kept else "its sound is no longer kept"
                yield StripClip(f"{job.id}/{number}", name, length / SAMPLE_RATE, "yours", is_kept, note)

    def _opened(self, yours: set[str]) -> Iterator[StripClip]:
        """Clips without a place of their own in the strip, and those that were edited in another codec."""
        works, here = list(self._page.visit.works.items()), self._page.codec.sound_id
        here_too = {(name, content) for (codec, name, content), _ in works if codec == here}
        for (codec, name, content), work in works:
            has_place = bool(work.example) or work.source in yours
            if codec != here and not work.is_edited and (has_place or (name, content) in here_too):
                continue
            if codec == here and has_place:
                continue
            note = "" if codec == here else f"edited in codec {work.codec.model_id[:6]}"
            yield StripClip(work.secret, work.name, work.seconds, "opened", note=note)

    def read(self, id: str, codec: Codec) -> Work:
        """The work of a clip in a codec, with its earlier edits from this visit, or a new work.

        Raises
        ------
        GoneError
            If the clip is not in the strip, or its sound is no longer kept.
        FullError
            If the server has no memory for another clip.
        """
        page, visit = self._page, self._page.visit
        if id in self._examples.names:
            return page.read(codec, self._example(id), example=id, pause=self._pause)
        for work in list(visit.works.values()):
            is_it = is_same(work.secret, id) or bool(id and work.source == id)
            if is_it and work.codec.sound_id == codec.sound_id:
                return work
        own = self._own(id)
        clip = own.as_clip(self._pause) if own else clip_of(self.mel_clip(id))
        visit.make_room(visit)
        work = visit.find(codec, clip) or Work.begin(codec, clip, progress=self._pause)
        work.example, work.source = (own.example, own.source) if own else (None, id)
        return work

    def open(self, id: str, codec: Codec) -> Work:
        """The work to open for a clip: in the given codec, or with its edits in the codec that they were made in.

        Errors are those of :meth:`read`.
        """
        own = self._own(id)
        return own if own and own.is_edited else self.read(id, codec)

    def opening_of(self, job: TrainingJob, shown: Work) -> str:
        """Identifier of the clip to open in the codec of a training.

        That is the clip that the page shows, if the training had it; otherwise the one that was chosen among the clips
        by :func:`distill.server.clip_set.unlikeness`.
        """
        clips = self._page.clips
        known = clips is not None and tuple(clip.name for clip in clips.clips) == tuple(job.clip_names)
        prefix = clips.secret if clips is not None and known else job.id
        if shown.source.startswith(f"{prefix}/"):
            return shown.source
        return f"{prefix}/{job.opening}"

    def pictures(self, ids: Sequence[str]) -> list[str | None]:
        """The pictures of clips, as :func:`picture` makes them, in base64; None for a clip that is gone."""
        return list(self._each(ids, self._picture))

    def known(self, ids: Sequence[str], sound_id: str = "") -> list[Known | None]:
        """How well a codec knows each clip; None for a clip that is gone. ``sound_id`` and errors are as in
        :meth:`codec`."""
        codec = self.codec(sound_id)
        return list(self._each(ids, lambda id: self._known(id, codec)))

    def weigh(self, ids: Sequence[str], weight: int) -> None:
        """Give clips of the set a weight; see :meth:`distill.server.clip_set.ClipSet.weigh`.

        Raises
        ------
        GoneError
            If a clip is not in the page's set; then no weight is changed.
        """
        clips = self._page.clips
        numbers = {f"{clips.secret}/{number}": number for number in range(len(clips.clips))} if clips else {}
        if clips is None or not all(id in numbers for id in ids):
            raise GoneError("Only clips of your set can be weighted or left out; please drop the files again.")
        clips.weigh([numbers[id] for id in ids], weight)

    def lay_out(self, ids: Sequence[str], codec: Codec, progress: Progress | None = None) -> Work:
        """A work with the grids of several clips side by side, each in this codec with its edits.

        If this visit has laid out the very same codes before, it is that work, with the edits since then. The progress
        is told as a share, 0 to 1, and within it others can go first. Errors are those of :meth:`read` and of
        :func:`distill.editing.laying.lay_out_works`; a pattern that is too long is refused before a clip is read.
        """
        told, visit = progress or self._pause, self._page.visit
        lengths = {clip.id: clip.seconds for clip in self.clips}
        lengths |= {work.secret: work.seconds for work in list(visit.works.values())}
        check_pattern([lengths.get(id, 0.0) for id in ids], visit.settings)
        works: dict[str, Work] = {}
        for id in dict.fromkeys(ids):
            works[id] = self.read(id, codec)
            told(len(works) / len(set(ids)) / 2)
        visit.make_room(visit)
        laid = [works[id] for id in ids]
        return visit.had(lay_out_works(laid, settings=visit.settings, progress=lambda share: told((1 + share) / 2)))

    def codec(self, sound_id: str) -> Codec:
        """The codec of this ``sound_id``, which the page may show after another one came into use; "" for that in use.

        Raises
        ------
        GoneError
            If the visitor has no such codec any more.
        """
        page = self._page
        codecs = (page.codec, self._examples.codec, *(work.codec for work in list(page.visit.works.values())))
        codecs = (*codecs, *([page.before] if page.before else []))
        for codec in codecs:
            if sound_id in ("", codec.sound_id):
                return codec
        raise GoneError("This codec is no longer in use here; please try again.")

    def sound(self, id: str, *, by_codec: bool, sound_id: str = "") -> np.ndarray:
        """The first twelve seconds of a clip, or of its reconstruction by a codec: float32 [samples].

        Raises
        ------
        GoneError
            If the clip is not in the strip, its sound is no longer kept, or there is no codec of this ``sound_id``.
        """
        codec = self.codec(sound_id)
        if by_codec and (own := self._own_in(id, codec)):
            return own.sound(codec.num_levels, self._pause, seconds=HEARD_SECONDS)
        clip = clip_of(self.mel_clip(id))
        heard = Clip(clip.name, clip.waveform[: HEARD_SECONDS * SAMPLE_RATE])
        return codec.decode(codec.encode_clip(heard)) if by_codec else heard.waveform

    def _each(self, ids: Sequence[str], make: Callable[[str], Made]) -> Iterator[Made | None]:
        for id in ids:
            try:
                yield make(id)
            except DistillError:
                yield None
            self._pause()

    def _picture(self, id: str) -> str:
        kept = self._examples.pictures
        if id in kept:
            return kept[id]
        packed = base64.b64encode(picture(self.mel_clip(id).log_mel.numpy()).tobytes()).decode()
        if id in self._examples.names:
            kept[id] = packed
        return packed

    def _known(self, id: str, codec: Codec) -> Known:
        if own := self._own_in(id, codec):
            return Known(own.mel_l1(self._pause), float(np.mean(codec.usage(own.history.original) > 0)))
        log_mel = self.mel_clip(id).log_mel
        grid = codec.encode_mel(log_mel, self._pause)
        decoded = codec.decode_mel(grid, progress=self._pause)
        used = float(np.mean(codec.usage(grid) > 0))
        return Known(mel_l1(decoded, log_mel).item(), used)

    def mel_clip(self, id: str) -> MelClip:
        """The log-mel and the sound of a clip."""
        if id in self._examples.names:
            return to_mel_clip(load_clip(self._example(id), tick=self._pause), LogMel(), self._pause)
        if own := self._own(id):
            return to_mel_clip(own.as_clip(self._pause), LogMel(), self._pause)
        of, _, number = id.partition("/")
        place = int(number) if re.fullmatch("[0-9]{1,4}", number) else -1
        if self._job is not None and is_same(self._job.id, of):
            return self._job.read_clip(place)
        try:
            clips = self._page.find_clips(of)
        except GoneError:
            clips = None
        if clips is None or not 0 <= place < len(clips.clips):
            raise GoneError("This clip is no longer in the strip: its set was replaced, or is no longer kept.")
        return clips.clips[place]

    def _own(self, id: str) -> Work | None:
        return next((work for work in list(self._page.visit.works.values()) if is_same(work.secret, id)), None)

    def _own_in(self, id: str, codec: Codec) -> Work | None:
        """The work of an opened clip in a codec. Its codes need not be those of its sound: a pattern has the codes of
        its clips."""
        own = self._own(id)
        return own if own and own.codec.sound_id == codec.sound_id else None

    def _example(self, name: str) -> Path:
        return next(path for path in self._examples.clips if path.stem == name)


def picture(log_mel: np.ndarray) -> np.ndarray:
    """A small spectrogram: the loudest value of each field, from 60 dB below the loudest of all (0) to it (255).

    Parameters
    ----------
    log_mel : ndarray [128, frames]
        Natural-log mel magnitudes.

    Returns
    -------
    ndarray of uint8 [32, 64]
        Levels by band, the lowest first, and time.
    """
    bands, frames = log_mel.shape
    rows = np.maximum.reduceat(log_mel, np.arange(PICTURE_BANDS) * bands // PICTURE_BANDS, axis=0)
    fields = np.maximum.reduceat(rows, np.arange(PICTURE_COLUMNS) * frames // PICTURE_COLUMNS, axis=1)
    top = max(float(fields.max()), LogMel.floor + PICTURE_RANGE)
    return np.round(255 * np.clip(1 + (fields - top) / PICTURE_RANGE, 0, 1)).astype(np.uint8)
