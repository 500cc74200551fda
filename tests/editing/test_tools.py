"""Requests of a page or a script to the grid, by name, and the refusals of invalid requests."""

import json
import threading

import numpy as np
import pytest
import torch

from distill.audio import Clip
from distill.codes import CodeGrid, edits
from distill.editing import requests
from distill.editing.calls import perform
from distill.editing.work import Work
from distill.errors import GoneError, GridError
from tests.waiting import PATIENCE

REGION = {"levels": [0, 2], "rows": [1, 3], "columns": [2, 4]}
ONE_LEVEL = REGION | {"levels": [1, 1]}


@pytest.fixture
def second(codec, drone):
    return Work.begin(codec, drone)


def nested(depth):
    inner = []
    for _ in range(depth):
        inner = [inner]
    return inner


def arguments(kind):
    return {
        "paint": {"level": 0, "code": 9, "cells": [[0, 0], [1, 1], [7, 13]]},
        "set": ONE_LEVEL | {"code": 5},
        "paste": {"level": 1, "row": 2, "column": 3, "codes": [[[1, 2], [3, 4]]]},
        "clear": REGION,
        "move": REGION | {"row": 4, "column": 6},
        "play": {"notes": [[0, 1, 2, 9], [2, 3, 4, 8]]},
        "repeat": REGION | {"times": 2},
        "reverse": REGION,
        "shift": REGION | {"by_rows": 1, "by_columns": -1},
        "similar": ONE_LEVEL | {"rank": 2},
        "random": ONE_LEVEL | {"among": 4, "seed": 1},
        "replace": {"level": 0, "code": 3, "replacement": 4},
        "blend": REGION | {"amount": 0.5, "second": "second"},
        "slide": REGION | {"loudness": 1},
        "swap": REGION | {"second": "second"},
        "cross": {"second": "second"},
        "vary": REGION | {"amount": 0.75, "seed": 1},
        "fill": REGION | {"temperature": 1.5, "loop": True},
        "continue": REGION | {"side": "left", "top_p": 0.9},
        "mix": REGION | {"gain": 0.5},
    }[kind]


@pytest.mark.parametrize("kind", ["blend", "swap", "cross"])
def test_an_edit_without_its_second_clip_is_refused_and_does_not_count_the_open_clip_as_gone(work, kind):
    def find(secret):
        raise GoneError("This clip is no longer open.")

    with pytest.raises(GridError, match="second clip is no longer open here; choose it again") as refusal:
        perform(work, arguments(kind) | {"kind": kind}, find)
    assert not isinstance(refusal.value, GoneError)
    assert not work.is_edited


@pytest.mark.parametrize("kind", requests.GRID_KINDS)
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
    assert np.array_equal(original.cells[done["positions"]] != done["codes"], [True] * len(done["codes"]))
    assert np.array_equal(edited.cells[done["positions"]], done["codes"])
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


@pytest.mark.parametrize("kind", requests.GRID_KINDS)
def test_every_tool_edits_shorter_columns(fine_codec, kind):
    stride, random = fine_codec.time_stride, np.random.default_rng(0)
    work, second = (
        Work.opened(
            fine_codec,
            name,
            CodeGrid(random.integers(16, size=(3, 8, 20)), 20 * stride, fine_codec.model_id, 16, time_stride=stride),
        )
        for name in ("first", "second")
    )
    asked = arguments(kind) | {"kind": kind}
    if kind == "replace":
        code = int(work.history.grid.indices[0, 0, 0])
        asked |= {"code": code, "replacement": (code + 1) % 16}
    done = perform(work, asked, lambda secret: second)
    edited = work.history.grid
    assert edited.time_stride == stride
    assert np.array_equal(edited.cells[done["positions"]], done["codes"])
    if "columns" in asked:
        (first, last), each = asked["columns"], fine_codec.column_seconds
        assert f"{first * each:.2f} to {(last + 1) * each:.2f} s" in done["history"][0]
    assert np.abs(work.edited - fine_codec.decode(edited)).max() < 1e-4


@pytest.mark.parametrize("kind", requests.GRID_KINDS)
def test_a_clip_of_one_column_can_be_edited_with_every_tool(codec, drums, second, kind):
    work = Work.begin(codec, Clip("short.wav", drums.waveform[:1400]))
    assert work.history.grid.columns == 1
    region = {"rows": [0, 7], "columns": [0, 0]}
    asked = arguments(kind) | {name: value for name, value in region.items() if name in arguments(kind)}
    asked |= {"cells": [[0, 0], [7, 0]]} if kind == "paint" else {}
    asked |= {"notes": [[0, 0, 0, 9], [2, 7, 0, 8]]} if kind == "play" else {}
    asked |= {"column": 0} if "column" in asked else {}
    perform(work, asked | {"kind": kind}, lambda secret: second)
    sound = work.edited
    assert len(sound) == 1400
    assert np.isfinite(sound).all()


