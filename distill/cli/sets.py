"""Sets of any size on the command line: ``prepare``, and the clips of a training, from files or from a prepared set."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill import system
from distill.cli.hub import fetch_set
from distill.cli.shared import duration, progress
from distill.errors import TrainingError, check_range

if TYPE_CHECKING:
    from distill.audio import Clip
    from distill.scale.preparing import Preparation
    from distill.training.dataset import TrainingClip


def prepare(options: argparse.Namespace) -> None:
    """Decode a folder of sounds once, onto a disk, as a set of any size to train on; goes on after an interruption."""
    from distill.scale.preparing import MOST_PROCESSES
    from distill.scale.preparing import prepare as prepare_set

    check_range("--processes", options.processes, 1, MOST_PROCESSES)  # before a data set is fetched
    folder, files, source = fetch_set(options.sounds)
    how = {"files": files, "source": source, "cut": options.cut, "processes": options.processes}
    with progress("Preparing") as show:
        made = prepare_set(
            folder, options.out, **how, show=lambda done, total, clips: show(done, total, f", {clips:,} clips")
        )
    _say(made, options.out)


def training_clips(
    options: argparse.Namespace, read: "Callable[[Sequence[Path]], Iterable[Clip]]"
) -> "Sequence[TrainingClip]":
    """The clips of a training: those of a prepared set, which stay on its disk, or all files read by ``read``."""
    from distill.audio import LogMel
    from distill.audio.cutting import cut_clips
    from distill.scale.sets import PreparedSet, is_prepared
    from distill.training.dataset import to_mel_clip

    prepared = [path for path in options.clips if is_prepared(path)]
    if prepared and len(options.clips) > 1:
        raise TrainingError(f"{prepared[0].name} is a prepared set, which is trained on alone.")
    if prepared and options.cut:
        raise TrainingError(f"{prepared[0].name} is a prepared set; its recordings are cut by “distill prepare --cut”.")
    if prepared and options.on:
        raise TrainingError(f"{prepared[0].name} is a prepared set, which is trained on here; --on takes its sounds.")
    if prepared:
        return PreparedSet.open(prepared[0])
    log_mel = LogMel()
    return [to_mel_clip(clip, log_mel) for clip in cut_clips(read(options.clips), options.cut)]


def _say(made: "Preparation", out: Path) -> None:
    """Say what a set holds, what was refused and why, and what has changed."""
    length, size = duration(made.sound_seconds), made.num_bytes / 1e6
    print(f"{out}: {made.clips:,} clips, {length}, {size:,.1f} MB, from {made.files:,} files.")
    if made.again:
        print(f"{_files(made.again)} changed since the set was begun, and what is there now was read.")
    if made.gone:
        print(f"{_files(made.gone)} of the set {'is' if made.gone == 1 else 'are'} gone, and so are the clips.")
    for counted, words in ((made.refused, "left out; refused.txt names each"), (made.notes, "used in part")):
        if counted:
            print(f"{sum(counted.values()):,} {words}:")
        for reason, count in counted.most_common():
            print(f"{count:8,}  {reason}")


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def add_sets(add: Callable[[Any], argparse.ArgumentParser]) -> None:
    """The command of this module and its arguments."""
    command = add(prepare)
    command.add_argument("sounds", type=Path, metavar="FOLDER", help="a folder, or hf://datasets/user/name")
    command.add_argument("out", type=Path, metavar="OUT", help="folder of the set, which “distill train” takes")
    command.add_argument("--cut", choices=("onsets", "silence"), help="cut each recording into clips there")
    command.add_argument("--processes", type=int, default=system.processors(), help="by default one a processor")
