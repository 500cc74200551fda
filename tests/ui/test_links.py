"""Links to an edit, on the server: what they hold, what they open, and whose things they leave alone."""

import numpy as np
import pytest

from distill.audio import SAMPLE_RATE, Clip
from distill.codes import edits
from distill.codes.links import MOST_CHARACTERS, Link
from distill.errors import CodecFileError, GridError, HubError
from distill.hub import CODEC_FILE
from distill.server.visitors import FIRST_CLIP
from distill.ui import links
from tests.hub.stand_in import Repository


def painted(work, code=5):
    work.do("Set", edits.set_codes(work.history.grid, level=0, rows=slice(2, 4), columns=slice(1, 3), code=code))
    return work.history.grid


def copied(call):
    """The query of the link to the clip that a page shows."""
    answer = links.copy_link(call, call.page.work.secret)
    return answer["link.link"]["value"]


def opened(call, query):
    """Open a link on a page; give its work."""
    answer = links.open_link(call, query)
    assert answer["edit.canvas"]["value"]["work"] == answer["edit.shown"] == call.page.work.secret
    return call.page.work


def noise(work):
    indices = np.random.default_rng(0).integers(0, 64, work.history.grid.indices.shape)
    work.do("Noise", work.history.grid.with_indices(indices))
    return work.history.grid


def test_a_link_opens_the_same_codes_for_somebody_else_as_an_edit_that_can_be_undone(new_call, server):
    call = new_call("page")
    original, grid = call.page.work.history.grid, painted(call.page.work)
    query = copied(call)
    assert query.startswith(f"?clip={FIRST_CLIP}&edit=")
    assert len(query) < 120
    work = opened(new_call("another page", "two"), query)
    assert work.history.grid == grid
    assert work.example == FIRST_CLIP
    work.undo()
    assert work.history.grid == original
    assert call.page.work.history.grid == grid
    assert server.examples.first.history.grid == original


def test_a_link_without_an_edit_opens_the_clip_and_one_without_anything_changes_nothing(new_call):
    call = new_call("page")
    before = call.page.work
    assert links.open_link(call, "?__theme=dark") == {}
    assert call.page.work is before
    assert opened(call, "?clip=loop_amen").name == "loop_amen.flac"
    assert copied(call) == "?clip=loop_amen"


def test_what_a_visitor_has_edited_is_not_lost_to_a_link(new_call):
    maker, call = new_call("page", "maker"), new_call("page")
    grid, mine = painted(maker.page.work, code=5), call.page.work
    own = painted(mine, code=9)
    work = opened(call, copied(maker))
    assert (work.history.grid, mine.history.grid) == (grid, own)
    assert mine in call.page.visit.works.values()
    assert work.name != mine.name
    assert opened(call, copied(maker)) is work  # the link once more
    painted(work, code=7)
    later = opened(call, copied(maker))
    assert later not in (work, mine)
    assert later.history.grid == grid
    assert opened(call, f"?clip={FIRST_CLIP}") is mine


def test_a_clip_of_the_visitors_own_goes_whole_and_without_its_name(new_call, codec, drums):
    call = new_call("page")
    call.page.turn_to_clip(codec, Clip("secret kick.wav", drums.waveform[:20_000]))
    grid = painted(call.page.work)
    query = copied(call)
    assert "clip=" not in query
    assert "secret" not in query
    work = opened(new_call("another page", "two"), query)
    assert work.history.grid == grid
    assert "secret" not in work.name


def test_a_link_that_would_be_too_long_says_so_and_gives_the_grid_as_a_file(new_call, server, codec, drums):
    call = new_call("page")
    call.page.turn_to_clip(codec, Clip("long.wav", np.tile(drums.waveform, 10)[: 30 * SAMPLE_RATE]))
    grid = noise(call.page.work)
    answer = links.copy_link(call, call.page.work.secret)
    assert answer["link.link"] == {"value": "", "visible": False, "__type__": "update"}
    assert "too long for a link" in answer["link.told"]
    assert f"{MOST_CHARACTERS:,}" in answer["link.told"]
    (path,) = answer["files"]["value"]
    assert type(grid).load(path) == grid
    assert server.storage.is_owned(path, call.page.owner)


def test_a_codec_that_others_do_not_have_has_no_link(new_call, other_codec, drums):
    call = new_call("page")
    call.page.turn_to_clip(other_codec, drums)
    with pytest.raises(GridError, match="publish the codec"):
        copied(call)


@pytest.mark.parametrize(
    "query",
    [
        "clip=nobody",
        "clip=../clips/loop_amen",
        f"clip={FIRST_CLIP}&edit=distill1.x",
        "edit=distill1.x",
        "edit=edit1.0a1b.48.eNoDAAAAAAE",
        f"clip={FIRST_CLIP}&edit=edit1.0a1b.48.eNoDAAAAAAE",
        "codec=../models",
        "codec=examples/models",  # a folder here, and no codec on the Hub
        "codec=/etc/passwd",
        "codec=https://huggingface.co/ada/loops",
    ],
)
def test_a_link_that_cannot_be_opened_is_refused_and_the_page_keeps_its_clip(new_call, hub, query):
    call = new_call("page")
    before = call.page.work
    with pytest.raises((GridError, HubError)) as refused:
        links.open_link(call, query)
    assert str(refused.value).endswith(".")
    assert call.page.work is before
    assert len(call.page.visit.works) == 1
    assert not before.is_edited


def test_a_codec_comes_from_the_hub_and_goes_into_the_next_link(new_call, hub, other_codec, server):
    other_codec.push_to_hub("ada/loops")
    call = new_call("page")
    work = opened(call, "codec=ada/loops&clip=loop_amen")
    assert work.codec.sound_id == other_codec.sound_id
    grid, query = painted(work), copied(call)
    assert query.startswith("?codec=ada/loops&clip=loop_amen&edit=")
    assert opened(new_call("another page", "two"), query).history.grid == grid
    assert not list(server.storage.folder.rglob(CODEC_FILE))  # nothing of it is left on the disk
    other = query.replace("codec=ada/loops&", "")
    with pytest.raises(GridError, match="another codec"):
        opened(new_call("third", "three"), other)


def test_the_servers_own_token_opens_no_private_codec(new_call, hub, other_codec):
    other_codec.push_to_hub("ada/loops", private=True)  # by the token of the environment, which may read it
    with pytest.raises(HubError, match="private"):
        opened(new_call("page"), "codec=ada/loops")


def test_what_is_no_codec_is_refused(new_call, hub):
    hub.repositories["ada/loops"] = Repository()
    hub.repositories["ada/loops"].commit({"codec.distill": b"weights"})
    with pytest.raises(CodecFileError):
        opened(new_call("page"), "codec=ada/loops")


def test_a_codec_is_known_by_the_repository_from_which_it_came_last(server, codec, other_codec):
    known = server.hub
    assert known.name_of(other_codec) == ""
    known.note(other_codec, "ada/loops")
    known.note(other_codec, "ada/again")
    assert known.name_of(other_codec) == "ada/again"
    assert links.link_of(server, server.examples.first) == Link("", FIRST_CLIP, "")
