"""The folder of one library: what lies in it, and since when."""

import contextlib
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path

from distill.library.label import MOST_BYTES, Label
from distill.library.place import UNFINISHED, content_of

CODEC, LABEL, OPENED = ".distill", ".json", ".opened"
"""Ends of the names of a kept codec's files: the codec, its label, and when it was last opened. Whoever
gives a name writes the label alone, and whoever opens the codec the last alone: neither takes back the other's work."""
ID = re.compile(r"[0-9a-f]{16}")
OURS = re.compile(rf"[0-9a-f]{{16}}({LABEL}|{OPENED}|\.\w+\.[0-9a-f]{{8}}{UNFINISHED})")
"""Names of the files that a broken-off write may leave."""
DAY = 24 * 3600


@dataclass(frozen=True)
class Kept:
    """A codec in a library.

    Attributes
    ----------
    id : str
        16 hexadecimal digits.
    label : Label
        Its name and facts.
    num_bytes : int
        Size of its file.
    until : float
        When it will be deleted unless it is opened before, in seconds since 1970.
    """

    id: str
    label: Label
    num_bytes: int
    until: float

    @property
    def name(self) -> str:
        return self.label.name


def all_in(folder: Path, now: float, days: int) -> list[Kept]:
    """The codecs in a library's folder, also those that are kept no longer."""
    sizes: dict[str, int] = {}
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if not is_folder(folder):
            return []
        for path in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another server deletes it now
                status = path.lstat()
                if path.suffix == CODEC and ID.fullmatch(path.stem) and stat.S_ISREG(status.st_mode):
                    sizes[path.stem] = status.st_size
    return [_read(folder, id, size, now, days) for id, size in sizes.items()]


def _read(folder: Path, id: str, num_bytes: int, now: float, days: int) -> Kept:
    """A codec with its label. Where that is missing or damaged, its name is made of its id; where no date can be
    read, or one cannot be read now, it counts as opened now."""
    label, opened, soon = Label(f"codec {id[:6]}"), 0.0, now + DAY  # clocks of servers may differ
    is_read = True
    try:
        with contextlib.suppress(ValueError):
            label = Label.from_json(content_of(folder / f"{id}{LABEL}", MOST_BYTES))
        with contextlib.suppress(ValueError):
            opened = float(content_of(folder / f"{id}{OPENED}", 40))
    except OSError:
        is_read = False
    if not 0 < label.kept <= soon:
        label = replace(label, kept=0.0)
    since = max(label.kept, opened if 0 < opened <= soon else 0.0)  # False for "nan", too
    return Kept(id, label, num_bytes, (since if since and is_read else now) + days * DAY)


def is_folder(path: Path) -> bool:
    """Whether a path is a folder, and no link to one; an OSError if that cannot be said now."""
    return stat.S_ISDIR(path.lstat().st_mode)


def sweep(folder: Path, now: float) -> None:
    """Delete what is left of broken-off writes, and labels without a codec, once they are a day old."""
    names = {path.name for path in folder.iterdir()}
    for path in (folder / name for name in names if OURS.fullmatch(name)):
        if path.suffix == UNFINISHED or f"{path.stem}{CODEC}" not in names:
            with contextlib.suppress(OSError):
                if now - path.lstat().st_mtime > DAY:
                    path.unlink()
