"""Edits of long clips: an edit decodes, returns and keeps only seconds of sound, and nothing is lost."""

import base64
import io
import json

import numpy as np
import pytest
import soundfile

from distill.audio import HOP_LENGTH, Clip
from distill.audio.vocoder import BLOCK_FRAMES, BLOCK_SAMPLES
from distill.codec.grid_decoder import DECODED_FRAMES
from distill.codes import edits
from distill.editing.calls import perform
from distill.editing.work import Work
from distill.errors import GridError
from distill.models.vqvae import STRIDE
from distill.settings import Settings
from tests.editing.tiling import tiled

BLOCK_COLUMNS = BLOCK_FRAMES // STRIDE
LAST_COLUMN = 2 * BLOCK_COLUMNS + 11
WIDEST_COLUMNS = DECODED_FRAMES // STRIDE + 4
"""Largest width of one pass of the decoder, in columns."""
PIECE_COLUMNS = 1.5 * BLOCK_COLUMNS
"""Columns that are decoded for one piece of 12 s, with what lies around it."""
CELL_COLUMNS = 2 * WIDEST_COLUMNS
"""Columns that are decoded for one cell: at most two blocks."""
ALL = {"levels": [0, 0], "rows": [0, 7]}


@pytest.fixture(scope="module")
def three_pieces(codec, grid):
    work = Work.opened(codec, "three pieces", tiled(codec, grid, LAST_COLUMN + 1))
    work.decode()
    return work


@pytest.fixture
def three(three_pieces):
    """A decoded work of three pieces; the last piece is short."""
    return three_pieces.fresh()


def paint(*cells, code=7):
    return {"kind": "paint", "level": 0, "code": code, "cells": [list(cell) for cell in cells]}


def fill(work, code=5):
    return {"kind": "set", "code": code, "columns": [0, work.history.grid.columns - 1]} | ALL


def pieces(work):
    return np.concatenate([work.piece_now(number)[0] for number in range(work.num_pieces)])


def heard(answer):
    return soundfile.read(io.BytesIO(base64.b64decode(answer["flac"])), dtype="float32")[0]


def log_mel_error(work):
    """The log-mel error of the sound against the grid, after the edits and before them."""
    codec = work.codec
    now = codec.log_mel_of(Clip("now", work.edited)) - codec.decode_mel(work.history.grid)
    before = codec.log_mel_of(Clip("before", work.reconstruction)) - codec.decode_mel(work.history.original)
    return now.abs().mean().item(), before.abs().mean().item()


def test_a_grid_of_ten_minutes_is_opened_without_decoding_any_of_it(codec, grid, widths):
    work = Work.opened(codec, "ten minutes", tiled(codec, grid, 3230))
    assert work.key == Work.opened(codec, "ten minutes", tiled(codec, grid, 3230)).key
    assert work.seconds == pytest.approx(600, abs=1)
    assert widths == []
    assert work.num_bytes < 2_000_000


def test_the_first_piece_of_ten_minutes_decodes_one_piece(long, widths):
    assert len(long.piece(0, 0)) == len(long.piece(3, 0)) == len(long.piece_now(0)[0]) == BLOCK_SAMPLES
    assert sum(widths) < PIECE_COLUMNS
    assert max(widths) <= WIDEST_COLUMNS
    assert long.num_bytes < 2_000_000 + 4 * BLOCK_SAMPLES


def test_the_spectrogram_of_a_grid_that_came_without_its_clip_is_drawn_without_its_sound(three, codec, widths):
    work = Work.opened(codec, "three pieces", three.history.grid)
    shares = []
    original, layers = work.draw(shares.append)
    assert shares == sorted(shares)
    assert len(shares) >= 3 * 3
    assert sum(widths) < 3 * 1.4 * work.history.grid.columns  # the original is the sound of all levels
    assert max(widths) <= WIDEST_COLUMNS
    assert np.abs(original - codec.decode_mel(three.history.grid).numpy()).max() < 1e-5
    assert layers[-1].mel_l1 < 1e-5
    assert not work.is_decoded


