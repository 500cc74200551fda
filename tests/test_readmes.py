"""The map of the package is true: its rooms, its functions, its fields and its paths are those that there are."""

import importlib
import json
import re
import tomllib
from dataclasses import fields as fields_of
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from distill.cli import main
from distill.codes import CodeGrid, edits
from distill.training.config import VQVAEConfig
from tests.maps import MAP, fields, keys, names, section, table

PAGES = (
    "README.md",
    *("distill/README.md", "distill/training/README.md", "distill/bench/README.md", "distill/server/README.md"),
    *(".github/CONTRIBUTING.md", ".github/SECURITY.md"),
)


def test_every_room_is_on_the_map_and_every_room_on_the_map_is_there(repository):
    package = repository / "distill"
    modules = {path.name for path in package.glob("*.py")} - {"__init__.py"}
    folders = {path.parent for path in package.rglob("*") if path.suffix in (".py", ".js", ".css", ".distill")}
    rooms = {f"{folder.relative_to(package)}/" for folder in folders - {package}}
    assert {name for row in table("The rooms") for name in names(row[0])} == modules | rooms


def test_the_map_has_the_rooms_in_the_order_in_which_they_may_import(repository):
    contracts = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in contracts["contracts"] if contract["type"] == "layers")
    place = {name: number for number, layer in enumerate(layers) for name in re.split(r"[ |:]+", layer)}
    rooms = [re.split(r"[./]", names(row[0])[0])[0] for row in table("The rooms")]
    assert [place[room] for room in rooms] == sorted(place[room] for room in rooms)
    assert set(rooms) == set(place)


