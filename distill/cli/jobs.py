"""Trainings elsewhere on the command line: ``train --on jobs:HARDWARE``, and ``--on-job`` to come back to one."""

import argparse
import json
import logging
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill.cli.hub import agreed
from distill.errors import ConfigError, HubError, TrainingError, check_range

if TYPE_CHECKING:
    from distill.codec import Codec
    from distill.elsewhere.remote import RemoteJob, RemoteTrainings
    from distill.training.codec_info import CodecInfo
    from distill.training.config import VQVAEConfig
    from distill.training.dataset import TrainingClip
    from distill.training.start import Start

SERVICE = "jobs:"
INSTALLING_MINUTES = 20.0
"""Minutes that a job may take to install Distill, and to refine and send the codec, beside its training."""
EPOCHS_MINUTES = 60.0
"""Minutes that a job may take in all where its training has no minutes."""
MOST_MINUTES = 24 * 60.0


def add_jobs(command: argparse.ArgumentParser) -> None:
    """The arguments of this module, for the command ``train``."""
    command.add_argument(
        "--on", metavar="jobs:HARDWARE", help="train on Hugging Face Jobs, such as jobs:l4x1: it costs"
    )
    command.add_argument("--on-job", metavar="ID", help="come back to a training on Hugging Face Jobs")
    command.add_argument(
        "--job-minutes", type=float, help="after which the job is ended; by default the training's + 20"
    )
    command.add_argument("--yes", action="store_true", help="rent without a question")


def training_report(info: "CodecInfo") -> dict[str, Any]:
    """How a training went, for JSON."""
    facts, source = asdict(info), asdict(info)["provenance"] or {}
    report = {"seconds": source.get("training_seconds"), "steps": source.get("steps"), "epochs": source.get("epochs")}
    return report | {name: facts[name] for name in ("mel_l1", "val_mel_l1", "levels", "config", "curves")}


def train_elsewhere(
    options: argparse.Namespace, clips: "Sequence[TrainingClip]", config: "VQVAEConfig", start: "Start | None"
) -> None:
    """Say what a training on a rented machine sends and costs, ask, and see it through.

    Raises
    ------
    ConfigError
        If the machine is no name of one, its minutes are too few, or a device of this machine is named too.
    HubError
        If the Hub cannot be reached, refuses, or there is no token.
    TrainingError
        If the training fails there, or one that has begun is noted beside the codec.
    """
    _check_device(options)
    service, name = options.on[: len(SERVICE)], options.on[len(SERVICE) :]
    if service != SERVICE or not name:
        raise ConfigError(f"“{options.on:.40}” is no machine: write jobs:HARDWARE, such as jobs:l4x1.")
    limit_seconds = 60 * _job_minutes(options.job_minutes, config.minutes)
    note = _note(options.out)
    if os.path.lexists(note):
        raise TrainingError(
            f"{note.name} notes a job that has begun, and may cost: give --resume to come back to it, or delete that "
            "file to begin another."
        )
    from distill.elsewhere.packing import pack
    from distill.training.dataset import MelClip

    held = [clip for clip in clips if isinstance(clip, MelClip)]
    trainings = _trainings()
    hardware = trainings.hardware(name)
    with tempfile.TemporaryDirectory() as folder:
        packed = pack(Path(folder, "job"), held, config, start=options.start, model_id=start.model_id if start else "")
        repository = trainings.new_name()
        size = sum(file.stat().st_size for file in packed.iterdir()) / 1e6
        sound = sum(clip.seconds for clip in held)
        whole = f"{len(held)} clips ({sound:.0f} s) without their names{', the codec' if start else ''} and Distill"
        print(f"A training on Hugging Face Jobs, paid by the account {repository.partition('/')[0]}:")
        print(f"  machine     {hardware.cost(limit_seconds)}")
        print(f"  time limit  {limit_seconds / 60:.0f} minutes; then the Hub ends the job")
        print(f"  goes out    {whole}, {size:.1f} MB")
        print(f"  goes to     {repository}, a private repository, deleted once the job has read it")
        print("  your token  goes along as a secret of the job, which deletes the clips and sends the codec with it")
        if not options.yes and not agreed("Begin? [y/N] "):
            print("Nothing was sent.")
            return
        trainings.send(packed, repository)
    with _later() as interrupts:  # or a job would run that nobody knows
        job = trainings.start(repository, hardware.name, limit_seconds)
        print(
            f"The job {job.id} has begun: {job.url}. It installs Distill first, which takes some minutes.", flush=True
        )
        try:
            note.write_text(job.id + "\n", encoding="utf-8")
        except OSError as error:
            said = f"The job could not be noted in {note.name} ({error.strerror})"
            print(f"{said}. To come back to it: {_way_back(job, options.out)}", file=sys.stderr, flush=True)
    _see_through(trainings, job, options, is_interrupted=bool(interrupts))


def come_back(options: argparse.Namespace) -> None:
    """See a training through that was begun elsewhere earlier, by the id of its job or by the note beside its codec.

    Raises
    ------
    ConfigError
        If a device of this machine is named.
    HubError
        If there is no such job, or the Hub cannot be reached.
    TrainingError
        If the training has failed there.
    """
    _check_device(options)
    job_id = options.on_job or _noted(options.out)
    trainings = _trainings()
    _see_through(trainings, trainings.find(job_id), options)


