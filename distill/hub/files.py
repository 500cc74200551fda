"""Files to publish in a repository on the Hugging Face Hub."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HubFile:
    """A file to publish.

    Attributes
    ----------
    path : str
        Its path in the repository.
    content : bytes
    words : str
        One or two sentences for the publisher: what is in the file.

    Examples
    --------
    >>> HubFile("notes.txt", b"four", "Some notes.").size
    4
    """

    path: str
    content: bytes
    words: str

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self.content)


@dataclass(frozen=True)
class LocalFile:
    """A file to publish that is on this machine's disk.

    Attributes
    ----------
    path : str
        Its path in the repository.
    content : Path
        Where it is on the disk.
    words : str
        One or two sentences for the publisher: what is in the file.

    Examples
    --------
    >>> LocalFile("codec.distill", Path("examples/models/loops.distill"), "A codec.").size > 1000
    True
    """

    path: str
    content: Path
    words: str

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.content.stat().st_size
