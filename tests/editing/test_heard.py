"""Edits of a page that makes the sound itself: the server changes the codes and decodes nothing."""

import numpy as np
import pytest

from distill.editing import calls
from distill.editing.work import Work
from distill.errors import GridError


def perform(work, **asked):
    return calls.perform(work, asked, lambda secret: work)


@pytest.fixture
def work(codec, grid):
    return Work.opened(codec, "drums", grid)


def test_an_edit_that_need_not_be_heard_decodes_nothing_and_brings_codes_and_history(work, monkeypatch):
    def decode(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr(type(work.codec), "decode_frames", decode)
    code = (int(work.history.grid.indices[0, 3, 1]) + 1) % work.codec.codebook_size
    painted = perform(work, kind="paint", level=0, cells=[[3, 1]], code=code, heard=False)
    assert (painted["codes"], painted["flac"]) == ([code], None)
    assert painted["can_undo"]
    for kind in ("undo", "redo", "reset"):
        answer = perform(work, kind=kind, heard=False)
        assert answer["flac"] is None
        assert answer["codes"]
        assert answer["stale"]


def test_what_was_not_heard_is_decoded_when_it_is_asked_for(work):
    before, _ = work.piece_now(0)
    code = (int(work.history.grid.indices[0, 3, 1]) + 1) % work.codec.codebook_size
    answer = perform(work, kind="paint", level=0, cells=[[3, 1]], code=code, heard=False)
    after, version = work.piece_now(0)
    changed = np.flatnonzero(before != after)
    assert version == answer["version"]
    assert answer["stale"][0][0] <= changed[0]
    assert changed[-1] < answer["stale"][-1][1]
    assert np.array_equal(after, work.codec.decode(work.history.grid)[: len(after)])


def test_whether_an_edit_is_heard_is_true_or_false_and_nothing_else(work):
    for wrong in (0, 1, "false", None, []):
        with pytest.raises(GridError, match="'heard' must be true or false"):
            perform(work, kind="undo", heard=wrong)
