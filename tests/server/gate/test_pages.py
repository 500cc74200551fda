"""The gate tells visitors apart by their cookies, makes common answers once for all visitors, and enforces rates."""

import json
from dataclasses import replace
from pathlib import Path

import anyio
import httpx

from distill.server import answers as pages
from distill.server.askers import owner_of
from distill.server.rates import Rates
from tests.server.gate.knocking import JSON, URL, call, file_data, visitor


async def test_the_first_page_gives_a_cookie_that_scripts_cannot_read_and_later_ones_do_not(gate):
    client = visitor(gate)
    first = (await client.get("/")).headers["set-cookie"]
    assert "HttpOnly" in first
    assert "SameSite=Lax" in first
    assert "set-cookie" not in (await client.get("/config")).headers
    assert first != (await visitor(gate).get("/config")).headers["set-cookie"]
    framed = (await visitor(gate).get("/", headers={"x-forwarded-proto": "https"})).headers["set-cookie"]
    assert "SameSite=None; Secure; Partitioned" in framed


async def test_a_page_counts_as_open_while_it_holds_its_connection(gate, one):
    seen = []
    inner, gate._app = gate._app, None

    async def app(scope, receive, send):
        seen.append(list(gate.pages.here))
        await inner(scope, receive, send)

    gate._app = app
    await one.get("/gradio_api/heartbeat/page-of-one")
    assert seen == [["page-of-one"]]
    assert gate.pages.here == []


async def test_a_request_that_would_take_long_to_look_through_is_refused_at_once(one):
    for path in ("a/" * 400_000, "../" * 300_000):
        answer = await one.post("/gradio_api/queue/join", json=file_data(path))
        assert answer.status_code in (403, 413)
    answer = await one.post("/gradio_api/queue/join", content="[" + "[]," * 200_000 + "[]]", headers=JSON)
    assert answer.status_code == 400


async def test_files_are_found_however_deep_they_are_nested(one):
    nested = file_data("/etc/passwd")
    for _ in range(300):
        nested = {"data": [nested]}
    assert (await one.post("/gradio_api/queue/join", content=json.dumps(nested), headers=JSON)).status_code == 403


async def test_what_gradio_offers_and_distill_does_not_use_is_closed(one):
    for address in (
        "/gradio_api/deep_link",
        "/gradio_api/process_recording",
        "/dev/reload",
        "/gradio_api/proxy=http://x",
    ):
        for method in ("GET", "POST"):
            assert (await one.request(method, address, headers=JSON)).status_code == 404


async def test_when_there_is_no_place_the_page_says_so_and_tries_again(gate, one, other):
    gate.pages.full = True
    answer = await other.get("/")
    assert answer.status_code == 503
    assert "as many visitors as it can hold" in answer.text
    assert "refresh" in answer.text
    assert (await one.get("/")).text == "page"


async def test_an_error_behind_the_gate_becomes_a_sentence_with_a_reference_and_is_logged_once(gate, one, caplog):
    async def broken(scope, receive, send):
        raise KeyError("secret")

    gate._app = gate._uploads._app = broken
    answer = await one.post("/gradio_api/queue/join", json=call())
    assert answer.status_code == 500
    (record,) = caplog.records
    assert f"(reference {record.reference})." in answer.json()["detail"]
    assert "secret" not in answer.text
    answer = await one.post("/gradio_api/upload", files=[("files", ("a", b"a"))])
    assert (answer.status_code, len(caplog.records)) == (400, 1)


async def test_health_is_public_and_a_full_server_answers_503(nobody, gate):
    answer = await nobody.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    gate.backend.health_of_test["status"] = "disk full"
    assert (await nobody.get("/health")).status_code == 503


async def test_leaving_without_a_cookie_is_refused_with_the_reason(gate, nobody):
    answer = await nobody.post("/leave", json={})
    assert answer.status_code == 400
    assert "no cookie" in answer.json()["detail"]
    assert gate.backend.left == []


async def test_the_page_is_made_and_packed_once_for_all_who_ask_by_the_same_name(gate, monkeypatch):
    packed, encoded = [], pages._encoded
    monkeypatch.setattr(pages, "_encoded", lambda body: packed.append(body) or encoded(body))
    for coding in ("identity", "br", "gzip") * 2:
        assert (await visitor(gate).get("/", headers={"accept-encoding": coding})).text == "page"
    assert (gate.made, packed) == (["/"], [b"page"])
    await visitor(gate).get("/", headers={"host": "another"})
    assert gate.made == ["/"] * 2


async def test_a_file_of_the_page_is_packed_once_for_all(gate):
    for _ in range(3):
        answer = await visitor(gate).get("/assets/code.js", headers={"accept-encoding": "br, gzip"})
        assert answer.content == Path(__file__).with_name("conftest.py").read_bytes()
        assert answer.headers["content-encoding"] == "br"
        assert "max-age" in answer.headers["cache-control"]
    assert gate.made == ["/assets/code.js"]
    assert (await visitor(gate).get("/assets/code.js", headers={"accept-encoding": ""})).status_code == 200


async def test_files_with_a_hash_in_their_name_are_kept_by_browsers_for_ever_and_others_for_a_day(gate):
    for name, kept in {"code-B2UWl2D9.js": "max-age=31536000, immutable", "code.js": "max-age=86400"}.items():
        assert (await visitor(gate).get(f"/assets/{name}")).headers["cache-control"] == f"public, {kept}"


async def test_a_crowd_that_opens_the_page_together_has_it_made_once_and_nobody_is_refused(gate):
    statuses = []

    async def opening():
        statuses.append((await visitor(gate).get("/config")).status_code)

    async with anyio.create_task_group() as together:
        for _ in range(30):
            together.start_soon(opening)
    assert statuses == [200] * 30
    assert gate.made == ["/config"]


async def test_a_visitor_over_a_rate_is_told_when_to_come_back_and_others_are_not(gate, one, is_one_sentence):
    gate._rates = Rates(replace(gate._settings, visit_calls_rate=5, address_calls_rate=8))
    answers = [await one.get("/health") for _ in range(12)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 2 <= len(refused) <= 7  # twice as many requests pass if a time window ends between them
    assert is_one_sentence(refused[0].json()["detail"], "seconds")
    assert refused[0].headers["retry-after"]
    transport = httpx.ASGITransport(gate, client=("9.9.9.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url=URL) as elsewhere:
        assert (await elsewhere.get("/health")).status_code == 200


async def test_leaving_ends_only_ones_own_visit_and_deletes_the_cookie(gate, one):
    answer = await one.post("/leave", json={})
    assert gate.backend.left == [owner_of(f"distill={'1' * 40}")]
    assert "distill=; " in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
