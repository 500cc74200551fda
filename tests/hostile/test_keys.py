"""The cookie is the only key to a visit; no other name opens anything for another visitor; a visit can be ended."""

import json
import secrets

import httpx
import pytest

from tests.hostile.strangers import CALLS, Stranger, answered, closing, first_event, half_upload
from tests.waiting import PATIENCE, until


@pytest.fixture(scope="module")
def victim(space, addresses, six_clips):
    """A visitor with an uploaded clip, an edit of it, files and a set of clips to train on."""
    victim = Stranger(space.url, addresses.new())
    victim.open_clip(six_clips[1])
    victim.paint(code=7)
    victim.files = victim.call("export")[0]
    victim.call("add_clips", victim.upload(*six_clips))
    victim.open_page()
    yield victim
    victim.close()


@pytest.fixture(params=["another browser", "without a cookie"])
def other(request, space, new_stranger, addresses):
    """Another visitor, with another cookie or with none, who knows every name of the victim's clips and files."""
    other = new_stranger(space)
    other.open_page()
    if request.param == "without a cookie":
        other.http.cookies.clear()
        other.page = secrets.token_hex(6)
    return other


def refused(answer):
    """Whether an answer of any kind is a refusal."""
    if answer.status_code in (400, 401, 403, 404, 410):
        return True
    said = answer.json()
    return answer.status_code == 200 and isinstance(said, dict) and "error" in said and len(said) <= 2


@pytest.mark.parametrize("function", [*CALLS, "look"])
def test_the_secret_of_a_clip_opens_it_for_nobody_else(victim, other, function):
    before = victim.grid()
    request = {"kind": "look"} if function == "look" else CALLS[function]
    body = victim.serving("edit" if function == "look" else function, **request)
    for page in (other.page, victim.page):

        def answered(page=page):
            answer = other.http.post("/gradio_api/component_server", json=body | {"session_hash": page})
            return answer if answer.status_code != 429 else None  # earlier calls are still being answered

        answer = until(answered)
        assert refused(answer), answer.text[:200]
    assert victim.grid() == before


@pytest.mark.parametrize("component", ["explore-player", "explore-codebook"])
def test_the_secret_of_a_clip_opens_it_for_nobody_else_in_explore(victim, other, component):
    number = next(each["id"] for each in victim.config["components"] if each["props"].get("elem_id") == component)
    request = {"explore-player": {"track": 0, "piece": 0}, "explore-codebook": {"level": 0, "code": 3}}[component]
    name = {"explore-player": "sound", "explore-codebook": "audition"}[component]
    body = {"component_id": number, "fn_name": name, "data": {"work": victim.work, **request}}
    mine = victim.http.post("/gradio_api/component_server", json=body | {"session_hash": victim.page})
    assert "flac" in mine.json()
    assert refused(other.http.post("/gradio_api/component_server", json=body | {"session_hash": other.page}))


def test_a_clip_of_the_strip_is_heard_and_seen_by_nobody_else(victim, other):
    number = next(each["id"] for each in victim.config["components"] if each["props"].get("elem_id") == "strip")
    body = {"component_id": number, "fn_name": "strip_sound", "data": {"id": victim.work, "track": "original"}}
    mine, theirs = (
        lambda body, asker=asker: asker.http.post(
            "/gradio_api/component_server", json=body | {"session_hash": asker.page}
        ).json()
        for asker in (victim, other)
    )
    assert "flac" in mine(body)
    assert "no longer in the strip" in theirs(body)["error"]
    body |= {"fn_name": "strip_pictures", "data": {"ids": [victim.work]}}
    assert mine(body)["pictures"][0]
    assert theirs(body) == {"pictures": [None]}
    many = theirs(body | {"data": {"ids": ["loop_amen"] * 33}})
    assert "up to 32 identifiers" in many["error"]


def test_a_recording_is_heard_seen_and_cut_by_nobody_else(victim, other):
    recording = next(clip for clip in victim.call("clips")[0] if clip["group"] == "yours")  # the set was never cut
    number = next(each["id"] for each in victim.config["components"] if each["props"].get("elem_id") == "cutter")
    for name, more in (("cut_sound", {"start": 0, "stop": 9_000}), ("cut_waveform", {}), ("cut_found", {})):
        body = {"component_id": number, "fn_name": name, "data": {"id": recording["id"], **more}}
        mine, theirs = (
            asker.http.post("/gradio_api/component_server", json=body | {"session_hash": asker.page}).json()
            for asker in (victim, other)
        )
        assert "error" not in mine
        assert "no longer on the server" in theirs["error"]


WITH_A_SECOND_CLIP = {"swap": {}, "blend": {"amount": 1.0}}


