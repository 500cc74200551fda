"""Requests of other sites are refused, and answers have only the intended headers."""

import json
import re

import httpx
import pytest

from distill.ui.components.modules import JOINED, VERSION
from tests.hostile.strangers import CALLS
from tests.waiting import PATIENCE

ELSEWHERE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
]
SECRET = "marker-of-the-request"
RANGES = ["bytes=0-10", "bytes=5-2", "bytes=0-0,2-3", "bytes=0-1-2", "abc", "bytes=-5", "bytes=0-", "bytes=999999999-"]


def names(headers):
    return " ".join(headers.values())


@pytest.fixture
def visitor(space, new_stranger, six_clips):
    """A visitor with an edit, a file and an answer that is ready to be fetched."""
    visitor = new_stranger(space)
    visitor.open_page()
    visitor.serve("edit", **CALLS["edit"])
    visitor.file = visitor.upload(six_clips[0])[0]
    return visitor


def calls_of(visitor):
    """Every kind of request that a page can send, with this visitor's names: method, path and options."""
    join = {"data": [0, 0, 7, 0, 3, 11], "fn_index": visitor.calls["set_codes"], "session_hash": visitor.page}
    event = {"session_hash": visitor.page, "fn_index": 0, "event_id": "0" * 32}
    return [
        *(("POST", "/gradio_api/component_server", {"json": visitor.serving(name)}) for name in CALLS),
        ("POST", "/gradio_api/queue/join", {"json": join}),
        ("POST", "/gradio_api/call/edit_listen", {"json": {"data": [], "session_hash": visitor.page}}),
        ("POST", "/gradio_api/call/v2/edit_listen", {"json": {"session_hash": visitor.page}}),
        ("POST", "/gradio_api/cancel", {"json": event}),
        ("POST", "/gradio_api/reset", {"json": event}),
        ("POST", "/gradio_api/upload", {"files": [("files", ("new.wav", b"RIFF"))]}),
        ("POST", "/leave", {"json": {}}),
        ("GET", f"/gradio_api/file={visitor.file['path']}", {}),
        ("GET", f"/gradio_api/queue/data?session_hash={visitor.page}", {}),
        ("GET", f"/gradio_api/heartbeat/{visitor.page}", {}),
        ("GET", "/gradio_api/upload_progress?upload_id=x", {}),
    ]


def status_of(http, method, path, **options):
    """The status of the answer to a request; its body is not read."""
    with http.stream(method, path, **options) as answer:
        return answer.status_code


@pytest.mark.parametrize("headers", ELSEWHERE, ids=names)
def test_a_request_of_a_page_of_another_site_is_refused_and_changes_nothing(space, visitor, headers):
    before, files = visitor.grid(), set(space.folder.rglob("*"))
    for method, path, options in calls_of(visitor):
        answered = status_of(visitor.http, method, path, headers=headers, **options)
        assert answered in (403, 404), (method, path)
    assert visitor.grid() == before
    assert {path for path in space.folder.rglob("*") if path.is_file()} <= files


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "own"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "own"},
    ],
    ids=names,
)
def test_requests_of_the_page_itself_and_of_scripts_are_answered(space, visitor, headers):
    headers = {name: space.url if value == "own" else value for name, value in headers.items()}
    for function, request in CALLS.items():
        answer = visitor.post("component_server", visitor.serving(function, **request), **headers)
        assert answer.status_code == 200
        assert "error" not in answer.json()
    assert visitor.http.get(f"/gradio_api/file={visitor.file['path']}", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://me-distill.hf.space", "X-Forwarded-Host": "me-distill.hf.space"},
        {"Origin": "https://me-distill.hf.space", "Host": "me-distill.hf.space"},
    ],
    ids=names,
)
def test_behind_a_proxy_the_servers_own_origin_is_the_one_that_the_proxy_names(proxied_space, new_stranger, headers):
    visitor = new_stranger(proxied_space)
    visitor.open_page()
    headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    assert "indices" in visitor.post("component_server", visitor.serving("edit", kind="look"), **headers).json()
    headers["Origin"] = "https://evil-space.hf.space"
    assert visitor.post("component_server", visitor.serving("edit", kind="look"), **headers).status_code == 403


