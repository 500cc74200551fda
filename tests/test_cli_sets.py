"""Sets of any size on the command line."""

import json
import shutil

import pytest

from distill.codec import Codec
from tests.hub.stand_in import Repository


@pytest.fixture
def kit(hub, examples) -> list[str]:
    """A data set of five hits on the Hub; returns their names."""
    hits = sorted((examples / "hits").glob("*.flac"))[:5]
    hub.repositories["ada/kit"] = Repository()
    hub.repositories["ada/kit"].commit({"README.md": b"---\n"} | {f"data/{hit.name}": hit.read_bytes() for hit in hits})
    return [hit.name for hit in hits]


def test_a_codec_is_trained_on_a_prepared_set(distill, clip_folder, tmp_path):
    out, codec_path = tmp_path / "sets" / "kit", tmp_path / "kit.distill"
    status, printed, errors = distill("prepare", clip_folder, out, "--processes", 1)
    assert (status, errors) == (0, "")
    assert f"{out}: 6 clips, 5.1 s of sound, 0.7 MB, from 6 files.\n" in printed
    status, printed, errors = distill("train", out, "--out", codec_path, "--epochs", 1)
    assert (status, errors) == (0, "")
    assert "6 clips: 64 codes per level, columns of 186 ms" in printed
    assert Codec.load(codec_path).info.provenance.clips == 6


def test_the_end_of_a_preparation_says_what_was_refused_and_what_has_changed(distill, clip_folder, tmp_path):
    folder = shutil.copytree(clip_folder, tmp_path / "clips")
    (folder / "empty.wav").write_bytes(b"")
    _, printed, _ = distill("prepare", folder, tmp_path / "out", "--processes", 1)
    assert "6 clips, 5.1 s of sound, 0.7 MB, from 7 files.\n1 left out; refused.txt names each:\n" in printed
    assert printed.endswith("       1  is empty\n")
    (folder / "loop_amen.wav").unlink()
    shutil.copy(clip_folder / "loop_amen.wav", folder / "empty.wav")
    _, printed, _ = distill("prepare", folder, tmp_path / "out", "--processes", 1)
    assert "1 file changed since the set was begun, and what is there now was read.\n" in printed
    assert "1 file of the set is gone, and so are the clips.\n" in printed
    assert "left out" not in printed


def test_a_prepared_set_is_trained_on_alone_and_as_it_is(distill, clip_folder, tmp_path):
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "set.json").write_text('{"format": "distill-set"}')
    out = ["--out", tmp_path / "kit.distill", "--epochs", 1]
    status, _, errors = distill("train", tmp_path / "kit", clip_folder, *out)
    assert (status, errors) == (2, "kit is a prepared set, which is trained on alone.\n")
    status, _, errors = distill("train", tmp_path / "kit", "--cut", "onsets", *out)
    assert (status, errors) == (
        2,
        "kit is a prepared set; its recordings are cut by “distill prepare --cut”.\n",
    )
    status, _, errors = distill("train", tmp_path / "kit", "--on", "jobs:l4x1", *out)
    assert (status, errors) == (2, "kit is a prepared set, which is trained on here; --on takes its sounds.\n")


def test_a_data_set_on_the_hub_is_prepared_by_its_name(distill, hub, kit, tmp_path):
    out, report = tmp_path / "out", tmp_path / "report.json"
    status, printed, _ = distill("prepare", "hf://datasets/ada/kit", out, "--processes", 1)
    assert status == 0
    assert "5 clips" in printed
    hub.repositories["ada/kit"].commit({"README.md": b"another card"})
    assert "changed" not in distill("prepare", "hf://datasets/ada/kit", out, "--processes", 1)[1]
    assert distill("train", out, "--out", tmp_path / "kit.distill", "--epochs", 1, "--json", report)[0] == 0
    assert json.loads(report.read_text())["steps"] >= 1
    status, _, errors = distill("prepare", "hf://datasets/ada/none", tmp_path / "none")
    assert status == 2
    assert "There is no data set ada/none on the Hub" in errors
