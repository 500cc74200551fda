"""The Hugging Face Hub on the command line: ``publish``, and ``hf://user/name`` in place of a codec's file."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

CODECS = ("model", "source", "to", "start")
"""Arguments of commands that name a codec."""
SCHEME = "hf:/"
"""How ``hf://`` begins as a path, which has no empty parts."""


def fetch_codecs(options: argparse.Namespace) -> None:
    """Replace each codec that is named ``hf://user/name``, or ``hf://user/name@revision``, by its downloaded file.

    Raises
    ------
    HubError
        If it cannot be downloaded.
    """
    for argument in CODECS:
        named = getattr(options, argument, None)
        if not isinstance(named, Path) or not named.as_posix().startswith(SCHEME):
            continue
        from distill.hub import CODEC_FILE, fetch
        from distill.settings import DEFAULTS

        repository, _, revision = named.as_posix().removeprefix(SCHEME).partition("@")
        path = fetch(repository, CODEC_FILE, most_bytes=DEFAULTS.codec_bytes, revision=revision or None)
        setattr(options, argument, path)


def publish(options: argparse.Namespace) -> None:
    """Publish a codec on the Hugging Face Hub, after a look at what goes out."""
    from distill import hub
    from distill.audio import load_clip
    from distill.codec import Codec

    codec = Codec.load(options.model)
    sounds = [codec.encode_clip(load_clip(path)) for path in options.sound]
    files = codec.hub_files(options.repository, license=options.license, sounds=sounds, grids=options.grids)
    readers = "only you" if options.private else "everybody"
    print(f"{options.repository} on the Hugging Face Hub, for {readers} to read:")
    for file in files:
        print(f"  {file.path:14} {file.size / 1000:8.1f} kB  {file.words}")
    if not options.yes and not _agreed():
        print("Nothing was published.")
        return
    print(hub.publish(options.repository, files, private=options.private))


def _agreed() -> bool:
    """Ask; without an answer, as where there is no keyboard, the answer is no."""
    print("Publish this? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def add_hub(add: Callable[[Any], argparse.ArgumentParser]) -> None:
    """The command of this module and its arguments."""
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
