"""The Hugging Face Hub on the command line."""

import io
import os
import subprocess
import sys

import pytest

from distill.codec import Codec
from distill.codes import CodeGrid


@pytest.fixture
def answer(monkeypatch):
    """Types a line as the answer to the next question."""
    return lambda line: monkeypatch.setattr(sys, "stdin", io.StringIO(line))


def test_a_codec_is_published_after_a_look_and_a_yes(hub, distill, codec_path, clip_path, answer):
    answer("n\n")
    status, printed, _ = distill("publish", codec_path, "ada/loops", "--sound", clip_path)
    assert status == 0
    assert "ada/loops on the Hugging Face Hub, for everybody to read" in printed
    for path in ("codec.distill", "config.json", "README.md", "codes.png", "sounds/1.flac"):
        assert f"  {path} " in printed
    assert "Nothing was published." in printed
    assert clip_path.name not in printed
    assert not hub.asked
    answer("")  # there is no keyboard
    assert "Nothing was published." in distill("publish", codec_path, "ada/loops")[1]
    assert not hub.asked
    answer("y\n")
    status, printed, _ = distill("publish", codec_path, "ada/loops", "--private", "--license", "cc-by-4.0")
    assert status == 0
    assert "for only you to read" in printed
    assert f"{hub.url}/ada/loops/commit/" in printed
    assert hub.repositories["ada/loops"].private
    assert b"license: cc-by-4.0" in hub.repositories["ada/loops"].files["README.md"]


def test_ctrl_c_at_the_question_is_a_no(hub, distill, codec_path, monkeypatch):
    class Interrupted(io.StringIO):
        def readline(self):
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Interrupted())
    status, printed, _ = distill("publish", codec_path, "ada/loops")
    assert status == 0
    assert "Nothing was published." in printed
    assert not hub.asked


def test_every_command_takes_a_codec_from_the_hub(hub, distill, codec_path, other_codec_path, clip_path, tmp_path):
    assert distill("publish", codec_path, "ada/loops", "--grids", "--yes")[0] == 0
    revision = next(reversed(hub.repositories["ada/loops"].commits))
    assert distill("publish", other_codec_path, "ada/loops", "--yes")[0] == 0
    grid, out, model_id = tmp_path / "grid.npz", tmp_path / "out.wav", Codec.load(codec_path).model_id
    old, new = f"hf://ada/loops@{revision}", "hf://ada/loops"
    assert distill("encode", old, clip_path, grid)[0] == 0
    assert CodeGrid.load(grid).model_id == model_id
    assert distill("decode", old, grid, out)[0] == 0
    assert model_id in distill("info", old)[1]
    assert Codec.load(other_codec_path).model_id in distill("info", new)[1]
    assert distill("invent", old, out, "--seconds", 1)[0] == 0
    assert distill("translate", old, new, clip_path, out, "--grid", grid)[0] == 0
    assert CodeGrid.load(grid).model_id == Codec.load(other_codec_path).model_id


def test_what_goes_wrong_is_one_sentence(hub, distill, codec_path, clip_path, tmp_path):
    for command in (
        ("info", "hf://ada/none"),
        ("info", "hf://none"),
        ("train", clip_path.parent, "--out", tmp_path / "M.distill", "--from", "hf://ada/none"),
        ("publish", codec_path, "eve/loops", "--yes"),
        ("publish", codec_path, "ada/loops", "--yes", "--license", "no licence"),
        ("publish", codec_path, "ada/loops", "--yes", "--sound", codec_path),
        ("publish", tmp_path / "none.distill", "ada/loops", "--yes"),
    ):
        status, _, errors = distill(*command)
        assert status == 2, command
        assert errors.count("\n") == 1, errors
        assert "Traceback" not in errors


def test_the_hub_of_the_environment_is_asked(hub, codec, repository, tmp_path):
    codec.push_to_hub("ada/loops")
    environment = os.environ | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-m", "distill", "info", "hf://ada/loops"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=repository, env=environment, check=True)
    assert codec.model_id in done.stdout
    assert done.stderr == ""
