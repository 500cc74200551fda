"""Before the page: files go to those whose they are, what is sent is bounded, and a visitor cannot pass for another."""

import hashlib
import json
import secrets
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import anyio
import gradio as gr
import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route

from distill.server.askers import owner_of
from distill.server.calls import Calls
from distill.server.rates import Rates
from distill.server.turns import Turns
from distill.settings import MIB, Settings
from distill.ui.gate import Gate
from distill.ui.storage import Storage

URL = "http://distill"
JSON = {"content-type": "application/json"}


@pytest.fixture
def settings(tmp_path):
    return Settings(
        folder=tmp_path / "data", upload_bytes=2 * MIB, upload_files=3, message_bytes=MIB, disk_bytes=4 * MIB,
        visit_disk_bytes=3 * MIB,
    )  # fmt: skip


@pytest.fixture
def storage(settings):
    storage = Storage(settings)
    (storage.files / "picture").mkdir()
    (storage.files / "picture" / "page.png").write_bytes(b"public")
    storage.publish()
    yield storage
    storage.close()


@pytest.fixture
def gate(storage, settings):
    """The gate before something that does with files what Gradio does."""

    async def upload(request):
        paths = []
        async with request.form() as form:
            for part in form.getlist("files"):
                content = await part.read()
                path = storage.files / hashlib.sha256(content).hexdigest() / Path(part.filename).name
                path.parent.mkdir(exist_ok=True)
                (storage.files / "unfinished").write_bytes(content)
                (storage.files / "unfinished").rename(path)
                paths.append(str(path))
        return JSONResponse(paths, headers={"x-odd": "odd", "access-control-allow-origin": "*"})

    async def join(request):
        return JSONResponse({"event_id": f"event{secrets.token_hex(4)}", "sent": await request.json()})

    async def echo(request):
        asker = request.scope.get("state", {}).get("asker")
        return JSONResponse({"sent": await request.json(), "visitor": asker and asker.visitor})

    async def progress(request):
        return PlainTextResponse(request.query_params["upload_id"])

    async def asset(request):
        made.append(request.url.path)
        return FileResponse(__file__, media_type="text/javascript")

    async def page(request):
        made.append(request.url.path)
        return PlainTextResponse("page")

    made = []
    app = Starlette(
        routes=[
            Route("/", page),
            Route("/config", page),
            Route("/gradio_api/upload", upload, methods=["POST"]),
            Route("/gradio_api/upload_progress", progress),
            Route("/gradio_api/queue/join", join, methods=["POST"]),
            Route("/gradio_api/queue/data", page),
            Route("/gradio_api/heartbeat/{session}", page),
            Route("/gradio_api/deep_link", page),
            Route("/assets/{name}", asset),
            Route("/gradio_api/process_recording", page, methods=["POST"]),
            Route("/gradio_api/call/{name}", join, methods=["POST"]),
            Route("/gradio_api/call/{name}/{event}", page),
            Route("/gradio_api/cancel", echo, methods=["POST"]),
            Route("/gradio_api/component_server", echo, methods=["POST"]),
        ]
    )
    with gr.Blocks() as blocks:
        box = gr.HTML(server_functions=[look])
        gr.Button().click(look, box, box, api_name="look")
        gr.Button().click(None, None, None, js="() => {}")
    backend = SimpleNamespace(
        settings=settings, storage=storage, visitors=Pages(), turns=Turns(settings), left=[],
        health_of_test={"status": "ok", "visitors": 0},
    )  # fmt: skip
    backend.health, backend.leave = lambda: backend.health_of_test, backend.left.append
    calls = Calls(blocks, settings)
    calls.is_known = lambda page: True
    gate = Gate(app, backend, calls)
    gate.pages, gate.backend, gate.made, gate.box = backend.visitors, backend, made, box._id
    return gate


def look(value):
    return value


class Pages:
    """Whose pages come and go: one is known, and is the first visitor's."""

    def __init__(self):
        self.owners, self.here, self.full = {"page-of-one": owner_of(f"distill={'1' * 40}")}, [], False

    def session(self, owner, page, address):
        self.owners.setdefault(page, owner)

    def has_place(self, owner, address):
        return not self.full or owner in self.owners.values()

    def is_anothers(self, page, owner):
        return self.owners.get(page, owner) != owner

    def come(self, owner, page, address):
        self.here.append(page)

    def leave(self, owner, page):
        self.here.remove(page)


