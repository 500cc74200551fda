"""A link to an edit: the query of an address that names a codec, a clip and codes. What is read may be a stranger's."""

import base64
import zlib
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

import numpy as np

from distill.codes.grid import CodeGrid
from distill.codes.grid_files import NO_SPACE
from distill.errors import GridError
from distill.settings import DEFAULTS, Settings

MOST_CHARACTERS = 1_900
"""Most characters of the query of a link that is made. With the address of a server, the link then has up to 2 000,
which every browser, chat and mail program keeps whole."""
READ_CHARACTERS = 8_000
"""Most characters of a query that is read: servers and proxies take addresses of up to 8 kB."""
NAME_CHARACTERS = 200
"""Most characters of the name of a codec or of a clip."""
DIFFERENCE = "edit1"
"""Name of the format of a difference."""
_CHANGE_BYTES = 8
"""Most bytes of a change: of the distance of its place from that before it, and of its value."""
_DAMAGE = (ValueError, LookupError, ArithmeticError, zlib.error)
_NO_EDIT = "The edit of this link is damaged, or a part of it is missing."
_OTHER_CODEC = "The edit of this link was made with another codec than the one it opens; ask for its grid as a file."
_OTHER_CLIP = "The edit of this link was made on another clip than the one it opens; ask for its grid as a file."


@dataclass(frozen=True)
class Link:
    """What a link to an edit names.

    Attributes
    ----------
    codec : str
        Repository on the Hugging Face Hub, "user/name"; "" for the example codec.
    clip : str
        Name of an example clip; "" if the whole grid is in ``edit``.
    edit : str
        A difference to the clip's codes, as :func:`to_difference` writes it, or the text of a grid; "" for no edit.

    Examples
    --------
    >>> link = Link(codec="ada/loops", clip="loop_amen", edit="")
    >>> link.query
    'codec=ada/loops&clip=loop_amen'
    >>> Link.read(link.query) == link
    True
    """

    codec: str = ""
    clip: str = ""
    edit: str = ""

    @property
    def query(self) -> str:
        """The link as the query of an address, without a question mark."""
        parts = {"codec": self.codec, "clip": self.clip, "edit": self.edit}
        return urlencode({name: part for name, part in parts.items() if part}, safe="/")

    @classmethod
    def read(cls, query: str) -> "Link":
        """Read a link from the query of an address, whose other parts are ignored.

        Parameters
        ----------
        query : str
            With or without a question mark.

        Raises
        ------
        GridError
            If the query or a name in it is too long, or the query names a part more than once.

        Examples
        --------
        >>> Link.read("?clip=loop_amen&__theme=dark")
        Link(codec='', clip='loop_amen', edit='')
        """
        if len(query) > READ_CHARACTERS:
            raise GridError("This link is too long to be a link to an edit; ask for the edit's grid as a file.")
        try:
            given = parse_qs(query.removeprefix("?"), errors="strict", max_num_fields=20)
        except ValueError as error:
            raise GridError("This link is damaged: it cannot be read.") from error
        parts = {name: given.get(name, [""]) for name in ("codec", "clip", "edit")}
        if any(len(each) > 1 for each in parts.values()):
            raise GridError("This link names a codec, a clip or an edit more than once.")
        link = cls(*(each[0] for each in parts.values()))
        if max(len(link.codec), len(link.clip)) > NAME_CHARACTERS:
            raise GridError(f"A name in this link is too long: names have up to {NAME_CHARACTERS} characters.")
        return link


def to_edit(grid: CodeGrid, original: CodeGrid) -> str:
    """A grid as the edit of a link that names the clip: its difference to the clip's codes, or its text if that is
    shorter; "" if nothing differs.

    Raises
    ------
    GridError
        If the grids are of different clips or codecs.

    Examples
    --------
    >>> original = CodeGrid(np.zeros((3, 8, 2), dtype=int), num_frames=20, model_id="0a1b", codebook_size=64)
    >>> to_edit(original.with_indices(original.indices + 5), original)
    'edit1.0a1b.48.eNpjYGWgKQQALWAA8Q'
    """
    return "" if grid == original else min(to_difference(grid, original), grid.to_text(), key=len)