@pytest.mark.parametrize("kind", WITH_A_SECOND_CLIP)
def test_a_clip_of_somebody_else_is_no_second_clip(space, victim, new_stranger, kind):
    other = new_stranger(space)
    other.open_page()
    region = {"levels": [0, 0], "rows": [0, 7], "columns": [0, 0]}
    asked = {"kind": kind, "second": victim.work, **region, **WITH_A_SECOND_CLIP[kind]}
    before, mine = victim.grid(), other.grid()
    assert refused(other.post("component_server", other.serving("edit", **asked)))
    assert (victim.grid(), other.grid()) == (before, mine)


@pytest.mark.parametrize("kind", WITH_A_SECOND_CLIP)
def test_a_clip_of_ones_own_is_a_second_clip(space, victim, new_stranger, kind):
    """The requests of the test above are valid: they work for the clip's own visitor."""
    example = new_stranger(space, cookie=victim.cookie)  # another page of the same browser
    example.call("explore_example", "loop_amen")
    example.open_page()
    region = {"levels": [0, 0], "rows": [0, 7], "columns": [0, 0]}
    asked = {"kind": kind, "second": victim.work, **region, **WITH_A_SECOND_CLIP[kind]}
    assert "error" not in example.serve("edit", **asked)
    assert example.serve("edit", kind="undo")["edits"] == 0


def test_the_secret_of_a_clip_selects_it_for_nobody_else(space, victim, new_stranger):
    other = new_stranger(space)
    with pytest.raises(AssertionError):
        other.call("explore_example", victim.work)
    other.open_page()
    assert other.work != victim.work


def test_the_name_of_a_page_opens_it_for_nobody_else(victim, other):
    before = victim.grid()
    event = {"session_hash": victim.page, "fn_index": 0, "event_id": "0" * 32}
    join = {"data": [0, 0, 7, 0, 3, 11], "fn_index": victim.calls["set_codes"], "session_hash": victim.page}
    for path, body in (
        ("queue/join", join), ("call/edit_listen", {"data": [], "session_hash": victim.page}),
        ("call/v2/edit_listen", {"session_hash": victim.page}), ("cancel", event),
    ):  # fmt: skip
        assert refused(other.http.post(f"/gradio_api/{path}", json=body)), path
    for path in (f"queue/data?session_hash={victim.page}", f"heartbeat/{victim.page}"):
        with other.http.stream("GET", f"/gradio_api/{path}") as answer:
            assert answer.status_code == 403
    assert victim.grid() == before


