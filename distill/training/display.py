"""What a terminal shows of a training."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from distill.training.records import Event, Progress, Validation, counted, shortness


@contextmanager
def training_display() -> Iterator[Any]:
    """Show the events of a trainer: a progress bar on a terminal, plain lines elsewhere.

    Yields
    ------
    callable
        Shows an event.
    """
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("Training", total=1.0)

        def show(event: Event) -> None:
            if isinstance(event, Progress):
                bar.update(task, completed=event.fraction, description=f"Training, loss {event.recon_loss:.3f}")
            elif isinstance(event, Validation):
                held_out = "" if event.val_mel_l1 is None else f", held-out {event.val_mel_l1:.3f}"
                used = ", ".join(f"{level.utilization:.0%}" for level in event.levels)
                line = f"{event.seconds:6.1f} s  step {event.step:5d}  mel_l1 {event.mel_l1:.3f}{held_out}"
                console.print(f"{line}  codes used {used}", highlight=False, soft_wrap=True)
                for warning in event.warnings:
                    console.print(f"          {warning}", highlight=False, soft_wrap=True)
            else:
                bar.update(task, completed=event.reason != "stopped")
                line = f"Done after {event.seconds:.1f} s, {counted(event.steps)}: best mel_l1 {event.best.mel_l1:.3f}."
                console.print(line, highlight=False, soft_wrap=True)
                if event.reason == "time" and (warning := shortness(event.steps)):
                    console.print(warning, highlight=False, soft_wrap=True)

        yield show
