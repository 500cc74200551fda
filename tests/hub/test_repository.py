"""Repositories on the Hugging Face Hub: files there and back, and a sentence for whatever goes wrong."""

import huggingface_hub.constants
import pytest

from distill.errors import HubError
from distill.hub import HubFile, fetch, publish
from tests.hub.stand_in import READS, Repository

FILES = [
    HubFile("codec.distill", b"weights", "All of it."),
    HubFile("README.md", b"---\nlicense: other\n---\n", "A card."),
]


def put(hub, name="ada/loops", files=None, **settings) -> Repository:
    """Put a repository on the Hub."""
    hub.repositories[name] = Repository(**settings)
    hub.repositories[name].commit({"codec.distill": b"weights"} if files is None else files)
    return hub.repositories[name]


def get(name="ada/loops", **options) -> bytes:
    return fetch(name, "codec.distill", **{"most_bytes": 1000} | options).read_bytes()


def send(name="ada/loops", **options) -> str:
    return publish(name, FILES, message="Publish a codec", **options)


def refused(action, *names: str, **options) -> str:
    """The sentence of the error that an action raises; it names what it is about, and shows nothing of the client."""
    with pytest.raises(HubError) as error:
        action(**options)
    message = str(error.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert not {"Error", "Client", "http://", "Traceback", "hf_ada"} & set(message.replace(".", " ").split())
    assert all(name in message for name in names), message
    return message


def test_files_come_back_as_they_were_published(hub):
    assert send(private=True).startswith(f"{hub.url}/ada/loops/commit/")
    assert hub.repositories["ada/loops"].private
    assert get() == b"weights"
    assert fetch("ada/loops", "README.md", most_bytes=100).read_bytes() == FILES[1].content


def test_a_file_is_downloaded_once(hub):
    put(hub)
    get()
    hub.asked.clear()
    get()
    assert all(asked.startswith("HEAD") for asked in hub.asked)


@pytest.mark.parametrize(
    "name", ["loops", "ada/loops/main", "ada/lo ops", "../loops", "ada/--", "", "ada/", "https://x/y"]
)
def test_a_name_that_no_repository_has_is_refused_without_asking_the_hub(hub, name):
    refused(get, name, "user/name", name=name)
    refused(send, name, "user/name", name=name)
    assert not hub.asked


def test_what_is_not_there_is_told(hub, monkeypatch):
    refused(get, "ada/loops", "no model")
    put(hub, files={"README.md": b""})
    refused(get, "ada/loops", "no codec", "codec.distill")
    put(hub)
    refused(get, "ada/loops", "no revision", "v9", revision="v9")
    monkeypatch.delenv("HF_TOKEN")
    refused(get, "eve/loops", name="eve/loops")


def test_what_is_not_for_everybody_is_told(hub, monkeypatch):
    put(hub, "eve/loops", private=True)
    refused(get, "eve/loops", "private", name="eve/loops")
    put(hub, "eve/gated", gated=True)
    refused(get, "eve/gated", "gated", "ask for access", name="eve/gated")
    put(hub, private=True)
    refused(get, "ada/loops", "private", token=False)
    assert get(token=READS) == b"weights"


def test_a_missing_or_wrong_token_is_told(hub, monkeypatch):
    put(hub)
    refused(get, "token", "wrong", token="hf_wrong")
    refused(send, "token", "wrong", token="hf_wrong")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", "/nowhere")
    assert get() == b"weights"
    refused(send, "token", "missing", "HF_TOKEN")


def test_a_token_that_may_not_write_there_is_told(hub):
    refused(send, "ada/loops", "may not write", token=READS)
    refused(send, "eve/loops", "may not write", name="eve/loops")
    put(hub, "eve/loops")
    refused(send, "eve/loops", "may not write", name="eve/loops")
    assert hub.repositories["eve/loops"].files == {"codec.distill": b"weights"}


def test_a_repository_of_something_else_is_not_written_over(hub):
    put(hub, files={"README.md": b"Mine", "model.safetensors": b"other weights"})
    refused(send, "ada/loops", "something else")
    assert hub.repositories["ada/loops"].files["README.md"] == b"Mine"
    put(hub, files={"README.md": b"Just made", ".gitattributes": b""})
    send()
    assert get() == b"weights"


def test_what_shall_be_private_does_not_go_into_a_public_repository(hub):
    put(hub, files={"codec.distill": b"older"})
    refused(send, "ada/loops", "is public", private=True)
    assert hub.repositories["ada/loops"].files == {"codec.distill": b"older"}


def test_a_card_that_the_hub_refuses_is_told(hub):
    card = HubFile("README.md", b"---\nlicense: none-such\n---\n", "A card.")
    with pytest.raises(HubError, match="metadata"):
        publish("ada/loops", [FILES[0], card], message="Publish a codec")


def test_no_more_is_downloaded_than_was_allowed_whatever_the_hub_announces(hub, tmp_path):
    put(hub, files={"codec.distill": bytes(2000)})
    refused(get, "ada/loops", "too large")
    assert not any(asked.startswith("GET") for asked in hub.asked)
    put(hub, files={"codec.distill": bytes(2000)}, announces_sizes=False)
    refused(get, "ada/loops", "too large", cache_dir=tmp_path / "cache")
    assert any(asked.startswith("GET") for asked in hub.asked)
    assert sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file()) < 1000


def test_a_hub_that_cannot_be_reached_is_told_at_once(hub, monkeypatch):
    hub.close()
    refused(get, "ada/loops", "cannot be reached")
    refused(send, "cannot be reached", "network")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    refused(get, "ada/loops", "cannot be reached")
    refused(send, "cannot be reached")


def test_a_hub_with_a_fault_is_told_and_the_cache_serves_meanwhile(hub):
    put(hub)
    refused(get, "too many requests", **answers(hub, 429))
    refused(get, "may not read ada/loops", **answers(hub, 403))
    refused(send, "fault", "503", **answers(hub, 503))
    refused(get, "not in the Hub's cache", **answers(hub, 503))
    answers(hub, 0)
    assert get() == b"weights"
    answers(hub, 503)
    assert get() == b"weights"


def answers(hub, status: int) -> dict:
    """Let the Hub answer everything with a status."""
    hub.failing = status
    return {}