def visitor(gate, cookie=None):
    headers = {"cookie": f"distill={cookie * 40}"} if cookie else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(gate), base_url=URL, headers=headers)


@pytest.fixture
def one(gate):
    return visitor(gate, "1")


@pytest.fixture
def other(gate):
    return visitor(gate, "2")


@pytest.fixture
def nobody(gate):
    return visitor(gate)


async def send(client, *contents, name="a.wav"):
    answer = await client.post("/gradio_api/upload", files=[("files", (name, content)) for content in contents])
    return answer.json() if answer.status_code == 200 else answer


def call(*data, page="a-page", **fields):
    return {"data": list(data), "fn_index": 0, "session_hash": page} | fields


def served(gate, page="a-page", **fields):
    return {"data": {}, "component_id": gate.box, "fn_name": "look", "session_hash": page} | fields


def file_data(path):
    return call({"path": path, "meta": {"_type": "gradio.FileData"}})


async def test_the_first_page_gives_a_cookie_that_scripts_cannot_read_and_later_ones_do_not(gate):
    client = visitor(gate)
    first = (await client.get("/")).headers["set-cookie"]
    assert "HttpOnly" in first
    assert "SameSite=Lax" in first
    assert "set-cookie" not in (await client.get("/config")).headers
    assert first != (await visitor(gate).get("/config")).headers["set-cookie"]
    framed = (await visitor(gate).get("/", headers={"x-forwarded-proto": "https"})).headers["set-cookie"]
    assert "SameSite=None; Secure; Partitioned" in framed


async def test_an_upload_is_its_visitors_and_nobody_elses(one, other, nobody):
    (path,) = await send(one, b"mine")
    assert (await one.get(f"/gradio_api/file={path}")).content == b"mine"
    for stranger in (other, nobody):
        answer = await stranger.get(f"/gradio_api/file={path}")
        assert answer.status_code == 404
        assert "data" not in answer.text
        assert (await stranger.post("/gradio_api/queue/join", json=file_data(path))).status_code == 403
    assert (await one.post("/gradio_api/queue/join", json=file_data(path))).json()["sent"] == file_data(path)


async def test_two_visitors_may_send_the_same_file_at_the_same_time(one, other):
    (mine,), (theirs,) = await send(one, b"same"), await send(other, b"same")
    Path(mine).unlink()
    assert (await other.get(f"/gradio_api/file={theirs}")).content == b"same"


async def test_where_the_content_alone_says_a_file_lies_it_is_not_served(one, other, storage):
    await send(one, b"guessed")
    path = storage.files / hashlib.sha256(b"guessed").hexdigest() / "a.wav"
    assert path.exists()
    for client in (one, other):
        assert (await client.get(f"/gradio_api/file={path}")).status_code == 404


async def test_the_pages_own_files_are_for_all_to_see_and_for_none_to_send(nobody, storage):
    path = f"{storage.files}/picture/page.png"
    assert (await nobody.get(f"/gradio_api/file={path}")).content == b"public"
    assert (await nobody.post("/gradio_api/queue/join", json=file_data(path))).status_code == 403
    storage.discard(Path(path))
    assert Path(path).exists()


async def test_a_page_is_here_as_long_as_it_holds_its_connection(gate, one):
    seen = []
    inner, gate._app = gate._app, None

    async def app(scope, receive, send):
        seen.append(list(gate.pages.here))
        await inner(scope, receive, send)

    gate._app = app
    await one.get("/gradio_api/heartbeat/page-of-one")
    assert seen == [["page-of-one"]]
    assert gate.pages.here == []


async def test_behind_a_prefix_the_gate_is_as_closed(gate, storage, one):
    (path,) = await send(one, b"mine")

    async def prefixed(scope, receive, send):
        await gate(scope | {"root_path": "/x"}, receive, send)

    transport = httpx.ASGITransport(prefixed)
    async with httpx.AsyncClient(transport=transport, base_url=URL, headers={"cookie": f"distill={'2' * 40}"}) as other:
        assert (await other.get(f"/x/gradio_api/file={path}")).status_code == 404
        answer = await other.post("/x/gradio_api/upload", files=[("files", ("a.wav", b"theirs"))])
        assert owner_of(f"distill={'2' * 40}") in answer.json()[0]


