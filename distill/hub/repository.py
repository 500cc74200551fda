"""A repository on the Hugging Face Hub: a file fetched from it, files published in it.

The client ``huggingface_hub`` is imported only when it is used, so that all else works without it.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from distill import __version__
from distill.errors import DistillError, HubError
from distill.hub.files import HubFile, LocalFile

if TYPE_CHECKING:
    from huggingface_hub import HfApi

CODEC_FILE = "codec.distill"
"""Name of a codec in its repository."""
Kind = Literal["model", "dataset"]
KINDS = {"model": "model", "dataset": "data set"}
"""What a repository is of, by the Hub's name, and in words."""
Token = str | bool | None
"""A token of the Hub; None for the one of ``HF_TOKEN`` or of ``hf auth login``, False for none."""
OF_A_NEW_REPOSITORY = {".gitattributes", "README.md"}
"""Files that the Hub itself may put into a repository that was just made."""
WRONG_TOKEN = "Invalid credentials"
"""Part of the Hub's answer to a token that it does not know; to others, what they may not see is not there."""
TOKENS = "https://huggingface.co/settings/tokens"


@dataclass(frozen=True)
class Advice:
    """What a person can do where the Hub refuses; a person at a terminal has other ways than a visitor of a page.

    Attributes
    ----------
    token : str
        How to get and give a token.
    unreadable : str
        Why a repository may not be seen, after "it is private".
    gated : str
        What to do about a gated repository.
    network : str
        What to do if the Hub cannot be reached.

    Examples
    --------
    >>> AT_A_TERMINAL.network
    'please check the network'
    """

    token: str
    unreadable: str
    gated: str
    network: str


_BY_HAND = f"make one at {TOKENS} and give it by “hf auth login” or HF_TOKEN"
AT_A_TERMINAL = Advice(
    token=_BY_HAND,
    unreadable=" and you gave no token that may read it",
    gated=f"ask for access on its page, then give your token; {_BY_HAND}",
    network="please check the network",
)
ON_A_PAGE = Advice(
    token=f"make one that may write at {TOKENS}, and paste it",
    unreadable="",
    gated="only people whom its owner lets in can have it; download its codec.distill from the Hub, and open that file",
    network="please try again later",
)


def fetch(
    repository: str,
    path: str,
    *,
    most_bytes: int,
    revision: str | None = None,
    token: Token = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
) -> Path:
    """Return the local path of a file of a model repository; download it into the Hub's cache if it is not there.

    Where the Hub cannot be reached, the file that was downloaded last is used.

    Parameters
    ----------
    repository : str
        Its name, "user/name".
    path : str
        Path of the file in the repository.
    most_bytes : int
        Larger files are not downloaded.
    revision : str, optional
        A branch, a tag or a commit; by default "main".
    token : str or bool, optional
        Token of the Hub; by default the one that is stored on this machine. With False, none is sent.
    cache_dir : path-like, optional
        Folder of the cache; by default that of ``huggingface_hub``.
    local_files_only : bool
        Whether only the cache is looked at.

    Raises
    ------
    HubError
        If there is no such repository, revision or file, the token may not read it, the file is too large, or the Hub
        cannot be reached and the file is not in the cache.

    Examples
    --------
    >>> fetch("no name", "codec.distill", most_bytes=1000)
    Traceback (most recent call last):
    distill.errors.HubError: “no name” is no name of a repository: user/name, of letters, digits, “-”, “_” and “.”.
    """
    with spoken(repository, revision, path):
        from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
        from huggingface_hub.errors import HfHubHTTPError, HTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

        only_cache = local_files_only
        if not only_cache:
            url = hf_hub_url(repository, path, revision=revision)
            try:
                size = get_hf_file_metadata(url, token=token).size
                if size is not None and size > most_bytes:
                    raise too_large(repository, path, most_bytes)
            except (HTTPError, OfflineModeIsEnabled) as error:
                if isinstance(error, HfHubHTTPError) and error.response.status_code < 500:
                    raise
                only_cache = True
        try:
            found = hf_hub_download(
                repository,
                path,
                revision=revision,
                token=token,
                cache_dir=None if cache_dir is None else Path(cache_dir),
                local_files_only=only_cache,
                library_name="distill",
                library_version=__version__,
                tqdm_class=_bounded(too_large(repository, path, most_bytes), most_bytes),
            )
        except LocalEntryNotFoundError as error:
            why = "only that was to be looked at" if local_files_only else "the Hub cannot be reached"
            wanted = f"{repository} at {revision}" if revision else repository
            raise HubError(f"{wanted} is not in the Hub's cache on this machine, and {why}.") from error
    return Path(found)


def publish(
    repository: str,
    files: Sequence[HubFile | LocalFile],
    *,
    kind: Kind = "model",
    message: str = "Publish a codec",
    private: bool = False,
    token: Token = None,
    replaces: str = "sounds/",
    advice: Advice = AT_A_TERMINAL,
) -> str:
    """Publish files in a repository, in one commit; make the repository if it is not there.

    Parameters
    ----------
    repository : str
        Its name, "user/name".
    files : sequence of HubFile or LocalFile
        The first one is what the repository is for. A repository that has files but not this one belongs to something
        else, and is refused.
    kind : str
        What the repository is of: "model" or "dataset".
    message : str
        Message of the commit.
    private : bool
        Whether only its owner may read the repository.
    token : str or bool, optional
        As in :func:`fetch`.
    replaces : str
        Folder of the repository whose other files are deleted.
    advice : Advice
        Who reads the errors.

    Returns
    -------
    str
        Address of the commit.

    Raises
    ------
    HubError
        If the name is no name of a repository or is taken, if a public repository would have to be private, the token
        is missing, wrong or may not write there, or the Hub cannot be reached or refuses the files.
    """
    with spoken(repository, advice=advice, kind=KINDS[kind]):
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

        api = HfApi(token=token, library_name="distill", library_version=__version__)
        paths = [file.path for file in files]
        there = _open(api, repository, kind, paths[0], private=private)
        commit = api.create_commit(
            repository,
            [
                *(CommitOperationAdd(file.path, file.content) for file in files),
                *(CommitOperationDelete(old) for old in there if old.startswith(replaces) and old not in paths),
            ],
            commit_message=message,
            repo_type=kind,
        )
    return str(commit.commit_url)


