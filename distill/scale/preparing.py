"""Prepare a set for trainings: decode its files and compute their log-mels once, in several processes, onto a disk."""

import contextlib
import json
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from distill import system
from distill.audio.archives import printable
from distill.audio.cutting import By
from distill.audio.finding import files_in
from distill.audio.logmel import LogMel
from distill.errors import AudioError, DistillError, TrainingError, check_range
from distill.scale.listing import shown
from distill.scale.reading import Batch, Reader, SourceFile, Work, batches, read_batch, stamp
from distill.scale.sets import OURS, write_index
from distill.scale.shards import INDEX, REFUSED, SETTINGS, SHARD, ClipRow, FileRows, read_rows, write_shard, written
from distill.settings import DEFAULTS, Settings

GONE = -1
"""Size of a file that is gone, in its row."""
MOST_PROCESSES = 256
WAITING = "OMP_WAIT_POLICY"
"""Environment variable of OpenMP, which torch's threads follow."""
Show = Callable[[int, int, int], object]
"""Called with the files that are read, all that are to be read, and the clips in them."""


@dataclass
class Preparation:
    """What a prepared set holds, and what became of its files.

    Attributes
    ----------
    files, clips : int
    sound_seconds : float
    num_bytes : int
        Bytes of the set on the disk.
    refused, notes : Counter of str
        How many sounds were left out, or are used in part, by the reason without the names.
    again, gone : int
        Files that changed since they were prepared and were read again, and those that are there no more.
    """

    files: int = 0
    clips: int = 0
    sound_seconds: float = 0.0
    num_bytes: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    again: int = 0
    gone: int = 0


def prepare(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    files: Sequence[Path] | None = None,
    source: str | None = None,
    cut: By | None = None,
    processes: int = 1,
    settings: Settings = DEFAULTS,
    show: Show = lambda done, total, clips: None,
) -> Preparation:
    """Decode all sounds of a folder and compute their log-mels onto a disk, as a set that trainings read.

    The set has the clips of ``distill train FOLDER``, in the same order. A preparation that was interrupted goes on
    where it was; one that is complete reads only what is new or has changed. A file that cannot be read is a row with
    its reason, and ``refused.txt`` in ``out`` lists all of them.

    Parameters
    ----------
    folder : path-like
        Folder of sound files and archives, with its sub-folders; or one archive or sound file.
    out : path-like
        Folder of the set, made if it is not there. An hour of sound takes 0.48 GB.
    files : sequence of Path, optional
        The files in ``folder`` to read; by default, all.
    source : str, optional
        What the set is of, if the folder is but a copy of it.
    cut : str, optional
        "onsets" or "silence", where each recording is cut into clips.
    processes : int
        Processes that read. With more than one, a script needs ``if __name__ == "__main__":``.
    settings : Settings
        Limits of a file and of a clip. Those of a whole set do not count.
    show : callable
        Called during the work with the numbers of files that are read, of all to be read, and of clips in them.

    Raises
    ------
    AudioError
        If the folder is not there.
    FullError
        If the disk is full or cannot be written; what is prepared stays.
    ConfigError
        If ``processes`` is not from 1 to 256.
    TrainingError
        If ``out`` holds a set of another source or with other settings, or other files; or another process prepares it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as out:
    ...     made = prepare("examples/clips", out)
    >>> made.clips, made.files, dict(made.refused)
    (17, 17, {})
    """
    check_range("processes", processes, 1, MOST_PROCESSES)
    folder, out = Path(folder), Path(out)
    if not folder.exists():
        raise AudioError(f"{printable(folder.name)} does not exist.")
    if out.exists() and not out.is_dir():
        raise TrainingError(f"{out.name} is a file; please name a folder for the set.")
    with written(out):
        out.mkdir(parents=True, exist_ok=True)
    with system.lockable(out) as descriptor:
        if not system.lock(descriptor):
            raise TrainingError(f"Another process prepares the set in {out.name}; please wait for its end.")
        _check_settings(out, {"source": source or os.fspath(folder.resolve()), "cut": cut})
        done, first = _done(out)
        listed = {file.path: file for file in _listed(folder, out, files)}
        todo = [file for path, file in listed.items() if done.get(path) != (file.num_bytes, file.changed_ns)]
        gone = [path for path, (num_bytes, _) in done.items() if path not in listed and num_bytes != GONE]
        if todo or gone:
            (out / INDEX).unlink(missing_ok=True)  # it would stand for a set that is not complete
        if gone:
            write_shard(out / SHARD.format(first, 0), [FileRows(path, GONE, 0) for path in gone], [])
        read_files = read_clips = 0
        show(0, len(todo), 0)
        for num_files, num_clips in _read(
            Work(out.absolute(), cut, settings, torch.get_num_threads()), list(batches(todo, first + 1)), processes
        ):
            read_files, read_clips = read_files + num_files, read_clips + num_clips
            show(read_files, len(todo), read_clips)
        again = sum(done.get(file.path, (GONE, 0))[0] >= 0 for file in todo)
        return _finish(out, Preparation(again=again, gone=len(gone)))


