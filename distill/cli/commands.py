"""The command line: one function per command, each a few calls of the package. Their docstrings are the help texts."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from distill.cli.bulk import add_bulk
from distill.cli.hub import add_hub, fetch_named
from distill.cli.jobs import add_jobs, come_back, train_elsewhere, training_report
from distill.cli.library import add_library
from distill.cli.sets import add_sets, training_clips
from distill.cli.shared import check_writable, load_codec, print_health, write_json
from distill.cli.vamp import add_vamp
from distill.errors import DistillError

if TYPE_CHECKING:
    from distill.audio import Clip
    from distill.training.config import VQVAEConfig
    from distill.training.start import Start


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see --help.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0 on success, 2 for bad input (one sentence on stderr), or 130 after an interrupt."""
    options = _parser().parse_args(arguments)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and os.environ.get("RANK", "0") != "0":
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # of several processes, only the first prints
    try:
        fetch_named(options)
        options.command(options)
    except DistillError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        where = f"{Path(error.filename).name}: " if isinstance(error.filename, str) else ""
        print(f"{where}{error.strerror or error}.", file=sys.stderr)
        return 2
    return 0


def train(options: argparse.Namespace) -> None:
    """Train a codec on clips, or on a prepared set, and save it."""
    from distill.codec.making import codec_of
    from distill.training.checkpoint import load_checkpoint, save_checkpoint
    from distill.training.config import time_stride_reason
    from distill.training.dataset import check_clip_count
    from distill.training.display import training_display
    from distill.training.records import Validation
    from distill.training.start import Start
    from distill.training.trainer import Trainer

    for path in filter(None, (options.out, options.json)):  # fail before the training, not after it
        check_writable(path)
    if options.on_job or (options.on and options.resume):
        come_back(options)
        return
    clips = training_clips(options, _read_clips)
    check_clip_count(len(clips))
    seconds = [clip.seconds for clip in clips]
    start = Start.load(options.start) if options.start else None
    config = _training_config(options, seconds, start)
    if options.on:
        train_elsewhere(options, clips, config, start)
        return
    reason = "" if options.time_stride or start else f", {time_stride_reason(seconds)}"
    settings = f"{len(clips)} clips: {config.codebook_size} codes per level{reason}.\n"
    trainer = Trainer(clips, config, device=options.device, start=start)
    checkpoint = options.out.with_name(options.out.name + ".resume")
    if options.resume:
        load_checkpoint(trainer, checkpoint)
    interrupt = signal.signal(signal.SIGINT, lambda *_: trainer.stop())
    with training_display() as show:
        for event in trainer.run():
            show(event)
            if isinstance(event, Validation) and trainer.processes.is_first:
                save_checkpoint(trainer, checkpoint)
                print(settings, end="", flush=True)
                settings = ""
    signal.signal(signal.SIGINT, interrupt)
    trainer.processes.close()
    if not trainer.processes.is_first:
        return
    codec_of(trainer).save(options.out)
    if trainer.fraction < 1:
        print(f"Stopped. Saved {options.out}; the same command with --resume goes on.", flush=True)
    else:
        checkpoint.unlink()
        print(f"Saved {options.out}.", flush=True)
    if options.json:
        write_json(options.json, training_report(trainer.codec_info()))


def encode(options: argparse.Namespace) -> None:
    """Encode a clip and write its grid of codes, or a folder of clips and write a table of codes."""
    from distill.audio import SAMPLE_RATE
    from distill.codec import Codec

    grid = Codec.load(options.model).encode(_load_clip(options.clip).waveform, SAMPLE_RATE)
    grid.save(options.grid)
    print(f"{options.grid}: {grid.levels} levels x {grid.rows} rows x {grid.columns} columns.")


def decode(options: argparse.Namespace) -> None:
    """Decode a grid of codes and write the sound, or a table of codes and write a folder of sounds."""
    from distill.audio import write_wav
    from distill.codes import CodeGrid

    write_wav(options.out, load_codec(options).decode(CodeGrid.load(options.grid)))


def reconstruct(options: argparse.Namespace) -> None:
    """Encode a clip, decode it again, and write the sound."""
    from distill.audio import SAMPLE_RATE, write_wav

    codec = load_codec(options)
    write_wav(options.out, codec.decode(codec.encode(_load_clip(options.clip).waveform, SAMPLE_RATE)))


def instrument(options: argparse.Namespace) -> None:
    """Write a codec and clips or grids as one HTML file, which plays and edits them without a server."""
    from distill.codec import Codec
    from distill.codes import CodeGrid
    from distill.editing.work import Work
    from distill.instrument import write_instrument

    codec = Codec.load(options.model)
    check_writable(options.out)
    works = []
    for path in options.clips:
        if path.suffix in (".npz", ".json"):
            works.append(Work.opened(codec, path.name, CodeGrid.load(path)))
        else:
            clips = _read_clips([path]) if path.is_dir() else [_load_clip(path)]
            works += [Work.begin(codec, clip) for clip in clips]
    write_instrument(
        options.out, codec, works, title=options.title, licence=options.licence, encoder=not options.no_encoder
    )
    print(f"{options.out}, {options.out.stat().st_size / 1e6:.1f} MB: open it in a browser.")


