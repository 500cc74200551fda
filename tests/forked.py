"""Servers that start without importing the app anew: one process imports it, and each server is a fork of that process.

``python -m tests.forked`` is that process. It reads requests as lines of JSON and answers each with a line: a request
with an environment starts a server as ``python -m tests.eager`` does, one with a process id asks how that ended.
"""

import json
import os
import runpy
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from tests.waiting import until

REPOSITORY = Path(__file__).parents[1]


class Forked:
    """A process of its own, which runs ``app.py`` with the given environment and writes into a log."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.pid: int = _ask({"environment": environment, "log": str(log)})
        self._ended: int | None = None

    def poll(self) -> int | None:
        """The exit code; the negative number of the signal that ended the process; None while it runs."""
        if self._ended is None:
            self._ended = _ask({"pid": self.pid})
        return self._ended

    def wait(self) -> None:
        until(lambda: self.poll() is not None)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


@cache
def _origin() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.forked"],
        cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _ask(request: dict[str, Any]) -> Any:
    origin = _origin()
    assert origin.stdin is not None
    assert origin.stdout is not None
    origin.stdin.write(json.dumps(request) + "\n")
    origin.stdin.flush()
    return json.loads(origin.stdout.readline())


def _serve(environment: dict[str, str], log: str) -> None:
    """Become a server."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    nothing, written = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for to, descriptor in enumerate((nothing, written, written)):
        os.dup2(descriptor, to)
    from gradio import http_server  # it has read its environment already

    http_server.INITIAL_PORT_VALUE = int(environment.get("GRADIO_SERVER_PORT", "7860"))
    http_server.LOCALHOST_NAME = environment.get("GRADIO_SERVER_NAME", "127.0.0.1")
    sys.argv = ["tests/eager.py"]
    runpy.run_module("tests.eager", run_name="__main__", alter_sys=True)


def _fork(environment: dict[str, str], log: str) -> int:
    if process := os.fork():
        return process
    code = 1
    try:
        _serve(environment, log)
        code = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    runpy.run_path(str(REPOSITORY / "app.py"))  # imports all that a server needs
    answers = sys.stdout
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupted test ends this process by closing its input
    for line in sys.stdin:
        request = json.loads(line)
        if "pid" in request:
            ended, status = os.waitpid(request["pid"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if ended else None
        else:
            answer = _fork(request["environment"], request["log"])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
