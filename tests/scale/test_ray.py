"""Workers of Ray: started once here, on this machine, without a network; what else may go wrong is said in time."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from distill.errors import ConfigError, ScaleError
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


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_killed_worker_loses_nothing_and_nothing_is_left_of_ray(distill, codec_path, short_set, tmp_path, repository):
    alone, out = tmp_path / "alone.parquet", tmp_path / "codes.parquet"
    assert distill("encode", codec_path, short_set, alone, "--workers", 1)[0] == 0
    command = [sys.executable, "-m", "distill", "encode", codec_path, short_set, out, "--workers", "2"]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=repository, env=environment)
    seen: dict[int, str] = {}

    def worker() -> int:
        assert running.poll() is None
        seen.update(descendants(running.pid))
        return next((process for process, words in seen.items() if "RayWorker" in words), 0)

    os.kill(until(worker), signal.SIGKILL)
    while running.poll() is None:
        seen.update(descendants(running.pid))
        time.sleep(0.1)
    printed, errors = (stream.read().decode() for stream in (running.stdout, running.stderr))
    assert (running.returncode, errors) == (0, "")
    lines = printed.splitlines()
    assert all(re.fullmatch(r"Encoding: \d+ of 7", line) for line in lines[:-2])
    assert "5 clips" in lines[-2]
    assert "2 files could not be encoded" in lines[-1]
    assert out.read_bytes() == alone.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone.parquet", "codes.parquet"]
    until(lambda: not any(is_running(process) for process in seen))


POISON = """
import os, sys
from importlib.machinery import PathFinder

class Poison:  # all processes of Ray read this file: only those that work load what is poisoned
    def find_spec(self, name, path=None, target=None):
        if name != "distill.scale.rows":
            return None
        spec = PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module

        def execute_and_poison(module):
            execute(module)
            load = module.load_clip
            module.load_clip = lambda path, **more: os._exit(9) if "elec_ping" in str(path) else load(path, **more)

        spec.loader.exec_module = execute_and_poison
        return spec

sys.meta_path.insert(0, Poison())
"""


@pytest.mark.slow
def test_a_file_that_ends_each_worker_is_a_row_and_the_others_are_done(codec_path, short_set, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(POISON)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.getcwd()}")
    items = [{"file": name} for name in CLIPS]
    found = answers(Job("encode", str(codec_path), str(short_set)), items, workers=2)
    assert {item["file"]: answer.get("reason") for item, answer in found} == {
        name: LOST if name == "elec_ping.flac" else None for name in CLIPS
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
    with pytest.raises(ScaleError, match=r'pip install "\.\[scale\]"'):
        next(answers(job, [{"file": "elec_pop.flac"}], workers=2))
    assert next(answers(job, [{"file": "perc_snap.flac"}], workers=1))[1]["num_frames"] > 1


def test_nothing_of_the_extra_is_imported_before_it_is_needed(repository, codec_path, short_set):
    program = (
        "import sys; from distill.cli import main; main(sys.argv[1:]);"
        "print(sorted({'ray', 'pyarrow', 'distill.scale'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, "info", str(codec_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=repository, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
