"""Data sets of sound files on the Hugging Face Hub."""

import json

import pytest

from distill.audio import load_clip
from distill.cli import main
from distill.errors import HubError
from distill.hub import fetch_sounds
from tests.hub.stand_in import Repository


@pytest.fixture
def kit(hub, examples) -> dict[str, bytes]:
    """A data set on the Hub: five hits in two folders, with a card and labels. The names have what patterns use."""
    hits = sorted((examples / "hits").glob("*.flac"))[:5]
    files = {f"data/{'ab'[number % 2]}/hit [{number}].flac": hit.read_bytes() for number, hit in enumerate(hits)}
    hub.repositories["ada/kit"] = Repository()
    hub.repositories["ada/kit"].commit({"README.md": b"---\n---\n", "data/metadata.csv": b"file_name\n"} | files)
    return files


def test_the_sound_files_of_a_data_set_come_as_they_are_and_nothing_else_does(hub, kit):
    paths = fetch_sounds("ada/kit", most_bytes=10**7)
    assert [path.read_bytes() for path in paths] == [kit[name] for name in sorted(kit)]
    assert load_clip(paths[0]).name == "hit [0].flac"
    assert not [asked for asked in hub.asked if "metadata" in asked or "README" in asked]


def test_a_file_that_only_ends_like_a_sound_is_not_downloaded(hub, kit):
    hub.repositories["ada/kit"].commit(kit | {"data/.flac": b"hidden", ".flac": b"hidden", "data/flac": b""})
    paths = fetch_sounds("ada/kit", most_bytes=10**7)
    assert sorted(path for path in paths[0].parents[2].rglob("*") if path.is_file()) == sorted(paths)


def test_what_is_asked_for_does_not_grow_with_the_number_of_files(hub, kit, monkeypatch):
    import huggingface_hub

    asked, download = [], huggingface_hub.snapshot_download

    def spied(*arguments, allow_patterns, **options):
        asked.append(len(allow_patterns))
        return download(*arguments, allow_patterns=allow_patterns, **options)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", spied)
    fetch_sounds("ada/kit", most_bytes=10**7)
    more = {f"more/{number}.{kind}": b"" for number in range(40) for kind in ("flac", "WAV")}
    hub.repositories["ada/kit"].commit(kit | more)
    assert len(fetch_sounds("ada/kit", most_bytes=10**7)) == len(kit) + len(more)
    assert asked == [1, 2]  # a pattern for each kind


def test_what_is_there_is_not_downloaded_again(hub, kit):
    fetch_sounds("ada/kit", most_bytes=10**7)
    hub.asked.clear()
    fetch_sounds("ada/kit", most_bytes=10**7)
    assert not [asked for asked in hub.asked if "resolve" in asked and asked.startswith("GET")]


def test_a_codec_is_trained_on_a_data_set_by_its_name(kit, tmp_path, capsys):
    out, report = tmp_path / "kit.distill", tmp_path / "report.json"
    options = ["--out", str(out), "--epochs", "1", "--json", str(report)]
    assert main(["train", "hf://datasets/ada/kit", *options]) == 0, capsys.readouterr().err
    assert out.exists()
    capsys.readouterr()
    assert main(["train", "hf://datasets/ada/kit@v1", *options]) == 2
    assert capsys.readouterr().err == "ada/kit has no revision “v1”.\n"
    assert json.loads(report.read_text())["steps"] >= 1


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"README.md": b""}, "is no data set of sound files: there are none among its files."),
        ({"data/train.parquet": b"PAR1"}, "its sounds are in Parquet tables, which are not read."),
        ({"loud.wav": bytes(3 * 2**20)}, "has 3 MiB of sound files; at most 2 MiB are downloaded."),
    ],
)
def test_a_data_set_without_sound_files_or_with_too_many_is_refused(hub, files, words):
    hub.repositories["ada/other"] = Repository()
    hub.repositories["ada/other"].commit(files)
    with pytest.raises(HubError, match=r"^ada/other ") as refusal:
        fetch_sounds("ada/other", most_bytes=2 * 2**20)
    assert str(refusal.value).endswith(words)
    assert not [asked for asked in hub.asked if "resolve" in asked]


def test_a_data_set_that_is_not_there_or_not_to_be_read_is_refused(hub, kit):
    with pytest.raises(HubError, match="There is no data set ada/none on the Hub, or it is private"):
        fetch_sounds("ada/none", most_bytes=100)
    hub.failing = 503
    with pytest.raises(HubError, match="has a fault at the moment"):
        fetch_sounds("ada/kit", most_bytes=10**7)
