"""Whole folders and tables of codes on the command line: more of ``encode``, ``decode`` and ``evaluate``."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from distill.cli.hub import SET_SCHEME, fetch_set
from distill.cli.shared import check_writable, duration, load_codec, print_health, progress, write_json
from distill.errors import ConfigError, TableError

if TYPE_CHECKING:
    from distill.scale.bulk import Hands
    from distill.scale.listing import Listing

TABLE = ".parquet"
NAMED_REASONS = 20
"""Files that an evaluation leaves out and names one by one."""


def add_bulk(commands: Mapping[str, argparse.ArgumentParser]) -> None:
    """Let three commands take whole folders and tables; what they do with one clip stays as it is."""
    for name, takes, many in (
        ("encode", _is_set, _encode),
        ("decode", _is_table, _decode),
        ("evaluate", _has_workers, _evaluate),
    ):
        commands[name].set_defaults(command=_either(commands[name].get_default("command"), takes, many))
        commands[name].add_argument(
            "--workers",
            type=int,
            metavar="N",
            help="for many clips: by default one for each processor; several need Ray",
        )
    commands["decode"].add_argument("--flac", action="store_true", help="for a table: write FLAC, not WAV")


def _either(
    one: Callable[[argparse.Namespace], None],
    takes: Callable[[argparse.Namespace], bool],
    many: Callable[[argparse.Namespace], None],
) -> Callable[[argparse.Namespace], None]:
    def either(options: argparse.Namespace) -> None:
        if takes(options):
            many(options)
            return
        for name in ("workers", "flac"):
            given = getattr(options, "clip", None) or getattr(options, "grid", None)
            if getattr(options, name, None) and given and given.exists():
                raise ConfigError(f"--{name} is for many clips, and {given.name} is one; please leave it out.")
        one(options)

    return either


def _is_set(options: argparse.Namespace) -> bool:
    return options.clip.is_dir() or options.clip.as_posix().startswith(SET_SCHEME)


def _is_table(options: argparse.Namespace) -> bool:
    return options.grid.is_dir() or options.grid.suffix == TABLE


def _has_workers(options: argparse.Namespace) -> bool:
    return options.workers is not None


def _encode(options: argparse.Namespace) -> None:
    """Encode a folder, or a data set on the Hub, to a table of codes."""
    from distill.codec import Codec
    from distill.scale.bulk import encode_set

    if options.grid.suffix != TABLE:
        raise TableError(
            f"Many clips go to a table: please name a file that ends with {TABLE}, not {options.grid.name}."
        )
    hands, codec = _hands(options, has_table=True), Codec.load(options.model)
    with progress("Encoding") as show:
        listing = _listing(options.clip)
        done = encode_set(codec, options.model, listing, options.grid, hands=hands, progress=show)
    added = "all were there already" if not done.new else f"{done.new} are new"
    of_all = added if done.new < done.clips + done.refused else "all are new"
    print(f"{options.grid}: {_counted(done.clips, 'clip')}, {duration(done.seconds)}; {of_all}.")
    if done.refused:
        print(f"{_counted(done.refused, 'file')} could not be encoded; the column “reason” says why.")
    if done.gone:
        print(f"{_counted(done.gone, 'row')} of files that are gone went out of the table.")


def _decode(options: argparse.Namespace) -> None:
    """Decode a table of codes to a folder of sounds."""
    from distill.scale.rows import Job
    from distill.scale.unpacking import decode_set

    hands, codec = _hands(options, has_table=True), load_codec(options)
    job = Job("decode", os.path.abspath(options.model), os.path.abspath(options.out), options.vocoder)
    with progress("Decoding") as show:
        kind = "flac" if options.flac else "wav"
        done = decode_set(codec, job, options.grid, kind=kind, hands=hands, progress=show)
    print(f"{options.out}: {_counted(done.clips, 'sound')}, {duration(done.seconds)}.")
    if done.refused:
        print(f"{_counted(done.refused, 'row')} had no codes.")
    if done.lost:
        print(f"{_counted(done.lost, 'row')} ended each worker that had it; the same command tries again.")


def _evaluate(options: argparse.Namespace) -> None:
    """Measure the error of a codec on whole folders."""
    from distill.scale.bulk import evaluate_set
    from distill.scale.rows import Job

    if options.json:  # fail before the work, not after it
        check_writable(options.json)
    hands, codec = _hands(options), load_codec(options)
    listings = [_listing(path) for path in options.clips]
    job = Job("evaluate", os.path.abspath(options.model), str(listings[0].folder), options.vocoder)
    with progress("Evaluating") as show:
        result, reasons = evaluate_set(codec, job, listings, hands=hands, progress=show)
    for reason in reasons[:NAMED_REASONS]:
        print(reason, file=sys.stderr)
    if len(reasons) > NAMED_REASONS:
        print(f"{len(reasons) - NAMED_REASONS} more files were left out.", file=sys.stderr)
    print(f"{result.clips} clips, {result.sound_seconds:.1f} s at {result.bitrate_bps:.0f} bit/s")
    print(f"mel_l1 {result.mel_l1:.3f}, after the vocoder {result.mel_l1_audio:.3f}")
    print_health(result.levels)
    print(
        f"each worker encodes {result.encode_rtf:.0f} and decodes {result.decode_rtf:.0f} seconds of sound per second"
    )
    if options.json:
        write_json(options.json, asdict(result) | {"refused": len(reasons)})


def _hands(options: argparse.Namespace, *, has_table: bool = False) -> "Hands":
    """Who works; what is not installed is told before anything is fetched."""
    from distill.scale.bulk import Hands
    from distill.scale.pool import check_ray, count_workers
    from distill.scale.table import arrow

    address = os.environ.get("RAY_ADDRESS") or None
    workers = count_workers(options.workers, address)
    if has_table:
        arrow()
    check_ray(workers, address)
    return Hands(workers, address)


def _listing(path: Path) -> "Listing":
    """The files of a folder, of a data set on the Hub, or one file."""
    from distill.scale.listing import list_files

    folder, files, _ = fetch_set(path)
    if files is None:
        return list_files(path) if path.is_dir() else list_files(Path(os.path.abspath(path)).parent, [path])
    return list_files(folder, files)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
