"""The label of a kept codec: its name and the facts that a list shows, in a small file beside it."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, TypeAdapter

from distill.codec import Codec
from distill.strict import OPEN, Amount, Count

MOST_BYTES = 4_096
"""Maximum bytes of a label's file."""


@dataclass(frozen=True)
class Label:
    """What is known of a kept codec without its file.

    Attributes
    ----------
    name : str
    model_id : str
        Identifies the model; "" if it is not known.
    levels : int
        Number of levels; 0 if it is not known.
    clips : int
        Number of clips that it was trained on; 0 if it is not known.
    kept : float
        When it was kept, in seconds since 1970; 0 if it is not known.
    """

    __pydantic_config__ = OPEN

    name: Annotated[str, Field(max_length=240)]
    model_id: Annotated[str, Field(max_length=12, pattern="^[0-9a-f]*$")] = ""
    levels: Count = 0
    clips: Count = 0
    kept: Amount = 0.0

    def to_json(self) -> bytes:
        """Write the label as JSON."""
        return _LABELS.dump_json(self)

    @classmethod
    def from_json(cls, content: bytes) -> "Label":
        """Read a label; raise a ValueError if it is none.

        Examples
        --------
        >>> Label.from_json(Label("drums", levels=3).to_json())
        Label(name='drums', model_id='', levels=3, clips=0, kept=0.0)
        """
        return _LABELS.validate_json(content)


_LABELS = TypeAdapter(Label)


def label_of(codec: Codec, name: str) -> Label:
    """The label of a codec that is not kept yet.

    Examples
    --------
    >>> label_of(Codec.load("examples/models/loops.distill"), "loops").clips
    17
    """
    source = codec.info.provenance
    return Label(name, codec.model_id, codec.num_levels, source.clips if source else 0)
