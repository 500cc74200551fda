"""Strangers' codecs from the Hub and to it: one at a time, each for its visitor alone, with an end."""

import contextlib
import logging
import threading
from types import SimpleNamespace

import pytest

import distill.server.hub as door_module
from distill.errors import FullError, GateError, HubError
from distill.hub import HubFile
from distill.server.hub import HubDoor, files_to_publish
from distill.server.storage import Storage
from distill.settings import Settings
from tests.hub.stand_in import READS, WRITES
from tests.hub.test_names import NOT_ON_THE_HUB
from tests.hub.test_repository import put
from tests.waiting import PATIENCE, until

FILES = [HubFile("codec.distill", b"weights", "All."), HubFile("README.md", b"---\nlicense: other\n---\n", "A card.")]


@pytest.fixture
def door_with(tmp_path):
    """A function that makes a door with limits of the settings; all doors have one storage."""
    made = Storage(Settings(folder=tmp_path / "data"))
    turns = SimpleNamespace(aside=contextlib.nullcontext)

    def door_with(**limits):
        return HubDoor(Settings(**({"visit_hub_rate": 100, "address_hub_rate": 100} | limits)), made, turns)

    door_with.storage = made
    yield door_with
    made.close()


def visitor(owner, address="1.1.1.1"):
    return SimpleNamespace(owner=owner, address=address, is_without_cookie=False)


def fetch(door, page, name="ada/loops", within=lambda: None, report=lambda share: None):
    with door.fetched(page, name, report) as (told, path):
        within()
        return told, path.read_bytes()


def publication(name="ada/loops", *, is_private=False, files=FILES):
    return files_to_publish(files, name, is_private=is_private)


def test_a_codec_is_the_visitors_alone_and_is_deleted_once_it_was_opened(hub, door_with):
    put(hub)
    door, storage, seen = door_with(), door_with.storage, []

    def look():
        (path,) = storage.files.rglob("codec.distill")
        seen.append((storage.is_owned(str(path), "one"), storage.is_owned(str(path), "two"), storage.own_bytes("one")))

    assert fetch(door, visitor("one"), within=look) == ("ada/loops", b"weights")
    ((is_mine, is_anothers, num_bytes),) = seen
    assert is_mine
    assert not is_anothers
    assert num_bytes > 0
    assert not list(storage.files.rglob("*.distill"))
    assert storage.own_bytes("one") == 0


def test_nothing_is_left_of_a_codec_that_could_not_be_had_or_opened(hub, door_with):
    def damaged():
        raise ValueError

    put(hub, files={"codec.distill": bytes(5000)})
    for door, within in ((door_with(codec_bytes=1000), lambda: None), (door_with(), damaged)):
        with pytest.raises((HubError, ValueError)):
            fetch(door, visitor("one"), within=within)
        assert not list(door_with.storage.files.rglob("*.distill"))
        assert door_with.storage.own_bytes("one") == 0


@pytest.mark.parametrize("text", NOT_ON_THE_HUB)
def test_no_address_that_a_visitor_names_is_ever_asked(hub, door_with, monkeypatch, text):
    monkeypatch.setattr(door_module, "download", lambda *_, **__: pytest.fail("something was fetched"))
    with pytest.raises(HubError):
        fetch(door_with(), visitor("one"), text)
    assert not hub.asked


def test_visitors_and_addresses_have_their_shares(hub, door_with):
    put(hub)
    door, another = door_with(address_hub_transfers=2, hub_transfers=3), []

    def while_one_is_under_way(share):
        with pytest.raises(GateError, match="on its way"):
            fetch(door, visitor("one"))
        another.append(fetch(door, visitor("two"), report=while_two_are))

    def while_two_are(share):
        with pytest.raises(GateError, match="on its way"):
            fetch(door, visitor("three"))
        fetch(door, visitor("three", "2.2.2.2"), report=while_three_are)

    def while_three_are(share):
        with pytest.raises(FullError, match="in a minute"):
            fetch(door, visitor("four", "4.4.4.4"))

    fetch(door, visitor("one"), report=while_one_is_under_way)
    assert another
    assert fetch(door, visitor("one"))


