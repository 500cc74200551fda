"""A set of clips as a data set for the Hugging Face Hub: FLAC files, a table of them, and a card."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from distill.audio.clips import SAMPLE_RATE, Clip, write_flac
from distill.audio.names import file_stem
from distill.errors import ConfigError, HubError
from distill.hub.files import HubFile, LocalFile

LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]{0,40}")
FOLDER = "data"


def write_set(
    clips: Sequence[Clip], folder: Path, repository: str, *, license: str, names: bool = False
) -> list[HubFile | LocalFile]:
    """Make what would be published of clips, and publish nothing.

    Each clip becomes a FLAC file of one channel at 44 100 Hz, as a training hears it. So nothing else that is in its
    file goes out, such as names in its tags.

    Parameters
    ----------
    clips : sequence of Clip
    folder : Path
        Folder for the FLAC files.
    repository : str
        Name of the data set, "user/name", which the card tells.
    license : str
        Licence of the sounds, by its name on the Hub: "cc0-1.0", "cc-by-4.0", "other" …
    names : bool
        Whether the names of the clips go out. Without them, the files are numbered: 0001.flac …

    Returns
    -------
    list of HubFile and LocalFile
        The table first.

    Raises
    ------
    ConfigError
        If the licence is no name of a licence.
    HubError
        If there are no clips.

    Examples
    --------
    >>> import tempfile
    >>> from distill.audio import load_clip
    >>> clips = [load_clip("examples/clips/loop_amen.flac")]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [file.path for file in write_set(clips, Path(folder), "ada/loops", license="cc0-1.0")]
    ['data/metadata.csv', 'README.md', 'data/0001.flac']
    """
    if not LICENCE.fullmatch(license):
        raise ConfigError(f"“{license:.40}” is no name of a licence on the Hub, such as cc0-1.0 or cc-by-4.0.")
    if not clips:
        raise HubError("There are no clips to publish: name sound files, or a folder of them.")
    files, rows, taken = [], [["file_name", "seconds", *(["name"] if names else [])]], set[str]()
    for number, clip in enumerate(clips, start=1):
        seconds = len(clip.waveform) / SAMPLE_RATE
        name = f"{_free(file_stem(clip.name), taken) if names else f'{number:04}'}.flac"
        write_flac(folder / f"{number:04}.flac", clip.waveform)
        files.append(LocalFile(f"{FOLDER}/{name}", folder / f"{number:04}.flac", f"{seconds:.2f} s, of {clip.name}."))
        rows.append([name, f"{seconds:.3f}", *([clip.name] if names else [])])
    card = _card(repository, clips, license)
    told = "with the names of the clips" if names else "without the names of the clips"
    return [
        HubFile(f"{FOLDER}/metadata.csv", _table(rows), f"A table of the files and their lengths, {told}."),
        HubFile("README.md", card.encode(), f"Its page on the Hub, with the licence {license}."),
        *files,
    ]


def _free(stem: str, taken: set[str]) -> str:
    """A name like ``stem`` that no other file has, also where capital letters do not count."""
    name, number = stem, 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name.casefold())
    return name


def _table(rows: list[list[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue().encode()


def _card(repository: str, clips: Sequence[Clip], license: str) -> str:
    name = repository.rpartition("/")[2]
    seconds = sum(len(clip.waveform) for clip in clips) / SAMPLE_RATE
    tags = "".join(f"- {tag}\n" for tag in ("audio", "audiofolder", "sound-design", "distill"))
    return f"""---
license: {license}
pretty_name: "{name}"
tags:
{tags}size_categories:
- n<1K
---

# {name}

{len(clips)} clips, {seconds:.0f} s of sound, as FLAC of one channel at {SAMPLE_RATE:,} Hz.
`{FOLDER}/metadata.csv` has the length of each.

## How to train on them

With Distill, a small neural audio codec of these sounds takes one command and some minutes on a CPU:

```
python -m distill train hf://datasets/{repository} --out {name}.distill
```

## How to load them

```python
from datasets import load_dataset

clips = load_dataset("{repository}", split="train")  # "audio" and "seconds" of each
```
"""