def test_a_region_is_given_by_its_first_and_last_place(work):
    before = work.history.grid
    perform(work, {"kind": "set", "code": 5} | ONE_LEVEL, None)
    assert work.history.grid == edits.set_codes(before, level=1, rows=slice(1, 4), columns=slice(2, 5), code=5)


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


def test_reset_brings_back_the_very_sound_and_can_be_undone(work):
    sound = work.reconstruction.copy()
    perform(work, {"kind": "reverse"} | REGION, None)
    perform(work, {"kind": "set", "code": 1} | ONE_LEVEL, None)
    edited = work.edited.copy()
    assert not np.array_equal(edited, sound)
    reset = perform(work, {"kind": "reset"}, None)
    assert np.array_equal(work.edited, sound)
    assert reset["history"][-1] == "Reset to the original"
    perform(work, {"kind": "undo"}, None)
    assert np.array_equal(work.edited, edited)


def test_every_undo_brings_back_the_very_sound_and_keeps_no_samples_for_it(work):
    original, heard, held = work.history.grid, [work.edited.copy()], []
    for code in range(6):
        perform(work, {"kind": "paint", "level": 0, "code": code, "cells": [[0, 2 * code], [5, 1]]}, None)
        heard.append(work.edited.copy())
        held.append(work.num_bytes)
    assert held[-1] - held[0] <= work.history.num_bytes + heard[0].nbytes
    for sound in heard[-2::-1]:
        perform(work, {"kind": "undo"}, None)
        assert np.array_equal(work.edited, sound)
    assert work.history.grid == original
    assert not work.history.can_undo


