"""What several commands do: load a codec, show how far they are, say how levels are used, write a report."""

import argparse
import errno
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distill.codec import Codec
    from distill.training.health import LevelHealth

LINE_SECONDS = 30.0
"""Seconds between two lines of progress where there is no terminal."""
Show = Callable[..., object]
"""Takes the number of files that are done, that of all, and a word or two more."""


def load_codec(options: argparse.Namespace) -> "Codec":
    """Load the codec with the chosen vocoder; if this vocoder is not available, print a warning on stderr."""
    from distill.codec import Codec

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RuntimeWarning)
        codec = Codec.load(options.model, vocoder=options.vocoder)
    for warning in (each for each in caught if issubclass(each.category, RuntimeWarning)):
        print(warning.message, file=sys.stderr)
    return codec


def print_health(levels: "Sequence[LevelHealth]", indent: str = "") -> None:
    """Say how each level used its codebook; nothing if that is not known."""
    from distill.codes.levels import level_names

    for name, health in zip(level_names(len(levels)) if levels else (), levels, strict=True):
        print(f"{indent}{name}: {health.utilization:.0%} of codes used, perplexity {health.perplexity:.1f}")


def check_writable(path: Path) -> None:
    """Make the folder of a file; raise an OSError if this fails, or if the path is a folder itself."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "Is a folder, not a file", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)


def write_json(path: Path, report: dict[str, Any]) -> None:
    """Write a report."""
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def duration(seconds: float) -> str:
    """A length in words.

    Examples
    --------
    >>> duration(7.25), duration(7325)
    ('7.2 s of sound', '2 h 2 min of sound')
    """
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{seconds:.1f} s of sound"
    return f"{minutes // 60} h {minutes % 60} min of sound" if minutes >= 60 else f"{minutes} min of sound"


@contextmanager
def progress(words: str) -> Iterator[Show]:
    """Show how many files of a whole set are done: a bar on a terminal, a line from time to time elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console, said = Console(soft_wrap=True, highlight=False), time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), Remaining())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(words, total=None)

        def show(done: int, of_all: int, more: str = "") -> None:
            nonlocal said
            bar.update(task, completed=done, total=of_all, description=f"{words}{more}")
            if not console.is_terminal and done < of_all and time.monotonic() - said >= LINE_SECONDS:
                print(f"{words}: {done:,} of {of_all:,} files{more}", flush=True)
                said = time.monotonic()

        yield show
