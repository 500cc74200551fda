"""A Python that runs as on a system that lacks a part of what Linux offers, as does every process that it starts."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

LOOK_ONCE = "import selectors, subprocess\n"
LACKS = {
    "address-space limit": """
import resource
set_limit = resource.setrlimit
def setrlimit(which, limits):
    if which == resource.RLIMIT_AS:
        raise ValueError("current limit exceeds maximum limit")
    set_limit(which, limits)
resource.setrlimit = setrlimit
""",
    "any limit": "import sys\nsys.modules['resource'] = None\n",
    "prctl and malloc_trim": """
import ctypes
class Library(ctypes.CDLL):
    def __getattr__(self, name):
        if name in ("prctl", "malloc_trim"):
            raise AttributeError(name)
        return super().__getattr__(name)
ctypes.CDLL = Library
""",
    "notice of a hang-up": LOOK_ONCE
    + """
import select, time
there = select.poll
class Poll:
    def __init__(self):
        self.poll_of_linux, self.is_deaf = there(), False
    def register(self, descriptor, events=select.POLLIN):
        self.is_deaf = events == 0
        self.poll_of_linux.register(descriptor, events)
    def poll(self, milliseconds=None):
        if not self.is_deaf:
            return self.poll_of_linux.poll(milliseconds)
        time.sleep(3600 if milliseconds is None else milliseconds / 1000)
        return []
select.poll = Poll
""",
    "poll": LOOK_ONCE + "import select\ndel select.poll\n",
    "locks": "import sys\nsys.modules['fcntl'] = None\n",
    "groups of processes": "import os\ndel os.killpg\n",
    "priorities": "import os\ndel os.nice, os.setpriority, os.sched_setscheduler\n",
    "users": "import os\ndel os.geteuid\n",
    "hard links": """
import errno, os
def link(*names, **options):
    raise PermissionError(errno.EPERM, "Operation not permitted")
os.link = link
""",
    "hard links at all": "import os\ndel os.link\n",
    "/proc": """
import os, pathlib
list_of_linux, read_of_linux = os.listdir, pathlib.Path.read_text
def listdir(path="."):
    if str(path).startswith("/proc"):
        raise FileNotFoundError(2, "No such file or directory", path)
    return list_of_linux(path)
def read_text(self, *arguments, **options):
    if str(self).startswith("/proc"):
        raise FileNotFoundError(2, "No such file or directory", str(self))
    return read_of_linux(self, *arguments, **options)
os.listdir, pathlib.Path.read_text = listdir, read_text
""",
}
MACOS = ("address-space limit", "prctl and malloc_trim", "notice of a hang-up", "/proc")
WINDOWS = ("any limit", "prctl and malloc_trim", "poll", "locks", "groups of processes", "priorities", "users", "/proc")
APART = (
    ("address-space limit", "poll", "hard links", "priorities"),
    ("any limit", "notice of a hang-up", "hard links at all", "users"),
    ("prctl and malloc_trim", "locks", "groups of processes", "/proc"),
)
"""All that may be lacking, each thing once; no function of Distill needs two things of the same group."""
START = """
sys.executable = {program!r}
arguments = sys.argv[1:]
while arguments[0] in ("-I", "-u"):
    arguments.pop(0)
if arguments[0] == "-m":
    sys.argv = arguments[1:]
    runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
else:
    sys.argv = arguments
    runpy.run_path(arguments[0], run_name="__main__")
"""


def python_without(lacking: tuple[str, ...], folder: Path) -> Path:
    """Write a Python that lacks parts of the system, in every process that it starts too; return its path."""
    program, start = folder / "python", folder / "start.py"
    start.write_text("".join(["import runpy, sys\n", *map(LACKS.get, lacking), START.format(program=str(program))]))
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(start))} "$@"\n')
    program.chmod(0o755)
    return program


def run(program: Path, *arguments: object, repository: Path, seconds: float = 300, **options: Any) -> str:
    """Run the program in the repository; return what it prints. Its errors are part of a failure's message."""
    done = subprocess.run(
        [str(program), *map(str, arguments)],
        capture_output=True, text=True, timeout=seconds, cwd=repository, check=False, **options,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
