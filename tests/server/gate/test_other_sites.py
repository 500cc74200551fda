"""The gate refuses requests of other sites, and sends only allowed headers."""

import pytest

from tests.server.gate.knocking import call, send, served, visitor


async def test_only_json_goes_to_the_servers_functions(one):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        for name in ("component_server", "queue/join", "call/look", "cancel"):
            answer = await one.post(f"/gradio_api/{name}", content="{}", headers={"content-type": kind})
            assert answer.status_code == 415


OTHER_SITES = [
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
    {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
    {"origin": "http://evil"},
    {"origin": "null"},
]


@pytest.mark.parametrize("headers", OTHER_SITES)
async def test_a_request_of_a_page_of_another_site_is_refused(gate, one, headers):
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


async def test_answers_have_only_allowed_headers_and_always_the_security_headers(gate, one):
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
