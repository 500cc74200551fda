"""Commands that make codes of codes: ``vamp``, ``invent``, ``cross``, ``translate``. Docstrings are the help texts."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill.errors import GridError

if TYPE_CHECKING:
    from distill.codec import Codec
    from distill.prior import Take


def vamp(options: argparse.Namespace) -> None:
    """Draw a part of a clip anew, as the codec's clips go on, and write the sound."""
    from distill.audio import SAMPLE_RATE, load_clip
    from distill.codec import Codec
    from distill.prior import Vamp

    first, last = options.columns
    codec = Codec.load(options.model)
    grid = codec.encode(load_clip(options.clip).waveform, SAMPLE_RATE)
    heat, count = {"temperature": options.temperature, "top_p": options.top_p}, _count(options.takes)
    part = Vamp(codec).vary(grid, columns=slice(first, last), amount=options.amount, name=options.clip.name)
    takes = [part.take(seed=options.seed + number, **heat) for number in range(count)]
    _write(codec, takes, options.out)


def invent(options: argparse.Namespace) -> None:
    """Make a new clip of what the codec's clips do, and write the sound."""
    import numpy as np

    from distill.audio import load_clip
    from distill.codec import Codec
    from distill.prior import Vamp

    codec = Codec.load(options.model)
    if not 0 < options.seconds <= 600:
        raise GridError(f"--seconds must be above 0 and up to 600, got {options.seconds}.")
    columns = max(1, round(options.seconds / codec.column_seconds))
    heat = {"temperature": options.temperature, "top_p": options.top_p}
    vamp, count = Vamp(codec), _count(options.takes)
    curve = vamp.loudness(codec.encode_clip(load_clip(options.rhythm))) if options.rhythm else None
    rhythm = None if curve is None else np.resize(curve, columns)
    takes = [vamp.invent(columns, rhythm=rhythm, seed=options.seed + number, **heat) for number in range(count)]
    _write(codec, takes, options.out)


def cross(options: argparse.Namespace) -> None:
    """Play a clip by the sounds of another one, and write the sound."""
    from distill.audio import load_clip
    from distill.codec import Codec
    from distill.prior import Vamp

    codec = Codec.load(options.model)
    grid, other = (codec.encode_clip(load_clip(path)) for path in (options.clip, options.other))
    _write(codec, [Vamp(codec).cross(grid, other, jump=options.jump, name=options.other.name)], options.out)


def translate(options: argparse.Namespace) -> None:
    """Say the codes that one codec has for a clip with the codes of another codec, and write the sound."""
    from distill.audio import load_clip, write_wav
    from distill.codec import Codec
    from distill.codec.saying import say_again

    source, to = Codec.load(options.source), Codec.load(options.to)
    grid = say_again(source.encode_clip(load_clip(options.clip)), source, to)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_wav(options.out, to.decode(grid))
    if options.grid:
        grid.save(options.grid)


def add_vamp(add: Callable[[Any], argparse.ArgumentParser]) -> None:
    """The commands of this module and their arguments."""
    command = add(vamp)
    command.add_argument("model", type=Path, metavar="M.distill")
    command.add_argument("clip", type=Path)
    command.add_argument("out", type=Path, metavar="out.wav", help="with several takes out-1.wav, out-2.wav …")
    command.add_argument(
        "--columns", type=_columns, required=True, metavar="A:B", help="from column A to the one before B"
    )
    command.add_argument("--amount", type=float, default=1.0, help="share of the cells, 0 to 1, the least sure first")
    _add_heat(command)

    command = add(invent)
    command.add_argument("model", type=Path, metavar="M.distill")
    command.add_argument("out", type=Path, metavar="out.wav", help="with several takes out-1.wav, out-2.wav …")
    command.add_argument("--seconds", type=float, required=True)
    command.add_argument("--rhythm", type=Path, metavar="clip.wav", help="be loud where this clip is")
    _add_heat(command)

    command = add(cross)
    command.add_argument("model", type=Path, metavar="M.distill")
    command.add_argument("clip", type=Path)
    command.add_argument("other", type=Path, help="the clip whose sounds are heard")
    command.add_argument("out", type=Path, metavar="out.wav")
    command.add_argument("--jump", type=float, default=0.5, help="cost of a jump in the other clip, 0 to 100")

    command = add(translate)
    command.add_argument("source", type=Path, metavar="ONE.distill")
    command.add_argument("to", type=Path, metavar="OTHER.distill")
    command.add_argument("clip", type=Path)
    command.add_argument("out", type=Path, metavar="out.wav")
    command.add_argument("--grid", type=Path, metavar="grid.npz", help="where the other codec's grid is written, too")


def _add_heat(command: argparse.ArgumentParser) -> None:
    command.add_argument("--takes", type=int, default=1)
    command.add_argument("--temperature", type=float, default=0.7, help="0 for the likeliest codes, up to 10")
    command.add_argument("--top-p", type=float, default=1.0, help="share of the likeliest codes that are drawn")
    command.add_argument("--seed", type=int, default=0)


def _columns(text: str) -> tuple[int, int]:
    """Read A:B.

    Examples
    --------
    >>> _columns("3:7")
    (3, 7)
    """
    first, last = text.split(":")
    return int(first), int(last)


def _count(takes: int) -> int:
    if not 1 <= takes <= 100:
        raise GridError(f"--takes must be from 1 to 100, got {takes}.")
    return takes


def _write(codec: "Codec", takes: "list[Take]", out: Path) -> None:
    """Write the sound of each take, and say what of it is a copy."""
    from distill.audio import write_wav

    out.parent.mkdir(parents=True, exist_ok=True)
    for number, take in enumerate(takes, start=1):
        path = out if len(takes) == 1 else out.with_name(f"{out.stem}-{number}{out.suffix}")
        write_wav(path, codec.decode(take.grid))
        print(f"{path}: {take.copied.sentence(codec.column_seconds)}")