async def test_a_request_that_would_take_long_to_look_through_is_refused_at_once(one):
    for path in ("a/" * 400_000, "../" * 300_000):
        answer = await one.post("/gradio_api/queue/join", json=file_data(path))
        assert answer.status_code in (403, 413)
    answer = await one.post("/gradio_api/queue/join", content="[" + "[]," * 200_000 + "[]]", headers=JSON)
    assert answer.status_code == 400


async def test_only_json_goes_to_the_servers_functions(one):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        for name in ("component_server", "queue/join", "call/look", "cancel"):
            answer = await one.post(f"/gradio_api/{name}", content="{}", headers={"content-type": kind})
            assert answer.status_code == 415


async def test_two_uploads_do_not_both_take_the_last_room(one, other):
    async def upload(client):
        return await client.post("/gradio_api/upload", files=[("files", ("a.wav", bytes(2 * MIB - 5000)))])

    async with anyio.create_task_group() as together:
        answers = []

        async def note(client):
            answers.append((await upload(client)).status_code)

        for client in (one, other, visitor_third(one)):
            together.start_soon(note, client)
    assert answers.count(507) >= 1  # all three would take more than there is


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "{files}/../../../etc/passwd", "{files}/{owner}/../{other}/x", "http://example.com", "", "."],
)
async def test_nothing_else_is_served_or_taken_for_a_file(one, storage, path):
    path = path.format(
        files=storage.files, owner=owner_of(f"distill={'1' * 40}"), other=owner_of(f"distill={'2' * 40}")
    )
    assert (await one.get(f"/gradio_api/file={path}")).status_code == 404
    answer = await one.post("/gradio_api/queue/join", json=file_data(path))
    assert answer.status_code == 403
    assert "passwd" not in answer.text


async def test_a_link_out_of_a_visitors_folder_leads_nowhere(one, storage):
    with storage.filling(owner_of(f"distill={'1' * 40}")) as folder:
        link = folder / "link"
    link.symlink_to("/etc/passwd")
    assert (await one.get(f"/gradio_api/file={link}")).status_code == 404


async def test_without_a_cookie_a_file_is_had_by_its_unguessable_path(nobody):
    (path,) = await send(nobody, b"mine")
    assert (await nobody.get(f"/gradio_api/file={path}")).content == b"mine"
    assert "anyone-" in path


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


async def test_too_much_is_refused_in_a_sentence(one, is_one_sentence):
    for contents in ([bytes(4 * MIB)], [b"1", b"2", b"3", b"4"]):
        answer = await send(one, *contents)
        assert answer.status_code == 413
        assert is_one_sentence(answer.text)
    answer = await one.post("/gradio_api/queue/join", content=bytes(MIB + 1), headers=JSON)
    assert answer.status_code == 413
    assert is_one_sentence(answer.json()["detail"])


