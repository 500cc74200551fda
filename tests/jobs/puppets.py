"""Puppets: workers that follow orders instead of training, and functions that give the orders."""

import sys
from collections.abc import Callable, Sequence

from distill.jobs import JobStatus, TrainingJob
from tests.waiting import until

PUPPET = """
import json, os, signal, sys, time
from pathlib import Path

def say(event, **values):
    os.write(1, json.dumps({"event": event, **values}).encode() + b"\\n")  # at once: a signal may come meanwhile

def step(number, total=60):
    progress = dict(step=number, epoch=1.0, seconds=number / 1, remaining=1.0 * total - number, fraction=number / total)
    say("progress", progress=progress | dict(recon_loss=0.5, commit_loss=0.1))

def stop(*_):
    say("stopped")
    os._exit(0)

manner, folder = sys.argv[1], Path(sys.argv[2])
if manner == "deaf":
    time.sleep(600)
signal.signal(signal.SIGTERM, stop)
(folder / "environment").write_text(json.dumps(dict(os.environ)))
say("begun", steps=30 * (folder / "checkpoint.safetensors").exists(), seconds=30.0, damaged=False)
if manner == "crashing":
    os.kill(os.getpid(), signal.SIGKILL)
if manner == "silent":
    time.sleep(600)
while manner == "endless":
    step(1)
    time.sleep(0.05)
order, taken = folder / "order", folder / "taken"
while True:
    if order.exists():
        order.rename(taken)  # the next one may come from now on
        word, *values = taken.read_text().split()
        taken.unlink()
        if word == "step":
            step(*map(int, values))
        elif word == "checkpoint":
            say("checkpoint")
        elif word == "babble":
            print("no JSON", "[1]", '{"event": 5}', flush=True, sep="\\n")
            say("progress", progress={"step": "x"})
        elif word == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        elif word == "fail":
            say("failed", error="Nothing to train on.")
            break
        elif word == "finish":
            say("finished")
            break
    time.sleep(0.01)
"""
"""Program of a worker that waits for orders or behaves in a fixed manner."""


def puppet(manner: str = "obedient") -> Sequence[str]:
    """The command of a puppet with a manner."""
    return [sys.executable, "-S", "-c", PUPPET, manner]


def order(job: TrainingJob, words: str) -> None:
    """Give an order to the worker of a job: "step 30 90" reports 30 of 90 seconds of training."""
    unfinished = job.folder.path / "order.part"
    unfinished.write_text(words)
    unfinished.replace(job.folder.path / "order")


def wait_until(job: TrainingJob, condition: Callable[[JobStatus], object]) -> JobStatus:
    """The status of a job, as soon as a condition holds for it."""

    def found() -> JobStatus | None:
        status = job.status()
        if condition(status):
            return status
        assert status.state != "failed", f"it did not come to that: {status}"
        return None

    return until(found)


def wait_for_a_step(job: TrainingJob, after: int = 0) -> JobStatus:
    """The status of a job, as soon as it has passed step ``after``."""
    return wait_until(job, lambda status: status.progress and status.progress.step > after)