@pytest.mark.parametrize("where", ["document", "iframe"])
def test_the_page_itself_can_be_opened_from_another_site(space, where):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": where}
    answer = httpx.get(space.url, headers=headers, timeout=PATIENCE)
    assert answer.status_code == 200
    assert "distill=" in answer.headers["set-cookie"]


@pytest.mark.parametrize("site", ["https://evil-space.hf.space", "null"])
def test_no_other_site_is_granted_anything(space, visitor, site):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for method, path, options in calls_of(visitor):
        for headers, asking in (({"Origin": site, **asked}, "OPTIONS"), ({"Origin": site}, method)):
            given = options if asking == method else {}
            with visitor.http.stream(asking, path, headers=headers, **given) as answer:
                granted = [name for name in answer.headers if name.startswith("access-control-")]
                assert not [name for name in granted if name.endswith(("-origin", "-credentials"))], (asking, path)
    for path in ("/", "/config", "/health", "/gradio_api/info"):
        answer = visitor.http.get(path, headers={"Origin": site})
        assert "access-control-allow-credentials" not in answer.headers
        assert answer.headers.get("access-control-allow-origin") != site


def kinds_of_answer(visitor):
    """One request for each kind of answer: method, path and options."""
    asset = re.search(r"assets/[\w.-]+\.js", visitor.http.get("/").text)[0]
    return {
        "page": ("GET", "/", {}),
        "config": ("GET", "/config", {}),
        "asset": ("GET", f"/{asset}", {}),
        "module": ("GET", f"/page/{VERSION}/{JOINED}", {}),
        "description": ("GET", "/gradio_api/info", {}),
        "file": ("GET", f"/gradio_api/file={visitor.file['path']}", {}),
        "call": ("POST", "/gradio_api/component_server", {"json": visitor.serving("edit", kind="look")}),
        "event": ("GET", f"/gradio_api/queue/data?session_hash={visitor.page}x", {}),
        "refusal": ("POST", "/gradio_api/component_server", {"content": b"{"}),
        "upload": ("POST", "/gradio_api/upload", {"content": b"{"}),
        "another's file": ("GET", "/gradio_api/file=/etc/passwd", {}),
        "health": ("GET", "/health", {}),
        "nothing": ("GET", "/there-is-nothing", {}),
        "another method": ("DELETE", "/config", {}),
    }


def test_every_answer_says_what_a_browser_may_do_with_it(visitor):
    for kind, (method, path, options) in kinds_of_answer(visitor).items():
        with visitor.http.stream(method, path, **options) as answer:
            headers = answer.headers
        assert headers.get("x-content-type-options") == "nosniff", kind
        assert headers.get("referrer-policy") in ("no-referrer", "same-origin", "strict-origin"), kind
        policy = {words.split()[0]: words.split()[1:] for words in headers["content-security-policy"].split(";")}
        assert set(policy["frame-ancestors"]) == {"'self'", "https://huggingface.co"}, kind
        assert policy["object-src"] == ["'none'"], kind
        assert policy["base-uri"] in (["'self'"], ["'none'"]), kind
        assert policy["form-action"] in (["'self'"], ["'none'"]), kind
        assert "*" not in [source for sources in policy.values() for source in sources], kind
        allowed = dict(part.strip().split("=", 1) for part in headers["permissions-policy"].split(","))
        assert allowed["microphone"] == allowed["midi"] == "(self)", kind
        assert {allowed[name] for name in ("camera", "geolocation")} == {"()"}, kind


@pytest.mark.parametrize("ranged", [None, *RANGES])
def test_no_answer_repeats_a_header_of_its_request(visitor, ranged):
    sent = {
        **dict.fromkeys(("User-Agent", "Authorization", "X-Custom", "Accept-Language", "From", "X-IP-Token"), SECRET),
        **{"If-None-Match": f'"{SECRET}"', "Referer": f"https://example.org/{SECRET}", "Accept": f"text/{SECRET}"},
        **{"Cookie": f"distill={visitor.cookie}; other={SECRET}", "X-Forwarded-Host": f"{SECRET}.example"},
        **{"Access-Control-Request-Headers": SECRET},
    }
    ranged = {"Range": ranged} if ranged else {}
    for kind, (method, path, options) in kinds_of_answer(visitor).items():
        with visitor.http.stream(method, path, headers=sent | ranged, **options) as answer:
            said = str(answer.headers.multi_items())
        assert SECRET not in said, kind
        assert visitor.cookie not in said, kind