async def test_an_upload_that_does_not_say_how_long_it_is_is_cut_off(one):
    async def endless():
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
        for _ in range(10_000):
            yield bytes(10_000)

    answer = await one.post(
        "/gradio_api/upload", content=endless(), headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 413


async def test_a_full_disk_is_one_sentence(one, other, is_one_sentence):
    await send(one, bytes(MIB + MIB // 2))
    answer = await send(one, bytes(MIB + MIB // 2 + 1))
    assert (answer.status_code, is_one_sentence(answer.text)) == (507, True)
    await send(other, bytes(MIB + MIB // 2))
    answer = await send(visitor_third(one), bytes(MIB + MIB // 2))
    assert (answer.status_code, "no room" in answer.text) == (507, True)


def visitor_third(client):
    return httpx.AsyncClient(transport=client._transport, base_url=URL, headers={"cookie": f"distill={'3' * 40}"})


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 50_000, "not json", '"text"', "", "null", "{}", "\0"])
async def test_a_body_that_makes_no_sense_hurts_nobody(gate, body):
    transport = httpx.ASGITransport(gate, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        answer = await client.post("/gradio_api/queue/join", content=body, headers=JSON)
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


async def test_what_breaks_behind_the_gate_is_a_sentence_with_a_reference_that_is_logged_once(gate, one, caplog):
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


async def test_health_is_told_and_its_status_with_it(nobody, gate):
    answer = await nobody.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    gate.backend.health_of_test["status"] = "disk full"
    assert (await nobody.get("/health")).status_code == 503


OTHER_SITES = [
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
    {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
    {"origin": "http://evil"},
    {"origin": "null"},
]


@pytest.mark.parametrize("headers", OTHER_SITES)
async def test_what_a_page_of_another_site_asks_for_is_nobodys(gate, one, headers):
    (path,) = await send(one, b"mine")
    calls = [
        ("GET", f"/gradio_api/file={path}", None),
        ("GET", "/gradio_api/queue/data?session_hash=page-of-one", None),
        ("GET", "/gradio_api/heartbeat/page-of-one", None),
        ("POST", "/gradio_api/component_server", served(gate)),
        ("POST", "/gradio_api/queue/join", call(page="page-of-one")),
        ("POST", "/leave", {}),
    ]
    for method, address, body in calls:
        answer = await one.request(method, address, json=body, headers=headers)
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]
    answer = await one.post("/gradio_api/upload", files=[("files", ("a", b"a"))], headers=headers)
    assert answer.status_code == 403
    assert gate.backend.left == []


async def test_the_page_itself_can_be_opened_from_anywhere_and_only_opening_it_gives_a_cookie(gate):
    framed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
    assert "set-cookie" in (await visitor(gate).get("/", headers=framed)).headers
    for headers in OTHER_SITES[:2]:
        answer = await visitor(gate).get("/", headers=headers)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers


async def test_only_headers_that_are_meant_go_out_and_those_that_guard_go_with_every_answer(gate, one):
    answers = [
        await one.post("/gradio_api/upload", files=[("files", ("a", b"a"))]), await one.get("/"),
        await one.get("/health"), await one.get("/nothing"), await one.post("/gradio_api/queue/join", json=call()),
        await one.post("/gradio_api/queue/join", json={}), await one.get("/", headers=OTHER_SITES[0]),
    ]  # fmt: skip
    for answer in answers:
        assert "x-odd" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'self' https://huggingface.co" in answer.headers["content-security-policy"]
        assert "microphone=(self)" in answer.headers["permissions-policy"]
        assert answer.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=6-", 206, b"6789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=2-99", 206, b"23456789"),
        ("bytes=10-", 416, None),
        ("bytes=5-2", 400, None),
        ("bytes=0-1-2", 200, b"0123456789"),
        ("bytes=+1-2", 200, b"0123456789"),
        ("items=0-1", 200, b"0123456789"),
        ("nonsense", 200, b"0123456789"),
    ],
)
async def test_a_part_of_a_file_is_what_was_asked_for(one, asked, status, content):
    (path,) = await send(one, b"0123456789")
    answer = await one.get(f"/gradio_api/file={path}", headers={"range": asked, "cookie": f"distill={'1' * 40}"})
    assert answer.status_code == status
    if content is not None:
        assert answer.content == content
    if status == 206:
        first = b"0123456789".index(content)
        assert answer.headers["content-range"] == f"bytes {first}-{first + len(content) - 1}/10"
    assert "1" * 40 not in str(answer.headers)


async def test_two_parts_of_a_file_come_in_two_parts(one):
    (path,) = await send(one, b"0123456789")
    answer = await one.get(f"/gradio_api/file={path}", headers={"range": "bytes=0-0,4-5"})
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")
    assert b"bytes 0-0/10" in answer.content
    assert b"bytes 4-5/10" in answer.content


async def test_a_call_is_heard_and_ended_by_whoever_began_it_alone(one, other, nobody):
    event = (await one.post("/gradio_api/call/look", json={"data": ["x"]})).json()["event_id"]
    cancelled = {"event_id": event, "session_hash": event, "fn_index": 0}
    for stranger in (other, nobody):
        assert (await stranger.get(f"/gradio_api/call/look/{event}")).status_code == 404
        assert (await stranger.post("/gradio_api/cancel", json=cancelled)).status_code == 404
    assert (await one.get(f"/gradio_api/call/look/{event}")).status_code == 200
    assert (await one.post("/gradio_api/cancel", json=cancelled)).status_code == 200
    assert (await one.get("/gradio_api/call/look/unknown")).status_code == 404


async def test_how_an_upload_comes_along_is_told_to_whoever_sends_it_alone(one, other):
    await one.post("/gradio_api/upload?upload_id=x", files=[("files", ("secret.wav", b"a"))])
    assert (await one.get("/gradio_api/upload_progress?upload_id=x")).status_code == 200
    assert (await other.get("/gradio_api/upload_progress?upload_id=x")).status_code == 404
    assert (await one.get("/gradio_api/upload_progress?upload_id=y")).status_code == 404


async def test_a_visitor_ends_no_call_but_their_own_whatever_page_is_named(gate, one, other):
    event = (await other.post("/gradio_api/queue/join", json=call(page="page-of-other"))).json()["event_id"]
    sent = {"event_id": event, "session_hash": "page-of-one", "fn_index": 0}
    ended = (await other.post("/gradio_api/cancel", json=sent)).json()["sent"]
    assert ended == {"event_id": event, "session_hash": "page-of-other", "fn_index": 0}


async def test_a_page_without_a_name_is_nobodys(gate, one, other):
    assert (await other.get("/gradio_api/heartbeat/")).status_code == 404
    gate.pages.owners[""] = "somebody"
    assert (await one.post("/gradio_api/call/look", json={"data": ["x"]})).status_code == 200


async def test_a_call_without_a_page_is_not_taken_for_a_page_of_another(one, other):
    event = (await one.post("/gradio_api/call/look", json={"data": ["x"]})).json()["event_id"]
    assert (await other.get(f"/gradio_api/queue/data?session_hash={event}")).status_code == 403
    assert (await other.get(f"/gradio_api/heartbeat/{event}")).status_code == 403


async def test_a_call_says_how_long_it_is(one):
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


async def test_a_disk_that_is_full_while_an_upload_comes_is_told_in_a_sentence(gate, one, is_one_sentence):
    async def full(scope, receive, send):
        raise OSError(28, "No space left on device")

    gate._uploads._app = full
    answer = await one.post("/gradio_api/upload", files=[("files", ("a", b"a"))])
    assert answer.status_code == 507
    assert "disk is full" in answer.text


async def test_without_a_cookie_leaving_is_refused_with_what_happens_instead(gate, nobody):
    answer = await nobody.post("/leave", json={})
    assert answer.status_code == 400
    assert "no cookie" in answer.json()["detail"]
    assert gate.backend.left == []


async def test_those_behind_the_gate_are_told_who_asks(gate, one, nobody):
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
async def test_a_call_that_there_is_not_is_refused_and_is_no_fault(one, caplog, is_one_sentence, wrong, status):
    answer = await one.post("/gradio_api/queue/join", json=call("x") | wrong)
    assert answer.status_code == status
    assert is_one_sentence(answer.json()["detail"])
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
async def test_what_is_no_number_is_refused(one, number):
    body = json.dumps(call("HERE")).replace('"HERE"', number)
    assert (await one.post("/gradio_api/queue/join", content=body, headers=JSON)).status_code == 400


async def test_the_page_is_made_once_for_all_who_ask_by_the_same_name(gate):
    for _ in range(5):
        assert (await visitor(gate).get("/")).text == "page"
    assert gate.made == ["/"]
    await visitor(gate).get("/", headers={"host": "another"})
    assert gate.made == ["/"] * 2


async def test_a_file_of_the_page_is_packed_once_for_all(gate):
    for _ in range(3):
        answer = await visitor(gate).get("/assets/code.js", headers={"accept-encoding": "br, gzip"})
        assert answer.content == Path(__file__).read_bytes()
        assert answer.headers["content-encoding"] == "br"
        assert "max-age" in answer.headers["cache-control"]
    assert gate.made == ["/assets/code.js"]
    assert (await visitor(gate).get("/assets/code.js", headers={"accept-encoding": ""})).status_code == 200


async def test_a_crowd_that_opens_the_page_together_has_it_made_once_and_nobody_is_refused(gate):
    statuses = []

    async def opening():
        statuses.append((await visitor(gate).get("/config")).status_code)

    async with anyio.create_task_group() as together:
        for _ in range(30):
            together.start_soon(opening)
    assert statuses == [200] * 30
    assert gate.made == ["/config"]


async def test_who_asks_for_too_much_is_told_when_to_come_back_and_others_are_not(gate, one, is_one_sentence):
    gate._rates = Rates(replace(gate._settings, visit_calls_rate=5, address_calls_rate=8))
    answers = [await one.get("/health") for _ in range(12)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 2 <= len(refused) <= 7  # twice as many are let in if a window of time ends in between
    assert is_one_sentence(refused[0].json()["detail"], "seconds")
    assert refused[0].headers["retry-after"]
    transport = httpx.ASGITransport(gate, client=("9.9.9.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url=URL) as elsewhere:
        assert (await elsewhere.get("/health")).status_code == 200


async def test_leaving_is_ones_own_and_takes_the_cookie_away(gate, one):
    answer = await one.post("/leave", json={})
    assert gate.backend.left == [owner_of(f"distill={'1' * 40}")]
    assert "distill=; " in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
