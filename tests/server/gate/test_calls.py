"""The gate lets only the sender of a call use it, and refuses invalid calls."""

import json
from dataclasses import replace

import anyio
import httpx
import pytest

from distill.server.askers import owner_of
from tests.server.gate.knocking import JSON, URL, call, served


async def test_a_page_is_its_visitors_and_nobody_elses(gate, one, other):
    calls = [
        ("GET", "/gradio_api/queue/data?session_hash=page-of-one", None),
        ("GET", "/gradio_api/heartbeat/page-of-one", None),
        ("POST", "/gradio_api/component_server", served(gate, page="page-of-one")),
        ("POST", "/gradio_api/queue/join", call(page="page-of-one")),
    ]
    for method, address, body in calls:
        assert (await one.request(method, address, json=body)).status_code == 200
        assert (await other.request(method, address, json=body)).status_code == 403


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 50_000, "not json", '"text"', "", "null", "{}", "\0"])
async def test_a_body_that_is_no_call_is_refused(gate, body):
    transport = httpx.ASGITransport(gate, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        answer = await client.post("/gradio_api/queue/join", content=body, headers=JSON)
    assert answer.status_code == 400


async def test_only_the_sender_of_a_call_hears_its_answer_and_can_end_it(one, other, nobody):
    event = (await one.post("/gradio_api/call/look", json={"data": ["x"]})).json()["event_id"]
    cancelled = {"event_id": event, "session_hash": event, "fn_index": 0}
    for stranger in (other, nobody):
        assert (await stranger.get(f"/gradio_api/call/look/{event}")).status_code == 404
        assert (await stranger.post("/gradio_api/cancel", json=cancelled)).status_code == 404
    assert (await one.get(f"/gradio_api/call/look/{event}")).status_code == 200
    assert (await one.post("/gradio_api/cancel", json=cancelled)).status_code == 200
    assert (await one.get("/gradio_api/call/look/unknown")).status_code == 404


async def test_a_visitor_ends_only_their_own_call_even_if_it_names_another_page(gate, one, other):
    event = (await other.post("/gradio_api/queue/join", json=call(page="page-of-other"))).json()["event_id"]
    sent = {"event_id": event, "session_hash": "page-of-one", "fn_index": 0}
    ended = (await other.post("/gradio_api/cancel", json=sent)).json()["sent"]
    assert ended == {"event_id": event, "session_hash": "page-of-other", "fn_index": 0}


async def test_an_empty_page_name_belongs_to_no_visitor(gate, one, other):
    assert (await other.get("/gradio_api/heartbeat/")).status_code == 404
    gate.pages.owners[""] = "somebody"
    assert (await one.post("/gradio_api/call/look", json={"data": ["x"]})).status_code == 200


async def test_another_visitor_cannot_listen_to_a_call_without_a_page(one, other):
    event = (await one.post("/gradio_api/call/look", json={"data": ["x"]})).json()["event_id"]
    assert (await other.get(f"/gradio_api/queue/data?session_hash={event}")).status_code == 403
    assert (await other.get(f"/gradio_api/heartbeat/{event}")).status_code == 403


async def test_a_call_without_a_content_length_is_refused(one):
    async def body():
        yield json.dumps(call("x")).encode()

    assert (await one.post("/gradio_api/queue/join", content=body(), headers=JSON)).status_code == 411


async def test_calls_that_are_answered_and_not_fetched_count(gate, one, other):
    gate._calls._settings = replace(gate._settings, visit_calls=3)
    statuses = [(await one.post("/gradio_api/queue/join", json=call("x"))).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert (await other.post("/gradio_api/queue/join", json=call("x", page="theirs"))).status_code == 200


async def test_calls_that_come_at_once_are_counted_as_they_come(gate, one):
    gate._calls._settings = replace(gate._settings, visit_calls=3)
    statuses = []

    async def join():
        statuses.append((await one.post("/gradio_api/queue/join", json=call("x"))).status_code)

    async with anyio.create_task_group() as together:
        for _ in range(8):
            together.start_soon(join)
    assert sorted(statuses) == [200] * 3 + [429] * 5


async def test_handlers_behind_the_gate_are_told_the_visitor(gate, one, nobody):
    asked = (await one.post("/gradio_api/component_server", json=served(gate))).json()
    assert asked["visitor"] == owner_of(f"distill={'1' * 40}")
    asked = (await nobody.post("/gradio_api/component_server", json=served(gate, page="another"))).json()
    assert asked["visitor"].startswith("anyone-")
    assert set(asked["sent"]) == {"data", "component_id", "fn_name", "session_hash"}


async def test_a_call_is_known_by_its_visitor_before_gradio_hears_of_it(gate, one):
    await one.post("/gradio_api/queue/join", json=call(page="new-page"))
    assert gate.pages.owners["new-page"] == owner_of(f"distill={'1' * 40}")


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"fn_index": 1}, 404), ({"fn_index": 99}, 404), ({"fn_index": -1}, 404), ({"fn_index": "0"}, 404),
        ({"fn_index": True}, 404), ({"fn_index": None}, 404), ({"session_hash": 7}, 400), ({"session_hash": ""}, 400),
        ({"session_hash": "x" * 99}, 400), ({"data": "x"}, 400), ({"data": [1, 2]}, 400), ({"event_id": [7]}, 400),
        ({"trigger_id": -7}, 400), ({"trigger_id": "x"}, 400),
    ],
)  # fmt: skip
async def test_an_invalid_call_is_refused_and_not_logged_as_a_fault(one, caplog, is_one_sentence, wrong, status):
    answer = await one.post("/gradio_api/queue/join", json=call("x") | wrong)
    assert answer.status_code == status
    assert is_one_sentence(answer.json()["detail"])
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
async def test_a_number_that_is_not_finite_is_refused(one, number):
    body = json.dumps(call("HERE")).replace('"HERE"', number)
    assert (await one.post("/gradio_api/queue/join", content=body, headers=JSON)).status_code == 400