def test_a_visitor_asks_a_few_times_in_ten_seconds(hub, door_with):
    door = door_with(visit_hub_rate=2)
    for _ in range(2):
        with pytest.raises(HubError, match="no model"):
            fetch(door, visitor("one"))
    with pytest.raises(GateError, match="try again in"):
        fetch(door, visitor("one"))
    with pytest.raises(HubError, match="no model"):
        fetch(door, visitor("two"))


def test_a_server_whose_owner_switched_the_hub_off_asks_nothing(hub, door_with):
    door = door_with(hub=0)
    with pytest.raises(HubError, match="switched the Hub off"):
        fetch(door, visitor("one"))
    with pytest.raises(HubError, match="switched the Hub off"):
        door.publish(visitor("one"), publication(), WRITES, lambda: None)
    assert not hub.asked


def test_a_codec_is_published_with_the_visitors_token_and_never_with_the_servers(hub, door_with, monkeypatch):
    door, one = door_with(), visitor("one")
    for token in ("", "  ", "hf_a\nX: y", "hf ada", "ä" * 20, "x" * 5000):  # the server has one that may write
        with pytest.raises(HubError, match="token of yours"):
            door.publish(one, publication(), token, lambda: None)
    assert not hub.asked
    monkeypatch.delenv("HF_TOKEN")
    address = door.publish(one, publication(is_private=True), f" {WRITES}\n", lambda: None)
    assert address.startswith(f"{hub.url}/ada/loops/commit/")
    assert hub.repositories["ada/loops"].private
    assert hub.repositories["ada/loops"].files["codec.distill"] == b"weights"


def test_why_the_hub_refuses_is_told_in_a_sentence_without_the_token(hub, door_with, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    door, one = door_with(), visitor("one")

    def refused(words, token=WRITES, name="ada/loops", **options):
        with pytest.raises(HubError, match=words) as error:
            door.publish(one, publication(name, **options), token, lambda: None)
        assert token not in str(error.value)
        assert "HF_TOKEN" not in str(error.value)
        assert "hf auth" not in str(error.value)

    refused("wrong or has expired", token="hf_unknown_token")
    refused("may not write", token=READS)
    refused("may not write", name="eve/loops")
    put(hub, files={"model.safetensors": b"else"})
    refused("something else")
    put(hub, "ada/open")
    refused("is public", name="ada/open", is_private=True)
    hub.failing = 503
    refused("has a fault", name="ada/new")
    hub.close()
    refused("cannot be reached", name="ada/new")
    logged = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert not any("ada" in message for message in logged)
    assert "hf_" not in caplog.text + "".join(capfd.readouterr())


def test_a_name_with_a_revision_is_no_name_to_publish_under():
    with pytest.raises(HubError, match="repository alone"):
        publication("ada/loops@v1")


def test_a_hub_that_takes_too_long_is_told_and_a_visitor_publishes_once_at_a_time(door_with, monkeypatch):
    answered, done = threading.Event(), threading.Event()

    def slow(*_, **__):
        assert answered.wait(PATIENCE)
        done.set()
        return "address"

    monkeypatch.setattr(door_module, "publish", slow)
    door, one = door_with(hub_seconds=1), visitor("one")
    with pytest.raises(HubError, match="more than 1 seconds"):
        door.publish(one, publication(), WRITES, lambda: None)
    with pytest.raises(GateError, match="on its way"):  # the first is still under way
        door.publish(one, publication(), WRITES, lambda: None)
    answered.set()
    assert done.wait(PATIENCE)

    def published():
        with contextlib.suppress(GateError):
            return door.publish(one, publication(), WRITES, lambda: None)

    assert until(published) == "address"


def test_the_fingerprint_changes_with_all_that_goes_out():
    same = publication().fingerprint
    assert publication("https://huggingface.co/ada/loops").fingerprint == same
    others = [
        publication("ada/other"),
        publication(is_private=True),
        publication(files=FILES[:1]),
        publication(files=[HubFile("codec.distill", b"other", "All."), FILES[1]]),
        publication(files=[HubFile("other", b"weights", "All."), FILES[1]]),
    ]
    assert len({same, *(other.fingerprint for other in others)}) == 6
