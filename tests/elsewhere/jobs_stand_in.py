"""A stand-in for Hugging Face Jobs beside that of the Hub: as much of its HTTP API as ``huggingface_hub`` asks for.

A job runs by a function that a test gives, in a thread: :func:`run_for_real` runs the very command, others say what a
job would say.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread

from distill.jobs.events import Validated, to_line
from distill.training.health import LevelHealth
from distill.training.records import NO_CURVES, Validation
from tests.hub.stand_in import ROUTES, HubHandler, RefusalError, Repository, StandIn

WHEN = "2026-11-27T12:00:00.000Z"
OVER = ("COMPLETED", "CANCELED", "ERROR")
MACHINES = {"cpu-basic": 0.000167, "l4x1": 0.0133333}
UV = """#!{python}
# Stands for uv, which would install from a package registry: the wheel is unpacked, all else is there.
import os, sys, tempfile, zipfile
arguments = sys.argv[1:]
options, program = arguments[: arguments.index("python")], arguments[arguments.index("python") + 1 :]
wheels = [each for each in options if each.endswith(".whl")]
for wheel in wheels:
    os.environ["PYTHONPATH"] = tempfile.mkdtemp(dir=os.getcwd())
    zipfile.ZipFile(wheel).extractall(os.environ["PYTHONPATH"])
os.execv(sys.executable, [sys.executable, *program])
"""


@dataclass
class Job:
    """A job: its request, its stage and the lines of its log."""

    id: str
    spec: dict
    hub: "JobsStandIn"
    stage: str = "RUNNING"
    message: str = ""
    running_seconds: int = 60
    lines: list[str] = field(default_factory=list)
    changed: Condition = field(default_factory=Condition)

    def say(self, *what: object) -> None:
        """Add lines, or events, to the log."""
        with self.changed:
            self.lines += [each if isinstance(each, str) else to_line(each).decode().strip() for each in what]
            self.changed.notify_all()

    def end(self, stage: str, message: str = "") -> None:
        """End the job, unless it was cancelled before."""
        with self.changed:
            if self.stage not in OVER:
                self.stage, self.message = stage, message
            self.changed.notify_all()

    def leave(self, content: bytes) -> None:
        """Put a file where the job's codec is expected."""
        left = self.hub.repositories[self.spec["environment"]["DISTILL_JOB"] + "-codec"] = Repository(private=True)
        left.commit({"codec.distill": content})

    @property
    def info(self) -> dict:
        shown = {name: value for name, value in self.spec.items() if name not in ("secrets", "timeoutSeconds")}
        about = {"id": self.id, "createdAt": WHEN, "owner": {"id": "1", "name": "ada", "type": "user"}}
        durations = {"schedulingSecs": 1, "runningSecs": self.running_seconds, "totalSecs": self.running_seconds}
        return shown | about | {"status": {"stage": self.stage, "message": self.message}, "durations": durations}


