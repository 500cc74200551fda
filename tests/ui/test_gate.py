"""Before the page: files go to those whose they are, what is sent is bounded, and a visitor cannot pass for another."""

import hashlib
import json
from pathlib import Path

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route

from distill.settings import MIB, Settings
from distill.ui.gate import Gate
from distill.ui.session import owner_of
from distill.ui.storage import Storage

URL = "http://distill"


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
        return JSONResponse(paths)

    async def echo(request):
        return JSONResponse(await request.json() if await request.body() else None)

    async def file(request):
        return FileResponse(request.path_params["path"])

    async def page(request):
        return PlainTextResponse("page")

    app = Starlette(
        routes=[
            Route("/", page),
            Route("/config", page),
            Route("/gradio_api/upload", upload, methods=["POST"]),
            Route("/gradio_api/queue/join", echo, methods=["POST"]),
            Route("/gradio_api/queue/data", page),
            Route("/gradio_api/heartbeat/{session}", page),
            Route("/gradio_api/deep_link", page),
            Route("/gradio_api/process_recording", page, methods=["POST"]),
            Route("/gradio_api/call/{name}/{event}", page),
            Route("/gradio_api/component_server", echo, methods=["POST"]),
            Route("/gradio_api/file={path:path}", file),
        ]
    )
    gate = Gate(app, storage, settings, Pages(), lambda: gate.health_of_test)
    gate.health_of_test, gate.pages = {"status": "ok", "visitors": 0}, gate._visitors
    return gate


class Pages:
    """Whose pages come and go: one is known, and is the first visitor's."""

    def __init__(self):
        self.owners, self.here, self.full = {"page-of-one": owner_of(f"distill={'1' * 40}")}, [], False

    def has_place(self, owner):
        return not self.full or owner in self.owners.values()

    def is_anothers(self, page, owner):
        return self.owners.get(page, owner) != owner

    def come(self, owner, page):
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


def file_data(path):
    return {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}


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
    assert (await one.post("/gradio_api/queue/join", json=file_data(path))).json() == file_data(path)


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
    for path in ("a/" * 500_000, "../" * 300_000):
        answer = await one.post("/gradio_api/queue/join", json=file_data(path))
        assert answer.status_code in (403, 413)
    answer = await one.post("/gradio_api/queue/join", content="[" + "[]," * 200_000 + "[]]")
    assert answer.status_code == 400


async def test_only_json_goes_to_the_servers_functions(one):
    answer = await one.post("/gradio_api/component_server", files=[("a", ("a", b"a"))], data={"session_hash": "x"})
    assert answer.status_code == 400


async def test_two_uploads_do_not_both_take_the_last_room(one, other):
    async def upload(client):
        return await client.post("/gradio_api/upload", files=[("files", ("a.wav", bytes(2 * MIB - 5000)))])

    async with anyio.create_task_group() as together:
        answers = []

        async def note(client):
            answers.append((await upload(client)).status_code)

        for client in (one, other, visitor_third(one)):
            together.start_soon(note, client)
    assert sorted(answers) == [200, 507, 507] or sorted(answers) == [200, 200, 507]
    assert answers.count(507) >= 1


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


async def test_a_page_is_its_visitors_and_nobody_elses(one, other):
    calls = [
        ("GET", "/gradio_api/queue/data?session_hash=page-of-one", None),
        ("GET", "/gradio_api/heartbeat/page-of-one", None),
        ("GET", "/gradio_api/call/anything/page-of-one", None),
        ("POST", "/gradio_api/component_server", {"session_hash": "page-of-one"}),
        ("POST", "/gradio_api/queue/join", {"session_hash": "page-of-one", "data": []}),
    ]
    for method, address, body in calls:
        assert (await one.request(method, address, json=body)).status_code == 200
        assert (await other.request(method, address, json=body)).status_code == 403


async def test_too_much_is_refused_in_a_sentence(one, is_one_sentence):
    for contents in ([bytes(4 * MIB)], [b"1", b"2", b"3", b"4"]):
        answer = await send(one, *contents)
        assert answer.status_code == 413
        assert is_one_sentence(answer.text)
    answer = await one.post("/gradio_api/queue/join", content=bytes(MIB + 1))
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
        answer = await client.post("/gradio_api/queue/join", content=body)
    assert answer.status_code in (200, 400)


async def test_files_are_found_however_deep_they_are_nested(one):
    nested = file_data("/etc/passwd")
    for _ in range(300):
        nested = {"data": [nested]}
    assert (await one.post("/gradio_api/queue/join", content=json.dumps(nested))).status_code == 403


async def test_what_gradio_offers_and_distill_does_not_use_is_closed(one):
    for address in (
        "/gradio_api/deep_link",
        "/gradio_api/process_recording",
        "/dev/reload",
        "/gradio_api/proxy=http://x",
    ):
        for method in ("GET", "POST"):
            assert (await one.request(method, address)).status_code == 404


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

    gate._app = broken
    answer = await one.post("/gradio_api/queue/join", json={"fn_index": 9999})
    assert answer.status_code == 500
    (record,) = caplog.records
    assert f"(reference {record.reference})." in answer.json()["detail"]
    assert "secret" not in answer.text
    answer = await one.post("/gradio_api/upload", files=[("files", ("a", b"a"))])
    assert (answer.status_code, len(caplog.records)) == (400, 1)


async def test_health_is_told_and_its_status_with_it(nobody, gate):
    answer = await nobody.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    gate.health_of_test["status"] = "disk full"
    assert (await nobody.get("/health")).status_code == 503


@pytest.mark.parametrize("cookie", ["", "distill=short", "other=" + "1" * 40, "distill", ";;;=", 'distill="' + "é" * 5])
def test_what_is_no_cookie_of_ours_stands_for_nobody(cookie):
    assert owner_of(cookie) == ""


@pytest.mark.parametrize("before", ['a={"x":1}', "a=b c", "a@b=1", 'a="q', "ä=1", "a=1; a=2", ";"])
def test_the_cookie_is_found_beside_any_other(before):
    ours = f"distill={'1' * 40}"
    assert owner_of(f"{before}; {ours}; z={before}") == owner_of(ours) != ""


def test_an_owner_does_not_tell_the_cookie():
    owner = owner_of(f"a=b; distill={'1' * 40}; c=d")
    assert owner == owner_of(f"distill={'1' * 40}") != owner_of(f"distill={'2' * 40}")
    assert len(owner) == 32
    assert "1" * 40 not in owner
