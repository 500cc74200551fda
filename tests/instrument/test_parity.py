"""The page's own server answers every request as the server does: codes, histories and refusals."""

import json
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from distill.audio import write_wav
from distill.codec.qualities import Qualities
from distill.codes import CodeGrid, History
from distill.editing import calls
from distill.errors import GoneError, GridError
from distill.settings import Settings

HERE = Path(__file__).parent
KINDS = (
    *("paint", "set", "paste", "play", "clear", "move", "repeat", "reverse", "shift", "similar", "random"),
    *("replace", "blend", "slide", "slide", "mix", "mix", "swap", "undo", "redo", "reset", "look", "undo", "redo"),
)
DRAWN = "cross, vary, fill, continue, "
"""Edits that only a server makes."""
OF_THE_SOUND = {"flac", "start", "stale", "version"}


class SilentWork:
    """A clip with its history and without sound."""

    def __init__(self, secret, name, grid, codec):
        self.secret, self.name, self.codec, self.history = secret, name, codec, History(grid)
        self.lock, self.last_answer, self.version = threading.RLock(), None, 0

    def do(self, label, grid, *, heard=True, gesture="", before=None):
        self.history.do(label, grid, gesture=gesture)

    def undo(self, **_):
        self.history.undo()

    def redo(self, **_):
        self.history.redo()


def answered_by_python(works, requests, settings):
    def find(secret):
        for work in works:
            if work.secret == secret:
                return work
        raise GoneError("This clip is no longer open on the server.")

    answers = []
    for request in requests:
        try:
            answers.append(calls.perform(find(request["work"]), request, find, settings))
        except GoneError as error:
            answers.append({"error": str(error), "gone": True})
        except GridError as error:
            answers.append({"error": str(error)})
    return answers


