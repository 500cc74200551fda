"""Workers of Ray, which itself starts in slow tests only, without a network; what may go wrong is said in time."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from distill.errors import ConfigError, ScaleError
from distill.scale import pool
from distill.scale.pool import LOST, Patience, answers, count_workers
from distill.scale.ray_work import WORKER_BYTES, RefusedError, _count_room
from distill.scale.rows import Job
from tests.scale.conftest import CLIPS
from tests.waiting import until


def descendants(of: int) -> dict[int, str]:
    """The processes below a process, with their command lines."""
    found, parents = {}, {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            parents[int(place.name)] = parent, (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, IndexError, ValueError):
            continue
    waiting = {of}
    while waiting:
        waiting = {child for child, (parent, _) in parents.items() if parent in waiting}
        found |= {child: parents[child][1] for child in waiting}
    return found


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False


IN_ITS_PLACE = {
    "__init__.py": """
import os, subprocess

def init(**how):
    left = subprocess.Popen(["sleep", "3600"])  # as Ray leaves processes behind where it hangs
    with open(os.environ["STARTED"], "w") as file:
        file.write(f"{os.getpid()} {left.pid}")

def shutdown():
    pass
""",
    "data.py": """
import types
import pyarrow

runs = []

class DataContext:
    get_current = types.SimpleNamespace

def ActorPoolStrategy(**how):
    pass

def from_items(rows, override_num_blocks):
    return types.SimpleNamespace(map_batches=lambda worker, **how: Answers(rows, worker, **how))

class Answers:
    def __init__(self, rows, worker, *, fn_constructor_args, batch_size, **how):
        self.rows, self.worker, self.size = rows, worker(*fn_constructor_args), batch_size
        runs.append(batch_size)

    def iter_batches(self, **how):
        for start in range(0, len(self.rows), self.size):
            batch = self.rows[start : start + self.size]
            text = str(batch)
            if "elec_ping" in text or (len(runs) == 1 and "perc_snap" in text):
                continue  # the worker ended: Ray leaves out what it had
            yield self.worker(pyarrow.table({"item": [row["item"] for row in batch]}))
""",
}
"""Ray as :mod:`distill.scale.ray_work` uses it, in one process: a file ends each worker, another only its first one."""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_what_ended_workers_had_is_done_by_others_and_nothing_is_left_of_them(
    distill, codec_path, short_set, tmp_path, monkeypatch
):
    alone, out, place = tmp_path / "alone.parquet", tmp_path / "codes.parquet", tmp_path / "place"
    (place / "ray").mkdir(parents=True)
    for name, text in IN_ITS_PLACE.items():
        (place / "ray" / name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", f"{place}:{os.getcwd()}")
    monkeypatch.setenv("STARTED", str(place / "started"))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(pool, "BATCHES_OF_A_WORKER", 1)
    assert distill("encode", codec_path, short_set, alone, "--workers", 1)[0] == 0
    assert not (place / "started").exists()
    status, printed, errors = distill("encode", codec_path, short_set, out, "--workers", 2)
    assert (status, errors) == (0, "")
    assert "4 clips" in printed
    expected, found = ({row["file"]: row for row in pq.read_table(each).to_pylist()} for each in (alone, out))
    lost = found.pop("elec_ping.flac")
    assert lost["reason"] == LOST.format(name="elec_ping.flac")
    assert lost["codes"] is lost["file_bytes"] is lost["changed_ns"] is None
    assert expected.pop("elec_ping.flac")["codes"]
    assert found == expected
    left = [int(process) for process in (place / "started").read_text().split()]
    assert len(left) == 2
    until(lambda: not any(map(is_running, left)))
    assert "1 are new" in distill("encode", codec_path, short_set, out, "--workers", 2)[1]  # one file: no Ray
    assert out.read_bytes() == alone.read_bytes()


STRANGE = """
import os, sys, time
from importlib.machinery import PathFinder

def end(path):
    os._exit(9)

def wait_once(path):
    try:
        os.rename(os.environ["FIRST"], os.environ["FIRST"] + "." + str(os.getpid()))
    except FileNotFoundError:
        return
    time.sleep(3600)

class Strange:  # all processes of Ray read this file: only those that work load what is strange
    def find_spec(self, name, path=None, target=None):
        if name != "distill.scale.rows":
            return None
        spec = PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module

        def execute_and_change(module):
            execute(module)
            load = module.load_clip
            module.load_clip = lambda path, **more: ("elec_ping" in str(path) and DEED(path)) or load(path, **more)

        spec.loader.exec_module = execute_and_change
        return spec

