"""Programs and agents on a real server: what one sends too much of costs nobody else, and no fault comes of it."""

import pytest

LIMITS = {"visit_programs_rate": 5, "address_programs_rate": 5}


@pytest.fixture
def limited_space(start_space, monkeypatch):
    """A server with low limits, started as where Gradio is asked for tools of its own."""
    monkeypatch.setenv("GRADIO_MCP_SERVER", "True")
    return start_space(**LIMITS)


def use(stranger, method, **params):
    message = {"jsonrpc": "2.0", "id": "a", "method": method, "params": params}
    return stranger.http.post("/gradio_api/mcp/", json=message).json()["result"]


def test_an_agent_that_asks_too_often_waits_and_others_do_not(limited_space, new_stranger):
    eager, other = new_stranger(limited_space), new_stranger(limited_space)
    assert len(use(eager, "tools/list")["tools"]) == 4
    answers = [use(eager, "tools/call", name="describe", arguments={}) for _ in range(7)]
    refused = [answer["content"][0]["text"] for answer in answers if answer["isError"]]
    assert refused
    assert all("please try again in" in words for words in refused)
    assert not use(other, "tools/call", name="describe", arguments={})["isError"]
    entries, rest = limited_space.log()
    assert not [entry for entry in entries if entry["level"] in ("error", "critical")]
    assert not [line for line in rest if "Traceback" in line]
