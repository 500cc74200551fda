"""The app, a training and the command line run on systems that lack a part of what Linux offers."""

import ast
import errno
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from distill import system
from tests.system import APART, LACKS, MACOS, WINDOWS, python_without, run
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    for number in range(5):
        noise = np.random.default_rng(number).uniform(-0.5, 0.5, 22_050 + 100 * number)
        soundfile.write(folder / f"{number}.wav", noise, 44_100)
    return sorted(folder.iterdir())


def told_on(lacking, folder, sounds, repository, *options):
    """What the scene tells on a system that lacks something, and all that it prints."""
    program = python_without(lacking, folder)
    printed = run(
        program, "tests/scene.py", folder, *sounds, *options, repository=repository, env=environment(repository)
    )
    (line,) = (line for line in printed.splitlines() if line.startswith("TOLD "))
    return json.loads(line[5:]), printed


def environment(repository):
    return os.environ | {"PYTHONPATH": str(repository)}


def check(told):
    assert told["seconds"] == [(22_050 + 100 * number) / 44_100 for number in range(5)]
    assert told["state"] == "finished", told
    assert told["kept"] == []
    assert told["commands"] == [0, 0]


@pytest.mark.parametrize("lacking", APART, ids=", ".join)
def test_the_server_a_training_and_the_command_line_run_without(lacking, tmp_path, sounds, repository):
    told, printed = told_on(lacking, tmp_path, sounds, repository)
    check(told)
    assert soundfile.info(tmp_path / "out.wav").frames == 22_050
    limits = {"address-space limit": 1, "any limit": 5}
    assert printed.count("This system does not limit") == sum(limits.get(each, 0) for each in lacking)


def test_each_thing_that_may_be_lacking_is_done_without():
    assert sorted(itertools.chain(*APART)) == sorted(LACKS)


@pytest.mark.parametrize("lacking", [MACOS, WINDOWS], ids=["macOS", "Windows"])
def test_the_page_opens_on_a_system_that_lacks_all_that_another_lacks(lacking, tmp_path, sounds, repository):
    told, _ = told_on(lacking, tmp_path, sounds, repository, "--page")
    check(told)
    assert told["page"] == 200


DECODER = """
import sys, time
from distill.audio import load_clip, new_decoder
decoder = new_decoder()
load_clip(sys.argv[1], decoder=decoder)
print(decoder._process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("lacking", [(), ("notice of a hang-up",), ("poll",), WINDOWS], ids=lambda lacking: lacking[:1])
def test_a_decoder_ends_with_the_server_that_was_killed(lacking, tmp_path, sounds, repository):
    (tmp_path / "server.py").write_text(DECODER)
    command = [python_without(lacking, tmp_path), tmp_path / "server.py", sounds[0]]
    server = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, text=True, env=environment(repository), cwd=repository
    )
    decoder = int(server.stdout.readline())
    os.kill(decoder, 0)
    server.kill()
    server.communicate()
    deadline = time.monotonic() + PATIENCE
    while is_running(decoder):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_limits_that_are_in_force_are_not_raised():
    program = (
        "import resource; from distill import system; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100));"
        "print(system.bound_process({'RLIMIT_NOFILE': 500, 'RLIMIT_CORE': 0, 'RLIMIT_NONE': 1}));"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_CORE))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['RLIMIT_NONE']", "(100, 100) (0, 0)"]


def test_limits_are_tried_without_limiting_this_process():
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    assert system.refused_bounds({"RLIMIT_AS": 1 << 32, "RLIMIT_CORE": 0}) == []
    assert resource.getrlimit(resource.RLIMIT_AS) == before


@pytest.mark.parametrize("number", [errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL])
def test_a_file_is_copied_where_it_cannot_be_linked(number, tmp_path, monkeypatch):
    def link(*names):
        raise OSError(number, os.strerror(number))

    (tmp_path / "one").write_bytes(b"sound")
    monkeypatch.setattr(os, "link", link)
    system.link(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "two").read_bytes() == b"sound"
    assert (tmp_path / "two").stat().st_nlink == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.ENOENT])
def test_a_full_disk_is_told_as_such_and_not_tried_again(number, tmp_path, monkeypatch):
    def link(*names):
        raise OSError(number, os.strerror(number))

    (tmp_path / "one").write_bytes(b"sound")
    monkeypatch.setattr(os, "link", link)
    with pytest.raises(OSError, match=os.strerror(number)):
        system.link(tmp_path / "one", tmp_path / "two")


def test_a_file_is_locked_once(tmp_path):
    with open(tmp_path / "lock", "wb") as one, open(tmp_path / "lock", "wb") as other:
        assert system.lock(one.fileno())
        assert not system.lock(other.fileno())


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF, errno.ENOLCK])
def test_a_share_without_locks_keeps_nobody_out(number, tmp_path, monkeypatch):
    import fcntl

    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    with open(tmp_path / "lock", "wb") as file:
        assert system.lock(file.fileno())


def test_a_pipe_is_readable_when_it_has_bytes_or_has_ended(monkeypatch):
    import select

    for _ in ("with poll", "without"):
        reading, writing = os.pipe()
        assert not system.is_readable(reading, 0)
        os.write(writing, b"x")
        assert system.is_readable(reading, 5)
        os.read(reading, 1)
        os.close(writing)
        assert system.is_readable(reading, 5)
        os.close(reading)
        monkeypatch.delattr(select, "poll", raising=False)


ONLY_THERE = {"fcntl", "resource", "ctypes", "msvcrt", "select", "_winapi"}
ONLY_SOME_HAVE = {
    *("nice", "setpriority", "sched_setscheduler", "killpg", "getpgid", "fork", "link", "geteuid", "getuid", "chown"),
    *("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_DIRECTORY", "sysconf", "statvfs", "fstatvfs", "SIGKILL", "getpgrp"),
}


def test_what_only_some_systems_have_is_used_in_one_module(repository):
    for path in sorted((repository / "distill").rglob("*.py")):
        if path.name == "system.py":
            continue
        text = path.read_text(encoding="utf-8")
        assert "/proc/" not in text, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                assert not {name.name for name in node.names} & ONLY_THERE, path
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert node.value.id not in ("os", "signal") or node.attr not in ONLY_SOME_HAVE, (path, node.attr)
