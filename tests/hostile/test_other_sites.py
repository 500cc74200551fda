"""Distill and another Space in the Hub's page, over TLS, in a real browser: the other Space gets nothing of Distill."""

import json
import time
from contextlib import suppress

import pytest
from playwright.sync_api import Error

from tests.e2e.conftest import Hands
from tests.hostile.sites import APP, EVIL, EVIL_PAGE, HUB, HUB_PAGE, Site, TlsSpace, browser_flags
from tests.space.visiting import Visitor
from tests.waiting import PATIENCE

FETCH = """async ([path, init]) => {
    try {
        const given = {credentials: "include", signal: AbortSignal.timeout(4000), ...init};
        const answer = await fetch("https://APP" + path, given);
        let text = "";
        try { text = (await answer.text()).slice(0, 100000); } catch { }
        return {type: answer.type, status: answer.status, headers: [...answer.headers], text};
    } catch (error) { return {error: String(error)}; }
}""".replace("APP", APP)
"""A script of another site that sends a request, and returns the part of the answer that it can read."""

FORM = """async ([path, kind, fields]) => {
    const frame = document.createElement("iframe");
    frame.name = "answer" + Math.random();
    const form = document.createElement("form");
    Object.assign(form, {action: "https://APP" + path, method: "post", enctype: kind, target: frame.name});
    for (const [name, value] of fields) {
        const field = document.createElement("input");
        Object.assign(field, {name, value});
        form.append(field);
    }
    document.body.append(frame, form);
    const loaded = new Promise((done) => frame.addEventListener("load", done));
    form.submit();
    await Promise.race([loaded, new Promise((done) => setTimeout(done, 5000))]);
    try { return {text: frame.contentDocument.body.innerHTML}; } catch (error) { return {error: String(error)}; }
}""".replace("APP", APP)

ELEMENT = """([kind, path]) => new Promise((done) => {
    const element = document.createElement(kind);
    for (const event of ["load", "loadedmetadata"])
        element.addEventListener(event, () => done({loaded: element.naturalWidth || element.duration || true}));
    element.addEventListener("error", () => done({error: "error"}));
    setTimeout(() => done({error: "nothing came"}), 5000);
    element.src = "https://APP" + path;
    document.body.append(element);
})""".replace("APP", APP)


class InFrame:
    """A frame with the methods of a page, for helpers that take a page; its mouse is the window's."""

    def __init__(self, page, frame):
        self.mouse, self._frame = page.mouse, frame

    def __getattr__(self, name):
        return getattr(self._frame, name)


class Scene:
    """The Hub's page in a browser, with the visitor's Space and another Space in frames."""

    def __init__(self, context, space):
        self.page, self.space, self.requests, self.answers = context.new_page(), space, [], []
        self._listening = set()
        self.page.on("request", self._asked)
        self.page.on("requestfinished", lambda request: self._listening.discard(request))
        self.page.on("requestfailed", lambda request: self._listening.discard(request))
        self.page.on("response", lambda answer: self.answers.append(answer))
        self.page.goto(f"https://{HUB}/")
        self.app, self.evil = (self.page.frame(name) for name in ("app", "evil"))
        self.app.get_by_role("tab", name="Edit").click()
        self.hands = Hands(InFrame(self.page, self.app))
        self.app.locator("canvas.cells").wait_for()
        self.hands.samples()
        cookie = next(each["value"] for each in context.cookies() if each["name"] == "distill")
        self.visitor = Visitor(space.url, cookie, verify=False)
        self.visitor.page = self._page_name()
        self.wait_until_the_page_listens_no_more()

    def _asked(self, request):
        self.requests.append(request)
        if request.url.startswith(f"https://{APP}/gradio_api/queue/data"):
            self._listening.add(request)

    def wait_until_the_page_listens_no_more(self):
        """Wait for the end of the page's own calls: whichever listener of a page is first takes an answer."""
        end = time.monotonic() + PATIENCE
        while self._listening:
            assert time.monotonic() < end, "the page still listens"
            self.page.wait_for_timeout(20)

    def _page_name(self):
        """Gradio's name for the open page, read from its requests."""
        for request in self.requests:
            with suppress(ValueError, TypeError):
                if name := json.loads(request.post_data or "").get("session_hash"):
                    return name
        raise AssertionError("the page asked for nothing")

    def state(self):
        """The visitor's state that another site could have changed."""
        self.wait_until_the_page_listens_no_more()
        value = self.visitor.open_page()
        clips = str(self.visitor.call("arrive", ""))
        return self.visitor.indices.tolist(), value["history"], clips, self.space.health()["trainings"]

    def files(self):
        """Paths of all files on the server; the server itself deletes some of them with time."""
        return {str(path) for path in self.space.folder.rglob("*") if path.is_file()}

    def answered(self, since):
        """Status and headers of the server's answers to the other Space, as the browser itself saw them."""
        self.page.wait_for_timeout(200)
        ours = [answer for answer in self.answers[since:] if answer.url.startswith(f"https://{APP}/")]
        return [(answer.status, answer.all_headers()) for answer in ours if self._is_evils(answer)]

    def _is_evils(self, answer):
        with suppress(Error):  # raised if the frame is gone again
            return answer.frame is not self.app
        return True


