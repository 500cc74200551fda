"""What a script does through ``gradio_client``."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from distill.audio import load_clip


@pytest.fixture
def client(app_url):
    return Client(app_url, verbose=False)


def samples(path):
    return soundfile.read(path, dtype="float32")[0]


def decoded(answer):
    return samples(io.BytesIO(base64.b64decode(answer["flac"])))


def test_every_public_call_has_a_name_of_its_own(client):
    names = set(client.view_api(return_format="dict")["named_endpoints"])
    assert {
        *("/add_clips", "/train", "/stop", "/resume", "/use_trained", "/load_codec"),
        *("/explore", "/explore_example", "/explore_decode", "/explore_view", "/explore_listen", "/explore_save"),
        "/audition",
        *("/set_codes", "/undo", "/redo", "/reset", "/export", "/open_grid"),
    } <= names
    assert not [name for name in names if name.rsplit("_", 1)[-1].isdigit()]


def test_an_edit_is_heard_undone_and_exported(client):
    _, edited, history, *_ = client.predict(0, 2, 3, 4, 5, 7, api_name="/set_codes")
    assert "code 7 in rows 2 to 3, columns 4 to 5" in history
    _, undone, *_ = client.predict(api_name="/undo")
    assert not np.array_equal(samples(edited), samples(undone))
    _, redone, *_ = client.predict(api_name="/redo")
    assert np.array_equal(samples(edited), samples(redone))
    files = client.predict(api_name="/export")
    grid = next(path for path in files if path.endswith(".json"))
    with open(grid, encoding="utf-8") as file:
        assert np.array(json.load(file)["indices"])[0, 2:4, 4:6].tolist() == [[7, 7], [7, 7]]
    again = client.predict(handle_file(grid), api_name="/open_grid")
    assert again


@pytest.mark.parametrize(
    ("call", "arguments", "sentence"),
    [
        ("/set_codes", (0, 2, 3, 4, 5, 64), "out of range"),
        ("/set_codes", (0, 2, 3, 4, 500, 1), "not in this grid"),
        ("/set_codes", (9, 2, 3, 4, 5, 1), "Level 9"),
        ("/set_codes", (None, 2, 3, 4, 5, 1), "fill in all six"),
        ("/train", (3, 32, 0.25, 0.1), "at least 5 clips"),
        ("/explore_view", (5, 1), "whose end comes after its start"),
        ("/explore_listen", (9,), "not there"),
        ("/audition", (0, 64), "codes 0 to 63"),
        ("/stop", (), "no training"),
        ("/resume", (), "no training"),
        ("/use_trained", (), "no training"),
    ],
)
def test_a_call_that_makes_no_sense_is_answered_in_a_sentence(client, call, arguments, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(*arguments, api_name=call)


def test_two_visitors_do_not_see_each_others_edits(app_url):
    one, other = Client(app_url, verbose=False), Client(app_url, verbose=False)
    one.predict(0, 0, 0, 0, 0, 9, api_name="/set_codes")
    one.predict(0, 1, 1, 0, 0, 9, api_name="/set_codes")
    _, _, history, *_ = other.predict(0, 0, 0, 1, 1, 8, api_name="/set_codes")
    assert "code 9" not in history
    assert history.count("<li>") == 1


def test_a_clip_is_explored_level_by_level_and_saved(client, clips):
    clip = load_clip(clips[0])
    client.predict(handle_file(clips[0]), api_name="/explore")
    facts, edited, before = client.predict(api_name="/explore_decode")
    assert "bit/s" in facts
    assert "…" not in facts
    assert np.array_equal(samples(edited), samples(before))
    layers = [decoded(client.predict(levels, api_name="/explore_listen")) for levels in range(4)]
    assert np.abs(layers[0] - clip.waveform).max() < 1e-4
    assert np.array_equal(layers[3], samples(before))
    assert len({len(layer) for layer in layers[1:]}) == 1
    assert not np.array_equal(layers[1], layers[2])
    start, stop, *pictures = client.predict(0.2, 0.6, api_name="/explore_view")
    assert (start, stop) == (pytest.approx(0.2, abs=0.02), pytest.approx(0.6, abs=0.02))
    assert len(pictures) == 3
    names = [Path(path).name for path in client.predict(api_name="/explore_save")]
    stem = clips[0].stem
    assert names == [
        f"{stem}-original.wav",
        *(f"{stem}-{count}-of-3-levels.wav" for count in (1, 2, 3)),
        *(f"{stem}-report.{suffix}" for suffix in ("png", "pdf")),
    ]


def test_a_code_is_heard_by_itself(client):
    sound = decoded(client.predict(0, 5, api_name="/audition"))
    assert len(sound) == 3 * 16 * 512
    assert np.abs(sound).max() > 0