def asked_by_name(http, name="edit_listen", **more):
    answer = http.post(f"/gradio_api/call/{name}", json={"data": [], **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["event_id"]


@pytest.mark.parametrize("version", ["call", "call/v2"])
def test_the_answer_to_a_call_is_for_who_made_it(victim, other, version):
    event = asked_by_name(victim.http, session_hash=victim.page)
    with other.http.stream("GET", f"/gradio_api/{version}/edit_listen/{event}") as stolen:
        assert stolen.status_code in (403, 404)
    with victim.http.stream("GET", f"/gradio_api/{version}/edit_listen/{event}") as own:
        name, data = first_event(own.iter_lines())
    assert name == "complete"
    assert data[0]["flac"]


@pytest.mark.parametrize("path", ["cancel", "reset"])
def test_a_call_is_ended_by_nobody_else(victim, other, path):
    event = asked_by_name(victim.http, session_hash=victim.page)
    for page in (victim.page, other.page, event):
        body = {"event_id": event, "session_hash": page, "fn_index": victim.calls["edit_listen"]}
        assert refused(other.http.post(f"/gradio_api/{path}", json=body)), page
    with victim.http.stream("GET", f"/gradio_api/call/edit_listen/{event}") as own:
        assert first_event(own.iter_lines())[0] == "complete"


def test_a_script_without_a_cookie_calls_by_name_as_before(space, addresses):
    transport = httpx.HTTPTransport(local_address=addresses.new())
    with httpx.Client(base_url=space.url, transport=transport, timeout=PATIENCE) as http:
        event = asked_by_name(http)
        with http.stream("GET", f"/gradio_api/call/edit_listen/{event}", timeout=PATIENCE) as answer:
            name, data = first_event(answer.iter_lines())
    assert name == "complete"
    assert data[0]["flac"]


def test_the_progress_of_an_upload_is_told_to_nobody_else(space, victim, other):
    own = f"Cookie: distill={victim.cookie}"
    sending = half_upload(space.url, address=victim.address, announced=5000, headers=[own], ticket="ticket-1")
    with closing([sending]):
        assert answered([sending], seconds=0.5) == [""]  # it waits for more
        with other.http.stream("GET", "/gradio_api/upload_progress?upload_id=ticket-1") as told:
            assert told.status_code in (403, 404) or "secret-name" not in _some_of(told)


def test_the_progress_of_an_upload_is_told_to_its_sender(space, victim):
    own = f"Cookie: distill={victim.cookie}"
    sending = half_upload(space.url, address=victim.address, announced=5000, headers=[own], ticket="ticket-2")
    with closing([sending]), victim.http.stream("GET", "/gradio_api/upload_progress?upload_id=ticket-2") as told:
        assert told.status_code == 200
        assert "secret-name" in _some_of(told)


def _some_of(answer):
    """The first part of a stream."""
    said = ""
    try:
        for line in answer.iter_lines():
            said += line
            if "orig_name" in said or "done" in said:
                break
    except httpx.TimeoutException:
        pass
    return said


def test_a_file_is_served_to_nobody_else(victim, other):
    for file in victim.files:
        assert victim.http.get(f"/gradio_api/file={file['path']}").status_code == 200
        answer = other.http.get(f"/gradio_api/file={file['path']}")
        assert answer.status_code == 404
        for name in ("explore", "load_codec", "second_clip", "open_grid", "add_clips"):
            given = {"path": file["path"], "meta": {"_type": "gradio.FileData"}}
            data = [[given]] if name == "add_clips" else [given]
            body = {"data": data, "fn_index": other.calls[name], "session_hash": other.page}
            assert other.http.post("/gradio_api/queue/join", json=body).status_code == 403


def test_the_name_of_a_training_gives_nothing_to_anybody_else(space, victim, new_stranger):
    join = victim.join("train", 2, 8, 0.25, 5, True)
    assert join.status_code == 200
    name = next(path.name for path in _jobs(space))
    other = new_stranger(space)
    live, listed, *_ = other.call("arrive", name)
    assert "secret-" not in str(listed)
    assert f"data-training='{name}'" not in str(live)
    for call in ("use_trained", "stop", "resume"):
        with pytest.raises(AssertionError, match="There is no training yet"):
            other.call(call)
    victim.stop()


def _jobs(space):
    """The folders of trainings, once there is one."""
    return until(lambda: [path for path in (space.folder / "jobs").iterdir() if path.is_dir()])


def test_leaving_ends_the_visit_at_once_and_its_cookie_opens_nothing(start_space, new_stranger, six_clips):
    space = start_space()
    victim, bystander = new_stranger(space), new_stranger(space)
    bystander.open_page()
    before = bystander.paint(code=5)
    victim.open_clip(six_clips[1])
    victim.paint(code=7)
    files = victim.call("export")[0]
    victim.call("add_clips", victim.upload(*six_clips))
    assert victim.join("train", 2, 8, 0.25, 5, True).status_code == 200
    assert _jobs(space)
    body, cookie, page = victim.serving("edit", kind="look"), victim.cookie, victim.page
    left = victim.http.post("/leave", json={})
    assert left.status_code == 200
    ended = [each for each in left.headers.get_list("set-cookie") if each.startswith("distill=")]
    assert len(ended) == 1
    assert "Max-Age=0" in ended[0] or "01 Jan 1970" in ended[0]
    until(lambda: not [path for path in (space.folder / "jobs").iterdir() if path.is_dir()])  # it may be on its way
    assert not [path for name in ("files", "sets") for path in (space.folder / name).rglob("secret-*")]
    again = new_stranger(space, cookie=cookie)
    again.page = page
    assert refused(again.http.post("/gradio_api/component_server", json=body))
    for file in files:
        assert again.http.get(f"/gradio_api/file={file['path']}").status_code == 404
    live, listed, *_ = again.call("arrive", "")
    assert "secret-" not in str(listed)
    assert "data-training" not in str(live)
    with pytest.raises(AssertionError, match="There is no training yet"):
        again.call("use_trained")
    assert len(again.open_page()["history"]) == 0
    assert bystander.serve("edit", kind="undo")["edits"] == before["edits"] - 1


def test_leaving_needs_the_cookie_and_ends_nobody_elses_visit(victim, other):
    before = victim.grid()
    assert other.http.post("/leave", json={"session_hash": victim.page}).status_code in (200, 403)
    assert other.http.post("/leave", json={}).status_code in (200, 400)  # 400: without a cookie there is no visit
    assert victim.grid() == before


def test_the_page_has_a_button_that_leaves(space, new_browser, new_stranger):
    context = new_browser().new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(1000 * PATIENCE)
    page = context.new_page()
    page.goto(space.url)
    page.get_by_role("tab", name="Edit").click()
    page.locator("canvas.cells").wait_for()
    cookie = next(each["value"] for each in context.cookies() if each["name"] == "distill")
    visitor = new_stranger(space, cookie=cookie)
    visitor.open_page()
    visitor.paint(code=7)
    body = visitor.serving("edit", kind="look")
    # A context that is closed while its page is being opened anew may never close.
    with page.expect_event("load"), page.expect_response(lambda answer: answer.url.endswith("/leave")) as left:
        page.get_by_role("button", name="Leave and delete what is mine").click()
        page.get_by_role("button", name="Press again").click()
    assert left.value.status == 200
    until(lambda: cookie not in json.dumps(context.cookies()))
    assert refused(visitor.http.post("/gradio_api/component_server", json=body))
    context.close()
