"""What a script does through ``gradio_client``."""

import json

import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError


@pytest.fixture
def client(app_url):
    return Client(app_url, verbose=False)


def samples(path):
    return soundfile.read(path, dtype="float32")[0]


def test_every_public_call_has_a_name_of_its_own(client):
    names = set(client.view_api(return_format="dict")["named_endpoints"])
    assert {
        *("/add_clips", "/train", "/stop", "/resume", "/use_trained", "/load_codec"),
        *("/explore", "/explore_example", "/explore_levels"),
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
