"""A library gives nothing to whoever lacks its key, over HTTP, and nobody gets many tries."""

import json

import pytest

from distill.library import new_key
from distill.library.keys import folder_name
from tests.hostile.strangers import Stranger


@pytest.fixture(scope="module")
def owner(space, addresses):
    """A visitor who keeps the example codec in a library."""
    owner = Stranger(space.url, addresses.new())
    owner.open_page()
    owner.library = owner.call("keep_codec", "", "drums")[0]
    yield owner
    owner.close()


def listed(visitor, key):
    return [codec["name"] for codec in visitor.call("library", key)[0]["codecs"]]


def test_a_library_opens_by_its_whole_key_alone_and_a_stranger_has_few_tries(space, owner, new_stranger):
    key, (codec,) = owner.library["key"], owner.library["codecs"]
    other = new_stranger(space)
    other.open_page()
    answers = []
    for guess in (key.swapcase(), key[:-1], folder_name(key), f"../{key}", ["x"], {"path": key}, None):
        try:
            answers.append(listed(other, guess))
        except AssertionError as refusal:
            answers.append(str(refusal))
    assert not [answer for answer in answers if answer and "drums" in answer]
    for name, data in (("open_kept", []), ("delete_kept", []), ("rename_kept", ["mine"])):
        with pytest.raises(AssertionError, match="no codec in this library"):
            other.call(name, new_key(), codec["id"], *data)
    with pytest.raises(AssertionError, match="try again in"):
        [listed(other, new_key()) for _ in range(30)]
    assert listed(owner, key) == ["drums"]


def test_another_site_opens_no_library_even_with_the_key(space, owner, new_stranger):
    number = owner.calls["library"]
    body = {"data": [owner.library["key"]], "fn_index": number, "session_hash": owner.page}
    answer = owner.post("queue/join", body, **{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_the_page_that_a_link_opens_and_the_log_have_nothing_of_the_key(space, owner):
    key = owner.library["key"]
    assert listed(owner, key) == ["drums"]
    page = owner.http.get("/", params={"library": key})
    assert page.status_code == 200
    assert key not in page.text
    assert page.headers["referrer-policy"] == "same-origin"
    assert key not in json.dumps(space.log())
