"""Carries out the requests of a page or a script to an open clip."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

from distill.codes import CodeGrid
from distill.editing import requests, tools
from distill.editing.answers import HISTORY_SHOWN, flac_base64, pack, piece_answer
from distill.editing.edited import Change
from distill.editing.work import Work
from distill.settings import DEFAULTS, Settings


def perform(work: Work, request: Any, find: Callable[[object], Work], settings: Settings = DEFAULTS) -> dict[str, Any]:
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

    Returns
    -------
    dict
        ``positions`` in the flat grid whose codes changed, and their new ``codes``. Both are None if more than
        ``edit_cells`` codes changed; then ``indices`` has the whole grid. ``flac`` is the changed sound in base64 and
        ``start`` its first sample; ``flac`` is None without a change or if the sound is not decoded yet. ``stale`` is a
        list of (first sample, sample after the last) that the page must ask for again. ``version`` counts the changes
        of the sound. ``history`` has the latest edits in words; ``edits`` is their total number. ``can_undo`` and
        ``can_redo`` are booleans. After a swap, ``second`` has the ``work`` and ``stale`` of the other clip. A "look"
        is answered with ``indices`` alone.

    Raises
    ------
    GridError
        If the request is not valid or does not fit the grid.
    """
    asked = requests.read_edit(request, settings)
    second = find(asked.second) if isinstance(asked, requests.Blend | requests.Swap) else None
    works = {each.secret: each for each in (work, second) if each is not None}
    with ExitStack() as stack:
        for _, each in sorted(works.items()):  # always in the same order, so that two swaps cannot deadlock
            stack.enter_context(each.lock)
        if asked.id and work.last_answer and work.last_answer[0] == asked.id:
            return work.last_answer[1]
        before, also = work.history.grid, {}
        if isinstance(asked, requests.Undo):
            change = work.undo()
        elif isinstance(asked, requests.Redo):
            change = work.redo()
        elif isinstance(asked, requests.Reset):
            change = work.do("Reset to the original", work.history.original)
        elif isinstance(asked, requests.Look):
            return {"indices": pack(before.indices)}
        else:
            edit = tools.make(asked, work, second)
            change = work.do(edit.label, edit.grid)
            if second and edit.second:  # the page does not play the second clip now
                swapped = second.do(edit.second_label, edit.second, heard=False)
                also = {"second": {"work": second.secret, "stale": swapped.stale if swapped else []}}
        answered = _changes(work, before, change, settings) | also
        work.last_answer = (asked.id, answered)
        return answered


def _changes(work: Work, before: CodeGrid, change: Change | None, settings: Settings) -> dict[str, Any]:
    history, patch = work.history, change.patch if change else None
    positions = np.flatnonzero(before.indices != history.grid.indices)
    codes: dict[str, Any]
    if len(positions) > settings.edit_cells:
        codes = {"positions": None, "codes": None, "indices": pack(history.grid.indices)}
    else:
        codes = {"positions": positions.tolist(), "codes": history.grid.indices.flat[positions].tolist()}
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
    """A ``piece`` of the sound with its version; the ``track`` is "edited", or "before" for the unedited sound."""
    asked = requests.read(requests.EditedSound, request)
    if asked.track == "before":
        return piece_answer(work.piece(work.codec.num_levels, asked.piece, progress), work.num_pieces, None)
    waveform, version = work.piece_now(asked.piece, progress)
    return piece_answer(waveform, work.num_pieces, None) | {"version": version}


def layer_sound(work: Work, request: Any, progress: Callable[[float], object] | None = None) -> dict[str, Any]:
    """A ``piece`` of the sound of the first ``track`` levels before any edit; ``track`` 0 is the original.

    The last piece of a track has the gain that makes the track as loud as the original.
    """
    asked = requests.read(requests.LayerSound, request)
    waveform = work.piece(asked.track, asked.piece, progress)
    is_last = asked.piece == work.num_pieces - 1
    gain = work.gain_db(asked.track, progress) if is_last and asked.track else None
    return piece_answer(waveform, work.num_pieces, gain)


def audition(work: Work, request: Any) -> dict[str, str]:
    """The sound of one ``code`` of one ``level``, as a FLAC file in base64."""
    asked = requests.read(requests.Audition, request)
    return {"flac": flac_base64(work.codec.audition(asked.level, asked.code))}