def test_two_clips_swapped_with_each_other_at_once_do_not_wait_for_ever(work, second):
    works = {"one": work, "two": second}

    def swap(mine, other):
        for _ in range(10):
            perform(works[mine], REGION | {"kind": "swap", "second": other}, works.__getitem__)

    threads = [threading.Thread(target=swap, args=pair, daemon=True) for pair in (("one", "two"), ("two", "one"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
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
        ({"kind": "explode"}, "no edit named 'explode'"),
        ({"kind": ["paint"]}, "no edit named"),
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
        ({"kind": "paste", "level": 0, "row": 0, "column": 0, "codes": [[[1, 2], [3]]]}, "equal lengths"),
        ({"kind": "set", "code": 1} | ONE_LEVEL | {"columns": [False, True]}, "first and a last"),
        ({"kind": "set", "code": 10**5000} | ONE_LEVEL, "'code' must be a whole number"),
        ({"kind": "blend", "amount": float("nan"), "second": "x"} | REGION, "must be a number"),
        ({"kind": "blend", "amount": True, "second": "x"} | REGION, "must be a number"),
        ({"kind": "blend", "amount": 1, "second": ["x"]} | REGION, "'second' must be text"),
        ({"kind": "undo", "id": 7}, "'id' must be text"),
        ({"kind": "shift", "by_column": 1} | REGION, "no field 'by_column'"),
        ({"kind": "reverse", "only": 5} | REGION, "'only' must be whole numbers"),
        ({"kind": "reverse", "only": [[0, "x"]]} | REGION, "'only' must be whole numbers"),
        ({"kind": "slide", "since": "x"} | REGION, "'since' must be a whole number"),
    ],
)
def test_nonsense_is_refused_in_a_sentence_and_changes_nothing(work, second, asked, words, is_one_sentence):
    before = work.history.grid
    with pytest.raises(GridError, match=words) as refusal:
        perform(work, asked, lambda secret: second)
    assert is_one_sentence(refusal.value)
    assert work.history.grid == before


@pytest.mark.parametrize("ends", [{"levels": [0, 3]}, {"rows": [6, 8]}, {"rows": [9, 9]}, {"columns": [-1, 2]}])
@pytest.mark.parametrize("kind", [kind for kind in requests.GRID_KINDS if "rows" in arguments(kind)])
def test_every_tool_refuses_a_region_outside_of_the_grid_in_a_sentence(work, second, kind, ends, is_one_sentence):
    asked = {"kind": kind} | arguments(kind) | ends
    with pytest.raises(GridError) as refusal:
        perform(work, asked, lambda secret: second)
    assert is_one_sentence(refusal.value)


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


@pytest.mark.parametrize("field", ["kind", "code", "columns", "second", "cells", "codes"])
def test_brackets_in_brackets_are_refused_in_a_sentence(work, field, is_one_sentence):
    kinds = {"kind": "set", "second": "swap", "cells": "paint", "codes": "paste", "notes": "play"}
    kind = kinds.get(field, "set")
    with pytest.raises(GridError) as refusal:
        perform(work, {"kind": kind} | arguments(kind) | {field: nested(100_000)}, None)
    assert is_one_sentence(refusal.value)


LABELS = {
    "paint": "painted code 9",
    "set": "set to code 5",
    "paste": "pasted",
    "clear": "cleared",
    "move": "moved to ",
    "play": "played",
    "repeat": "repeated 2 ×",
    "reverse": "reversed",
    "shift": "shifted -1 steps in time, +1 bands",
    "similar": "replaced by similar codes (rank 2)",
    "random": "replaced by random codes of the 4 nearest",
    "replace": "code 3 replaced by 4",
    "blend": "blended with 50 % of ",
    "slide": "100 % louder",
    "swap": "swapped with ",
    "cross": "played by the sounds of ",
    "vary": "varied, 75 %",
    "fill": "filled",
    "continue": "continued to the left",
    "mix": "fader at 50 %",
}


@pytest.mark.parametrize("kind", requests.GRID_KINDS)
def test_an_edit_has_one_name_in_the_call_in_the_codes_and_in_the_history(work, second, kind):
    if kind not in ("vary", "fill", "continue", "cross"):  # drawn by a prior, which knows more than codes
        assert callable(getattr(edits, f"{kind}_codes"))
    indices = work.history.grid.indices.copy()
    indices[0, 0, 0] = 3
    work.do("a code to replace", work.history.grid.with_indices(indices))
    answer = perform(work, arguments(kind) | {"kind": kind}, lambda secret: second)
    assert f": {LABELS[kind]}" in answer["history"][-1]
    if kind == "swap":
        (label,) = second.history.labels
        assert label.startswith("All levels, 0.37 to 0.93 s")
        assert label.endswith(f": swapped with {work.name}")


@pytest.mark.parametrize("kind", requests.GRID_KINDS)
def test_an_edit_of_some_cells_leaves_all_others_in_both_clips(work, second, kind):
    asked = arguments(kind) | {"kind": kind, "only": [[2, 3], [3, 4]]}
    if "only" not in requests.KINDS[kind].model_fields:
        return
    if kind == "paste":
        asked |= {"row": 2, "column": 3}
    grid, other = work.history.grid, second.history.grid
    perform(work, asked, lambda secret: second)
    moved = {"move": {(5, 7), (6, 8)}, "repeat": {(2, 6), (3, 7), (2, 9), (3, 10)}}.get(kind, set())
    meant = {(2, 3), (3, 4)} | moved
    if kind in ("reverse", "shift"):
        meant = {(row, column) for row in range(1, 4) for column in range(2, 5)}
    cells = (each.cells.reshape(-1, *grid.indices.shape[1:]) for each in (work.history.grid, grid))
    changed = {tuple(cell) for cell in np.argwhere(np.not_equal(*cells).any(axis=0)).tolist()}
    assert changed
    assert changed <= meant
    assert {tuple(cell) for cell in np.argwhere((second.history.grid.indices != other.indices).any(axis=0))} <= meant


def test_whole_floats_are_whole_numbers(work):
    perform(work, {"kind": "set", "code": 5.0, "levels": [1.0, 1], "rows": [1, 3.0], "columns": [2, 4]}, None)
    assert work.history.grid.indices[1, 1, 2] == 5


def test_the_schema_describes_every_kind_of_edit_and_each_of_its_fields():
    schema = requests.edit_schema()
    assert set(schema["discriminator"]["mapping"]) == set(requests.KINDS)
    for name, record in schema["$defs"].items():
        assert record["description"].endswith("."), name
        assert not record["additionalProperties"]
        assert {"work", "id"}.isdisjoint(record["properties"])
        for field, described in record["properties"].items():
            assert field == "kind" or described["description"].endswith("."), (name, field)
    for kind in requests.GRID_KINDS:
        record = schema["$defs"][requests.KINDS[kind].__name__]
        assert set(arguments(kind)) <= set(record["properties"])
        assert set(record["required"]) - {"kind"} <= set(arguments(kind))
    json.dumps(schema)
