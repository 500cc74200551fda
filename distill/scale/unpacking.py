"""A table of codes to a folder of sounds."""

import contextlib
import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from distill import system
from distill.codec import Codec
from distill.codes import CodeGrid
from distill.errors import ScaleError, TableError
from distill.scale.bulk import Done, Hands, Progress
from distill.scale.rows import Item, Job, grid_seconds, reason_of, whole_file
from distill.scale.table import arrow, check_codec, grids

STAGED = ".distill-unfinished"
"""Folder, in the folder of sounds, of the rows that are still to be decoded, one JSON file for each."""
FOLDER_ROWS = 1000
LONGEST_NAME_BYTES = 200


def decode_set(
    codec: Codec, job: Job, table: Path, *, kind: str = "wav", hands: Hands, progress: Progress = lambda *_: None
) -> Done:
    """Decode the rows of a table to sound files in the job's folder, below the names that the clips had.

    The whole table is checked before anything is decoded. Its rows wait in a folder of their own, and go as their
    sounds come; so the same command goes on where an earlier one stopped.

    Parameters
    ----------
    codec : Codec
    job : Job
        "decode", with the codec's path, the vocoder and the folder.
    table : Path
        A table, or a folder of tables.
    kind : str
        "wav" or "flac", both of 16 bits.
    hands, progress
        As for :func:`~distill.scale.bulk.encode_set`.

    Raises
    ------
    TableError
        If a table is of another codec, damaged, or no table of codes.
    ScaleError
        As :func:`~distill.scale.pool.answers` raises it, if the folder cannot be written, or if another command writes
        there.
    """
    arrow()
    folder = Path(job.folder)
    tables = tables_of(table)
    for each in tables:
        check_codec(each, codec, Path(job.codec).name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staged = folder / STAGED
        staged.mkdir(exist_ok=True)
    except OSError as error:
        raise ScaleError(f"{folder.name} cannot be written: {reason_of(error)}.") from error
    with system.lockable(staged) as descriptor:
        if not system.lock(descriptor):
            raise ScaleError(f"Another command is decoding to {folder.name} now.")
        facts = _stage(staged, tables, codec, job, kind)
        waiting = sorted(staged.glob("*/*.json"))
        total, seconds, lost = facts["clips"], facts["seconds"], 0
        progress(total - len(waiting), total)
        items = [{"staged": str(path)} for path in waiting]
        for number, (item, answer) in enumerate(hands.answers(job, items, codec), start=total - len(waiting) + 1):
            if "reason" in answer:
                row = json.loads(Path(item["staged"]).read_bytes())
                lost, seconds = lost + 1, seconds - grid_seconds(row["num_samples"])
            else:
                Path(item["staged"]).unlink()
            progress(number, total)
        if not lost:
            shutil.rmtree(staged, ignore_errors=True)  # as long as nobody else can have begun there
    system.remove_lock(staged)
    return Done(total - lost, seconds, facts["refused"], len(waiting), lost=lost)


def tables_of(path: Path) -> list[Path]:
    """The tables in a folder, in the order of their names, or the one that is named.

    Raises
    ------
    TableError
        If there is none.

    Examples
    --------
    >>> tables_of(Path("codes.parquet"))
    [PosixPath('codes.parquet')]
    """
    if not path.is_dir():
        return [path]
    if found := sorted(path.rglob("*.parquet")):
        return found
    raise TableError(f"In {path.name} there is no Parquet file.")


def _stage(staged: Path, tables: list[Path], codec: Codec, job: Job, kind: str) -> dict[str, Any]:
    """Put the rows of tables where workers find them, unless an earlier run of the same command did; what they are."""
    identity = asdict(job) | {"kind": kind, "sound_id": codec.sound_id, "tables": [_digest(each) for each in tables]}
    with contextlib.suppress(OSError, ValueError):
        facts = json.loads((staged / "facts.json").read_text(encoding="utf-8"))
        if facts.pop("identity") == identity:
            for path in staged.glob("*/*.json"):
                json.loads(path.read_bytes())  # a machine that lost its power may have left half of one
            return facts
    for old in staged.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    facts = {"clips": 0, "seconds": 0.0, "refused": 0}
    names = set[str]()
    try:
        for file, grid in (row for each in tables for row in grids(each, codec)):
            if isinstance(grid, str):
                facts["refused"] += 1
                continue
            out = sound_name(file, kind, names)
            place = staged / f"{facts['clips'] // FOLDER_ROWS:06}"
            place.mkdir(exist_ok=True)
            path = place / f"{facts['clips'] % FOLDER_ROWS:06}.json"
            path.write_text(json.dumps(_row(grid, out)), encoding="utf-8")
            facts["clips"] += 1
            facts["seconds"] += grid_seconds(grid.num_samples)
        with whole_file(staged / "facts.json") as unfinished:
            unfinished.write_text(json.dumps(facts | {"identity": identity}), encoding="utf-8")
    except OSError as error:
        raise ScaleError(f"{staged.parent.name} cannot be written: {reason_of(error)}.") from error
    return facts


def _row(grid: CodeGrid, out: str) -> Item:
    lengths = {"num_frames": grid.num_frames, "num_samples": grid.num_samples}
    return {"codes": grid.indices.tolist(), **lengths, "out": out}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sound_name(file: str, kind: str, taken: set[str]) -> str:
    """The path of a sound file below its folder, for a row of that name; add it to ``taken``.

    A table may come from a stranger, so no path leads out of the folder.

    Examples
    --------
    >>> names = set()
    >>> [sound_name(name, "wav", names) for name in ("a/b.flac", "a/b.wav", "../c.mp3", "/etc/d")]
    ['a/b.wav', 'a/b.wav.wav', 'c.wav', 'etc/d.wav']
    """
    parts = [_part(part) for part in PurePosixPath(file.replace("\0", "_")).parts if part not in ("/", "//", "..")]
    path = PurePosixPath(*(parts or ["sound"]))
    stem = path.with_suffix("") if path.suffix else path
    name = f"{stem}.{kind}"
    number = 1
    while name.casefold() in taken or PurePosixPath(name).parts[0] == STAGED:
        name = f"{path}.{kind}" if number == 1 else f"{path}-{number}.{kind}"
        number += 1
    taken.add(name.casefold())
    return name


def _part(part: str) -> str:
    return system.file_name(part.encode()[-LONGEST_NAME_BYTES:].decode(errors="ignore"))
