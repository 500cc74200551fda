"""Eight visitors edit, upload and train at the same time, and each gets only their own results."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file

from distill.audio import SAMPLE_RATE, load_clip
from distill.codec import Codec
from distill.codes import CodeGrid, edits
from tests.space.visiting import Space
from tests.waiting import PATIENCE

VISITORS = 8


@pytest.fixture(scope="module")
def space(tmp_path_factory, new_port):
    space = Space(tmp_path_factory.mktemp("isolation") / "data", new_port(), trainings=2)
    space.start()
    yield space
    space.kill()


@pytest.fixture(scope="module")
def clips_of(examples, tmp_path_factory):
    """Six clips for each visitor, different in sound and name from those of all others."""
    sources = sorted((examples / "clips").glob("*.flac"))

    def clips(number):
        folder = tmp_path_factory.mktemp(f"visitor{number}")
        for part in range(6):
            sound = load_clip(sources[(number + part) % len(sources)]).waveform
            sound = np.roll(sound, 1000 * number)[: int((0.7 + 0.05 * number) * SAMPLE_RATE)]
            soundfile.write(folder / f"secret-{number}-{part}.wav", sound, SAMPLE_RATE)
        return sorted(folder.iterdir())

    return [clips(number) for number in range(VISITORS)]


def decoded(path):
    return soundfile.read(path, dtype="float32")[0]


def one_visit(space, number, clips, codec):
    """All that a visitor gets, checked against what this visitor alone should get; returns all text of it."""
    client = Client(space.url, verbose=False, httpx_kwargs={"timeout": PATIENCE})
    said = [str(client.predict(handle_file(clips[0]), api_name="/explore"))]
    expected = codec.encode(load_clip(clips[0]).waveform, SAMPLE_RATE)
    sound = np.concatenate(list(codec.stream(expected)))  # to the end of its last frame, as the server keeps it
    for column in range(3):
        code = (7 * number + column) % codec.codebook_size
        region = {"levels": [0, 0], "rows": [number, number], "columns": [column, column]}
        said.append(str(client.predict("set", region | {"code": code}, api_name="/edit")))
        after = edits.set_codes(expected, level=0, rows=number, columns=column, code=code)
        if after != expected:
            sound = codec.decode_region(after, columns=slice(column, column + 1)).apply(sound)
        expected = after
    files, text = client.predict(api_name="/export")
    said += [str(files), text]
    exported = {Path(path).suffix: path for path in files}
    assert CodeGrid.load(exported[".npz"]) == CodeGrid.load(exported[".json"]) == CodeGrid.from_text(text) == expected
    sound = sound[: len(load_clip(clips[0]).waveform)]
    assert np.abs(decoded(exported[".flac"]) - sound / max(1, np.abs(sound).max())).max() < 2e-4
    assert np.abs(decoded(exported[".flac"]) - decoded(exported[".wav"])).max() <= 1 / 32_768
    assert all(Path(path).name.startswith(clips[0].stem) for path in files)

    listed, *_ = client.predict([handle_file(clip) for clip in clips], api_name="/add_clips")
    assert re.findall(r"secret-\d-\d", listed) == [clip.stem for clip in clips]
    if number % 2:  # these visitors do not train
        return client, [*said, listed], files
    live = client.predict(2, 8 + number, 0.25, 0.1, True, api_name="/train")
    assert "Finished" in live[0]
    download, line, *_ = client.predict(api_name="/use_trained")
    path = download["value"]
    trained = Codec.load(path)
    assert (trained.model.codebook_dim, trained.num_levels) == (8 + number, 2)
    assert trained.info.provenance.clips == len(clips)
    assert trained.model_id[:6] in line
    said += [listed, str(live), line]
    return client, said, [*files, path]


def test_eight_visitors_at_once_get_their_own_results_and_nothing_of_anyone_elses(space, clips_of, codec):
    with ThreadPoolExecutor(VISITORS) as together:
        visits = list(together.map(lambda number: one_visit(space, number, clips_of[number], codec), range(VISITORS)))
    for number, (_, said, _) in enumerate(visits):
        named = set(re.findall(r"secret-(\d)", " ".join(said)))
        assert named == {str(number)}


def test_the_path_or_the_name_of_a_file_gives_nothing_to_another(space, clips_of, new_visitor):
    one, other = new_visitor(space), new_visitor(space)
    files = one.upload(*clips_of[0])
    other.open_page()
    for file in files:
        assert one.http.get(f"/gradio_api/file={file['path']}").content == clips_of[0][files.index(file)].read_bytes()
        answer = other.http.get(f"/gradio_api/file={file['path']}")
        assert answer.status_code == 404
        assert httpx.get(f"{space.url}/gradio_api/file={file['path']}", timeout=PATIENCE).status_code == 404
    for name, data in (
        ("add_clips", files),
        ("explore", files[0]),
        ("load_codec", files[0]),
        ("second_clip", files[0]),
    ):
        body = {"data": [data], "fn_index": other.calls[name], "session_hash": other.page}
        answer = other.http.post("/gradio_api/queue/join", json=body)
        assert answer.status_code == 403
        assert str(space.folder) not in answer.text


def test_the_secret_of_a_page_gives_nothing_to_another_browser(space, new_visitor):
    one, other = new_visitor(space), new_visitor(space)
    one.open_page()
    other.page = one.page
    body = {"data": [], "fn_index": other.calls["export"], "session_hash": one.page}
    assert other.http.post("/gradio_api/queue/join", json=body).status_code == 403
    assert other.http.get("/gradio_api/queue/data", params={"session_hash": one.page}).status_code == 403


def test_no_answer_names_a_folder_of_the_server_but_that_of_the_visitors_files(space, new_visitor, repository):
    visitor = new_visitor(space)
    opened = str(visitor.open_page())
    served = visitor.http.get("/").text + visitor.http.get("/config").text
    for wrong in ({"kind": "set"}, {"kind": None}, {"kind": "set", "levels": "all"}):
        served += str(visitor.serve("edit", **wrong))
    assert str(repository) not in opened + served
    assert "Traceback" not in served


def test_a_wrong_call_is_one_sentence_and_a_fault_has_a_reference_that_the_log_has(space, new_visitor, is_one_sentence):
    visitor = new_visitor(space)
    visitor.open_page()
    for name, data in (
        ("train", [3, 32, 0.25, 1, True]), ("train", ["many", 32, 0.25, 1, True]), ("explore", [None]),
        ("explore_view", [5, 1]), ("open_text", ["distill1.x"]),
        ("load_codec", [None]), ("edit", ["set", {"levels": [0, 9]}]), ("edit", [7, 7]), ("audition", [9, 9]),
        ("set_codes", ["a", None, {}, [], 1e9, -1]), ("stop", []),
        ("export_instrument", ["x" * 81, "cc0", True, False]),
    ):  # fmt: skip
        with pytest.raises(AssertionError) as told:
            visitor.call(name, *data)
        message = str(told.value).splitlines()[0]
        assert message.endswith("."), (name, message)
        assert "side" not in message, (name, message)


def test_the_log_is_json_and_says_nothing_of_clips(space, clips_of):
    entries, rest = space.log()
    assert {"time", "level", "logger", "message"} <= set(entries[0])
    assert "secret-" not in str(entries) + str(rest)
    assert not [entry for entry in entries if "traceback" in entry]
