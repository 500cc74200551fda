"""A grid is restored from its file. Any other file is refused in one sentence, takes little memory, and is never
unpickled."""

import io
import json
import pickle
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.codes import CodeGrid
from distill.errors import GridError
from distill.settings import Settings
from tests.codes.strategies import a_grid


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@given(grid=st.from_type(CodeGrid))
@settings(max_examples=15)
def test_a_saved_grid_is_restored(grid, suffix, tmp_path):
    path = tmp_path / f"grid{suffix}"
    grid.save(path)
    assert CodeGrid.load(path) == grid


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_a_saved_grid_keeps_the_length_of_its_clip(tmp_path, suffix):
    path = tmp_path / f"grid{suffix}"
    a_grid(num_samples=23_000).save(path)
    assert CodeGrid.load(path).num_samples == 23_000


def test_a_file_from_before_grids_knew_their_samples_has_all_samples_of_its_frames(tmp_path):
    np.savez(tmp_path / "former.npz", **{name: part for name, part in PARTS.items() if name != "num_samples"})
    former = a_grid().to_dict()
    del former["num_samples"]
    (tmp_path / "former.json").write_text(json.dumps(former))
    for path in tmp_path.iterdir():
        assert CodeGrid.load(path).num_samples == 45 * 512
        assert CodeGrid.load(path) == a_grid()


def test_a_file_from_before_grids_knew_their_time_stride_has_columns_of_16_frames(tmp_path):
    np.savez(tmp_path / "former.npz", **PARTS)
    former = a_grid().to_dict()
    del former["time_stride"]
    (tmp_path / "former.json").write_text(json.dumps(former))
    for path in tmp_path.iterdir():
        assert CodeGrid.load(path).time_stride == 16
        assert CodeGrid.load(path) == a_grid()


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@pytest.mark.parametrize("time_stride", [0, -4, 1, 3, 5, 32, 10**9, True, 8.0, "8", None])
def test_a_file_with_an_absurd_time_stride_is_refused_by_name(tmp_path, suffix, time_stride, is_one_sentence):
    path = tmp_path / f"grid{suffix}"
    if suffix == ".json":
        path.write_bytes(as_json(time_stride=time_stride))
    else:
        np.savez(path, **PARTS | {"time_stride": np.array(time_stride, dtype=None)})
    assert is_one_sentence(refusal_of(path), path.name)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_the_largest_codes_survive_a_file(tmp_path, suffix):
    grid = a_grid(indices=np.full((2, 8, 3), 65_535), codebook_size=65_536)
    grid.save(tmp_path / f"grid{suffix}")
    assert CodeGrid.load(tmp_path / f"grid{suffix}") == grid


def test_the_content_decides_the_format_not_the_name(tmp_path):
    a_grid().save(tmp_path / "grid.npz")
    (tmp_path / "grid.npz").rename(tmp_path / "grid.json")
    assert CodeGrid.load(tmp_path / "grid.json") == a_grid()


def test_a_saved_grid_holds_arrays_and_no_objects(tmp_path):
    a_grid().save(tmp_path / "grid.npz")
    with np.load(tmp_path / "grid.npz", allow_pickle=False) as arrays:
        assert {arrays[name].dtype.kind for name in arrays.files} <= {"u", "i", "U"}
        assert np.array_equal(arrays["indices"], a_grid().indices)


def test_a_grid_is_saved_as_npz_or_json_only(tmp_path):
    with pytest.raises(GridError, match=r"grid\.txt must end in \.npz or \.json"):
        a_grid().save(tmp_path / "grid.txt")
    assert not list(tmp_path.iterdir())


def refusal_of(path: Path) -> GridError:
    with pytest.raises(GridError) as refusal:
        CodeGrid.load(path)
    return refusal.value


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.9, 0.999])
def test_a_file_cut_short_is_refused_by_name(tmp_path, suffix, share, is_one_sentence):
    path = tmp_path / f"grid{suffix}"
    a_grid().save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert is_one_sentence(refusal_of(path), path.name)


def test_a_damaged_file_is_refused_by_name_or_read_as_a_valid_grid(tmp_path, is_one_sentence):
    path, messages = tmp_path / "grid.npz", []
    a_grid().save(path)
    content = path.read_bytes()
    for position in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[position] ^= 0x55
        path.write_bytes(damaged)
        try:
            assert isinstance(CodeGrid.load(path), CodeGrid)
        except GridError as error:
            messages.append(error)
    assert len(messages) > 50
    assert all(is_one_sentence(message, "grid.npz") for message in messages)


