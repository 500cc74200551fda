"""Programs and agents: by gradio_client, by curl as the README prints it, and over MCP. None of them needs a visit."""

import json
import re
import shutil
import subprocess

import httpx
import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from distill.audio import SAMPLE_RATE, load_clip
from distill.codes import CodeGrid, edits
from tests.waiting import PATIENCE

TOOLS = ["describe", "encode", "decode", "edit_grid"]
SET = {"kind": "set", "levels": [0, 0], "rows": [0, 7], "columns": [1, 2], "code": 9}


@pytest.fixture
def client(app_url):
    return Client(app_url, verbose=False, httpx_kwargs={"timeout": PATIENCE})


@pytest.fixture
def http(app_url):
    with httpx.Client(base_url=app_url, timeout=PATIENCE) as http:
        yield http


@pytest.fixture
def rpc(http):
    """A function that sends a message of JSON-RPC and returns the result."""

    def rpc(method, **params):
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = http.post("/gradio_api/mcp", json=message)
        assert answer.status_code == 200, answer.text
        assert answer.json()["id"] == 1
        return answer.json()

    return rpc


@pytest.fixture
def uploaded(http, clip_path):
    return http.post("/gradio_api/upload", files={"files": clip_path.open("rb")}).json()[0]


def visitors(http):
    return http.get("/health").json()["visitors"]


def set_codes(grid):
    return edits.set_codes(grid, level=0, rows=slice(0, 8), columns=slice(1, 3), code=9)


def test_a_script_encodes_edits_and_decodes(client, codec, clip_path):
    grid, facts = client.predict(handle_file(clip_path), api_name="/encode")
    expected = codec.encode_clip(load_clip(clip_path))
    assert CodeGrid.from_dict(grid) == expected
    assert facts["seconds"] == pytest.approx(expected.num_samples / SAMPLE_RATE, abs=0.001)
    edited, history, heard = client.predict(grid, [SET], sound=True, api_name="/edit_grid")
    assert CodeGrid.from_dict(edited) == set_codes(expected)
    assert len(history) == 1
    sound = client.predict(grid=edited, api_name="/decode")
    for path in (sound, heard if isinstance(heard, str) else heard["path"]):
        samples, rate = soundfile.read(path)
        assert (rate, len(samples)) == (SAMPLE_RATE, expected.num_samples)
    assert client.predict(api_name="/describe")["codebook_size"] == 64


def test_a_script_uses_a_codec_of_its_own(client, clip_path, other_codec_path):
    codec = handle_file(other_codec_path)
    grid, facts = client.predict(handle_file(clip_path), codec, True, api_name="/encode")
    assert facts["codec"]["codebook_size"] == 16
    sound = soundfile.info(client.predict(grid, codec, api_name="/decode"))
    assert sound.duration == pytest.approx(facts["seconds"], abs=0.001)
    with pytest.raises(AppError, match="made by another codec"):
        client.predict(grid, api_name="/decode")


def test_a_call_of_a_program_leaves_the_page_of_the_script_as_it_is(client, clip_path):
    before = client.predict(api_name="/undo")["edits"]
    grid, _ = client.predict(handle_file(clip_path), api_name="/encode")
    client.predict(grid, [SET], api_name="/edit_grid")
    assert client.predict(api_name="/undo")["edits"] == before


@pytest.mark.parametrize(
    ("call", "arguments", "sentence"),
    [
        ("/decode", {"grid": "hello"}, "not a grid"),
        ("/decode", {"grid": {"indices": [[[0]]]}}, "not a grid"),
        ("/edit_grid", {"grid": "hello", "edits": []}, "list of edits"),
        ("/edit_grid", {"grid": "hello", "edits": [SET] * 65}, "up to 64 edits"),
    ],
)
def test_a_call_that_makes_no_sense_is_answered_in_a_sentence(client, call, arguments, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(**arguments, api_name=call)


def test_the_readmes_curl_runs_as_printed(app_url, http, repository, codec, tmp_path):
    readme = (repository / "README.md").read_text(encoding="utf-8")
    (script,) = (block for block in re.findall(r"^```bash\n(.*?)^```$", readme, re.M | re.S) if "curl" in block)
    assert "http://127.0.0.1:7860" in script
    (tmp_path / "examples").symlink_to(repository / "examples")
    before = visitors(http)
    script = script.replace("http://127.0.0.1:7860", app_url.rstrip("/"))
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, check=True, timeout=PATIENCE)
    clip = load_clip(repository / "examples" / "clips" / "loop_amen.flac")
    grid = edits.reverse_codes(codec.encode_clip(clip), levels=slice(0, 3), rows=slice(0, 8), columns=slice(2, 6))
    sound = codec.decode(grid)
    sound /= max(1, np.abs(sound).max())
    assert np.abs(soundfile.read(tmp_path / "edited.wav")[0] - sound).max() < 1e-3
    assert visitors(http) == before