def test_filling_a_level_of_ten_minutes_decodes_and_answers_a_piece(long, widths):
    answer = perform(long, fill(long), None)
    assert len(json.dumps(answer)) < 2_000_000
    assert answer["positions"] is None
    indices = np.frombuffer(base64.b64decode(answer["indices"]), "<u2").reshape(3, 8, -1)
    assert np.array_equal(indices, long.history.grid.indices)
    assert (indices[0] == 5).all()
    assert sum(widths) < PIECE_COLUMNS
    assert max(widths) <= WIDEST_COLUMNS
    assert 0 < len(heard(answer)) <= BLOCK_SAMPLES
    (stale,) = answer["stale"]
    assert list(stale) == [answer["start"] + len(heard(answer)), long.num_samples]
    widths.clear()
    long.piece_now(0)[0]
    assert widths == []


def test_the_pieces_of_a_filled_level_make_its_sound(three, widths):
    perform(three, fill(three), None)
    sound = pieces(three)
    assert max(widths) <= WIDEST_COLUMNS
    widths.clear()
    assert np.array_equal(three.edited, sound)
    assert widths == []  # all of it was decoded already
    now, before = log_mel_error(three)
    assert now < before + 0.1
    jumps = np.abs(np.diff(sound))
    assert jumps[BLOCK_SAMPLES - 1] <= jumps[BLOCK_SAMPLES - 500 : BLOCK_SAMPLES + 500].max()


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1)])
def test_a_piece_that_was_handed_out_stays_as_it_is_until_the_next_edit(three, order):
    perform(three, fill(three), None)
    given = {number: three.piece_now(number)[0].copy() for number in order}
    for number in order:
        assert np.array_equal(three.piece_now(number)[0], given[number])
    now, before = log_mel_error(three)
    assert now < before + 0.1


def test_undoing_a_fill_of_ten_minutes_decodes_nothing_and_brings_back_the_very_sound(long, widths):
    first = long.piece(3, 0).copy()
    perform(long, fill(long), None)
    widths.clear()
    answer = perform(long, {"kind": "undo"}, None)
    assert widths == []
    assert long.history.grid == long.history.original
    assert len(json.dumps(answer)) < 2_000_000
    assert np.array_equal(long.piece_now(0)[0], first)
    start = answer["start"]
    assert np.abs(heard(answer) - np.clip(first[start : start + len(heard(answer))], -1, 1)).max() < 1e-4


def test_a_fill_that_was_heard_is_undone_and_done_again_exactly(three):
    before = three.edited.copy()
    perform(three, paint((3, 10), (3, 100)), None)
    painted = three.edited.copy()
    perform(three, fill(three, 9), None)
    filled = three.edited.copy()
    perform(three, {"kind": "undo"}, None)
    assert np.array_equal(three.edited, painted)
    perform(three, {"kind": "undo"}, None)
    assert np.array_equal(three.edited, before)
    perform(three, {"kind": "redo"}, None)
    assert np.array_equal(three.edited, painted)
    perform(three, {"kind": "redo"}, None)
    assert np.array_equal(three.edited, filled)


def test_listening_between_undo_and_redo_changes_neither_sound(three):
    perform(three, fill(three), None)
    perform(three, fill(three, 9), None)  # only the start of the first fill was decoded
    second = three.edited.copy()
    perform(three, {"kind": "undo"}, None)
    first = three.edited.copy()  # now all of it is decoded
    perform(three, {"kind": "redo"}, None)
    assert np.array_equal(three.edited, second)
    perform(three, {"kind": "undo"}, None)
    assert np.array_equal(three.edited, first)
    now, before = log_mel_error(three)
    assert now < before + 0.1


def test_one_cell_at_each_end_decodes_only_what_two_cells_change(three, codec, widths):
    last = three.history.grid.columns - 1
    before = three.edited.copy()
    answer = perform(three, paint((3, 0), (3, last)), None)
    assert sum(widths) <= CELL_COLUMNS
    (stale,) = answer["stale"]
    width = codec.heard_frames(three.history.grid, slice(0, 1)).stop * HOP_LENGTH
    assert len(heard(answer)) == width
    assert stale[0] > three.num_samples - 2 * width
    widths.clear()
    sound = pieces(three)
    assert sum(widths) <= CELL_COLUMNS
    assert np.abs(sound - before)[-STRIDE * HOP_LENGTH :].max() > 1e-4
    assert np.array_equal(sound[width : stale[0]], before[width : stale[0]])