def as_json(**changes: object) -> bytes:
    return json.dumps(a_grid().to_dict() | changes).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"nonsense",
        b"[]",
        b"3",
        b"null",
        b'"grid"',
        b"{}",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        as_json(format="another-format"),
        as_json(format=None),
        as_json().replace(b'"format": "distill-grid", ', b""),
        as_json(num_frames=float("nan")),
        as_json(num_frames=float("inf")),
        as_json().replace(b'"num_frames": 45', b'"num_frames": 1e400'),
        as_json(indices=[[[0.5]]]),
        as_json(indices=[[[1, 2], [3]]]),
        as_json(indices=[[["a"]]]),
        as_json(indices=[[[10**30]]]),
        as_json(indices=None),
        as_json(indices=(a_grid().indices - 1).tolist()),
        as_json(indices=(a_grid().indices + 60).tolist()),
        as_json(num_frames=500),
        as_json(num_frames=45.0),
        as_json(num_frames="45"),
        as_json(num_frames=-45),
        as_json(num_samples=0),
        as_json(num_samples=-1),
        as_json(num_samples=44 * 512),
        as_json(num_samples=45 * 512 + 1),
        as_json(num_samples=23_000.5),
        as_json(num_samples="23000"),
        as_json(num_samples=True),
        as_json(time_stride=8),
        as_json(num_frames=True, indices=[[[1]]]),
        as_json(codebook_size=True, indices=[[[0]]], num_frames=3),
        as_json(codebook_size=10**300),
        as_json(indices=[[[True, 1, 2]]]),
        as_json(indices=[[[1, 2, 1e999]]]),
        as_json(indices=[[[1, 2, float("nan")]]]),
        as_json(indices=[[["word" * 1000, 1, 2]]]),
        as_json(indices=[[[[1]], [[2]], [[3]]]]),
        as_json(indices={"0": {"0": [1, 2, 3]}}),
        as_json(indices="[[[1, 2, 3]]]"),
        as_json(indices=[[[1, 2, 3]]] * 65),
        as_json(indices=[[]] * 60, comment=[[]] * 200),
        as_json(indices=[]),
        as_json(model_id=12),
        as_json(model_id=""),
        as_json(model_id="m" * 65),
        as_json(model_id="<script>"),
        as_json(model_id="caf\u00e9"),
        as_json(model_id="line\nbreak"),
        as_json(codebook_size=None),
        json.dumps({"format": "distill-grid"}).encode(),
    ],
)
def test_json_that_is_not_a_grid_is_refused_by_name(tmp_path, content, is_one_sentence):
    (tmp_path / "grid.json").write_bytes(content)
    assert is_one_sentence(refusal_of(tmp_path / "grid.json"), "grid.json")


PARTS = {
    "format": np.array("distill-grid"),
    "indices": a_grid().indices,
    "num_frames": np.array(45),
    "model_id": np.array("0123456789ab"),
    "codebook_size": np.array(64),
    "num_samples": np.array(45 * 512),
}


@pytest.mark.parametrize(
    "parts",
    [
        {"weights": np.zeros(3)},
        {name: part for name, part in PARTS.items() if name != "format"},
        {name: part for name, part in PARTS.items() if name != "num_frames"},
        PARTS | {"format": np.array("another-format")},
        PARTS | {"indices": PARTS["indices"] * 1.0},
        PARTS | {"indices": PARTS["indices"] - 1},
        PARTS | {"indices": PARTS["indices"] + 60},
        PARTS | {"indices": PARTS["indices"][0]},
        PARTS | {"indices": PARTS["indices"][..., :2]},
        PARTS | {"num_frames": np.array([45, 46])},
        PARTS | {"num_frames": np.array(45.5)},
        PARTS | {"codebook_size": np.array(0)},
        PARTS | {"num_samples": np.array(44 * 512)},
        PARTS | {"num_samples": np.array(23_000.5)},
        PARTS | {"num_samples": np.array([23_000, 23_001])},
        PARTS | {"model_id": np.array(12)},
        PARTS | {"model_id": np.array("m" * 65)},
        PARTS | {"model_id": np.array(["0123456789ab", "another"])},
        PARTS | {"indices": PARTS["indices"] > 20},
        PARTS | {"indices": PARTS["indices"][None]},
        PARTS | {"indices": PARTS["indices"].astype("M8[s]")},
        PARTS | {"indices": PARTS["indices"].astype("U9")},
        PARTS | {"indices": np.zeros((65, 1, 3), dtype=int)},
        PARTS | {"indices": np.zeros((2, 8, 3), dtype=[("code", "i4")])},
    ],
)
def test_arrays_that_are_not_a_grid_are_refused_by_name(tmp_path, parts, is_one_sentence):
    np.savez(tmp_path / "grid.npz", **parts)
    assert is_one_sentence(refusal_of(tmp_path / "grid.npz"), "grid.npz")


