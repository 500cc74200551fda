"""The page opens the grids that Python writes, shows them as the server does, and refuses what Python refuses."""

import base64
import io
import json
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from distill.codes import CodeGrid
from distill.errors import GridError
from distill.ui.components import grid_value

HERE = Path(__file__).parent


def read_by_the_page(given):
    done = subprocess.run(
        ["node", HERE / "read_grids.js"], input=json.dumps(given), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def some_grid(seed, **facts):
    random = np.random.default_rng(seed)
    stride = facts.get("time_stride", 16)
    size = int(random.choice([16, 64, 100, 256]))
    num_frames = int(random.integers(1, 700))
    shape = (int(random.integers(2, 5)), 8, -(-num_frames // stride))
    num_samples = num_frames * 512 - int(random.integers(512)) * (seed % 2)
    codes = random.integers(size, size=shape)
    mix = random.choice([0, 50, 75, 128, 178], size=shape) if facts.get("mixed") else None
    return CodeGrid(codes, num_frames, "0a1b2c3d4e5f", size, num_samples, stride, mix)


def content(grid, suffix, folder):
    path = folder / f"grid{suffix}"
    grid.save(path)
    return path.read_bytes()


def as_file(data):
    return {"file": base64.b64encode(data).decode()}


@pytest.mark.parametrize("time_stride", [16, 8, 4])
def test_the_page_shows_a_grid_from_a_file_or_a_text_as_the_server_does(time_stride, tmp_path):
    for seed in range(3):
        grid = some_grid(seed, time_stride=time_stride, mixed=seed == 2)
        usage = np.stack([np.bincount(codes.ravel(), minlength=grid.codebook_size) for codes in grid.indices])
        mel = np.zeros((128, grid.num_frames), np.float32)
        expected = grid_value("work", "clip", grid, grid, mel, usage, [], can_redo=False) | {"spectrogram": ""}
        given = [as_file(content(grid, suffix, tmp_path)) for suffix in (".npz", ".json")]
        given.append({"text": f" {grid.to_text()[:50]}\n{grid.to_text()[50:]} "})
        for value in read_by_the_page(given):
            assert value["column_seconds"] == pytest.approx(expected["column_seconds"])
            assert value | {"column_seconds": 0} == expected | {"column_seconds": 0}


def zip_of(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def wrong_files(grid, folder):
    written = json.loads(content(grid, ".json", folder))
    npz = content(grid, ".npz", folder)
    parts = {name: npy(np.array(value)) for name, value in written.items()}
    yield from (b"", b"PK", b"{}", b"[]", b"null", b"nonsense", b"\xff\xfe", npz[: len(npz) // 2], npz[:-30])
    for change in (
        *({"format": "other"}, {"num_frames": 0}, {"num_frames": 10**9}, {"num_frames": "7"}, {"num_frames": 1.5}),
        *({"num_frames": True}, {"model_id": "<script>"}, {"model_id": 5}, {"codebook_size": 2}, {"time_stride": 5}),
        *({"codebook_size": 10**6}, {"num_samples": 1}, {"indices": [[[]]]}, {"indices": []}, {"indices": 5}),
        *({"mix": 5}, {"mix": [[[50]]]}, {"mix": np.full(grid.indices.shape, 99).tolist()}),
        *({"indices": [[[1]] * 8] * 100}, {"indices": [[[1.5]] * 8] * 2}, {"indices": [[["1"]] * 8] * 2}),
    ):
        yield json.dumps(written | change).encode()
    for name in ("indices", "num_frames", "model_id"):
        yield zip_of(**{part: data for part, data in parts.items() if part != name})
        yield zip_of(**parts | {name: npy(np.array([{}], dtype=object))})
        yield zip_of(**parts | {name: b"\x93NUMPY" + b"\x00" * 40})
    yield zip_of(**parts, mix=npy(np.full(grid.indices.shape, 99)))
    yield zip_of(**parts, mix=npy(np.full((1, 8, 1), 50)))
    yield zip_of(**parts | {"indices": npy(np.zeros((2, 8, 10**6), np.int64))})
    yield zip_of(**parts | {"indices": npy(-np.ones_like(grid.indices))})


def test_what_python_refuses_is_refused_by_the_page_in_a_sentence(tmp_path, is_one_sentence):
    grid = some_grid(4)
    files = list(wrong_files(grid, tmp_path))
    for index, data in enumerate(files):
        path = tmp_path / f"wrong{index}"
        path.write_bytes(data)
        with pytest.raises(GridError):
            CodeGrid.load(path)
    for data, answer in zip(files, read_by_the_page([as_file(data) for data in files]), strict=True):
        assert list(answer) == ["error"], data[:300]
        assert is_one_sentence(answer["error"])


def test_a_wrong_text_is_refused_in_the_sentence_of_python():
    grid = some_grid(1)
    text = grid.to_text()
    name, model, size, samples, levels, rows, body = text.split(".")
    texts = [
        *("", "hello", text[:-9], text.replace("distill2", "distill9"), f"{text}.{text}"),
        *(f"{name}.{model}.{size}.{samples}.{levels}.{rows}.!!!", f"{name}.{model}.{size}.-5.{levels}.{rows}.{body}"),
        f"{name}.{model}.{size}.{10**12}.{levels}.{rows}.{body}",
        f"distill4.{model}.{size}.{samples}.16.{levels}.{rows}.{body}",
        f"distill4.{model}.{size}.{samples}.16.{levels}.{rows}.{body}.{body}",
        f"distill3.{model}.{size}.{samples}.5.{levels}.{rows}.{body}",
        f"{name}.{model}.{size}.{samples}.1000.{rows}.{body}",
    ]
    sentences = []
    for each in texts:
        with pytest.raises(GridError) as refusal:
            CodeGrid.from_text(each)
        sentences.append({"error": str(refusal.value)})
    assert read_by_the_page([{"text": each} for each in texts]) == sentences