def _check_settings(out: Path, asked: dict[str, Any]) -> None:
    """Write the settings of a new set, or compare them with those of the set that is there."""
    asked = OURS | asked
    path, unfinished = out / SETTINGS, out / f"{SETTINGS}.part"
    if not path.exists():
        if [each for each in out.iterdir() if each not in (unfinished, out / "lock")]:
            raise TrainingError(f"{out.name} holds other files; please name a new folder for the set.")
        with written(out):
            unfinished.write_text(json.dumps(asked, indent=2) + "\n", encoding="utf-8")
            unfinished.replace(path)
        return
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"{SETTINGS} in {out.name} is damaged; please name a new folder for the set.") from error
    if any(found.get(name) != OURS[name] for name in ("format", "version")):
        raise TrainingError(f"{out.name} holds no set of this version of Distill; please name a new folder.")
    for name, value in asked.items():
        if found.get(name) != value:
            begun, now = found.get(name) or "none", value or "none"
            raise TrainingError(
                f"The set in {out.name} was begun with {name} {begun}, not {now}; name another folder for this one."
            )


def _done(out: Path) -> tuple[dict[str, tuple[int, int]], int]:
    """The files that are prepared, with their sizes and times, and a number for the next batch.

    What was left unfinished is deleted, and so is a damaged shard, whose files are read again.
    """
    for unfinished in out.glob("*.part"):
        unfinished.unlink()
    done, last = dict[str, tuple[int, int]](), 0
    for path in _shards(out):
        last = int(path.name.split("-")[1])
        try:
            done |= {rows.path: (rows.num_bytes, rows.changed_ns) for rows in read_rows(path)}
        except TrainingError:
            path.unlink()
            (out / INDEX).unlink(missing_ok=True)
    return done, last + 1


def _shards(out: Path) -> list[Path]:
    return sorted(out.glob("shard-*.safetensors"))


def _listed(folder: Path, out: Path, files: Sequence[Path] | None) -> Iterator[SourceFile]:
    """List the files of a folder, without those of the set itself."""
    root, inside = (folder if folder.is_dir() else folder.parent), out.resolve()
    if files is None and not folder.is_dir():
        files = [folder]
    for path, refusal in files_in(folder) if files is None else ((path, None) for path in files):
        if inside in path.resolve().parents:
            continue
        name = shown(path.relative_to(root).as_posix())
        num_bytes, changed_ns = (None if refusal else stamp(path)) or (0, 0)
        yield SourceFile(name, path, num_bytes, changed_ns, refusal.reason if refusal else "")


def _read(work: Work, parts: list[Batch], processes: int) -> Iterator[tuple[int, int]]:
    """Read batches in some processes, or in this one; yield numbers of files and clips as they are done."""
    if min(processes, len(parts)) <= 1:
        with Reader(work) as reader:
            for batch in parts:
                yield from reader.read(batch)
        return
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads, as torch has them, may hang
    pool = ProcessPoolExecutor(min(processes, len(parts)), mp_context=context, initializer=_begin_process)
    with pool, _patient_threads(), _broken_pool(work.out):
        waiting, left = set[Future[tuple[int, int]]](), iter(parts)
        try:
            while True:
                while len(waiting) < 2 * processes and (part := next(left, None)):
                    waiting.add(pool.submit(read_batch, work, part))
                if not waiting:
                    return
                ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (each.result() for each in ready)
        finally:
            pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _patient_threads() -> Iterator[None]:
    """Let threads of processes that begin meanwhile sleep where they wait: there are more of them than processors."""
    before = os.environ.get(WAITING)
    os.environ.setdefault(WAITING, "PASSIVE")
    try:
        yield
    finally:
        if before is None:
            del os.environ[WAITING]


def _begin_process() -> None:
    """An interrupt is for the first process, which lets the others end what they read; they do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    system.end_with_parent()


@contextlib.contextmanager
def _broken_pool(out: Path) -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise DistillError(
            f"A process that read for {out.name} was ended, perhaps because the memory is full; the same command goes "
            "on, and fewer processes need less."
        ) from error


def _finish(out: Path, made: Preparation) -> Preparation:
    """Write the index and the list of refusals of all that is prepared now; count it."""
    shards = _shards(out)
    last = {rows.path: number for number, path in enumerate(shards) for rows in read_rows(path)}
    clips, refused = list[tuple[list[str], int, int, ClipRow]](), list[tuple[list[str], str]]()
    for number, path in enumerate(shards):
        begin = 0
        for rows in read_rows(path):
            is_last, place = last[rows.path] == number, rows.path.split("/")
            made.files += is_last and rows.num_bytes != GONE
            for clip in rows.clips:
                if is_last:
                    clips.append((place, number, begin, clip))
                    made.sound_seconds += clip.samples / LogMel.sample_rate
                    made.notes.update([_without(clip.name, clip.note)] if clip.note else [])
                begin += clip.frames
            for each in rows.refused if is_last else ():
                refused.append((place, each.reason))
                made.refused.update([_without(each.name, each.reason)])
    clips.sort(key=lambda each: each[:3])
    refused.sort()
    made.clips = len(clips)
    with written(out):
        (out / REFUSED).write_text("".join(f"{'/'.join(p)}: {why}\n" for p, why in refused), encoding="utf-8")
    write_index(out, [path.name for path in shards], (each[1:] for each in clips))  # also where one is there: damaged?
    made.num_bytes = sum(path.stat().st_size for path in out.iterdir())
    return made


def _without(name: str, reason: str) -> str:
    """A reason without the name of the file and without its figures, so that equal reasons are counted together."""
    words = reason.removeprefix(name).strip()
    for mark in (":", ";", ","):
        words = words.partition(mark)[0]
    return words.rstrip(".")