def info(options: argparse.Namespace) -> None:
    """Print what a codec is and how it was trained."""
    from distill.codec import Codec
    from distill.models.persistence import FORMAT_VERSION

    codec = Codec.load(options.model)
    facts = codec.describe() | {"format_version": FORMAT_VERSION}
    if options.json:
        known = asdict(codec.info)
        known = {name: known[name] for name in ("mel_l1", "val_mel_l1", "config", "provenance")}
        health = [asdict(level) for level in codec.training_health] or None
        print(json.dumps(facts | known | {"health": health}, indent=2))
        return
    print(f"{options.model.name}: codec {facts['model_id']}, {facts['parameters']:,} parameters")
    columns = f"columns of {1000 * codec.column_seconds:.0f} ms"
    print(f"  {facts['levels']} levels x {facts['codebook_size']} codes, {columns}, {facts['bitrate_bps']:.0f} bit/s")
    if source := codec.info.provenance:
        print(
            f"  trained on {source.clips} clips ({source.sound_seconds:.0f} s of sound) "
            f"for {source.training_seconds:.0f} s, {source.steps} steps; mel_l1 {codec.info.mel_l1:.3f}"
        )
    print_health(codec.training_health, indent="  ")


def evaluate(options: argparse.Namespace) -> None:
    """Measure the error of a codec on clips."""
    from distill.codec import evaluation

    codec = load_codec(options)
    result = evaluation.evaluate(codec, _read_clips(options.clips))
    print(f"{result.clips} clips, {result.sound_seconds:.1f} s at {result.bitrate_bps:.0f} bit/s")
    print(f"mel_l1 {result.mel_l1:.3f}, after the vocoder {result.mel_l1_audio:.3f}")
    print_health(result.levels)
    print(f"encodes {result.encode_rtf:.0f} and decodes {result.decode_rtf:.0f} seconds of sound per second")
    if options.json:
        write_json(options.json, asdict(result))


def bench(options: argparse.Namespace) -> None:
    """Train Distill and its references on the example clips, and compare them."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from distill.bench.report import bench

    if options.json:
        check_writable(options.json)
    console = Console(soft_wrap=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("Reading the clips", total=1.0)
        report = bench(
            options.names,
            minutes=options.minutes,
            say=lambda line: console.print(line, markup=False),
            progress=lambda line, fraction: bar.update(task, description=line, completed=fraction),
        )
    if options.json:
        write_json(options.json, report)


def blind(options: argparse.Namespace) -> None:
    """Write a page for a blind listening test: the codec's own vocoder against Griffin-Lim."""
    from distill.bench.blind import make_blind_page
    from distill.codec import Codec

    check_writable(options.out)
    make_blind_page(Codec.load(options.model), list(_read_clips(options.clips)), options.out, seed=options.seed)
    print(f"{options.out}: open it in a browser.")


def base(options: argparse.Namespace) -> None:
    """Train the base model from which trainings start, and its vocoder, and save the sounds that they rehearse."""
    from distill.training.base_making import make_base
    from distill.training.base_sounds import SOUNDFONTS, base_sounds
    from distill.training.display import training_display

    check_writable(options.out)
    sounds = base_sounds(options.recordings, options.soundfont or SOUNDFONTS, leave_out=options.leave_out)
    settings = {name: getattr(options, name) for name in ("minutes", "vocoder_minutes", "time_stride", "device")}
    with training_display() as show:
        make_base(sounds, options.out, show=show, **settings)


def _training_config(options: argparse.Namespace, seconds: Sequence[float], start: "Start | None") -> "VQVAEConfig":
    """The settings that suit clips of such lengths, but for those that were asked for or that ``start`` decides."""
    from distill.training.start import asked_config

    names = ("codebook_dim", "time_stride", "commitment_weight", "seed", "epochs", "minutes", "keep_grids", "from_base")
    asked = {name: getattr(options, name) for name in names}
    return asked_config(seconds, start, num_quantizers=options.levels, **asked)


def _load_clip(path: Path) -> "Clip":
    """Decode a sound file; print on stderr what of it is missing."""
    from distill.audio import load_clip

    clip = load_clip(path)
    if clip.note:
        print(clip.note, file=sys.stderr)
    return clip