def test_an_edit_of_a_part_that_is_not_decoded_yet_is_heard_at_once(three, codec, widths):
    work = Work.opened(codec, "again", tiled(codec, three.history.original, 3230))
    code = (int(work.history.grid.indices[0, 3, 3000]) + 1) % 64
    answer = perform(work, paint((3, 3000), code=code), None)
    assert sum(widths) <= CELL_COLUMNS
    assert answer["positions"] == [3 * 3230 + 3000]
    assert answer["stale"] == []
    assert answer["start"] < 3000 * STRIDE * HOP_LENGTH < answer["start"] + len(heard(answer))
    widths.clear()
    number = 3000 // BLOCK_COLUMNS
    work.piece_now(number)
    assert sum(widths) < 2 * PIECE_COLUMNS  # and none of the pieces before it


@pytest.mark.parametrize("column", [0, 5, BLOCK_COLUMNS - 1, BLOCK_COLUMNS, LAST_COLUMN])
def test_one_cell_sounds_as_the_codec_decodes_it(three, codec, column):
    before, answer = three.edited.copy(), perform(three, paint((3, column)), None)
    assert answer["stale"] == []
    patch = codec.decode_region(three.history.grid, columns=column)
    assert answer["start"] == patch.start
    assert np.array_equal(three.edited, patch.apply(before))
    assert np.array_equal(pieces(three), patch.apply(before))


def test_an_edit_of_one_piece_copies_no_more_of_the_sound(three):
    bare = three.num_bytes
    perform(three, paint((3, 5)), None)
    assert three.num_bytes < bare + 4 * BLOCK_SAMPLES + 1_000_000


def test_back_to_the_original_decodes_nothing_and_can_be_undone(three, widths):
    before = three.edited.copy()
    perform(three, paint((3, 5)), None)
    perform(three, paint((3, 100), code=8), None)
    edited = three.edited.copy()
    widths.clear()
    answer = perform(three, {"kind": "reset"}, None)
    assert widths == []
    assert np.array_equal(three.edited, before)
    spans = [(answer["start"], answer["start"] + len(heard(answer))), *answer["stale"]]
    told = np.zeros(len(before), dtype=bool)
    for start, stop in spans:
        told[start:stop] = True
    assert told[edited != before].all()
    perform(three, {"kind": "undo"}, None)
    assert np.array_equal(three.edited, edited)


