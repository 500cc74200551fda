"""Whole sets: a folder of clips to a table of codes, a table to a folder of sounds, and how well a codec does on a set.

What is finished is kept on the disk at once, and a command that ended early goes on where it stopped. Memory holds the
names of all files, some hundred rows of codes, and one clip for each worker.
"""

import collections
import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from distill import system
from distill.codec import Codec
from distill.codec.evaluation import Evaluation
from distill.errors import AudioError, ScaleError, TableError
from distill.scale.listing import Listing, shown, without_others
from distill.scale.pool import answers
from distill.scale.rows import Answer, Item, Job, add_up, reason_of
from distill.scale.table import Rows, check_codec, full_row, open_table, read_groups, schema, write_rows, write_table

PART_SECONDS, PART_ROWS = 10.0, 256
"""Seconds and rows after which finished rows go to the disk: a killed command has lost no more."""
Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class Done:
    """What a command did.

    Attributes
    ----------
    clips : int
        Clips that have codes, or sounds that were written.
    seconds : float
        Their sound, in seconds.
    refused : int
        Files or rows without codes.
    new : int
        Of clips and refused ones together, those that this run added.
    gone : int
        Rows of files that are there no more, which the table lost.
    lost : int
        Rows that ended each worker that had them; they wait for the next run.
    """

    clips: int
    seconds: float
    refused: int
    new: int
    gone: int = 0
    lost: int = 0


@dataclass(frozen=True)
class Hands:
    """Who works.

    Attributes
    ----------
    workers : int
        As for :func:`~distill.scale.pool.answers`.
    address : str, optional
        The cluster.
    """

    workers: int = 1
    address: str | None = None

    def answers(self, job: Job, items: Sequence[Item], codec: Codec) -> Iterator[tuple[Item, Answer]]:
        """Answer items, as :func:`~distill.scale.pool.answers` does."""
        return answers(job, items, workers=self.workers, codec=codec, address=self.address)

    def answers_of(
        self, job: Job, listing: Listing, names: Sequence[str], codec: Codec
    ) -> Iterator[tuple[Item, Answer]]:
        """Answer files of a listing; no worker has those that it says are not read."""
        for name in names:
            if name in listing.reasons:
                yield {"file": name}, {"reason": listing.reasons[name]}
        yield from self.answers(job, [{"file": name} for name in names if name not in listing.reasons], codec)


def encode_set(
    codec: Codec, codec_path: Path, listing: Listing, out: Path, *, hands: Hands, progress: Progress = lambda *_: None
) -> Done:
    """Encode the clips of a folder to a table, one row a clip, in the order of their names.

    Rows go to parts in a folder beside the table, ``out`` + ".unfinished"; the table is put together from them at the
    end. A table of the same codec that is there already is brought up to date: it gets rows for new files, for files of
    another size or time and for those that were refused for what may pass, and loses those of files that are gone.

    Parameters
    ----------
    codec : Codec
    codec_path : Path
        The codec's file.
    listing : Listing
    out : Path
        The table to write.
    hands : Hands
    progress : callable
        Called with the number of finished files and of all files.

    Raises
    ------
    TableError
        If the table or the parts are of another codec, are damaged, or cannot be written.
    ScaleError
        As :func:`~distill.scale.pool.answers` raises it, or if another command writes this table.
    AudioError
        If there are no clips.
    """
    schema()  # without pyarrow, nothing begins
    if out.is_dir():
        raise TableError(f"{out.name} is a folder; please name a file, such as codes.parquet.")
    with _unfinished(out) as folder:
        tables = _tables(out, folder)
        for table in tables:
            check_codec(table, codec, codec_path.name)
        before = Rows(tables).stamps
        known = {name for name, stamp in listing.stamps.items() if before.get(shown(name)) == stamp}
        others = (
            name for name in listing.stamps if name not in known and not _is_in(listing.folder / name, out, folder)
        )
        new = without_others(listing, others)
        total = len(known) + len(new)
        if not total:
            raise AudioError(f"There are no sounds in {listing.folder.name}.")
        progress(len(known), total)
        job = Job("encode", os.path.abspath(codec_path), str(listing.folder))
        with _Parts(folder, codec) as parts:
            found = hands.answers_of(job, listing, new, codec)
            for number, (item, answer) in enumerate(found, start=len(known) + 1):
                stamp = None if answer.get("may_pass") else listing.stamps[item["file"]]
                parts.add(full_row(codec, shown(item["file"]), stamp, answer))
                progress(number, total)
        tables = _tables(out, folder)
        rows, closed = Rows(tables), tuple(f"{shown(name)}/" for name in listing.reasons)
        kept = {name for name in rows.stamps if name.startswith(closed)}  # what is in a closed folder is not gone
        files = sorted({shown(name) for name in (*known, *new)} | kept)
        if tables != [out] or set(files) != set(rows.stamps):
            write_table(out, rows.groups(files), codec, unfinished_in=folder)
    return replace(_facts(out, len(new)), gone=len(rows.stamps) - len(files))