def ranges_of(answer, content):
    """The ranges in an answer, each as its first and last position, after a check against the whole content."""
    kind = answer.headers["content-type"]
    if not kind.startswith("multipart/byteranges"):
        parts = [(answer.headers["content-range"], answer.content)]
    else:
        mark = re.search(r"boundary=\"?([^\";]+)", kind)[1].encode()
        pieces = [piece.strip(b"\r\n") for piece in answer.content.split(b"--" + mark)][1:-1]
        heads = [piece.split(b"\r\n\r\n", 1) for piece in pieces]
        parts = [(re.search(r"(?i)content-range: *(.*)", head.decode())[1].strip(), body) for head, body in heads]
    found = []
    for said, body in parts:
        first, last, size = map(int, re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", said).groups())
        assert (size, body) == (len(content), content[first : last + 1])
        found.append((first, last))
    return found


def test_a_range_is_answered_as_the_standard_says(visitor, tmp_path):
    content = bytes(range(256)) * 4
    (tmp_path / "sound.wav").write_bytes(content)
    path = f"/gradio_api/file={visitor.upload(tmp_path / 'sound.wav')[0]['path']}"
    end = len(content) - 1
    for asked, right in (
        ("bytes=0-10", [(0, 10)]), ("bytes=-5", [(end - 4, end)]), ("bytes=0-", [(0, end)]),
        ("bytes=1000-5000", [(1000, end)]), ("bytes=0-0,2-3", [(0, 0), (2, 3)]), ("bytes=-5000", [(0, end)]),
    ):  # fmt: skip
        answer = visitor.http.get(path, headers={"Range": asked})
        if "," in asked and answer.status_code == 200:  # a server may ignore a request for several ranges
            assert answer.content == content
            continue
        assert answer.status_code == 206, asked
        found = ranges_of(answer, content)
        assert found == right or ("," in asked and found == [(0, 3)]), asked  # a server may merge ranges
    unsatisfiable = visitor.http.get(path, headers={"Range": "bytes=999999999-"})
    assert unsatisfiable.status_code == 416
    assert unsatisfiable.headers["content-range"] in (f"bytes */{len(content)}", f"*/{len(content)}")
    for wrong in (
        *("bytes=5-2", "bytes=0-1-2", "abc", "bytes=", "bytes=-", "bytes=a-b", "lines=0-1", "bytes=--1", "bytes=0-1,"),
        *("bytes=0-0," * 200 + "1-1", "bytes=" + "9" * 400 + "-", "bytes=0-٣", "bytes=+1-2", "bytes=-0"),
    ):
        answer = visitor.http.get(path, headers={"Range": wrong.encode()})
        assert answer.status_code in (200, 206, 400, 416), wrong
        if answer.status_code == 200:
            assert answer.content == content
        if answer.status_code == 206:  # a server may answer the valid ones of several ranges
            assert "," in wrong, wrong
            ranges_of(answer, content)
    assert len(visitor.http.get(path, headers={"Range": "bytes=0-," * 500 + "0-"}).content) < 4 * len(content)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", None]
)
def test_a_call_that_does_not_say_that_it_is_json_is_refused_and_changes_nothing(visitor, kind):
    before = visitor.grid()
    for method, path, options in calls_of(visitor):
        if "json" in options:
            headers = {"Content-Type": kind} if kind else {}
            content = json.dumps(options["json"]).encode()
            assert status_of(visitor.http, method, path, content=content, headers=headers) == 415, path
    assert visitor.grid() == before


def test_a_call_may_name_the_encoding_of_its_json(visitor):
    content = json.dumps(visitor.serving("edit", kind="look"))
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = visitor.http.post("/gradio_api/component_server", content=content, headers=headers)
    assert "indices" in answer.json()