def test_all_that_an_edit_changes_is_in_its_answer_or_reported_as_stale(three):
    sound = three.edited.copy()
    random = np.random.default_rng(0)
    asked = [fill(three), paint((0, 3), (1, 90), (7, 130)), {"kind": "undo"}, {"kind": "undo"}, {"kind": "redo"}]
    for step in [*asked, paint((2, 60), code=1), {"kind": "reset"}, {"kind": "undo"}]:
        answer = perform(three, step, None)
        if answer["flac"]:
            patch = heard(answer)
            sound[answer["start"] : answer["start"] + len(patch)] = patch
        spans = [range(start // BLOCK_SAMPLES, 1 + (stop - 1) // BLOCK_SAMPLES) for start, stop in answer["stale"]]
        stale = sorted({min(number, 2) for span in spans for number in span})
        for number in random.permutation(stale):
            piece = three.piece_now(int(number))[0]
            sound[number * BLOCK_SAMPLES : number * BLOCK_SAMPLES + len(piece)] = piece
        assert np.abs(sound - np.clip(three.edited, -1, 1)).max() < 1e-3 or np.abs(three.edited).max() > 1


def test_a_swap_reports_stale_spans_of_the_other_clip_and_decodes_none_of_it(three, codec, drone, widths):
    second = Work.begin(codec, drone)
    region = {"levels": [0, 2], "rows": [0, 7], "columns": [0, 9]}
    answer = perform(three, {"kind": "swap", "second": "x"} | region, lambda secret: second)
    assert answer["second"]["work"] == second.secret
    ((start, stop),) = answer["second"]["stale"]
    assert start == 0
    assert stop > 10 * STRIDE * HOP_LENGTH
    assert not second.is_decoded
    assert sum(widths) < 20
    sound = second.edited
    assert np.abs(sound - second.reconstruction)[:stop].max() > 1e-3
    assert np.array_equal(sound[stop:], second.reconstruction[stop:])


def test_progress_is_told_while_missing_sound_is_decoded(three, codec):
    work = Work.opened(codec, "again", three.history.original)
    perform(work, fill(work), None)
    shares = []
    work.snapshot(shares.append)
    assert len(shares) >= 3
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_no_lock_is_held_while_progress_is_told(three, codec):
    work, taken = Work.opened(codec, "again", three.history.original), []
    perform(work, fill(work), None)

    def others_turn(share):
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as thread:
            taken.append(thread.submit(lambda: work.lock.acquire(blocking=False) and not work.lock.release()).result())

    work.snapshot(others_turn)
    work.draw(others_turn)
    assert len(taken) > 5
    assert all(taken)


def test_what_is_kept_does_not_grow_with_the_number_of_edits(three):
    perform(three, fill(three), None)
    pieces(three)
    once = three.num_bytes - three.history.num_bytes
    for code in range(6, 12):
        perform(three, fill(three, code), None)
        pieces(three)
    assert three.num_bytes - three.history.num_bytes == pytest.approx(once, abs=1_000_000)


def test_a_released_work_decodes_its_edits_again_and_reports_them_as_stale(three):
    perform(three, fill(three), None)
    heard_before = three.edited.copy()
    held = three.num_bytes
    assert three.release() > 3 * len(heard_before)
    assert three.num_bytes < held / 2
    answer = perform(three, paint((3, 5), code=9), None)
    assert answer["stale"][0][0] == 0 or answer["start"] == 0
    assert answer["stale"][-1][1] == three.num_samples
    assert len(three.edited) == len(heard_before)
    now, before = log_mel_error(three)
    assert now < before + 0.1


@pytest.mark.parametrize("kind", ["paint", "paste"])
def test_an_edit_that_names_too_many_cells_is_refused_before_any_is_looked_at(long, kind, is_one_sentence):
    asked = {
        "paint": {"level": 0, "code": 1, "cells": [[0, 0]] * 4097},
        "paste": {"level": 0, "row": 0, "column": 0, "codes": [[[1] * 513] * 8]},
    }[kind]
    before = long.history.grid
    with pytest.raises(GridError, match="up to 4096 cells") as refusal:
        perform(long, asked | {"kind": kind}, None)
    assert is_one_sentence(refusal.value)
    with pytest.raises(GridError, match="up to 10 cells"):
        perform(long, asked | {"kind": kind}, None, Settings(edit_cells=10))
    with pytest.raises(GridError):
        perform(long, asked | {"kind": kind, "cells": [[]] * 59_000, "codes": [[]] * 59_000}, None)
    assert long.history.grid == before


def test_an_edit_of_as_many_cells_as_one_may_name_is_answered_cell_by_cell(long):
    cells = [[row, column] for column in range(512) for row in range(8)]
    answer = perform(long, {"kind": "paint", "level": 0, "code": 1, "cells": cells}, None)
    assert 4000 < len(answer["positions"]) <= 4096
    assert len(answer["codes"]) == len(answer["positions"])
    assert "indices" not in answer


def test_edits_of_regions_that_hold_more_cells_than_one_may_name_are_made(long):
    expected = edits.reverse_codes(long.history.grid, rows=slice(None), columns=slice(None))
    answer = perform(long, {"kind": "reverse", "levels": [0, 2], "rows": [0, 7], "columns": [0, 3229]}, None)
    assert long.history.grid == expected
    assert answer["positions"] is None


def test_an_undo_with_a_gesture_takes_back_that_edit_and_no_later_one(three):
    take = fill(three) | {"gesture": "take"}
    perform(three, take, None)
    perform(three, {"kind": "undo", "gesture": "take"}, None)
    assert three.history.grid == three.history.original
    perform(three, take, None)
    perform(three, paint((0, 3), code=1), None)
    edited = three.history.grid
    with pytest.raises(GridError, match="edited since"):
        perform(three, {"kind": "undo", "gesture": "take"}, None)
    assert three.history.grid == edited
