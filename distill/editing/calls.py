"""Carries out the requests of a page or a script to an open clip."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np

from distill.audio.beat import HEARD_SECONDS as BEAT_SECONDS
from distill.audio.beat import find_beat
from distill.codes import CodeGrid
from distill.editing import requests, sound_requests, tools
from distill.editing.answers import HISTORY_SHOWN, flac_base64, piece_answer, whole
from distill.editing.edited import Change
from distill.editing.soloed import solo_piece
from distill.editing.timing import Timing, TimingAsked, changed
from distill.editing.vamping import Drawn, draw
from distill.editing.work import Progress, Work
from distill.errors import GoneError, GridError
from distill.prior import Memory, Vamp
from distill.settings import DEFAULTS, Settings

NO_BEAT = "No steady beat was found in this clip: tap one, or type its tempo."
NOT_LAST = "The grid was edited since, so that edit was not undone."
WITH_SECOND = requests.Blend | requests.Swap | requests.Cross
NO_SECOND = "The second clip is no longer open here; choose it again."


def perform(
    work: Work,
    request: Any,
    find: Callable[[object], Work],
    settings: Settings = DEFAULTS,
    progress: Progress | None = None,
    memory: Memory | None = None,
) -> dict[str, Any]:
    """Carry out a request to a clip's code grid and return the changes.

    Parameters
    ----------
    work : Work
    request : dict
        One of :data:`distill.editing.requests.AnyEdit`, in JSON. An edit with an ``id`` is done only once: a
        repeated request gets the first answer again, which may have been lost.
    find : callable
        Returns the work that has a given secret.
    settings : Settings
        Limits; only ``edit_cells`` is read.
    progress : callable, optional
        Called with the share that is done, 0 to 1, while codes are drawn; no lock is held during the call.
    memory : Memory, optional
        What codes are drawn from; by default the grids in the codec's file.

    Returns
    -------
    dict
        ``positions`` in the flat grid whose codes changed, and their new ``codes``; after the positions of the codes
        follow those of the faders, whose values :mod:`distill.codes.mixing` explains. Both are None if more than
        ``edit_cells`` of them changed; then ``indices`` has the whole grid, and ``mix`` its mix, or None. ``flac`` is
        the changed sound in base64 and ``start`` its first sample; it is None without a change, if the sound is not
        decoded yet, or if the request has ``heard`` false: then nothing is decoded. ``stale`` is a list of (first
        sample, sample after the last) that the page must ask for again. ``version`` counts the changes of the sound.
        ``history`` has the latest edits in words; ``edits`` is their total number. ``can_undo`` and ``can_redo`` are
        booleans. ``off`` of a blend or a slide is the distance of its codes from the sound that was asked for, as a
        share of it. ``since`` of an edit with a gesture is the number of edits before the gesture. After a swap,
        ``second`` has the ``work`` and ``stale`` of the other clip. A "look" is answered with ``indices`` and ``mix``
        alone.

    Raises
    ------
    GridError
        If the request is not valid, does not fit the grid, needs a second clip that is no longer open, or would undo
        a gesture that is not the last edit.
    """
    asked = requests.read_edit(request, settings)
    second = _find_second(asked.second, find) if isinstance(asked, WITH_SECOND) else None
    drawn = _drawn(asked, work, second, progress, memory) if isinstance(asked, requests.DrawnEdit) else None
    works = {each.secret: each for each in (work, second) if each is not None}
    with ExitStack() as stack:
        for _, each in sorted(works.items()):  # always in the same order, so that two swaps cannot deadlock
            stack.enter_context(each.lock)
        if (answer := _answered(work, asked.id)) is not None:
            return answer
        before = work.history.grid
        also: dict[str, Any] = {}
        if isinstance(asked, requests.Undo):
            if asked.gesture and work.history.before_gesture(asked.gesture) == len(work.history.labels):
                raise GridError(NOT_LAST)
            change = work.undo(heard=asked.heard)
        elif isinstance(asked, requests.Redo):
            change = work.redo(heard=asked.heard)
        elif isinstance(asked, requests.Reset):
            change = work.do("Reset to the original", work.history.original, heard=asked.heard)
        elif isinstance(asked, requests.Look):
            return whole(before)
        else:
            edit, change = _made(asked, work, second, drawn)
            if asked.gesture and not isinstance(asked, requests.Swap):
                also["since"] = work.history.before_gesture(asked.gesture)
            if edit.off is not None:
                also["off"] = round(edit.off, 3)
            if second and edit.second:  # the page does not play the second clip now
                swapped = second.do(edit.second_label, edit.second, heard=False)
                also |= {"second": {"work": second.secret, "stale": swapped.stale if swapped else []}}
        answered = _changes(work, before, change, settings) | also
        work.last_answer = (asked.id, answered)
        return answered


def _answered(work: Work, id: str) -> dict[str, Any] | None:
    """The answer to the latest edit, if that has this id."""
    return work.last_answer[1] if id and work.last_answer and work.last_answer[0] == id else None


def _drawn(
    asked: Any, work: Work, second: Work | None, progress: Progress | None, memory: Memory | None
) -> Drawn | None:
    """Draw the codes of an edit before the clip is locked; None for an edit that is done already."""
    with work.lock:
        if _answered(work, asked.id) is not None:
            return None
        grid = work.history.grid_after(work.history.before_gesture(asked.gesture))
    return draw(asked, Vamp(work.codec, memory=memory), grid, second, progress)


def _made(asked: Any, work: Work, second: Work | None, drawn: Drawn | None) -> tuple[tools.Edit, Change | None]:
    """Make an edit. It takes the place of the last one if both belong to the same gesture; a swap changes two clips,
    and never does."""
    gesture = "" if isinstance(asked, requests.Swap) else asked.gesture
    before, taken = work.history.grid, work.history.take_back(gesture)
    try:
        edit = tools.make(asked, work, second, drawn)
    except BaseException:
        work.history.restore(taken)
        raise
    return edit, work.do(edit.label, edit.grid, heard=asked.heard, gesture=gesture, before=before)


def _find_second(secret: object, find: Callable[[object], Work]) -> Work:
    """The second clip of an edit; no GoneError, with which a page gives up the open clip and its waiting edits."""
    try:
        return find(secret)
    except GoneError:
        raise GridError(NO_SECOND) from None


def _changes(work: Work, before: CodeGrid, change: Change | None, settings: Settings) -> dict[str, Any]:
    history, patch = work.history, change.patch if change else None
    cells = history.grid.cells
    positions = np.flatnonzero(before.cells != cells)
    codes: dict[str, Any]
    if len(positions) > settings.edit_cells:
        codes = {"positions": None, "codes": None, **whole(history.grid)}
    else:
        codes = {"positions": positions.tolist(), "codes": cells[positions].tolist()}
    return codes | {
        "start": patch.start if patch else 0,
        "flac": flac_base64(patch.waveform) if patch else None,
        "stale": change.stale if change else [],
        "version": work.version,
        "history": history.labels[-HISTORY_SHOWN:],
        "edits": len(history.labels),
        "can_undo": history.can_undo,
        "can_redo": history.can_redo,
    }


def edited_sound(work: Work, request: Any, progress: Callable[[float], object] | None = None) -> dict[str, Any]:
    """A ``piece`` of the sound with its version; the ``track`` is "edited", or "before" for the unedited sound.

    With ``solo``, a region of the edited sound is heard alone.
    """
    asked = requests.read(sound_requests.EditedSound, request)
    if asked.track == "before":
        return piece_answer(work.piece(work.codec.num_levels, asked.piece, progress), work.num_pieces, None)
    if asked.solo:
        waveform, version = solo_piece(work, asked.piece, asked.solo)
        return piece_answer(waveform, work.num_pieces, None) | {"version": version}
    waveform, version = work.piece_now(asked.piece, progress)
    return piece_answer(waveform, work.num_pieces, None) | {"version": version}


def layer_sound(work: Work, request: Any, progress: Callable[[float], object] | None = None) -> dict[str, Any]:
    """A ``piece`` of the sound of the first ``track`` levels before any edit; ``track`` 0 is the original.

    The last piece of a track has the gain that makes the track as loud as the original.
    """
    asked = requests.read(sound_requests.LayerSound, request)
    waveform = work.piece(asked.track, asked.piece, progress)
    is_last = asked.piece == work.num_pieces - 1
    gain = work.gain_db(asked.track, progress) if is_last and asked.track else None
    return piece_answer(waveform, work.num_pieces, gain)


def audition(work: Work, request: Any) -> dict[str, str]:
    """The sound of one ``code`` of one ``level``, as a FLAC file in base64."""
    asked = requests.read(sound_requests.Audition, request)
    return {"flac": flac_base64(work.codec.audition(asked.level, asked.code))}


def timed(work: Work, request: Any, progress: Progress | None = None) -> dict[str, Any]:
    """Change the beat or the loop of a clip, or find its beat; the request has the fields of :class:`TimingAsked`.

    A beat is found in the first minute of the sound, and no more than that is decoded; meanwhile, ``progress`` is
    called with the share that is done.

    Returns
    -------
    dict
        ``tempo`` in beats per minute, ``offset`` in seconds, ``bar`` in beats and ``loop``, a list of start and end in
        seconds or an empty list. A clip whose beat was not found or set yet has its beat found first; ``note`` is a
        sentence if it has none.

    Raises
    ------
    GridError
        If a field is unknown or of another type, or outside of its range.
    """
    asked = requests.read(TimingAsked, request)
    note, found = "", dict[str, Any]()
    changes = asked.model_dump(exclude={"work", "find"}, exclude_none=True)
    if asked.find or (work.timing is None and "tempo" not in changes):
        beat = find_beat(work.sound(0, progress, seconds=BEAT_SECONDS), work.seconds)
        found = {"tempo": beat.tempo, "offset": beat.offset} if beat else {}
        note = "" if beat else NO_BEAT
    with work.lock:  # two changes of different fields are both kept
        work.timing = changed(replace(work.timing or Timing(), **found), changes, work.seconds)
        return work.timing.answer() | {"note": note}
