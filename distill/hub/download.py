"""A file of a public repository on the Hugging Face Hub, downloaded for somebody else: bounded in bytes and in time.

No token is sent, so that nobody gets what only this machine may read, and no cache is used, so that nobody gets, or
fills, what another one has downloaded.
"""

import time
from collections.abc import Callable
from pathlib import Path

from distill import __version__
from distill.errors import HubError
from distill.hub.repository import ON_A_PAGE, answer_of, spoken, too_large

SILENCE_SECONDS = 10
"""Seconds without a byte after which the Hub counts as not reachable."""


def download(
    repository: str,
    path: str,
    target: Path,
    *,
    most_bytes: int,
    most_seconds: float,
    revision: str | None = None,
    report: Callable[[float], object] = lambda share: None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Download a file of a public model repository.

    Parameters
    ----------
    repository : str
        Its name, "user/name".
    path : str
        Path of the file in the repository.
    target : Path
        File to write. It is incomplete if an error is raised.
    most_bytes : int
        Maximum bytes of the file, whatever the Hub announces.
    most_seconds : float
        Maximum seconds of the download; it may take ``SILENCE_SECONDS`` more.
    revision : str, optional
        A branch, a tag or a commit; by default "main".
    report : callable
        Called with the share that has come, 0 to 1, after each piece. What it raises ends the download.
    clock : callable
        Gives the time in seconds, from a monotonic clock.

    Raises
    ------
    HubError
        If there is no such repository, revision or file, not everybody may read it, it is too large, it takes too long,
        or the Hub cannot be reached.

    Examples
    --------
    >>> download("no name", "codec.distill", Path("/nowhere"), most_bytes=1000, most_seconds=1)
    Traceback (most recent call last):
    distill.errors.HubError: “no name” is no name of a repository: user/name, of letters, digits, “-”, “_” and “.”.
    """
    ends = clock() + most_seconds
    with spoken(repository, revision, path, ON_A_PAGE):
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.utils import build_hf_headers, get_session

        url = hf_hub_url(repository, path, revision=revision)
        known = get_hf_file_metadata(url, token=False, timeout=SILENCE_SECONDS)
        if known.size is not None and known.size > most_bytes:
            raise too_large(repository, path, most_bytes)
        headers = build_hf_headers(token=False, library_name="distill", library_version=__version__)
        headers["Accept-Encoding"] = "identity"
        session, received = get_session(), 0
        with (
            session.stream("GET", known.location, headers=headers, timeout=SILENCE_SECONDS, follow_redirects=True)
            as answer,
            target.open("wb") as file,
        ):  # fmt: skip
            if answer.status_code >= 400:
                raise HubError(answer_of(repository, answer.status_code, reads=True, advice=ON_A_PAGE))
            for piece in answer.iter_raw():
                received += len(piece)
                if received > most_bytes:
                    raise too_large(repository, path, most_bytes)
                if clock() > ends:
                    raise HubError(
                        f"{repository} takes more than {most_seconds:.0f} seconds to come from the Hub; please try "
                        "again later."
                    )
                file.write(piece)
                report(min(1.0, received / (known.size or most_bytes)))
