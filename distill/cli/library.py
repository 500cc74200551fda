"""Libraries of codecs on the command line: what is in one, and what is kept, opened, renamed and deleted there."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill.errors import ConfigError, LibraryError

if TYPE_CHECKING:
    from distill.library import Kept, Library


def library(options: argparse.Namespace) -> None:
    """List, keep, open, rename or delete codecs in a library, in the folder where a server keeps them."""
    from distill.library import Library
    from distill.library.place import is_there
    from distill.settings import Settings

    settings = Settings.from_environment()
    folder = options.folder or settings.library_place
    if folder is None:
        raise ConfigError("Name the folder of the libraries: --folder FOLDER, or DISTILL_LIBRARY_FOLDER.")
    if options.act is not _keep and not is_there(folder):
        raise LibraryError(f"There are no libraries in {folder}.")
    options.act(Library(folder, settings, where=f"the folder {folder.name}"), options)


def _list(there: "Library", options: argparse.Namespace) -> None:
    """List what is in a library."""
    from distill.library import read_key

    kept = there.kept(read_key(options.key))
    for each in kept:
        facts = f"{each.label.levels} levels, {each.label.clips} clips, {each.num_bytes / 1e6:.1f} MB"
        print(f"{each.id}  {each.name}  ({facts}, kept {_day(each.label.kept)}, until {_day(each.until)})")
    if not kept:
        print(there.empty_words())


def _keep(there: "Library", options: argparse.Namespace) -> None:
    """Keep a codec in a library, or in a new one."""
    from distill.codec import Codec
    from distill.library import label_of, new_key, read_key

    key = read_key(options.key) if options.key else new_key()
    there.keep(key, options.model, label_of(Codec.load(options.model), options.name))
    print(f"Kept. {there.words()}")
    if not options.key:
        print(f"The key of the new library, which opens and deletes what is in it: {key}")


def _open(there: "Library", options: argparse.Namespace) -> None:
    """Copy a codec of a library to a file."""
    from distill.codec import Codec
    from distill.library import read_key

    key = read_key(options.key)
    kept = _named(there, key, options.codec)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = options.out.with_name(f"{options.out.name}.part")
    try:
        there.fetch(key, kept.id, unfinished)
        Codec.load(unfinished)
        unfinished.replace(options.out)
    finally:
        unfinished.unlink(missing_ok=True)
    there.note_opened(key, kept.id)
    print(f"{options.out}: “{kept.name}”.")


def _rename(there: "Library", options: argparse.Namespace) -> None:
    """Give a codec of a library another name."""
    from distill.library import read_key

    key = read_key(options.key)
    there.rename(key, _named(there, key, options.codec).id, options.name)


def _delete(there: "Library", options: argparse.Namespace) -> None:
    """Delete a codec from a library."""
    from distill.library import read_key

    key = read_key(options.key)
    there.delete(key, _named(there, key, options.codec).id)


def _named(there: "Library", key: str, codec: str) -> "Kept":
    """The codec with a name or an id."""
    kept = there.kept(key)
    for each in kept:
        if codec in (each.id, each.name):
            return each
    if not kept:
        raise LibraryError(there.empty_words())
    raise LibraryError(
        f"There is no codec “{codec:.60}” in this library; “distill library list” tells which there are."
    )


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def add_library(add: Callable[[Any], argparse.ArgumentParser]) -> None:
    """The command of this module, its verbs and their arguments."""
    verbs = add(library).add_subparsers(required=True, metavar="VERB")

    def verb(act: Callable[["Library", argparse.Namespace], None]) -> argparse.ArgumentParser:
        command = verbs.add_parser(act.__name__[1:], help=act.__doc__, description=act.__doc__)
        command.set_defaults(act=act)
        command.add_argument("--folder", type=Path, help="of all libraries; by default that of the server's settings")
        return command

    keep = verb(_keep)
    keep.add_argument("model", type=Path, metavar="M.distill")
    keep.add_argument("name", metavar="NAME")
    keep.add_argument("--key", metavar="KEY", help="key or link of a library; without it, a new one is made")
    for act in (_list, _open, _rename, _delete):
        command = verb(act)
        command.add_argument("key", metavar="KEY", help="key or link of the library")
        if act is not _list:
            command.add_argument("codec", metavar="CODEC", help="its name or its id")
        if act is _open:
            command.add_argument("out", type=Path, metavar="OUT.distill")
        if act is _rename:
            command.add_argument("name", metavar="NAME")