def answered_by_the_page(cases):
    done = subprocess.run(
        ["node", HERE / "answer_requests.js"], input=json.dumps(cases), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def without_sound(answer):
    answer = {name: value for name, value in answer.items() if name not in OF_THE_SOUND}
    if "off" in answer:  # the last digits of sums depend on their order
        answer["off"] = pytest.approx(answer["off"], abs=0.0011)
    if "second" in answer:
        answer["second"] = answer["second"]["work"]
    return answer


def scene(seed, edit_cells):
    """A codec and two clips; both servers get the same."""
    random = np.random.default_rng(seed)
    levels, size, dim = int(random.integers(2, 5)), int(random.choice([16, 64, 100])), int(random.integers(1, 9))
    stride = int(random.choice([16, 8, 4]))
    codec = SimpleNamespace(
        num_levels=levels,
        codebooks=random.normal(size=(levels, size, dim)).astype(np.float16).astype(np.float32),
        quiet_codes=random.integers(size, size=(levels, 8)),
        neutral_codes=np.repeat(random.integers(size, size=(levels, 1)), 8, axis=1),
        qualities=Qualities(*(random.normal(size=shape).astype(np.float32) for shape in ((3, 8, dim), (8, dim), (8,)))),
    )
    works = []
    for secret, name in (("one", "kick <b>.wav"), ("two", "snare.flac")):
        columns = int(random.integers(1, 30))
        indices = random.integers(size, size=(levels, 8, columns))
        grid = CodeGrid(indices, columns * stride, "0a1b", size, time_stride=stride)
        works.append(SilentWork(secret, name, grid, codec))
    case = {
        "shape": {"levels": levels, "rows": 8, "size": size, "timeStride": stride},
        "codec": {
            "codebooks": codec.codebooks.tolist(),
            "quiet": codec.quiet_codes.tolist(),
            "neutral": codec.neutral_codes.tolist(),
            "slides": {
                **{name: getattr(codec.qualities, name).tolist() for name in ("steps", "loudness", "quietness")},
                "travel": codec.qualities.travel,
            },
        },
        "clips": [
            {
                "work": work.secret, "name": work.name, "columns": work.history.grid.columns,
                "indices": work.history.grid.indices.ravel().tolist(),
            }
            for work in works
        ],
        "edit_cells": edit_cells,
    }  # fmt: skip
    return works, case


def some_request(random, works):
    """A request that often, but not always, fits the grid."""
    work = works[int(random.random() < 0.3)]
    grid = work.history.grid
    kind = str(random.choice(KINDS))

    def near(size):  # mostly inside, sometimes just outside
        return int(random.integers(size)) if random.random() < 0.97 else int(random.choice([-1, size, size + 3]))

    def ends(size):
        first, last = sorted((near(size), near(size)))
        return [first, last] if random.random() < 0.97 else [last, first]

    one = near(grid.levels)
    levels = [one, one] if kind in ("set", "similar", "random") and random.random() < 0.9 else ends(grid.levels)
    if random.random() < 0.3:
        levels = [0, grid.levels - 1]
    rows = [0, grid.rows - 1] if random.random() < 0.3 else ends(grid.rows)
    region = {"levels": levels, "rows": rows, "columns": ends(grid.columns)}
    place = {"row": near(grid.rows), "column": near(grid.columns)}
    code = near(grid.codebook_size)
    shape = random.integers(1, 4, size=3)
    gain = float(random.choice([0, 0.01, 0.33, 0.5, 1.5, random.random()]))
    mixes = [{"gain": gain}, {"mute": True}, {"mute": False, "gain": None}, {}]
    fields = {
        "paint": {
            "level": one, "code": code,
            "cells": [[near(grid.rows), near(grid.columns)] for _ in range(int(random.integers(1, 6)))],
        },
        "set": region | {"code": code},
        "paste": place
        | {"level": near(grid.levels), "codes": random.integers(grid.codebook_size, size=shape).tolist()},
        "move": region | place,
        "repeat": region
        | {"times": int(random.integers(-1, 5)), "period": float(random.choice([0, 2.5, 3.3, 0.5, 7, -1]))},
        "play": {
            "notes": [
                [near(grid.levels), near(grid.rows), near(grid.columns), near(grid.codebook_size)]
                for _ in range(int(random.integers(1, 6)))
            ],
        },
        "shift": region | {"by_rows": int(random.integers(-9, 10)), "by_columns": int(random.integers(-40, 40))},
        "similar": region | {"rank": near(grid.codebook_size)},
        "random": region | {"among": near(grid.codebook_size), "seed": int(random.integers(2**31))},
        "replace": {"level": one, "code": int(random.choice(grid.indices.ravel())), "replacement": code},
        "blend": region | {"second": "two", "amount": float(random.choice([0, 1, 0.5, 0.125, random.random()]))},
        "slide": region
        | {name: float(random.choice([0, 1, -1, random.uniform(-1, 1)])) for name in ("brightness", "noisiness")}
        | {name: float(random.choice([0, 0.5, random.uniform(-1, 1)])) for name in ("attack", "loudness")},
        "swap": region | {"second": str(random.choice(["two", "two", "one"]))},
        "mix": region | mixes[int(random.integers(4))],
    }.get(kind, region if kind in ("clear", "reverse") else {})  # fmt: skip
    if random.random() < 0.3 and ("rows" in fields or kind == "paste"):
        first = [fields.get(name, [place[name[:-1]]])[0] for name in ("rows", "columns")]
        fields["only"] = [[first[0] + int(by), first[1] + int(by)] for by in range(int(random.integers(1, 4)))]
    if kind in ("blend", "slide") and random.random() < 0.3:
        fields["since"] = int(random.integers(0, 4))
    if random.random() < 0.4:
        fields["gesture"] = "drag"
    return {"work": work.secret, "id": f"{random.integers(2**62)}", "kind": kind} | fields


def compare(works, case):
    """Let both answer a case's requests."""
    theirs = answered_by_python(works, case["requests"], Settings(edit_cells=case["edit_cells"]))
    (mine,) = answered_by_the_page([case])
    for request, here, there in zip(case["requests"], mine["answers"], theirs, strict=True):
        if "error" in there:
            there["error"] = there["error"].replace(DRAWN, "")
        assert without_sound(here) == without_sound(there), request
    for grid, work in zip(mine["grids"], works, strict=True):
        cells = work.history.grid.cells.tolist()
        assert grid == cells[: len(grid)]
        assert all(fader == 50 for fader in cells[len(grid) :])


@pytest.mark.parametrize("seed", range(12))
def test_the_page_makes_the_edits_that_the_server_makes(seed):
    random = np.random.default_rng(1_000 + seed)
    works, case = scene(seed, edit_cells=100 if seed % 2 else 4_096)
    works_of_requests, _ = scene(seed, 0)
    case["requests"] = [some_request(random, works_of_requests) for _ in range(120)]
    compare(works, case)


def test_a_request_that_comes_twice_is_done_once():
    works, case = scene(3, 4_096)
    reverse = {"work": "one", "id": "a", "kind": "reverse", "levels": [0, 0], "rows": [0, 7], "columns": [0, 1]}
    shift = reverse | {"kind": "shift", "by_rows": 1, "columns": [0, 0]}
    case["requests"] = [shift, shift, shift | {"id": "b"}, shift | {"id": ""}, shift | {"id": ""}]
    compare(works, case)


@pytest.mark.parametrize("peak", [0.3, 1.0, 2.7])
def test_a_saved_sound_has_the_samples_that_python_writes(peak, tmp_path):
    samples = np.random.default_rng(7).normal(size=5_000).astype(np.float32)
    samples *= np.float32(peak) / np.abs(samples).max()
    samples[:5] = 0.5 / 2**15, -0.5 / 2**15, 0.2, -0.5 / 2**31, -0.6 / 2**31
    samples.tofile(tmp_path / "samples")
    write_wav(tmp_path / "python.wav", samples)
    module = (HERE / "../../distill/ui/components/js/bytes.js").resolve().as_uri()
    script = f"""
        import {{ readFileSync, writeFileSync }} from "node:fs";
        import {{ wavOf }} from "{module}";
        const bytes = readFileSync("samples");
        const samples = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
        writeFileSync("page.wav", new Uint8Array(wavOf(samples, 44100)));
    """
    subprocess.run(["node", "--input-type=module", "-e", script], cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "page.wav").read_bytes() == (tmp_path / "python.wav").read_bytes()


REGION = {"levels": [0, 0], "rows": [0, 1], "columns": [0, 0]}
WRONG = [
    {"kind": "fly"},
    {"kind": 7},
    {"kind": "a name with 'quotes' that is long enough to be cut in the middle of it"},
    {},
    {"kind": "set"},
    {"kind": "reverse", **REGION, "only": 5},
    {"kind": "reverse", **REGION, "only": [[0, "x"]]},
    {"kind": "slide", **REGION, "since": "x"},
    {"kind": "slide", **REGION, "since": True},
    {"kind": "set", **REGION},
    {"kind": "set", **REGION, "code": "5"},
    {"kind": "set", **REGION, "code": 1.5},
    {"kind": "set", **REGION, "code": True},
    {"kind": "set", **REGION, "code": None},
    {"kind": "set", **REGION, "code": 3_000_000_000},
    {"kind": "set", **REGION, "code": 5, "colour": "red"},
    {"kind": "set", **REGION, "code": [1, [2, [3, [4]]], 5, 6, 7, 8, 9]},
    {"kind": "set", **REGION, "code": {"a": 1, "b": {"c": {"d": 2}}}},
    {"kind": "set", **REGION | {"rows": [0]}, "code": 5},
    {"kind": "set", **REGION | {"rows": "all"}, "code": 5},
    {"kind": "set", **REGION | {"levels": [0, 1]}, "code": 5},
    {"kind": "paint", "level": 0, "code": 1, "cells": []},
    {"kind": "paint", "level": 0, "code": 1, "cells": [[0]]},
    {"kind": "paint", "level": 0, "code": 1, "cells": [[0, 0]] * 101},
    {"kind": "paint", "level": 0, "code": 1, "cells": [[0] * 300]},
    {"kind": "paste", "level": 0, "row": 0, "column": 0, "codes": [[[1], [2, 3]]]},
    {"kind": "paste", "level": 0, "row": 0, "column": 0, "codes": [[]]},
    {"kind": "paste", "level": 0, "row": 0, "column": 0, "codes": [[[1] * 101]]},
    {"kind": "paste", "level": 1, "row": 0, "column": 0, "codes": [[[1]]] * 4},
    {"kind": "paste", "level": 0, "row": 0, "column": 0, "codes": [[[-1]]]},
    {"kind": "blend", **REGION, "second": "two", "amount": 1.5},
    {"kind": "blend", **REGION, "second": 2, "amount": 0.5},
    {"kind": "blend", **REGION, "second": "x" * 101, "amount": 0.5},
    {"kind": "mix", **REGION},
    {"kind": "mix", **REGION, "gain": 1.6},
    {"kind": "mix", **REGION, "gain": "loud"},
    {"kind": "mix", **REGION, "mute": 1},
    {"kind": "mix", **REGION | {"rows": [0, 99]}, "gain": 1},
    {"kind": "swap", **REGION, "second": "one"},
    {"kind": "swap", **REGION, "second": "gone"},
    {"kind": "blend", **REGION, "second": "gone", "amount": 0.5},
    {"kind": "similar", **REGION | {"levels": [9, 9]}, "rank": 1},
    {"kind": "random", **REGION, "among": 0},
    {"kind": "random", **REGION, "among": 2, "seed": -1},
    {"kind": "undo", "gesture": "a take that is not there"},
]


def test_the_page_refuses_in_the_sentences_of_the_server():
    works, case = scene(5, 100)
    case["requests"] = [{"work": "one"} | request for request in WRONG]
    compare(works, case)
    assert all("error" in answer for answer in answered_by_the_page([case])[0]["answers"])


@pytest.mark.parametrize("seed", [0, 1, 12_345, 2**31, 2**40 + 7])
def test_a_seed_makes_the_choices_of_numpy(seed):
    module = (HERE / "../../distill/browser/numpy_random.js").resolve().as_uri()
    below = [1, 2, 3, 63, 255, 1_000_003, 2**31]
    script = f'import {{ randomIntegers }} from "{module}";'
    script += f"console.log(JSON.stringify({below}.map((each) => randomIntegers({seed}, each, 50))));"
    done = subprocess.run(["node", "--input-type=module", "-e", script], capture_output=True, text=True, timeout=60)
    expected = [np.random.default_rng(seed).integers(each, size=50).tolist() for each in below]
    assert json.loads(done.stdout) == expected, done.stderr
