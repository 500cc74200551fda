"""Scripts that use the app through ``gradio_client``."""

import base64
import io
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from distill.audio import SAMPLE_RATE, load_clip
from distill.codec import Codec
from distill.codes import CodeGrid
from distill.ui.views import AS_BEFORE
from tests.waiting import PATIENCE


@pytest.fixture
def client(app_url):
    return Client(app_url, verbose=False, httpx_kwargs={"timeout": PATIENCE})


def samples(path):
    return soundfile.read(path, dtype="float32")[0]


def decoded(answer):
    return samples(io.BytesIO(base64.b64decode(answer["flac"])))


def test_every_public_call_has_a_name_of_its_own(client):
    names = set(client.view_api(return_format="dict")["named_endpoints"])
    assert {
        *("/add_clips", "/train", "/stop", "/resume", "/use_trained", "/load_codec", "/back_to_codec"),
        *(
            "/explore",
            "/explore_example",
            "/explore_decode",
            "/explore_view",
            "/explore_spectra",
            "/explore_listen",
            "/explore_save",
        ),
        "/audition",
        *("/edit", "/edit_schema", "/set_codes", "/undo", "/redo", "/reset", "/edit_listen", "/edit_difference"),
        *("/second_example", "/second_clip", "/export", "/export_instrument", "/open_grid", "/open_text"),
        *("/copy_link", "/open_link"),
        *("/clips", "/clip_sound", "/clip_errors", "/weigh_clips", "/lay_out", "/add_to_clips", "/train_on"),
        *("/recordings", "/find_cuts", "/cut_clips"),
        *("/open_from_hub", "/show_outgoing", "/publish"),
        *("/library", "/keep_codec", "/open_kept", "/rename_kept", "/delete_kept"),
    } <= names
    assert not [name for name in names if name.rsplit("_", 1)[-1].isdigit()]


def test_an_edit_is_heard_undone_and_exported(client):
    before = decoded(client.predict(api_name="/edit_listen"))
    edited = client.predict(0, 2, 3, 4, 5, 7, api_name="/set_codes")
    assert "1.0–2.8 kHz: set to code 7" in edited["history"][0]
    assert (edited["can_undo"], edited["can_redo"]) == (True, False)
    heard = decoded(client.predict(api_name="/edit_listen"))
    patch = slice(edited["start"], edited["start"] + len(decoded(edited)))
    assert np.array_equal(heard[patch], decoded(edited))
    outside = np.ones(len(heard), dtype=bool)
    outside[patch] = False
    assert np.array_equal(heard[outside], before[outside])
    client.predict(api_name="/undo")
    assert np.array_equal(decoded(client.predict(api_name="/edit_listen")), before)
    client.predict(api_name="/redo")
    assert np.array_equal(decoded(client.predict(api_name="/edit_listen")), heard)
    files, text = client.predict(api_name="/export")
    grid = next(path for path in files if path.endswith(".json"))
    assert np.array(json.loads(Path(grid).read_text())["indices"])[0, 2:4, 4:6].tolist() == [[7, 7], [7, 7]]
    assert CodeGrid.from_text(text) == CodeGrid.load(grid)
    client.predict(api_name="/reset")
    assert np.array_equal(decoded(client.predict(api_name="/edit_listen")), before)
    client.predict(text, api_name="/open_text")
    again = decoded(client.predict(api_name="/edit_listen"))
    client.predict(handle_file(grid), api_name="/open_grid")
    assert np.array_equal(decoded(client.predict(api_name="/edit_listen")), again)


def test_the_readmes_edit_runs_as_written(app_url, repository):
    parts = (repository / "README.md").read_text(encoding="utf-8").split("```python\n")[1:]
    (snippet,) = (block for block in (part.split("```")[0] for part in parts) if "gradio_client" in block)
    assert "http://127.0.0.1:7860" in snippet
    names = {}
    exec(snippet.replace("http://127.0.0.1:7860", app_url), names)
    answer = names["client"].predict(api_name="/undo")
    assert (answer["can_undo"], answer["can_redo"]) == (False, True)
    assert len(decoded({"flac": names["sound"]})) > SAMPLE_RATE


