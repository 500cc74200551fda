"""Data sets on the Hugging Face Hub: the sound files of one."""

import glob
import os
from pathlib import Path, PurePosixPath

from distill import __version__
from distill.errors import HubError
from distill.hub.repository import Token, spoken

KINDS = "aac aif aifc aiff au caf flac m4a mka mkv mov mp3 mp4 oga ogg opus wav webm wma zip"
SOUNDS = tuple(f".{kind}" for kind in KINDS.split())
"""Endings of the files that are fetched: sounds, films with sound, and archives. What is in them is seen when they are
read."""
MOST_FILES = 10_000
"""Most sound files of a data set that is fetched."""


def fetch_sounds(
    repository: str,
    *,
    most_bytes: int,
    revision: str | None = None,
    token: Token = None,
    cache_dir: str | os.PathLike[str] | None = None,
) -> list[Path]:
    """Return the local paths of the sound files of a data set, as :func:`fetch_folder` downloads them.

    Parameters
    ----------
    repository, most_bytes, revision, token, cache_dir
        As for :func:`fetch_folder`.

    Returns
    -------
    list of Path
        In the order of their paths in the data set.

    Raises
    ------
    HubError
        As :func:`fetch_folder` does.

    Examples
    --------
    >>> fetch_sounds("no name", most_bytes=1000)
    Traceback (most recent call last):
    distill.errors.HubError: “no name” is no name of a repository: user/name, of letters, digits, “-”, “_” and “.”.
    """
    folder, sounds = fetch_folder(
        repository, most_bytes=most_bytes, revision=revision, token=token, cache_dir=cache_dir
    )
    return [folder / path for path in sounds]


def fetch_folder(
    repository: str,
    *,
    most_bytes: int,
    most_files: int = MOST_FILES,
    revision: str | None = None,
    token: Token = None,
    cache_dir: str | os.PathLike[str] | None = None,
) -> tuple[Path, list[str]]:
    """Download the sound files of a data set that are not in the Hub's cache.

    A data set of sound files in folders is what the library ``datasets`` calls an audiofolder. Its other files, such as
    its card and its table of labels, stay where they are.

    Parameters
    ----------
    repository : str
        Its name, "user/name".
    most_bytes, most_files : int
        A data set whose sound files are more, or have more bytes in all, is not downloaded.
    revision : str, optional
        A branch, a tag or a commit; by default "main".
    token : str or bool, optional
        As for :func:`~distill.hub.repository.fetch`.
    cache_dir : path-like, optional
        Folder of the cache; by default that of ``huggingface_hub``.

    Returns
    -------
    Path
        The folder that holds the data set in the cache.
    list of str
        Paths of the sound files below it, in their order.

    Raises
    ------
    HubError
        If there is no such data set or revision, the token may not read it, it has no sound files or too much of them,
        or the Hub cannot be reached.

    Examples
    --------
    >>> fetch_folder("no name", most_bytes=1000)
    Traceback (most recent call last):
    distill.errors.HubError: “no name” is no name of a repository: user/name, of letters, digits, “-”, “_” and “.”.
    """
    with spoken(repository, revision, "a sound", kind="data set"):
        from huggingface_hub import HfApi, snapshot_download

        api = HfApi(token=token, library_name="distill", library_version=__version__)
        info = api.dataset_info(repository, revision=revision, files_metadata=True)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
        sounds = sorted(path for path in sizes if PurePosixPath(path).suffix.lower() in SOUNDS)
        if not sounds:
            tables = any(path.endswith(".parquet") for path in sizes)
            why = "its sounds are in Parquet tables, which are not read" if tables else "there are none among its files"
            raise HubError(f"{repository} is no data set of sound files: {why}.")
        if len(sounds) > most_files:
            raise HubError(f"{repository} has {len(sounds)} sound files; at most {most_files} are fetched.")
        if (num_bytes := sum(sizes[path] for path in sounds)) > most_bytes:
            most = f"at most {most_bytes / 2**20:.0f} MiB are downloaded"
            raise HubError(f"{repository} has {num_bytes / 2**20:.0f} MiB of sound files; {most}.")
        folder = snapshot_download(
            repository,
            repo_type="dataset",
            revision=info.sha,
            token=token,
            cache_dir=None if cache_dir is None else Path(cache_dir),
            allow_patterns=sorted({"*[!/]" + glob.escape(PurePosixPath(path).suffix) for path in sounds}),
            library_name="distill",
            library_version=__version__,
        )
    return Path(folder), sounds
