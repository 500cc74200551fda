"""A codec that somebody else asks for: no token goes out, nothing is kept, and bytes and seconds have an end."""

import huggingface_hub.constants
import pytest

from distill.errors import HubError
from distill.hub import download
from tests.hub.test_repository import put


@pytest.fixture
def get(tmp_path):
    def get(name="ada/loops", **options) -> bytes:
        target = tmp_path / "codec.distill"
        download(name, "codec.distill", target, **{"most_bytes": 1000, "most_seconds": 60} | options)
        return target.read_bytes()

    return get


def refused(get, *words: str, **options) -> None:
    """The download is refused in one sentence with these words, which says nothing of a terminal."""
    with pytest.raises(HubError) as error:
        get(**options)
    message = str(error.value)
    assert message.endswith(".")
    assert all(word in message for word in words), message
    assert not any(word in message for word in ("HF_TOKEN", "hf auth", "Error", "http://"))


def test_a_codec_comes_from_its_newest_or_from_a_named_revision(hub, get):
    repository = put(hub, files={"codec.distill": b"older"})
    older = next(iter(repository.commits))
    repository.commit({"codec.distill": b"newer"})
    assert get() == b"newer"
    assert get(revision=older) == b"older"


def test_the_servers_own_token_opens_nothing_to_others(hub, get):
    put(hub, private=True)  # the stand-in's token, in HF_TOKEN, may read it
    refused(get, "ada/loops", "private")


def test_nothing_is_kept_for_the_next_one(hub, get, tmp_path):
    put(hub)
    get()
    hub.asked.clear()
    get()
    assert any(asked.startswith("GET") for asked in hub.asked)
    assert not (tmp_path / "hub").exists()


def test_what_cannot_be_had_is_told(hub, get):
    refused(get, "no model", "ada/loops")
    put(hub, files={"README.md": b""})
    refused(get, "no codec", "ada/loops")
    put(hub)
    refused(get, "no revision", "v9", revision="v9")
    put(hub, "eve/gated", gated=True)
    refused(get, "gated", "open that file", name="eve/gated")
    for status, word in ((403, "closed"), (429, "too many requests"), (503, "fault")):
        hub.failing = status
        refused(get, word)


def test_no_more_comes_than_was_allowed_whatever_the_hub_announces(hub, get, tmp_path):
    put(hub, files={"codec.distill": bytes(2000)})
    refused(get, "too large")
    assert not any(asked.startswith("GET") for asked in hub.asked)
    put(hub, files={"codec.distill": bytes(500_000)}, announces_sizes=False)
    refused(get, "too large")
    assert (tmp_path / "codec.distill").stat().st_size <= 1000


def test_a_download_that_takes_too_long_has_an_end(hub, get):
    put(hub)
    refused(get, "more than 60 seconds", clock=iter([0, 61]).__next__)


def test_a_download_that_nobody_waits_for_ends(hub, get):
    def give_up(share):
        raise KeyboardInterrupt

    put(hub)
    with pytest.raises(KeyboardInterrupt):
        get(report=give_up)


def test_the_share_that_has_come_is_reported(hub, get):
    shares = []
    put(hub)
    get(report=shares.append)
    assert shares[-1] == 1


def test_a_hub_that_cannot_be_reached_is_told(hub, get, monkeypatch):
    hub.close()
    refused(get, "cannot be reached")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    refused(get, "cannot be reached")