def test_a_second_clip_is_blended_in_by_its_name(client, clips):
    region = {"levels": [0, 2], "rows": [0, 7], "columns": [1, 2], "amount": 1, "second": "loop_industrial"}
    answer = client.predict("blend", region, api_name="/edit")
    assert "blended with 100 % of loop_industrial.flac" in answer["history"][0]
    assert answer["codes"]
    client.predict("loop_mika", api_name="/second_example")
    client.predict(handle_file(clips[2]), api_name="/second_clip")
    assert "data:image" in str(client.predict(api_name="/edit_difference"))


@pytest.mark.parametrize(
    ("call", "arguments", "sentence"),
    [
        ("/set_codes", (0, 2, 3, 4, 5, 64), "out of range"),
        ("/set_codes", (0, 2, 3, 4, 500, 1), "not in this grid"),
        ("/set_codes", (9, 2, 3, 4, 5, 1), "Level 9"),
        ("/set_codes", (None, 2, 3, 4, 5, 1), "first and a last whole number"),
        ("/edit", ("explode", {}), "no edit named"),
        ("/edit", ("reverse", [1]), "given by name"),
        ("/edit", ("reverse", {}), "needs a field"),
        ("/edit", ("swap", {"second": "nobody"}), "no longer in the strip"),
        ("/open_text", ("hello",), "not a grid of codes"),
        ("/open_link", ("?clip=nobody",), "no example clip “nobody”"),
        ("/train", (3, 32, 0.25, 0.1), "at least 5 clips"),
        ("/explore_view", (5, 1), "whose end comes after its start"),
        ("/explore_listen", (9,), "not there"),
        ("/audition", (0, 64), "codes 0 to 63"),
        ("/stop", (), "no training"),
        ("/resume", (), "no training"),
        ("/use_trained", (), "no training"),
        ("/train_on", (0.1,), "drop some first"),
        ("/weigh_clips", (["loop_amen"], 2), "can be weighted"),
        ("/weigh_clips", ([], 3), "0, 1, 2 or 4"),
        ("/lay_out", (["loop_amen"],), "2 to 64 clips"),
        ("/lay_out", ("loop_amen",), "up to 64 identifiers"),
        ("/clip_sound", ("loop_amen", "before"), "No other codec"),
    ],
)
def test_a_call_that_makes_no_sense_is_answered_in_a_sentence(client, call, arguments, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(*arguments, api_name=call)


def test_two_visitors_do_not_see_each_others_edits(app_url):
    one, other = (Client(app_url, verbose=False, httpx_kwargs={"timeout": PATIENCE}) for _ in range(2))
    one.predict(0, 0, 0, 0, 0, 9, api_name="/set_codes")
    one.predict(0, 1, 1, 0, 0, 9, api_name="/set_codes")
    history = other.predict(0, 0, 0, 1, 1, 8, api_name="/set_codes")["history"]
    assert len(history) == 1
    assert "code 8" in history[0]


def test_a_clip_that_is_sent_again_under_another_name_is_used_once(client, clips, tmp_path):
    again = tmp_path / "again.wav"
    again.write_bytes(clips[0].read_bytes())
    listed, *_ = client.predict([handle_file(clips[0]), handle_file(again)], api_name="/add_clips")
    assert "again.wav was left out: it is the same file as" in listed
    assert "1 of at least 5 clips" in listed


def test_a_recording_is_cut_into_clips_by_a_script(client, tmp_path):
    path, random = tmp_path / "take.wav", np.random.default_rng(0)
    hit = np.geomspace(1, 1e-4, 40_000) * random.uniform(-0.5, 0.5, 40_000)
    soundfile.write(path, np.tile(hit, 5), SAMPLE_RATE)
    client.predict([handle_file(path)], api_name="/add_clips")
    (recording,) = client.predict(api_name="/recordings")
    pieces = client.predict(recording["id"], "silence", api_name="/find_cuts")
    assert len(client.predict(recording["id"], api_name="/find_cuts")) == len(pieces) == 5
    listed, *_, time_stride = client.predict({recording["id"]: pieces}, api_name="/cut_clips")
    assert "5 clips" in listed
    assert time_stride in (4, 8, 16)
    assert [clip["name"] for clip in client.predict(api_name="/clips")][:2] == ["take 1.wav", "take 2.wav"]
    assert client.predict(api_name="/recordings")[0]["pieces"] == pieces
    for sent, words in (
        ({recording["id"]: [[0, 9]]}, "512 are the least"),
        ([1], "cuts"),
        ({"x/0": [[0, 900]]}, "drop"),
    ):
        with pytest.raises(AppError, match=words):
            client.predict(sent, api_name="/cut_clips")
    with pytest.raises(AppError, match="by"):
        client.predict(recording["id"], "magic", api_name="/find_cuts")
    assert "1 of at least 5" in client.predict({}, api_name="/cut_clips")[0]


def test_a_training_has_the_time_resolution_of_its_clips_or_the_one_that_is_asked_for(client, drums, tmp_path):
    hits = [tmp_path / f"hit-{number}.wav" for number in range(5)]
    for number, path in enumerate(hits):
        soundfile.write(path, drums.waveform[number * 9_000 :][:9_000], SAMPLE_RATE)
    _, reason, *_, chosen = client.predict([handle_file(path) for path in hits], api_name="/add_clips")
    assert "columns of 46 ms" in reason
    assert chosen == 4
    for asked, time_stride in (({}, 4), ({"time_stride": 8}, 8)):  # scripts did not always name one
        live = client.predict(2, 8, 0.25, 0.1, True, **asked, api_name="/train")
        assert "Finished" in live[0]
        download, line, *_ = client.predict(api_name="/use_trained")
        assert f"columns of {46 if time_stride == 4 else 93} ms" in line
        assert Codec.load(download["value"]).time_stride == time_stride
    with pytest.raises(AppError, match="5"):
        client.predict(2, 8, 0.25, 0.1, True, time_stride=5, api_name="/train")


def test_a_clip_is_explored_level_by_level_and_saved(client, clips):
    clip = load_clip(clips[0])
    client.predict(handle_file(clips[0]), api_name="/explore")
    facts = client.predict(api_name="/explore_decode")
    assert "bit/s" in facts
    assert "…" not in facts
    layers = [decoded(client.predict(levels, api_name="/explore_listen")) for levels in range(4)]
    assert np.abs(layers[0] - clip.waveform).max() < 1e-4
    assert np.array_equal(layers[3], decoded(client.predict(api_name="/edit_listen")))
    assert len({len(layer) for layer in layers[1:]}) == 1
    assert not np.array_equal(layers[1], layers[2])
    start, stop, *pictures = client.predict(0.2, 0.6, api_name="/explore_view")
    assert (start, stop) == (pytest.approx(0.2, abs=0.02), pytest.approx(0.6, abs=0.02))
    assert [picture[:22] for picture in pictures] == ["data:image/webp;base64"] * 3
    measured = client.predict(0.2, 0.6, api_name="/explore_spectra")
    levels = np.frombuffer(zlib.decompress(base64.b64decode(measured["mels"][0])), np.uint8)
    assert levels.shape == (128 * measured["columns"],)
    assert measured["low_db"] + measured["step_db"] * levels.max() <= measured["top_db"] + measured["step_db"]
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


def test_a_set_grows_is_weighted_and_the_codec_goes_on_from_where_it_was(client, drums, tmp_path):
    paths = [tmp_path / f"hit-{number}.wav" for number in range(6)]
    for number, path in enumerate(paths):
        soundfile.write(path, drums.waveform[number * 12_000 :][:12_000], SAMPLE_RATE)
    client.predict([handle_file(path) for path in paths[:4]], api_name="/add_clips")
    listed, *_ = client.predict([handle_file(path) for path in paths], api_name="/add_to_clips")
    assert "6 clips" in listed
    ids = [clip["id"] for clip in client.predict(api_name="/clips") if clip["group"] == "yours"]
    assert client.predict(ids[:2], 0, api_name="/weigh_clips") == {"used": 4, "enough": False}
    assert client.predict(ids[:1], 4, api_name="/weigh_clips") == {"used": 5, "enough": True}
    weights = [clip["weight"] for clip in client.predict(api_name="/clips") if clip["group"] == "yours"]
    assert weights == [4, 0, 1, 1, 1, 1]
    for minutes in (0.1, 0.3, 1):  # of the few steps of a busy machine, none may be better than the codec
        if AS_BEFORE not in str(client.predict(minutes, api_name="/train_on")):
            break
    assert "5 clips" in str(client.predict(api_name="/use_trained"))
    now, before = (client.predict(ids[2:], before, api_name="/clip_errors")["mel_l1"] for before in (False, True))
    assert sum(now) <= sum(before) + 1e-3
    laid = client.predict([ids[2], ids[3], ids[2]], api_name="/lay_out")
    assert laid["name"] == "hit-2 + hit-3 + hit-2"
    assert laid["columns"] == 6  # two of 186 ms each