sys.meta_path.insert(0, Strange())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_killed_worker_loses_nothing_and_nothing_is_left_of_ray(
    distill, codec_path, short_set, tmp_path, monkeypatch
):
    alone, out, place = tmp_path / "alone.parquet", tmp_path / "codes.parquet", tmp_path / "place"
    assert distill("encode", codec_path, short_set, alone, "--workers", 1)[0] == 0
    place.mkdir()
    (place / "first").touch()
    (place / "sitecustomize.py").write_text(STRANGE.replace("DEED", "wait_once"))
    monkeypatch.setenv("PYTHONPATH", f"{place}:{os.getcwd()}")
    monkeypatch.setenv("FIRST", str(place / "first"))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    command = [sys.executable, "-m", "distill", "encode", codec_path, short_set, out, "--workers", "2"]
    with open(place / "printed", "wb") as printed, open(place / "errors", "wb") as errors:
        running = subprocess.Popen(command, stdout=printed, stderr=errors)
    seen: dict[int, str] = {}

    def has_ended() -> bool:
        seen.update(descendants(running.pid))
        return running.poll() is not None

    try:
        until(lambda: has_ended() or not (place / "first").exists())
        (halted,) = place.glob("first.*")
        os.kill(int(halted.suffix[1:]), signal.SIGKILL)
        until(has_ended)
    finally:
        running.kill()
        running.wait()
    assert (running.returncode, (place / "errors").read_text()) == (0, "")
    lines = (place / "printed").read_text().splitlines()
    assert all(re.fullmatch(r"Encoding: \d+ of 7 files", line) for line in lines[:-2])
    assert "5 clips" in lines[-2]
    assert "2 files could not be encoded" in lines[-1]
    assert out.read_bytes() == alone.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone.parquet", "codes.parquet", "place"]
    until(lambda: not any(is_running(process) for process in seen))


@pytest.mark.slow
def test_a_file_that_ends_each_worker_is_a_row_and_the_others_are_done(codec_path, short_set, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(STRANGE.replace("DEED", "end"))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.getcwd()}")
    items = [{"file": name} for name in CLIPS]
    found = answers(Job("encode", str(codec_path), str(short_set)), items, workers=2)
    assert {item["file"]: answer.get("reason") for item, answer in found} == {
        name: LOST.format(name=name) if name == "elec_ping.flac" else None for name in CLIPS
    }


def test_a_cluster_that_does_not_answer_is_one_sentence_in_time(codec_path, short_set, unused_port, is_one_sentence):
    job, address = Job("encode", str(codec_path), str(short_set)), f"127.0.0.1:{unused_port}"
    found = answers(job, [{"file": "a"}], workers=2, address=address, patience=Patience(cluster=2))
    with pytest.raises(ScaleError) as error:
        next(found)
    assert is_one_sentence(error.value, address, "RAY_ADDRESS")
    with pytest.raises(ScaleError, match="RAY_ADDRESS must be HOST:PORT"):
        next(answers(job, [{"file": "a"}], workers=2, address="ray://there:10001"))


def test_workers_are_as_many_as_fit_on_the_machines_of_a_cluster(is_one_sentence):
    def machine(cpus, workers, alive=True):
        return {"Alive": alive, "Resources": {"CPU": cpus, "memory": workers * WORKER_BYTES}}

    machines = [machine(4.0, 2.5), machine(1.0, 9), machine(8.0, 0.5), machine(8.0, 8, alive=False), machine(0.0, 9)]
    assert _count_room(machines, 0) == 3
    assert _count_room(machines, 2) == 2
    assert _count_room(machines, 50) == 3
    with pytest.raises(RefusedError) as error:
        _count_room(machines[2:], 0)
    assert is_one_sentence(str(error.value).replace("1.5", "1"), "large enough")


def test_the_number_of_workers_is_checked_and_ray_is_asked_for_by_name(codec_path, short_set, monkeypatch):
    with pytest.raises(ConfigError, match="--workers must be from 1"):
        count_workers(0, None)
    monkeypatch.setattr("distill.scale.pool.importlib.util.find_spec", lambda name: None)
    job = Job("encode", str(codec_path), str(short_set))
    clip = {"file": "perc_snap.flac"}
    with pytest.raises(ScaleError, match=r'pip install "\.\[scale\]"'):
        next(answers(job, [clip, clip], workers=2))
    assert next(answers(job, [clip, clip], workers=1))[1]["num_frames"] > 1
    assert next(answers(job, [clip], workers=2))[1]["num_frames"] > 1


def test_nothing_of_the_extra_is_imported_before_it_is_needed(repository, codec_path, short_set):
    program = (
        "import sys; from distill.cli import main; main(sys.argv[1:]);"
        "print(sorted({'ray', 'pyarrow', 'distill.scale'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, "info", str(codec_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=repository, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
