"""The Hugging Face Hub on the command line: ``publish``, and ``hf://`` in place of a codec's file or of clips."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

CODECS = ("model", "source", "to", "start")
"""Arguments of commands that name a codec."""
SCHEME, SET_SCHEME = "hf:/", "hf:/datasets/"
"""How ``hf://`` and ``hf://datasets/`` begin as paths, which have no empty parts."""
MOST_BYTES, MOST_FILES = 100 * 2**30, 200_000
"""Most bytes and most files of a data set that is prepared, or encoded as a whole."""


def fetch_named(options: argparse.Namespace) -> None:
    """Replace what is named by its place on the Hub by downloaded files.

    A codec is named ``hf://user/name``, and a data set of clips ``hf://datasets/user/name``; ``@revision`` may follow.

    Raises
    ------
    HubError
        If it cannot be downloaded.
    """
    for argument in CODECS:
        named = getattr(options, argument, None)
        if isinstance(named, Path) and named.as_posix().startswith(SCHEME):
            setattr(options, argument, _fetch_codec(named.as_posix().removeprefix(SCHEME)))
    clips = getattr(options, "clips", None)
    if isinstance(clips, list) and getattr(options, "workers", None) is None:  # workers take larger sets
        options.clips = [file for named in clips for file in _fetch_clips(named)]


def _fetch_codec(named: str) -> Path:
    from distill.hub import CODEC_FILE, fetch, read_name
    from distill.settings import DEFAULTS

    repository, revision = read_name(named)
    return fetch(repository, CODEC_FILE, most_bytes=DEFAULTS.codec_bytes, revision=revision)


def _fetch_clips(named: Path) -> list[Path]:
    """The sound files of a data set on the Hub; any other path is its own."""
    if not named.as_posix().startswith(SET_SCHEME):
        return [named]
    from distill.hub import fetch_sounds, read_name
    from distill.settings import DEFAULTS

    repository, revision = read_name(named.as_posix().removeprefix(SET_SCHEME))
    return fetch_sounds(repository, most_bytes=DEFAULTS.upload_bytes, revision=revision)


def fetch_set(named: Path) -> tuple[Path, list[Path] | None, str | None]:
    """Fetch a data set, however large, that is named ``hf://datasets/user/name``.

    Returns
    -------
    folder : Path
        The folder of its files; any other path is its own.
    files : list of Path or None
        Its sound files; None for any other path.
    source : str or None
        Its name; None for any other path.

    Raises
    ------
    HubError
        If it cannot be downloaded.
    """
    if not named.as_posix().startswith(SET_SCHEME):
        return named, None, None
    from distill.hub import fetch_folder, read_name

    name = named.as_posix().removeprefix(SET_SCHEME)
    repository, revision = read_name(name)
    folder, files = fetch_folder(repository, most_bytes=MOST_BYTES, most_files=MOST_FILES, revision=revision)
    return folder, [folder / file for file in files], f"hf://datasets/{name}"


def publish(options: argparse.Namespace) -> None:
    """Publish a codec on the Hugging Face Hub, after a look at what goes out."""
    from distill.audio import load_clip
    from distill.codec import Codec

    codec = Codec.load(options.model)
    sounds = [codec.encode_clip(load_clip(path)) for path in options.sound]
    _publish(options, codec.hub_files(options.repository, license=options.license, sounds=sounds, grids=options.grids))


def publish_set(options: argparse.Namespace) -> None:
    """Publish clips as a data set on the Hugging Face Hub, after a look at what goes out."""
    import tempfile

    from distill import hub
    from distill.audio import Refusal, read_clips

    with tempfile.TemporaryDirectory() as folder:
        clips = []
        for item in read_clips(options.clips):
            if said := item.reason if isinstance(item, Refusal) else item.note:
                print(said, file=sys.stderr)
            if not isinstance(item, Refusal):
                clips.append(item)
        files = hub.write_set(clips, Path(folder), options.repository, license=options.license, names=options.names)
        _publish(options, files, kind="dataset", message="Publish clips", replaces="data/")


def _publish(options: argparse.Namespace, files: Sequence[Any], **how: Any) -> None:
    """Show files, ask, and publish them."""
    from distill import hub

    readers, wide = "only you" if options.private else "everybody", max(14, *(len(file.path) for file in files))
    print(f"{options.repository} on the Hugging Face Hub, for {readers} to read:")
    for file in files:
        print(f"  {file.path:{wide}} {file.size / 1000:8.1f} kB  {file.words}")
    if not options.yes and not agreed("Publish this? [y/N] "):
        print("Nothing was published.")
        return
    print(hub.publish(options.repository, files, private=options.private, **how))


def agreed(question: str) -> bool:
    """Ask; without an answer, as where there is no keyboard, or after Ctrl-C, the answer is no."""
    print(question, end="", flush=True)
    try:
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except KeyboardInterrupt:
        return False


def add_hub(add: Callable[[Any], argparse.ArgumentParser]) -> None:
    """The commands of this module and their arguments."""
    command = add(publish)
    command.add_argument("model", type=Path, metavar="M.distill")
    command.add_argument("repository", metavar="user/name", help="made if it is not there")
    command.add_argument("--private", action="store_true", help="only its owner may read it")
    command.add_argument("--license", default="cc0-1.0", help="its name on the Hub; by default cc0-1.0")
    command.add_argument(
        "--sound", nargs="+", type=Path, default=[], metavar="FILE", help="its first 10 s go out as the codec plays it"
    )
    command.add_argument("--grids", action="store_true", help="with the codes of training clips that the file keeps")
    command.add_argument("--yes", action="store_true", help="without a question")
    command = add(publish_set)
    command.add_argument("clips", nargs="+", type=Path, metavar="CLIP_OR_FOLDER")
    command.add_argument("repository", metavar="user/name", help="made if it is not there")
    command.add_argument("--license", required=True, help="its name on the Hub, such as cc0-1.0, cc-by-4.0 or other")
    command.add_argument("--names", action="store_true", help="with the names of the files; without, they are numbered")
    command.add_argument("--private", action="store_true", help="only its owner may read it")
    command.add_argument("--yes", action="store_true", help="without a question")