def from_edit(edit: str, original: CodeGrid, *, settings: Settings = DEFAULTS) -> CodeGrid:
    """The grid of a link that names the clip; ``original`` has the clip's codes in the codec of the link.

    Parameters
    ----------
    edit : str
        What :func:`to_edit` returns.
    original : CodeGrid
    settings : Settings
        Limits, as for :meth:`CodeGrid.from_text`.

    Raises
    ------
    GridError
        If the edit is damaged, is of another codec or clip, or has a code out of range.

    Examples
    --------
    >>> original = CodeGrid(np.zeros((3, 8, 2), dtype=int), num_frames=20, model_id="0a1b", codebook_size=64)
    >>> edited = original.with_indices(original.indices + 5)
    >>> from_edit(to_edit(edited, original), original) == edited
    True
    """
    if not edit:
        return original
    if edit.startswith(f"{DIFFERENCE}."):
        return _differing(edit.translate(NO_SPACE), original)
    grid = CodeGrid.from_text(edit, settings=settings)
    if grid.model_id != original.model_id:
        raise GridError(_OTHER_CODEC)
    if grid.identity != original.identity or grid.indices.shape != original.indices.shape:
        raise GridError(_OTHER_CLIP)
    return grid


def to_difference(grid: CodeGrid, original: CodeGrid) -> str:
    """The codes and faders of a grid that differ from those of another one, as a line of text.

    Dots separate its parts: "edit1", the codec's ``model_id``, the number of codes of the grid, and a zlib stream in
    URL-safe base64. The stream has two numbers for each change: how many places in :attr:`CodeGrid.cells` stand between
    it and the change before it, and its new value. A number has seven bits a byte, the lowest first; the highest bit
    says that another byte follows.

    Raises
    ------
    GridError
        If the grids are of different clips or codecs.

    Examples
    --------
    >>> original = CodeGrid(np.zeros((3, 8, 2), dtype=int), num_frames=20, model_id="0a1b", codebook_size=64)
    >>> to_difference(original, original)
    'edit1.0a1b.48.eNoDAAAAAAE'
    """
    if grid.identity != original.identity or grid.indices.shape != original.indices.shape:
        raise GridError("These grids are of different clips or codecs.")
    cells = grid.cells
    places = np.flatnonzero(cells != original.cells)
    gaps = np.diff(places, prepend=-1) - 1
    changes = zip(gaps.tolist(), cells[places].tolist(), strict=True)
    body = b"".join(_number(value) for change in changes for value in change)
    packed = base64.urlsafe_b64encode(zlib.compress(body, 9)).decode().rstrip("=")
    return f"{DIFFERENCE}.{grid.model_id}.{grid.indices.size}.{packed}"


def _differing(text: str, original: CodeGrid) -> CodeGrid:
    """The grid that :func:`to_difference` made the text of."""
    try:
        _, model_id, size, packed = text.split(".")
        if model_id != original.model_id:
            raise GridError(_OTHER_CODEC)
        if size != str(original.indices.size):
            raise GridError(_OTHER_CLIP)
        cells = original.cells
        unpacker, most = zlib.decompressobj(), _CHANGE_BYTES * len(cells)
        body = unpacker.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), most + 1)
        if len(body) > most or not unpacker.eof:
            raise ValueError("cut short")
        numbers = np.array(_numbers(body), dtype=np.int64).reshape(-1, 2)
        places = np.cumsum(numbers[:, 0] + 1) - 1
        values = numbers[:, 1]
        if len(places) and (places[-1] >= len(cells) or values.max() > np.iinfo(cells.dtype).max):
            raise ValueError("out of range")
        cells[places] = values
        return original.with_cells(cells)
    except GridError:
        raise
    except _DAMAGE as error:
        raise GridError(_NO_EDIT) from error


def _number(value: int) -> bytes:
    groups = [(value >> shift) & 127 for shift in range(0, max(1, value.bit_length()), 7)]
    return bytes([*(group | 128 for group in groups[:-1]), groups[-1]])


def _numbers(body: bytes) -> list[int]:
    """Read numbers of up to four bytes each; ValueError for a longer one, and for one that is cut short."""
    numbers, value, shift = [], 0, 0
    for byte in body:
        if shift > 21:
            raise ValueError("too large")
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(value)
            value, shift = 0, 0
    if shift:
        raise ValueError("cut short")
    return numbers