def test_every_name_of_the_package_on_the_map_leads_to_something():
    dotted = {name for name in names(MAP.read_text(encoding="utf-8")) if re.fullmatch(r"distill(\.\w+)+", name)}
    assert len(dotted) > 20
    for name in dotted - {"rehearsal.safetensors"}:
        parts = name.split(".")
        for depth in range(len(parts), 0, -1):
            try:
                thing = importlib.import_module(".".join(parts[:depth]))
            except ModuleNotFoundError:
                continue
            for part in parts[depth:]:
                thing = getattr(thing, part)
            break


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_is_there(repository, page):
    text = (repository / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    paths = re.findall(r"`((?:distill|tests|examples|\.github|\.ci)/[\w./-]*)`", text)
    assert links or paths
    for path in links:
        assert (repository / page).parent.joinpath(path).exists(), path
    for path in paths:
        assert (repository / path).exists(), path


def test_every_test_that_a_page_names_is_there(repository):
    written = "\n".join(path.read_text(encoding="utf-8") for path in (repository / "tests").rglob("test_*.py"))
    text = "".join((repository / page).read_text(encoding="utf-8") for page in PAGES)
    for name in re.findall(r"`(test_\w+)(?:…)?`", text):
        assert f"def {name}" in written, name
    for name in re.findall(r"`(test_\w+\.py)`", text):
        assert list((repository / "tests").rglob(name)), name


def test_a_codecs_file_holds_the_fields_on_the_map(codec_path):
    with safe_open(codec_path, "pt") as file:
        written = json.loads(file.metadata()["distill"])
    config = {field.name for field in fields_of(VQVAEConfig)}
    assert set(written["config"]) == config
    assert {name for row in table("A `.distill` file") for name in names(row[0])} == {
        *written,
        "val_mel_l1",
    }  # no clip was held out
    values = {"ConvVQVAE", "ConvVAE", "distill.training.config.VQVAEConfig"}
    values |= {"distill.models.vocoder.VocoderNetwork", "vocoder.", "val_mel_l1", "from_codec"}
    del written["config"]
    assert fields("A `.distill` file") - values == {"config", *keys(written)} - {"val_mel_l1", "from_codec"}


def test_a_grid_holds_the_fields_on_the_map_in_each_of_its_forms(grid, tmp_path):
    named = {name for row in table("A grid") for name in names(row[0])}
    mixed = edits.mix_codes(grid, rows=0, columns=0, gain=0.5)  # a grid without a mix lacks the field
    mixed.save(tmp_path / "grid.npz")
    mixed.save(tmp_path / "grid.json")
    with np.load(tmp_path / "grid.npz") as arrays:
        assert set(arrays) == named
        assert arrays["indices"].dtype == np.uint16
    assert set(json.loads((tmp_path / "grid.json").read_text())) == named
    (form,) = re.findall(r"```\n(distill2.*)\n```", section("A grid"))
    parts = dict(zip(form.split("."), grid.to_text().split("."), strict=True))
    assert parts.pop("distill2") == "distill2"
    assert parts.pop("CODES")
    fine = CodeGrid(grid.indices, 14 * 4, grid.model_id, grid.codebook_size, time_stride=4).to_text().split(".")
    assert fine[:7] == ["distill3", grid.model_id, "64", str(14 * 4 * 512), "4", "3", "8"]
    size, samples, levels, rows = grid.codebook_size, grid.num_samples, grid.levels, grid.rows
    expected = {"CODEBOOK_SIZE": size, "NUM_SAMPLES": samples, "LEVELS": levels, "ROWS": rows}
    assert parts == {"MODEL_ID": grid.model_id} | {name: str(value) for name, value in expected.items()}


def test_the_codes_of_a_grids_text_are_packed_as_the_map_says():
    import base64
    import zlib

    grid = CodeGrid(np.arange(16).reshape(2, 8, 1) % 5, num_frames=9, model_id="an id", codebook_size=5)
    packed = grid.to_text().rpartition(".")[2]
    data = zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    bits = "".join(f"{byte:08b}" for byte in data)
    assert [int(bits[3 * place : 3 * place + 3], 2) for place in range(16)] == grid.indices.ravel().tolist()


def test_reports_hold_the_fields_on_the_map(clip_folder, tmp_path, capsys):
    codec, train, evaluate = (str(tmp_path / name) for name in ("M.distill", "train.json", "evaluate.json"))
    options = ["--epochs", "1", "--levels", "2", "--codebook-dim", "4", "--from-scratch"]
    assert main(["train", str(clip_folder), "--out", codec, *options, "--json", train]) == 0
    assert main(["evaluate", codec, str(next(clip_folder.iterdir())), "--json", evaluate]) == 0
    reports = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in ("train", "evaluate")}
    capsys.readouterr()
    assert main(["info", codec, "--json"]) == 0
    reports["info"] = json.loads(capsys.readouterr().out)
    for command, report in reports.items():
        assert fields("What `--json` writes", f"`{command}`") == set(report), command


def blocks(page: Path) -> list[tuple[str, str]]:
    """The blocks of code in a page, each with the name of its language."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_readme_are_those_that_there_are(repository, capsys):
    (usage,) = (block for kind, block in blocks(repository / "README.md") if not kind and "distill evaluate" in block)

    def help_of(*command: str) -> str:
        with pytest.raises(SystemExit):
            main([*command, "--help"])
        return capsys.readouterr().out

    named = dict(re.findall(r"python -m distill ([\w-]+)((?:(?!python -m).)*)", usage, re.DOTALL))
    assert set(named) == set(re.findall(r"^    (\w[\w-]*)", help_of(), re.MULTILINE))
    for command, arguments in named.items():
        assert set(re.findall(r"--[\w-]+", arguments)) <= set(re.findall(r"--[\w-]+", help_of(command))), command


def test_the_readmes_python_runs_as_written(repository, monkeypatch):
    monkeypatch.chdir(repository)
    snippets = [block for kind, block in blocks(repository / "README.md") if kind == "python"]
    here, with_a_page = ([s for s in snippets if ("gradio_client" in s) is there] for there in (False, True))
    assert len(here) == len(with_a_page) == 1  # tests/e2e/test_api.py runs the other
    names: dict = {}
    exec(here[0], names)
    assert names["grid"].indices.shape[:2] == (3, 8)
    assert 0 < names["patch"].start < names["patch"].stop < len(names["clip"])
