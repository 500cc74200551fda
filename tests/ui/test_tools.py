"""What a page or a script may ask of the grid, by name, and what it is told when it asks for nonsense."""

import threading

import numpy as np
import pytest
import torch

from distill.audio import Clip
from distill.codes import edits
from distill.errors import GridError
from distill.ui.edit import perform
from distill.ui.tools import TOOLS, Request, apply
from distill.ui.work import Work

REGION = {"levels": [0, 2], "rows": [1, 3], "columns": [2, 4]}
ONE_LEVEL = REGION | {"levels": [1, 1]}


@pytest.fixture
def work(codec, drums):
    return Work.begin(codec, drums)


@pytest.fixture
def second(codec, drone):
    return Work.begin(codec, drone)


def arguments(kind):
    return {
        "paint": {"level": 0, "code": 9, "cells": [[0, 0], [1, 1], [7, 13]]},
        "set": ONE_LEVEL | {"code": 5},
        "paste": {"level": 1, "row": 2, "column": 3, "codes": [[[1, 2], [3, 4]]]},
        "clear": REGION,
        "move": REGION | {"row": 4, "column": 6},
        "repeat": REGION | {"times": 2},
        "reverse": REGION,
        "shift": REGION | {"by_rows": 1, "by_columns": -1},
        "similar": ONE_LEVEL | {"rank": 2},
        "random": ONE_LEVEL | {"among": 4, "seed": 1},
        "replace": {"level": 0, "code": 3, "replacement": 4},
        "blend": REGION | {"amount": 0.5, "second": "second"},
        "swap": REGION | {"second": "second"},
    }[kind]


@pytest.mark.parametrize("kind", TOOLS)
def test_every_tool_edits_says_so_in_words_and_is_undone_exactly(work, second, kind):
    original, sound = work.history.grid, work.reconstruction.copy()
    if kind == "replace":
        asked = arguments(kind) | {"code": int(original.indices[0, 0, 0]), "replacement": 0}
        asked["replacement"] = (asked["code"] + 1) % 64
    else:
        asked = arguments(kind)
    done = perform(work, asked | {"kind": kind}, lambda secret: second)
    edited = work.history.grid
    assert edited != original
    assert np.array_equal(original.indices.flat[done["positions"]] != done["codes"], [True] * len(done["codes"]))
    assert np.array_equal(edited.indices.flat[done["positions"]], done["codes"])
    assert len(done["history"]) == 1
    assert len(done["history"][0]) > 15
    assert done["flac"]
    assert (done["can_undo"], done["can_redo"]) == (True, False)
    changed = work.edited.copy()
    undone = perform(work, {"kind": "undo"}, None)
    assert work.history.grid == original
    assert np.array_equal(work.edited, sound)
    assert (undone["can_undo"], undone["can_redo"]) == (False, True)
    perform(work, {"kind": "redo"}, None)
    assert work.history.grid == edited
    assert np.array_equal(work.edited, changed)


@pytest.mark.parametrize("kind", TOOLS)
def test_a_clip_of_one_column_can_be_edited_with_every_tool(codec, drums, second, kind):
    work = Work.begin(codec, Clip("short.wav", drums.waveform[:1400]))
    assert work.history.grid.columns == 1
    region = {"rows": [0, 7], "columns": [0, 0]}
    asked = arguments(kind) | {name: value for name, value in region.items() if name in arguments(kind)}
    asked |= {"cells": [[0, 0], [7, 0]]} if kind == "paint" else {}
    asked |= {"column": 0} if "column" in asked else {}
    perform(work, asked | {"kind": kind}, lambda secret: second)
    sound = work.edited
    assert len(sound) == work.history.grid.num_frames * 512
    assert np.isfinite(sound).all()


def test_a_region_is_given_by_its_first_and_last_place(work):
    before = work.history.grid
    edited = apply(work, "set", Request(ONE_LEVEL | {"code": 5}, None)).grid
    assert edited == edits.set_codes(before, level=1, rows=slice(1, 4), columns=slice(2, 5), code=5)


