"""Links to an edit: what is made is read again, and whatever a stranger made is refused in a sentence."""

import base64
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.codes import CodeGrid, edits
from distill.codes.links import DIFFERENCE, READ_CHARACTERS, Link, from_edit, to_difference, to_edit
from distill.errors import GridError
from tests.codes.strategies import GRIDS

GRID = CodeGrid(np.arange(3 * 8 * 5).reshape(3, 8, 5) % 64, num_frames=70, model_id="0a1b", codebook_size=64)
TEXTS = st.text(max_size=300)
QUERIES = st.builds(
    "&".join,
    st.lists(st.builds("{}={}".format, st.sampled_from(["codec", "clip", "edit", "x"]), TEXTS), max_size=4),
)


def packed(body: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(body)).decode().rstrip("=")


def difference(body: bytes, size: int = GRID.indices.size) -> str:
    return f"{DIFFERENCE}.{GRID.model_id}.{size}.{packed(body)}"


@given(GRIDS, st.data())
def test_an_edit_comes_back_as_it_was(grid, data):
    places = data.draw(st.lists(st.integers(0, grid.indices.size - 1), max_size=9))
    indices, mix = grid.indices.copy(), grid.faders.copy()
    indices.ravel()[places] = (indices.ravel()[places] + 1) % grid.codebook_size
    mix.ravel()[places[:2]] = 153
    edited = grid.with_indices(indices).with_mix(mix)
    assert from_edit(to_edit(edited, grid), grid) == edited
    assert from_edit(to_difference(edited, grid), grid) == edited
    assert from_edit(edited.to_text(), grid) == edited


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_a_link_comes_back_as_it_was(codec, clip, edit):
    link = Link(codec, clip, edit)
    assert Link.read(link.query) == link
    assert Link.read(f"?{link.query}&__theme=dark") == link


def test_a_few_strokes_make_a_short_link():
    grid = edits.set_codes(GRID, level=0, rows=slice(2, 4), columns=slice(1, 4), code=9)
    assert len(to_edit(grid, GRID)) < 60


def refusal_of(read):
    """The sentence by which something is refused; any other error fails the test."""
    try:
        read()
    except GridError as error:
        return str(error)
    return ""


@given(QUERIES | TEXTS)
def test_a_query_of_any_kind_is_read_or_refused_in_a_sentence(query):
    said = refusal_of(lambda: from_edit(Link.read(query).edit, GRID))
    assert not said or (said.endswith(".") and "\n" not in said)


@given(st.binary(max_size=200))
def test_a_difference_of_any_kind_is_read_or_refused_in_a_sentence(body):
    if said := refusal_of(lambda: from_edit(difference(body), GRID)):
        assert said.endswith(".")
    else:
        grid = from_edit(difference(body), GRID)
        assert grid.identity == GRID.identity
        assert grid.indices.max() < GRID.codebook_size


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        ("hello", "not a grid of codes"),
        (f"{DIFFERENCE}.", "damaged"),
        (f"{DIFFERENCE}.0a1b.120.!!!", "damaged"),
        (f"{DIFFERENCE}.0a1b.120.ü", "damaged"),
        (difference(b"\x00")[:-3], "damaged"),
        (difference(b"\x00\x80"), "damaged"),  # a number that is cut short
        (difference(b"\xff" * 30 + b"\x01\x01"), "damaged"),  # a number without an end
        (difference(b"\xf0\x01\x05"), "damaged"),  # the place after the last one
        (difference(bytes(9 * 2 * GRID.indices.size)), "damaged"),  # more changes than places
        (difference(bytes(50_000_000)), "damaged"),
        (difference(b"\x00\xff\xff\xff\x01"), "damaged"),  # a value of 22 bits
        (difference(b"\x00\x40"), "Code 64 is out of range: this codec has codes 0 to 63"),
        (difference(b"\x78\x4c"), "A fader of a mix"),  # place 120 is the first fader
        (difference(b"\x00\x05", size=119), "another clip"),
        (difference(b"\x00\x05").replace("0a1b", "1a1b"), "another codec"),
        (replace(GRID, model_id="1a1b").to_text(), "another codec"),
        (replace(GRID, num_samples=69 * 512 + 1).to_text(), "another clip"),
        (CodeGrid(GRID.indices[:2], GRID.num_frames, "0a1b", 64).to_text(), "another clip"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused_in_a_sentence(edit, sentence):
    with pytest.raises(GridError, match=sentence):
        from_edit(edit, GRID)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("clip=a&clip=b", "more than once"),
        (f"clip={'a' * 201}", "too long"),
        (f"codec={'a' * 201}", "too long"),
        (f"edit={'a' * READ_CHARACTERS}", "too long"),
        ("&".join("ab" for _ in range(30)), "damaged"),
        ("clip=%ff%fe", "damaged"),
    ],
)
def test_a_query_that_is_no_link_is_refused_in_a_sentence(query, sentence):
    with pytest.raises(GridError, match=sentence):
        Link.read(query)
