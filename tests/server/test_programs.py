"""The calls of programs: what they answer, what they refuse, and that nothing of them stays."""

import asyncio
import base64
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from distill.audio import SAMPLE_RATE, load_clip
from distill.codec import Codec
from distill.codes import CodeGrid, edits
from distill.editing.requests import GRID_KINDS
from distill.errors import DistillError
from distill.server.askers import Asker
from distill.server.programs import Programs
from distill.server.server import Server
from distill.server.storage import new_anyone
from distill.settings import Settings

ASKER = Asker("", "192.0.2.1", "a call")
REGION = {"levels": [0, 2], "rows": [0, 7], "columns": [1, 3]}


def run(coroutine):
    """The result of a coroutine, in a thread of its own: the browser's tests keep a loop in the main thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@pytest.fixture(scope="module")
def server(examples, tmp_path_factory):
    server = Server.start(Settings(folder=tmp_path_factory.mktemp("programs")), examples)
    yield server
    server.close()


@pytest.fixture
def call(server):
    """A function that carries out a call of a program from an address, under changed limits."""

    def call(name, sent, asker=ASKER, **limits):
        programs = Programs(replace(server, settings=replace(server.settings, **limits)))
        return run(programs.answer(name, sent, asker))

    return call


@pytest.fixture
def upload(server):
    """A function that puts a file where an upload of a sender is put."""

    def upload(path, owner=""):
        folder = server.storage.files / (owner or new_anyone()) / "upload" / "0"
        folder.mkdir(parents=True)
        return shutil.copy(path, folder)

    return upload


@pytest.fixture
def encoded(codec, clip_path):
    return codec.encode_clip(load_clip(clip_path))


def test_a_sound_is_encoded_as_the_codec_does_and_its_upload_is_deleted(server, call, upload, clip_path, encoded):
    path = upload(clip_path)
    answer = call("encode", {"file": {"path": path}})
    assert CodeGrid.from_dict(answer["grid"]) == encoded
    assert answer["facts"]["columns"] == encoded.columns
    assert answer["facts"]["codec"]["model_id"] == encoded.model_id
    assert call("encode", {"file": upload(clip_path), "as_text": True})["grid"] == encoded.to_text()
    with pytest.raises(DistillError, match="upload it again"):
        call("encode", {"file": {"path": path}})
    assert server.visitors.owners == set()


def test_a_sound_can_come_in_the_call_itself(server, call, clip_path, encoded):
    url = "data:audio/wav;base64," + base64.b64encode(clip_path.read_bytes()).decode()
    assert call("encode", {"file": url, "as_text": True})["grid"] == encoded.to_text()
    assert not list(server.storage.unpacked.iterdir())


def test_a_grid_is_decoded_to_the_sound_of_the_codec(call, codec, encoded):
    for grid in (encoded.to_dict(), encoded.to_text()):
        sound, rate = soundfile.read(call("decode", {"grid": grid})["sound"], dtype="float32")
        assert rate == SAMPLE_RATE
        assert np.abs(sound - codec.decode(encoded)).max() < 1e-3


def test_edits_are_made_one_after_another(call, codec, encoded):
    done = [{"kind": "reverse", **REGION}, {"kind": "set", "code": 5, **REGION | {"levels": [1, 1]}}]
    answer = call("edit_grid", {"grid": encoded.to_dict(), "edits": done, "sound": True})
    columns = slice(1, 4)
    expected = edits.reverse_codes(encoded, levels=slice(0, 3), rows=slice(0, 8), columns=columns)
    expected = edits.set_codes(expected, level=1, rows=slice(0, 8), columns=columns, code=5)
    assert CodeGrid.from_dict(answer["grid"]) == expected
    assert [words.rpartition(": ")[2] for words in answer["history"]] == ["reversed", "set to code 5"]
    sound = codec.decode(expected)
    sound /= max(1, np.abs(sound).max())  # a file is never louder than full scale
    assert np.abs(soundfile.read(answer["sound"])[0] - sound).max() < 1e-3
    as_text = call("edit_grid", {"grid": encoded.to_text(), "edits": done})
    assert (as_text["grid"], as_text["sound"]) == (expected.to_text(), None)


def test_a_second_grid_is_blended_in(call, codec, drums, encoded):
    second = codec.encode_clip(drums)
    sent = {"grid": encoded.to_text(), "edits": [{"kind": "blend", "amount": 1, **REGION}]}
    answer = call("edit_grid", sent | {"second": second.to_text()})
    edited = CodeGrid.from_text(answer["grid"])
    assert np.array_equal(edited.indices[:, :, 1:4], second.indices[:, :, 1:4])
    with pytest.raises(DistillError, match="Edit 1 of 1: 'blend' needs a second grid"):
        call("edit_grid", sent)


def test_another_codec_can_be_given_and_used_again(call, upload, clip_path, other_codec_path):
    codec = {"path": upload(other_codec_path)}
    grid = call("encode", {"file": upload(clip_path), "codec": codec})["grid"]
    assert grid["model_id"] == Codec.load(other_codec_path).model_id
    assert call("decode", {"grid": grid, "codec": codec})["sound"]
    with pytest.raises(DistillError, match="made by another codec"):
        call("decode", {"grid": grid})


def test_every_edit_is_described_with_its_arguments(call, codec):
    facts = call("describe", {})["facts"]
    assert (facts["levels"], facts["codebook_size"], facts["rows"]) == (codec.num_levels, codec.codebook_size, 8)
    assert facts["row_hz"][-1][1] == SAMPLE_RATE // 2
    assert facts["column_seconds"] == codec.column_seconds
    assert set(facts["edits"]) == set(GRID_KINDS)
    assert facts["edits"]["shift"]["required"] == ["levels", "rows", "columns"]
    assert "by_columns" in facts["edits"]["shift"]["arguments"]


GRID = CodeGrid(np.zeros((3, 8, 4), dtype=int), 64, "c52599adadcd", 64)
AS_JSON = GRID.to_dict()
WRONG = [
    ("decode", {}, "grid"),
    ("decode", {"grid": None}, "'grid' must be"),
    ("decode", {"grid": 5}, "'grid' must be"),
    ("decode", {"grid": "hello"}, "not a grid"),
    ("decode", {"grid": {}}, "not a grid"),
    ("decode", {"grid": AS_JSON | {"indices": [[[0]]]}}, "do not fit"),
    ("decode", {"grid": AS_JSON | {"indices": [[[[0]]]]}}, "not a grid"),
    ("decode", {"grid": AS_JSON | {"indices": [[[0, 1], [0]]]}}, "not a grid"),
    ("decode", {"grid": AS_JSON | {"indices": np.full((3, 8, 4), 64).tolist()}}, "out of range"),
    ("decode", {"grid": AS_JSON | {"indices": np.full((3, 8, 4), -1).tolist()}}, "out of range"),
    ("decode", {"grid": AS_JSON | {"indices": np.zeros((2, 8, 4), int).tolist()}}, "another codec"),
    ("decode", {"grid": AS_JSON | {"model_id": "000000000000"}}, "another codec"),
    ("decode", {"grid": AS_JSON | {"num_frames": 10**9}}, "columns"),
    ("decode", {"grid": CodeGrid(np.zeros((3, 8, 700), int), 700 * 16, GRID.model_id, 64).to_text()}, "646 columns"),
    ("decode", {"grid": AS_JSON, "levels": 2}, "no field 'levels'"),
    ("decode", [AS_JSON], "grid"),
    ("encode", {"file": 1}, "'file' must be"),
    ("encode", {"file": {"path": 1}}, "'file' must be"),
    ("encode", {"file": "/etc/passwd"}, "not among your uploads"),
    ("encode", {"file": "http://192.0.2.1/a.wav"}, "not among your uploads"),
    ("encode", {"file": "\0"}, "not among your uploads"),
    ("encode", {"file": "data:audio/wav;base64,!"}, "no data URL"),
    ("encode", {"file": "data:,hello"}, "no data URL"),
    ("encode", {"file": "data:audio/wav;base64,aGVsbG8="}, "file"),
    ("encode", {"file": "x", "as_text": 1}, "true or false"),
    ("describe", {"codec": "data:;base64,aGVsbG8="}, "file"),
    ("edit_grid", {"grid": AS_JSON, "edits": []}, "'edits' must be"),
    ("edit_grid", {"grid": AS_JSON, "edits": {}}, "'edits' must be"),
    ("edit_grid", {"grid": AS_JSON, "edits": [1] * 100_000}, "'edits' must be"),
    ("edit_grid", {"grid": AS_JSON, "edits": [{"kind": "clear", **REGION}] * 65}, "up to 64 edits"),
    ("edit_grid", {"grid": AS_JSON, "edits": [{}]}, "Edit 1 of 1: There is no edit named None"),
    ("edit_grid", {"grid": AS_JSON, "edits": [{"kind": ["set"]}]}, "no edit named"),
    ("edit_grid", {"grid": AS_JSON, "edits": [{"kind": "undo"}]}, "no edit named 'undo'"),
    ("edit_grid", {"grid": AS_JSON, "edits": [{"kind": "clear", **REGION}, {"kind": "set", **REGION}]}, "Edit 2 of 2"),
    ("edit_grid", {"grid": AS_JSON, "edits": [{"kind": "clear", **REGION | {"columns": [0, 9]}}]}, "Edit 1 of 1"),
    ("edit_grid", {"grid": AS_JSON, "edits": [{"kind": "paint", "level": 0, "cells": [[0, 0]], "code": 64}]}, "range"),
    ("edit_grid", {"grid": AS_JSON, "edits": [{"kind": "paint", "level": 0, "cells": [[0, 0]] * 5000}]}, "4096"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sent", "words"), WRONG, ids=range(len(WRONG)))
def test_what_makes_no_sense_is_refused_in_a_sentence(call, name, sent, words):
    with pytest.raises(DistillError) as refused:
        call(name, sent)
    said = str(refused.value)
    assert words in said
    assert said.endswith(".")
    assert "\n" not in said
    assert len(said) < 600


def test_what_is_no_sound_or_too_long_is_refused(call, upload, clip_path, encoded, tmp_path):
    path = tmp_path / "words.wav"
    path.write_text("no sound")
    with pytest.raises(DistillError, match=r"words\.wav"):
        call("encode", {"file": upload(path)})
    soundfile.write(tmp_path / "long.wav", np.sin(np.arange(2 * SAMPLE_RATE)), SAMPLE_RATE)
    with pytest.raises(DistillError, match=r"long\.wav"):
        call("encode", {"file": upload(tmp_path / "long.wav")}, program_seconds=1)
    long = CodeGrid(np.zeros((3, 8, 7), int), 7 * 16, encoded.model_id, 64).to_text()
    with pytest.raises(DistillError, match="6 columns"):
        call("decode", {"grid": long}, program_seconds=1)


def test_the_file_of_another_visitor_opens_nothing(server, call, upload, clip_path):
    path = upload(clip_path, owner="0" * 32)
    for owner in ("", "1" * 32):
        with pytest.raises(DistillError, match="not among your uploads"):
            call("encode", {"file": path}, Asker(owner, "192.0.2.1", "page"))
    assert call("encode", {"file": path}, Asker("0" * 32, "192.0.2.1", "page"))["grid"]


def test_calls_beyond_the_number_at_once_and_the_rate_are_refused(server):
    limits = {"visit_programs": 1, "address_programs": 2, "visit_programs_rate": 3, "address_programs_rate": 4}
    programs = Programs(replace(server, settings=replace(server.settings, **limits)))

    async def together(*askers):
        return await asyncio.gather(*(programs.answer("describe", {}, each) for each in askers), return_exceptions=True)

    first, second = run(together(ASKER, ASKER))
    assert "edits" in first["facts"]
    assert "still at work" in str(second)
    one, other = Asker("0" * 32, ASKER.address), Asker("1" * 32, ASKER.address)
    assert [type(each) for each in run(together(one, other))] == [dict, dict]
    (late,) = run(together(ASKER))
    assert "try again in" in str(late)


def test_a_call_ends_after_its_time(server, encoded):
    now = iter(range(0, 10_000, 100))
    programs = Programs(server, clock=lambda: next(now))
    with pytest.raises(DistillError, match="took too long"):
        run(programs.answer("decode", {"grid": encoded.to_dict()}, ASKER))


def test_what_a_program_made_is_deleted_after_ten_minutes(server, call, encoded):
    path = call("decode", {"grid": encoded.to_dict()})["sound"]
    server.storage.sweep(set(), time.time())
    assert os.path.exists(path)
    server.storage.sweep(set(), time.time() + server.settings.visit_absent_seconds + 1)
    assert not os.path.exists(path)