def test_a_swap_changes_both_clips_and_each_is_undone_for_itself(work, second):
    mine, theirs = work.history.grid, second.history.grid
    perform(work, REGION | {"kind": "swap", "second": "x"}, lambda secret: second)
    assert np.array_equal(work.history.grid.indices[:, 1:4, 2:5], theirs.indices[:, 1:4, 2:5])
    assert np.array_equal(second.history.grid.indices[:, 1:4, 2:5], mine.indices[:, 1:4, 2:5])
    second.undo()
    assert second.history.grid == theirs
    assert work.history.grid != mine


def test_clearing_all_levels_is_quieter_than_clearing_one(work):
    whole = {"rows": [0, 7], "columns": [0, 13]}
    perform(work, whole | {"kind": "clear", "levels": [0, 2]}, None)
    assert np.abs(work.edited).max() < 0.5 * np.abs(work.reconstruction).max()


def test_revert_brings_back_the_very_sound_and_can_be_undone(work):
    sound = work.reconstruction.copy()
    perform(work, {"kind": "reverse"} | REGION, None)
    perform(work, {"kind": "set", "code": 1} | ONE_LEVEL, None)
    edited = work.edited.copy()
    assert not np.array_equal(edited, sound)
    reverted = perform(work, {"kind": "reset"}, None)
    assert np.array_equal(work.edited, sound)
    assert reverted["history"][-1] == "Back to the original"
    perform(work, {"kind": "undo"}, None)
    assert np.array_equal(work.edited, edited)


def test_edits_from_long_ago_are_undone_by_decoding_them_again(work, monkeypatch):
    monkeypatch.setattr("distill.ui.edited.KEPT_SAMPLES", 2 * 60 * 512)
    original = work.history.grid
    for code in range(5):
        perform(work, {"kind": "paint", "level": 0, "code": code, "cells": [[0, 2 * code]]}, None)
    for _ in range(5):
        perform(work, {"kind": "undo"}, None)
    assert work.history.grid == original
    assert not work.history.can_undo
    heard, expected = (work.codec.log_mel(torch.from_numpy(w)[None]) for w in (work.edited, work.reconstruction))
    assert (heard - expected).abs().mean() < 0.1


def test_the_samples_that_are_kept_for_undoing_are_bounded(work, monkeypatch):
    monkeypatch.setattr("distill.ui.edited.KEPT_SAMPLES", 100_000)
    for code in range(6):
        perform(work, {"kind": "set", "code": code} | ONE_LEVEL, None)
    for _ in range(6):
        perform(work, {"kind": "undo"}, None)
    for steps in (work._sound._done, work._sound._undone):
        assert sum(before.num_samples for before in steps if before) <= 100_000
    assert None in work._sound._undone


def test_revert_after_undoing_edits_from_long_ago_brings_back_the_very_sound(work, monkeypatch):
    monkeypatch.setattr("distill.ui.edited.KEPT_SAMPLES", 30_000)
    sound = work.reconstruction.copy()
    for column in (0, 4, 8, 12):
        perform(work, {"kind": "paint", "level": 0, "code": 7, "cells": [[1, column], [4, column]]}, None)
    for _ in range(3):
        perform(work, {"kind": "undo"}, None)
    perform(work, {"kind": "reset"}, None)
    assert np.array_equal(work.edited, sound)