def _tables(out: Path, folder: Path) -> list[Path]:
    """The table, if it is there, and its parts, in the order in which they were made; a damaged part is deleted."""
    for part in folder.glob("*.parquet"):
        try:
            collections.deque(read_groups(part), maxlen=0)
        except TableError:
            part.unlink()
    return [*([out] if os.path.lexists(out) else []), *sorted(folder.glob("*.parquet"))]


def _is_in(path: Path, *places: Path) -> bool:
    return any(Path(os.path.abspath(place)) in (path, *path.parents) for place in places)


def _facts(out: Path, new: int) -> Done:
    seconds = [length for group in _column(out, "seconds") for length in group]
    clips = [length for length in seconds if length is not None]
    return Done(len(clips), sum(clips), len(seconds) - len(clips), new)


def _column(path: Path, name: str) -> Iterator[list[float | None]]:
    file = open_table(path)
    for batch in file.iter_batches(columns=[name]):
        yield batch.column(0).to_pylist()
    file.close()


@contextlib.contextmanager
def _unfinished(out: Path) -> Iterator[Path]:
    """The folder of parts, locked for this command; it goes when the block ends without an error."""
    folder = out.with_name(f"{out.name}.unfinished")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TableError(f"{folder.name} could not be made: {reason_of(error)}.") from error
    with system.lockable(folder) as descriptor:
        if not system.lock(descriptor):
            raise ScaleError(f"Another command is writing {out.name} now.")
        for stray in folder.glob(".*.unfinished"):
            stray.unlink(missing_ok=True)
        try:
            yield folder
        except BaseException:
            with contextlib.suppress(OSError):
                folder.rmdir()  # if nothing is in it
            raise
        shutil.rmtree(folder, ignore_errors=True)  # as long as nobody else can have begun there
    system.remove_lock(folder)


class _Parts:
    """Parts of a table: rows are written some at a time, also those that are left when something goes wrong."""

    def __init__(self, folder: Path, codec: Codec) -> None:
        self._folder, self._codec = folder, codec
        self._number = 1 + max([int(path.stem) for path in folder.glob("*.parquet") if path.stem.isdigit()], default=0)
        self._rows: list[Item] = []
        self._since = time.monotonic()

    def __enter__(self) -> "_Parts":
        return self

    def add(self, row: Item) -> None:
        self._rows.append(row)
        if len(self._rows) >= PART_ROWS or time.monotonic() - self._since >= PART_SECONDS:
            self._write()

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        with contextlib.suppress(*([TableError] if kind else [])):  # the first error is the one to tell
            self._write()

    def _write(self) -> None:
        if self._rows:
            part, name = self._folder / f"{self._number:06}.parquet", self._folder.stem
            write_rows(part, self._rows, self._codec, name=name)
        self._number, self._rows, self._since = self._number + 1, [], time.monotonic()


def evaluate_set(
    codec: Codec, job: Job, listings: Sequence[Listing], *, hands: Hands, progress: Progress = lambda *_: None
) -> tuple[Evaluation, list[str]]:
    """Measure a codec on all clips of some folders, as :func:`~distill.codec.evaluation.evaluate` does on some clips.

    Parameters
    ----------
    codec : Codec
    job : Job
        Its codec and its vocoder are taken.
    listings : sequence of Listing
    hands : Hands
    progress : callable
        As for :func:`encode_set`.

    Returns
    -------
    Evaluation
    list of str
        Why each file that is no clip was left out.

    Raises
    ------
    AudioError
        If there are no clips.
    ScaleError
        As :func:`~distill.scale.pool.answers` raises it.
    """
    sounds = [(listing, name) for listing in listings for name in without_others(listing, listing.stamps)]
    reasons = [listing.reasons[name] for listing, name in sounds if name in listing.reasons]
    items = [{"file": str(listing.folder / name)} for listing, name in sounds if name not in listing.reasons]

    def tallies() -> Iterator[Item]:
        for number, (_, answer) in enumerate(hands.answers(job, items, codec), start=1):
            progress(number, len(items))
            if "reason" in answer:
                reasons.append(answer["reason"])
            else:
                yield answer["tally"]

    progress(0, len(items))
    return add_up(tallies(), codec).evaluation(), sorted(reasons)
