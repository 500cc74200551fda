"""Libraries of codecs on the command line, in the folder where a server keeps them."""

import pytest

from distill.codec import Codec
from distill.library import Library
from distill.settings import Settings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTILL_LIBRARY_FOLDER", str(tmp_path / "bucket"))
    return tmp_path / "bucket"


def test_a_codec_is_kept_listed_renamed_opened_and_deleted(folder, distill, other_codec_path, tmp_path):
    status, printed, _ = distill("library", "keep", other_codec_path, "drums")
    assert status == 0
    assert "kept for 90 days" in printed
    key = printed.split()[-1]
    assert distill("library", "keep", other_codec_path, "bells", "--key", f"https://x.example/?library={key}")[0] == 0
    assert {each.name for each in Library(folder, Settings()).kept(key)} == {"drums", "bells"}
    assert distill("library", "rename", key, "drums", "hall")[0] == 0
    printed = distill("library", "list", key)[1]
    assert "hall  (3 levels" in printed
    assert "drums" not in printed
    out = tmp_path / "new" / "out.distill"
    assert distill("library", "open", key, "hall", out)[0] == 0
    assert Codec.load(out).model_id == Codec.load(other_codec_path).model_id
    for name in ("hall", "bells"):
        assert distill("library", "delete", key, name)[0] == 0
    assert "no codec in this library" in distill("library", "list", key)[1]


def test_what_goes_wrong_is_one_sentence(folder, distill, other_codec_path, tmp_path, monkeypatch):
    key = distill("library", "keep", other_codec_path, "drums")[1].split()[-1]
    damaged = tmp_path / "damaged.distill"
    damaged.write_bytes(b"no codec")
    for command in (
        ("list", "no key"),
        ("open", key, "none", tmp_path / "out.distill"),
        ("keep", other_codec_path, "drums", "--key", key),
        ("keep", other_codec_path, "d" * 61),
        ("keep", damaged, "damaged", "--key", key),
        ("list", key, "--folder", tmp_path),
        ("list", key, "--folder", tmp_path / "nowhere"),
    ):
        status, _, errors = distill("library", *command)
        assert (status, errors.count("\n")) == (2, 1), (command, errors)
    assert not (tmp_path / "out.distill").exists()
    assert not (tmp_path / "nowhere").exists()
    monkeypatch.delenv("DISTILL_LIBRARY_FOLDER")
    assert "DISTILL_LIBRARY_FOLDER" in distill("library", "list", key)[2]