def _open(api: "HfApi", repository: str, kind: Kind, path: str, *, private: bool) -> list[str]:
    """Make a repository, or check that one that is there may be written over; return the paths of its files."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        api.create_repo(repository, private=private, repo_type=kind)
        return []
    except HfHubHTTPError as error:
        if error.response.status_code not in (403, 409):  # a token may be for this one repository, and make none
            raise
        try:
            known = api.model_info(repository) if kind == "model" else api.dataset_info(repository)
        except HfHubHTTPError:
            raise error from None
    there = [file.rfilename for file in known.siblings or ()]
    if path not in there and set(there) - OF_A_NEW_REPOSITORY:
        raise HubError(f"{repository} is there already and holds something else; please choose another name.")
    if private and not known.private:
        raise HubError(f"{repository} is there already and is public; first make it private on the Hub.")
    return there


def too_large(repository: str, path: str, most_bytes: int) -> HubError:
    """The error for a file of more bytes than may be downloaded.

    Examples
    --------
    >>> print(too_large("ada/loops", "codec.distill", 2**20))
    codec.distill of ada/loops is too large: at most 1 MiB are downloaded.
    """
    return HubError(f"{path} of {repository} is too large: at most {most_bytes / 2**20:.0f} MiB are downloaded.")


def _bounded(error: HubError, most_bytes: int) -> Any:
    """A progress bar that raises an error once more bytes have come than there may be, whatever was announced."""
    from huggingface_hub.utils import tqdm

    class Bounded(tqdm):
        received = 0.0

        def update(self, n: float | None = 1) -> bool | None:
            self.received += n or 0
            if self.received > most_bytes:
                raise error
            return super().update(n)

    return Bounded


@contextmanager
def spoken(
    repository: str,
    revision: str | None = None,
    path: str = "",
    advice: Advice = AT_A_TERMINAL,
    kind: str = "model",
) -> Iterator[None]:
    """Turn whatever the client raises into a HubError of one sentence.

    Parameters
    ----------
    repository : str
        What the request is about; a name that no repository can have is refused before the request.
    revision, path : str, optional
        The revision and the file that are read; without a path, the request writes.
    advice : Advice
        Who reads the sentence.
    kind : str
        What the repository is of: "model" or "data set".

    Examples
    --------
    >>> with spoken("ada/loops"):
    ...     raise OSError("broken")
    Traceback (most recent call last):
    distill.errors.HubError: The Hub's client failed with ada/loops: broken.
    """
    try:
        import huggingface_hub.errors as known
        from huggingface_hub.utils import validate_repo_id
    except ImportError as error:
        raise HubError("The Hugging Face Hub needs a package: pip install huggingface_hub.") from error
    try:
        if repository.count("/") != 1:
            raise known.HFValidationError
        validate_repo_id(repository)
        yield
    except DistillError:
        raise
    except known.HFValidationError as error:
        said = f"“{repository:.100}” is no name of a repository"
        raise HubError(f"{said}: user/name, of letters, digits, “-”, “_” and “.”.") from error
    except known.GatedRepoError as error:
        raise HubError(f"{repository} is gated: {advice.gated}.") from error
    except known.RevisionNotFoundError as error:
        raise HubError(f"{repository} has no revision “{revision or 'main':.100}”.") from error
    except known.RemoteEntryNotFoundError as error:
        raise HubError(f"{repository} holds no codec of Distill: there is no {path} in it.") from error
    except known.HfHubHTTPError as error:
        status, said = error.response.status_code, error.server_message or ""
        if isinstance(error, known.RepositoryNotFoundError) or (status == 401 and path and WRONG_TOKEN not in said):
            raise HubError(
                f"There is no {kind} {repository} on the Hub, or it is private{advice.unreadable}."
            ) from error
        raise HubError(answer_of(repository, status, said, reads=bool(path), advice=advice)) from error
    except (known.HTTPError, known.OfflineModeIsEnabled) as error:
        raise HubError(f"The Hugging Face Hub cannot be reached; {advice.network}.") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise HubError(f"The Hub's client failed with {repository}: {_first_line(str(error))}") from error


def answer_of(repository: str, status: int, message: str = "", *, reads: bool, advice: Advice = AT_A_TERMINAL) -> str:
    """Say what an answer of the Hub that is no success means, by its HTTP status.

    Examples
    --------
    >>> answer_of("ada/loops", 503, reads=True)
    'The Hub has a fault at the moment (HTTP 503); please try again later.'
    """
    if status == 401:
        return f"The Hub asks for a token, and yours is missing, wrong or has expired; {advice.token}."
    if status == 403 and reads:
        return f"Your token may not read {repository}, or the Hub has closed it to everybody."
    if status == 403:
        return f"Your token may not write to {repository}: it needs the right to, and the name must be yours."
    if status == 429:
        return "The Hub has had too many requests from here; please try again later."
    if status >= 500:
        return f"The Hub has a fault at the moment (HTTP {status}); please try again later."
    return f"The Hub refuses {repository}: {_first_line(message or f'HTTP {status}')}"


def _first_line(message: str) -> str:
    line = (message.strip() or "it gives no reason").splitlines()[0]
    return line[:200].rstrip(".") + "."