class JobsStandIn(StandIn):
    """The server; ``jobs`` are those that were started, ``bodies`` all that was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, Job] = {}
        self.bodies: list[bytes] = []
        self.deleted: list[str] = []
        self.most_lines = 10**9
        """After so many lines, the connection of a log breaks."""
        self.broken = lambda: None
        """Called when it does."""
        self.runs: Callable[[Job], object] = lambda job: job.end("COMPLETED")

    def routes(self) -> tuple:
        return (*JOB_ROUTES, *ROUTES)


def run_for_real(job: Job) -> None:
    """Run the job's command in a process of its own, with nothing but what a job has."""
    with tempfile.TemporaryDirectory() as folder:
        uv = Path(folder, "uv")
        uv.write_text(UV.format(python=sys.executable))
        uv.chmod(0o700)
        given = job.spec["environment"] | job.spec["secrets"]
        own = {"HF_ENDPOINT": job.hub.url, "HF_HUB_DISABLE_XET": "1", "HOME": folder, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            job.spec["command"],
            cwd=folder,
            env=own | given | {"PATH": f"{folder}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        for line in process.stdout:
            job.say(line.rstrip("\n"))
        job.end("ERROR" if process.wait() else "COMPLETED")


def whoami(handler: HubHandler) -> None:
    name, writes = handler._asker()
    if not name:
        raise RefusalError(401, "Invalid username or password.")
    handler._json({"type": "user", "name": name, "auth": {"accessToken": {"role": "write" if writes else "read"}}})


def hardware(handler: HubHandler) -> None:
    handler._json(
        [
            {
                **{"name": name, "prettyName": f"A {name}", "cpu": "2 vCPU", "ram": "16 GB"},
                **{"unitCostMicroUSD": round(1e6 * price), "unitCostUSD": price, "unitLabel": "minute"},
            }
            for name, price in MACHINES.items()
        ]
    )


def run(handler: HubHandler) -> None:
    hub = handler.hub
    spec = json.loads(handler.body)
    if handler._asker() != ("ada", True):
        raise RefusalError(403, "You may not.")
    job = hub.jobs[f"job{len(hub.jobs)}"] = Job(f"job{len(hub.jobs)}", spec, hub)
    Thread(target=hub.runs, args=(job,), daemon=True).start()
    handler._json(job.info)


def find(handler: HubHandler, name: str) -> Job:
    if handler._asker()[0] != "ada" or name not in handler.hub.jobs:
        raise RefusalError(404, "Job not found")
    return handler.hub.jobs[name]


def inspect(handler: HubHandler, name: str) -> None:
    handler._json(find(handler, name).info)


def list_jobs(handler: HubHandler) -> None:
    handler._json([job.info for job in handler.hub.jobs.values()])


def cancel(handler: HubHandler, name: str) -> None:
    find(handler, name).end("CANCELED")
    handler._json({})


def logs(handler: HubHandler, name: str) -> None:
    """All lines of a log, then those that come, until the job has ended."""
    job, hub, told = find(handler, name), handler.hub, 0
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()
    while True:
        with job.changed:
            while len(job.lines) <= told and job.stage not in OVER:
                job.changed.wait()
            fresh = job.lines[told:]
        for line in fresh:
            event = json.dumps({"data": line, "timestamp": WHEN})
            handler.wfile.write(f"event: log\ndata: {event}\n\n".encode())
            handler.wfile.flush()
            told += 1
            if told >= hub.most_lines:
                hub.most_lines = 10**9
                hub.broken()
                return
        if not fresh:
            return


def delete(handler: HubHandler) -> None:
    asked = json.loads(handler.body)
    name = f"{asked['organization']}/{asked['name']}"
    handler._writable(name)
    del handler.hub.repositories[name]
    handler.hub.deleted.append(name)
    handler._json({})


def noted(answer: Callable) -> Callable:
    """An answer that keeps what was sent."""

    def keep(handler: HubHandler, *arguments: str) -> None:
        handler.hub.bodies.append(handler.body)
        answer(handler, *arguments)

    return keep


JOB_ROUTES = (
    ("GET", "/api/whoami-v2", whoami),
    ("GET", "/api/jobs/hardware", hardware),
    ("POST", "/api/jobs/ada", noted(run)),
    ("GET", "/api/jobs/ada", list_jobs),
    ("GET", "/api/jobs/ada/(\\w+)", inspect),
    ("GET", "/api/jobs/ada/(\\w+)/logs", logs),
    ("POST", "/api/jobs/ada/(\\w+)/cancel", cancel),
    ("DELETE", "/api/repos/delete", delete),
    ("GET", "/api/models/([^/]+/[^/]+)/revision/([^/]+)", HubHandler.dataset),
    ("GET", "/api/models/([^/]+/[^/]+)/tree/([^/]+)", HubHandler.tree),
    *((method, pattern, noted(answer)) for method, pattern, answer in ROUTES if method in ("POST", "PUT")),
)


def nothing_is_left(jobs, out) -> bool:
    """Whether the Hub and the folder of the codec hold nothing of the training."""
    return not jobs.repositories and not out.with_name(f"{out.name}.job").exists()


def validated(step: int) -> Validated:
    level = LevelHealth(utilization=0.5, perplexity=3.0, dead_codes=2)
    return Validated(Validation(step, 1.0, 0.3, None, (level,), ((1, 1),), (), True), NO_CURVES)


def interrupt(job) -> None:
    job.say(validated(11))
    os.kill(os.getpid(), signal.SIGINT)