def npz(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Write a grid file with some of its members replaced."""
    whole = {f"{name}.npy": npy(part) for name, part in PARTS.items()} | members
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in whole.items():
            archive.writestr(name, content)
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array)
    return file.getvalue()


def npy_header(header: str, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data


@pytest.mark.parametrize(
    "array",
    [
        PARTS["indices"].astype(">u2"),
        PARTS["indices"].astype("<i8"),
        PARTS["indices"].astype("u1"),
        np.asfortranarray(PARTS["indices"]),
    ],
)
def test_integers_of_any_type_and_memory_order_give_the_same_grid(tmp_path, array):
    (tmp_path / "grid.npz").write_bytes(npz({"indices.npy": npy(array), "comment.npy": npy(np.zeros(9))}))
    grid = CodeGrid.load(tmp_path / "grid.npz")
    assert grid == a_grid()
    assert grid.indices.flags.c_contiguous


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<i8', 'fortran_order': False, 'shape': (1000, 1000, 1000), }",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (10**9,), }",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (4, 8, -3), }",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (0, 99999999999999999999999, 3), }",
        "{'descr': '<U2147483647', 'fortran_order': False, 'shape': (1, 1, 1), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (2, 8, 3), }",
        "{'descr': ('<i8', (1000000000,)), 'fortran_order': False, 'shape': (1, 1, 1), }",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 8, 3), 'more': 1, }",
        "__import__('os')",
        "(" * 9000,
        "-" * 9000 + "1",
        "(" * 250,
        "{" * 200,
        "",
        "\0" * 50,
    ],
)
def test_an_array_whose_header_claims_too_large_a_size_takes_no_memory(tmp_path, header, is_one_sentence):
    (tmp_path / "grid.npz").write_bytes(npz({"indices.npy": npy_header(header, bytes(64))}))
    tracemalloc.start()
    error = refusal_of(tmp_path / "grid.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert is_one_sentence(error, "grid.npz")
    assert peak < 16 * 1024**2


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_numpy_does_not_write_are_refused_by_name(tmp_path, compression, is_one_sentence):
    (tmp_path / "grid.npz").write_bytes(npz({}, compression))
    assert is_one_sentence(refusal_of(tmp_path / "grid.npz"), "grid.npz")


def test_a_zip_of_very_many_members_is_refused_by_name(tmp_path, is_one_sentence):
    (tmp_path / "grid.npz").write_bytes(npz({f"{number}": b"" for number in range(1000)}))
    assert is_one_sentence(refusal_of(tmp_path / "grid.npz"), "grid.npz")


class Trap:
    """An object that writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("part", ["format", "indices", "model_id"])
def test_pickled_objects_are_refused_and_never_unpickled(tmp_path, part, is_one_sentence):
    trap = np.empty((), dtype=object)
    trap[()] = Trap(tmp_path / "sprung")
    np.savez(tmp_path / "grid.npz", **(PARTS | {part: trap}))
    assert is_one_sentence(refusal_of(tmp_path / "grid.npz"), "grid.npz")
    (tmp_path / "grid.npz").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    assert is_one_sentence(refusal_of(tmp_path / "grid.npz"), "grid.npz")
    assert not (tmp_path / "sprung").exists()


def test_a_zip_of_other_things_is_refused_by_name(tmp_path, is_one_sentence):
    with zipfile.ZipFile(tmp_path / "grid.npz", "w") as archive:
        archive.writestr("indices", b"hello")
        archive.writestr("format", b"distill-grid")
    assert is_one_sentence(refusal_of(tmp_path / "grid.npz"), "grid.npz")


def test_a_file_that_unpacks_to_too_much_is_refused_by_name(tmp_path, is_one_sentence):
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("indices.npy", bytes(5 * 1024**2))
    error = refusal_of(tmp_path / "bomb.npz")
    assert "too large" in str(error)
    assert is_one_sentence(error, "bomb.npz")


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@pytest.mark.parametrize(("time_stride", "columns", "most"), [(16, 3230, 3229), (4, 12_920, 12_916)])
def test_a_grid_of_ten_minutes_is_opened_and_one_over_a_limit_refused_by_name(
    tmp_path, suffix, is_one_sentence, time_stride, columns, most
):
    path = tmp_path / f"grid{suffix}"
    codes = np.full((4, 8, columns), 4095)
    grid = CodeGrid(codes, 3230 * 16, "0123456789ab", 4096, time_stride=time_stride)
    grid.save(path)
    assert CodeGrid.load(path) == grid
    for limits in (Settings(grid_columns=3229), Settings(grid_bytes=path.stat().st_size - 1)):
        with pytest.raises(GridError, match=rf"{most} columns|too large") as refusal:
            CodeGrid.load(path, settings=limits)
        assert is_one_sentence(refusal.value, path.name)


def test_indented_json_of_a_grid_is_within_the_limits(tmp_path):
    grid = CodeGrid(np.full((4, 8, 3230), 65_535), 3230 * 16, "0123456789ab", 65_536)
    (tmp_path / "grid.json").write_text(json.dumps(grid.to_dict(), indent=4))
    assert CodeGrid.load(tmp_path / "grid.json") == grid


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path, is_one_sentence):
    (tmp_path / "folder.npz").mkdir()
    assert is_one_sentence(refusal_of(tmp_path / "folder.npz"), "folder.npz")
    assert is_one_sentence(refusal_of(tmp_path / "missing.npz"), "missing.npz")
