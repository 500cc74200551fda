"""Clips as a data set on the Hugging Face Hub: what goes out is what was shown, and a training finds it by its name."""

import csv
import io
import sys

import numpy as np
import pytest
import soundfile

from distill.audio import SAMPLE_RATE, load_clip
from tests.hub.stand_in import READS
from tests.hub.test_repository import put


@pytest.fixture
def sounds(tmp_path, clip_folder):
    """A folder with six clips, one of them in stereo and with a title in its file, and a file that is no sound."""
    folder = tmp_path / "my secret sounds"
    folder.mkdir()
    for number, path in enumerate(sorted(clip_folder.iterdir())):
        waveform = load_clip(path).waveform
        with soundfile.SoundFile(folder / f"secret {number}.flac", "w", SAMPLE_RATE, 2) as file:
            file.title = "a secret title"
            file.write(np.stack([waveform, waveform], axis=1))
    (folder / "secret notes.txt").write_text("notes")
    return folder


def table_of(repository):
    return list(csv.DictReader(io.StringIO(repository.files["data/metadata.csv"].decode())))


def test_a_set_goes_out_without_names_and_a_training_finds_it(hub, distill, sounds, tmp_path):
    status, printed, errors = distill("publish-set", sounds, "ada/kit", "--license", "cc-by-4.0", "--yes")
    assert status == 0
    assert "secret notes.txt" in errors
    assert f"{hub.url}/ada/kit/commit/" in printed
    files = hub.repositories["ada/kit"].files
    flacs = [f"data/000{number}.flac" for number in range(1, 7)]
    assert set(files) == {".gitattributes", "README.md", "data/metadata.csv", *flacs}
    assert not [path for path, content in files.items() if b"secret" in content or "secret" in path]
    for path, content in files.items():
        if path != ".gitattributes":
            assert f"  {path:17} {len(content) / 1000:8.1f} kB" in printed
    assert "of secret 0.flac" in printed  # whoever publishes sees which file is which
    for row, path in zip(table_of(hub.repositories["ada/kit"]), flacs, strict=True):
        samples, rate = soundfile.read(io.BytesIO(files[path]), always_2d=True)
        assert (row["file_name"], rate, samples.shape[1]) == (path.removeprefix("data/"), SAMPLE_RATE, 1)
        assert float(row["seconds"]) == pytest.approx(len(samples) / rate, abs=0.001)
    card = files["README.md"].decode()
    assert card.startswith("---\nlicense: cc-by-4.0\n")
    (command,) = [line for line in card.splitlines() if line.startswith("python -m distill ")]
    arguments = command.removeprefix("python -m distill ").replace("kit.distill", str(tmp_path / "kit.distill"))
    assert distill(*arguments.split(), "--epochs", "1")[0] == 0
    assert (tmp_path / "kit.distill").exists()


def test_names_go_out_only_if_they_are_asked_for_and_none_takes_the_place_of_another(hub, distill, sounds):
    (sounds / "more").mkdir()
    (sounds / "secret 1.flac").rename(sounds / "more" / "Secret 0.flac")
    assert distill("publish-set", sounds, "ada/kit", "--license", "other", "--names", "--yes")[0] == 0
    names = [row["name"] for row in table_of(hub.repositories["ada/kit"])]
    assert sorted(names)[:2] == ["Secret 0.flac", "secret 0.flac"]
    stems = {path.lower() for path in hub.repositories["ada/kit"].files if path.endswith(".flac")}
    assert len(stems) == 6


def test_nothing_goes_out_before_a_yes_and_old_files_of_the_set_are_replaced(hub, distill, sounds, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    status, printed, _ = distill("publish-set", sounds, "ada/kit", "--license", "cc0-1.0", "--private")
    assert status == 0
    assert "for only you to read" in printed
    assert "Nothing was published." in printed
    assert not hub.asked
    old = {"data/metadata.csv": b"file_name\n", "data/0009.flac": b"old", "notes.md": b"mine"}
    put(hub, "ada/kit", old, private=True)
    assert distill("publish-set", sounds, "ada/kit", "--license", "cc0-1.0", "--private", "--yes")[0] == 0
    files = hub.repositories["ada/kit"].files
    assert "data/0009.flac" not in files
    assert files["notes.md"] == b"mine"


def test_what_goes_wrong_is_one_sentence_and_nothing_goes_out(hub, distill, sounds, tmp_path, monkeypatch):
    put(hub, "ada/other", {"train.parquet": b"PAR1"})
    put(hub, "ada/open", {"data/metadata.csv": b""})
    (tmp_path / "empty").mkdir()
    before = {name: dict(each.files) for name, each in hub.repositories.items()}
    for arguments, words in (
        ((sounds, "ada/other"), "something else"),
        ((sounds, "ada/open", "--private"), "is public"),
        ((sounds, "no name"), "no name of a repository"),
        ((sounds, "eve/kit"), "may not write"),
        ((tmp_path / "empty", "ada/kit"), "no clips to publish"),
    ):
        status, _, errors = distill("publish-set", *arguments, "--license", "cc0-1.0", "--yes")
        assert status == 2
        assert words in errors.splitlines()[-1], errors
    assert "no name of a licence" in distill("publish-set", sounds, "ada/kit", "--license", "Mine!", "--yes")[2]
    assert distill("publish-set", sounds, "ada/kit", "--yes")[0] == 2  # nobody chooses the licence but the publisher
    monkeypatch.setenv("HF_TOKEN", READS)
    assert "may not write" in distill("publish-set", sounds, "ada/kit", "--license", "cc0-1.0", "--yes")[2]
    assert {name: dict(each.files) for name, each in hub.repositories.items()} == before