@pytest.fixture(scope="module")
def scene(start_space, new_browser, tmp_path_factory, six_clips):
    space = start_space(TlsSpace)
    folder = tmp_path_factory.mktemp("sites")
    evil, hub = Site(folder / "evil", EVIL_PAGE), Site(folder / "hub", HUB_PAGE)
    browser = new_browser(*browser_flags(**{APP: space.port, EVIL: evil.port, HUB: hub.port}))
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(1000 * PATIENCE)
    scene = Scene(context, space)
    scene.sound = scene.visitor.upload(six_clips[0])[0]["path"]
    scene.visitor.call("add_clips", scene.visitor.upload(*six_clips))
    scene.visitor.open_page()
    scene.exported = scene.visitor.call("export")[0][0]["path"]
    yield scene
    scene.visitor.close()
    context.close()
    for site in (evil, hub):
        site.close()


def test_in_the_hubs_page_the_app_works(scene):
    code = scene.hands.another_code(1, 2, 1)
    scene.app.get_by_role("button", name="Timbre").first.click()
    before = scene.hands.samples()
    scene.hands.paint(2, 1, code)
    scene.hands.settled()
    after = scene.hands.samples()
    assert (before != after).any()
    scene.wait_until_the_page_listens_no_more()
    scene.visitor.open_page()
    assert scene.visitor.indices.tolist() == scene.hands.indices().tolist()
    assert (scene.visitor.edited_sound()[: len(after)] != 0).any()
    assert f"secret-{0}.wav" in scene.visitor.call("arrive", "")[1]


def test_the_compared_state_does_not_change_by_itself(scene):
    nothing_came_of_it(scene, looked_at(scene), [])


def bodies(scene):
    """Requests of another Space that knows all of the visitor's names: path and JSON."""
    visitor = scene.visitor
    event = {"session_hash": visitor.page, "fn_index": visitor.calls["train"], "event_id": "0" * 32}

    def join(name, *data):
        return "/gradio_api/queue/join", {
            "data": list(data), "fn_index": visitor.calls[name], "session_hash": visitor.page
        }  # fmt: skip

    def serve(name, **request):
        data = {"work": visitor.work, **request}
        body = {"data": data, "component_id": visitor.grid_id, "fn_name": name, "session_hash": visitor.page}
        return "/gradio_api/component_server", body

    fill = {"levels": [0, 2], "rows": [0, 7], "columns": [0, 5], "code": 1}
    return {
        "look": serve("edit", kind="look"),
        "change codes": serve("edit", kind="set", **fill),
        "undo": serve("edit", kind="undo"),
        "hear": serve("sound", track="edited", piece=0),
        "change by the queue": join("set_codes", 0, 0, 7, 0, 5, 1),
        "export": join("export"),
        "open an example": join("explore_example", "loop_amen"),
        "forget the clips": join("add_clips", None),
        "train": join("train", 2, 8, 0.25, 0.1, True),
        "stop": join("stop"),
        "change by name": ("/gradio_api/call/set_codes", {"data": [0, 0, 7, 0, 5, 1], "session_hash": visitor.page}),
        "cancel": ("/gradio_api/cancel", event),
        "reset": ("/gradio_api/reset", event),
        "leave": ("/leave", {}),
    }


TRIED = [
    *("look", "change codes", "undo", "hear", "change by the queue", "export", "open an example", "forget the clips"),
    *("train", "stop", "change by name", "cancel", "reset", "leave"),
]


def looked_at(scene):
    """The state, the files and the number of answers before an attempt."""
    return scene.state(), scene.files(), len(scene.answers)