def _see_through(
    trainings: "RemoteTrainings", job: "RemoteJob", options: argparse.Namespace, *, is_interrupted: bool = False
) -> None:
    """Show a job's progress to its end, fetch the codec, and delete what is left on the Hub."""
    way_back = _way_back(job, options.out)
    try:
        if is_interrupted:
            raise KeyboardInterrupt
        problem = _watch(trainings, job)
    except KeyboardInterrupt:
        if agreed("\nCancel the job? Without a yes it goes on, and costs. [y/N] "):
            try:
                trainings.cancel(job)
            except HubError as error:
                said = str(error).rstrip(".")
                raise HubError(f"{said}; the job was not cancelled, and costs: cancel it on {job.url}.") from error
            with suppress(TrainingError):
                _bring(trainings, job, options.out, "The job was cancelled.")
            print("Cancelled.", flush=True)
        else:
            print(f"The job goes on. To come back: {way_back}", flush=True)
        raise
    except HubError as error:
        said = str(error).rstrip(".")
        raise HubError(f"{said}; the job goes on, and “{way_back}” comes back to it.") from error
    codec = _bring(trainings, job, options.out, problem)
    if options.json:
        report = training_report(codec.info)
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _bring(trainings: "RemoteTrainings", job: "RemoteJob", out: Path, problem: str) -> "Codec":
    """Fetch the codec of a job that is over, which one that failed may have sent too, then delete what is left of it.

    Where the codec cannot be fetched now, it stays on the Hub.
    """
    way_back = _way_back(job, out)
    try:
        codec = trainings.fetch(job, out)
    except TrainingError as error:
        _tidy(trainings, job, out)
        if problem:
            raise TrainingError(problem) from error
        raise
    except (HubError, OSError) as error:
        said = f"{out.name} cannot be written: {error.strerror}" if isinstance(error, OSError) else str(error)
        said = f"{problem} {said}".strip().rstrip(".")
        raise HubError(f"{said}; what the job left stays on the Hub, and “{way_back}” fetches it.") from error
    except KeyboardInterrupt:
        print(f"What the job left stays on the Hub. To come back: {way_back}", flush=True)
        raise
    if problem:
        print(f"{problem} It had sent a codec before.", file=sys.stderr)
    _tidy(trainings, job, out)
    print(f"Saved {out}.", flush=True)
    return codec


def _watch(trainings: "RemoteTrainings", job: "RemoteJob") -> str:
    """Show the events of a job until it has ended; return what went wrong, or "".

    The end of the job's log is printed where that tells more.
    """
    from distill.jobs.events import Stepped, Validated, Warned, WorkerEvent
    from distill.training.display import training_display

    with training_display() as show:

        def tell(event: WorkerEvent) -> None:
            if isinstance(event, Stepped):
                show(event.progress)
            elif isinstance(event, Validated):
                show(event.validation)
            elif isinstance(event, Warned) and event.note:
                print(event.note, file=sys.stderr)

        ending = trainings.follow(job, tell)
    for line in ending.last_lines:
        print(f"  {line}", file=sys.stderr)
    return ending.problem


def _tidy(trainings: "RemoteTrainings", job: "RemoteJob", out: Path) -> None:
    """Delete a job's repositories and its note; say what could not be deleted."""
    if left := trainings.clean_up(job.repository):
        print(left, file=sys.stderr)
    _note(out).unlink(missing_ok=True)


def _trainings() -> "RemoteTrainings":
    from distill.elsewhere.account import Account
    from distill.elsewhere.remote import RemoteTrainings

    trainings = RemoteTrainings(Account())
    if not sys.stderr.isatty():
        from huggingface_hub.utils import disable_progress_bars

        disable_progress_bars()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it warns of each connection that is made again
    return trainings


def _job_minutes(asked: float | None, training: float | None) -> float:
    """How many minutes a job may take."""
    if asked is None:
        return min(MOST_MINUTES, EPOCHS_MINUTES if training is None else training + INSTALLING_MINUTES)
    check_range("job-minutes", asked, 1, MOST_MINUTES)
    if training is not None and asked <= training:
        raise ConfigError(f"A training of {training:g} minutes does not fit into a job of {asked:g} minutes.")
    return asked


def _check_device(options: argparse.Namespace) -> None:
    if options.device != "auto":
        raise ConfigError("--device is for a training on this machine; leave it out where a job trains.")


def _way_back(job: "RemoteJob", out: Path) -> str:
    """The command that comes back to a job."""
    return f"distill train --on-job {job.id} --out {shlex.quote(str(out))}"


def _note(out: Path) -> Path:
    """The file beside a codec to be that holds the id of its job."""
    return out.with_name(out.name + ".job")


def _noted(out: Path) -> str:
    try:
        return _note(out).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"No job is noted for {out.name}; give its id by --on-job.") from error


@contextmanager
def _later() -> Iterator[list[int]]:
    """Let interrupts wait, and collect them."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)