def test_two_clips_swapped_with_each_other_at_once_do_not_wait_for_ever(work, second):
    works = {"one": work, "two": second}

    def swap(mine, other):
        for _ in range(10):
            perform(works[mine], REGION | {"kind": "swap", "second": other}, works.__getitem__)

    threads = [threading.Thread(target=swap, args=pair, daemon=True) for pair in (("one", "two"), ("two", "one"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)


def test_undo_without_an_edit_changes_nothing(work):
    answer = perform(work, {"kind": "undo"}, None)
    assert answer["positions"] == []
    assert answer["flac"] is None


def test_an_edit_that_changes_nothing_is_no_edit(work):
    code = int(work.history.grid.indices[0, 0, 0])
    answer = perform(work, {"kind": "paint", "level": 0, "code": code, "cells": [[0, 0]]}, None)
    assert answer["history"] == []


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (None, "needs a field 'kind'"),
        ("paint", "needs a field 'kind'"),
        ({"kind": "explode"}, "no tool named 'explode'"),
        ({"kind": ["paint"]}, "no tool named"),
        ({"kind": "paint"}, "needs a field"),
        ({"kind": "paint", "level": 0, "code": 64, "cells": [[0, 0]]}, "out of range"),
        ({"kind": "paint", "level": 0, "code": 1, "cells": [[8, 0]]}, "not in this grid"),
        ({"kind": "paint", "level": 0, "code": 1, "cells": []}, "whole numbers"),
        ({"kind": "paint", "level": 0, "code": 1, "cells": [[0, 0], [1]]}, "equal lengths"),
        ({"kind": "paint", "level": 0, "code": 1, "cells": [["0", "0"]]}, "whole numbers"),
        ({"kind": "paint", "level": True, "code": 1, "cells": [[0, 0]]}, "whole number"),
        ({"kind": "paint", "level": 0.5, "code": 1, "cells": [[0, 0]]}, "whole number"),
        ({"kind": "paint", "level": 10**400, "code": 1, "cells": [[0, 0]]}, "whole number"),
        ({"kind": "shift", "by_columns": float("inf")} | REGION, "whole number"),
        ({"kind": "set", "code": 1} | ONE_LEVEL | {"columns": [0, 10**400]}, "first and a last"),
        ({"kind": "blend", "amount": 10**400, "second": "x"} | REGION, "must be a number"),
        ({"kind": "paint", "level": float("nan"), "code": 1, "cells": [[0, 0]]}, "whole number"),
        ({"kind": "set", "code": 1} | REGION, "one level"),
        ({"kind": "set", "code": 1} | ONE_LEVEL | {"rows": [3, 1]}, "not in this grid"),
        ({"kind": "set", "code": 1} | ONE_LEVEL | {"rows": 3}, "first and a last"),
        ({"kind": "set", "code": 1} | ONE_LEVEL | {"columns": [0, 400]}, "not in this grid"),
        ({"kind": "similar", "rank": 64} | ONE_LEVEL, "0 to 63, got 64"),
        ({"kind": "similar", "rank": 1} | ONE_LEVEL | {"levels": [9, 9]}, "Level 9"),
        ({"kind": "blend", "amount": 2, "second": "x"} | REGION, "from 0 to 1"),
        ({"kind": "blend", "amount": "all", "second": "x"} | REGION, "must be a number"),
        ({"kind": "paste", "level": 0, "row": 0, "column": 0, "codes": "abc"}, "whole numbers"),
        ({"kind": "paste", "level": 0, "row": 0, "column": 0, "codes": [[[10**30]]]}, "whole numbers"),
    ],
)
def test_nonsense_is_refused_in_a_sentence_and_changes_nothing(work, second, asked, words, is_one_sentence):
    before = work.history.grid
    with pytest.raises(GridError, match=words) as refusal:
        perform(work, asked, lambda secret: second)
    assert is_one_sentence(refusal.value)
    assert work.history.grid == before


def test_an_edit_that_is_asked_for_twice_is_done_once(work):
    asked = {"kind": "shift", "id": "one", "by_columns": 1} | REGION
    first = perform(work, asked, None)
    assert perform(work, asked, None) == first
    assert len(work.history.labels) == 1
    perform(work, asked | {"id": "two"}, None)
    assert len(work.history.labels) == 2


def test_a_clip_cannot_be_swapped_with_itself(work):
    with pytest.raises(GridError, match="choose another"):
        perform(work, {"kind": "swap", "second": "x"} | REGION, lambda secret: work)


def test_the_codes_of_silence_are_heard_as_silence(codec):
    quiet = np.repeat(codec.quiet_codes[:, :, None], 20, axis=2)
    grid = codec.encode_mel(torch.zeros(128, 20 * 16)).with_indices(quiet)
    assert np.abs(codec.decode(grid)).max() < 0.05