def nothing_came_of_it(scene, before, seen):
    """Check that the other Space could read nothing, and that nothing on the server has changed."""
    for each in seen:
        assert each.get("type") in (None, "opaque", "error"), each
        assert not each.get("headers"), each
        assert not each.get("text"), each
    state, files, since = before
    for status, headers in scene.answered(since):
        assert status in (403, 404, 405, 415), status
        assert "access-control-allow-credentials" not in headers
        assert headers.get("access-control-allow-origin") in (None, f"https://{APP}")
        assert scene.visitor.cookie not in str(headers)
    time.sleep(0.3)  # the server would have done the requested change by now
    assert scene.state() == state
    assert scene.files() <= files
    assert {scene.sound, scene.exported} <= scene.files()


@pytest.mark.parametrize("tried", TRIED)
def test_the_other_space_in_the_page_reads_and_changes_nothing_by_its_script(scene, tried):
    path, body = bodies(scene)[tried]
    before = looked_at(scene)
    seen = []
    for mode in ("cors", "no-cors"):
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            init = {"method": "POST", "mode": mode, "body": json.dumps(body), "headers": {"Content-Type": kind}}
            seen.append(scene.evil.evaluate(FETCH, [path, init]))
    nothing_came_of_it(scene, before, seen)


@pytest.mark.parametrize("tried", ["change codes", "change by the queue", "train", "leave"])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_the_other_space_in_the_page_changes_nothing_by_a_form(scene, tried, kind):
    path, body = bodies(scene)[tried]
    before = looked_at(scene)
    text = json.dumps(body)
    fields = [[f'{text[:-1]}, "rest": "' if body else '{"rest": "', '"}']]  # as text/plain, it is JSON with an "="
    if kind != "text/plain":
        fields = [["data", json.dumps(body.get("data"))], *([key, str(value)] for key, value in body.items())]
    seen = [scene.evil.evaluate(FORM, [path, kind, fields])]
    nothing_came_of_it(scene, before, seen)


def test_the_other_space_in_the_page_uploads_nothing(scene):
    before = looked_at(scene)
    upload = """async (mode) => {
        const form = new FormData();
        form.append("files", new Blob(["RIFF"]), "evil.wav");
        const init = {method: "POST", credentials: "include", mode, body: form};
        try { const answer = await fetch("https://APP/gradio_api/upload", init); return {text: await answer.text()}; }
        catch (error) { return {error: String(error)}; }
    }""".replace("APP", APP)
    seen = [scene.evil.evaluate(upload, mode) for mode in ("cors", "no-cors")]
    nothing_came_of_it(scene, before, seen)


def test_the_other_space_in_the_page_reads_no_file_and_no_answer(scene):
    before = looked_at(scene)
    paths = [f"/gradio_api/file={path}" for path in (scene.sound, scene.exported)]
    paths += [
        f"/gradio_api/queue/data?session_hash={scene.visitor.page}",
        f"/gradio_api/heartbeat/{scene.visitor.page}",
    ]
    seen = []
    for path in paths:
        seen += [scene.evil.evaluate(FETCH, [path, {"mode": mode}]) for mode in ("cors", "no-cors")]
    for ranged in ("bytes=0-10", "bytes=5-2", "bytes=-5", "bytes=0-0,2-3"):
        for mode in ("cors", "no-cors"):
            seen.append(scene.evil.evaluate(FETCH, [paths[0], {"mode": mode, "headers": {"Range": ranged}}]))
    for kind in ("img", "audio", "video", "script"):
        seen.append(scene.evil.evaluate(ELEMENT, [kind, paths[0]]))
        assert "loaded" not in seen[-1], kind
    nothing_came_of_it(scene, before, seen)


def test_the_other_space_cannot_frame_the_app_itself(scene):
    frames = len(scene.page.frames)
    scene.evil.evaluate(f"() => {{ const it = document.createElement('iframe'); it.src = 'https://{APP}/'; "
                        "document.body.append(it); return new Promise((done) => { it.onload = done; }); }")  # fmt: skip
    framed = scene.page.frames[frames]
    scene.page.wait_for_timeout(500)
    shown = ""
    with suppress(Error):
        shown = framed.evaluate("() => document.title + document.body.innerText")
    assert "neural codec" not in shown


def test_the_cookie_cannot_be_read_by_any_script(scene):
    assert "distill" not in scene.app.evaluate("() => document.cookie")
    assert "distill" not in scene.evil.evaluate("() => document.cookie")