def curl(app_url, name, sent):
    """The answer to a call by curl: its kind, and its data."""
    if shutil.which("curl") is None:
        pytest.skip("This test needs curl.")

    def fetch(*arguments):
        command = ["curl", "-sS", "--max-time", str(PATIENCE), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    url = f"{app_url.rstrip('/')}/gradio_api/call"
    made = json.loads(fetch("-H", "Content-Type: application/json", "-d", json.dumps(sent), f"{url}/v2/{name}"))
    if "event_id" not in made:
        return "refused", made["detail"]
    kind, data = fetch(f"{url}/{name}/{made['event_id']}").strip().splitlines()[-2:]
    return kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@pytest.mark.parametrize(
    ("name", "sent", "words"),
    [
        ("encode", {}, "something else than it should"),
        ("encode", {"file": {"path": "/etc/passwd"}}, "not among your uploads"),
        ("encode", {"file": "/etc/passwd"}, "not among your uploads"),
        ("decode", {"grid": [1]}, "must be a grid"),
        ("decode", {"grid": {"indices": [[]] * 10_000}}, "too many parts"),
        ("edit_grid", {"grid": {}, "edits": [{"kind": "set", "code": 10**400}]}, "not a grid"),
        ("describe", {"codec": {"path": 5}}, "must be"),
        ("describe", {"nothing": 5}, "something else than it should"),
    ],
)
def test_a_wrong_call_by_curl_is_answered_in_a_sentence(app_url, name, sent, words):
    kind, told = curl(app_url, name, sent)
    assert kind in ("refused", "error")
    assert words in str(told)
    assert "Traceback" not in str(told)


def test_the_sound_of_one_caller_is_not_for_another_with_a_cookie(app_url, codec, clip_path):
    grid = codec.encode_clip(load_clip(clip_path)).to_text()
    one, other = (httpx.Client(base_url=app_url, timeout=PATIENCE) for _ in range(2))
    paths = []
    for http in (one, other):
        http.get("/config")  # brings the cookie
        event = http.post("/gradio_api/call/v2/decode", json={"grid": grid}).json()["event_id"]
        told = http.get(f"/gradio_api/call/decode/{event}").text
        assert (other if http is one else one).get(f"/gradio_api/call/decode/{event}").status_code == 404
        paths.append(json.loads(told.split("data: ")[1])[0]["path"])
    for http, mine, theirs in ((one, *paths), (other, *reversed(paths))):
        assert http.get(f"/gradio_api/file={mine}").status_code == 200
        assert http.get(f"/gradio_api/file={theirs}").status_code == 404
    one.close()
    other.close()


def test_an_agent_sees_four_tools_with_what_they_take(rpc):
    greeting = rpc("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={})["result"]
    assert greeting["protocolVersion"] == "2025-06-18"
    assert greeting["capabilities"] == {"tools": {}}
    tools = rpc("tools/list")["result"]["tools"]
    assert [tool["name"] for tool in tools] == TOOLS
    for tool in tools:
        assert len(tool["description"]) > 80
        fields = tool["inputSchema"]["properties"]
        assert all(len(field["description"]) > 40 for field in fields.values())
    assert "work" not in str(fields)


def test_an_agent_encodes_edits_and_decodes(rpc, http, uploaded, codec, clip_path):
    before = visitors(http)
    encoded = rpc("tools/call", name="encode", arguments={"file": uploaded})["result"]
    assert not encoded["isError"]
    grid = encoded["structuredContent"]["grid"]
    assert json.loads(encoded["content"][0]["text"])["grid"] == grid
    expected = codec.encode_clip(load_clip(clip_path))
    assert CodeGrid.from_dict(grid) == expected
    edited = rpc("tools/call", name="edit_grid", arguments={"grid": grid, "edits": [SET]})["result"]
    assert CodeGrid.from_dict(edited["structuredContent"]["grid"]) == set_codes(expected)
    sound = rpc("tools/call", name="decode", arguments={"grid": edited["structuredContent"]["grid"]})["result"]
    wav = http.get(sound["structuredContent"]["sound"]["url"])
    assert wav.status_code == 200
    assert len(wav.content) == 44 + 2 * expected.num_samples
    assert visitors(http) == before


def test_what_an_agent_does_wrong_is_told_in_a_sentence(rpc, http):
    for name, arguments, words in (
        ("encode", {"file": "https://example.com/a.wav"}, "not among your uploads"),
        ("encode", None, "needs a field 'file'"),
        ("decode", {"grid": "hello"}, "not a grid"),
        ("describe", {"codec": 1}, "'codec' must be"),
    ):
        result = rpc("tools/call", name=name, arguments=arguments)["result"]
        assert result["isError"]
        assert words in result["content"][0]["text"]
        assert "Traceback" not in str(result)
    assert "describe, encode" in rpc("tools/call", name="edit")["error"]["message"]
    assert "describe, encode" in rpc("tools/call", name=["decode"])["error"]["message"]
    assert rpc("resources/list")["error"]["code"] == -32601
    for sent in ([], 1, {}, {"jsonrpc": "2.0", "id": {}, "method": "ping"}, {"jsonrpc": "2.0", "id": 1, "method": 2}):
        assert http.post("/gradio_api/mcp/", json=sent).json()["error"]["code"] == -32600
    notified = http.post("/gradio_api/mcp/", json={"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (notified.status_code, notified.content) == (202, b"")
    assert http.get("/gradio_api/mcp/", headers={"Accept": "text/event-stream"}).status_code == 405
    assert http.delete("/gradio_api/mcp/").status_code == 405
    foreign = http.post("/gradio_api/mcp", json={}, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert http.get("/gradio_api/mcp/sse").status_code == 404


async def test_a_real_client_of_mcp_uses_the_tools(app_url, uploaded):
    pytest.importorskip("mcp", reason="pip install mcp runs this test.")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async with (
        streamable_http_client(f"{app_url}gradio_api/mcp/") as (read, write, *_),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        named = [tool.name for tool in (await session.list_tools()).tools]
        encoded = await session.call_tool("encode", {"file": uploaded, "as_text": True})
        grid = encoded.structuredContent["grid"]
        heard = await session.call_tool("edit_grid", {"grid": grid, "edits": [SET], "sound": True})
        wrong = await session.call_tool("decode", {"grid": "hello"})
    assert named == TOOLS
    assert not heard.isError
    assert httpx.get(heard.structuredContent["sound"]["url"]).content[:4] == b"RIFF"
    assert wrong.isError
    assert "not a grid" in wrong.content[0].text