def _read_clips(paths: Sequence[Path]) -> "Iterator[Clip]":
    """Yield the clips that can be used; print the reason for every other file on stderr."""
    from distill.audio import Refusal, read_clips

    for item in read_clips(paths):
        if said := item.reason if isinstance(item, Refusal) else item.note:
            print(said, file=sys.stderr)
        if not isinstance(item, Refusal):
            yield item


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="distill", description="Small neural audio codecs, trained on your own clips.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    def add(function: Any) -> argparse.ArgumentParser:
        name, words = function.__name__.replace("_", "-"), function.__doc__
        command = commands.add_parser(name, help=words, description=words)
        command.set_defaults(command=function)
        return command

    command = add(train)
    command.add_argument(
        "clips", nargs="*", type=Path, metavar="CLIP_OR_FOLDER", help="or the folder of a prepared set"
    )
    command.add_argument("--out", required=True, type=Path, metavar="M.distill")
    command.add_argument("--cut", choices=("onsets", "silence"), help="cut each recording into clips there")
    command.add_argument("--minutes", type=float, help="wall time that training may take")
    command.add_argument("--epochs", type=int, help="passes over the sound; without --minutes, the only bound")
    command.add_argument("--levels", type=int, help="2 to 4")
    command.add_argument("--codebook-dim", type=int)
    command.add_argument("--time-stride", type=int, help="frames in a column: 16, 8 or 4; by default, by the clips")
    command.add_argument("--commitment-weight", type=float)
    command.add_argument("--from-scratch", dest="from_base", action="store_const", const=False, help="no base model")
    command.add_argument("--grids", dest="keep_grids", action=argparse.BooleanOptionalAction, help="kept in the file")
    command.add_argument("--from", dest="start", type=Path, metavar="M.distill", help="codec to go on from")
    command.add_argument("--seed", type=int)
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")
    command.add_argument("--resume", action="store_true", help="go on with a training that was stopped")
    command.add_argument("--json", type=Path, metavar="REPORT")
    add_jobs(command)
    for add_some in (_add_sounds, add_vamp, add_hub, add_library, add_sets, _add_workshop):
        add_some(add)
    add_bulk(commands.choices)
    return parser


def _add_sounds(add: Callable[[Any], argparse.ArgumentParser]) -> None:
    """The commands that turn sound into codes, and codes into sound, and say how well."""
    command = add(encode)
    command.add_argument("model", type=Path, metavar="M.distill")
    command.add_argument("clip", type=Path, help="a sound, a folder of them, or hf://datasets/user/name")
    command.add_argument("grid", type=Path, help=".npz or .json; .parquet for a folder")

    def add_vocoder(command: argparse.ArgumentParser) -> None:
        command.add_argument("--vocoder", default="neural", help="neural (the default), griffin-lim or bigvgan")

    command = add(decode)
    command.add_argument("model", type=Path, metavar="M.distill")
    command.add_argument("grid", type=Path, help=".npz or .json; .parquet for many clips")
    command.add_argument("out", type=Path, metavar="out.wav", help="or the folder for many clips")
    add_vocoder(command)

    command = add(reconstruct)
    command.add_argument("model", type=Path, metavar="M.distill")
    command.add_argument("clip", type=Path)
    command.add_argument("out", type=Path, metavar="out.wav")
    add_vocoder(command)

    command = add(instrument)
    command.add_argument("model", type=Path, metavar="M.distill")
    command.add_argument("clips", nargs="+", type=Path, metavar="CLIP", help="sounds, folders, or grids (.npz, .json)")
    command.add_argument("out", type=Path, metavar="OUT.html")
    command.add_argument("--title", default="", help="by default the name of the first clip")
    command.add_argument("--licence", default="none", help="none, cc0, cc-by, cc-by-sa, cc-by-nc or reserved")
    command.add_argument("--no-encoder", action="store_true", help="a smaller file, which opens no sounds")

    command = add(info)
    command.add_argument("model", type=Path, metavar="M.distill")
    command.add_argument("--json", action="store_true")

    command = add(evaluate)
    command.add_argument("model", type=Path, metavar="M.distill")
    command.add_argument("clips", nargs="+", type=Path, metavar="CLIP_OR_FOLDER")
    command.add_argument("--json", type=Path, metavar="REPORT")
    add_vocoder(command)


def _add_workshop(add: Callable[[Any], argparse.ArgumentParser]) -> None:
    """The commands that make and measure Distill itself."""
    command = add(base)
    command.add_argument("recordings", type=Path, metavar="FOLDER", help="of sound files, such as sonic-pi-samples")
    command.add_argument("--soundfont", type=Path, action="append", help="may be given several times")
    command.add_argument("--out", required=True, type=Path, metavar="base.distill")
    command.add_argument("--minutes", type=float, default=40.0, help="of training; 0 keeps the present model")
    command.add_argument("--vocoder-minutes", type=float, default=120.0, help="of training; 0 keeps the present one")
    command.add_argument("--time-stride", type=int, default=16, help="16, 8 or 4")
    command.add_argument("--leave-out", default="", help="recordings whose names begin so stay unheard")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")

    command = add(blind)
    command.add_argument("model", type=Path, metavar="M.distill")
    command.add_argument("clips", nargs="+", type=Path, metavar="CLIP_OR_FOLDER")
    command.add_argument("--out", required=True, type=Path, metavar="blind.html")
    command.add_argument("--seed", type=int, default=0, help="of the choice of clips and of their order")

    command = add(bench)
    names = "plain, vae, distill, distill-4, distill-4-long, distill-93ms, distill-46ms, scratch-4, held-out"
    command.add_argument("names", nargs="*", metavar="NAME", help=f"{names}, hits, speed, page, strip, prior, bulk")
    command.add_argument("--minutes", type=float, help="training time in all; by default each gets its full time")
    command.add_argument("--json", type=Path, metavar="REPORT")
